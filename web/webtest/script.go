package webtest

import (
	"fmt"
	"time"

	"firstline/call"
)

// Caller scripts one call on a desk: each verb adds the events that the journey
// would write.
type Caller struct {
	ID     call.ID
	Ticket call.TicketID
	w      *World
	at     time.Time
	offers int
	agent  call.AgentID
	rec    call.RecordingID
}

// Arrive begins a call to 1000 at an instant.
func (w *World) Arrive(at time.Time, ticket call.TicketID, from call.Party) *Caller {
	return w.ArriveOn("1000", at, ticket, from)
}

// ArriveOn begins a call to a number at an instant. A ticket that is there already is
// joined by the call.
func (w *World) ArriveOn(number string, at time.Time, ticket call.TicketID, from call.Party) *Caller {
	c := &Caller{ID: call.NewID(at), Ticket: ticket, w: w, at: at}
	var onTicket call.Body = call.TicketOpened{Call: c.ID, Subject: "Call from " + from.Number, Caller: from}
	w.mu.Lock()
	if w.tickets[ticket] != nil {
		onTicket = call.TicketJoined{Call: c.ID, Why: "the same problem"}
	}
	w.mu.Unlock()
	w.Add(
		call.TicketEvent(at, ticket, onTicket),
		call.CallEvent(at, c.ID, call.Arrived{Ticket: ticket, Origin: string(c.ID), From: from, To: call.Party{Number: number}, Trunk: "carrier"}),
		call.CallEvent(at, c.ID, call.Answered{}),
		call.CallEvent(at, c.ID, call.StageEntered{Stage: "flow"}),
	)
	return c
}

// After moves the script's clock.
func (c *Caller) After(d time.Duration) *Caller {
	c.at = c.at.Add(d)
	return c
}

// Press keys a digit in a menu.
func (c *Caller) Press(node, digits string) *Caller {
	c.add(call.Keyed{Node: node, Digits: digits, Accepted: true})
	return c
}

// Join enters a queue.
func (c *Caller) Join(q call.QueueID) *Caller {
	target := call.Target{Within: 20 * time.Second, Percent: 80, ShortAbandon: 5 * time.Second}
	c.add(call.StageEntered{Stage: "wait"},
		call.QueueJoined{Entry: c.ID.Entry(1), Queue: q, Joined: call.Instant(c.at), Target: target})
	return c
}

// Offer rings an agent.
func (c *Caller) Offer(a call.AgentID) *Caller {
	c.offers++
	c.agent = a
	c.add(call.Offered{Offer: c.offer(), Agent: a, Ring: 15 * time.Second, Why: "longest idle of those who qualify"})
	c.activity(call.Offering)
	return c
}

// Miss lets the offer ring out.
func (c *Caller) Miss() *Caller {
	c.add(call.OfferEnded{Offer: c.offer(), Agent: c.agent, Result: call.OfferMissed})
	c.activity(call.Idle)
	return c
}

// Talk connects the caller with the agent who is rung; the wait ends.
func (c *Caller) Talk(q call.QueueID, joined time.Time) *Caller {
	c.rec = call.NewRecordingID(c.at)
	c.add(
		call.OfferEnded{Offer: c.offer(), Agent: c.agent, Result: call.OfferAnswered},
		call.QueueLeft{Entry: c.ID.Entry(1), Queue: q, Outcome: call.OutcomeAnswered, Agent: c.agent, Wait: c.at.Sub(joined)},
		call.StageEntered{Stage: "talk"},
		call.Connected{Agent: c.agent, Leg: c.offer().AgentLeg(), Bridge: c.ID.Bridge(1), Recording: c.rec},
	)
	c.w.Add(call.RecordingEvent(c.at, c.rec, call.RecordingStarted{
		Call: c.ID, Ticket: c.Ticket, Agent: c.agent, File: string(c.rec) + ".wav",
	}))
	c.activity(call.Talking)
	return c
}

// Recording is the recording of the talk.
func (c *Caller) Recording() call.RecordingID { return c.rec }

// Hold puts the caller on hold; Unhold takes the caller back.
func (c *Caller) Hold() *Caller {
	c.add(call.Held{By: call.SideAgent})
	c.activity(call.Holding)
	return c
}

// Unhold ends a hold.
func (c *Caller) Unhold() *Caller {
	c.add(call.Unheld{By: call.SideAgent})
	c.activity(call.Talking)
	return c
}

// HangUp ends a talk and the call; the agent goes to wrap-up.
func (c *Caller) HangUp() *Caller {
	cause := call.Cause{Reason: call.Hangup}
	c.add(call.Parted{Agent: c.agent, By: call.SideCaller, Cause: cause},
		call.Ended{Outcome: call.OutcomeAnswered, Cause: cause, Stage: "talk"})
	c.activity(call.WrapUp)
	return c
}

// Abandon leaves the queue and ends the call.
func (c *Caller) Abandon(q call.QueueID, joined time.Time) *Caller {
	outcome := call.OutcomeAbandoned
	if c.at.Sub(joined) < 5*time.Second {
		outcome = call.OutcomeAbandonedShort
	}
	c.add(call.QueueLeft{Entry: c.ID.Entry(1), Queue: q, Outcome: outcome, Wait: c.at.Sub(joined)},
		call.Ended{Outcome: outcome, Cause: call.Cause{Reason: call.Hangup}, Stage: "wait"})
	return c
}

// Hire puts an agent on the roster, signed in.
func (w *World) Hire(at time.Time, id call.AgentID, name string, p call.Presence, a call.Activity) {
	w.Add(
		call.AgentEvent(at, id, call.AgentSet{Name: name, Device: call.DeviceID(id), Level: 1, Skills: map[string]int{"windows": 5}}),
		call.AgentEvent(at, id, call.PresenceChanged{Presence: p, By: "self"}),
		call.AgentEvent(at, id, call.ActivityChanged{Activity: a}),
	)
}

func (c *Caller) offer() call.OfferID { return c.ID.Entry(1).Offer(c.offers) }

func (c *Caller) add(bodies ...call.Body) {
	for _, b := range bodies {
		c.w.Add(call.CallEvent(c.at, c.ID, b))
	}
}

func (c *Caller) activity(a call.Activity) {
	body := call.ActivityChanged{Activity: a, Call: c.ID}
	switch a {
	case call.Idle:
		body.Call = ""
	case call.WrapUp:
		body.Until = c.at.Add(time.Minute)
	}
	c.w.Add(call.AgentEvent(c.at, c.agent, body))
}

// TicketNumber is the nth ticket's number.
func TicketNumber(n int) call.TicketID { return call.TicketID(fmt.Sprintf("T-%d", 100000+n)) }
