package hours_test

import (
	"errors"
	"strings"
	"testing"

	"firstline/ivr/hours"
)

func ical(events ...string) []byte {
	text := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n"
	for _, e := range events {
		text += "BEGIN:VEVENT\r\nUID:" + strings.ReplaceAll(e, "\r\n", "") + "\r\n" + e + "\r\nEND:VEVENT\r\n"
	}
	return []byte(text + "END:VCALENDAR\r\n")
}

func TestHolidaysAreTheWholeDaysOfACalendar(t *testing.T) {
	got, err := hours.ParseHolidays(ical(
		"DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261227\r\nSUMMARY:Christmas",
		"DTSTART;VALUE=DATE:20200501\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Labour Day",
		"DTSTART;VALUE=DATE:20201126\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH\r\nSUMMARY:Thanksgiving",
		"DTSTART;VALUE=DATE:20260601\r\nSTATUS:CANCELLED\r\nSUMMARY:Not this year",
	))
	if err != nil {
		t.Fatal(err)
	}
	for date, want := range map[string]string{
		"2026-12-24": "", "2026-12-25": "Christmas", "2026-12-26": "Christmas", "2026-12-27": "",
		"2019-05-01": "", "2020-05-01": "Labour Day", "2044-05-01": "Labour Day", "2026-11-26": "Thanksgiving", "2026-06-01": "",
	} {
		d, err := hours.ParseDate(date)
		if err != nil {
			t.Fatal(err)
		}
		if got[d] != want {
			t.Errorf("%s is %q, want %q", date, got[d], want)
		}
	}
}

func TestWhatIsNoCalendarOfHolidaysIsRefusedWithItsReason(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "<html>Not found</html>": "", string(ical()): "there is no day in it",
		string(ical("DTSTART:20261225T100000Z\r\nSUMMARY:Lunch")):                                `"Lunch": DTSTART "20261225T100000Z" is no whole day`,
		string(ical("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261225\r\nSUMMARY:None")): "it lasts 0 days",
		string(ical("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=SECONDLY\r\nSUMMARY:Often")):      "not one rule of whole days",
		string(ical("SUMMARY:Never")):            "it has no DTSTART",
		strings.Repeat("x", hours.MaxHolidays+1): "longer than",
	} {
		got, err := hours.ParseHolidays([]byte(text))
		if !errors.Is(err, hours.ErrHolidays) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, %v; want %q", text, got, err, want)
		}
	}
}

func FuzzParseHolidays(f *testing.F) {
	f.Add(ical("DTSTART;VALUE=DATE:20200501\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Labour Day"))
	f.Fuzz(func(t *testing.T, data []byte) {
		days, err := hours.ParseHolidays(data)
		if err != nil && !errors.Is(err, hours.ErrHolidays) {
			t.Errorf("%v is no ErrHolidays", err)
		}
		if err == nil && len(days) == 0 {
			t.Error("no day and no error")
		}
	})
}
