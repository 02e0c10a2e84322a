package tickets

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firstline/call"
)

// Window is how long after it was last heard of a ticket is still the problem that
// its customer calls about, unless the centre says otherwise.
const Window = 24 * time.Hour

// mostProposed is how many tickets are proposed for one call: a list that nobody
// reads decides nothing.
const mostProposed = 3

// Caller is a call on a ticket, and who makes it as far as that is known.
type Caller struct {
	At         time.Time
	Arrived    time.Time // of the call
	Call       call.ID
	Ticket     call.TicketID
	Client     string
	Number     string // as signalled; empty when withheld
	Test       bool
	Customer   call.CustomerID   // of one who is known
	Candidates []call.CustomerID // of several behind one number
	Level      string            // how sure that is, in package ivr's words
	Evidence   string
	Window     time.Duration // 0 means Window
}

func (c Caller) since() time.Time {
	if c.Window == 0 {
		c.Window = Window
	}
	return c.At.Add(-c.Window)
}

// Hold is what has become of the ticket of a call. It stays so until release, which
// must be called when what is written on it is handed to the journal.
func (d *Desk) Hold(c call.ID, id call.TicketID) (is call.TicketID, release func()) {
	d.moves.RLock()
	d.problems.mu.Lock()
	defer d.problems.mu.Unlock()
	return d.problems.is(c, id), d.moves.RUnlock
}

// Current is what has become of a ticket, also of one that was merged long ago; the
// ticket itself when that cannot be found out just now.
func (d *Desk) Current(ctx context.Context, id call.TicketID) call.TicketID {
	for range 100 { // a chain as long as that was never made
		is, release := d.Hold("", id)
		release()
		t, err := d.book.Ticket(ctx, is)
		if err != nil || t.Into == "" {
			return is
		}
		id = t.Into
	}
	return id
}

// Arriving is what the ticket of a call that arrives says of who calls, by the number
// alone: a proposal at most, for an agent. The events belong in one Append with the call's.
func (d *Desk) Arriving(c Caller) []call.Event {
	var evs []call.Event
	add := func(b call.Body) { evs = append(evs, call.TicketEvent(c.At, c.Ticket, b)) }
	if c.Level != "" {
		add(call.TicketIdentified{Call: c.Call, Customer: c.Customer, Level: c.Level, Evidence: c.Evidence, By: "system"})
	}
	if c.Number == "" {
		return evs
	}
	p := d.problems
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := slices.Clone(p.from[c.Number])
	whose := slices.Clone(c.Candidates)
	if c.Customer != "" {
		whose = append(whose, c.Customer)
	}
	for _, w := range whose {
		for _, id := range p.by[w] {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	found := p.others(ids, c.Ticket, c.Client, c.Test, c.since())
	for _, t := range found[:min(len(found), mostProposed)] {
		why := "a call from the same number"
		if t.customer != "" && slices.Contains(whose, t.customer) {
			why = "of " + string(t.customer) + ", who may be calling"
		}
		add(call.TicketProposed{Other: t.id, Why: why, By: "system"})
	}
	return evs
}

// Sure says beyond doubt who makes a call, and returns the ticket that it is on from
// here on: the one open ticket of that person that was heard of of late, if there is
// exactly one, else its own. The ticket with which the call arrived goes on in the
// older one. With an error the call stays where it is.
func (d *Desk) Sure(ctx context.Context, c Caller) (call.TicketID, error) {
	d.joins.Lock()
	defer d.joins.Unlock()
	who := call.TicketIdentified{Call: c.Call, Customer: c.Customer, Level: c.Level, Evidence: c.Evidence, By: "system"}
	others := d.theirs(c)
	if len(others) == 1 {
		return d.joinTo(ctx, c, others[0], &who)
	}
	own, release := d.Hold(c.Call, c.Ticket)
	defer release()
	evs := []call.Event{call.TicketEvent(c.At, own, who)}
	for _, id := range others[:min(len(others), mostProposed)] {
		evs = append(evs, call.TicketEvent(c.At, own, call.TicketProposed{Other: id, Why: "of " + string(c.Customer) + ", who has several", By: "system"}))
	}
	if err := d.journal.Append(context.WithoutCancel(ctx), evs...); err != nil {
		return own, fmt.Errorf("who calls on %s: %w", own, err)
	}
	d.Learn(evs...)
	return own, nil
}

// theirs are the open tickets of a person, but for the one that the call is on.
func (d *Desk) theirs(c Caller) []call.TicketID {
	p := d.problems
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []call.TicketID
	for _, t := range p.others(p.by[c.Customer], p.is(c.Call, c.Ticket), c.Client, c.Test, c.since()) {
		ids = append(ids, t.id)
	}
	return ids
}

// Keyed puts a call on the ticket whose number its caller keyed, when that is theirs
// beyond doubt: its customer is verified, or the call comes from a number from which
// a call of that ticket came. Numbers of tickets can be guessed, so that any other is
// only proposed to an agent, and the caller is told the same as for a number that
// there is not.
func (d *Desk) Keyed(ctx context.Context, c Caller, keyed string) (is call.TicketID, theirs bool, err error) {
	d.joins.Lock()
	defer d.joins.Unlock()
	other, mine := d.keyedTicket(c, keyed)
	switch {
	case other == "":
		return c.Ticket, false, nil
	case mine:
		is, err := d.joinTo(ctx, c, other, nil)
		return is, err == nil, err
	}
	own, release := d.Hold(c.Call, c.Ticket)
	defer release()
	if own == other {
		return own, true, nil
	}
	d.journal.Post(call.TicketEvent(c.At, own, call.TicketProposed{Other: other, Why: "its number was keyed", By: "system"}))
	return own, false, nil
}

// keyedTicket finds an open ticket by what was keyed, with or without the letter, and
// says whether it is the caller's.
func (d *Desk) keyedTicket(c Caller, keyed string) (id call.TicketID, mine bool) {
	p := d.problems
	p.mu.Lock()
	defer p.mu.Unlock()
	id = p.is("", call.TicketID("T-"+strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(keyed)), "T-")))
	t := p.open[id]
	if t == nil || t.client != c.Client || t.test != c.Test {
		return "", false
	}
	verified := c.Customer != "" && c.Level == levelVerified && c.Customer == t.customer
	return id, verified || c.Number != "" && slices.Contains(t.numbers, c.Number)
}

// joinTo has the ticket with which a call arrived go on in another. A ticket that has
// a story of its own by now is left to an agent.
func (d *Desk) joinTo(ctx context.Context, c Caller, other call.TicketID, who *call.TicketIdentified) (call.TicketID, error) {
	own, into, fresh := d.redirect(c.Call, c.Ticket, other)
	if own == into {
		fresh = true // they are one already
	}
	undo := func() {}
	if fresh && own != into {
		undo = func() { d.restore(own) }
	}
	target := own
	if fresh {
		target = into
	}
	is, release := d.Hold(c.Call, target)
	defer release()
	evs := joining(c, own, is, fresh, other, who)
	if err := d.journal.Append(context.WithoutCancel(ctx), evs...); err != nil {
		undo()
		return own, fmt.Errorf("join %s to %s: %w", own, is, err)
	}
	d.Learn(evs...)
	return is, nil
}

func joining(c Caller, own, is call.TicketID, fresh bool, other call.TicketID, who *call.TicketIdentified) []call.Event {
	var evs []call.Event
	on := func(id call.TicketID, b call.Body) { evs = append(evs, call.TicketEvent(c.At, id, b)) }
	why := "its number was keyed"
	if who != nil {
		why = string(c.Customer) + " is verified: " + c.Evidence
		on(is, *who)
	}
	switch {
	case own == is:
		return evs
	case !fresh:
		on(own, call.TicketProposed{Other: other, Why: why, By: "system"})
		return evs
	}
	on(own, call.TicketMerged{Into: is, By: "system", Why: why})
	on(is, call.TicketAbsorbed{From: own, Calls: []call.ID{c.Call}, First: c.Arrived, By: "system", Why: why})
	return append(evs, call.CallEvent(c.At, c.Call, call.Filed{Ticket: is, From: own, By: "system", Why: why}))
}

// redirect sends all that is written from now on about ticket id to another, and
// waits for those who write on it now. For a call it does so only when its ticket has
// one call and no story; for none, which is an agent's merge, only when both are still
// what the agent saw.
func (d *Desk) redirect(c call.ID, id, other call.TicketID) (own, into call.TicketID, done bool) {
	d.moves.Lock()
	defer d.moves.Unlock()
	p := d.problems
	p.mu.Lock()
	defer p.mu.Unlock()
	own, into = p.is(c, id), p.is("", other)
	t := p.open[own]
	fits := own == id && into == other
	if c != "" {
		fits = t != nil && t.fresh
	}
	if own == into || !fits {
		return own, into, false
	}
	p.into[own] = into
	if to := p.open[into]; to != nil {
		to.fresh = false // it is about to have more than its own call
	}
	return own, into, true
}

// restore takes a redirection back: nothing was written.
func (d *Desk) restore(id call.TicketID) {
	d.problems.mu.Lock()
	defer d.problems.mu.Unlock()
	delete(d.problems.into, id)
}

// Others are the open tickets of a ticket's customer, or from its caller's number, at
// the same client; the last heard of first.
func (d *Desk) Others(t Ticket) []call.TicketID {
	p := d.problems
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := slices.Clone(p.by[t.Identity.Customer])
	if t.Identity.Customer == "" {
		ids = nil
	}
	for _, id := range p.from[t.Caller.Number] {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	var out []call.TicketID
	for _, o := range p.others(ids, t.ID, t.Client, t.Test, time.Time{}) {
		out = append(out, o.id)
	}
	return out
}

// PriorityOf is the priority of an open ticket, 0 for none: 1 is the first.
func (d *Desk) PriorityOf(id call.TicketID) int {
	d.problems.mu.Lock()
	defer d.problems.mu.Unlock()
	if t := d.problems.open[d.problems.is("", id)]; t != nil {
		return t.priority
	}
	return 0
}
