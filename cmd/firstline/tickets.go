package main

import (
	"context"
	"errors"
	"fmt"

	"firstline/call"
	"firstline/store"
	"firstline/tickets"
	"firstline/web"
)

// openTickets makes the one desk that writes on tickets, with those that are open.
func (s *server) openTickets(ctx context.Context) error {
	s.tickets = tickets.NewDesk(s.journal, s.store.Numbers(), s.store)
	for after := int64(0); ; {
		open, next, err := s.store.UnsettledTickets(ctx, after, 1000)
		if err != nil {
			return fmt.Errorf("open tickets: %w", err)
		}
		for _, t := range open {
			s.tickets.Remember(t)
		}
		if len(open) == 0 {
			break
		}
		after = next
	}
	from, err := s.store.Behind(ctx, s.store.LastAlive())
	if err != nil {
		return err
	}
	s.life.start("tickets", func(ctx context.Context) error {
		for cursor := s.journal.Read(from); ; {
			evs, err := cursor.Next(ctx)
			if err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
			s.tickets.Learn(evs...)
		}
	})
	return nil
}

func (w webTickets) MergeTickets(ctx context.Context, id, into call.TicketID, d tickets.Decision) (tickets.Ticket, error) {
	t, err := w.desk.Merge(ctx, id, into, d)
	return t, away(err)
}

func (w webTickets) SplitTicket(ctx context.Context, id call.TicketID, calls []call.ID, d tickets.Decision) (tickets.Ticket, error) {
	t, err := w.desk.Split(ctx, id, calls, d, w.s.store.Call)
	if errors.Is(err, store.ErrNotFound) && !errors.Is(err, tickets.ErrNotFound) {
		return t, fmt.Errorf("%w: %w", web.ErrInvalid, err)
	}
	return t, away(err)
}

func (w webTickets) DeclineTicket(ctx context.Context, id, other call.TicketID, d tickets.Decision) (tickets.Ticket, error) {
	t, err := w.desk.Decline(ctx, id, other, d)
	return t, away(err)
}

// IdentifyCaller refuses customers that there are not.
func (w webTickets) IdentifyCaller(ctx context.Context, id call.TicketID, c call.CustomerID, d tickets.Decision) (tickets.Ticket, error) {
	if _, err := w.s.directory.Customer(c); err != nil {
		return tickets.Ticket{}, fmt.Errorf("%w: there is no customer %q", web.ErrInvalid, c)
	}
	t, err := w.desk.Identify(ctx, id, c, d)
	return t, away(err)
}

// Others reads them one by one: there are few.
func (w webTickets) Others(ctx context.Context, t tickets.Ticket, limit int) (out []tickets.Ticket, err error) {
	ids := w.desk.Others(t)
	for _, id := range ids[:min(len(ids), limit)] {
		o, err := w.s.store.Ticket(ctx, id)
		if err != nil {
			return nil, away(err)
		}
		if !o.State.Over() { // the desk hears of it a moment later
			out = append(out, o)
		}
	}
	return out, nil
}

func (w webTickets) Normal(number, client string) string { return w.s.normalFor(number, client) }
