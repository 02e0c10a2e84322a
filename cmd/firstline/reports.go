package main

import (
	"cmp"
	"context"
	"time"

	"firstline/call"
	"firstline/callqueue/sla"
	"firstline/store"
	"firstline/web"
)

// reportJournal is what reports read; see store.Store.
type reportJournal interface {
	Behind(ctx context.Context, t time.Time) (int64, error)
	Events(ctx context.Context, after int64, limit int) ([]call.Event, error)
	Story(ctx context.Context, of call.Stream, after int64, limit int) ([]call.Event, error)
	Agents(ctx context.Context) ([]store.Agent, error)
}

type webReports struct {
	journal reportJournal
	centre  *centreHolder
}

// Talks that began within a period may end, and be held, this long after it.
const longestTalk = 12 * time.Hour

// page is how many events are read at once.
const page = 1000

// clientOf is the client of the number dialled, by the centre in force; empty
// when the number is no particular client's, or no longer one of the centre's.
func (h *centreHolder) clientOf(a call.Arrived) string { return h.now().Numbers[a.To.Number].Client }

// SLA computes a period's figures from the journal alone.
func (w webReports) SLA(ctx context.Context, f web.SLAFilter) (web.SLAReport, error) {
	now := time.Now()
	start, end := f.From.Earliest().Add(-longestTalk), f.To.Latest().Add(longestTalk)
	keep := now.Sub(start) + time.Hour
	ledger := sla.New(sla.Config{Keep: keep, Since: start, Client: w.centre.clientOf})
	zone := cmp.Or(f.Zone, w.centre.Zone())
	crew := &crew{journal: w.journal, from: f.From.In(zone), staff: sla.NewStaff(keep), known: make(map[call.AgentID]bool)}
	after, err := w.journal.Behind(ctx, start)
	if err != nil {
		return web.SLAReport{}, away(err)
	}
	for done := false; !done; {
		evs, err := w.journal.Events(ctx, after, page)
		if err != nil {
			return web.SLAReport{}, away(err)
		}
		done = len(evs) == 0
		for _, e := range evs {
			after = e.Global
			done = done || e.At.After(end)
			_ = ledger.Apply(e) // an event that does not fit is in the log since it was written
			if err := crew.apply(ctx, e); err != nil {
				return web.SLAReport{}, away(err)
			}
		}
	}
	if err := crew.rest(ctx); err != nil {
		return web.SLAReport{}, away(err)
	}
	return web.SLABooks{Ledger: ledger, Staff: crew.staff, Zone: w.centre.zoneOf}.Report(f, now)
}

// crew is what agents did from an instant on. How each stood at that instant is
// told by the last of their events before.
type crew struct {
	journal reportJournal
	from    time.Time
	staff   *sla.Staff
	known   map[call.AgentID]bool
}

func (c *crew) apply(ctx context.Context, e call.Event) error {
	if e.Stream.Kind != call.StreamAgent || e.At.Before(c.from) {
		return nil
	}
	if id := call.AgentID(e.Stream.ID); !c.known[id] {
		c.known[id] = true
		if err := c.seed(ctx, id, e.Seq-1); err != nil {
			return err
		}
	}
	c.staff.Apply(e)
	return nil
}

// rest sees to those of whom the period tells nothing: they stayed what they were.
func (c *crew) rest(ctx context.Context) error {
	all, err := c.journal.Agents(ctx)
	if err != nil {
		return err
	}
	for _, a := range all {
		switch {
		case c.known[a.ID]:
		case !a.Since.IsZero() && !a.Since.After(c.from) && !a.Active.After(c.from):
			c.begin(a.ID, standing{
				call.PresenceChanged{Presence: cmp.Or(a.Presence, call.LoggedOut), Reason: a.Reason},
				call.ActivityChanged{Activity: cmp.Or(a.Activity, call.Idle)},
			})
		default:
			end, err := c.lastBefore(ctx, a.ID)
			if err != nil {
				return err
			}
			if err := c.seed(ctx, a.ID, end); err != nil {
				return err
			}
		}
	}
	return nil
}

// lastBefore is a sequence of the agent's stream, little before the period's begin.
func (c *crew) lastBefore(ctx context.Context, id call.AgentID) (int64, error) {
	return behind(c.from, func(after int64) (call.Event, bool, error) {
		evs, err := c.journal.Story(ctx, call.Stream{Kind: call.StreamAgent, ID: string(id)}, after, 1)
		if err != nil || len(evs) == 0 {
			return call.Event{}, false, err
		}
		ev := evs[0]
		ev.Global = ev.Seq // it is halved by that
		return ev, true, nil
	})
}

// seed reads back from a sequence until it is known how the agent stood.
func (c *crew) seed(ctx context.Context, id call.AgentID, end int64) error {
	of := call.Stream{Kind: call.StreamAgent, ID: string(id)}
	was := standing{call.PresenceChanged{Presence: call.LoggedOut}, call.ActivityChanged{Activity: call.Idle}}
	for back, found := int64(page/10), false; !found; back *= 4 {
		first := max(end-back, 0)
		var err error
		if found, err = c.last(ctx, of, first, &was); err != nil {
			return err
		}
		found = found || first == 0
	}
	c.begin(id, was)
	return nil
}

func (c *crew) begin(id call.AgentID, was standing) {
	c.staff.Apply(call.AgentEvent(c.from, id, was.presence))
	c.staff.Apply(call.AgentEvent(c.from, id, was.activity))
}

// standing is how an agent stood.
type standing struct {
	presence call.PresenceChanged
	activity call.ActivityChanged
}

// last reads an agent's events behind a sequence until the period begins. Found
// is false when none of them says whether the agent was there.
func (c *crew) last(ctx context.Context, of call.Stream, after int64, was *standing) (found bool, err error) {
	for {
		evs, err := c.journal.Story(ctx, of, after, page)
		if err != nil || len(evs) == 0 {
			return found, err
		}
		for _, e := range evs {
			if !e.At.Before(c.from) {
				return found, nil
			}
			after = e.Seq
			switch b := e.Body.(type) {
			case call.PresenceChanged:
				was.presence, found = b, true
			case call.ActivityChanged:
				was.activity = b
			}
		}
	}
}
