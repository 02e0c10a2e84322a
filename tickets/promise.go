package tickets

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"firstline/call"
	"firstline/tickets/clock"
)

// Warnings are what is to be said of a ticket's clocks, each with the instant Due from
// which on it is true: what is due already and what will be if nothing happens, in the
// order of those instants, without what was said. Share is the percent of a target at
// which people are warned; 100 is always said too. A test's clocks warn nobody.
func (t Ticket) Warnings(c Contract, share int, now time.Time) []call.TicketWarned {
	if t.Test || t.Class.Kind == NotTechnical {
		return nil
	}
	var all []call.TicketWarned
	for _, u := range clock.Uses(c.heeds(t.Moments), c.terms(t.Class.Service), []int{share, clock.Whole}, now) {
		w := call.TicketWarned{Clock: string(u.Kind), Turn: u.Turn, Grade: string(u.Grade), Percent: u.Percent, Due: call.Instant(u.At)}
		if !t.said(w) {
			all = append(all, w)
		}
	}
	slices.SortStableFunc(all, func(a, b call.TicketWarned) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Percent, b.Percent))
	})
	return all
}

// said reports whether a share of a target was told of, by whatever share warns now: a
// warning is one for its target, however the percentage was set meanwhile.
func (t Ticket) said(w call.TicketWarned) bool {
	return slices.ContainsFunc(t.Warned, func(old call.TicketWarned) bool {
		return old.Clock == w.Clock && old.Turn == w.Turn && old.Grade == w.Grade && (old.Percent == clock.Whole) == (w.Percent == clock.Whole)
	})
}

// warned keeps what was said; a repetition is recognised.
func (t *Ticket) warned(w call.TicketWarned) {
	if !t.said(w) {
		t.Warned = append(t.Warned, w)
	}
}

// Due is the promise of a ticket that is the next to be missed, or that was missed
// first and still is not made good. ok is false when nothing runs against a target.
func (t Ticket) Due(c Contract, now time.Time) (next clock.Reading, ok bool) {
	for _, r := range t.Clocks(c, now) {
		if r.Promised && r.State == clock.Running && !r.Due.IsZero() && (!ok || r.Due.Before(next.Due)) {
			next, ok = r, true
		}
	}
	return next, ok
}

// Runs are the times during which the ticket's clocks ran until now.
func (t Ticket) Runs(c Contract, now time.Time) []clock.Run {
	if t.Class.Kind == NotTechnical {
		return nil
	}
	return clock.Runs(c.heeds(t.Moments), now)
}

// Promises are all that a contract promised on a ticket, one for each turn of a clock,
// without the time that was excluded.
func (t Ticket) Promises(c Contract, now time.Time) []clock.Reading {
	if t.Class.Kind == NotTechnical {
		return nil
	}
	var spans []clock.Span
	for _, x := range t.Excluded {
		if !x.Whole() {
			spans = append(spans, clock.Span{From: x.From, To: x.To})
		}
	}
	terms := c.terms(t.Class.Service)
	for _, kinds := range terms {
		for k, target := range kinds {
			if len(spans) > 0 {
				target.Calendar = clock.Without{Calendar: target.Calendar, Spans: spans}
				kinds[k] = target
			}
		}
	}
	return clock.Turns(c.heeds(t.Moments), terms, now)
}

// Exclusion is a ticket, or a span of its time, that reports leave out.
type Exclusion struct {
	At   time.Time `json:"at"` // when it was approved
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	Why  string    `json:"why"`
	By   string    `json:"by"`
}

// Whole reports whether it is the whole ticket.
func (x Exclusion) Whole() bool { return x.From.IsZero() && x.To.IsZero() }

// Exclude approves an exclusion and returns when it is durable. Errors match
// ErrNotFound and ErrInvalid.
func (d *Desk) Exclude(ctx context.Context, id call.TicketID, x Exclusion) error {
	x.Why = strings.TrimSpace(x.Why)
	switch {
	case x.Why == "" || utf8.RuneCountInString(x.Why) > LongestReason:
		return fmt.Errorf("exclude of %s: %w: say why, in at most %d characters", id, ErrInvalid, LongestReason)
	case x.From.IsZero() != x.To.IsZero() || !x.Whole() && !x.From.Before(x.To):
		return fmt.Errorf("exclude of %s: %w: a span has a beginning and a later end; without both it is the whole ticket", id, ErrInvalid)
	}
	d.edits.Lock()
	defer d.edits.Unlock()
	if _, err := d.book.Ticket(ctx, id); err != nil {
		return fmt.Errorf("exclude of %s: %w", id, err)
	}
	excluded := call.TicketExcluded{From: call.Instant(x.From), To: call.Instant(x.To), Why: x.Why, By: x.By}
	if x.Whole() {
		excluded.From, excluded.To = time.Time{}, time.Time{}
	}
	if err := d.journal.Append(ctx, call.TicketEvent(time.Now(), id, excluded)); err != nil {
		return fmt.Errorf("exclude of %s: %w", id, err)
	}
	return nil
}

func (t *Ticket) exclude(at time.Time, b call.TicketExcluded) {
	t.Excluded = append(t.Excluded, Exclusion{At: at, From: b.From, To: b.To, Why: b.Why, By: b.By})
	span := "the whole ticket"
	if !b.From.IsZero() {
		span = b.From.Format(time.RFC3339) + " to " + b.To.Format(time.RFC3339)
	}
	t.change(Change{At: at, By: b.By, What: "excluded", To: span, Why: b.Why})
}
