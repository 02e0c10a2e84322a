package ari

import (
	"context"
	"errors"
	"strings"
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

func TestAnAsteriskThatDoesNotRunHardlyDelaysTheStartAndItsAudioIsFetchedLater(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		far, _, _, _, b := joined(t, p, calls)
		id := call.NewRecordingID(time.Now())
		_, err := b.Record(t.Context(), id)
		must(t, err)
		time.Sleep(10 * time.Second)
		p.die()
		far.Hangup()
		f.mu.Lock()
		f.unreachable()
		f.refusing = true
		f.mu.Unlock()
		late := make(chan call.RecordingID, 1)
		next := startProcess(t, f, func(c *Config) {
			c.RecordingsDir = p.cfg.RecordingsDir
			c.OnRecording = func(id call.RecordingID, _ call.Recorded) { late <- id }
		})
		began := time.Now()
		if found, err := next.Adopt(t.Context()); err != nil || len(found.Legs) != 0 {
			t.Errorf("adopted %+v, %v", found, err)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("the start was delayed by %v", took)
		}
		if s := next.Nodes()[0]; s.Up || !strings.Contains(s.Fault, "refused") {
			t.Errorf("the node is shown as %+v", s)
		}
		next.run()
		f.mu.Lock()
		f.reachable()
		f.mu.Unlock()
		if got := soon(t, "the audio is fetched", late); got != id {
			t.Errorf("fetched %s, want %s", got, id)
		}
	})
}

// comesBack has a channel that is in the dialplan come into the application again.
func (f *fakePBX) comesBack(far *fakeFar) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.enter(far.c, "1000")
}

func (f *fakePBX) back() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.fellBack)
}

func TestACallThatWasHandedToTheDialplanAndReturnsIsNoSecondCallAlsoAfterARestart(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		far, c := answered(t, f, calls)
		must(t, c.Leg.(call.Continuer).Continue(t.Context(), call.Dialplan{Context: "elsewhere", Exten: "7"}))
		f.mu.Lock()
		if far.c.known != string(c.ID) {
			t.Errorf("the dialplan knows the call as %q, want %s", far.c.known, c.ID)
		}
		f.attached = false
		f.mu.Unlock()
		stranger := f.dialIn("1000") // it was in the dialplan all the time
		f.mu.Lock()
		f.attached = true
		f.mu.Unlock()
		before := f.back()
		f.comesBack(far)
		wait(t, "it is handed back", func() bool { return f.back() == before+1 })

		p.die()
		_, calls = served(t, f, nil)
		f.comesBack(far)
		wait(t, "the next process hands it back, too", func() bool { return f.back() == before+2 })
		f.comesBack(stranger)
		if got := soon(t, "a call that nobody had is served", calls); got.ID == c.ID {
			t.Error("it is the call that was handed back")
		}
		if len(calls) != 0 {
			t.Error("one call is served twice")
		}
	})
}
