package clock

import "time"

// Calendar says whether a contract's hours run at an instant, and until when that
// stays so; a zero until means for a year at least. A nil Calendar always runs.
type Calendar interface {
	Open(at time.Time) (open bool, until time.Time)
}

// horizon bounds the search for an instant that may never come, in years.
const horizon = 10

// Between is how much of the time from one instant to another the calendar runs.
// It is 0 when to is not after from.
func Between(c Calendar, from, to time.Time) time.Duration {
	if c == nil {
		return max(0, to.Sub(from))
	}
	var sum time.Duration
	for at := from; at.Before(to); {
		open, until := c.Open(at)
		end := until
		if until.IsZero() || until.After(to) {
			end = to
		}
		if open {
			sum += end.Sub(at)
		}
		at = end
	}
	return sum
}

// After is the instant at which the calendar has run for d since from: the first
// one, so that with the hours over at that instant it is their end and not the next
// opening. ok is false when that takes more than ten years.
func After(c Calendar, from time.Time, d time.Duration) (at time.Time, ok bool) {
	if c == nil || d <= 0 {
		return from.Add(max(0, d)), true
	}
	limit := from.AddDate(horizon, 0, 0)
	for at := from; at.Before(limit); {
		open, until := c.Open(at)
		if until.IsZero() {
			until = at.AddDate(1, 0, 0)
		}
		if open {
			runs := until.Sub(at)
			if d <= runs {
				return at.Add(d), true
			}
			d -= runs
		}
		at = until
	}
	return time.Time{}, false
}
