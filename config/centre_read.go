package config

import (
	"maps"
	"path"
	"slices"
	"strings"

	"firstline/call"
	"firstline/callqueue"
	"firstline/intake"
	"firstline/ivr"
	"firstline/ivr/hours"
	"firstline/ivr/source"
)

// centreReader reads all files of a centre, then follows the names from one to
// another.
type centreReader struct {
	files    map[string][]byte
	centre   *Centre
	faults   Faults
	refs     []reference
	prompts  []string // that may be played; nil when that is not known
	queues   map[call.QueueID]source.Pos
	spoken   []source.Word // languages that the centre names
	outsides []source.Word // numbers to which queues hand callers on
	unread   []string      // kinds of thing whose file has a syntax fault: nobody knows what it names
}

// reference is a name that must lead somewhere.
type reference struct {
	to   source.Word
	what string // "queue", "flow", "skill", "client", "class", "prompt", "break reason", "calendar"
}

func load(files map[string][]byte, prompts []string, faults Faults) (*Centre, error) {
	r := &centreReader{
		files:   files,
		faults:  faults,
		prompts: prompts,
		queues:  make(map[call.QueueID]source.Pos),
		centre: &Centre{
			Hash:      hash(files),
			Numbers:   make(map[string]Number),
			Clients:   make(map[string]Client),
			Flows:     make(map[string]*ivr.Flow),
			Lookups:   make(map[string]Lookup),
			Holidays:  make(map[string]string),
			Calendars: make(map[string]*hours.Calendar),
			Skills:    make(map[string]string),
			Announce:  make(map[call.QueueID]Announce),
			Callbacks: make(map[call.QueueID]intake.CallbackRule),
			Places:    make(map[call.QueueID]intake.PlaceRule),
			Messages:  make(map[call.QueueID]intake.MessageRule),
			Files:     files,
		},
	}
	if _, ok := files[numbersFile]; !ok {
		r.faults.Add(source.Pos{File: numbersFile}, "the file is missing: it says where the numbers lead")
	}
	r.each(numbersFile, "", r.number)
	r.each(clientsFile, "client", r.client)
	r.each(skillsFile, "skill", r.skill)
	r.each(queuesFile, "queue", r.queue)
	r.each(breaksFile, "break reason", r.breakReason)
	r.each(agentsFile, "agent", r.agent)
	r.each(lookupsFile, "lookup", r.lookup)
	r.features()
	r.callers()
	r.outbound()
	r.hours()
	r.tickets()
	r.onCall()
	r.rules()
	r.flows()
	r.follow()
	if err := r.faults.Err(); err != nil {
		return nil, err
	}
	r.unstaffed()
	r.unspoken()
	r.centre.Hints = r.centre.Hints.Sorted()
	slices.SortFunc(r.centre.Queues, func(a, b callqueue.Queue) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return r.centre, nil
}

// each reads a file that maps names to things. What names a thing must be an id,
// unless what is empty.
func (r *centreReader) each(file, what string, one func(*source.Doc, source.Entry)) {
	data, ok := r.files[file]
	if !ok {
		return
	}
	doc := source.Parse(file, data, nil)
	if !doc.Readable() {
		r.unread = append(r.unread, what)
	}
	for _, e := range doc.Root().Map().Entries() {
		if what != "" {
			doc.ID(what, e.Key)
		}
		one(doc, e)
	}
	r.faults = append(r.faults, doc.Faults()...)
}

func (r *centreReader) refer(what string, to source.Word) {
	r.refs = append(r.refs, reference{to, what})
}

func (r *centreReader) number(doc *source.Doc, e source.Entry) {
	if digits := strings.TrimPrefix(e.Key.Text, "+"); !isDigits(digits) || len(digits) > 15 {
		near := strings.Map(dialled, e.Key.Text)
		if !isDigits(strings.TrimPrefix(near, "+")) || near == e.Key.Text {
			near = ""
		}
		doc.Report().AddSuggesting(e.Key.Pos, near, "%q is not a number: up to 15 digits, with + before a country code", e.Key.Text)
	}
	m := e.Value.Map()
	flow, queue, client := m.May("flow").Word(""), m.May("queue").Word(""), m.May("client").Word("")
	switch {
	case flow.Text == "" && queue.Text == "":
		doc.Report().Add(e.Key.Pos, "number %s leads nowhere: give it a flow or a queue", e.Key.Text)
	case flow.Text != "" && queue.Text != "":
		doc.Report().Add(queue.Pos, "number %s has a flow and a queue: give it one of them", e.Key.Text)
	}
	r.refer("flow", flow)
	r.refer("queue", queue)
	r.refer("client", client)
	calendar := m.May("hours").Word("")
	r.refer("calendar", calendar)
	class := m.May("class").Word("")
	r.refer("class", class)
	r.centre.Numbers[e.Key.Text] = Number{
		Flow: flow.Text, Queue: call.QueueID(queue.Text), Client: client.Text, Class: class.Text, Name: m.May("name").Text(e.Key.Text),
		Language: r.language(doc, m),
		Hours:    calendar.Text, Closed: r.closed(calendar, m.May("closed")),
	}
	m.End()
}

func dialled(c rune) rune {
	if c == '+' || c >= '0' && c <= '9' {
		return c
	}
	return -1
}

func (r *centreReader) client(doc *source.Doc, e source.Entry) {
	m := e.Value.Map()
	greeting := m.May("greeting").Word("")
	r.refer("prompt", greeting)
	class, contract := m.May("class").Word(""), m.May("contract").Word("")
	r.refer("class", class)
	r.refer("contract", contract)
	r.centre.Clients[e.Key.Text] = Client{
		Name: m.May("name").Text(e.Key.Text), Language: r.language(doc, m), Greeting: greeting.Text, Class: class.Text,
		Region: region(doc, m.May("region")), Zone: timeZone(m.May("zone")), Contract: contract.Text,
	}
	m.End()
}

// language reads of which language something is; empty for none.
func (r *centreReader) language(doc *source.Doc, m *source.Map) string {
	w := m.May("language").Word("")
	if w.Text == "" {
		return ""
	}
	doc.ID("language", w)
	r.spoken = append(r.spoken, w)
	return w.Text
}

func (r *centreReader) skill(_ *source.Doc, e source.Entry) {
	r.centre.Skills[e.Key.Text] = e.Value.Text(e.Key.Text)
}

func (r *centreReader) breakReason(_ *source.Doc, e source.Entry) {
	r.centre.BreakReasons = append(r.centre.BreakReasons, BreakReason{ID: e.Key.Text, Name: e.Value.Text(e.Key.Text)})
}

func (r *centreReader) agent(doc *source.Doc, e source.Entry) {
	m := e.Value.Map()
	a := Agent{
		ID:    call.AgentID(e.Key.Text),
		Name:  m.May("name").Text(e.Key.Text),
		Level: m.May("level").Int(1, 1, 4),
	}
	if device := m.May("device").Word(""); device.Text != "" {
		doc.ID("device", device)
		a.Device = call.DeviceID(device.Text)
		for _, other := range r.centre.Agents {
			if other.Device == a.Device {
				doc.Report().Add(device.Pos, "agent %q sits at device %q already", other.ID, a.Device)
				break
			}
		}
	}
	var skills []source.Word
	a.Skills, skills = ivr.ReadSkills(m.May("skills").Map())
	for _, s := range skills {
		r.refer("skill", s)
	}
	m.End()
	r.centre.Agents = append(r.centre.Agents, a)
}

func (r *centreReader) flows() {
	var all []*ivr.Flow
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		if path.Dir(name) != flowsDir {
			continue
		}
		id := strings.TrimSuffix(path.Base(name), ".yaml")
		f, faults := ivr.Parse(name, id, r.files[name])
		r.faults = append(r.faults, faults...)
		r.centre.Flows[id] = f
		r.spoken = append(r.spoken, f.Spoken()...)
		all = append(all, f)
	}
	known := ivr.Known{
		Queues: r.names("queue"), Skills: r.names("skill"), Prompts: r.prompts,
		Flows: r.names("flow"), Calendars: r.names("calendar"), Lookups: r.names("lookup"), Entered: r.entered(),
	}
	r.faults = append(r.faults, ivr.CheckAll(all, known)...)
	r.centre.Hints = append(r.centre.Hints, ivr.Advise(all, known.Entered)...)
}

// entered is the flows that something other than a flow leads to.
func (r *centreReader) entered() []string {
	ids := []string{}
	for _, ref := range r.refs {
		if ref.what == "flow" && ref.to.Text != "" {
			ids = append(ids, ref.to.Text)
		}
	}
	return ids
}

// names is what there is of a kind of thing, sorted, or nil when that is not known.
func (r *centreReader) names(what string) []string {
	if slices.Contains(r.unread, what) {
		return nil
	}
	if what == "prompt" && r.prompts == nil {
		return nil
	}
	names := []string{}
	switch what {
	case "prompt":
		names = append(names, r.prompts...)
	case "break reason":
		for _, b := range r.centre.BreakReasons {
			names = append(names, b.ID)
		}
	case "queue":
		for _, q := range r.centre.Queues {
			names = append(names, string(q.ID))
		}
	case "skill":
		for s := range r.centre.Skills {
			names = append(names, s)
		}
	case "flow":
		for f := range r.centre.Flows {
			names = append(names, f)
		}
	case "calendar":
		for c := range r.centre.Calendars {
			names = append(names, c)
		}
	case "contract":
		for c := range r.centre.Tickets.Contracts {
			names = append(names, c)
		}
	case "lookup":
		for l := range r.centre.Lookups {
			names = append(names, l)
		}
	case "client":
		for c := range r.centre.Clients {
			names = append(names, c)
		}
	case "class": // given points, or agents who are kept
		for c := range r.centre.Rules.Classes {
			names = append(names, c)
		}
		for _, k := range r.centre.Rules.Reserves {
			names = append(names, k.Classes...)
		}
	}
	slices.Sort(names)
	return names
}

func (r *centreReader) follow() {
	known := make(map[string][]string)
	for _, ref := range r.refs {
		names, ok := known[ref.what]
		if !ok {
			names = r.names(ref.what)
			known[ref.what] = names
		}
		if names != nil {
			r.faults.Refer(ref.to, ref.what, names)
		}
	}
}
