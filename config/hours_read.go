package config

import (
	"slices"
	"strings"
	"time"

	"firstline/call/wall"
	"firstline/ivr/hours"
	"firstline/ivr/source"
)

// Closed is what callers of a number get outside its hours: exactly one of both
// is set for a number that has hours.
type Closed struct {
	Flow   string
	Prompt string // said before we hang up
}

// closedPrompt is what is said outside hours when the number says nothing else.
const closedPrompt = "closed"

// hours reads the desk's zone and the calendars: {zone: Europe/Berlin, calendars:
// {desk: {zone: Europe/Berlin, weekly: {mon-fri: ["08:00-18:00"]}, closed:
// [2026-12-25], open: {2026-12-24: ["08:00-12:00"]}, holidays: [bavaria]}},
// holidays: {bavaria: "https://…"}}.
func (r *centreReader) hours() {
	data, ok := r.files[hoursFile]
	if !ok {
		return
	}
	doc := source.Parse(hoursFile, data, nil)
	if !doc.Readable() {
		r.unread = append(r.unread, "calendar")
	}
	m := doc.Root().Map()
	r.centre.DeskZone = timeZone(m.May("zone"))
	for _, e := range m.May("holidays").Map().Entries() {
		doc.ID("calendar of holidays", e.Key)
		r.centre.Holidays[e.Key.Text] = address(e.Value)
	}
	for _, e := range m.May("calendars").Map().Entries() {
		doc.ID("calendar", e.Key)
		r.centre.Calendars[e.Key.Text] = r.calendar(doc, e)
	}
	m.End()
	r.faults = append(r.faults, doc.Faults()...)
}

func (r *centreReader) calendar(doc *source.Doc, e source.Entry) *hours.Calendar {
	before := len(doc.Faults())
	m := e.Value.Map()
	c := &hours.Calendar{Zone: timeZone(m.Must("zone")), Exceptions: make(map[wall.Date][]hours.Span)}
	said := make(map[time.Weekday]bool)
	for _, day := range m.May("weekly").Map().Entries() {
		spans := openings(day.Value)
		for _, d := range weekdays(doc, day.Key) {
			if said[d] {
				doc.Report().Add(day.Key.Pos, "the hours of %v stand twice", d)
			}
			said[d], c.Weekly[d] = true, spans
		}
	}
	except := func(w source.Word, spans []hours.Span) {
		d, ok := date(doc, w)
		if _, twice := c.Exceptions[d]; ok && twice {
			doc.Report().Add(w.Pos, "the date %v stands twice", d)
		}
		if ok {
			c.Exceptions[d] = spans
		}
	}
	for _, item := range m.May("closed").List() {
		except(item.Word(""), nil)
	}
	for _, day := range m.May("open").Map().Entries() {
		except(day.Key, openings(day.Value))
	}
	r.holidays(c, m.May("holidays"))
	m.End()
	if len(doc.Faults()) == before { // what is right key by key, and wrong together
		reportAll(doc, e.Key.Pos, c.Validate())
		r.holes(e.Key, c, said)
	}
	return c
}

// timeZone reads the name of a zone. "Local" would make the centre's meaning
// depend on the machine, so it is no name.
func timeZone(v source.Value) *time.Location {
	name := v.Word("").Text
	if name == "" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || zone == time.Local {
		v.Suggest(source.Nearest(name, wellKnownZones()), "%q is no time zone such as Europe/Berlin (IANA)", name)
		return nil
	}
	return zone
}

// wellKnownZones is what a mistyped zone is compared with: the library cannot list its own.
func wellKnownZones() []string {
	return []string{
		"UTC", "Europe/Amsterdam", "Europe/Athens", "Europe/Berlin", "Europe/Brussels", "Europe/Bucharest", "Europe/Budapest",
		"Europe/Copenhagen", "Europe/Dublin", "Europe/Helsinki", "Europe/Istanbul", "Europe/Kyiv", "Europe/Lisbon", "Europe/London",
		"Europe/Madrid", "Europe/Oslo", "Europe/Paris", "Europe/Prague", "Europe/Rome", "Europe/Sofia", "Europe/Stockholm",
		"Europe/Vienna", "Europe/Warsaw", "Europe/Zurich", "Africa/Cairo", "Africa/Johannesburg", "America/Chicago", "America/Denver",
		"America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Sao_Paulo", "America/Toronto", "Asia/Dubai",
		"Asia/Hong_Kong", "Asia/Jerusalem", "Asia/Kolkata", "Asia/Manila", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo",
		"Australia/Melbourne", "Australia/Sydney", "Pacific/Auckland",
	}
}

// weekdays reads "sat" or "mon-fri".
func weekdays(doc *source.Doc, key source.Word) []time.Weekday {
	names := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // by time.Weekday
	first, last, isRange := strings.Cut(key.Text, "-")
	if !isRange {
		last = first
	}
	from, to := slices.Index(names, first), slices.Index(names, last)
	if from < 0 || to < 0 || isRange && from == to {
		doc.Report().AddSuggesting(key.Pos, nearDays(first, last, names), "%q is no day: take mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri", key.Text)
		return nil
	}
	days := []time.Weekday{time.Weekday(from)}
	for d := from; d != to; {
		d = (d + 1) % len(names)
		days = append(days, time.Weekday(d))
	}
	return days
}

// nearDays is the day or the range that is most like what was written, or "".
func nearDays(first, last string, names []string) string {
	near := func(written string) string {
		if slices.Contains(names, written) {
			return written
		}
		return source.Nearest(written, names)
	}
	switch from, to := near(first), near(last); {
	case from == "" || to == "":
		return ""
	case from == to:
		return from
	default:
		return from + "-" + to
	}
}

// openings reads ["08:00-12:00", "13:00-18:00"], or one of them. An empty list is
// a closed day.
func openings(v source.Value) []hours.Span {
	var all []hours.Span
	for _, item := range v.List() {
		w := item.Word("")
		s, err := hours.ParseSpan(w.Text)
		if err != nil {
			item.Suggest(nearSpan(w.Text), "%q is no opening: %v", w.Text, err)
			continue
		}
		all = append(all, s)
	}
	return all
}

// nearSpan is what somebody may have meant by "8-18", "8:00 – 18:00" or "08.00-18.00".
func nearSpan(text string) string {
	from, to, ok := strings.Cut(strings.NewReplacer(" ", "", "–", "-", ".", ":").Replace(text), "-")
	if !ok {
		return ""
	}
	near := nearClock(from) + "-" + nearClock(to)
	if _, err := hours.ParseSpan(near); err != nil {
		return ""
	}
	return near
}

func nearClock(text string) string {
	hour, minute, ok := strings.Cut(text, ":")
	if !ok {
		minute = "00"
	}
	if len(hour) == 1 {
		hour = "0" + hour
	}
	return hour + ":" + minute
}

func date(doc *source.Doc, w source.Word) (wall.Date, bool) {
	d, err := hours.ParseDate(w.Text)
	if err != nil {
		doc.Report().AddSuggesting(w.Pos, nearDate(w.Text), "%q is no date: %v", w.Text, err)
	}
	return d, err == nil
}

// nearDate turns "24.12.2026" and "2026/12/24" around.
func nearDate(text string) string {
	for _, layout := range []string{"2.1.2006", "2006/1/2", "2006-1-2"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format(time.DateOnly)
		}
	}
	return ""
}

// closed reads what a number's callers get outside its hours: {flow: night}, or
// {prompt: closed}, which is also what they get when the file does not say.
func (r *centreReader) closed(calendar source.Word, v source.Value) Closed {
	if calendar.Text == "" {
		if v.Set() {
			v.Fault("the number is never closed: give it hours")
		}
		return Closed{}
	}
	m := v.Map()
	flow, prompt := m.May("flow").Word(""), m.May("prompt").Word("")
	m.End()
	if flow.Text != "" && prompt.Text != "" {
		v.Fault("outside hours there is a flow or a prompt: give one of them, here are both")
	}
	if flow.Text == "" && prompt.Text == "" {
		prompt = source.Word{Text: closedPrompt, Pos: calendar.Pos}
	}
	r.refer("flow", flow)
	r.refer("prompt", prompt)
	return Closed{Flow: flow.Text, Prompt: prompt.Text}
}
