package main

import (
	"context"
	"fmt"
	"slices"

	"firstline/call"
	"firstline/tickets"
)

// webLevels hands tickets up and back, after a look at the centre's groups.
type webLevels struct{ s *server }

func (w webLevels) Escalate(ctx context.Context, id call.TicketID, e tickets.Escalation, group string, form call.HandOver) (tickets.Ticket, error) {
	g, ok := w.s.centre.now().OnCall.Groups[group]
	if !ok {
		return tickets.Ticket{}, fmt.Errorf("%w: there is no group %q", tickets.ErrInvalid, group)
	}
	return edit(w.s, func() (tickets.Ticket, error) {
		return w.s.tickets.Escalate(ctx, id, e, group, g.Level, form)
	})
}

// Accept is for those of the group; of a group that names nobody, for everybody who
// works here.
func (w webLevels) Accept(ctx context.Context, id call.TicketID, e tickets.Escalation, agent call.AgentID) (tickets.Ticket, error) {
	t, err := w.s.store.Ticket(ctx, id)
	if err != nil {
		return t, away(err)
	}
	if people := w.s.centre.now().OnCall.Groups[t.Support.Group()].People; len(people) > 0 && !slices.Contains(people, agent) {
		return t, fmt.Errorf("%w: %q is not of the group %q", tickets.ErrInvalid, agent, t.Support.Group())
	}
	if _, err := w.s.roster.Agent(agent); err != nil {
		return t, fmt.Errorf("%w: no agent %q works here", tickets.ErrInvalid, agent)
	}
	return edit(w.s, func() (tickets.Ticket, error) { return w.s.tickets.Accept(ctx, id, e, agent) })
}

func (w webLevels) Return(ctx context.Context, id call.TicketID, e tickets.Escalation, why string) (tickets.Ticket, error) {
	return edit(w.s, func() (tickets.Ticket, error) { return w.s.tickets.Return(ctx, id, e, why) })
}
