package callqueue

import (
	"fmt"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// makeOffer reserves the chosen agent for x.
func (e *Engine) makeOffer(now time.Time, x *entry, c choice) bool {
	a, id := c.agent, x.id.Offer(x.made+1)
	why, ask := e.because(now, x.line, c), x.queue.asks(a.Device)
	ring := x.rings(now, ask)
	e.decided(now, x, id, c.of)
	e.occupy(a, x.queue.ID, x.client)
	if !e.move(now, a, call.ActivityChanged{Activity: call.Offering, Call: x.id.Call(), Until: now.Add(ring)}) {
		return false
	}
	o := &offer{id: id, entry: x, agent: a, device: a.Device, deadline: timer{place: -1}}
	o.deadline.due = func(now time.Time) { e.deadline(now, o) }
	e.arm(&o.deadline, now.Add(ring))
	e.offers[o.id] = o
	a.offer = o
	e.withhold(a)
	x.queue.last = a.ID
	x.ring(now, o, c.tier)
	if x.queue.Strategy == RingProgressively {
		e.arm(&x.next, now.Add(x.queue.RingStep))
	}
	e.record(call.CallEvent(now, x.id.Call(), call.Offered{Offer: o.id, Agent: a.ID, Ring: ring, Why: why}))
	e.emit(Offer{
		ID: o.id, Entry: x.id, Agent: a.ID, Device: o.device,
		Deadline: o.deadline.at, Ring: ring, Ask: ask, Why: why,
	})
	return true
}

// asks reports whether who answers at a device has to press 1 to have the call.
func (q *Queue) asks(d call.DeviceID) bool {
	_, number := d.Number()
	return number && !q.Unasked
}

// ring adds a phone to those that ring for x.
func (x *entry) ring(now time.Time, o *offer, tier int) {
	x.made++
	if len(x.live) == 0 {
		x.tier = tier
		x.leaveHeap()
		if x.queue.Strategy.rings() {
			x.enter(&x.line.ringing)
		}
	}
	x.live = append(x.live, o)
	x.ringing = now
}

func (e *Engine) offerRang(in OfferRang) error {
	o, ok := e.offers[in.Offer]
	if !ok {
		return fmt.Errorf("%w: %s", ErrUnknownOffer, in.Offer)
	}
	o.rang = true
	return nil
}

func (e *Engine) offerDone(now time.Time, in OfferDone) error {
	o, ok := e.offers[in.Offer]
	if !ok {
		return fmt.Errorf("%w: %s", ErrUnknownOffer, in.Offer)
	}
	switch in.Result {
	case call.OfferAnswered:
		e.answered(now, o)
	case call.OfferMissed, call.OfferRejected, call.OfferBusy, call.OfferUnreachable:
		e.unanswered(now, o, in.Result, in.Cause)
	default:
		return fmt.Errorf("%w: an offer cannot be done as %q", ErrInvalid, in.Result)
	}
	return nil
}

// deadline ends an offer that nothing ended in time. A phone that never rang was
// not missed by anybody.
func (e *Engine) deadline(now time.Time, o *offer) {
	result := call.OfferMissed
	cause := call.Cause{Reason: call.NoAnswer, Text: "ring time passed"}
	if !o.rang {
		result = call.OfferUnreachable
		cause = call.Cause{Reason: call.Unreachable, Text: "phone did not ring in time"}
	}
	e.emit(WithdrawOffer{o.id})
	e.unanswered(now, o, result, cause)
}

func (e *Engine) answered(now time.Time, o *offer) {
	x, a := o.entry, o.agent
	e.end(now, o, call.OfferAnswered, call.Cause{})
	e.withdrawAll(now, x, "another agent answered")
	e.drop(x)
	wait := x.wait(now)
	a.misses, a.queue, a.wrapUp = 0, x.queue.ID, x.queue.WrapUp
	a.calls, a.talking = a.calls+1, now
	e.record(call.CallEvent(now, x.id.Call(), call.QueueLeft{
		Entry: x.id, Queue: x.queue.ID, Outcome: call.OutcomeAnswered, Agent: a.ID, Wait: wait,
	}))
	e.move(now, a, call.ActivityChanged{Activity: call.Talking, Call: x.id.Call()})
	e.emit(Connected{Entry: x.id, Queue: x.queue.ID, Offer: o.id, Agent: a.ID, Device: o.device, Wait: wait})
}

// unanswered gives the caller the old place back and the agent what the result
// deserves: a miss or a refusal counts, a phone that is not there or busy does not.
func (e *Engine) unanswered(now time.Time, o *offer, result call.OfferResult, cause call.Cause) {
	x, a := o.entry, o.agent
	e.end(now, o, result, cause)
	a.free = now
	switch q := x.queue; result {
	case call.OfferMissed:
		a.misses++
		e.leaveAlone(now, a, restMissed, q.NoAnswerDelay)
	case call.OfferRejected:
		a.misses++
		e.leaveAlone(now, a, restDeclined, q.RejectDelay)
	case call.OfferBusy:
		e.leaveAlone(now, a, restBusy, q.BusyDelay)
	case call.OfferUnreachable:
		e.leaveAlone(now, a, restUnreachable, q.UnreachableDelay)
	}
	if a.ID == x.prefer && !x.sole {
		x.prefer = "" // had the chance: now it is everybody's
	}
	if a.misses >= x.queue.Misses && a.presence == call.Available {
		a.misses = 0
		e.say(now, a, call.OnBreak, "missed", "system:missed")
	}
	e.settle(now, a)
	if x.sole { // there is nobody else to ask
		e.expire(now, x)
		return
	}
	e.putBack(now, x)
}

// withdraw ends an offer for a reason that is not the agent's: the idle time
// counts on. The caller's entry is left to whoever withdraws.
func (e *Engine) withdraw(now time.Time, o *offer, why string) {
	e.emit(WithdrawOffer{o.id})
	e.end(now, o, call.OfferWithdrawn, call.Cause{Reason: call.Cancelled, Text: why})
	e.settle(now, o.agent)
}

// withdrawAll ends every offer of an entry.
func (e *Engine) withdrawAll(now time.Time, x *entry, why string) {
	for len(x.live) > 0 {
		e.withdraw(now, x.live[len(x.live)-1], why)
	}
}

// end gives the lease back: every way out of an offer passes here.
func (e *Engine) end(now time.Time, o *offer, result call.OfferResult, cause call.Cause) {
	e.disarm(&o.deadline)
	delete(e.offers, o.id)
	o.agent.offer = nil
	x := o.entry
	x.live = slices.DeleteFunc(x.live, func(other *offer) bool { return other == o })
	if len(x.live) == 0 {
		x.leaveHeap()
		e.disarm(&x.next)
	}
	e.record(call.CallEvent(now, o.entry.id.Call(), call.OfferEnded{
		Offer: o.id, Agent: o.agent.ID, Result: result, Cause: cause,
	}))
}

// putBack returns an entry to its place, or lets it go when its longest wait
// passed while it was being offered. While other phones ring it stays as it is.
func (e *Engine) putBack(now time.Time, x *entry) {
	if len(x.live) > 0 {
		e.stir(x.line)
		return
	}
	if e.forsake(now, x) || e.reclaim(now, x) {
		return
	}
	if x.tooLong(now) {
		e.expire(now, x)
		return
	}
	e.place(now, x)
	if e.guarded(x.line) {
		e.suspect(x.line)
	}
}

// leaveAlone keeps offers from an agent for a short while.
func (e *Engine) leaveAlone(now time.Time, a *agent, why rest, by time.Duration) {
	if by <= 0 {
		return
	}
	a.rest = why
	e.arm(&a.due, now.Add(by))
	e.record(call.AgentEvent(now, a.ID, call.AgentRested{Reason: string(why), Until: call.Instant(a.due.at)}))
}

// rested ends what leaveAlone began.
func (e *Engine) rested(now time.Time, a *agent) {
	if a.rest == restNone {
		return
	}
	a.rest = restNone
	e.disarm(&a.due)
	e.record(call.AgentEvent(now, a.ID, call.AgentRested{}))
}

// close withdraws every offer; entries stay where they are.
func (e *Engine) close(now time.Time) {
	e.closed = true
	for _, q := range e.order {
		for _, x := range q.inOrder() {
			if len(x.live) > 0 {
				e.withdrawAll(now, x, "shutting down")
				e.place(now, x)
			}
		}
	}
}

// move is the only place where an activity changes. It reports whether the move
// is legal; one that is not is a fault of the engine and shows as Refused.
func (e *Engine) move(now time.Time, a *agent, to call.ActivityChanged) bool {
	next, err := agents.NextActivity(a.activity, to.Activity)
	if err != nil {
		e.emit(Refused{fmt.Errorf("agent %s: %w", a.ID, err)})
		return false
	}
	a.activity, a.since, a.call = next, now, to.Call
	e.moved(now, a, to)
	e.count(now, a)
	return true
}

// moved records an activity with all that the next process needs to go on with it.
func (e *Engine) moved(now time.Time, a *agent, to call.ActivityChanged) {
	to.Queue, to.Client, to.Misses = a.queue, a.client, a.misses
	if !to.Until.IsZero() {
		to.Until = call.Instant(to.Until)
	}
	if since := call.Instant(a.free); to.Activity == call.Idle && since.Before(call.Instant(now)) {
		to.Since = since
	}
	e.record(call.AgentEvent(now, a.ID, to))
}
