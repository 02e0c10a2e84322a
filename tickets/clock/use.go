package clock

import "time"

// Whole is the share of a target that is all of it.
const Whole = 100

// Use is that a turn of a clock has used a share of its target up.
type Use struct {
	Kind    Kind
	Turn    int // counts the turns of a clock that starts anew, from 0
	Grade   Grade
	Percent int
	// At is the first instant at which it has: behind, or ahead if the clock goes on as
	// it runs. For Whole it is the first instant at which the clock is late: a promise
	// that is kept at the last moment is kept.
	At time.Time
}

// resolution is the smallest step of instants (call.Instant).
const resolution = time.Microsecond

// Uses are when each turn of each clock uses up the shares given, in percent of its
// target, by a history as Read reads it. A share that is not used up, and will not be
// while the clock pauses or is stopped, is not there. Turns that had stopped before the
// ticket got the grade that it has are left out: they were measured by another, and
// nobody can do anything for them now.
func Uses(history []Moment, terms Terms, shares []int, now time.Time) []Use {
	grade, since, seen := graded(history, now)
	if !seen {
		return nil
	}
	var all []Use
	for _, k := range Kinds() {
		target, promised := terms[grade][k]
		if !promised {
			continue
		}
		for i, t := range turnsOf(history, k, now) {
			if !t.ended.IsZero() && !t.ended.After(since) {
				continue
			}
			for _, share := range shares {
				part := Target{Within: target.Within * time.Duration(share) / Whole, Calendar: target.Calendar}
				if share == Whole {
					part.Within += resolution
				}
				if r := read(t, part, true, now); !r.Due.IsZero() {
					all = append(all, Use{Kind: k, Turn: i, Grade: grade, Percent: share, At: r.Due})
				}
			}
		}
	}
	return all
}

// graded is the grade at an instant and since when it holds; seen is false for a
// history that was not opened by then.
func graded(history []Moment, now time.Time) (grade Grade, since time.Time, seen bool) {
	for _, m := range history {
		if m.At.After(now) {
			break
		}
		if m.Mark == Opened || m.Mark == Graded {
			grade, since = m.Grade, m.At
		}
		seen = seen || m.Mark == Opened
	}
	return grade, since, seen
}

// Run is a time during which a clock ran. To is zero while it runs.
type Run struct {
	Kind     Kind
	Turn     int
	From, To time.Time
}

// Runs are the times during which the clocks of a history ran until now, by clock.
func Runs(history []Moment, now time.Time) []Run {
	if _, _, seen := graded(history, now); !seen {
		return nil
	}
	var all []Run
	for _, k := range Kinds() {
		for i, t := range turnsOf(history, k, now) {
			for _, s := range t.ran {
				all = append(all, Run{Kind: k, Turn: i, From: s.from, To: s.to})
			}
		}
	}
	return all
}

// Turns are the readings of all turns of all promised clocks, by clock and in order:
// what a history as Read reads it had promised. Missed is not counted.
func Turns(history []Moment, terms Terms, now time.Time) []Reading {
	grade, _, seen := graded(history, now)
	if !seen {
		return nil
	}
	var all []Reading
	for _, k := range Kinds() {
		target, promised := terms[grade][k]
		if !promised {
			continue
		}
		for _, t := range turnsOf(history, k, now) {
			r := read(t, target, true, now)
			r.Kind, r.Grade = k, grade
			all = append(all, r)
		}
	}
	return all
}

// Without is a calendar that does not run in some spans of time.
type Without struct {
	Calendar Calendar // nil: always runs
	Spans    []Span
}

// Span is a time from an instant until another, which is not part of it.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Open implements Calendar.
func (w Without) Open(at time.Time) (open bool, until time.Time) {
	open = true
	if w.Calendar != nil {
		open, until = w.Calendar.Open(at)
	}
	for _, s := range w.Spans {
		switch {
		case !at.Before(s.From) && at.Before(s.To):
			return false, s.To
		case at.Before(s.From) && (until.IsZero() || s.From.Before(until)):
			until = s.From
		}
	}
	return open, until
}
