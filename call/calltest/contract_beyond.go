package calltest

import (
	"errors"
	"testing"

	"firstline/call"
)

// What not every switch can do. One that cannot says so, and does nothing.

func playsEarly(t *testing.T, x Exchange) {
	s := serve(t, x, false)
	must(t, s.leg.Ring(s.ctx))
	err := s.leg.Play(s.ctx, "prompt:short")
	if x.Caps().EarlyMedia {
		must(t, err)
	} else if !errors.Is(err, call.ErrState) {
		t.Errorf("got %v, want ErrState", err)
	}
}

func goesOnInDialplan(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	c, ok := s.leg.(call.Continuer)
	if ok != x.Caps().Continue {
		t.Fatalf("the leg can be handed on: %v, declared %v", ok, x.Caps().Continue)
	}
	if !ok {
		return
	}
	must(t, c.Continue(s.ctx, call.Dialplan{Context: "from-trunk", Exten: "800"}))
	ended(t, s.leg, call.Completed)
	never(t, "the caller is hung up on", func() bool { _, over := s.far.Ended(); return over })
}

// Sent is a far end that can be asked to go elsewhere.
type Sent interface {
	// SentTo is where it was asked to go since it was looked at before, "" for nowhere.
	SentTo() string
}

func sentElsewhere(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	const to = "+49301234"
	err := s.leg.Transfer(s.ctx, call.Endpoint{Number: to})
	if !x.Caps().Transfer {
		if !errors.Is(err, call.ErrUnsupported) {
			t.Errorf("got %v, want ErrUnsupported", err)
		}
		return
	}
	must(t, err)
	far := s.far.(Sent)
	until(t, "the caller's phone is asked to go to "+to, func() bool { return far.SentTo() == to })
}
