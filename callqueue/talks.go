package callqueue

import (
	"fmt"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

func (e *Engine) talkBegan(now time.Time, in TalkBegan) error {
	a, err := e.agent(in.Agent)
	if err != nil {
		return err
	}
	if agents.Busy(a.activity) {
		if a.call != in.Call {
			return fmt.Errorf("%w: %s is in call %s", ErrTalking, a.ID, a.call)
		}
		e.disarm(&a.due) // a restored talk is confirmed
		return nil
	}
	if a.offer != nil {
		x := a.offer.entry
		e.withdraw(now, a.offer, "agent talks")
		e.putBack(now, x)
	}
	e.disarm(&a.due)
	e.withhold(a)
	a.talking = now
	a.rest, a.queue, a.wrapUp = restNone, "", Queue{}.Defaults().WrapUp
	e.move(now, a, call.Talking, in.Call, time.Time{})
	return nil
}

func (e *Engine) talkHeld(now time.Time, in TalkHeld) error {
	a, err := e.agent(in.Agent)
	if err != nil {
		return err
	}
	to := call.Talking
	if in.Held {
		to = call.Holding
	}
	if a.activity == to {
		return nil
	}
	if a.activity != call.Talking && a.activity != call.Holding {
		return fmt.Errorf("%w: %s is %s", ErrNotTalking, a.ID, a.activity)
	}
	e.move(now, a, to, a.call, time.Time{})
	return nil
}

// talkEnded starts the wrap-up, or none when the person has said to be off after
// this call.
func (e *Engine) talkEnded(now time.Time, in TalkEnded) error {
	a, err := e.agent(in.Agent)
	if err != nil {
		return err
	}
	if !agents.Busy(a.activity) || a.call != in.Call {
		return fmt.Errorf("%w: %s is not in call %s", ErrNotTalking, a.ID, in.Call)
	}
	e.disarm(&a.due)
	a.talked += max(in.At.Sub(a.talking), 0)
	until := in.At.Add(a.wrapUp)
	if a.presence == call.Finishing || a.gone || !until.After(now) {
		e.setFree(now, a)
		return nil
	}
	e.move(now, a, call.WrapUp, in.Call, until)
	e.arm(&a.due, until)
	return nil
}

func (e *Engine) wrapUpExtended(now time.Time, in WrapUpExtended) error {
	a, err := e.wrapping(in.Agent)
	if err != nil {
		return err
	}
	if !in.Until.After(now) {
		return fmt.Errorf("%w: wrap-up of %s would end in the past", ErrInvalid, a.ID)
	}
	e.arm(&a.due, in.Until)
	e.record(call.AgentEvent(now, a.ID, call.ActivityChanged{
		Activity: call.WrapUp, Call: a.call, Until: call.Instant(in.Until),
	}))
	return nil
}

func (e *Engine) wrapUpEnded(now time.Time, in WrapUpEnded) error {
	a, err := e.wrapping(in.Agent)
	if err != nil {
		return err
	}
	e.endWrapUp(now, a)
	return nil
}

func (e *Engine) wrapping(id call.AgentID) (*agent, error) {
	a, err := e.agent(id)
	if err != nil {
		return nil, err
	}
	if a.activity != call.WrapUp {
		return nil, fmt.Errorf("%w: %s is %s, not in wrap-up", ErrNotTalking, a.ID, a.activity)
	}
	return a, nil
}

func (e *Engine) endWrapUp(now time.Time, a *agent) {
	e.disarm(&a.due)
	e.setFree(now, a)
}

// setFree lets an agent go from a talk or a wrap-up; the wait for the next call
// begins.
func (e *Engine) setFree(now time.Time, a *agent) {
	a.free, a.queue = now, ""
	e.move(now, a, call.Idle, "", time.Time{})
	e.settle(now, a)
}

// agentRestored takes over what the last process left. An offer did not survive
// it, and neither did a wrap-up whose end has passed. A talk stays reserved until
// the journey confirms it, or RestoreGrace has passed.
func (e *Engine) agentRestored(now time.Time, in Restored) error {
	a, err := e.agent(in.Agent)
	if err != nil {
		return err
	}
	if agents.Busy(a.activity) || a.offer != nil || a.activity == call.WrapUp {
		return fmt.Errorf("%w: %s is %s already", ErrBusy, a.ID, a.activity)
	}
	if _, err := agents.NextPresence(call.Available, in.Presence); err != nil {
		return fmt.Errorf("%w: agent %s: %w", ErrInvalid, a.ID, err)
	}
	e.withhold(a) // its order depends on what changes here
	e.countBreak(a, in.Presence, in.Reason)
	a.presence, a.reason, a.said = in.Presence, in.Reason, now
	a.calls, a.talked, a.talking = in.Calls, in.Talked, now
	a.free = now
	if !in.Since.IsZero() && in.Since.Before(now) {
		a.free = in.Since
	}
	a.queue, a.wrapUp = in.Queue, Queue{}.Defaults().WrapUp
	if q, ok := e.queues[in.Queue]; ok {
		a.wrapUp = q.WrapUp
	}
	switch {
	case agents.Busy(in.Activity):
		a.activity, a.since, a.call = in.Activity, now, in.Call
		e.arm(&a.due, now.Add(RestoreGrace))
	case in.Activity == call.WrapUp && in.Until.After(now):
		a.activity, a.since, a.call = call.WrapUp, now, in.Call
		e.arm(&a.due, in.Until)
	case in.Activity == call.PhoneGone:
		a.activity, a.since = call.PhoneGone, now
	case in.Activity == call.Offering || in.Activity == call.WrapUp: // over, which the journal does not know yet
		a.activity = call.Offering
	}
	if !e.atRest(a) {
		e.occupy(a, in.Client)
	}
	e.settle(now, a)
	e.count(now, a)
	e.letGo(now, a)
	return nil
}
