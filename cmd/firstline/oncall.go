package main

import (
	"context"
	"errors"
	"fmt"

	"firstline/call"
	"firstline/intake"
	"firstline/store"
	"firstline/tickets"
	"firstline/tickets/oncall"
)

// openOnCall takes up who stands in for whom.
func (s *server) openOnCall(ctx context.Context) error {
	story, err := wholeStory(ctx, s.store, call.Stream{Kind: call.StreamOnCall, ID: call.OnCallStream})
	if err != nil {
		return fmt.Errorf("on call: %w", err)
	}
	s.onCall = oncall.NewDesk(s.journal, func() oncall.Plan { return s.centre.now().OnCall }, story, s.log.Named("on call"))
	return s.openPager(ctx)
}

// pagerPlace is under which name it is kept how far the pager has read.
const pagerPlace = "pager"

// openPager has people phoned for urgent tickets, from where the last process left off.
// It is after the desk's Restore, which ends the calls that were under way.
func (s *server) openPager(ctx context.Context) error {
	upTo := s.journal.Status().LastGlobal
	at, open, err := s.store.Checkpoint(ctx, pagerPlace)
	switch {
	case errors.Is(err, store.ErrNotFound):
		at = upTo // of what was before there was a pager, nobody is woken
	case err != nil:
		return fmt.Errorf("pager: %w", err)
	}
	s.pager = intake.NewPager(s.desk, intake.PagerConfig{
		Tickets: pagedTickets{s.tickets, s.store}, Plan: s.onCall.Plan, Overrides: s.onCall.Overrides, Log: s.log.Named("pager"),
		Default: func(client string) int {
			c := s.centre.now()
			return c.Tickets.Contracts[c.Clients[client].Contract].Default
		},
		Save: func(ctx context.Context, at int64, open []byte) error {
			return s.store.SaveCheckpoint(ctx, pagerPlace, at, open)
		},
	})
	s.life.start("pager", func(ctx context.Context) error { return s.pager.Run(ctx, s.journal.Read(at), open, at, upTo) })
	return nil
}

// pagedTickets is the desk of tickets and its book.
type pagedTickets struct {
	*tickets.Desk
	book *store.Store
}

func (p pagedTickets) Ticket(ctx context.Context, id call.TicketID) (tickets.Ticket, error) {
	return p.book.Ticket(ctx, id)
}

// webPager has people phoned by hand.
type webPager struct{ s *server }

func (w webPager) BeginPage(ctx context.Context, id call.TicketID, ladder, by, why string) (tickets.Ticket, error) {
	return edit(w.s, func() (tickets.Ticket, error) {
		return w.s.pager.Begin(ctx, id, ladder, tickets.ByHand, by, why)
	})
}

func (w webPager) CancelPage(ctx context.Context, id call.TicketID, by, why string) (tickets.Ticket, error) {
	return edit(w.s, func() (tickets.Ticket, error) { return w.s.pager.Cancel(ctx, id, by, why) })
}

// webOnCall turns the store's absence into the API's 503.
type webOnCall struct{ *oncall.Desk }

func (w webOnCall) Override(ctx context.Context, o oncall.Override) (oncall.Override, error) {
	o, err := w.Desk.Override(ctx, o)
	return o, away(err)
}

func (w webOnCall) TakeBack(ctx context.Context, id, by string) (oncall.Override, error) {
	o, err := w.Desk.TakeBack(ctx, id, by)
	return o, away(err)
}
