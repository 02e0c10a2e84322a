package webtest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"firstline/call"
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
	for _, w := range strings.Fields(strings.ToLower(text)) {
		if !strings.Contains(has, w) {
			return false
		}
	}
	return true
}
