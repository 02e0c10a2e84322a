package oncall_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firstline/call"
	"firstline/call/wall"
	"firstline/tickets/oncall"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// lived is who has the turn at an instant by an account that lives through every
// minute: as soon as the clock on the wall shows the time of a hand-over, or a later
// one, on its date, the next one takes over.
func lived(r oncall.Rotation, z *time.Location, from, to time.Time, each func(at time.Time, who call.AgentID)) {
	due, who, last := r.First, len(r.People)-1, call.AgentID("")
	add := func(d wall.Date, days int) wall.Date {
		return wall.DateOf(time.Date(d.Year, d.Month, d.Day+days, 12, 0, 0, 0, time.UTC))
	}
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		shown := at.In(z).Format("2006-01-02 15:04")
		for shown >= fmt.Sprintf("%v %02d:%02d", due, r.Hour, r.Minute) {
			who, due = (who+1)%len(r.People), add(due, r.Days)
		}
		if changed := r.People[who] != last; changed || at.Minute()%7 == 0 {
			each(at, r.People[who])
		}
		last = r.People[who]
	}
}

func TestAtEveryInstantExactlyOnePersonOfARotationHasTheTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Each zone with a month in which its clock changes.
		in := rapid.SampledFrom([]struct {
			zone  string
			month time.Month
		}{{"Europe/Berlin", 3}, {"Europe/Berlin", 10}, {"America/New_York", 3}, {"America/New_York", 11}, {"Australia/Lord_Howe", 4}, {"America/Santiago", 9}, {"Asia/Kolkata", 5}}).Draw(t, "zone")
		z := zone(t, in.zone)
		r := oncall.Rotation{
			People: []call.AgentID{"ana", "ben", "cem"}[:rapid.IntRange(1, 3).Draw(t, "people")],
			Days:   rapid.SampledFrom([]int{1, 7}).Draw(t, "days"),
			First:  wall.Date{Year: 2026, Month: in.month, Day: rapid.IntRange(1, 20).Draw(t, "day")},
			Hour:   rapid.IntRange(0, 23).Draw(t, "hour"), Minute: rapid.SampledFrom([]int{0, 1, 30, 59}).Draw(t, "minute"),
		}
		s := oncall.Schedule{ID: "night", Zone: z, Rotation: &r}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		begin := time.Date(2026, in.month, r.First.Day, r.Hour, r.Minute, 0, 0, z).Add(-24 * time.Hour)
		var last oncall.Shift
		lived(r, z, begin, begin.AddDate(0, 0, 16), func(at time.Time, who call.AgentID) {
			on, ok := s.At(at, nil)
			if !ok || on.Person != who && !at.Before(begin.Add(23*time.Hour)) {
				t.Fatalf("at %v %v has the turn, want %s", at.In(z), on, who)
			}
			if on.From.After(at) || !on.To.After(at) {
				t.Fatalf("at %v the turn is from %v to %v", at.In(z), on.From.In(z), on.To.In(z))
			}
			if !last.To.IsZero() && !on.From.Equal(last.From) && !on.From.Equal(last.To) {
				t.Fatalf("after the turn up to %v comes one from %v", last.To.In(z), on.From.In(z))
			}
			last = on
		})
	})
}

func TestWhoStandsInWinsTheOneNamedLastFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := zone(t, "Europe/Berlin")
		s := oncall.Schedule{ID: "night", Zone: z, Rotation: &oncall.Rotation{People: []call.AgentID{"ana", "ben"}, Days: 1, First: wall.Date{Year: 2026, Month: 3, Day: 26}, Hour: 9}}
		begin := time.Date(2026, 3, 27, 0, 0, 0, 0, z)
		var all []oncall.Override
		for n := range rapid.IntRange(0, 5).Draw(t, "overrides") {
			o := oncall.Override{ID: fmt.Sprint(n), Schedule: rapid.SampledFrom([]string{"night", "day"}).Draw(t, "schedule"), Person: call.AgentID(fmt.Sprint("sub", n)), Made: begin.Add(time.Duration(n) * time.Second)}
			o.From = begin.Add(time.Duration(rapid.IntRange(0, 95).Draw(t, "from")) * time.Hour)
			o.To = o.From.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "hours")) * time.Hour)
			if rapid.Bool().Draw(t, "taken back") {
				o.Ended = begin.Add(time.Duration(rapid.IntRange(0, 130).Draw(t, "ended")) * time.Hour)
			}
			all = append(all, o)
		}
		for at := begin; at.Before(begin.Add(100 * time.Hour)); at = at.Add(time.Hour) {
			planned, _ := s.At(at, nil)
			want := planned.Person
			for _, o := range all { // in the order in which they were made
				if o.Schedule == "night" && !o.From.After(at) && o.To.After(at) && (o.Ended.IsZero() || o.Ended.After(at)) {
					want = o.Person
				}
			}
			on, ok := s.At(at, all)
			if !ok || on.Person != want {
				t.Fatalf("at %v %v has the turn, want %s; %+v", at, on, want, all)
			}
			for _, inside := range []time.Time{on.From, on.To.Add(-time.Minute)} {
				if other, _ := s.At(inside, all); other.Person != want {
					t.Fatalf("%s has the turn from %v to %v, and at %v it is %s; %+v", want, on.From, on.To, inside, other.Person, all)
				}
			}
		}
		turns := s.Between(begin, begin.Add(100*time.Hour), all)
		for i, turn := range turns[1:] {
			if !turn.From.Equal(turns[i].To) {
				t.Fatalf("between %v and %v nobody has the turn", turns[i].To, turn.From)
			}
		}
	})
}

func TestANightHasAnHourMoreOrLessWhenTheClockChanges(t *testing.T) {
	z := zone(t, "Europe/Berlin")
	s := oncall.Schedule{ID: "night", Zone: z, Rotation: &oncall.Rotation{People: []call.AgentID{"ana", "ben"}, Days: 1, First: wall.Date{Year: 2026, Month: 1, Day: 1}, Hour: 2, Minute: 30}}
	for day, want := range map[string]time.Duration{
		"2026-03-27T12:00:00Z": 24 * time.Hour,
		"2026-03-28T12:00:00Z": 23*time.Hour + 30*time.Minute, // until 03:00, which is 02:30 left out
		"2026-10-24T12:00:00Z": 24 * time.Hour,                // until 02:30 for the first time
		"2026-10-25T12:00:00Z": 25 * time.Hour,
	} {
		at, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		if on, _ := s.At(at, nil); on.To.Sub(on.From) != want {
			t.Errorf("the turn at %s is from %v to %v: %v, want %v", day, on.From, on.To, on.To.Sub(on.From), want)
		}
	}
}

const duties = `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//test//EN
BEGIN:VEVENT
UID:weekdays
SUMMARY:Ana Silva
DTSTART;TZID=Europe/Berlin:20260323T180000
DTEND;TZID=Europe/Berlin:20260324T080000
RRULE:FREQ=DAILY
EXDATE;TZID=Europe/Berlin:20260326T180000
END:VEVENT
BEGIN:VEVENT
UID:weekdays
RECURRENCE-ID;TZID=Europe/Berlin:20260325T180000
SUMMARY:ben
DTSTART;TZID=Europe/Berlin:20260325T200000
DTEND;TZID=Europe/Berlin:20260326T080000
END:VEVENT
BEGIN:VEVENT
UID:sunday
SUMMARY:ben
DTSTART;VALUE=DATE:20260329
DTEND;VALUE=DATE:20260330
END:VEVENT
END:VCALENDAR
`

func people(name string) (call.AgentID, bool) {
	switch name {
	case "Ana Silva", "ana":
		return "ana", true
	case "ben":
		return "ben", true
	}
	return "", false
}

func TestACalendarSaysWhoIsOnCallAndWhenNobodyIs(t *testing.T) {
	z := zone(t, "Europe/Berlin")
	c, err := oncall.ParseCalendar([]byte(duties), z, people)
	if err != nil {
		t.Fatal(err)
	}
	s := oncall.Schedule{ID: "night", Zone: z, Calendar: c}
	for at, want := range map[string]string{
		"2026-03-23 17:59": "",
		"2026-03-23 18:00": "ana until 2026-03-24 08:00",
		"2026-03-24 08:00": "", // its end is not in it
		"2026-03-25 18:30": "", // moved
		"2026-03-25 20:00": "ben until 2026-03-26 08:00",
		"2026-03-26 20:00": "", // left out
		"2026-03-28 20:00": "ana until 2026-03-29 00:00",
		"2026-03-29 00:00": "ben until 2026-03-29 18:00", // began last
		"2026-03-29 18:00": "ana until 2026-03-30 08:00",
	} {
		when, err := time.ParseInLocation("2006-01-02 15:04", at, z)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if on, ok := s.At(when, nil); ok {
			got = fmt.Sprintf("%s until %s", on.Person, on.To.In(z).Format("2006-01-02 15:04"))
		}
		if got != want {
			t.Errorf("at %s: %q, want %q", at, got, want)
		}
	}
	night, _ := s.At(time.Date(2026, 3, 29, 18, 0, 0, 0, z), nil)
	if next, ok := s.Next(night.From, nil); !ok || next.Person != "ana" || !next.From.Equal(time.Date(2026, 3, 30, 18, 0, 0, 0, z)) {
		t.Errorf("after the day comes %v", next)
	}
}

func TestACalendarIsRefusedWithEveryReason(t *testing.T) {
	_, err := oncall.ParseCalendar([]byte(`BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY:nobody
DTSTART:20260323T180000Z
DTEND:20260322T180000Z
END:VEVENT
BEGIN:VEVENT
SUMMARY:ben
DTSTART;TZID=Mars/Olympus:20260323T180000
DTEND:20260324T180000Z
END:VEVENT
END:VCALENDAR
`), time.UTC, people)
	want := "event 1 (\"nobody\"): \"nobody\" is none of the people who are phoned\n" +
		"event 1 (\"nobody\"): it lasts -24h0m0s; a turn takes up to 1488h0m0s\n" +
		"event 2 (\"ben\"): there is no time zone \"Mars/Olympus\"; take a name such as Europe/Berlin\n" +
		"event 2 (\"ben\"): it needs a DTSTART and a DTEND"
	if err == nil || err.Error() != oncall.ErrCalendar.Error()+": "+want {
		t.Errorf("%v", err)
	}
}
