package ari

import (
	"slices"

	"firstline/call/calltest"
)

// speaker is a far end of this fake.
type speaker interface{ channel() *fakeChannel }

func (p *fakeFar) channel() *fakeChannel { return p.c }

// HearsVoice goes by who is in a bridge with whom, and by snoops.
func (p *fakeFar) HearsVoice(of calltest.Far) bool {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	return slices.Contains(p.f.voices(p.c), of.(speaker).channel())
}

// voices is who is heard on a channel; the mutex is held.
func (f *fakePBX) voices(c *fakeChannel) []*fakeChannel {
	if c.ended {
		return nil
	}
	heard := f.beside(c)
	for _, s := range f.channels {
		if s.spies == c.ID && s.whisper == "out" && !s.ended {
			heard = append(heard, f.beside(s)...)
		}
	}
	return heard
}

// beside is who is heard from the bridges that a channel is in.
func (f *fakePBX) beside(c *fakeChannel) []*fakeChannel {
	var heard []*fakeChannel
	for _, b := range f.bridges {
		if !slices.Contains(b.Channels, c.ID) {
			continue
		}
		for _, id := range b.Channels {
			o := f.channels[id]
			switch {
			case id == c.ID || o == nil || o.ended || o.held:
			case o.spies == "":
				heard = append(heard, o)
			case f.channels[o.spies] != nil:
				heard = append(heard, f.spied(o)...)
			}
		}
	}
	return heard
}

// spied is who is heard by a snoop: the channel's own voice, and what it hears.
func (f *fakePBX) spied(snoop *fakeChannel) []*fakeChannel {
	of := f.channels[snoop.spies]
	var heard []*fakeChannel
	if snoop.spy != "out" && !of.held {
		heard = append(heard, of)
	}
	if snoop.spy != "in" {
		heard = append(heard, f.beside(of)...)
	}
	return heard
}
