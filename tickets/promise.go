package tickets

import (
	"cmp"
	"slices"
	"time"

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
