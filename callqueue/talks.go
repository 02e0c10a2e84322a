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
	e.rested(now, a)
	e.disarm(&a.due)
	e.withhold(a)
	a.talking = now
	a.queue, a.wrapUp = "", Queue{}.Defaults().WrapUp
	e.move(now, a, call.ActivityChanged{Activity: call.Talking, Call: in.Call})
	return nil
}

// talkMoved has an agent go on in another call, without a moment in between in which
// somebody could be offered to them.
func (e *Engine) talkMoved(now time.Time, in TalkMoved) error {
	a, err := e.agent(in.Agent)
	if err != nil {
		return err
	}
	if a.activity != call.Talking && a.activity != call.Holding || a.call != in.From {
		return fmt.Errorf("%w: %s is not in call %s", ErrNotTalking, a.ID, in.From)
	}
	talked := max(now.Sub(a.talking), 0)
	a.talked += talked
	e.disarm(&a.due)
	e.move(now, a, call.ActivityChanged{Activity: call.Idle, Talked: talked})
	e.move(now, a, call.ActivityChanged{Activity: call.Talking, Call: in.To})
	a.talking = now
	return nil
}

// callOut reserves an agent who has nothing else to do, or only to write something
// down, for a call of their own.
func (e *Engine) callOut(now time.Time, in CallOut) error {
	a, err := e.agent(in.Agent)
	switch {
	case err != nil:
		return err
	case agents.Busy(a.activity):
		return fmt.Errorf("%w: %s is in call %s", ErrTalking, a.ID, a.call)
	case a.offer != nil || a.gone || e.closed:
		return fmt.Errorf("%w: %s is offered a call, or off the roster", ErrBusy, a.ID)
	case !in.Page && (a.presence == call.LoggedOut || !e.reachable(a)):
		return fmt.Errorf("%w: %s is at no phone that could be rung", ErrBusy, a.ID)
	}
	e.rested(now, a)
	e.disarm(&a.due)
	e.withhold(a)
	e.occupy(a, "", in.Client)
	a.talking, a.wrapUp = now, Queue{}.Defaults().WrapUp
	if in.Page {
		a.wrapUp = 0
	}
	e.move(now, a, call.ActivityChanged{Activity: call.Outbound, Call: in.Call})
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
	if a.activity == to || a.activity == call.Outbound {
		return nil
	}
	if a.activity != call.Talking && a.activity != call.Holding {
		return fmt.Errorf("%w: %s is %s", ErrNotTalking, a.ID, a.activity)
	}
	e.move(now, a, call.ActivityChanged{Activity: to, Call: a.call})
	return nil
}

// talkSilent takes a phone that is not heard for one that is not there: what the
// person did not do is not their miss. A number far away is tried again, since the
// next call may come through better.
func (e *Engine) talkSilent(now time.Time, in TalkSilent) error {
	a, err := e.agent(in.Agent)
	if err != nil {
		return err
	}
	if _, number := a.Device.Number(); number || a.Device == "" {
		return nil
	}
	if !in.Silent {
		delete(e.silent, a.Device)
		e.settle(now, a)
		return nil
	}
	e.silent[a.Device] = true
	if a.offer != nil {
		x := a.offer.entry
		e.withdraw(now, a.offer, "no audio comes from the phone")
		e.putBack(now, x)
	}
	e.settle(now, a)
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
	talked := max(in.At.Sub(a.talking), 0)
	a.talked += talked
	until := in.At.Add(a.wrapUp)
	if a.presence == call.Finishing || a.gone || !until.After(now) {
		e.setFree(now, a, talked)
		return nil
	}
	e.move(now, a, call.ActivityChanged{Activity: call.WrapUp, Call: in.Call, Until: until, Talked: talked})
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
	e.moved(now, a, call.ActivityChanged{Activity: call.WrapUp, Call: a.call, Until: in.Until})
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
	e.setFree(now, a, 0)
}

// setFree lets an agent go from a talk of a length or from a wrap-up; the wait for
// the next call begins.
func (e *Engine) setFree(now time.Time, a *agent, talked time.Duration) {
	e.release(a)
	a.free = now
	e.move(now, a, call.ActivityChanged{Activity: call.Idle, Talked: talked})
	e.settle(now, a)
}

// agentRestored takes over what the last process left of a person, who is on the
// roster with that. An offer did not survive it, and neither did a wrap-up whose end has passed. A talk stays reserved until
// the journey confirms it, or RestoreGrace has passed. Of somebody who is off the
// roster it takes over only which queues chose them last.
func (e *Engine) agentRestored(now time.Time, in agents.Record) error {
	for id, n := range in.Chosen {
		if q := e.queues[id]; q != nil && n >= q.lastAt {
			q.last, q.lastAt = in.ID, n
		}
	}
	if !in.Here() {
		return nil
	}
	if err := e.mayBe(in.Agent()); err != nil {
		return err
	}
	a := e.agents[in.ID]
	if a == nil {
		a = e.hire(now, in.Agent())
		e.sit(now, a)
	}
	if agents.Busy(a.activity) || a.offer != nil || a.activity == call.WrapUp {
		return fmt.Errorf("%w: %s is %s already", ErrBusy, a.ID, a.activity)
	}
	if _, err := agents.NextPresence(call.Available, in.Presence); err != nil {
		return fmt.Errorf("%w: agent %s: %w", ErrInvalid, a.ID, err)
	}
	e.withhold(a) // its order depends on what changes here
	e.countBreak(a, in.Presence, in.Reason)
	a.presence, a.reason, a.said = in.Presence, in.Reason, earlier(in.Since, now)
	a.gone = !in.Removed.IsZero()
	a.calls, a.talked, a.misses = in.Calls, in.Talked, in.Misses
	a.free, a.talking, a.since = earlier(in.Free, now), earlier(in.Talking, now), earlier(in.Active, now)
	a.wrapUp = Queue{}.Defaults().WrapUp
	if q, ok := e.queues[in.Queue]; ok {
		a.wrapUp = q.WrapUp
	}
	e.resume(now, a, in)
	e.settle(now, a)
	e.count(now, a)
	e.letGo(now, a)
	return nil
}

// resume brings back an activity, as far as it survived, or a rest.
func (e *Engine) resume(now time.Time, a *agent, in agents.Record) {
	switch {
	case agents.Busy(in.Activity):
		a.activity, a.call = in.Activity, in.Call
		e.occupy(a, in.Queue, in.Client)
		e.arm(&a.due, now.Add(RestoreGrace))
	case in.Activity == call.WrapUp && in.Until.After(now):
		a.activity, a.call = call.WrapUp, in.Call
		e.occupy(a, in.Queue, in.Client)
		e.arm(&a.due, in.Until)
	case in.Activity == call.PhoneGone:
		a.activity = call.PhoneGone
	case in.Activity == call.Offering || in.Activity == call.WrapUp: // over, which the journal does not know yet
		a.activity = call.Offering
	}
	switch a.rest = rest(in.Rest); {
	case a.rest == restNone:
	case in.RestUntil.After(now) && e.atRest(a):
		e.arm(&a.due, in.RestUntil)
	default: // over, which the journal does not know yet
		a.rest = restNone
		e.record(call.AgentEvent(now, a.ID, call.AgentRested{}))
	}
}

// earlier is an instant that has passed; now when it has not, or is not known.
func earlier(t, now time.Time) time.Time {
	if t.IsZero() || t.After(now) {
		return now
	}
	return t
}
