package hours

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/teambition/rrule-go"

	"firstline/call/wall"
)

// Limits of a calendar of holidays.
const (
	MaxHolidays = 1 << 20 // bytes
	maxDays     = 20_000
	longest     = 60 // days of one event
	ahead       = 50 // years that a rule without an end is followed from its first day
)

// ErrHolidays means that bytes are no calendar of holidays; the text names all reasons.
var ErrHolidays = errors.New("not a calendar of holidays")

// ParseHolidays reads the whole days of an iCalendar (RFC 5545): each VEVENT whose
// DTSTART is a date, up to the day before its DTEND, as often as its RRULE says.
// Cancelled events do not count. An event with a time of day is ErrHolidays, since
// nobody could say what is closed by it.
func ParseHolidays(data []byte) (map[wall.Date]string, error) {
	if len(data) > MaxHolidays {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrHolidays, MaxHolidays)
	}
	cal, err := ics.ParseCalendar(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHolidays, err)
	}
	days := make(map[wall.Date]string)
	var faults []error
	for _, e := range cal.Events() {
		if err := addHoliday(days, e); err != nil {
			faults = append(faults, fmt.Errorf("event %q: %w", summary(e), err))
		}
	}
	switch {
	case len(faults) > 0:
		return nil, fmt.Errorf("%w: %w", ErrHolidays, errors.Join(faults...))
	case len(days) == 0:
		return nil, fmt.Errorf("%w: there is no day in it", ErrHolidays)
	case len(days) > maxDays:
		return nil, fmt.Errorf("%w: %d days are more than %d", ErrHolidays, len(days), maxDays)
	}
	return days, nil
}

func addHoliday(days map[wall.Date]string, e *ics.VEvent) error {
	if s := e.GetProperty(ics.ComponentPropertyStatus); s != nil && s.Value == "CANCELLED" {
		return nil
	}
	first, err := day(e, ics.ComponentPropertyDtStart)
	if err != nil {
		return err
	}
	after := first.AddDate(0, 0, 1)
	if e.GetProperty(ics.ComponentPropertyDtEnd) != nil {
		if after, err = day(e, ics.ComponentPropertyDtEnd); err != nil {
			return err
		}
	}
	long := int(after.Sub(first) / (24 * time.Hour))
	if long < 1 || long > longest {
		return fmt.Errorf("it lasts %d days; a holiday takes between 1 and %d", long, longest)
	}
	starts, err := recurring(e, first)
	if err != nil {
		return err
	}
	for _, s := range starts {
		for d := range long {
			days[wall.DateOf(s.AddDate(0, 0, d))] = summary(e)
		}
	}
	return nil
}

// day reads a date; a time of day is refused.
func day(e *ics.VEvent, p ics.ComponentProperty) (time.Time, error) {
	v := e.GetProperty(p)
	if v == nil {
		return time.Time{}, fmt.Errorf("it has no %s", p)
	}
	t, err := time.Parse("20060102", v.Value)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s %q is no whole day", p, v.Value)
	}
	return t, nil
}

// recurring is the first days of an event and its repetitions.
func recurring(e *ics.VEvent, first time.Time) ([]time.Time, error) {
	rules := e.GetProperties(ics.ComponentPropertyRrule)
	if len(rules) == 0 {
		return []time.Time{first}, nil
	}
	o, err := rrule.StrToROptionInLocation(rules[0].Value, time.UTC)
	if err != nil || len(rules) > 1 || o.Freq > rrule.DAILY {
		return nil, fmt.Errorf("RRULE %q is not one rule of whole days", rules[0].Value)
	}
	o.Dtstart = first
	if last := first.AddDate(ahead, 0, 0); o.Until.IsZero() || o.Until.After(last) {
		o.Until = last
	}
	o.Count = min(o.Count, maxDays)
	rule, err := rrule.NewRRule(*o)
	if err != nil {
		return nil, fmt.Errorf("RRULE %q: %w", rules[0].Value, err)
	}
	return rule.All(), nil
}

func summary(e *ics.VEvent) string {
	if s := e.GetProperty(ics.ComponentPropertySummary); s != nil {
		return s.Value
	}
	return ""
}
