package web

import (
	"time"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/clock"
)

// Promises tells how the promises to customers stand.
type Promises interface {
	Promises() Promised
}

// Promised is how the promises stand.
type Promised struct {
	Open, Late int
	Next       *TicketDue // the promise that is missed next
}

// TicketDue is a ticket's promise that is missed next, or was first.
type TicketDue struct {
	Ticket call.TicketID `json:"ticket"`
	Clock  clock.Kind    `json:"clock" enum:"response,update,resolution"`
	At     time.Time     `json:"at" doc:"when the promised time is used up, or was"`
	Late   bool          `json:"late"`
}

// ticketDue is what a list says of a ticket's clocks; nil when none runs against a promise.
func ticketDue(t tickets.Ticket, c tickets.Contract, now time.Time) *TicketDue {
	r, some := t.Due(c, now)
	if !some {
		return nil
	}
	return &TicketDue{Ticket: t.ID, Clock: r.Kind, At: r.Due, Late: r.Late}
}

// setPromises says how the promises to customers stand.
func (t *Totals) setPromises(p Promises) {
	if p == nil {
		return
	}
	now := p.Promises()
	t.TicketsOpen, t.TicketsLate, t.TicketDue = now.Open, now.Late, now.Next
}
