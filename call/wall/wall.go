// Package wall is the clock on a wall: dates in no zone, and the instants at which a
// zone's clock shows a time of them. On the nights when the clock changes, a time that
// it shows twice is the first of the two, and a time that it leaves out is the moment of
// the change: so what begins at a time begins once on each date, and never not.
package wall

import (
	"fmt"
	"time"
)

// Date is a day of the calendar, in no zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the date that the clock shows at t in t's own zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// String is the date as ISO 8601 writes it: 2026-12-24.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// Add is the date some days later.
func (d Date) Add(days int) Date { return DateOf(d.shown(days * minutesOfDay)) }

// Sub is how many days d lies after another.
func (d Date) Sub(other Date) int { return int(d.shown(0).Sub(other.shown(0)) / (24 * time.Hour)) }

// Weekday is d's.
func (d Date) Weekday() time.Weekday { return d.shown(0).Weekday() }

const minutesOfDay = 24 * 60

// shown is a time of the date, in minutes since midnight, as if it were UTC.
func (d Date) shown(minutes int) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, minutes, 0, 0, time.UTC)
}

// At is when the clock of a zone first shows a time of the date, in minutes since
// midnight, or, when it leaves that time out, when it jumps over it. time.Date alone
// does not say which it takes.
func (d Date) At(minutes int, zone *time.Location) time.Time {
	shown := d.shown(minutes)
	guess := time.Date(d.Year, d.Month, d.Day, 0, minutes, 0, 0, zone)
	began, ends := guess.ZoneBounds()
	first, found := guess, guess.UTC().Add(offset(guess)).Equal(shown)
	for _, change := range []time.Time{began, ends} {
		if change.IsZero() {
			continue
		}
		before, after := offset(change.Add(-time.Second)), offset(change)
		if t := shown.Add(-before).In(zone); t.Before(change) && t.Before(first) {
			first = t // the clock goes back here and shows the time again
		}
		if jumpedOver := !found && !shown.Before(change.UTC().Add(before)) && shown.Before(change.UTC().Add(after)); jumpedOver {
			return change.In(zone)
		}
	}
	return first
}

func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}
