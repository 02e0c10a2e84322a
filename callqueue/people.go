package callqueue

import (
	"fmt"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

func (e *Engine) agent(id call.AgentID) (*agent, error) {
	if a, ok := e.agents[id]; ok {
		return a, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownAgent, id)
}

func (e *Engine) agentSet(now time.Time, in AgentSet) error {
	if err := e.mayBe(in.Agent); err != nil {
		return err
	}
	a, ok := e.agents[in.Agent.ID]
	if !ok {
		a = e.hire(now, in.Agent)
	}
	if a.offer != nil && a.offer.device != in.Agent.Device {
		x := a.offer.entry
		e.withdraw(now, a.offer, "agent moved to another phone")
		e.putBack(now, x)
	}
	e.unsit(a)
	if a.Device != in.Agent.Device {
		e.rested(now, a) // at the phone that was left
	}
	e.leaveBench(now, a)
	a.Agent, a.gone = in.Agent, false
	e.sit(now, a)
	e.settle(now, a)
	e.letGo(now, a)
	return nil
}

// mayBe says what keeps a person from being as given.
func (e *Engine) mayBe(a agents.Agent) error {
	if err := a.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if other := e.at[a.Device]; other != nil && other.ID != a.ID {
		return fmt.Errorf("%w: %s sits at device %s", ErrBusy, other.ID, a.Device)
	}
	return nil
}

// hire adds somebody who is logged out, on no bench yet.
func (e *Engine) hire(now time.Time, who agents.Agent) *agent {
	a := &agent{
		Agent: who, presence: call.LoggedOut, said: now, activity: call.Idle, since: now, free: now,
		places: [byID]int{-1, -1, -1}, due: timer{place: -1},
	}
	a.due.due = func(now time.Time) { e.agentDue(now, a) }
	e.agents[a.ID] = a
	return a
}

// sit puts an agent at their phone, and on the bench of those who are alike.
func (e *Engine) sit(now time.Time, a *agent) {
	if a.Device != "" {
		e.at[a.Device] = a
	}
	a.bench = e.benchFor(now, a.Agent)
	a.bench.all++
	a.standing = a.stands()
	e.tally(now, a.bench, a.standing, +1)
	if a.standing.atWork() {
		e.staff(true)
	}
}

func (e *Engine) leaveBench(now time.Time, a *agent) {
	if a.bench == nil {
		return
	}
	e.withhold(a)
	a.bench.all--
	e.tally(now, a.bench, a.standing, -1)
	if a.standing.atWork() {
		e.staff(false)
	}
}

func (e *Engine) unsit(a *agent) {
	if e.at[a.Device] == a {
		delete(e.at, a.Device)
	}
}

func (e *Engine) agentGone(now time.Time, in AgentGone) error {
	a, err := e.agent(in.Agent)
	if err != nil {
		return err
	}
	a.gone = true
	if a.offer != nil {
		x := a.offer.entry
		e.withdraw(now, a.offer, "agent is off the roster")
		e.putBack(now, x)
		return nil
	}
	if a.activity == call.WrapUp {
		e.endWrapUp(now, a)
		return nil
	}
	e.settle(now, a)
	return nil
}

// presenceSet changes what the person says. Whoever is being offered a call and
// says anything but available gets no call; whoever talks cannot log out.
func (e *Engine) presenceSet(now time.Time, in PresenceSet) error {
	a, err := e.agent(in.Agent)
	if err != nil {
		return err
	}
	if _, err := agents.NextPresence(a.presence, in.Presence); err != nil {
		return fmt.Errorf("%w: agent %s: %w", ErrInvalid, a.ID, err)
	}
	if in.Presence == call.LoggedOut && agents.Busy(a.activity) {
		return fmt.Errorf("%w: %s can log out after the talk (%s)", ErrTalking, a.ID, call.Finishing)
	}
	if err := e.allowed(a, in); err != nil {
		return err
	}
	if in.Presence == call.Available {
		delete(e.silent, a.Device) // the person is at the phone
	}
	if in.Presence == call.Available && a.presence != call.Available {
		a.misses, a.free = 0, now
	}
	e.say(now, a, in.Presence, in.Reason, in.By)
	if a.offer != nil && a.presence != call.Available {
		x := a.offer.entry
		e.withdraw(now, a.offer, "agent is "+string(a.presence))
		e.putBack(now, x)
	}
	if a.activity == call.WrapUp && a.presence == call.LoggedOut {
		e.endWrapUp(now, a)
	}
	e.settle(now, a)
	return nil
}

// say records a presence that is known to be legal.
func (e *Engine) say(now time.Time, a *agent, p call.Presence, reason, by string) {
	if a.presence == p && a.reason == reason {
		return
	}
	if a.presence != p {
		a.said = now
	}
	e.countBreak(a, p, reason)
	a.presence, a.reason = p, reason
	e.record(call.AgentEvent(now, a.ID, call.PresenceChanged{Presence: p, Reason: reason, By: by}))
	e.count(now, a)
	if p != call.Available {
		e.letGo(now, a)
	}
}

func (e *Engine) deviceReachable(now time.Time, in DeviceReachable) error {
	if in.Device == "" {
		return fmt.Errorf("%w: a device without id", ErrInvalid)
	}
	if in.Reachable {
		delete(e.gone, in.Device)
		delete(e.silent, in.Device)
	} else {
		e.gone[in.Device] = true
	}
	a := e.at[in.Device]
	if a == nil {
		return nil
	}
	if in.Reachable && a.rest == restUnreachable {
		e.rested(now, a)
	}
	e.settle(now, a)
	return nil
}

func (e *Engine) reachable(a *agent) bool {
	return a.Device != "" && !e.gone[a.Device] && !e.silent[a.Device] && a.rest != restUnreachable
}

// settle brings an agent who neither talks nor wraps up to what presence and
// phone allow, and in or out of those who are ready. It may be called at any time.
func (e *Engine) settle(now time.Time, a *agent) {
	if !e.atRest(a) {
		e.withhold(a)
		return
	}
	e.release(a)
	to := call.Idle
	if !e.reachable(a) {
		to = call.PhoneGone
	}
	if a.activity != to {
		if a.activity == call.PhoneGone {
			a.free = now
		}
		e.move(now, a, call.ActivityChanged{Activity: to})
	}
	if a.presence == call.Finishing {
		e.say(now, a, call.LoggedOut, "", "system:finished")
	}
	if a.gone {
		e.dismiss(now, a)
		return
	}
	e.count(now, a)
	if a.standing == free {
		e.enter(a)
		return
	}
	e.withhold(a)
	if a.standing == unreachable {
		e.letGo(now, a)
	}
}

// dismiss takes an agent off the roster.
func (e *Engine) dismiss(now time.Time, a *agent) {
	e.letGo(now, a)
	for _, l := range slices.Clone(a.own) {
		e.forgetLine(l)
	}
	e.countBreak(a, call.LoggedOut, "")
	e.leaveBench(now, a)
	e.unsit(a)
	e.disarm(&a.due)
	delete(e.agents, a.ID)
}

// atRest reports whether nothing holds the agent. An agent whose offer has just
// ended is at rest although the activity does not say so yet.
func (e *Engine) atRest(a *agent) bool {
	return a.activity == call.Idle || a.activity == call.PhoneGone || a.activity == call.Offering && a.offer == nil
}

// agentDue ends a wrap-up, a rest, or a talk that nobody confirmed after a restart.
func (e *Engine) agentDue(now time.Time, a *agent) {
	switch {
	case a.activity == call.WrapUp:
		e.endWrapUp(now, a)
	case agents.Busy(a.activity):
		e.setFree(now, a, 0)
	default:
		e.rested(now, a)
		e.settle(now, a)
	}
}
