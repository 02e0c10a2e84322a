package oncall

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/teambition/rrule-go"

	"firstline/call"
	"firstline/call/wall"
)

// Limits of a calendar.
const (
	MaxCalendar = 1 << 20 // bytes
	maxEntries  = 2000
	maxTurn     = 62 * 24 * time.Hour
	lookAhead   = 366 * 24 * time.Hour
	lastYear    = 2200
)

// ErrCalendar means that a calendar cannot be used; the text names all reasons.
var ErrCalendar = errors.New("oncall: not a calendar of who is on call")

// Calendar is who is on call by an iCalendar. It may have gaps; where two entries
// overlap, the one that began last counts.
type Calendar struct{ entries []entry }

// entry is one VEVENT, with how it recurs.
type entry struct {
	person  call.AgentID
	start   time.Time // in the zone that the entry is kept in
	days    int       // the end's wall clock: so many days after the start's,
	hour    int       // at this time of day
	minute  int
	rule    *rrule.RRule // nil: once
	except  []time.Time  // EXDATE, and what RECURRENCE-ID replaces
	uid     string
	instead time.Time // the occurrence of the entry with the same uid that it replaces
}

// ParseCalendar reads an iCalendar (RFC 5545). The SUMMARY of each VEVENT names who
// is on call; who tells by that name, and says whether there is such a person. RRULE,
// EXDATE and RECURRENCE-ID count, cancelled entries do not; a whole day begins and ends
// at midnight. Times without a zone are in zone. A turn ends at the wall-clock time of
// its DTEND, also over nights on which the clock changes.
func ParseCalendar(data []byte, zone *time.Location, who func(name string) (call.AgentID, bool)) (*Calendar, error) {
	if len(data) > MaxCalendar {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrCalendar, MaxCalendar)
	}
	cal, err := ics.ParseCalendar(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCalendar, err)
	}
	events := cal.Events()
	if len(events) == 0 || len(events) > maxEntries {
		return nil, fmt.Errorf("%w: it has %d events; 1 to %d are possible", ErrCalendar, len(events), maxEntries)
	}
	c := &Calendar{}
	var faults []error
	for i, ev := range events {
		r := reader{event: ev, zone: zone}
		e, counts := r.entry(who)
		for _, f := range r.faults {
			faults = append(faults, fmt.Errorf("event %d (%q): %s", i+1, r.text(ics.ComponentPropertySummary), f))
		}
		if counts {
			c.entries = append(c.entries, e)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCalendar, err)
	}
	for _, by := range c.entries {
		for i := range c.entries {
			if e := &c.entries[i]; !by.instead.IsZero() && e.instead.IsZero() && e.uid == by.uid {
				e.except = append(e.except, by.instead)
			}
		}
	}
	return c, nil
}

// People are those who are ever named.
func (c *Calendar) People() []call.AgentID {
	var all []call.AgentID
	for _, e := range c.entries {
		if !slices.Contains(all, e.person) {
			all = append(all, e.person)
		}
	}
	return all
}

// at is who is on call at an instant; nobody where there is a gap, until its end.
func (c *Calendar) at(at time.Time) Shift {
	on := Shift{By: "calendar"}
	var began time.Time
	for i := range c.entries {
		e := &c.entries[i]
		for _, start := range e.starts(at.Add(-maxTurn-48*time.Hour), at) {
			if end := e.end(start); end.After(at) && !start.Before(began) {
				on.Person, began = e.person, start
				on.From, on.To = start, end
			}
		}
	}
	for i := range c.entries { // where another begins, the turn may be over
		for _, start := range c.entries[i].starts(at.Add(time.Nanosecond), at.Add(lookAhead)) {
			on.narrow(at, start)
			break
		}
	}
	return on
}

// starts is when the entry begins within [from, to], in order.
func (e *entry) starts(from, to time.Time) []time.Time {
	var all []time.Time
	switch {
	case e.rule != nil:
		all = e.rule.Between(from, to, true)
	case !e.start.Before(from) && !e.start.After(to):
		all = []time.Time{e.start}
	}
	return slices.DeleteFunc(all, func(t time.Time) bool { return slices.ContainsFunc(e.except, t.Equal) })
}

func (e *entry) end(start time.Time) time.Time {
	return wall.DateOf(start).Add(e.days).At(60*e.hour+e.minute, start.Location())
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

func (r *reader) text(p ics.ComponentProperty) string {
	if got := r.event.GetProperty(p); got != nil {
		return got.Value
	}
	return ""
}

// entry reads the event; false means that it does not count.
func (r *reader) entry(who func(string) (call.AgentID, bool)) (entry, bool) {
	e := entry{uid: r.text(ics.ComponentPropertyUniqueId)}
	if strings.EqualFold(r.text(ics.ComponentPropertyStatus), "CANCELLED") {
		return e, false
	}
	name := strings.TrimSpace(r.text(ics.ComponentPropertySummary))
	var known bool
	if e.person, known = who(name); !known {
		r.fault("%q is none of the people who are phoned", name)
	}
	e.start = r.instant(ics.ComponentPropertyDtStart)
	end := r.instant(ics.ComponentPropertyDtEnd)
	if e.start.IsZero() || end.IsZero() {
		r.fault("it needs a DTSTART and a DTEND")
		return e, false
	}
	if !end.After(e.start) || end.Sub(e.start) > maxTurn {
		r.fault("it lasts %v; a turn takes up to %v", end.Sub(e.start), maxTurn)
		return e, false
	}
	end = end.In(e.start.Location())
	e.days = wall.DateOf(end).Sub(wall.DateOf(e.start))
	e.hour, e.minute = end.Hour(), end.Minute()
	e.instead = r.instant(ics.ComponentPropertyRecurrenceId)
	r.readRule(&e)
	for _, p := range r.event.GetProperties(ics.ComponentPropertyExdate) {
		for text := range strings.SplitSeq(p.Value, ",") {
			e.except = append(e.except, r.read(text, p.ICalParameters["TZID"]))
		}
	}
	if r.event.GetProperty(ics.ComponentPropertyRdate) != nil {
		r.fault("RDATE is not understood: write an event for each turn")
	}
	return e, true
}

func (r *reader) readRule(e *entry) {
	text := r.text(ics.ComponentPropertyRrule)
	if text == "" {
		return
	}
	o, err := rrule.StrToROptionInLocation(text, e.start.Location())
	if err != nil {
		r.fault("RRULE %q: %v", text, err)
		return
	}
	if o.Freq > rrule.DAILY || len(o.Byhour)+len(o.Byminute)+len(o.Bysecond) > 0 { // HOURLY and what is more often follow DAILY
		r.fault("RRULE %q: a turn begins once a day at most, at the time of its DTSTART", text)
		return
	}
	o.Dtstart = e.start
	if last := time.Date(lastYear, 12, 31, 0, 0, 0, 0, time.UTC); o.Count == 0 && (o.Until.IsZero() || o.Until.After(last)) {
		o.Until = last
	}
	if e.rule, err = rrule.NewRRule(*o); err != nil {
		r.fault("RRULE %q: %v", text, err)
	}
}

// instant reads a property that holds one date, with or without a time; the zero time
// when there is none.
func (r *reader) instant(name ics.ComponentProperty) time.Time {
	p := r.event.GetProperty(name)
	if p == nil {
		return time.Time{}
	}
	return r.read(p.Value, p.ICalParameters["TZID"])
}

func (r *reader) read(text string, zones []string) time.Time {
	zone := r.zone
	if len(zones) > 0 {
		var err error
		if zone, err = time.LoadLocation(strings.Trim(zones[0], `"`)); err != nil {
			r.fault("there is no time zone %q; take a name such as Europe/Berlin", zones[0])
			return time.Time{}
		}
	}
	form := "20060102T150405"
	switch {
	case strings.HasSuffix(text, "Z"):
		form, zone = "20060102T150405Z", time.UTC
	case len(text) == len("20060102"):
		form = "20060102"
	}
	at, err := time.ParseInLocation(form, text, zone)
	if err != nil || at.Year() < 1970 || at.Year() > lastYear {
		r.fault("%q is not a date between 1970 and %d", text, lastYear)
		return time.Time{}
	}
	return at
}
