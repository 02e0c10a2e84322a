package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
	"firstline/callqueue/roster"
	"firstline/callqueue/worktime"
	"firstline/intake/feature"
	"firstline/store"
)

// openRoster gives people and their seats an owner. The queue has them already.
func (s *server) openRoster(ctx context.Context) error {
	people, err := s.store.Agents(ctx)
	if err != nil {
		return err
	}
	pins, err := s.store.PINs(ctx)
	if err != nil {
		return err
	}
	var seated []agents.Agent
	for _, p := range people {
		seated = append(seated, p.Agent())
	}
	s.roster = roster.New(roster.Config{
		Journal: s.journal, Queue: s.queue, PINs: s.store, Log: s.log.Named("roster"),
		Phones: desks{s},
		Skills: func() []string { return slices.Sorted(maps.Keys(s.centre.now().Skills)) },
	}, seated, pins)
	return nil
}

// desks is where people may sit.
type desks struct{ s *server }

// Known takes phones that have a password here, and those that a node has.
func (d desks) Known(device call.DeviceID) bool {
	front := d.s.exchange.asterisk
	return d.s.isDevice(device) || front != nil && front.Knows(device)
}

func (d desks) Reachable(device call.DeviceID) bool {
	return d.s.exchange.Reachable(d.s.registrar, device)
}

func (d desks) Dials(number string) bool { return d.s.exchange.Dials(number) }

// known reports whether a dialled number is answered at all.
func (s *server) known(number string) bool {
	_, ok := s.centre.now().Numbers[number]
	return ok || s.features.Known(number) || s.desk != nil && s.desk.Inside(number)
}

// featureCodes stands in front of the journey.
func (s *server) featureCodes() *feature.Handler {
	return feature.New(feature.Config{
		Next: s.desk, Roster: s.roster, Language: language, Log: s.log.Named("feature"),
		Codes:   s.codes,
		Prompts: s.spoken, MayRecord: s.mayRecord,
		BreakReason: func() string {
			if reasons := s.centre.now().BreakReasons; len(reasons) > 0 {
				return reasons[0].ID
			}
			return "break"
		},
	})
}

// codes are those in force. Where nobody may record prompts, that one is none.
func (s *server) codes() feature.Codes {
	c := s.centre.now()
	codes := feature.Codes(c.Features)
	if len(c.Recorders) == 0 {
		codes.Record = ""
	}
	return codes
}

// webRoster turns the store's absence into the API's 503.
type webRoster struct{ r *roster.Roster }

func (w webRoster) SignIn(ctx context.Context, id call.AgentID, device call.DeviceID, by string) error {
	return away(w.r.SignIn(ctx, id, device, by))
}

func (w webRoster) SignOut(ctx context.Context, id call.AgentID, by string) error {
	return away(w.r.SignOut(ctx, id, by))
}

func (w webRoster) SetPIN(ctx context.Context, id call.AgentID, pin, by string) error {
	return away(w.r.SetPIN(ctx, id, pin, by))
}

func (w webRoster) Import(ctx context.Context, entries []roster.Entry, o roster.Options) (roster.Diff, error) {
	d, err := w.r.Import(ctx, entries, o)
	return d, away(err)
}

// webStaff keeps plans and compares them with the journal.
type webStaff struct{ s *server }

func (w webStaff) SetShifts(ctx context.Context, id call.AgentID, calendar, by string) (int, error) {
	if _, err := w.s.roster.Agent(id); err != nil {
		return 0, err
	}
	shifts, err := worktime.ParseShifts([]byte(calendar), time.UTC)
	if err != nil {
		return 0, err
	}
	if err := w.s.store.PutShifts(ctx, id, calendar); err != nil {
		return 0, away(err)
	}
	sum := sha256.Sum256([]byte(calendar))
	return shifts.Len(), away(w.s.journal.Append(ctx, call.AgentEvent(time.Now(), id, call.ShiftsSet{
		By: by, Shifts: shifts.Len(), SHA256: hex.EncodeToString(sum[:]),
	})))
}

// Worked reads the person's story from its beginning: what they said last before
// the period may be long ago.
func (w webStaff) Worked(ctx context.Context, id call.AgentID, from, to time.Time) (worktime.Times, worktime.Adherence, error) {
	none := func(err error) (worktime.Times, worktime.Adherence, error) {
		return worktime.Times{}, worktime.Adherence{}, away(err)
	}
	if _, err := w.s.store.Agent(ctx, id); err != nil {
		return none(err)
	}
	var story []call.Event
	for seq, done := int64(0), false; !done; {
		evs, err := w.s.store.Story(ctx, call.Stream{Kind: call.StreamAgent, ID: string(id)}, seq, 1000)
		if err != nil {
			return none(err)
		}
		done = len(evs) == 0
		for _, e := range evs {
			seq, done = e.Seq, done || e.At.After(to)
			story = append(story, e)
		}
	}
	var plan []worktime.Interval
	calendar, err := w.s.store.Shifts(ctx, id)
	switch {
	case err == nil:
		shifts, err := worktime.ParseShifts([]byte(calendar), time.UTC)
		if err != nil {
			return none(fmt.Errorf("stored shifts of %s: %w", id, err))
		}
		plan = shifts.Between(from, to)
	case !errors.Is(err, store.ErrNotFound):
		return none(err)
	}
	spans := worktime.Spans(story, from, to)
	return worktime.Sum(spans), worktime.Adhere(spans, plan, from, to), nil
}
