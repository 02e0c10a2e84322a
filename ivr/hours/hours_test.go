package hours_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"firstline/call/wall"
	"firstline/ivr/hours"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func spans(t testing.TB, texts ...string) []hours.Span {
	t.Helper()
	var all []hours.Span
	for _, text := range texts {
		s, err := hours.ParseSpan(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		all = append(all, s)
	}
	return all
}

// desk is open from Monday to Friday from 8 to 18 h and on Saturday morning.
func desk(t testing.TB) *hours.Calendar {
	c := &hours.Calendar{Zone: zone(t, "Europe/Berlin"), Exceptions: map[wall.Date][]hours.Span{
		{Year: 2026, Month: 12, Day: 24}: spans(t, "08:00-12:00"),
		{Year: 2026, Month: 12, Day: 25}: nil,
		{Year: 2026, Month: 12, Day: 27}: spans(t, "10:00-11:00"), // a Sunday
	}}
	for day := time.Monday; day <= time.Friday; day++ {
		c.Weekly[day] = spans(t, "08:00-18:00")
	}
	c.Weekly[time.Saturday] = spans(t, "09:00-12:00")
	return c
}

func daily(t testing.TB, texts ...string) *hours.Calendar {
	c := &hours.Calendar{Zone: zone(t, "Europe/Berlin")}
	for day := range c.Weekly {
		c.Weekly[day] = spans(t, texts...)
	}
	return c
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	when, err := time.Parse("2006-01-02 15:04:05 -0700", text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// want asks a calendar at an instant; until "" is for a year.
func want(t *testing.T, c *hours.Calendar, when string, open bool, until string) {
	t.Helper()
	gotOpen, gotUntil := c.Open(at(t, when))
	if gotOpen != open || !gotUntil.Equal(at(t, until)) {
		t.Errorf("at %s: open %v until %v, want %v until %s", when, gotOpen, gotUntil, open, until)
	}
	next := gotUntil
	if gotOpen {
		next = at(t, when)
	}
	if got := c.Next(at(t, when)); !got.Equal(next) {
		t.Errorf("at %s: next open %v, want %v", when, got, next)
	}
}

func TestWeeklyHoursBeginWithTheirFirstMinuteAndEndBeforeTheirLast(t *testing.T) {
	c := desk(t)
	want(t, c, "2026-11-23 07:59:59 +0100", false, "2026-11-23 08:00:00 +0100")
	want(t, c, "2026-11-23 08:00:00 +0100", true, "2026-11-23 18:00:00 +0100")
	want(t, c, "2026-11-23 17:59:59 +0100", true, "2026-11-23 18:00:00 +0100")
	want(t, c, "2026-11-23 18:00:00 +0100", false, "2026-11-24 08:00:00 +0100")
	want(t, c, "2026-11-21 12:00:00 +0100", false, "2026-11-23 08:00:00 +0100")
	want(t, c, "2026-11-23 16:30:00 +0000", true, "2026-11-23 17:00:00 +0000") // asked in another zone
}

func TestADateReplacesTheHoursOfItsWeekday(t *testing.T) {
	c := desk(t)
	want(t, c, "2026-12-24 11:59:00 +0100", true, "2026-12-24 12:00:00 +0100")
	want(t, c, "2026-12-24 13:00:00 +0100", false, "2026-12-26 09:00:00 +0100") // over the 25th
	want(t, c, "2026-12-25 10:00:00 +0100", false, "2026-12-26 09:00:00 +0100")
	want(t, c, "2026-12-26 12:30:00 +0100", false, "2026-12-27 10:00:00 +0100")
}

func TestANightBelongsToTheDayOnWhichItBegins(t *testing.T) {
	c := &hours.Calendar{Zone: zone(t, "Europe/Berlin"), Exceptions: map[wall.Date][]hours.Span{
		{Year: 2026, Month: 11, Day: 28}: nil, // Saturday
	}}
	c.Weekly[time.Friday], c.Weekly[time.Saturday] = spans(t, "22:00-06:00"), spans(t, "22:00-06:00")
	want(t, c, "2026-11-27 21:59:00 +0100", false, "2026-11-27 22:00:00 +0100")
	want(t, c, "2026-11-28 03:00:00 +0100", true, "2026-11-28 06:00:00 +0100") // Friday's, though Saturday is closed
	want(t, c, "2026-11-28 23:00:00 +0100", false, "2026-12-04 22:00:00 +0100")
	want(t, c, "2026-12-06 05:00:00 +0100", true, "2026-12-06 06:00:00 +0100") // Saturday's
}

func TestOpeningsThatMeetAreOne(t *testing.T) {
	c := daily(t, "12:00-24:00", "00:00-06:00", "06:00-08:00")
	want(t, c, "2026-11-23 13:00:00 +0100", true, "2026-11-24 08:00:00 +0100")
	want(t, c, "2026-11-24 07:00:00 +0100", true, "2026-11-24 08:00:00 +0100")
}

func TestAlwaysAndNeverHaveNoEnd(t *testing.T) {
	want(t, daily(t, "00:00-24:00"), "2026-11-23 13:00:00 +0100", true, "")
	want(t, &hours.Calendar{Zone: time.UTC}, "2026-11-23 13:00:00 +0000", false, "")
}

// Europe/Berlin: on 29 March 2026 the clock goes from 2 to 3, on 25 October from 3 back to 2.
func TestTheClockOnTheWallCountsWhenItChanges(t *testing.T) {
	day := daily(t, "08:00-18:00")
	want(t, day, "2026-03-28 19:00:00 +0100", false, "2026-03-29 08:00:00 +0200")
	want(t, day, "2026-10-24 19:00:00 +0200", false, "2026-10-25 08:00:00 +0100")

	night := daily(t, "22:00-06:00")
	want(t, night, "2026-03-28 22:00:00 +0100", true, "2026-03-29 06:00:00 +0200") // seven hours
	want(t, night, "2026-10-24 22:00:00 +0200", true, "2026-10-25 06:00:00 +0100") // nine hours
	want(t, night, "2026-10-25 02:30:00 +0200", true, "2026-10-25 06:00:00 +0100")
	want(t, night, "2026-10-25 02:30:00 +0100", true, "2026-10-25 06:00:00 +0100")
}

func TestATimeThatTheClockLeavesOutIsTheMomentOfTheChange(t *testing.T) {
	change := "2026-03-29 03:00:00 +0200"
	want(t, daily(t, "02:30-05:00"), "2026-03-29 01:59:59 +0100", false, change)
	want(t, daily(t, "02:30-05:00"), change, true, "2026-03-29 05:00:00 +0200")
	want(t, daily(t, "00:00-02:30"), "2026-03-29 01:00:00 +0100", true, change)
	want(t, daily(t, "00:00-02:30", "02:30-05:00"), "2026-03-29 01:00:00 +0100", true, "2026-03-29 05:00:00 +0200")
	// All of it is left out: the line does not open that night.
	want(t, daily(t, "02:10-02:50"), "2026-03-29 01:00:00 +0100", false, "2026-03-30 02:10:00 +0200")
}

func TestATimeThatTheClockShowsTwiceIsTheFirst(t *testing.T) {
	first, second := "2026-10-25 02:30:00 +0200", "2026-10-25 02:30:00 +0100"
	want(t, daily(t, "02:30-05:00"), "2026-10-25 01:00:00 +0200", false, first)
	want(t, daily(t, "02:30-05:00"), "2026-10-25 02:15:00 +0100", true, "2026-10-25 05:00:00 +0100")
	want(t, daily(t, "00:00-02:30"), "2026-10-25 01:00:00 +0200", true, first)
	want(t, daily(t, "00:00-02:30"), "2026-10-25 02:15:00 +0100", false, "2026-10-26 00:00:00 +0100")
	want(t, daily(t, "00:00-02:30", "02:30-05:00"), second, true, "2026-10-25 05:00:00 +0100")
	want(t, daily(t, "02:00-03:00"), "2026-10-25 02:00:00 +0200", true, "2026-10-25 03:00:00 +0100") // two hours
}

// The clocks of other zones change at midnight, or leave out a day.
func TestAMidnightThatTheClockLeavesOut(t *testing.T) {
	c := daily(t, "00:00-08:00")
	c.Zone = zone(t, "Africa/Cairo") // 24 April 2026: from 0 to 1
	want(t, c, "2026-04-23 20:00:00 +0200", false, "2026-04-24 01:00:00 +0300")
	c.Zone = zone(t, "Pacific/Apia") // 30 December 2011 was left out
	want(t, c, "2011-12-29 12:00:00 -1000", false, "2011-12-31 00:00:00 +1400")
}

// Through two years, minute by minute of every change night and hour by hour
// otherwise: until is when the answer changes, and not before.
func TestTheAnswerHoldsUntilItSays(t *testing.T) {
	for name, c := range map[string]*hours.Calendar{
		"desk": desk(t), "night": daily(t, "22:00-06:00"), "split": daily(t, "01:30-02:15", "02:45-03:30", "23:00-24:00"),
	} {
		now := at(t, "2026-01-01 00:00:00 +0100")
		open, until := c.Open(now)
		for end := now.AddDate(2, 0, 0); now.Before(end); now = now.Add(7 * time.Minute) {
			isOpen, next := c.Open(now)
			if now.Before(until) && (isOpen != open || !next.Equal(until)) {
				t.Fatalf("%s: at %v open %v until %v, but before it was %v until %v", name, now, isOpen, next, open, until)
			}
			if !now.Before(until) {
				if before, end := c.Open(until.Add(-time.Nanosecond)); before != open || !end.Equal(until) {
					t.Fatalf("%s: just before %v: %v until %v", name, until, before, end)
				}
				if after, _ := c.Open(until); after == open {
					t.Fatalf("%s: nothing changes at %v", name, until)
				}
			}
			open, until = isOpen, next
		}
	}
}

func TestOnlyClockTimesAreOpenings(t *testing.T) {
	for text, want := range map[string]hours.Span{
		"08:00-18:00": {From: 480, To: 1080},
		"00:00-24:00": {From: 0, To: 1440},
		"22:00-06:30": {From: 1320, To: 1830},
		"18:00-00:00": {From: 1080, To: 1440},
	} {
		got, err := hours.ParseSpan(text)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "8:00-18:00", "08:00", "08:00-18:60", "08:00-24:01", "24:00-06:00", "08:00–18:00", "08:00-08:00", "08.00-18.00", "-8:00-18:00", "aa:aa-bb:bb",
	} {
		if got, err := hours.ParseSpan(text); !errors.Is(err, hours.ErrSpan) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"2026-02-29", "24.12.2026", "2026-12-32", ""} {
		if got, err := hours.ParseDate(text); !errors.Is(err, hours.ErrDate) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func FuzzParseSpan(f *testing.F) {
	f.Add("08:00-18:00")
	f.Add("22:00-06:00")
	f.Add("00:00-24:00")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := hours.ParseSpan(text)
		if err != nil {
			return
		}
		c := &hours.Calendar{Zone: time.UTC, Weekly: [7][]hours.Span{{s}}}
		if err := c.Validate(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if again, err := hours.ParseSpan(s.String()); err != nil || again != s {
			t.Errorf("%q is written %q and read %v, %v", text, s, again, err)
		}
	})
}

func TestAFaultyCalendarIsRefusedWithAllItsFaults(t *testing.T) {
	c := &hours.Calendar{Exceptions: map[wall.Date][]hours.Span{{Year: 2026, Month: 12, Day: 24}: {{From: 1440, To: 1500}}}}
	c.Weekly[time.Monday] = spans(t, "12:00-18:00", "08:00-13:00")
	err := c.Validate()
	for _, want := range []string{"no time zone", "Monday: 08:00-13:00 and 12:00-18:00 overlap", "2026-12-24: an opening begins on its day"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	never := &hours.Calendar{Zone: time.UTC}
	if err := never.Validate(); err == nil || err.Error() != "the calendar is never open" {
		t.Errorf("never open: %v", err)
	}
}

func BenchmarkOpenForever(b *testing.B) {
	c, now := daily(b, "00:00-24:00"), at(b, "2026-11-23 13:00:00 +0100")
	for b.Loop() {
		c.Open(now)
	}
}

func BenchmarkOpen(b *testing.B) {
	c, now := desk(b), at(b, "2026-11-23 13:00:00 +0100")
	for b.Loop() {
		c.Open(now)
	}
}
