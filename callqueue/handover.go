package callqueue

import (
	"fmt"
	"time"

	"firstline/call"
)

// Calls that an agent hands on: to one agent alone, to a queue, and back to the
// sender when nobody answers.

// Patience is how long a call that was handed on waits for an answer, unless it says
// otherwise.
const Patience = 30 * time.Second

// leastRing is the least time in which somebody can get to a phone: with less of a
// call's patience left it is not rung any more.
const leastRing = 3 * time.Second

// soleKey tells what is asked of the one agent of a call from what a queue asks.
const soleKey = "for one agent"

// sole reports whether the calls of a line are each for one agent alone. No
// requirement, cap or reserve stands between them: a person has decided.
func (l *line) sole() bool { return l.ladder.key == soleKey }

// mayFor refuses a call for somebody who was never heard of. One that waited before
// a restart leaves by itself.
func (e *Engine) mayFor(in Join) error {
	if in.Only == "" || in.Resume || e.agents[in.Only] != nil {
		return nil
	}
	return fmt.Errorf("%w: %q", ErrUnknownAgent, in.Only)
}

// vain reports whether an entry is for one agent who cannot have it.
func (e *Engine) vain(x *entry) bool {
	if !x.sole {
		return false
	}
	a := e.agents[x.prefer]
	return a == nil || a.gone || a.presence != call.Available || !e.reachable(a)
}

// hurried reports whether too little is left of an entry's patience to ring for it.
func (x *entry) hurried(now time.Time) bool {
	return x.sole && x.joined.Add(x.patience).Sub(now) < leastRing
}

// rings is how long a phone rings for x.
func (x *entry) rings(now time.Time, ask bool) time.Duration {
	if x.sole {
		return x.joined.Add(x.patience).Sub(now)
	}
	if ask {
		return x.queue.Ring + AskTime
	}
	return x.queue.Ring
}

// expire lets an entry go that has waited for too long: by its queue's rule, or back
// to where it came from.
func (e *Engine) expire(now time.Time, x *entry) {
	if x.sole {
		e.quit(now, x, call.OutcomeTimeoutOverflow, nil)
		return
	}
	e.exit(now, x, exitTimeout, "", x.queue.Timeout)
}

// forsake lets go of an entry whose one agent cannot have it, and reports whether it
// did.
func (e *Engine) forsake(now time.Time, x *entry) bool {
	if !e.vain(x) {
		return false
	}
	e.quit(now, x, call.OutcomeEmpty, nil)
	return true
}

// reclaim takes an entry out that nobody has answered in its patience, when the
// sender is there to have it back, and reports whether it did. Otherwise it waits on
// where it was sent.
func (e *Engine) reclaim(now time.Time, x *entry) bool {
	if x.sender == "" || x.sole || len(x.live) > 0 || x.joined.Add(x.patience).After(now) {
		return false
	}
	if !e.hasRoom(x.sender, x.id.Call()) {
		return false
	}
	e.quit(now, x, call.OutcomeMoved, nil)
	return true
}

// hasRoom reports whether somebody is free for a call now, or only finishes what
// there is to write down about the same one.
func (e *Engine) hasRoom(id call.AgentID, c call.ID) bool {
	a := e.agents[id]
	if a == nil || a.gone || a.presence != call.Available || !e.reachable(a) {
		return false
	}
	return a.standing == free || a.activity == call.WrapUp && a.call == c
}

// comeBack offers a call to its sender before anybody else is looked at: the
// wrap-up that it ends was its own.
func (e *Engine) comeBack(now time.Time, x *entry) {
	if !e.hasRoom(x.prefer, x.id.Call()) {
		e.quit(now, x, call.OutcomeEmpty, nil)
		return
	}
	a := e.agents[x.prefer]
	if a.activity == call.WrapUp {
		e.endWrapUp(now, a)
	}
	if a.ready() && !x.hurried(now) {
		e.makeOffer(now, x, choice{agent: a, tier: 1, of: 1, why: byPreference})
	}
}
