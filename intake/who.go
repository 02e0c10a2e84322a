package intake

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/ivr"
	"firstline/tickets"
	"firstline/tickets/customers"
)

// problems keeps one ticket per problem: tickets.Desk.
type problems interface {
	// Hold is what has become of the ticket of a call, until release.
	Hold(c call.ID, id call.TicketID) (is call.TicketID, release func())
	Current(ctx context.Context, id call.TicketID) call.TicketID
	Arriving(c tickets.Caller) []call.Event
	Sure(ctx context.Context, c tickets.Caller) (call.TicketID, error)
	Keyed(ctx context.Context, c tickets.Caller, keyed string) (is call.TicketID, theirs bool, err error)
	PriorityOf(id call.TicketID) int
}

// contacts knows those who call: customers.Directory.
type contacts interface {
	ByNumber(number, client string) customers.Match
	Verify(ctx context.Context, client, account, from, secret string) (call.Customer, error)
	Customer(id call.CustomerID) (call.Customer, error)
	Standing(c call.Customer, day time.Time) customers.Standing
}

// The lookups that need no other system.
const (
	// LookupCustomers finds who calls, by account and PIN, or by the number alone.
	LookupCustomers = "customers"
	// LookupTickets puts the call on the ticket whose number was keyed.
	LookupTickets = "tickets"
)

// onTicket is the ticket that a call is on, which it stays until release.
func (d *Desk) onTicket(j *journey) (id call.TicketID, release func()) {
	if d.Problems == nil {
		return j.ticket, func() {}
	}
	id, release = d.Problems.Hold(j.call.ID, j.ticket)
	j.ticket = id
	return id, release
}

// writeTicket posts what belongs on the call's ticket.
func (d *Desk) writeTicket(j *journey, at time.Time, bodies ...call.Body) {
	id, release := d.onTicket(j)
	defer release()
	for _, b := range bodies {
		d.Journal.Post(call.TicketEvent(at, id, b))
	}
}

// caller is what is known of who makes a call.
func (j *journey) caller(now time.Time) tickets.Caller {
	return tickets.Caller{
		At: call.Instant(now), Arrived: j.call.Arrived, Call: j.call.ID, Ticket: j.ticket, Client: j.client(),
		Number: j.call.From.Number, Test: j.call.Test, Customer: j.customer, Level: string(j.level), Window: j.centre.Redial,
	}
}

func (j *journey) client() string { return j.centre.Numbers[j.call.To.Number].Client }

// recognise looks for whom the caller may be by the number, and returns what the
// ticket says of it.
func (d *Desk) recognise(j *journey, ticket call.TicketID) []call.Event {
	if d.Problems == nil {
		return nil
	}
	c := j.caller(j.call.Arrived)
	c.Ticket = ticket
	if d.Customers != nil {
		m := d.Customers.ByNumber(j.number, j.client())
		for _, p := range m.Customers {
			c.Candidates = append(c.Candidates, p.ID)
		}
		if len(m.Customers) > 0 {
			j.level = ivr.Identity(m.Sure())
			c.Level, c.Evidence = m.Sure(), "the number"
		}
		if len(m.Customers) == 1 {
			c.Customer = m.Customers[0].ID
		}
	}
	return d.Problems.Arriving(c)
}

// verified says on the ticket who calls, whom a secret has proved, and goes on with
// the ticket that this person has open. A call that cannot be joined keeps its own.
func (d *Desk) verified(j *journey, evidence string) {
	j.level = ivr.Verified
	if j.looked == "" || d.Problems == nil {
		return
	}
	j.customer = j.looked
	if d.Customers != nil {
		if p, err := d.Customers.Customer(j.customer); err == nil {
			j.class = d.Customers.Standing(p, j.call.Arrived).Class
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	c := j.caller(time.Now())
	c.Evidence = evidence
	d.goOn(j, func() (call.TicketID, error) { return d.Problems.Sure(ctx, c) })
}

func (d *Desk) goOn(j *journey, join func() (call.TicketID, error)) {
	was := j.ticket
	is, err := join()
	if err != nil {
		j.log.Warn("the call keeps its own ticket", zap.Error(err))
	}
	if is != was {
		j.log.Info("call joined", zap.String("from", string(was)), zap.String("to", string(is)))
	}
	j.ticket = is
}

// builtIn answers lookups of our own; false for another system's.
func (d *Desk) builtIn(ctx context.Context, j *journey, name string, ask map[string]string) (answer map[string]any, found ivr.Found, ours bool) {
	switch {
	case name == LookupCustomers && d.Customers != nil:
		answer, found = d.findCustomer(ctx, j, ask)
	case name == LookupTickets && d.Problems != nil:
		answer, found = d.findTicket(ctx, j, ask)
	default:
		return nil, ivr.LookupFailed, false
	}
	return answer, found, true
}

// findCustomer answers with a person only to their PIN; a number alone tells no more
// than how many it may be.
func (d *Desk) findCustomer(ctx context.Context, j *journey, ask map[string]string) (map[string]any, ivr.Found) {
	secret, keyed := ask["pin"]
	if !keyed {
		m := d.Customers.ByNumber(j.number, j.client())
		if len(m.Customers) == 0 {
			return nil, ivr.LookupMissing
		}
		return map[string]any{"count": float64(len(m.Customers)), "language": m.Customers[0].Language}, ivr.LookupFound
	}
	p, err := d.Customers.Verify(ctx, j.client(), ask["account"], j.number, secret)
	switch {
	case errors.Is(err, customers.ErrWrongPIN):
		return nil, ivr.LookupMissing
	case err != nil: // too many wrong ones, too
		j.log.Warn("who calls", zap.Error(err))
		return nil, ivr.LookupFailed
	}
	j.looked = p.ID
	return map[string]any{
		"customer": string(p.ID), "name": p.Name, "company": string(p.Company), "language": p.Language,
		"class": d.Customers.Standing(p, j.call.Arrived).Class,
	}, ivr.LookupFound
}

// findTicket says nothing of a ticket but that it is the caller's.
func (d *Desk) findTicket(ctx context.Context, j *journey, ask map[string]string) (map[string]any, ivr.Found) {
	found := ivr.LookupMissing
	d.goOn(j, func() (call.TicketID, error) {
		is, theirs, err := d.Problems.Keyed(context.WithoutCancel(ctx), j.caller(time.Now()), ask["ticket"])
		if theirs && err == nil {
			found = ivr.LookupFound
		}
		return is, err
	})
	return nil, found
}

// namedIn is the customer whom another system's answer names.
func namedIn(answer map[string]any) call.CustomerID {
	id, _ := answer["customer"].(string)
	return call.CustomerID(id)
}
