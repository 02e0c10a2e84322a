package clock_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/tickets/clock"
)

// week is a calendar that looks at the clock on the wall, minute by minute: slow, and
// plain enough to be right.
type week struct {
	zone     *time.Location
	open     [7][2]int // minutes of the day, from and to; equal is closed
	holidays []string  // 2006-01-02
}

func (w week) is(at time.Time) bool {
	t := at.In(w.zone)
	minute, span := t.Hour()*60+t.Minute(), w.open[t.Weekday()]
	return minute >= span[0] && minute < span[1] && !slices.Contains(w.holidays, t.Format(time.DateOnly))
}

func (w week) Open(at time.Time) (bool, time.Time) {
	is := w.is(at)
	for t, n := at.Truncate(time.Minute).Add(time.Minute), 0; n < 30*24*60; n++ {
		if w.is(t) != is {
			return is, t
		}
		t = t.Add(time.Minute)
	}
	return is, time.Time{}
}

func workdays(t *testing.T, zone string, from, to int) week {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	w := week{zone: z}
	for d := time.Monday; d <= time.Friday; d++ {
		w.open[d] = [2]int{from * 60, to * 60}
	}
	return w
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestHoursOfTheNightWhenTheClockChangesCountAsTheyPass(t *testing.T) {
	berlin := workdays(t, "Europe/Berlin", 0, 24)
	berlin.open[time.Sunday] = [2]int{0, 24 * 60}
	for name, c := range map[string]struct {
		day  string
		want time.Duration
	}{
		"an hour less in March":   {"2026-03-29T00:00:00+01:00", 23 * time.Hour},
		"an hour more in October": {"2026-10-25T00:00:00+02:00", 25 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			from := at(t, c.day)
			to := from.In(berlin.zone).AddDate(0, 0, 1)
			if got := clock.Between(berlin, from, to); got != c.want {
				t.Errorf("the day counts %v, want %v", got, c.want)
			}
			if due, ok := clock.After(berlin, from, c.want); !ok || !due.Equal(to) {
				t.Errorf("after %v: %v, %v, want %v", c.want, due, ok, to)
			}
		})
	}
}

func TestTargetOfAFridayAfternoonIsDueOnMonday(t *testing.T) {
	london := workdays(t, "Europe/London", 8, 18)
	terms := clock.Terms{"2": {clock.Resolution: {Within: 4 * time.Hour, Calendar: london}}}
	history := []clock.Moment{{At: at(t, "2026-11-20T16:30:00Z"), Mark: clock.Opened, Grade: "2"}} // a Friday
	got := clock.Read(history, terms, at(t, "2026-11-21T12:00:00Z"))[2]
	want := clock.Reading{
		Kind: clock.Resolution, State: clock.Running, Grade: "2", Promised: true, Within: 4 * time.Hour, Spent: 90 * time.Minute,
		Began: history[0].At, Due: at(t, "2026-11-23T10:30:00Z"),
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Error(diff)
	}
}

func TestChangedPriorityHoldsFromTheStart(t *testing.T) {
	terms := clock.Terms{
		"1": {clock.Resolution: {Within: time.Hour}},
		"3": {clock.Resolution: {Within: 8 * time.Hour}},
	}
	start := at(t, "2026-11-23T09:00:00Z")
	history := []clock.Moment{
		{At: start, Mark: clock.Opened, Grade: "3"},
		{At: start.Add(30 * time.Minute), Mark: clock.Paused},
		{At: start.Add(90 * time.Minute), Mark: clock.Resumed},
		{At: start.Add(3 * time.Hour), Mark: clock.Graded, Grade: "1"},
	}
	before := clock.Read(history, terms, start.Add(2*time.Hour))[2]
	if before.Late || before.Left() != 7*time.Hour {
		t.Errorf("before: %+v", before)
	}
	after := clock.Read(history, terms, start.Add(3*time.Hour))[2]
	if due := start.Add(2 * time.Hour); !after.Late || after.Spent != 2*time.Hour || !after.Due.Equal(due) {
		t.Errorf("after: %+v, want it due at %v", after, due)
	}
}

func TestEachClockStopsByWhatItWaitsFor(t *testing.T) {
	terms := clock.Terms{"2": {
		clock.Response: {Within: 15 * time.Minute}, clock.Update: {Within: time.Hour}, clock.Resolution: {Within: 4 * time.Hour},
	}}
	start := at(t, "2026-11-23T09:00:00Z")
	after := func(m time.Duration) time.Time { return start.Add(m * time.Minute) }
	history := []clock.Moment{
		{At: start, Mark: clock.Opened, Grade: "2"},
		{At: after(10), Mark: clock.Responded},
		{At: after(100), Mark: clock.Updated}, // 90 minutes after the answer
		{At: after(120), Mark: clock.Resolved},
		{At: after(600), Mark: clock.Reopened},
	}
	type row struct {
		State  clock.State
		Spent  time.Duration
		Late   bool
		Missed int
	}
	for name, c := range map[string]struct {
		now  time.Duration
		want []row
	}{
		"nobody has answered": {5, []row{{"running", 5, false, 0}, {"running", 5, false, 0}, {"running", 5, false, 0}}},
		"answered":            {50, []row{{"stopped", 10, false, 0}, {"running", 40, false, 0}, {"running", 50, false, 0}}},
		"an update is late":   {99, []row{{"stopped", 10, false, 0}, {"running", 89, true, 0}, {"running", 99, false, 0}}},
		"told at last":        {110, []row{{"stopped", 10, false, 0}, {"running", 10, false, 1}, {"running", 110, false, 0}}},
		"resolved":            {500, []row{{"stopped", 10, false, 0}, {"stopped", 20, false, 1}, {"stopped", 120, false, 0}}},
		"reopened":            {630, []row{{"stopped", 10, false, 0}, {"running", 50, false, 1}, {"running", 150, false, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []row
			for _, r := range clock.Read(history, terms, after(c.now)) {
				got = append(got, row{r.State, r.Spent / time.Minute, r.Late, r.Missed})
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestClockWithoutATargetIsNeverLate(t *testing.T) {
	start := at(t, "2026-11-23T09:00:00Z")
	for _, r := range clock.Read([]clock.Moment{{At: start, Mark: clock.Opened, Grade: "9"}}, nil, start.AddDate(1, 0, 0)) {
		if r.Promised || r.Late || !r.Due.IsZero() || r.Spent != 365*24*time.Hour {
			t.Errorf("%+v", r)
		}
	}
	if got := clock.Read([]clock.Moment{{At: start, Mark: clock.Paused}}, nil, start.Add(time.Hour)); got != nil {
		t.Errorf("a history that was never opened has clocks: %+v", got)
	}
}

func TestCalendarThatNeverRunsHasNoDueInstant(t *testing.T) {
	start := at(t, "2026-11-23T09:00:00Z")
	if due, ok := clock.After(week{zone: time.UTC}, start, time.Minute); ok {
		t.Errorf("due %v", due)
	}
	if got := clock.Between(week{zone: time.UTC}, start, start.AddDate(0, 1, 0)); got != 0 {
		t.Errorf("it ran for %v", got)
	}
}

func TestHistoriesThatAreNoneAreRefused(t *testing.T) {
	now := time.Now()
	for name, h := range map[string][]clock.Moment{
		"out of order": {{At: now, Mark: clock.Opened}, {At: now.Add(-1), Mark: clock.Paused}},
		"no mark":      {{At: now, Mark: "forgotten"}},
	} {
		if err := clock.Check(h); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
