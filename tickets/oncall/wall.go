package oncall

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

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

func (d Date) add(days int) Date { return DateOf(d.utc().AddDate(0, 0, days)) }

// days is how many days d lies after another.
func (d Date) days(other Date) int { return int(d.utc().Sub(other.utc()) / (24 * time.Hour)) }

// wall is the instant at which the clock of a zone shows a time of day. A time that it
// shows twice is the first of the two, one that it leaves out the moment of the change:
// so a duty is never handed over twice in a night, and never not.
func wall(d Date, hour, minute int, zone *time.Location) time.Time {
	shown := time.Date(d.Year, d.Month, d.Day, hour, minute, 0, 0, time.UTC)
	first, second := by(shown, -1, zone), by(shown, 1, zone)
	if second.Before(first) {
		first, second = second, first
	}
	for _, t := range []time.Time{first, second} {
		if y, m, day := t.Date(); y == d.Year && m == d.Month && day == d.Day && t.Hour() == hour && t.Minute() == minute {
			return t
		}
	}
	change, _ := second.ZoneBounds()
	return change
}

// by is a time of day read by the offset that the zone has some days away.
func by(shown time.Time, days int, zone *time.Location) time.Time {
	_, offset := shown.AddDate(0, 0, days).In(zone).Zone()
	return shown.Add(-time.Duration(offset) * time.Second).In(zone)
}
