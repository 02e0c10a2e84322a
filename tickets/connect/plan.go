package connect

import (
	"context"
	"errors"
	"fmt"

	"firstline/call"
	"firstline/tickets"
)

// Stories reads what the journal keeps of one stream.
type Stories interface {
	Story(ctx context.Context, of call.Stream, after int64, limit int) ([]call.Event, error)
}

// Planner says what an endpoint is told of an event. It belongs to one goroutine and
// is given every event behind the endpoint's cursor, in order. The same events give
// the same deliveries. An error means that it could not be found out now, and has
// changed nothing.
type Planner interface {
	Plan(ctx context.Context, e call.Event) ([]Delivery, error)
}

// planner plans for webhooks and connectors.
type planner struct {
	endpoint Endpoint
	stories  Stories
	url      func(call.TicketID) string
	known    incidents
}

// NewPlanner is a planner that stands behind a cursor.
func NewPlanner(ctx context.Context, p Endpoint, cursor int64, stories Stories, url func(call.TicketID) string) (Planner, error) {
	known, err := knownAt(ctx, stories, cursor)
	return &planner{endpoint: p, stories: stories, url: url, known: known}, err
}

// Plan implements Planner.
func (p *planner) Plan(ctx context.Context, e call.Event) ([]Delivery, error) {
	var m *Message
	var key string
	var err error
	switch e.Stream.Kind {
	case call.StreamIncident:
		key, m, err = p.incident(ctx, e)
	case call.StreamTicket:
		key = e.Stream.ID
		m, err = p.ticket(ctx, e)
	case call.StreamCall:
		key = e.Stream.ID
		m, err = p.call(ctx, e)
	}
	if err != nil || m == nil || !p.endpoint.wants(m.Type) {
		return nil, err
	}
	m.At, m.Data.Sequence = e.At, e.Global
	d, err := p.endpoint.delivery(e, key, "", *m)
	return []Delivery{d}, err
}

// file is a ticket and what decides whether it is told of.
type file struct {
	tickets.Ticket
	classified int64 // global sequence of the first classification; 0: none
	highest    int   // priority that it ever had; 0: none
	before     bool  // the event looked at: whether it was told of before that
	seen       int64 // sequence of the last event that was folded
}

// errBehind means that the store does not have an event yet that the journal has: the
// database is away, and it is in the spool.
var errBehind = errors.New("connect: the event is not in the store yet")

// stored is errBehind for an event that the store does not have yet. When it has it,
// it has all before it.
func (p *planner) stored(ctx context.Context, e call.Event) error {
	evs, err := p.stories.Story(ctx, e.Stream, e.Seq-1, 1)
	if err == nil && len(evs) == 0 {
		err = errBehind
	}
	return err
}

// released reports whether a ticket is told of: classified, with a priority that the
// endpoint wants to hear of or had once, so that what began there also ends there.
func (p *planner) released(f *file) bool {
	least := p.endpoint.Priority
	return f.classified > 0 && (least == 0 || f.highest > 0 && f.highest <= least)
}

// file folds a ticket up to an event of its stream.
func (p *planner) file(ctx context.Context, id call.TicketID, upTo int64, last int64) (*file, error) {
	f := new(file)
	for seq := int64(0); ; {
		evs, err := p.stories.Story(ctx, call.Stream{Kind: call.StreamTicket, ID: string(id)}, seq, 1000)
		if err != nil {
			return nil, fmt.Errorf("ticket %s: %w", id, err)
		}
		for _, e := range evs {
			if e.Seq > upTo || e.Global > last {
				return f, nil
			}
			f.before = p.released(f)
			f.apply(e)
			f.seen = e.Seq
		}
		if len(evs) < 1000 {
			return f, nil
		}
		seq = evs[len(evs)-1].Seq
	}
}

// apply leaves an event out that does not fit, as the store does.
func (f *file) apply(e call.Event) {
	if f.Apply(e) != nil {
		return
	}
	if c, ok := e.Body.(call.TicketClassified); ok {
		if f.classified == 0 {
			f.classified = e.Global
		}
		if n := c.Class.Priority; n > 0 && (f.highest == 0 || n < f.highest) {
			f.highest = n
		}
	}
}

// ticket is what is told of a ticket's event; nil for nothing.
func (p *planner) ticket(ctx context.Context, e call.Event) (*Message, error) {
	m := ticketMessage(e.Body)
	if m == nil || m.Data.By == origin(p.endpoint.ID) { // it has told us this itself
		return nil, nil
	}
	f, err := p.file(ctx, call.TicketID(e.Stream.ID), e.Seq, e.Global)
	if err == nil && f.seen < e.Seq {
		err = errBehind
	}
	if err != nil || f.ID == "" || f.Test || !p.endpoint.meant(f.Client) && !p.known.owns(f.ID) {
		return nil, err
	}
	first := p.released(f) && !f.before
	attached, ok := p.known.attached[f.ID]
	switch {
	case ok && p.endpoint.speaks(Connector) && !p.endpoint.before(f, attached.global):
		return nil, nil // the incident's ticket stands for all
	case ok, p.known.owns(f.ID):
		first = false
	case !p.released(f):
		return nil, nil
	}
	if p.endpoint.speaks(Connector) && f.Class.Kind == tickets.NotTechnical {
		return nil, nil
	}
	if first {
		m.Type = TicketCreated
	}
	m.Data.Ticket = p.view(f)
	return m, nil
}

// before reports whether a ticket was told of before it was attached to an incident.
func (e *Endpoint) before(f *file, attached int64) bool {
	return f.classified > 0 && f.classified < attached
}

func (e *Endpoint) speaks(k Kind) bool { return e.Kind == string(k) }

// origin is how the journal names an endpoint as the one who did something.
func origin(id call.EndpointID) string { return "endpoint:" + string(id) }

// ticketMessage is the bare message of an event; nil where there is none.
func ticketMessage(b call.Body) *Message {
	switch x := b.(type) {
	case call.TicketTaken:
		return &Message{Type: TicketUpdated, Data: Data{By: "agent:" + string(x.Agent)}}
	case call.TicketMoved:
		return &Message{Type: TicketUpdated, Data: Data{By: x.By, Why: x.Why}}
	case call.TicketClassified:
		return &Message{Type: TicketUpdated, Data: Data{By: x.By, Why: x.Why}}
	case call.TicketAssigned:
		return &Message{Type: TicketUpdated, Data: Data{By: x.By, Why: x.Why}}
	case call.TicketTold:
		return &Message{Type: TicketUpdated, Data: Data{By: x.By, Why: x.How}}
	case call.TicketNoted:
		return &Message{Type: TicketNoted, Data: Data{By: x.Author, Note: &NoteView{Author: x.Author, Text: x.Text}}}
	case call.TicketWarned:
		t := SLAWarning
		if x.Percent >= 100 {
			t = SLABreached
		}
		return &Message{Type: t, Data: Data{By: "system", Clock: &ClockView{Clock: x.Clock, Percent: x.Percent}}}
	}
	return nil
}

func (p *planner) view(f *file) *TicketView {
	v := &TicketView{
		ID: f.ID, Subject: f.Subject, State: f.State, Over: f.State.Over(), Client: f.Client, Caller: f.Caller, Class: f.Class,
		Handler: f.Handler, Opened: f.Opened, Changed: f.Changed, Calls: f.Calls, URL: p.url(f.ID),
	}
	for _, n := range f.Notes {
		v.Notes = append(v.Notes, n.Text)
	}
	if a, ok := p.known.attached[f.ID]; ok {
		v.Incident = a.incident
	} else if i, ok := p.known.tickets[f.ID]; ok {
		v.Incident = i
	}
	return v
}

// call is what is told of a call's event.
func (p *planner) call(ctx context.Context, e call.Event) (*Message, error) {
	var t Type
	switch e.Body.(type) {
	case call.Arrived:
		t = CallReceived
	case call.Connected:
		t = CallAnswered
	case call.Ended:
		t = CallEnded
	}
	if t == "" || !p.endpoint.wants(t) || len(p.endpoint.Types) == 0 && p.endpoint.speaks(Connector) {
		return nil, nil
	}
	if err := p.stored(ctx, e); err != nil {
		return nil, err
	}
	evs, err := p.stories.Story(ctx, e.Stream, 0, 1000)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", e.Stream.ID, err)
	}
	var r call.Record
	for _, x := range evs {
		if x.Seq <= e.Seq {
			_ = r.Apply(x) // one that does not fit is left out, as in the store
		}
	}
	if r.ID == "" || r.Test || r.Consult != "" {
		return nil, nil
	}
	if f, err := p.file(ctx, r.Ticket, 1<<62, e.Global+1); err != nil || !p.endpoint.meant(f.Client) { // opened with the call
		return nil, err
	}
	v := &CallView{ID: r.ID, From: r.From, To: r.To, Out: r.Out, Ticket: r.Ticket}
	if n := len(r.Entries); n > 0 {
		v.Queue = r.Entries[n-1].Queue
	}
	if n := len(r.Talks); n > 0 {
		v.Agent = r.Talks[n-1].Agent
	}
	if x, ok := e.Body.(call.Ended); ok {
		v.Outcome, v.Cause = x.Outcome, x.Cause
	}
	return &Message{Type: t, Data: Data{By: "system", Call: v}}, nil
}
