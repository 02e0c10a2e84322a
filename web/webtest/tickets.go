package webtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/intake/number"
	"firstline/tickets"
	"firstline/web"
)

// worldTickets is the desk's tickets, changed by a real tickets.Desk.
type worldTickets struct{ w *World }

func (x worldTickets) Tickets(_ context.Context, f web.TicketFilter) ([]tickets.Ticket, error) {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	var out []tickets.Ticket
	for _, t := range x.w.tickets {
		if (f.Before == "" || t.ID < f.Before) && (f.State == "" || t.State == f.State) && mentions(t, f.Text) {
			short := *t
			short.Notes = nil
			out = append(out, short)
		}
	}
	slices.SortFunc(out, func(a, b tickets.Ticket) int { return cmp.Compare(b.ID, a.ID) })
	return out[:min(len(out), f.Limit)], nil
}

func (x worldTickets) Ticket(_ context.Context, id call.TicketID) (tickets.Ticket, error) {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	if t, ok := x.w.tickets[id]; ok {
		return *t, nil
	}
	return tickets.Ticket{}, tickets.ErrNotFound
}

func (x worldTickets) AddNote(ctx context.Context, id call.TicketID, n web.Note) (web.Note, error) {
	if _, err := x.Ticket(ctx, id); err != nil {
		return n, err
	}
	if x.w.Reject != nil {
		return n, x.w.Reject
	}
	n.At = call.Instant(time.Now())
	n.ID = call.NewUUID(n.At)
	x.w.Add(call.TicketEvent(n.At, id, call.TicketNoted{Note: n.ID, Author: n.Author, Text: n.Text, Call: n.Call}))
	return n, nil
}

func (x worldTickets) ChangeTicket(ctx context.Context, id call.TicketID, e tickets.Edit) (tickets.Ticket, error) {
	return tickets.NewDesk(x.w, nil, x).Change(ctx, id, e, tickets.Terms{
		Rules: x.Rules(), Reopen: 24 * time.Hour, Agent: func(id call.AgentID) bool { return x.w.knows(id) == nil },
	})
}

func (x worldTickets) desk() *tickets.Desk { return tickets.NewDesk(x.w, numberer(x), x) }

// numberer numbers tickets behind those that there are.
type numberer struct{ w *World }

func (n numberer) Next() (call.TicketID, error) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	return call.TicketID(fmt.Sprintf("T-%d", 200001+len(n.w.tickets))), nil
}

func (x worldTickets) MergeTickets(ctx context.Context, id, into call.TicketID, d tickets.Decision) (tickets.Ticket, error) {
	return x.desk().Merge(ctx, id, into, d)
}

func (x worldTickets) SplitTicket(ctx context.Context, id call.TicketID, calls []call.ID, d tickets.Decision) (tickets.Ticket, error) {
	return x.desk().Split(ctx, id, calls, d, x.w.Call)
}

func (x worldTickets) DeclineTicket(ctx context.Context, id, other call.TicketID, d tickets.Decision) (tickets.Ticket, error) {
	return x.desk().Decline(ctx, id, other, d)
}

func (x worldTickets) IdentifyCaller(ctx context.Context, id call.TicketID, c call.CustomerID, d tickets.Decision) (tickets.Ticket, error) {
	return x.desk().Identify(ctx, id, c, d)
}

func (x worldTickets) Normal(n, _ string) string { return number.Normal(n, region) }

func (x worldTickets) Others(ctx context.Context, t tickets.Ticket, limit int) (out []tickets.Ticket, err error) {
	all, err := x.Tickets(ctx, web.TicketFilter{Limit: 500})
	for _, o := range all {
		if o.ID != t.ID && o.Caller.Number == t.Caller.Number && !o.State.Over() && len(out) < limit {
			out = append(out, o)
		}
	}
	return out, err
}

func (x worldTickets) Rules() tickets.Rules {
	r := tickets.DefaultRules()
	r.Services = map[string]string{"mail": "Mail", "network": "Network"}
	r.Categories = map[string]string{"access": "Access", "hardware": "Hardware"}
	return r
}

func (x worldTickets) Contract(string) tickets.Contract {
	return tickets.Contract{Default: 3, Targets: map[int]tickets.Targets{
		2: {Response: 30 * time.Minute, Update: 4 * time.Hour, Resolution: 8 * time.Hour}, 3: {Response: 4 * time.Hour, Resolution: 24 * time.Hour},
	}}
}

// mentions reports whether a ticket has all words of a text: about as the store does.
func mentions(t *tickets.Ticket, text string) bool {
	has := strings.ToLower(strings.Join([]string{string(t.ID), t.Subject, t.Caller.Name, t.Caller.Number}, " "))
	for w := range strings.FieldsSeq(strings.ToLower(text)) {
		if !strings.Contains(has, w) {
			return false
		}
	}
	return true
}
