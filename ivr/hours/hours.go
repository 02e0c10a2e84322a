// Package hours says when a line is open: weekly hours and the dates that differ
// from them, by the clock on the wall of one time zone. It does no I/O and keeps
// no state; what is asked decides what is answered.
package hours

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"firstline/call/wall"
)

// minutesOfDay is what the clock shows in a day, whatever the day's length.
const minutesOfDay = 24 * 60

// horizon is how many days Open looks ahead: a year and its leap day, so that a
// date of every year is found.
const horizon = 366

// Span is one opening, in minutes on the clock since midnight of the day on which
// it begins. To is the first minute that is closed; beyond 24 hours it lies on the
// next day.
type Span struct {
	From, To int
}

// Calendar is when a line is open. An opening over midnight belongs to the day on
// which it begins: a date that is closed does not cut short the night before it.
//
// On the nights when the clock changes, a time that the clock shows twice is the
// first of the two, and a time that it leaves out is the moment of the change. So
// openings that meet on the clock meet always, and none begins twice.
type Calendar struct {
	Zone       *time.Location
	Weekly     [7][]Span            // by time.Weekday
	Exceptions map[wall.Date][]Span // replace the weekly hours of their date; none means closed
}

// Validate returns all that is wrong with the calendar, joined.
func (c *Calendar) Validate() error {
	var faults []error
	if c.Zone == nil {
		faults = append(faults, errors.New("the calendar has no time zone"))
	}
	ever := false
	for day, spans := range c.Weekly {
		ever = ever || len(spans) > 0
		faults = append(faults, check(time.Weekday(day), spans)...)
	}
	for _, d := range c.dates() {
		ever = ever || len(c.Exceptions[d]) > 0
		faults = append(faults, check(d, c.Exceptions[d])...)
	}
	if !ever {
		faults = append(faults, errors.New("the calendar is never open"))
	}
	return errors.Join(faults...)
}

func (c *Calendar) dates() []wall.Date {
	all := make([]wall.Date, 0, len(c.Exceptions))
	for d := range c.Exceptions {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b wall.Date) int {
		return cmp.Or(cmp.Compare(a.Year, b.Year), cmp.Compare(a.Month, b.Month), cmp.Compare(a.Day, b.Day))
	})
	return all
}

func check(day fmt.Stringer, spans []Span) []error {
	var faults []error
	spans = sorted(spans)
	for i, s := range spans {
		if s.From < 0 || s.From >= minutesOfDay || s.To <= s.From || s.To > s.From+minutesOfDay {
			faults = append(faults, fmt.Errorf("%v: an opening begins on its day and lasts at most 24 hours; here is %v", day, s))
		}
		if i > 0 && s.From < spans[i-1].To {
			faults = append(faults, fmt.Errorf("%v: %v and %v overlap", day, spans[i-1], s))
		}
	}
	return faults
}

func sorted(spans []Span) []Span {
	byFrom := func(a, b Span) int { return cmp.Compare(a.From, b.From) }
	if slices.IsSortedFunc(spans, byFrom) {
		return spans
	}
	spans = slices.Clone(spans)
	slices.SortFunc(spans, byFrom)
	return spans
}

// Open reports whether the line is open at an instant, and until when that stays
// so, in the calendar's zone. A zero until means that it stays so for a year.
func (c *Calendar) Open(at time.Time) (open bool, until time.Time) {
	today := wall.DateOf(at.In(c.Zone))
	for from, to := range c.openings(today.Add(-2), today.Add(horizon)) {
		switch {
		case !to.After(at), !to.After(from): // past, or left out by the clock
		case !open && from.After(at):
			return false, from
		case !open:
			open, until = true, to
		case from.After(until):
			return true, until
		case to.After(until):
			until = to
		}
	}
	if until.After(today.Add(horizon).At(0, c.Zone)) {
		return true, time.Time{} // the last opening is only the last that was looked at
	}
	return open, until
}

// Next is the earliest instant from at on when the line is open; zero when there
// is none for a year.
func (c *Calendar) Next(at time.Time) time.Time {
	open, until := c.Open(at)
	if open {
		return at
	}
	return until
}

// openings is every opening that begins from one date to another, both included,
// in order of their beginnings.
func (c *Calendar) openings(first, last wall.Date) iter.Seq2[time.Time, time.Time] {
	return func(yield func(from, to time.Time) bool) {
		for d := first; ; d = d.Add(1) {
			for _, s := range sorted(c.on(d)) {
				if !yield(d.At(s.From, c.Zone), d.At(s.To, c.Zone)) {
					return
				}
			}
			if d == last {
				return
			}
		}
	}
}

func (c *Calendar) on(d wall.Date) []Span {
	if spans, differs := c.Exceptions[d]; differs {
		return spans
	}
	return c.Weekly[d.Weekday()]
}
