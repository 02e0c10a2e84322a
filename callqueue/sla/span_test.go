package sla_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue/sla"
)

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return z
}

// cut is the lengths of a span's intervals, and where the first ends.
func cut(tb testing.TB, from, to time.Time, every sla.Every) (lengths []time.Duration, first time.Time) {
	tb.Helper()
	s := sla.Span{Now: to, From: from, To: to, Every: every}
	if err := s.Validate(); err != nil {
		tb.Fatal(err)
	}
	parts := s.Intervals()
	for i, p := range parts {
		lengths = append(lengths, p.To.Sub(p.From))
		if i > 0 && !p.From.Equal(parts[i-1].To) {
			tb.Errorf("%v begins when %v is over", p, parts[i-1])
		}
	}
	if !parts[0].From.Equal(from) || !parts[len(parts)-1].To.Equal(to) {
		tb.Errorf("%v to %v is cut into %v to %v", from, to, parts[0], parts[len(parts)-1])
	}
	return lengths, parts[0].To
}

const hour = time.Hour

// Europe/Berlin: on 29 March 2026 the clock goes from 2 to 3, on 25 October from 3
// back to 2.
func TestADayLastsFromMidnightToMidnightWhenTheClockChanges(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	on := func(m time.Month, d, h int) time.Time { return time.Date(2026, m, d, h, 0, 0, 0, berlin) }
	for _, c := range []struct {
		name     string
		from, to time.Time
		want     []time.Duration
	}{
		{"in spring", on(3, 28, 0), on(3, 31, 0), []time.Duration{24 * hour, 23 * hour, 24 * hour}},
		{"in autumn", on(10, 24, 0), on(10, 27, 0), []time.Duration{24 * hour, 25 * hour, 24 * hour}},
		{"from the afternoon to the morning", on(3, 28, 15), on(3, 30, 8), []time.Duration{9 * hour, 23 * hour, 8 * hour}},
		{"within the day", on(3, 29, 1), on(3, 29, 20), []time.Duration{18 * hour}},
	} {
		got, _ := cut(t, c.from, c.to, sla.Every{Unit: sla.Day, Zone: berlin})
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s:\n%s", c.name, d)
		}
	}
	utc, _ := cut(t, on(3, 28, 1), on(3, 31, 2), sla.Every{Unit: sla.Day}) // nobody's clock changes
	if d := cmp.Diff([]time.Duration{24 * hour, 24 * hour, 24 * hour}, utc); d != "" {
		t.Error(d)
	}
}

func TestWeeksBeginOnMondayAndMonthsOnTheFirst(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	on := func(m time.Month, d int) time.Time { return time.Date(2026, m, d, 0, 0, 0, 0, berlin) }
	weeks, monday := cut(t, on(3, 18), on(4, 6), sla.Every{Unit: sla.Week, Zone: berlin}) // 18 March is a Wednesday
	if d := cmp.Diff([]time.Duration{5 * 24 * hour, 7*24*hour - hour, 7 * 24 * hour}, weeks); d != "" || !monday.Equal(on(3, 23)) {
		t.Errorf("the first week ends %v\n%s", monday, d)
	}
	if again, _ := cut(t, on(3, 23), on(3, 30), sla.Every{Unit: sla.Week, Zone: berlin}); len(again) != 1 {
		t.Errorf("a week from Monday is %v", again)
	}
	months, first := cut(t, on(1, 31), on(4, 1), sla.Every{Unit: sla.Month, Zone: berlin})
	if d := cmp.Diff([]time.Duration{24 * hour, 28 * 24 * hour, 31*24*hour - hour}, months); d != "" || !first.Equal(on(2, 1)) {
		t.Errorf("the first month ends %v\n%s", first, d)
	}
}

// The clocks of other zones change at midnight, a minute past it, or leave out a day.
func TestMidnightIsTheFirstInstantOfADate(t *testing.T) {
	for _, name := range []string{
		"UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo", "Asia/Beirut", "Asia/Gaza", "America/Havana", "America/Sao_Paulo",
		"America/St_Johns", "America/Asuncion", "Asia/Tehran", "Asia/Kolkata", "Atlantic/Azores", "Pacific/Apia", "Pacific/Kiritimati",
		"Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll",
	} {
		z := zone(t, name)
		shows := func(at time.Time) time.Time {
			y, m, d := at.In(z).Date()
			return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		}
		for date := time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC); date.Year() < 2030; date = date.AddDate(0, 0, 1) {
			at := sla.Midnight(date.Year(), date.Month(), date.Day(), z)
			if shows(at).Before(date) || !shows(at.Add(-time.Nanosecond)).Before(date) {
				t.Fatalf("%s: %v is not the first instant of %v", name, at, date)
			}
			for back := at.Add(-time.Minute); back.After(at.Add(-3 * hour)); back = back.Add(-23 * time.Minute) {
				if !shows(back).Before(date) {
					t.Fatalf("%s: %v is of %v already, before %v", name, back, date, at)
				}
			}
		}
	}
	apia := zone(t, "Pacific/Apia") // 30 December 2011 was left out
	days, _ := cut(t, sla.Midnight(2011, 12, 29, apia), sla.Midnight(2012, 1, 1, apia), sla.Every{Unit: sla.Day, Zone: apia})
	if d := cmp.Diff([]time.Duration{24 * hour, 24 * hour}, days); d != "" {
		t.Error(d)
	}
}

// Whatever the zone and the cut, every entry is in one interval, and each interval
// of a unit begins when the clock shows another date.
func TestEveryEntryIsInOneDayOfItsZone(t *testing.T) {
	zones := []*time.Location{
		time.UTC, zone(t, "Europe/Berlin"), zone(t, "America/St_Johns"), zone(t, "America/Havana"), zone(t, "Pacific/Apia"), zone(t, "Australia/Lord_Howe"),
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := newStory(t, sla.Config{Keep: 100 * 365 * 24 * hour})
		s.began = time.Date(rapid.IntRange(2006, 2012).Draw(rt, "year"), time.Month(rapid.IntRange(1, 12).Draw(rt, "month")), 25, 0, 0, 0, 0, time.UTC)
		n := rapid.IntRange(1, 30).Draw(rt, "calls")
		for range n {
			s.join(time.Duration(rapid.IntRange(0, 14*24*60).Draw(rt, "minute"))*time.Minute, false)
		}
		every := sla.Every{
			Unit: rapid.SampledFrom([]sla.Unit{sla.Day, sla.Week, sla.Month}).Draw(rt, "unit"), Zone: rapid.SampledFrom(zones).Draw(rt, "zone"),
		}
		from := s.began.Add(-time.Duration(rapid.IntRange(0, 3000).Draw(rt, "earlier")) * time.Minute)
		to := s.began.Add(14*24*hour + time.Duration(rapid.IntRange(1, 3000).Draw(rt, "later"))*time.Minute)
		figures, err := s.l.Figures(sla.Span{Now: to, From: from, To: to, Every: every})
		if err != nil {
			rt.Fatal(err)
		}
		offered := 0
		for i, f := range figures {
			offered += f.Offered
			if i > 0 && f.From.In(every.Zone).YearDay() == f.From.Add(-time.Nanosecond).In(every.Zone).YearDay() {
				rt.Fatalf("%v is no midnight in %v", f.From, every.Zone)
			}
		}
		if offered != n {
			rt.Fatalf("%d of %d", offered, n)
		}
	})
}

// An hour of talk over midnight belongs to two days of the calendar, and each day
// has its own hours of work.
func TestStaffedTimeOfTheDayWhenTheClockChanges(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	from := sla.Midnight(2026, 3, 28, berlin)
	s := sla.NewStaff(100 * 24 * hour)
	s.Apply(call.AgentEvent(from, "ada", call.PresenceChanged{Presence: call.Available}))
	to := sla.Midnight(2026, 3, 31, berlin)
	f, err := s.Figures(sla.Span{Now: to, From: from, To: to, Every: sla.Every{Unit: sla.Day, Zone: berlin}}, nil)
	if err != nil || len(f) != 3 || f[0].Staffed != 24*hour || f[1].Staffed != 23*hour || f[2].Staffed != 24*hour {
		t.Errorf("%v: %+v", err, f)
	}
}

func TestMoreFiguresThanAnybodyReadsAreRefused(t *testing.T) {
	s := newStory(t, sla.Config{})
	for n := range 30 {
		id := call.ID(fmt.Sprint("c", n))
		s.event(0, id, call.QueueJoined{Entry: id.Entry(1), Queue: call.QueueID(fmt.Sprint("q", n)), Joined: s.began})
	}
	span := sla.Span{Now: s.began, From: s.began, To: s.began.Add(1000 * hour), Every: sla.Every{Length: hour}}
	if _, err := s.l.Figures(span); !errors.Is(err, sla.ErrSpan) {
		t.Errorf("30,000 figures: %v", err)
	}
	span.ByClient = true // only of those who called
	if f, err := s.l.Figures(span); err != nil || len(f) != 30 {
		t.Errorf("%d figures, %v", len(f), err)
	}
}

func TestSpansThatAreNoneAreRefused(t *testing.T) {
	l, now := sla.New(sla.Config{}), time.Now()
	for _, s := range []sla.Span{
		{From: now, To: now},
		{From: now, To: now.Add(hour), Every: sla.Every{Length: -1}},
		{From: now, To: now.Add(hour), Every: sla.Every{Length: 1}},
		{From: now, To: now.Add(hour), Every: sla.Every{Unit: "fortnight"}},
		{From: now, To: now.Add(hour), Every: sla.Every{Unit: sla.Day, Length: hour}},
		{From: now, To: now.AddDate(200, 0, 0), Every: sla.Every{Unit: sla.Day}},
	} {
		if _, err := l.Figures(s); !errors.Is(err, sla.ErrSpan) {
			t.Errorf("%+v: %v", s, err)
		}
		if _, err := sla.NewStaff(0).Figures(s, nil); !errors.Is(err, sla.ErrSpan) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}
