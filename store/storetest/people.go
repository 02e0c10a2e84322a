package storetest

import (
	"errors"
	"fmt"
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

// staffAt holds what StaffAt says of every event against the whole story up to it.
func staffAt(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	at := call.Instant(time.Now())
	tell := func(id call.AgentID, bodies ...call.Body) {
		for _, b := range bodies {
			at = at.Add(time.Second)
			Append(t, s.Journal(), call.AgentEvent(at, id, b), call.SystemEvent(at, call.ConfigActivated{Hash: at.String()}))
		}
	}
	tell("ana", call.AgentSet{Name: "Ana", Level: 1}, call.PresenceChanged{Presence: call.Available}, call.ActivityChanged{Activity: call.Talking, Call: "c"})
	tell("ben", call.AgentSet{Name: "Ben", Level: 2, Skills: map[string]int{"vpn": 3}}, call.AgentRested{Reason: "missed just now", Until: at}, call.AgentRemoved{By: "roster:eva"})
	tell("ana", call.AgentSet{Name: "Ana", Level: 3}, call.ActivityChanged{Activity: call.Idle}, call.PresenceChanged{Presence: call.OnBreak, Reason: "lunch"})
	tell("ben", call.AgentSet{Name: "Ben", Level: 1}, call.PresenceChanged{Presence: call.Available}, call.AgentRested{})
	all := Collect(t, s.Journal(), 0, 24)
	for _, last := range all {
		got, err := s.StaffAt(t.Context(), last.Global)
		if err != nil {
			t.Fatal(err)
		}
		upTo := all[:last.Global]
		if diff := cmp.Diff(peopleOf(t, upTo), peopleOf(t, got)); diff != "" {
			t.Errorf("at event %d (story, StaffAt): %s", last.Global, diff)
		}
		if n := len(got) - 1; last.Global > 1 && (n < 0 || configs(got) != 1) {
			t.Errorf("at event %d: %d centres in %+v", last.Global, configs(got), got)
		}
	}
	got, err := s.StaffBetween(t.Context(), 2, 8, 5)
	if diff := cmp.Diff(all[2:7], got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

// peopleOf folds what is lasting of agents from events.
func peopleOf(t *testing.T, evs []call.Event) map[string]string {
	t.Helper()
	people := make(map[string]*store.Agent)
	for _, e := range evs {
		if e.Stream.Kind != call.StreamAgent {
			continue
		}
		if people[e.Stream.ID] == nil {
			people[e.Stream.ID] = new(store.Agent)
		}
		if err := people[e.Stream.ID].Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	told := make(map[string]string)
	for id, a := range people {
		told[id] = fmt.Sprint(a.Here(), a.Level, a.Skills, a.Presence, a.Reason, a.Activity, a.Call, a.Rest)
	}
	return told
}

func configs(evs []call.Event) (n int) {
	for _, e := range evs {
		if _, ok := e.Body.(call.ConfigActivated); ok {
			n++
		}
	}
	return n
}
