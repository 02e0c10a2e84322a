package worktime_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/callqueue/worktime"
)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// calendar makes an iCalendar of events, each given by its lines.
func calendar(events ...string) []byte {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n")
	for _, e := range events {
		b.WriteString("BEGIN:VEVENT\r\n" + strings.ReplaceAll(strings.TrimSpace(e), "\n", "\r\n") + "\r\nEND:VEVENT\r\n")
	}
	b.WriteString("END:VCALENDAR\r\n")
	return []byte(b.String())
}

// planned lists the shifts between two days in Berlin, with their true lengths.
func planned(t *testing.T, from, to string, events ...string) []string {
	t.Helper()
	loc := berlin(t)
	s, err := worktime.ParseShifts(calendar(events...), loc)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range s.Between(day(t, from), day(t, to)) {
		out = append(out, i.From.In(loc).Format("02 Mon 15:04")+" "+i.To.Sub(i.From).String())
	}
	return out
}

func day(t *testing.T, text string) time.Time {
	t.Helper()
	d, err := time.ParseInLocation("2006-01-02", text, berlin(t))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const nights = `
UID:night
SUMMARY:Night
DTSTART;TZID=Europe/Berlin:20260102T220000
DTEND;TZID=Europe/Berlin:20260103T060000
RRULE:FREQ=WEEKLY;BYDAY=FR,SA,SU
`

func TestNightShiftsAreAsLongAsTheNight(t *testing.T) {
	// 29 March 2026: 02:00 becomes 03:00.
	want := []string{"27 Fri 22:00 8h0m0s", "28 Sat 22:00 7h0m0s", "29 Sun 22:00 8h0m0s"}
	if d := cmp.Diff(want, planned(t, "2026-03-27", "2026-03-31", nights)); d != "" {
		t.Error(d)
	}
	// 25 October 2026: 03:00 becomes 02:00.
	want = []string{"23 Fri 22:00 8h0m0s", "24 Sat 22:00 9h0m0s", "25 Sun 22:00 8h0m0s"}
	if d := cmp.Diff(want, planned(t, "2026-10-23", "2026-10-27", nights)); d != "" {
		t.Error(d)
	}
	lasting := strings.Replace(nights, "DTEND;TZID=Europe/Berlin:20260103T060000", "DURATION:PT8H", 1)
	// A duration is kept as it is; the first and last night are cut at the window's ends.
	want = []string{"24 Sat 00:00 6h0m0s", "24 Sat 22:00 8h0m0s", "25 Sun 22:00 2h0m0s"}
	if d := cmp.Diff(want, planned(t, "2026-10-24", "2026-10-26", lasting)); d != "" {
		t.Error(d)
	}
}

func TestAShiftThatBeginsInTheHourThatIsNotThereStillCounts(t *testing.T) {
	got := planned(t, "2026-03-28", "2026-03-31", `
UID:early
DTSTART;TZID=Europe/Berlin:20260301T023000
DTEND;TZID=Europe/Berlin:20260301T103000
RRULE:FREQ=DAILY`)
	if len(got) != 3 || !strings.HasPrefix(got[1], "29 Sun 03:30") && !strings.HasPrefix(got[1], "29 Sun 01:30") {
		t.Errorf("%q", got)
	}
}

func TestExceptionsAndSinglesCount(t *testing.T) {
	week := `
UID:day
DTSTART;TZID=Europe/Berlin:20260302T090000
DTEND;TZID=Europe/Berlin:20260302T170000
RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20260313T225959Z
EXDATE;TZID=Europe/Berlin:20260304T090000,20260305T090000
EXDATE;VALUE=DATE:20260306
RDATE;TZID=Europe/Berlin:20260307T090000`
	moved := `
UID:day
RECURRENCE-ID;TZID=Europe/Berlin:20260303T090000
DTSTART;TZID=Europe/Berlin:20260303T130000
DTEND;TZID=Europe/Berlin:20260303T210000`
	cancelled := `
UID:day
RECURRENCE-ID;TZID=Europe/Berlin:20260310T090000
STATUS:CANCELLED
DTSTART;TZID=Europe/Berlin:20260310T090000
DTEND;TZID=Europe/Berlin:20260310T170000`
	lunch := `
UID:lunch
CATEGORIES:Break
DTSTART;TZID=Europe/Berlin:20260302T120000
DURATION:PT30M
RRULE:FREQ=DAILY;COUNT=1`
	holiday := `
UID:holiday
TRANSP:TRANSPARENT
DTSTART;VALUE=DATE:20260309`
	want := []string{
		"02 Mon 09:00 3h0m0s", "02 Mon 12:30 4h30m0s", "03 Tue 13:00 8h0m0s", "07 Sat 09:00 8h0m0s",
		"09 Mon 09:00 8h0m0s", "11 Wed 09:00 8h0m0s", "12 Thu 09:00 8h0m0s", "13 Fri 09:00 8h0m0s",
	}
	if d := cmp.Diff(want, planned(t, "2026-03-01", "2026-04-01", week, moved, cancelled, lunch, holiday)); d != "" {
		t.Error(d)
	}
}

func TestTimesWithoutAZoneAreTheDesks(t *testing.T) {
	got := planned(t, "2026-07-01", "2026-07-02", "UID:a\nDTSTART:20260701T090000\nDTEND:20260701T100000",
		"UID:b\nDTSTART:20260701T090000Z\nDTEND:20260701T100000Z", "UID:c\nDTSTART;TZID=/example.org/America/New_York:20260701T090000\nDURATION:PT1H")
	if d := cmp.Diff([]string{"01 Wed 09:00 1h0m0s", "01 Wed 11:00 1h0m0s", "01 Wed 15:00 1h0m0s"}, got); d != "" {
		t.Error(d)
	}
}

func TestACalendarMayNameItsZone(t *testing.T) {
	data := strings.Replace(string(calendar("UID:a\nDTSTART:20260701T090000\nDTEND:20260701T100000")), "VERSION:2.0", "VERSION:2.0\r\nX-WR-TIMEZONE:Europe/Berlin", 1)
	s, err := worktime.ParseShifts([]byte(data), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Between(day(t, "2026-07-01"), day(t, "2026-07-02")); len(got) != 1 || got[0].From.UTC().Hour() != 7 {
		t.Errorf("%v", got)
	}
	if _, err := worktime.ParseShifts([]byte(strings.Replace(data, "Europe/Berlin", "Nowhere", 1)), time.UTC); !errors.Is(err, worktime.ErrCalendar) {
		t.Errorf("a zone that is not there: %v", err)
	}
}

func TestAFaultyCalendarIsRefusedWithAllItsFaults(t *testing.T) {
	_, err := worktime.ParseShifts(calendar(
		"SUMMARY:a\nDTSTART:20260701T090000",
		"SUMMARY:b\nDTSTART;TZID=W. Europe Standard Time:20260701T090000\nDTEND:20260701T100000",
		"SUMMARY:c\nDTSTART;VALUE=DATE:20260701",
		"SUMMARY:d\nDTSTART:20260701T090000\nDTEND:20260701T080000",
		"SUMMARY:e\nDTSTART:20260701T090000\nDTEND:20260703T090000",
		"SUMMARY:f\nDTSTART:20260701T090000\nDTEND:20260701T100000\nRRULE:FREQ=SECONDLY",
		"SUMMARY:g\nDTSTART:20260701T090000\nDTEND:20260701T100000\nRRULE:FREQ=SOMETIMES",
		"SUMMARY:h\nDTEND:20260701T100000",
		"SUMMARY:i\nDTSTART:00010701T090000\nDTEND:00010701T100000",
		"SUMMARY:j\nDTSTART:20260701T090000\nDURATION:-PT1H",
		"SUMMARY:k\nDTSTART:20260701T090000\nDTEND:20260701T120000\nRRULE:FREQ=DAILY;BYHOUR=9,15",
		"SUMMARY:l\nDTSTART:20260701T090000\nDTEND:20260701T120000\nEXDATE;VALUE=DATE:20260702,2026-07-03",
	), time.UTC)
	if !errors.Is(err, worktime.ErrCalendar) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		`event 1 ("a"): it has neither DTEND nor DURATION`, `event 2 ("b"): DTSTART: there is no time zone "W. Europe Standard Time"`,
		`event 3 ("c"): DTSTART 20260701 is a whole day`, `event 4 ("d"): it lasts -1h0m0s`, `event 5 ("e"): it lasts 48h0m0s`,
		`event 6 ("f"): RRULE "FREQ=SECONDLY" repeats more often than daily`, `event 7 ("g"): RRULE "FREQ=SOMETIMES"`,
		`event 8 ("h"): it has no DTSTART`, `event 9 ("i"): DTSTART "00010701T090000" is not a date`, `event 10 ("j"): DURATION "-PT1H"`,
		`event 11 ("k"): RRULE "FREQ=DAILY;BYHOUR=9,15" names other times of day than DTSTART: write an event for each shift`,
		`event 12 ("l"): EXDATE "2026-07-03" is not a date such as 20260328`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
	for _, text := range []string{"", "hello", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"} {
		if _, err := worktime.ParseShifts([]byte(text), time.UTC); !errors.Is(err, worktime.ErrCalendar) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The times that calendars write although DTSTART says them.
func TestARuleMaySayTheTimeOfItsBegin(t *testing.T) {
	got := planned(t, "2026-07-01", "2026-07-03", "UID:a\nDTSTART;TZID=Europe/Berlin:20260701T093000\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYHOUR=9;BYMINUTE=30;BYSECOND=0")
	if d := cmp.Diff([]string{"01 Wed 09:30 1h0m0s", "02 Thu 09:30 1h0m0s"}, got); d != "" {
		t.Error(d)
	}
}

func FuzzParseShifts(f *testing.F) {
	f.Add(calendar(nights))
	f.Add(calendar("UID:a\nDTSTART;TZID=Europe/Berlin:20260302T090000\nDURATION:PT8H\nRRULE:FREQ=MONTHLY;BYMONTHDAY=31\nEXDATE:20260304T090000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := worktime.ParseShifts(data, time.UTC)
		if err != nil {
			return
		}
		from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		last := from
		for _, i := range s.Between(from, from.AddDate(0, 1, 0)) {
			if i.From.Before(last) || !i.From.Before(i.To) {
				t.Fatalf("%v to %v after %v", i.From, i.To, last)
			}
			last = i.To
		}
	})
}
