package webtest

import (
	"context"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue/roster"
	"firstline/callqueue/worktime"
	"firstline/web"
)

// knows answers what verbs on an agent begin with.
func (w *World) knows(id call.AgentID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := slices.ContainsFunc(w.events, func(e call.Event) bool {
		return e.Stream == call.Stream{Kind: call.StreamAgent, ID: string(id)}
	})
	if !known {
		return web.ErrNotFound
	}
	return w.Reject
}

// SignIn implements web.Roster: any device will do.
func (w *World) SignIn(_ context.Context, id call.AgentID, device call.DeviceID, by string) error {
	if err := w.knows(id); err != nil {
		return err
	}
	w.Add(call.AgentEvent(time.Now(), id, call.AgentSeated{Device: device, By: by}),
		call.AgentEvent(time.Now(), id, call.PresenceChanged{Presence: call.Available, By: by}))
	return nil
}

// SignOut implements web.Roster.
func (w *World) SignOut(_ context.Context, id call.AgentID, by string) error {
	if err := w.knows(id); err != nil {
		return err
	}
	w.Add(call.AgentEvent(time.Now(), id, call.PresenceChanged{Presence: call.LoggedOut, By: by}),
		call.AgentEvent(time.Now(), id, call.AgentLeft{By: by}))
	return nil
}

// SetPIN implements web.Roster.
func (w *World) SetPIN(_ context.Context, id call.AgentID, _, by string) error {
	if err := w.knows(id); err != nil {
		return err
	}
	w.Add(call.AgentEvent(time.Now(), id, call.PINChanged{By: by, Set: true}))
	return nil
}

// Import implements web.Roster: all people are new. Reject is its answer when not nil.
func (w *World) Import(_ context.Context, entries []roster.Entry, o roster.Options) (roster.Diff, error) {
	if w.Reject != nil {
		return roster.Diff{}, w.Reject
	}
	d := roster.Diff{Digest: "d1"}
	for _, e := range entries {
		d.Changes = append(d.Changes, roster.Change{
			Agent: e.ID, Name: e.Name, Kind: roster.Added, Fields: []roster.Field{{Name: "name", To: e.Name}},
		})
		if !o.DryRun {
			w.Add(call.AgentEvent(time.Now(), e.ID, call.AgentSet{Name: e.Name, Device: e.Device, Level: e.Level, Skills: e.Skills}))
		}
	}
	return d, nil
}

// SetShifts implements web.Staff: any calendar has one entry.
func (w *World) SetShifts(_ context.Context, id call.AgentID, _, by string) (int, error) {
	if err := w.knows(id); err != nil {
		return 0, err
	}
	w.Add(call.AgentEvent(time.Now(), id, call.ShiftsSet{By: by, Shifts: 1}))
	return 1, nil
}

// Worked implements web.Staff: nothing is planned.
func (w *World) Worked(_ context.Context, id call.AgentID, from, to time.Time) (worktime.Times, worktime.Adherence, error) {
	if err := w.knows(id); err != nil {
		return worktime.Times{}, worktime.Adherence{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var story []call.Event
	for _, e := range w.events {
		if e.Stream == (call.Stream{Kind: call.StreamAgent, ID: string(id)}) {
			story = append(story, e)
		}
	}
	spans := worktime.Spans(story, from, to)
	return worktime.Sum(spans), worktime.Adhere(spans, nil, from, to), nil
}

// ImportQueueLog implements web.Fallback: each line is a call, and one that is
// "rubbish" is none.
func (w *World) ImportQueueLog(_ context.Context, _, log string) (web.QueueLogImport, error) {
	if w.Reject != nil {
		return web.QueueLogImport{}, w.Reject
	}
	did := web.QueueLogImport{Faults: []string{}}
	for line := range strings.Lines(log) {
		if line == "rubbish\n" {
			did.Faulty++
			did.Faults = append(did.Faults, "not a line")
			continue
		}
		did.Imported++
	}
	return did, nil
}
