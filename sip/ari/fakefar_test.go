package ari

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/sip/ari/asterisk"
)

// The contract's media, as the fake plays them.
type fakeSounds struct{}

func (fakeSounds) URI(m call.Media) (string, time.Duration, bool) {
	switch m {
	case "prompt:one":
		return "sound:2s", 2 * time.Second, true
	case "prompt:short":
		return "sound:250ms", 250 * time.Millisecond, true
	case "music:default":
		return "moh:default", 0, true
	}
	return "", 0, false
}

func mediaOf(uri string) call.Media {
	switch uri {
	case "sound:2s":
		return "prompt:one"
	case "sound:250ms":
		return "prompt:short"
	}
	return ""
}

// fakeFar is the far end of a channel.
type fakeFar struct {
	f *fakePBX
	c *fakeChannel
}

// dialIn phones in through a trunk. While nobody is connected the dialplan goes on
// to its fallback.
func (f *fakePBX) dialIn(exten string, args ...string) *fakeFar {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.newChannel("", "PJSIP/trunk", "Ring")
	c.inbound, c.Caller.Number, c.Dialplan.Exten = true, "+4930123", exten
	if f.attached {
		f.enter(c, args...)
	} else {
		f.fellBack = append(f.fellBack, c.ID)
	}
	return &fakeFar{f, c}
}

func (p *fakeFar) Press(digits string) {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	for _, d := range digits {
		p.f.emit(asterisk.ChannelDtmfReceived{Head: p.f.head("ChannelDtmfReceived"), Digit: string(d), Duration: 100, Channel: p.c.Channel})
	}
}

func (p *fakeFar) Hangup() {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	p.f.hangUp(p.c, q850Normal, 0, false)
}

func (p *fakeFar) Ended() (call.Reason, bool) {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	reason := call.Hangup
	if p.c.State != "Up" {
		reason = unanswered(p.c.cause, 0, true).Reason
	}
	return reason, p.c.ended
}

// SentTo is where the far end was asked to go, as fakeConfig's nodes say it.
func (p *fakeFar) SentTo() string {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	number, _ := parseTemplate("PJSIP/sip:{number}@fake").read(p.c.sentTo)
	return number
}

func (p *fakeFar) Hears(m call.Media) bool {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	return p.f.hears(p.c) == m
}

// hears is what the far end of a channel hears now; the mutex is held.
func (f *fakePBX) hears(c *fakeChannel) call.Media {
	switch {
	case c.ended:
		return ""
	case c.play != nil:
		return mediaOf(c.play.now())
	}
	for _, b := range f.bridges {
		if !slices.Contains(b.Channels, c.ID) || len(b.Channels) < 2 {
			continue
		}
		for _, id := range b.Channels {
			if o := f.channels[id]; id != c.ID && o.held {
				return "music:default"
			}
		}
		return "talk"
	}
	if c.music != "" {
		return "music:default"
	}
	return ""
}

// fakePhone is a registered phone; it rings until it is told what to do.
type fakePhone struct {
	*fakeFar // its last call
	name     string
	ring     *fakeChannel // that rings or talks
	offers   int
}

func (f *fakePBX) phone(name string) *fakePhone {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &fakePhone{name: name, fakeFar: &fakeFar{f: f, c: &fakeChannel{}}}
	f.phones[name] = p
	return p
}

// rings takes an INVITE; the mutex is held.
func (p *fakePhone) rings(f *fakePBX, c *fakeChannel, limit time.Duration) {
	p.offers++
	if p.ring != nil {
		f.hangUp(c, q850Busy, 486, false)
		return
	}
	p.ring, p.c = c, c
	time.AfterFunc(5*time.Millisecond, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !c.ended && c.State == "Down" {
			c.State = "Ringing"
			f.emit(asterisk.ChannelStateChange{Head: f.head("ChannelStateChange"), Channel: c.Channel})
			f.emit(asterisk.Dial{Head: f.head("Dial"), Status: "RINGING", Peer: c.Channel})
		}
	})
	if limit > 0 {
		time.AfterFunc(limit, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			if c.State != "Up" {
				f.hangUp(c, q850NoAnswer, 480, true)
			}
		})
	}
}

func (p *fakePhone) Device() call.DeviceID { return call.DeviceID(p.name) }

func (p *fakePhone) Ringing() bool {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	return p.ring != nil && p.ring.State == "Ringing"
}

func (p *fakePhone) Answer() {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	c := p.ring
	if c == nil || c.State == "Up" {
		return
	}
	c.State = "Up"
	p.f.emit(asterisk.ChannelStateChange{Head: p.f.head("ChannelStateChange"), Channel: c.Channel})
	p.f.emit(asterisk.Dial{Head: p.f.head("Dial"), Status: "ANSWER", Peer: c.Channel})
}

func (p *fakePhone) Refuse() {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	if p.ring != nil {
		p.f.hangUp(p.ring, q850Busy, 486, false)
	}
}

// hangUpCall ends the call that rings or talks, if there is one.
func (p *fakePhone) hangUpCall() {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	switch c := p.ring; {
	case c == nil:
	case c.State == "Up":
		p.f.hangUp(c, q850Normal, 0, false)
	default:
		p.f.hangUp(c, q850Rejected, 603, false)
	}
}

func (p *fakePhone) Hold()   { p.hold(true) }
func (p *fakePhone) Unhold() { p.hold(false) }

func (p *fakePhone) hold(held bool) {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	c := p.c
	if c.held = held; held {
		p.f.emit(asterisk.ChannelHold{Head: p.f.head("ChannelHold"), Channel: c.Channel})
	} else {
		p.f.emit(asterisk.ChannelUnhold{Head: p.f.head("ChannelUnhold"), Channel: c.Channel})
	}
}

// process is one front end on the fake.
type process struct {
	*FrontEnd
	t     *testing.T
	pbx   *fakePBX
	inbox *fakeInbox
	desks int
	die   func() // as kill -9 does: nothing more comes from it
}

type fakeInbox struct {
	mu sync.Mutex // guards h
	h  call.Handler
}

func (i *fakeInbox) ServeCall(ctx context.Context, c *call.Call) {
	i.mu.Lock()
	h := i.h
	i.mu.Unlock()
	if h != nil {
		h.ServeCall(ctx, c)
	}
}

func (p *process) Serve(h call.Handler) {
	p.inbox.mu.Lock()
	defer p.inbox.mu.Unlock()
	p.inbox.h = h
}

func (p *process) PhoneIn(*testing.T) calltest.Far { return p.pbx.dialIn("1000") }

func (p *process) Desk(*testing.T) calltest.DeskPhone {
	p.desks++
	return p.pbx.phone(fmt.Sprintf("200%d", p.desks))
}

// startProcess connects a front end to the fake; run has it serve calls, too.
func startProcess(t *testing.T, f *fakePBX, change func(*Config)) *process {
	t.Helper()
	cfg := fakeConfig(t, f)
	if change != nil {
		change(&cfg)
	}
	fe, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := fe.Connect(ctx); err != nil {
			t.Errorf("connect: %v", err)
		}
	})
	p := &process{FrontEnd: fe, t: t, pbx: f, inbox: &fakeInbox{}, die: func() { cancel(); wg.Wait() }}
	t.Cleanup(p.die)
	return p
}
