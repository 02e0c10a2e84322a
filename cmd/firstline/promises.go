package main

import (
	"context"
	"time"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/watch"
	"firstline/web"
)

// openPromises sets the watch over what was promised to customers: before any call is
// taken, so that it knows each ticket from its opening on.
func (s *server) openPromises(ctx context.Context) error {
	lately := time.Now().Add(-time.Hour)
	if alive := s.store.LastAlive(); !alive.IsZero() {
		lately = alive.Add(-time.Minute)
	}
	after, err := s.store.Behind(ctx, lately)
	if err != nil {
		return err
	}
	s.promises = watch.New(watch.Config{
		Journal: s.journal, Read: func(after int64) watch.Cursor { return s.journal.Read(after) },
		After: after, Latest: func() int64 { return s.journal.Status().LastGlobal },
		Book: s.store, Terms: s.promised, Log: s.log.Named("promises"),
	})
	s.life.start("promises", s.promises.Run)
	return nil
}

// promised is what the centre in force promises to whom.
func (s *server) promised() watch.Terms {
	centre := s.centre.now()
	return watch.Terms{Share: centre.Tickets.Warn, Contract: func(client string) tickets.Contract {
		return centre.Tickets.Contracts[centre.Clients[client].Contract]
	}}
}

// webPromises tells the board how the promises stand.
type webPromises struct{ w *watch.Watch }

func (p webPromises) Promises() web.Promised {
	now := p.w.Standing()
	out := web.Promised{Open: now.Open, Late: now.Late}
	if now.Next != nil {
		out.Next = &web.TicketDue{Ticket: now.Next.Ticket, Clock: now.Next.Kind, At: now.Next.At}
	}
	return out
}

// levelOf is an agent's level; 0 for one who does not work here.
func (s *server) levelOf(id call.AgentID) int {
	a, err := s.roster.Agent(id)
	if err != nil {
		return 0
	}
	return a.Level
}
