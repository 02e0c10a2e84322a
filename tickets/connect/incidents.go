package connect

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"firstline/call"
)

// incidents is what a planner knows of incidents: which ticket each has, and which
// tickets it affects.
type incidents struct {
	byID     map[call.IncidentID]IncidentView
	tickets  map[call.TicketID]call.IncidentID
	attached map[call.TicketID]attachment
}

type attachment struct {
	incident call.IncidentID
	global   int64 // of the event
	ticket   call.TicketID
	number   string
}

// knownAt is what was known when the journal was as long as a cursor says.
func knownAt(ctx context.Context, stories Stories, cursor int64) (incidents, error) {
	k := incidents{byID: map[call.IncidentID]IncidentView{}, tickets: map[call.TicketID]call.IncidentID{}, attached: map[call.TicketID]attachment{}}
	for seq := int64(0); ; {
		evs, err := stories.Story(ctx, call.Stream{Kind: call.StreamIncident, ID: call.IncidentStream}, seq, 1000)
		if err != nil {
			return k, fmt.Errorf("known incidents: %w", err)
		}
		for _, e := range evs {
			if e.Global > cursor {
				return k, nil
			}
			k.apply(e)
		}
		if len(evs) < 1000 {
			return k, nil
		}
		seq = evs[len(evs)-1].Seq
	}
}

func (k incidents) owns(t call.TicketID) bool { return k.tickets[t] != "" }

// affected are those whom an incident affects, in the order in which they said so.
func (k incidents) affected(id call.IncidentID) []attachment {
	var out []attachment
	for _, a := range k.attached {
		if a.incident == id {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b attachment) int { return cmp.Compare(a.global, b.global) })
	return out
}

// apply folds an event in; twice is the same as once.
func (k incidents) apply(e call.Event) {
	switch x := e.Body.(type) {
	case call.IncidentDeclared:
		if _, ok := k.byID[x.Incident]; ok {
			return
		}
		k.byID[x.Incident] = IncidentView{ID: x.Incident, Title: x.Title, Queue: x.Queue, Clients: x.Clients, Ticket: x.Ticket}
		k.tickets[x.Ticket] = x.Incident
	case call.IncidentAffected:
		if _, ok := k.attached[x.Ticket]; ok {
			return
		}
		k.attached[x.Ticket] = attachment{x.Incident, e.Global, x.Ticket, x.Number}
		v := k.byID[x.Incident]
		v.Affected++
		k.byID[x.Incident] = v
	case call.IncidentEnded:
		v := k.byID[x.Incident]
		v.Over, v.Note = true, x.Note
		k.byID[x.Incident] = v
	}
}

// incident is what is told of an incident's event, under the key of a ticket.
func (p *planner) incident(ctx context.Context, e call.Event) (key string, m *Message, err error) {
	var id call.IncidentID
	var about call.TicketID
	last := e.Global
	switch x := e.Body.(type) {
	case call.IncidentDeclared:
		id, about, m = x.Incident, x.Ticket, &Message{Type: IncidentDeclared, Data: Data{By: x.By}}
		last++ // its ticket is opened with it, in the event behind
	case call.IncidentEnded:
		id, m = x.Incident, &Message{Type: IncidentEnded, Data: Data{By: x.By, Why: x.Note}}
		about = p.known.byID[id].Ticket
	case call.IncidentAffected:
		id, about, m = x.Incident, x.Ticket, &Message{Type: TicketAttached, Data: Data{By: "system"}}
	default:
		return "", nil, nil
	}
	if err := p.stored(ctx, e); err != nil {
		return "", nil, err
	}
	f, err := p.file(ctx, about, 1<<62, last)
	if err != nil {
		return "", nil, err
	}
	p.known.apply(e)
	v := p.known.byID[id]
	switch {
	case m.Data.By == origin(p.endpoint.ID):
		return "", nil, nil
	case m.Type == TicketAttached && (f.ID == "" || f.Test || !p.endpoint.meant(f.Client) || p.endpoint.speaks(Connector)):
		return "", nil, nil // 200 calls about one outage are one ticket there
	case m.Type != TicketAttached && !p.endpoint.concerns(v.Clients):
		return "", nil, nil
	}
	if f.ID != "" {
		m.Data.Ticket = p.view(f)
	}
	v.Clients = slices.Clone(v.Clients)
	m.Data.Incident = &v
	return string(about), m, nil
}

// concerns reports whether an incident of some clients, none meaning all, is told.
func (e *Endpoint) concerns(clients []string) bool {
	return len(clients) == 0 || slices.ContainsFunc(clients, e.meant)
}
