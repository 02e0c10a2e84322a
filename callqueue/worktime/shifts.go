package worktime

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/teambition/rrule-go"
)

// Limits of a calendar.
const (
	MaxCalendar = 1 << 20 // bytes
	maxEvents   = 2000
	maxShift    = 24 * time.Hour
	lastYear    = 2200
)

// ErrCalendar means that a calendar cannot be used; the text names all reasons.
var ErrCalendar = errors.New("worktime: not a calendar of shifts")

// Shifts is when a person is planned to be at work.
type Shifts struct{ events []shift }

// shift is one entry of a calendar, with how it recurs.
type shift struct {
	start   time.Time // in the zone that the shift is kept in
	days    int       // the end's wall clock: so many days after the start's,
	hour    int       // at this time of day
	minute  int
	second  int
	exact   time.Duration // in place of the end, when the calendar gives a duration
	rule    *rrule.RRule  // nil: once
	more    []time.Time   // RDATE
	except  []time.Time   // EXDATE, and what RECURRENCE-ID replaces
	exceptD []string      // EXDATE of whole days, "20260328"
	pause   bool          // a planned break, taken out of the shifts
	uid     string
	instead bool // of one occurrence of the entry with the same uid
}

// ParseShifts reads an iCalendar (RFC 5545). Each VEVENT is a shift; one of the
// category BREAK is a planned break within shifts. RRULE, RDATE, EXDATE and
// RECURRENCE-ID count; cancelled and TRANSPARENT entries do not. Times without a
// zone are in that of X-WR-TIMEZONE, else in zone. A shift ends at the wall-clock
// time of its DTEND, so the night shift of 22:00 to 06:00 is an hour longer or
// shorter when the clocks change, as the people who work it mean it (RFC 5545
// section 3.8.5.3 would keep its length; a calendar that wants that gives a
// DURATION).
func ParseShifts(data []byte, zone *time.Location) (*Shifts, error) {
	if len(data) > MaxCalendar {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrCalendar, MaxCalendar)
	}
	cal, err := ics.ParseCalendar(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCalendar, err)
	}
	for _, p := range cal.CalendarProperties {
		if p.IANAToken != "X-WR-TIMEZONE" { // what calendars write for all of their times
			continue
		}
		if zone, err = zoneOf(p.Value); err != nil {
			return nil, fmt.Errorf("%w: there is no time zone %q (X-WR-TIMEZONE)", ErrCalendar, p.Value)
		}
	}
	events := cal.Events()
	switch {
	case len(events) == 0:
		return nil, fmt.Errorf("%w: there is no event in it", ErrCalendar)
	case len(events) > maxEvents:
		return nil, fmt.Errorf("%w: %d events are more than %d", ErrCalendar, len(events), maxEvents)
	}
	s := &Shifts{}
	replaced := make(map[string][]time.Time) // by uid
	var faults []error
	for i, e := range events {
		r := reader{event: e, zone: zone}
		one, counts := r.shift()
		if one.instead {
			if at, ok := r.instant(ics.ComponentPropertyRecurrenceId); ok {
				replaced[one.uid] = append(replaced[one.uid], at)
			}
		}
		for _, f := range r.faults {
			faults = append(faults, fmt.Errorf("event %d (%q): %s", i+1, r.text(ics.ComponentPropertySummary), f))
		}
		if counts {
			s.events = append(s.events, one)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCalendar, err)
	}
	for i := range s.events {
		if e := &s.events[i]; !e.instead {
			e.except = append(e.except, replaced[e.uid]...)
		}
	}
	return s, nil
}

// Len counts the entries, before they recur.
func (s *Shifts) Len() int { return len(s.events) }

// Between returns the planned times in [from, to), in order and without overlap,
// planned breaks taken out.
func (s *Shifts) Between(from, to time.Time) []Interval {
	var work, pauses []Interval
	for i := range s.events {
		e := &s.events[i]
		for _, at := range e.starts(from.Add(-maxShift-2*time.Hour), to) {
			if e.pause {
				pauses = append(pauses, Interval{at, e.end(at)})
			} else {
				work = append(work, Interval{at, e.end(at)})
			}
		}
	}
	planned := without(merged(work), merged(pauses))
	return intersect(planned, []Interval{{from, to}})
}

// starts returns when the shift begins within [from, to].
func (e *shift) starts(from, to time.Time) []time.Time {
	all := append([]time.Time{e.start}, e.more...)
	if e.rule != nil {
		all = append(all, e.rule.Between(from, to, true)...)
	}
	slices.SortFunc(all, time.Time.Compare)
	all = slices.CompactFunc(all, time.Time.Equal)
	return slices.DeleteFunc(all, func(at time.Time) bool {
		return at.Before(from) || at.After(to) || slices.ContainsFunc(e.except, at.Equal) ||
			slices.Contains(e.exceptD, at.Format("20060102"))
	})
}

func (e *shift) end(at time.Time) time.Time {
	if e.exact > 0 {
		return at.Add(e.exact)
	}
	return time.Date(at.Year(), at.Month(), at.Day()+e.days, e.hour, e.minute, e.second, 0, at.Location())
}

// reader reads one VEVENT and gathers what is wrong with it.
type reader struct {
	event  *ics.VEvent
	zone   *time.Location
	faults []string
}

func (r *reader) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

func (r *reader) has(p ics.ComponentProperty) bool { return r.event.GetProperty(p) != nil }

func (r *reader) text(p ics.ComponentProperty) string {
	if got := r.event.GetProperty(p); got != nil {
		return got.Value
	}
	return ""
}

// shift reads the event; false means that it is no shift, which is no fault.
func (r *reader) shift() (shift, bool) {
	e := shift{uid: r.text(ics.ComponentPropertyUniqueId), instead: r.has(ics.ComponentPropertyRecurrenceId)}
	if strings.EqualFold(r.text(ics.ComponentPropertyStatus), "CANCELLED") || strings.EqualFold(r.text(ics.ComponentPropertyTransp), "TRANSPARENT") {
		return e, false
	}
	start, ok := r.instant(ics.ComponentPropertyDtStart)
	if !ok {
		if !r.has(ics.ComponentPropertyDtStart) {
			r.fault("it has no DTSTART")
		}
		return e, false
	}
	e.start = start
	for _, p := range r.event.GetProperties(ics.ComponentPropertyCategories) {
		for c := range strings.SplitSeq(p.Value, ",") {
			e.pause = e.pause || strings.EqualFold(strings.TrimSpace(c), "BREAK")
		}
	}
	r.readEnd(&e)
	r.readRule(&e)
	if r.has(ics.ComponentPropertyExrule) {
		r.fault("EXRULE is not understood (RFC 5545 has dropped it)")
	}
	for _, p := range r.event.GetProperties(ics.ComponentPropertyRdate) {
		e.more = append(e.more, r.instants(p)...)
	}
	for _, p := range r.event.GetProperties(ics.ComponentPropertyExdate) {
		if isDate(p) {
			e.exceptD = append(e.exceptD, r.dates(p)...)
			continue
		}
		e.except = append(e.except, r.instants(p)...)
	}
	return e, true
}

func (r *reader) readEnd(e *shift) {
	if text := r.text(ics.ComponentPropertyDuration); text != "" {
		d, err := parseDuration(text)
		if err != nil || d <= 0 || d > maxShift {
			r.fault("DURATION %q is not between 1 second and %v", text, maxShift)
		}
		e.exact = d
		return
	}
	end, ok := r.instant(ics.ComponentPropertyDtEnd)
	if !ok {
		if !r.has(ics.ComponentPropertyDtEnd) {
			r.fault("it has neither DTEND nor DURATION")
		}
		return
	}
	if !end.After(e.start) || end.Sub(e.start) > maxShift+time.Hour {
		r.fault("it lasts %v; a shift takes between 1 second and %v", end.Sub(e.start), maxShift)
		return
	}
	end = end.In(e.start.Location())
	day := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	e.days = int(day(end).Sub(day(e.start)) / (24 * time.Hour))
	e.hour, e.minute, e.second = end.Clock()
}

func (r *reader) readRule(e *shift) {
	rules := r.event.GetProperties(ics.ComponentPropertyRrule)
	if len(rules) == 0 {
		return
	}
	if len(rules) > 1 {
		r.fault("it has %d RRULEs; one is allowed", len(rules))
		return
	}
	o, err := rrule.StrToROptionInLocation(rules[0].Value, e.start.Location())
	if err != nil {
		r.fault("RRULE %q: %v", rules[0].Value, err)
		return
	}
	if o.Freq > rrule.DAILY { // HOURLY, MINUTELY, SECONDLY follow it
		r.fault("RRULE %q repeats more often than daily", rules[0].Value)
		return
	}
	hour, minute, second := e.start.Clock()
	if !only(o.Byhour, hour) || !only(o.Byminute, minute) || !only(o.Bysecond, second) {
		r.fault("RRULE %q names other times of day than DTSTART: write an event for each shift", rules[0].Value)
		return
	}
	o.Dtstart = e.start
	if last := time.Date(lastYear, 12, 31, 0, 0, 0, 0, time.UTC); o.Count == 0 && (o.Until.IsZero() || o.Until.After(last)) {
		o.Until = last // a rule that never comes true is looked for so far
	}
	if e.rule, err = rrule.NewRRule(*o); err != nil {
		r.fault("RRULE %q: %v", rules[0].Value, err)
	}
}

// only reports whether a list of a rule says nothing but n.
func only(list []int, n int) bool { return len(list) == 0 || len(list) == 1 && list[0] == n }

// dates reads a list of whole days.
func (r *reader) dates(p *ics.IANAProperty) []string {
	all := strings.Split(p.Value, ",")
	for _, text := range all {
		if _, err := time.Parse("20060102", text); err != nil {
			r.fault("%s %q is not a date such as 20260328", p.IANAToken, text)
		}
	}
	return all
}

// instant reads a property that holds one date with a time.
func (r *reader) instant(name ics.ComponentProperty) (time.Time, bool) {
	p := r.event.GetProperty(name)
	if p == nil {
		return time.Time{}, false
	}
	if isDate(p) {
		r.fault("%s %s is a whole day; a shift has hours", name, p.Value)
		return time.Time{}, false
	}
	all := r.instants(p)
	if len(all) != 1 {
		return time.Time{}, false
	}
	return all[0], true
}

func isDate(p *ics.IANAProperty) bool {
	return slices.Contains(p.ICalParameters["VALUE"], "DATE") || len(p.Value) == len("20060102")
}

// instants reads a list of dates with times, in the zone that they name.
func (r *reader) instants(p *ics.IANAProperty) []time.Time {
	zone := r.zone
	if names := p.ICalParameters["TZID"]; len(names) > 0 {
		var err error
		if zone, err = zoneOf(names[0]); err != nil {
			r.fault("%s: there is no time zone %q; take a name such as Europe/Berlin", p.IANAToken, names[0])
			return nil
		}
	}
	var out []time.Time
	for text := range strings.SplitSeq(p.Value, ",") {
		form, in := "20060102T150405", zone
		if strings.HasSuffix(text, "Z") {
			form, in = "20060102T150405Z", time.UTC
		}
		at, err := time.ParseInLocation(form, text, in)
		if err != nil || at.Year() < 1970 || at.Year() > lastYear {
			r.fault("%s %q is not a date with a time between 1970 and %d", p.IANAToken, text, lastYear)
			continue
		}
		out = append(out, at)
	}
	return out
}

// zoneOf finds a zone by its name, also behind the prefix that some calendars put
// in front ("/example.org/Europe/Berlin").
func zoneOf(name string) (*time.Location, error) {
	name = strings.Trim(name, `"`)
	if name == "" || name == "Local" {
		return nil, errors.New("no zone")
	}
	loc, err := time.LoadLocation(name)
	if err == nil || !strings.HasPrefix(name, "/") {
		return loc, err
	}
	parts := strings.Split(name, "/")
	if len(parts) < 3 {
		return nil, err
	}
	return time.LoadLocation(strings.Join(parts[len(parts)-2:], "/"))
}

// parseDuration reads "PT8H30M" (RFC 5545 section 3.3.6).
func parseDuration(text string) (time.Duration, error) {
	m := regexp.MustCompile(`^\+?P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?$`).FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is no duration", text)
	}
	var d time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, err := strconv.Atoi(cmp.Or(m[i+1], "0"))
		if err != nil {
			return 0, err
		}
		d += time.Duration(n) * unit
	}
	return d, nil
}
