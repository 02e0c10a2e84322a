package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue/sim"
	"firstline/callqueue/sla"
	"firstline/config"
)

type replayCommand struct {
	historyFlags
	From   moment `help:"From this instant on (2026-03-02, 2026-03-02T09:00, RFC 3339, today, yesterday)." default:"yesterday"`
	To     moment `help:"Until before this instant." default:"today"`
	Centre string `help:"Folder of the changed centre. Default: the centre in force, to see how well a replay fits." type:"existingdir"`
	Seed   uint64 `help:"Draws what was not seen: how long callers would have waited who were answered." default:"1"`
	JSON   bool   `help:"Print the figures as JSON." name:"json"`
}

func (replayCommand) Help() string {
	return `Reads what came, who worked and how long everybody took from the journal, and has
the queue engine serve it again: once with the centre in force, and once with the
changed one. The first shows how well the replay fits what was recorded; the
difference between the two is the change.

What is assumed: talk, wrap-up and pick-up time are the call's own; who gave up
would have given up after the same wait; who was answered shows only that patience
was longer than that, and the rest is drawn from an exponential distribution (rate:
the queue's abandons by all the time waited). Missed offers are picked up. A call
is one arrival, in its first queue; exits to other queues are followed as the centre
has them, and keys pressed at the same age. The roster and its hours are the
recorded ones.

Example:  firstline replay --from 2026-03-02 --to 2026-03-03 --centre new/`
}

func (c *replayCommand) Run(ctx context.Context, o *output) error {
	h, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = h.close() }()
	if !c.From.Before(c.To.Time) {
		return errors.New("--from is not before --to")
	}
	changed := h.centre
	if c.Centre != "" {
		keys, err := promptKeys()
		if err != nil {
			return err
		}
		if changed, err = config.LoadCentre(os.DirFS(c.Centre), keys); err != nil {
			return err
		}
	}
	day, now, err := c.record(ctx, h)
	if err != nil {
		return err
	}
	span := sla.Span{Now: now, From: c.From.Time, To: c.To.Time}
	columns := []replayColumn{{Name: "recorded", Queues: nil}}
	if err := columns[0].fill(day.Ledger, day.Staff, span, now); err != nil {
		return err
	}
	for _, with := range []struct {
		name   string
		centre *config.Centre
	}{{"replayed", h.centre}, {"changed", changed}} {
		if with.name == "changed" && c.Centre == "" {
			continue
		}
		r, err := sim.Run(ctx, underCentre(day.Scenario, with.centre))
		if err != nil {
			return fmt.Errorf("replay with the centre %s: %w", with.name, err)
		}
		column := replayColumn{Name: with.name, Circles: r.Circles}
		if err := column.fill(r.Ledger, r.Staff, span, r.Ended); err != nil {
			return err
		}
		columns = append(columns, column)
	}
	if c.JSON {
		enc := json.NewEncoder(o.out)
		enc.SetIndent("", "  ")
		return enc.Encode(columns)
	}
	c.head(o.out, day)
	printReplay(o.out, columns)
	return nil
}

func (c *replayCommand) head(w io.Writer, day sim.Day) {
	fmt.Fprintf(w, "%d calls from %s to %s: %d answered, %d gave up, %d left otherwise; %d offers were missed, which a replay picks up.\n",
		len(day.Scenario.Arrivals), c.From.Format(time.DateTime), c.To.Format(time.DateTime), day.Answered, day.GivenUp, day.Otherwise, day.Missed)
	if day.Refused > 0 {
		fmt.Fprintf(w, "%d more were refused by full queues; they are in no column, for nobody recorded of which queue.\n", day.Refused)
	}
}

// underCentre is a recorded day as a centre would have it.
func underCentre(sc sim.Scenario, centre *config.Centre) sim.Scenario {
	sc.Queues, sc.Rules = centre.Queues, centre.Rules
	sc.Client = func(a call.Arrived) string { return centre.Numbers[a.To.Number].Client }
	sc.Class = func(a call.Arrived) string { return centre.Class(centre.Numbers[a.To.Number]) }
	return sc
}

// record reads the day, and on until its calls are over.
func (c *replayCommand) record(ctx context.Context, h *history) (sim.Day, time.Time, error) {
	start := c.From.Add(-warmUp)
	roster, _, were, err := h.people(ctx, start)
	if err != nil {
		return sim.Day{}, time.Time{}, err
	}
	rec := sim.NewRecorder(c.From.Time, c.To.Time, roster, were)
	now := c.To.Time
	err = h.read(ctx, start, func(ev call.Event) bool {
		if ev.At.After(c.To.Add(longestTalk)) {
			return false
		}
		rec.Apply(ev)
		if ev.At.After(now) {
			now = ev.At
		}
		return ctx.Err() == nil
	})
	if err := errors.Join(err, context.Cause(ctx)); err != nil {
		return sim.Day{}, now, err
	}
	day, err := rec.Day(c.Seed, h.centre.Queues)
	if err == nil && len(day.Scenario.Arrivals) == 0 {
		err = fmt.Errorf("nobody joined a queue from %s to %s", c.From.Format(time.DateTime), c.To.Format(time.DateTime))
	}
	return day, now, err
}

// replayColumn is one way that the day went.
type replayColumn struct {
	Name   string           `json:"name"`
	Queues []sla.Figures    `json:"queues"`
	Staff  sla.StaffFigures `json:"staff"`
	// Circles is how many calls exits would have sent round and round; see sim.Result.
	Circles int `json:"circles,omitempty"`
}

func (c *replayColumn) fill(l *sla.Ledger, s *sla.Staff, span sla.Span, now time.Time) error {
	span.Now = now
	var err error
	if c.Queues, err = l.Figures(span); err != nil {
		return err
	}
	staff, err := s.Figures(span, nil)
	if err != nil {
		return err
	}
	c.Staff = staff[0]
	return nil
}

func (c *replayColumn) queue(id call.QueueID) (sla.Figures, bool) {
	i := slices.IndexFunc(c.Queues, func(f sla.Figures) bool { return f.Queue == id })
	if i < 0 {
		return sla.Figures{}, false
	}
	return c.Queues[i], true
}

// printReplay prints each queue's figures side by side, the difference last.
func printReplay(w io.Writer, columns []replayColumn) {
	var ids []call.QueueID
	for _, c := range columns {
		for _, f := range c.Queues {
			if !slices.Contains(ids, f.Queue) && f.Offered > 0 {
				ids = append(ids, f.Queue)
			}
		}
	}
	for _, id := range ids {
		fmt.Fprintf(w, "\nqueue %s\n", id)
		t := newTable(w, 34, 12)
		head := []string{""}
		for _, c := range columns {
			head = append(head, c.Name)
		}
		if len(columns) > 2 {
			head = append(head, "difference")
		}
		t.row(head...)
		for _, fig := range queueFigures() {
			cells := []string{fig.name}
			var values []float64
			for _, c := range columns {
				v, ok := 0.0, false
				if f, there := c.queue(id); there {
					v, ok = fig.of(f)
				}
				cells = append(cells, fig.write(v, ok))
				if ok {
					values = append(values, v)
				}
			}
			if len(columns) > 2 && len(values) == len(columns) {
				cells = append(cells, fig.difference(values[len(values)-1]-values[len(values)-2]))
			}
			t.row(cells...)
		}
	}
	fmt.Fprintln(w)
	t := newTable(w, 34, 12)
	cells := []string{"occupancy of all agents"}
	for _, c := range columns {
		cells = append(cells, percentOf(c.Staff.Occupancy))
	}
	t.row(cells...)
	for _, c := range columns {
		fmt.Fprint(w, circling(c.Name, c.Circles))
	}
	if len(columns) == 2 {
		fmt.Fprintln(w, "\nThe centre is the one in force: what differs is the replay's own error. Name a changed one with --centre.")
	}
}
