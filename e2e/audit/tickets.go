package audit

import "firstline/call"

// ticketBook holds calls to their tickets. A ticket and its call are opened in one
// commit, in either order.
type ticketBook struct {
	opened map[call.TicketID]call.ID
	of     map[call.ID]call.TicketID // by the call's own word
	joined map[call.ID]bool          // pointed at a ticket that was open
}

func newTicketBook() ticketBook {
	return ticketBook{opened: map[call.TicketID]call.ID{}, of: map[call.ID]call.TicketID{}, joined: map[call.ID]bool{}}
}

func (b *ticketBook) call(c *Checker, id call.ID, t call.TicketID) {
	if t == "" {
		c.broke(OneTicket, "call %s arrived without a ticket", id)
	}
	b.of[id] = t
}

func (c *Checker) applyTicket(e call.Event) {
	t, b := call.TicketID(e.Stream.ID), &c.tickets
	switch body := e.Body.(type) {
	case call.TicketOpened:
		if first, twice := b.opened[t]; twice {
			c.broke(OneTicket, "ticket %s is opened twice, for %s and %s", t, first, body.Call)
		}
		b.opened[t] = body.Call
		c.report.Tickets++
	case call.TicketJoined:
		b.joined[body.Call] = true
		if _, there := b.opened[t]; !there {
			c.broke(OneTicket, "call %s joins ticket %s, which is not there", body.Call, t)
		}
	}
}

// checkTickets is done at the end, when both sides are told.
func (c *Checker) checkTickets() {
	b := &c.tickets
	for id, t := range b.of {
		opener, there := b.opened[t]
		switch {
		case t == "": // told
		case !there:
			c.broke(OneTicket, "call %s has ticket %s, which nobody opened", id, t)
		case opener != id && !b.joined[id]:
			c.broke(OneTicket, "call %s has ticket %s, which was opened for %s", id, t, opener)
		}
	}
	owner := map[call.ID]call.TicketID{}
	for t, id := range b.opened {
		if id == "" {
			continue
		}
		if other, twice := owner[id]; twice {
			c.broke(OneTicket, "call %s has two tickets, %s and %s", id, other, t)
		}
		owner[id] = t
		if _, known := b.of[id]; !known {
			c.broke(OneTicket, "ticket %s was opened for call %s, which never arrived", t, id)
		}
	}
}
