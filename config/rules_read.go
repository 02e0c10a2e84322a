package config

import (
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/ivr/source"
)

// rules reads what holds over all queues: order, clients, classes, reserves, breaks.
func (r *centreReader) rules() {
	data, ok := r.files[rulesFile]
	if !ok {
		return
	}
	doc := source.Parse(rulesFile, data, nil)
	if !doc.Readable() {
		r.unread = append(r.unread, "class")
	}
	m := doc.Root().Map()
	rules := callqueue.Rules{Order: order(m.May("order").Map())}
	for _, e := range m.May("clients").Map().Entries() {
		r.refer("client", e.Key)
		if rules.Clients == nil {
			rules.Clients = make(map[string]callqueue.Cap)
		}
		rules.Clients[e.Key.Text] = limit(e.Value)
	}
	for _, e := range m.May("classes").Map().Entries() {
		doc.ID("class", e.Key)
		c := e.Value.Map()
		if rules.Classes == nil {
			rules.Classes = make(map[string]callqueue.Class)
		}
		rules.Classes[e.Key.Text] = callqueue.Class{Priority: c.May("priority").Int(0, 0, callqueue.MostPoints)}
		c.End()
	}
	for _, e := range m.May("reserves").Map().Entries() {
		doc.ID("reserve", e.Key)
		rules.Reserves = append(rules.Reserves, r.reserve(e))
	}
	for _, e := range m.May("breaks").Map().Entries() {
		r.refer("break reason", e.Key)
		if rules.Breaks == nil {
			rules.Breaks = make(map[string]callqueue.BreakRule)
		}
		rules.Breaks[e.Key.Text] = r.breakRule(e.Value.Map())
	}
	m.End()
	if len(doc.Faults()) == 0 {
		reportAll(doc, source.Pos{File: rulesFile}, rules.Validate())
	}
	r.faults = append(r.faults, doc.Faults()...)
	r.centre.Rules = rules
}

func order(m *source.Map) callqueue.Order {
	o := callqueue.Order{
		By:        callqueue.OrderBy(m.May("by").OneOf(string(callqueue.OrderByPriority), string(callqueue.OrderByPriority), string(callqueue.OrderBySlack))),
		PerMinute: m.May("points-per-minute").Float(0, 0.001, 1000),
		Bound:     m.May("bound").Duration(0, time.Second, 24*time.Hour),
	}
	m.End()
	return o
}

func limit(v source.Value) callqueue.Cap {
	m := v.Map()
	agents, share := m.May("agents"), m.May("share")
	c := callqueue.Cap{Agents: agents.Int(0, 1, 100_000), Share: share.Float(0, 0.1, 100)}
	m.End()
	if !agents.Set() && !share.Set() {
		v.Fault("a client's limit is a number of agents, a share in percent, or both")
	}
	return c
}

func (r *centreReader) reserve(e source.Entry) callqueue.Reserve {
	m := e.Value.Map()
	k := callqueue.Reserve{Name: e.Key.Text, Keep: m.May("keep").Int(1, 1, 100_000)}
	for _, item := range m.Must("classes").List() {
		k.Classes = append(k.Classes, item.Text(""))
	}
	k.Need = r.need(m.May("need"))
	m.End()
	return k
}

func (r *centreReader) breakRule(m *source.Map) callqueue.BreakRule {
	rule := callqueue.BreakRule{Most: m.May("most").Int(0, 1, 100_000)}
	for _, e := range m.May("queues").Map().Entries() {
		r.refer("queue", e.Key)
		if rule.Queues == nil {
			rule.Queues = make(map[call.QueueID]int)
		}
		rule.Queues[call.QueueID(e.Key.Text)] = e.Value.Int(1, 0, 100_000)
	}
	m.End()
	return rule
}
