package calltest

import (
	"context"
	"testing"
	"time"

	"firstline/call"
)

// Mortal is an Exchange whose process can die, as Caps.Adopt promises that calls
// outlive it.
type Mortal interface {
	Exchange
	// Die ends the process as kill -9 does, and returns the next one on the same
	// exchange: nothing adopted yet, no calls served.
	Die(t *testing.T) Exchange
}

// die has the process die and adopts with the next; false when calls do not
// outlive a process of this exchange.
func die(t *testing.T, x Exchange) (Exchange, call.Survivors, bool) {
	t.Helper()
	if !x.Caps().Adopt {
		return nil, call.Survivors{}, false
	}
	m, ok := x.(Mortal)
	if !ok {
		t.Fatalf("%T declares Adopt and cannot be made to die", x)
	}
	next := m.Die(t)
	found, err := next.Adopt(t.Context())
	must(t, err)
	return next, found, true
}

// adopted is the leg that was; it is hung up at the test's end.
func adopted(t *testing.T, found call.Survivors, id call.LegID) call.Leg {
	t.Helper()
	l, ok := found.Leg(id)
	if !ok {
		t.Fatalf("leg %s is not among the survivors", id)
	}
	t.Cleanup(func() { _ = l.Hangup(context.Background(), call.Cause{Reason: call.Completed}) })
	return l
}

// firstEvent wants what an adopted leg has to say first.
func firstEvent(t *testing.T, l call.Leg, kind call.LegEventKind) {
	t.Helper()
	select {
	case e := <-l.Events():
		if e.Kind != kind {
			t.Errorf("the first event of %s is %s, want %s", l.ID(), e.Kind, kind)
		}
	case <-time.After(patience):
		t.Errorf("no event of %s", l.ID())
	}
}

func adoptedLeg(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	must(t, s.leg.Hold(s.ctx, "music:default"))
	until(t, "the caller hears music", func() bool { return s.far.Hears("music:default") })
	_, found, ok := die(t, x)
	if !ok {
		return
	}
	l := adopted(t, found, s.leg.ID())
	firstEvent(t, l, call.LegUnheld)
	if l.Remote() != s.leg.Remote() {
		t.Errorf("the far end is %+v, and was %+v", l.Remote(), s.leg.Remote())
	}
	done := make(chan error, 1)
	go func() { done <- l.Play(t.Context(), "prompt:one") }()
	until(t, "the caller hears the prompt", func() bool { return s.far.Hears("prompt:one") })
	s.far.Press("5")
	must(t, <-done)
	got, err := l.Collect(t.Context(), call.Collect{})
	must(t, err)
	if got.Digits != "5" {
		t.Errorf("collected %+v, want 5", got)
	}
	s.far.Hangup()
	ended(t, l, call.Hangup)
}

func adoptedTalk(t *testing.T, x Exchange) {
	s, p, l, spec, b := talking(t, x)
	var id call.RecordingID
	if x.Caps().Record {
		id = call.NewRecordingID(time.Now())
		_, err := b.Record(t.Context(), id)
		must(t, err)
	}
	p.Hold()
	wantEvent(t, l, call.LegHeld)
	next, found, ok := die(t, x)
	if !ok {
		return
	}
	spec.Caller, spec.Agent = adopted(t, found, s.leg.ID()), adopted(t, found, l.ID())
	firstEvent(t, spec.Caller, call.LegUnheld)
	firstEvent(t, spec.Agent, call.LegHeld)
	again, err := next.Bridge(t.Context(), spec)
	must(t, err)
	if _, ok := found.Bridge(spec.ID); !ok || again.ID() != spec.ID {
		t.Errorf("bridge %s is not among the survivors", spec.ID)
	}
	p.Unhold()
	wantEvent(t, spec.Agent, call.LegUnheld)
	until(t, "they hear each other again", func() bool { return s.far.Hears("talk") && p.Hears("talk") })
	if id == "" {
		return
	}
	if _, ok := found.Recording(id); !ok {
		t.Fatalf("recording %s is not among the survivors", id)
	}
	r, err := again.Record(t.Context(), id)
	must(t, err)
	got, err := r.Stop(t.Context())
	must(t, err)
	if got.File != r.File() {
		t.Errorf("stopped as %+v, want file %s", got, r.File())
	}
}

func adoptedOffer(t *testing.T, x Exchange) {
	p, l := ring(t, x, time.Minute)
	_, found, ok := die(t, x)
	if !ok {
		return
	}
	again := adopted(t, found, l.ID())
	must(t, again.Hangup(t.Context(), call.Cause{Reason: call.SwitchGone}))
	until(t, "the phone stops ringing", func() bool { return !p.Ringing() })
}
