package worktime

import (
	"slices"
	"time"

	"firstline/callqueue/sla"
)

// Interval is a time, [From, To).
type Interval struct{ From, To time.Time }

// Adherence compares what was planned with what was done.
type Adherence struct {
	Planned   time.Duration // to be at work
	In        time.Duration // of it: at work
	Out       time.Duration // of it: logged out, on break or unreachable; In + Out = Planned
	Unplanned time.Duration // at work although it was not planned
	Percent   *float64      // 100 × In / Planned; nil when nothing was planned
}

// present reports whether a state counts as being there for callers.
func present(s sla.State) bool { return s != sla.StateBreak && s != sla.StateUnreachable }

// Adhere compares spans, as Spans returns them for [from, to), with a plan, as
// Shifts.Between returns it. Planned time outside of [from, to) does not count: to
// ask about a day that is not over, let to be now.
func Adhere(spans []Span, plan []Interval, from, to time.Time) Adherence {
	var work []Interval
	for _, s := range spans {
		if present(s.State) {
			work = append(work, Interval{s.From, s.To})
		}
	}
	all := []Interval{{from, to}}
	plan, work = intersect(merged(plan), all), intersect(merged(work), all)
	a := Adherence{Planned: length(plan), In: length(intersect(plan, work))}
	a.Out = a.Planned - a.In
	a.Unplanned = length(work) - a.In
	if a.Planned > 0 {
		percent := 100 * float64(a.In) / float64(a.Planned)
		a.Percent = &percent
	}
	return a
}

func length(is []Interval) time.Duration {
	var d time.Duration
	for _, i := range is {
		d += i.To.Sub(i.From)
	}
	return d
}

// merged sorts intervals and joins those that touch; empty ones are dropped.
func merged(is []Interval) []Interval {
	is = slices.DeleteFunc(slices.Clone(is), func(i Interval) bool { return !i.From.Before(i.To) })
	slices.SortFunc(is, func(a, b Interval) int { return a.From.Compare(b.From) })
	out := is[:0]
	for _, i := range is {
		if n := len(out) - 1; n >= 0 && !out[n].To.Before(i.From) {
			if i.To.After(out[n].To) {
				out[n].To = i.To
			}
			continue
		}
		out = append(out, i)
	}
	return out
}

// intersect returns what both have; both are merged.
func intersect(a, b []Interval) []Interval {
	var out []Interval
	for len(a) > 0 && len(b) > 0 {
		i := Interval{latest(a[0].From, b[0].From), earliest(a[0].To, b[0].To)}
		if i.From.Before(i.To) {
			out = append(out, i)
		}
		if a[0].To.Before(b[0].To) {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return out
}

// without returns what a has and b has not; both are merged.
func without(a, b []Interval) []Interval {
	var out []Interval
	for _, i := range a {
		for _, cut := range b {
			if !cut.To.After(i.From) {
				continue
			}
			if !cut.From.Before(i.To) {
				break
			}
			if i.From.Before(cut.From) {
				out = append(out, Interval{i.From, cut.From})
			}
			i.From = cut.To
		}
		if i.From.Before(i.To) {
			out = append(out, i)
		}
	}
	return out
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
