package sla

import (
	"errors"
	"fmt"
	"time"
)

// ErrSpan means that a Span is empty, or that it would be cut into too many
// intervals or give too many Figures.
var ErrSpan = errors.New("sla: not a span of time")

// MaxIntervals is how many intervals a Span is cut into at most: a year of hours.
const MaxIntervals = 9000

// MaxFigures is how many Figures a Span gives at most, over its intervals, queues
// and clients.
const MaxFigures = 20_000

// Span says which entries are counted: those that joined at or after From and
// before To, interval by interval, as known at Now.
type Span struct {
	Now, From, To time.Time
	Every         Every
	ByClient      bool // tell clients apart; see Config.Client
}

// Every is how a Span is cut: by a length from its begin on, or as the calendar of
// a zone has it, never both. The first and the last interval may be shorter. The
// zero value does not cut.
type Every struct {
	Length time.Duration
	Unit   Unit
	Zone   *time.Location // of the Unit; UTC
}

// Unit is a part of the calendar. It begins at its first midnight, so that a day on
// which the clock changes has 23 or 25 hours.
type Unit string

// The units. A week begins on Monday (ISO 8601).
const (
	Day   Unit = "day"
	Week  Unit = "week"
	Month Unit = "month"
)

// shortestDay bounds how many units a span has.
const shortestDay = 22 * time.Hour

// Validate returns an error that matches ErrSpan.
func (s Span) Validate() error {
	e := s.Every
	most := e.Length
	switch {
	case !s.From.Before(s.To):
		return fmt.Errorf("%w: from %v to %v", ErrSpan, s.From, s.To)
	case e.Unit == Day || e.Unit == Week || e.Unit == Month:
		most = shortestDay
	case e.Unit != "":
		return fmt.Errorf("%w: %q is no part of the calendar", ErrSpan, e.Unit)
	}
	switch {
	case e.Length < 0 || e.Length > 0 && e.Unit != "":
		return fmt.Errorf("%w: in steps of %v and by the %s", ErrSpan, e.Length, e.Unit)
	case most > 0 && s.To.Sub(s.From)/most >= MaxIntervals:
		return fmt.Errorf("%w: in steps of %v%s it has more than %d intervals", ErrSpan, e.Length, e.Unit, MaxIntervals)
	}
	return nil
}

// Interval is one part of a Span.
type Interval struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"` // excluded
}

// Intervals are the parts of a valid span, in order.
func (s Span) Intervals() []Interval {
	var parts []Interval
	at := s.From
	for next := s.cuts(); at.Before(s.To); {
		end := next()
		if end.After(s.To) {
			end = s.To
		}
		if end.After(at) { // some calendars leave out a day
			parts = append(parts, Interval{at.UTC(), end.UTC()})
			at = end
		}
	}
	return parts
}

// cuts returns what gives the ends of the intervals, one after the other.
func (s Span) cuts() func() time.Time {
	at := s.From
	switch {
	case s.Every.Unit != "":
		return s.units()
	case s.Every.Length > 0:
		return func() time.Time { at = at.Add(s.Every.Length); return at }
	}
	return func() time.Time { return s.To }
}

func (s Span) units() func() time.Time {
	zone := s.Every.Zone
	if zone == nil {
		zone = time.UTC
	}
	began := s.From.In(zone)
	y, m, d := began.Date()
	switch s.Every.Unit {
	case Week:
		d -= (int(began.Weekday()) + 6) % 7 // back to Monday
	case Month:
		d = 1
	}
	return func() time.Time {
		switch s.Every.Unit {
		case Day:
			d++
		case Week:
			d += 7
		case Month:
			m++
		}
		return Midnight(y, m, d, zone)
	}
}

// Midnight is the first instant at which the clock of a zone shows a date, or a
// later one where it leaves that date out. The clock may show no midnight (it
// jumps from 0 to 1) or two, and time.Date does not say which it takes. Days and
// months beyond their range count on, as with time.Date.
func Midnight(year int, month time.Month, day int, zone *time.Location) time.Time {
	shown := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	at := shown.Add(-15 * time.Hour).In(zone) // no clock is ahead by more
	for {
		_, offset := at.Zone()
		begins := shown.Add(-time.Duration(offset) * time.Second)
		_, change := at.ZoneBounds()
		switch {
		case !begins.After(at): // the clock has jumped over it
			return at
		case change.IsZero() || begins.Before(change):
			return begins.In(zone)
		}
		at = change.In(zone)
	}
}
