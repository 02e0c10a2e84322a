package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/store"
)

// seatsShow reads back where people sit after each event that moves them, and
// once more after a restart.
func seatsShow(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	at := call.Instant(time.Now())
	for _, step := range []struct {
		body call.Body
		want call.DeviceID
	}{
		{call.AgentSet{Name: "Ana", Device: "2001", Level: 1}, "2001"},
		{call.AgentSeated{Device: "2002", By: "feature:2002"}, "2002"},
		{call.AgentLeft{Device: "2002", By: "feature:2002"}, ""},
		{call.AgentSeated{Device: call.NumberDevice("+4917012345"), By: "supervisor:eva"}, "tel:+4917012345"},
		{call.PINChanged{By: "supervisor:eva", Set: true}, "tel:+4917012345"},
	} {
		Append(t, s.Journal(), call.AgentEvent(at, "ana", step.body))
		if a, err := s.Agent(t.Context(), "ana"); err != nil || a.Device != step.want {
			t.Errorf("after %s: device %q, %v; want %q", step.body.Type(), a.Device, err, step.want)
		}
	}
	stop()
	s, _ = Start(t, p.Config)
	if as, err := s.Agents(t.Context()); err != nil || len(as) != 1 || as[0].Device != "tel:+4917012345" {
		t.Errorf("after a restart: %+v, %v", as, err)
	}
	Append(t, s.Journal(), call.AgentEvent(at, "ana", call.AgentRemoved{By: "roster:eva"}))
	if as, err := s.Agents(t.Context()); err != nil || len(as) != 0 {
		t.Errorf("who was removed is on the roster: %+v, %v", as, err)
	}
	Append(t, s.Journal(), call.AgentEvent(at, "ana", call.AgentSet{Name: "Ana", Level: 2}))
	if as, err := s.Agents(t.Context()); err != nil || len(as) != 1 || as[0].Level != 2 || !as[0].Removed.IsZero() {
		t.Errorf("who was taken on again: %+v, %v", as, err)
	}
}

// pinsAndShifts are kept beside the journal, the latest counts, and both last.
func pinsAndShifts(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	ctx := t.Context()
	if err := errors.Join(s.PutPIN(ctx, "ana", "h1"), s.PutPIN(ctx, "ana", "h2"), s.PutPIN(ctx, "ben", "h3"), s.PutPIN(ctx, "ben", "")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Shifts(ctx, "ana"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("shifts that nobody kept: %v", err)
	}
	for _, calendar := range []string{"one", "two"} {
		if err := s.PutShifts(ctx, "ana", calendar); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	s, _ = Start(t, p.Config)
	pins, err := s.PINs(ctx)
	if d := cmp.Diff(map[call.AgentID]string{"ana": "h2"}, pins); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
	if calendar, err := s.Shifts(ctx, "ana"); err != nil || calendar != "two" {
		t.Errorf("shifts %q, %v", calendar, err)
	}
}
