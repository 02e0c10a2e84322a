package ari

import (
	"context"
	"errors"
	"testing"
	"time"

	"firstline/call"
)

// standing wants two who talk to go on as they did, recorded.
func standing(t *testing.T, f *fakePBX, far *fakeFar, desk *fakePhone) {
	t.Helper()
	time.Sleep(time.Minute)
	if !far.Hears("talk") || !desk.Hears("talk") {
		t.Error("the two do not hear each other any more")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.live) != 2 {
		t.Errorf("%d live recordings, want both sides", len(f.live))
	}
}

// Whatever the journeys do when they learn that they cannot write any more, nobody
// hears of it.
func TestWhoIsFencedHangsUpNobody(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		fe, err := New(fakeConfig(t, f))
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		connected := make(chan error, 1)
		go func() { connected <- fe.Connect(ctx) }()
		p := &process{FrontEnd: fe, t: t, pbx: f, inbox: &fakeInbox{}}
		calls := make(chan *call.Call, 4)
		p.Serve(handler(func(_ context.Context, c *call.Call) { calls <- c; <-c.Leg.Context().Done() }))
		ran := make(chan error, 1)
		go func() { ran <- fe.Run(ctx, p.inbox) }()
		time.Sleep(time.Second)
		far, c, desk, agent, b := joined(t, p, calls)
		r, err := b.Record(ctx, call.NewRecordingID(time.Now()))
		must(t, err)
		fe.Fence()
		for _, l := range []call.Leg{c.Leg, agent} {
			if err := l.Hangup(ctx, call.Cause{Reason: call.Completed}); err != nil && !errors.Is(err, ErrReplaced) {
				t.Errorf("hang up %s: %v", l.ID(), err)
			}
			if got := soonEnded(t, l); got.Reason != call.SwitchGone {
				t.Errorf("%s ended as %v", l.ID(), got)
			}
		}
		if _, err := r.Stop(ctx); !errors.Is(err, call.ErrHandedOver) {
			t.Errorf("the recording is stopped with %v, want ErrHandedOver", err)
		}
		if err := <-ran; !errors.Is(err, ErrReplaced) {
			t.Errorf("run ended with %v", err)
		}
		standing(t, f, far, desk)
		cancel()
		must(t, <-connected)
	})
}

func TestWhoIsReleasedHangsUpNobodyAndLeavesTheRecording(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		far, c, desk, agent, b := joined(t, p, calls)
		r, err := b.Record(t.Context(), call.NewRecordingID(time.Now()))
		must(t, err)
		p.Release(func() { // a journey that learns of it hangs up
			_ = c.Leg.Hangup(t.Context(), call.Cause{Reason: call.Completed})
		})
		for _, l := range []call.Leg{c.Leg, agent} {
			if got := soonEnded(t, l); got.Reason != call.SwitchGone {
				t.Errorf("%s ended as %v", l.ID(), got)
			}
		}
		if _, err := r.Stop(t.Context()); !errors.Is(err, call.ErrHandedOver) {
			t.Errorf("the recording is stopped with %v, want ErrHandedOver", err)
		}
		standing(t, f, far, desk)
	})
}
