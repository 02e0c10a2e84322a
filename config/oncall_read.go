package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/ivr/hours"
	"firstline/ivr/source"
	"firstline/tickets"
	"firstline/tickets/clock"
	"firstline/tickets/oncall"
)

const onCallFile = "oncall.yaml"

// onCallReader reads oncall.yaml, which may be left out: then nobody is ever phoned.
type onCallReader struct {
	*centreReader
	doc  *source.Doc
	plan *oncall.Plan
}

func (r *centreReader) onCall() {
	data, ok := r.files[onCallFile]
	if !ok {
		return
	}
	o := &onCallReader{r, source.Parse(onCallFile, data, nil), &r.centre.OnCall}
	*o.plan = oncall.Plan{
		People: map[call.AgentID]oncall.Person{}, Groups: map[string]oncall.Group{},
		Schedules: map[string]oncall.Schedule{}, Ladders: map[string]oncall.Ladder{}, Spoken: map[string]string{},
	}
	m := o.doc.Root().Map()
	line := m.May("line").Word("")
	if o.plan.Line = line.Text; line.Text != "" {
		o.doc.Report().Refer(line, "number of this centre", slices.Sorted(maps.Keys(r.centre.Numbers)))
	}
	for _, e := range m.May("people").Map().Entries() {
		o.person(e)
	}
	for _, e := range m.May("groups").Map().Entries() {
		o.group(e)
	}
	for _, e := range m.May("schedules").Map().Entries() {
		o.schedule(e)
	}
	o.ladders(m.May("ladders"))
	for _, v := range m.May("urgent").List() {
		o.rule(v)
	}
	for _, v := range m.May("tell").List() {
		o.notify(v)
	}
	for _, e := range m.May("spoken").Map().Entries() {
		prompt := e.Value.Word("")
		r.refer("prompt", prompt)
		o.plan.Spoken[e.Key.Text] = prompt.Text
	}
	m.End()
	r.faults = append(r.faults, o.doc.Faults()...)
}

// person reads how somebody is phoned: {number: "+49…"}, {device: 2009}, or {} for
// where they sit.
func (o *onCallReader) person(e source.Entry) {
	m := e.Value.Map()
	p := oncall.Person{ID: call.AgentID(e.Key.Text), Name: m.May("name").Text(e.Key.Text)}
	number, device := m.May("number"), m.May("device").Word("")
	p.Number = o.outside(o.doc, number)
	p.Device = call.DeviceID(device.Text)
	if p.Device == "" && p.Number == "" { // else where they sit as a new installation begins
		for _, a := range o.centre.Agents {
			if a.ID == p.ID {
				p.Device = a.Device
			}
		}
	}
	if number.Set() && device.Text != "" {
		o.doc.Report().Add(device.Pos, "%s has a number and a device: give them one of the two", p.ID)
	}
	m.End()
	o.plan.People[p.ID] = p
}

// persons reads a list of people.
func (o *onCallReader) persons(v source.Value) []call.AgentID {
	var all []call.AgentID
	for _, item := range v.List() {
		w := item.Word("")
		o.doc.Report().Refer(w, "person", o.known())
		all = append(all, call.AgentID(w.Text))
	}
	return all
}

func (o *onCallReader) known() []string {
	var ids []string
	for id := range o.plan.People {
		ids = append(ids, string(id))
	}
	slices.Sort(ids)
	return ids
}

func (o *onCallReader) group(e source.Entry) {
	o.doc.ID("group", e.Key)
	m := e.Value.Map()
	queue := m.May("queue").Word("")
	o.refer("queue", queue)
	ladder := m.May("ladder").Word("")
	o.plan.Groups[e.Key.Text] = oncall.Group{
		ID: e.Key.Text, Name: m.May("name").Text(e.Key.Text), Level: m.May("level").Int(2, 2, 4), Queue: call.QueueID(queue.Text),
		People: o.persons(m.May("people")), Ladder: ladder.Text, Within: m.May("within").Duration(0, time.Minute, aYear),
	}
	m.End()
}

// schedule reads a rotation: {zone: Europe/Berlin, rotate: weekly, at: "09:00", from:
// 2026-01-05, people: [2009, 2010]}; or a calendar: {zone: Europe/Berlin, calendar:
// vendor}, which is oncall/vendor.ics.
func (o *onCallReader) schedule(e source.Entry) {
	o.doc.ID("schedule", e.Key)
	before := len(o.doc.Faults())
	m := e.Value.Map()
	s := oncall.Schedule{ID: e.Key.Text, Name: m.May("name").Text(e.Key.Text), Zone: timeZone(m.Must("zone"))}
	calendar := m.May("calendar")
	if calendar.Set() {
		s.Calendar = o.calendar(calendar, s.Zone)
	} else {
		s.Rotation = o.rotation(m)
	}
	m.End()
	if len(o.doc.Faults()) == before {
		reportAll(o.doc, e.Key.Pos, s.Validate())
	}
	o.plan.Schedules[s.ID] = s
}

func (o *onCallReader) rotation(m *source.Map) *oncall.Rotation {
	r := &oncall.Rotation{Days: 7}
	if m.May("rotate").OneOf("weekly", "weekly", "daily") == "daily" {
		r.Days = 1
	}
	from := m.Must("from").Word("")
	if d, ok := date(o.doc, from); ok {
		r.First = d
	}
	at := m.May("at")
	text := at.Text("00:00")
	if t, err := time.Parse("15:04", text); err != nil {
		at.Suggest(nearClock(text), "%q is no time of day such as 09:00", text)
	} else {
		r.Hour, r.Minute = t.Hour(), t.Minute()
	}
	r.People = o.persons(m.Must("people"))
	return r
}

// calendar reads oncall/<name>.ics, whose events name people by their id or name.
func (o *onCallReader) calendar(v source.Value, zone *time.Location) *oncall.Calendar {
	name := v.Text("")
	file := onCallDir + "/" + name + ".ics"
	data, ok := o.files[file]
	if !ok || zone == nil {
		if !ok {
			v.Fault("there is no calendar %q: put it into %s", name, file)
		}
		return nil
	}
	c, err := oncall.ParseCalendar(data, zone, func(name string) (call.AgentID, bool) {
		for id, p := range o.plan.People {
			if strings.EqualFold(name, string(id)) || strings.EqualFold(name, p.Name) {
				return id, true
			}
		}
		return "", false
	})
	if err != nil {
		v.Fault("%s: %v", file, err)
	}
	return c
}

func (o *onCallReader) ladders(v source.Value) {
	for _, e := range v.Map().Entries() {
		o.doc.ID("ladder", e.Key)
		m := e.Value.Map()
		l := oncall.Ladder{
			ID: e.Key.Text, Name: m.May("name").Text(e.Key.Text),
			Rounds: m.May("rounds").Int(oncall.DefaultRounds, 1, 100), Pause: m.May("pause").Duration(oncall.DefaultPause, time.Second, time.Hour),
		}
		for _, step := range m.Must("steps").List() {
			l.Steps = append(l.Steps, o.step(step))
		}
		m.End()
		reportAll(o.doc, e.Key.Pos, l.Validate())
		o.plan.Ladders[l.ID] = l
	}
	for id, g := range o.plan.Groups { // which may name a ladder that stands below
		if _, ok := o.plan.Ladders[g.Ladder]; g.Ladder != "" && !ok {
			o.doc.Report().Add(source.Pos{File: onCallFile}, "group %q is reached by ladder %q, which there is not", id, g.Ladder)
		}
	}
}

func (o *onCallReader) step(v source.Value) oncall.Step {
	m := v.Map()
	person, schedule, group := m.May("person").Word(""), m.May("schedule").Word(""), m.May("group").Word("")
	o.doc.Report().Refer(person, "person", o.known())
	o.doc.Report().Refer(schedule, "schedule", slices.Sorted(maps.Keys(o.plan.Schedules)))
	o.doc.Report().Refer(group, "group", slices.Sorted(maps.Keys(o.plan.Groups)))
	if person.Text == "" && schedule.Text == "" && group.Text == "" {
		v.Fault("this step names nobody: give it a person, a schedule or a group")
	}
	s := oncall.Step{
		Person: call.AgentID(person.Text), Schedule: schedule.Text, Group: group.Text,
		Wait: m.May("wait").Duration(oncall.DefaultWait, 5*time.Second, 10*time.Minute),
	}
	m.End()
	return s
}

// rule reads what is urgent: {priority: 1, closed: weekdays, ladder: night}.
func (o *onCallReader) rule(v source.Value) {
	m := v.Map()
	ladder, closed := m.Must("ladder").Word(""), m.May("closed").Word("")
	o.doc.Report().Refer(ladder, "ladder", slices.Sorted(maps.Keys(o.plan.Ladders)))
	o.refer("calendar", closed)
	r := oncall.Rule{
		Ladder: ladder.Text, On: oncall.Trigger(m.May("on").OneOf(string(oncall.Graded), spelled(oncall.Triggers())...)),
		Priority: m.May("priority").Int(0, 1, tickets.LowestPriority), Clock: clockKind(m.May("clock")),
		Kinds: o.among(m.May("kinds"), "kind of problem", tickets.Kinds()), Clients: o.among(m.May("clients"), "client", slices.Sorted(maps.Keys(o.centre.Clients))),
		Services: o.among(m.May("services"), "service", slices.Sorted(maps.Keys(o.centre.Tickets.Rules.Services))),
	}
	if c := o.centre.Calendars[closed.Text]; c != nil { // a nil pointer would be hours all the same
		r.Closed = outsideOf(c)
	}
	if r.Priority == 0 && r.Kinds == nil && r.On == oncall.Graded {
		v.Fault("every ticket would be urgent: give it a priority, kinds of problem, or on: breach")
	}
	m.End()
	o.plan.Rules = append(o.plan.Rules, r)
}

func outsideOf(c *hours.Calendar) oncall.Hours { return c }

// notify reads who is told of what takes long: {priority: 2, clock: resolution,
// percent: 80, who: [supervisor]}.
func (o *onCallReader) notify(v source.Value) {
	m := v.Map()
	n := oncall.Notify{
		Priority: m.May("priority").Int(0, 1, tickets.LowestPriority), Clock: clockKind(m.May("clock")), Percent: m.May("percent").Int(100, 1, 1000),
	}
	for _, who := range m.Must("who").List() {
		n.Who = append(n.Who, who.Text(""))
	}
	m.End()
	o.plan.Chain = append(o.plan.Chain, n)
}

func clockKind(v source.Value) clock.Kind {
	if !v.Set() {
		return ""
	}
	return clock.Kind(v.OneOf("", spelled(clock.Kinds())...))
}

// among reads names of things that there are.
func (o *onCallReader) among(v source.Value, what string, known []string) []string {
	var all []string
	for _, item := range v.List() {
		w := item.Word("")
		o.doc.Report().Refer(w, what, known)
		all = append(all, w.Text)
	}
	return all
}

func spelled[T ~string](all []T) []string {
	var out []string
	for _, w := range all {
		out = append(out, string(w))
	}
	return out
}
