package config

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"firstline/ivr/source"
	"firstline/tickets"
)

// Tickets is how the desk grades problems, and what its customers were promised.
type Tickets struct {
	Rules     tickets.Rules
	Reopen    time.Duration // how long after its end a closed ticket may be opened again
	Warn      int           // percent of a promised time after which people are warned
	Contracts map[string]tickets.Contract
	Redial    time.Duration // how long after it was last heard of a ticket is still what its customer calls about
	Enrich    string        // lookup that is asked about every caller; empty for none
	Points    map[int]int   // of priority in a queue, by a ticket's
}

const (
	ticketsFile = "tickets.yaml"
	reopenFor   = 7 * 24 * time.Hour
	warnAt      = 75
	aYear       = 366 * 24 * time.Hour
)

// tickets reads tickets.yaml; every key may be left out.
func (r *centreReader) tickets() {
	r.centre.Tickets = Tickets{Rules: tickets.DefaultRules(), Reopen: reopenFor, Warn: warnAt, Redial: tickets.Window, Points: points()}
	data, ok := r.files[ticketsFile]
	if !ok {
		return
	}
	doc := source.Parse(ticketsFile, data, nil)
	if !doc.Readable() {
		r.unread = append(r.unread, "contract")
	}
	m, t := doc.Root().Map(), &r.centre.Tickets
	t.Reopen = m.May("reopen").Duration(reopenFor, 0, aYear)
	t.Redial = m.May("redial").Duration(tickets.Window, time.Minute, aYear)
	enrich := m.May("enrich").Word("")
	r.refer("lookup", enrich)
	t.Enrich = enrich.Text
	row := m.May("points").Map()
	for p := 1; p <= tickets.LowestPriority; p++ {
		t.Points[p] = row.May(strconv.Itoa(p)).Int(t.Points[p], 0, 1000)
	}
	row.End()
	t.Warn = m.May("warn").Int(warnAt, 1, 99)
	bands := m.May("bands").Map()
	for i, severity := range tickets.Severities()[1:] {
		t.Rules.Bands[i] = bands.May(severity).Int(t.Rules.Bands[i], 1, 100)
	}
	bands.End()
	matrix := m.May("matrix").Map()
	for _, severity := range tickets.Severities() {
		row := matrix.May(severity).Map()
		for _, urgency := range tickets.Urgencies() {
			t.Rules.Matrix[severity][urgency] = row.May(urgency).Int(t.Rules.Matrix[severity][urgency], 1, tickets.LowestPriority)
		}
		row.End()
	}
	matrix.End()
	t.Rules.Services = named(doc, "service", m.May("services"))
	t.Rules.Categories = named(doc, "category", m.May("categories"))
	for _, e := range m.May("contracts").Map().Entries() {
		doc.ID("contract", e.Key)
		if t.Contracts == nil {
			t.Contracts = make(map[string]tickets.Contract)
		}
		t.Contracts[e.Key.Text] = r.contract(doc, e)
	}
	m.End()
	if len(doc.Faults()) == 0 {
		reportAll(doc, source.Pos{File: ticketsFile}, t.Rules.Validate())
	}
	r.faults = append(r.faults, doc.Faults()...)
}

// points are what a call brings into a queue by the priority of its ticket.
func points() map[int]int { return map[int]int{1: 20, 2: 10} }

// named reads ids with their names.
func named(doc *source.Doc, what string, v source.Value) map[string]string {
	var out map[string]string
	for _, e := range v.Map().Entries() {
		doc.ID(what, e.Key)
		if out == nil {
			out = make(map[string]string)
		}
		out[e.Key.Text] = e.Value.Text(e.Key.Text)
	}
	return out
}

func (r *centreReader) contract(doc *source.Doc, e source.Entry) tickets.Contract {
	m := e.Value.Map()
	calendar := m.May("hours").Word("")
	r.refer("calendar", calendar)
	c := tickets.Contract{Name: m.May("name").Text(e.Key.Text), Level: m.May("response-level").Int(0, 1, 4), Default: m.May("default").Int(0, 1, tickets.LowestPriority)}
	if hours := r.centre.Calendars[calendar.Text]; hours != nil {
		c.Hours = hours
	}
	c.Targets = targets(m.May("targets"))
	for _, s := range m.May("services").Map().Entries() {
		if c.Services == nil {
			c.Services = make(map[string]map[int]tickets.Targets)
		}
		if _, ok := r.centre.Tickets.Rules.Services[s.Key.Text]; !ok {
			doc.Report().Refer(s.Key, "service", slices.Sorted(maps.Keys(r.centre.Tickets.Rules.Services)))
		}
		c.Services[s.Key.Text] = targets(s.Value)
	}
	m.End()
	reportAll(doc, e.Key.Pos, c.Validate())
	return c
}

// targets reads promises by priority.
func targets(v source.Value) map[int]tickets.Targets {
	out := make(map[int]tickets.Targets)
	m := v.Map()
	for p := 1; p <= tickets.LowestPriority; p++ {
		row := m.May(strconv.Itoa(p))
		if !row.Set() {
			continue
		}
		t := row.Map()
		out[p] = tickets.Targets{
			Response:   t.May("response").Duration(0, time.Second, aYear),
			Update:     t.May("update").Duration(0, time.Second, aYear),
			Resolution: t.May("resolution").Duration(0, time.Second, aYear),

			AroundTheClock: t.May("around-the-clock").Bool(false),
		}
		t.End()
	}
	m.End()
	return out
}
