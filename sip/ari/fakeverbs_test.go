package ari

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"firstline/sip/ari/asterisk"
)

var _ PBX = (*fakePBX)(nil)

func (f *fakePBX) Info(ctx context.Context) (i asterisk.Info, err error) {
	err = f.do(ctx, "info", func() error { i.Status.Started.Time = f.started; return nil })
	return i, err
}

func (f *fakePBX) Subscribe(ctx context.Context, _ ...string) error {
	return f.do(ctx, "subscribe", func() error { return nil })
}

func (f *fakePBX) Endpoints(ctx context.Context, _ string) (all []asterisk.Endpoint, err error) {
	err = f.do(ctx, "endpoints", func() error {
		for name := range f.phones {
			all = append(all, asterisk.Endpoint{Technology: "PJSIP", Resource: name, State: "online"})
		}
		return nil
	})
	return all, err
}

func (f *fakePBX) Channels(ctx context.Context) (all []asterisk.Channel, err error) {
	err = f.do(ctx, "channels", func() error {
		for _, c := range f.channels {
			all = append(all, c.Channel)
		}
		return nil
	})
	return all, err
}

func (f *fakePBX) Channel(ctx context.Context, id string) (got asterisk.Channel, err error) {
	err = f.do(ctx, "channel", func() error {
		c := f.channels[id]
		if c == nil {
			return asterisk.ErrNotFound
		}
		got = c.Channel
		return nil
	})
	return got, err
}

func (f *fakePBX) Create(ctx context.Context, cr asterisk.Create) (got asterisk.Channel, err error) {
	err = f.do(ctx, "create", func() error {
		if c := f.channels[cr.ID]; c != nil {
			got = c.Channel
			return nil
		}
		p := f.phones[strings.TrimPrefix(cr.Endpoint, "PJSIP/")]
		if p == nil {
			return &asterisk.StatusError{Status: 500, Message: "Allocation failed"}
		}
		c := f.newChannel(cr.ID, cr.Endpoint, "Down")
		c.phone = p
		got = c.Channel
		f.enter(c)
		return nil
	})
	return got, err
}

func (f *fakePBX) Dial(ctx context.Context, id, _ string, timeout time.Duration) error {
	return f.do(ctx, "dial", func() error {
		c, err := f.channel(id)
		if err != nil {
			return err
		}
		f.dials[id]++
		if c.dialled { // as Asterisk does: it hangs up the first attempt
			f.hangUp(c, 16, 0, false)
			return nil
		}
		c.dialled = true
		f.emit(asterisk.Dial{Head: f.head("Dial"), Peer: c.Channel})
		c.phone.rings(f, c, timeout)
		return nil
	})
}

func (f *fakePBX) Answer(ctx context.Context, id string) error {
	return f.verb(ctx, "answer", id, func(c *fakeChannel) error { c.State = "Up"; return nil })
}

func (f *fakePBX) Ring(ctx context.Context, id string) error {
	return f.verb(ctx, "ring", id, func(*fakeChannel) error { return nil })
}

func (f *fakePBX) verb(ctx context.Context, op, id string, do func(*fakeChannel) error) error {
	return f.do(ctx, op, func() error {
		c, err := f.channel(id)
		if err != nil {
			return err
		}
		return do(c)
	})
}

func (f *fakePBX) Hangup(ctx context.Context, id string, q850 int, _ string) error {
	return f.do(ctx, "hangup", func() error {
		if c := f.channels[id]; c != nil {
			f.hangUp(c, q850, 0, true)
		}
		return nil
	})
}

func (f *fakePBX) Continue(ctx context.Context, id, to, _ string, _ int, _ string) error {
	return f.verb(ctx, "continue", id, func(c *fakeChannel) error {
		f.leaveBridges(id)
		f.stopPlay(c, "done")
		c.Dialplan = asterisk.Dialplan{Context: to, AppName: "Queue"}
		f.fellBack = append(f.fellBack, id)
		f.emit(asterisk.StasisEnd{Head: f.head("StasisEnd"), Channel: c.Channel})
		return nil
	})
}

func (f *fakePBX) Redirect(ctx context.Context, id, endpoint string) error {
	return f.verb(ctx, "redirect", id, func(c *fakeChannel) error { c.sentTo = endpoint; return nil })
}

func (f *fakePBX) TransferProgress(ctx context.Context, id, _ string) error {
	return f.verb(ctx, "transfer", id, func(*fakeChannel) error { return nil })
}

func (f *fakePBX) Play(ctx context.Context, id, name string, media ...string) (asterisk.Playback, error) {
	err := f.verb(ctx, "play", id, func(c *fakeChannel) error {
		if c.play != nil {
			return errors.New("fake: one plays already, and this would wait behind it")
		}
		p := &fakePlay{Playback: asterisk.Playback{ID: name, State: "playing"}, channel: id, uris: media, began: time.Now()}
		c.play, f.plays[name] = p, p
		var d time.Duration
		for _, uri := range media {
			d += fakeLength(uri)
		}
		p.end = time.AfterFunc(d, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			if c.play == p {
				f.stopPlay(c, "done")
			}
		})
		return nil
	})
	return asterisk.Playback{ID: name}, err
}

func (f *fakePBX) Playback(ctx context.Context, name string) (got asterisk.Playback, err error) {
	err = f.do(ctx, "playback", func() error {
		p := f.plays[name]
		if p == nil {
			return asterisk.ErrNotFound
		}
		got = p.Playback
		return nil
	})
	return got, err
}

func (f *fakePBX) StopPlayback(ctx context.Context, name string) error {
	return f.do(ctx, "stop", func() error {
		if p := f.plays[name]; p != nil {
			f.stopPlay(f.channels[p.channel], "done")
		}
		return nil
	})
}

func (f *fakePBX) StartMOH(ctx context.Context, id, class string) error {
	return f.verb(ctx, "moh", id, func(c *fakeChannel) error { c.music = class; return nil })
}

func (f *fakePBX) StopMOH(ctx context.Context, id string) error {
	return f.verb(ctx, "moh", id, func(c *fakeChannel) error { c.music = ""; return nil })
}

func (f *fakePBX) SendDTMF(ctx context.Context, id, _ string, _, _ time.Duration) error {
	return f.verb(ctx, "dtmf", id, func(*fakeChannel) error { return nil })
}

func (f *fakePBX) Variable(ctx context.Context, id, name string) (value string, err error) {
	err = f.verb(ctx, "variable", id, func(c *fakeChannel) error {
		if name == knownAs {
			if value = c.known; value == "" {
				return asterisk.ErrNotFound
			}
			return nil
		}
		if value = "0"; c.held {
			value = "1"
		}
		return nil
	})
	return value, err
}

func (f *fakePBX) SetVariable(ctx context.Context, id, name, value string) error {
	return f.verb(ctx, "variable", id, func(c *fakeChannel) error {
		if name == knownAs {
			c.known = value
		}
		return nil
	})
}

func (f *fakePBX) RTPStats(ctx context.Context, id string) (asterisk.RTPStats, error) {
	return asterisk.RTPStats{}, f.verb(ctx, "stats", id, func(*fakeChannel) error { return nil })
}

func (f *fakePBX) Bridges(ctx context.Context) (all []asterisk.Bridge, err error) {
	err = f.do(ctx, "bridges", func() error {
		for _, b := range f.bridges {
			all = append(all, b.copied())
		}
		return nil
	})
	return all, err
}

func (f *fakePBX) Bridge(ctx context.Context, id string) (got asterisk.Bridge, err error) {
	err = f.do(ctx, "bridge", func() error {
		b := f.bridges[id]
		if b == nil {
			return asterisk.ErrNotFound
		}
		got = b.copied()
		return nil
	})
	return got, err
}

func (f *fakePBX) CreateBridge(ctx context.Context, id, _, name string) (got asterisk.Bridge, err error) {
	err = f.do(ctx, "createbridge", func() error {
		if f.bridges[id] == nil {
			f.bridges[id] = &fakeBridge{asterisk.Bridge{ID: id, Name: name}}
		}
		got = f.bridges[id].copied()
		return nil
	})
	return got, err
}

func (f *fakePBX) AddChannel(ctx context.Context, id string, channels ...string) error {
	return f.do(ctx, "addchannel", func() error {
		b := f.bridges[id]
		if b == nil {
			return asterisk.ErrNotFound
		}
		for _, c := range channels {
			if _, err := f.channel(c); err != nil {
				return err
			}
		}
		for _, c := range channels {
			f.leaveBridges(c)
			b.Channels = append(b.Channels, c)
		}
		return nil
	})
}

func (f *fakePBX) RemoveChannel(ctx context.Context, id string, channels ...string) error {
	return f.do(ctx, "removechannel", func() error {
		if b := f.bridges[id]; b != nil {
			b.Channels = slices.DeleteFunc(b.Channels, func(c string) bool { return slices.Contains(channels, c) })
		}
		return nil
	})
}

func (f *fakePBX) DestroyBridge(ctx context.Context, id string) error {
	return f.do(ctx, "destroybridge", func() error {
		delete(f.bridges, id)
		return nil
	})
}

func (f *fakePBX) Snoop(ctx context.Context, channel, id, spy, whisper, args string) (asterisk.Channel, error) {
	err := f.verb(ctx, "snoop", channel, func(*fakeChannel) error {
		if f.channels[id] != nil {
			return &asterisk.StatusError{Status: 500, Message: "Snoop channel could not be created"}
		}
		s := f.newChannel(id, "Snoop/"+channel, "Up")
		s.spies, s.spy, s.whisper = channel, spy, whisper
		f.enter(s, args)
		return nil
	})
	return asterisk.Channel{}, err
}

func (f *fakePBX) RecordChannel(ctx context.Context, id string, r asterisk.Record) (asterisk.LiveRecording, error) {
	err := f.verb(ctx, "record", id, func(*fakeChannel) error {
		if f.live[r.Name] != nil {
			return asterisk.ErrConflict
		}
		l := &fakeLive{LiveRecording: asterisk.LiveRecording{Name: r.Name, Target: "channel:" + id, State: "recording"}, began: time.Now()}
		f.live[r.Name] = l
		f.emit(asterisk.RecordingStarted{Head: f.head("RecordingStarted"), Recording: l.LiveRecording})
		return nil
	})
	return asterisk.LiveRecording{}, err
}

func (f *fakePBX) recording(ctx context.Context, op, name string, do func(*fakeLive)) error {
	return f.do(ctx, op, func() error {
		l := f.live[name]
		if l == nil {
			return asterisk.ErrNotFound
		}
		do(l)
		return nil
	})
}

func (f *fakePBX) LiveRecording(ctx context.Context, name string) (got asterisk.LiveRecording, err error) {
	err = f.recording(ctx, "live", name, func(l *fakeLive) { got = l.LiveRecording })
	return got, err
}

func (f *fakePBX) StopRecording(ctx context.Context, name string) error {
	err := f.recording(ctx, "stoprecording", name, func(*fakeLive) { f.endLive(name) })
	return ignoreNotFound(err)
}

func (f *fakePBX) MuteRecording(ctx context.Context, name string) error {
	return f.recording(ctx, "mute", name, func(l *fakeLive) { l.muted = true })
}

func (f *fakePBX) UnmuteRecording(ctx context.Context, name string) error {
	return f.recording(ctx, "mute", name, func(l *fakeLive) { l.muted = false })
}

func (f *fakePBX) StoredRecordings(ctx context.Context) (names []string, err error) {
	err = f.do(ctx, "stored", func() error {
		for name := range f.stored {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

func (f *fakePBX) StoredFile(ctx context.Context, name string, w io.Writer) (n int64, err error) {
	err = f.do(ctx, "file", func() error {
		b, ok := f.stored[name]
		if !ok {
			return asterisk.ErrNotFound
		}
		m, err := w.Write(b)
		n = int64(m)
		return err
	})
	return n, err
}

func (f *fakePBX) DeleteStored(ctx context.Context, name string) error {
	return f.do(ctx, "delete", func() error {
		delete(f.stored, name)
		return nil
	})
}

// fakeLength is how long the contract's sounds play: "sound:2s".
func fakeLength(uri string) time.Duration {
	d, err := time.ParseDuration(strings.TrimPrefix(uri, "sound:"))
	if err != nil {
		panic(fmt.Sprintf("fake: %q cannot be played", uri))
	}
	return d
}
