package calltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"firstline/call"
)

// tapped is a conversation with a supervisor's phone that is up.
type tapped struct {
	t      *testing.T
	caller Far
	agent  DeskPhone
	boss   DeskPhone
	leg    call.Leg // the supervisor's
	bridge call.Bridge
	talk   call.BridgeSpec
}

// tapping makes one; false where there are no taps.
func tapping(t *testing.T, x Exchange) (tapped, bool) {
	t.Helper()
	s, agent, l, spec, b := talking(t, x)
	if !x.Caps().Tap {
		if err := b.Tap(t.Context(), l, call.Listen); !errors.Is(err, call.ErrUnsupported) {
			t.Fatalf("got %v, want ErrUnsupported", err)
		}
		return tapped{}, false
	}
	k := tapped{t: t, caller: s.far, agent: agent, bridge: b, talk: spec}
	k.boss, k.leg = supervisor(t, x)
	return k, true
}

// supervisor is a phone that has answered.
func supervisor(t *testing.T, x Exchange) (DeskPhone, call.Leg) {
	t.Helper()
	p, l := ring(t, x, time.Minute)
	p.Answer()
	must(t, call.AwaitAnswer(t.Context(), l, nil))
	return p, l
}

func (k tapped) tap(mode call.TapMode) {
	k.t.Helper()
	must(k.t, k.bridge.Tap(k.t.Context(), k.leg, mode))
}

// heard waits until all hear whom they should, and watches for a while that nobody
// hears the supervisor who should not.
func (k tapped) heard(byCaller, byAgent bool) {
	k.t.Helper()
	until(k.t, "all hear whom they should", func() bool {
		return k.boss.HearsVoice(k.caller) && k.boss.HearsVoice(k.agent) && k.together() &&
			k.caller.HearsVoice(k.boss) == byCaller && k.agent.HearsVoice(k.boss) == byAgent
	})
	never(k.t, "the supervisor is heard by who should not", func() bool {
		return !byCaller && k.caller.HearsVoice(k.boss) || !byAgent && k.agent.HearsVoice(k.boss)
	})
}

// together reports whether the two hear each other.
func (k tapped) together() bool { return k.caller.HearsVoice(k.agent) && k.agent.HearsVoice(k.caller) }

// never watches for a while what must not happen.
func never(t *testing.T, what string, happens func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 30 {
		if happens() {
			t.Fatal(what)
		}
		<-tick.C
	}
}

func tapListens(t *testing.T, x Exchange) {
	if k, ok := tapping(t, x); ok {
		k.tap(call.Listen)
		k.heard(false, false)
	}
}

func tapWhispers(t *testing.T, x Exchange) {
	if k, ok := tapping(t, x); ok {
		k.tap(call.Whisper)
		k.heard(false, true)
	}
}

func tapBarges(t *testing.T, x Exchange) {
	if k, ok := tapping(t, x); ok {
		k.tap(call.Barge)
		k.heard(true, true)
	}
}

func tapChanges(t *testing.T, x Exchange) {
	k, ok := tapping(t, x)
	if !ok {
		return
	}
	for _, mode := range []call.TapMode{call.Listen, call.Barge, call.Whisper, call.Whisper, call.Listen, call.Whisper, call.Barge} {
		k.tap(mode)
		k.heard(mode == call.Barge, mode != call.Listen)
	}
}

func tappedTwice(t *testing.T, x Exchange) {
	k, ok := tapping(t, x)
	if !ok {
		return
	}
	k.tap(call.Whisper)
	guest, l := supervisor(t, x)
	must(t, k.bridge.Tap(t.Context(), l, call.Listen))
	until(t, "the second supervisor hears both", func() bool { return guest.HearsVoice(k.caller) && guest.HearsVoice(k.agent) })
	k.heard(false, true)
	never(t, "the second supervisor hears a whisper", func() bool { return guest.HearsVoice(k.boss) })
	guest.Hangup()
	ended(t, l, call.Hangup)
	k.heard(false, true)
}

func tapLeaves(t *testing.T, x Exchange) {
	k, ok := tapping(t, x)
	if !ok {
		return
	}
	k.tap(call.Barge)
	k.heard(true, true)
	k.boss.Hangup()
	ended(t, k.leg, call.Hangup)
	until(t, "the two hear each other alone", func() bool {
		return k.together() && !k.caller.HearsVoice(k.boss) && !k.agent.HearsVoice(k.boss)
	})
	wantReason(t, k.bridge.Tap(t.Context(), k.leg, call.Listen), call.Hangup)
}

func tapHeld(t *testing.T, x Exchange) {
	k, ok := tapping(t, x)
	if !ok {
		return
	}
	k.tap(call.Listen)
	k.heard(false, false)
	k.agent.Hold()
	until(t, "the caller hears music", func() bool { return k.caller.Hears(k.talk.Music) })
	k.agent.Unhold()
	k.heard(false, false)
}

func tapOutlives(t *testing.T, x Exchange) {
	k, ok := tapping(t, x)
	if !ok {
		return
	}
	k.tap(call.Barge)
	k.heard(true, true)
	must(t, k.bridge.Close(t.Context()))
	until(t, "nobody hears anybody", func() bool {
		return k.boss.Hears("") && !k.boss.HearsVoice(k.caller) && !k.boss.HearsVoice(k.agent) && !k.caller.HearsVoice(k.boss)
	})
	must(t, k.leg.Play(t.Context(), "prompt:short"))
	if err := k.bridge.Tap(t.Context(), k.leg, call.Listen); !errors.Is(err, call.ErrState) {
		t.Errorf("tap of a closed bridge: %v, want ErrState", err)
	}
	must(t, k.leg.Hangup(context.Background(), call.Cause{Reason: call.Completed}))
}

func tapRefused(t *testing.T, x Exchange) {
	k, ok := tapping(t, x)
	if !ok {
		return
	}
	for _, l := range []call.Leg{k.talk.Caller, k.talk.Agent} {
		if err := k.bridge.Tap(t.Context(), l, call.Listen); err == nil {
			t.Errorf("leg %s listens to itself", l.ID())
		}
	}
	until(t, "the two still hear each other", k.together)
}
