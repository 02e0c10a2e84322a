package clock_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/tickets/clock"
)

// slow reads one clock by living through every minute of a history.
type slow struct {
	clock.Reading
	paused, solved, stopped bool
}

func (s *slow) heed(m clock.Moment) {
	switch {
	case m.Mark == clock.Opened && s.Began.IsZero():
		s.Began = m.At
	case m.Mark == clock.Paused:
		s.paused = true
	case m.Mark == clock.Resumed:
		s.paused = false
	case m.Mark == clock.Resolved:
		s.solved = true
		s.stop(m.At)
	case m.Mark == clock.Reopened:
		if s.solved && s.Kind != clock.Response {
			s.stopped, s.Ended = false, time.Time{}
		}
		s.solved, s.paused = false, false
	case m.Mark == clock.Responded && s.Kind == clock.Response:
		s.stop(m.At)
	case (m.Mark == clock.Responded || m.Mark == clock.Updated) && s.Kind == clock.Update && !s.solved:
		if s.Late {
			s.Missed++
		}
		s.Began, s.Spent, s.Due, s.Late = m.At, 0, time.Time{}, false
	}
}

func (s *slow) stop(at time.Time) {
	if !s.stopped {
		s.stopped, s.Ended = true, at
	}
}

func (s *slow) runs() bool { return !s.paused && !s.solved && !s.stopped }

// note says when the target was used up.
func (s *slow) note(t time.Time) {
	if s.Promised && s.Due.IsZero() && s.Spent >= s.Within {
		s.Due = t
	}
}

func slowly(history []clock.Moment, k clock.Kind, w world, now time.Time) clock.Reading {
	s := slow{Reading: clock.Reading{Kind: k, State: clock.Running}}
	for _, m := range history { // the terms are those of the last grade, from the start on
		if !m.At.After(now) && (m.Mark == clock.Opened || m.Mark == clock.Graded) {
			s.Grade = m.Grade
		}
	}
	s.Within, s.Promised = w.within[s.Grade][k]
	hours := w.hours[s.Grade]
	next, t := 0, history[0].At
	for ; ; t = t.Add(time.Minute) {
		s.note(t)
		for ; next < len(history) && !history[next].At.After(t); next++ {
			s.heed(history[next])
		}
		if !t.Before(now) {
			break
		}
		if s.runs() && (!s.Promised || hours.is(t)) { // without a promise there are no hours
			s.Spent += time.Minute
			s.Late = s.Promised && s.Spent > s.Within
		}
	}
	switch {
	case s.stopped:
		s.State = clock.Stopped
	case !s.runs():
		s.State = clock.OnHold
	}
	seen := s.Reading
	for ; s.runs() && s.Promised && s.Due.IsZero(); t = t.Add(time.Minute) { // as if it went on like this
		if hours.is(t) {
			s.Spent += time.Minute
		}
		s.note(t.Add(time.Minute))
	}
	seen.Due = s.Due
	return seen
}

// world is what a history is read against.
type world struct {
	hours  map[clock.Grade]week
	within map[clock.Grade]map[clock.Kind]time.Duration
}

func (w world) terms() clock.Terms {
	t := clock.Terms{}
	for grade, kinds := range w.within {
		t[grade] = map[clock.Kind]clock.Target{}
		for k, d := range kinds {
			t[grade][k] = clock.Target{Within: d, Calendar: w.hours[grade]}
		}
	}
	return t
}

// The weeks in which the clock changes somewhere, and one in which the year does.
func weeks() []time.Time {
	return []time.Time{
		time.Date(2026, 3, 26, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 22, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 29, 0, 0, 0, 0, time.UTC),
	}
}

func drawWeek(t *rapid.T, from time.Time) week {
	zone, err := time.LoadLocation(rapid.SampledFrom([]string{
		"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
	}).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	w := week{zone: zone}
	some := false
	for d := range w.open {
		if rapid.Bool().Draw(t, "open that day") {
			begin := rapid.IntRange(0, 18*60).Draw(t, "from")
			w.open[d], some = [2]int{begin, rapid.IntRange(begin+6*60, 24*60).Draw(t, "to")}, true
		}
	}
	if !some { // one open day a week
		w.open[rapid.IntRange(0, 6).Draw(t, "day")] = [2]int{8 * 60, 18 * 60}
	}
	for range rapid.IntRange(0, 2).Draw(t, "holidays") {
		w.holidays = append(w.holidays, from.AddDate(0, 0, rapid.IntRange(0, 12).Draw(t, "holiday")).Format(time.DateOnly))
	}
	return w
}

func drawWorld(t *rapid.T, from time.Time) world {
	w := world{hours: map[clock.Grade]week{}, within: map[clock.Grade]map[clock.Kind]time.Duration{}}
	for _, g := range []clock.Grade{"1", "2"} {
		w.hours[g] = drawWeek(t, from)
		w.within[g] = map[clock.Kind]time.Duration{}
		for _, k := range clock.Kinds() {
			if rapid.IntRange(0, 5).Draw(t, "promised") > 0 {
				w.within[g][k] = time.Duration(rapid.IntRange(1, 2000).Draw(t, "within")) * time.Minute
			}
		}
	}
	return w
}

func drawHistory(t *rapid.T, from time.Time) []clock.Moment {
	grade := rapid.SampledFrom([]clock.Grade{"1", "2"})
	minutes := rapid.SliceOfN(rapid.IntRange(0, 10*24*60), 0, 12).Draw(t, "minutes")
	slices.Sort(minutes)
	history := []clock.Moment{{At: from, Mark: clock.Opened, Grade: grade.Draw(t, "grade")}}
	for _, m := range minutes {
		mark := rapid.SampledFrom([]clock.Mark{
			clock.Graded, clock.Responded, clock.Updated, clock.Paused, clock.Resumed, clock.Resolved, clock.Reopened,
		}).Draw(t, "mark")
		moment := clock.Moment{At: from.Add(time.Duration(m) * time.Minute), Mark: mark}
		if mark == clock.Graded {
			moment.Grade = grade.Draw(t, "grade")
		}
		history = append(history, moment)
	}
	return history
}

func TestReadingIsWhatAMinuteByMinuteAccountSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.SampledFrom(weeks()).Draw(t, "week").Add(time.Duration(rapid.IntRange(0, 24*60).Draw(t, "minute")) * time.Minute)
		w, history := drawWorld(t, from), drawHistory(t, from)
		now := from.Add(time.Duration(rapid.IntRange(0, 12*24*60).Draw(t, "now")) * time.Minute)
		if err := clock.Check(history); err != nil {
			t.Fatal(err)
		}
		var want []clock.Reading
		for _, k := range clock.Kinds() {
			want = append(want, slowly(history, k, w, now))
		}
		got := clock.Read(history, w.terms(), now)
		if diff := gocmp.Diff(want, got, gocmp.Comparer(time.Time.Equal)); diff != "" {
			t.Errorf("%v\n%+v at %v (-want +got):\n%s", history, w, now, diff)
		}
	})
}

func TestTimeInPiecesIsTheTimeOfTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.SampledFrom(weeks()).Draw(t, "week")
		w := drawWeek(t, from)
		cuts := rapid.SliceOfN(rapid.IntRange(0, 14*24*60*60), 2, 6).Draw(t, "seconds")
		slices.SortFunc(cuts, cmp.Compare[int])
		instant := func(s int) time.Time { return from.Add(time.Duration(s) * time.Second) }
		var sum time.Duration
		for i := range cuts[1:] {
			sum += clock.Between(w, instant(cuts[i]), instant(cuts[i+1]))
		}
		first, last := instant(cuts[0]), instant(cuts[len(cuts)-1])
		whole := clock.Between(w, first, last)
		if sum != whole {
			t.Fatalf("the pieces are %v, the whole %v", sum, whole)
		}
		if due, ok := clock.After(w, first, whole); !ok || due.After(last) || clock.Between(w, first, due) != whole {
			t.Errorf("%v after %v is %v, %v", whole, first, due, ok)
		}
	})
}
