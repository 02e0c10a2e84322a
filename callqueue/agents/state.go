package agents

import (
	"fmt"

	"firstline/call"
)

// TransitionError is an illegal move on one of the two axes.
type TransitionError struct {
	Axis     string // "presence" or "activity"
	From, To string
}

func (e *TransitionError) Error() string {
	return fmt.Sprintf("agents: %s cannot go from %s to %s", e.Axis, e.From, e.To)
}

// NextPresence is the transition function of presence: the new presence, or a
// *TransitionError. Staying as one is, is legal (a break may change its reason).
func NextPresence(from, to call.Presence) (call.Presence, error) {
	ok := false
	switch to {
	case call.LoggedOut, call.Available, call.OnBreak:
		ok = known(from)
	case call.Finishing:
		ok = known(from) && from != call.LoggedOut // there is nothing left to finish
	}
	if !ok {
		return from, &TransitionError{"presence", string(from), string(to)}
	}
	return to, nil
}

func known(p call.Presence) bool {
	switch p {
	case call.LoggedOut, call.Available, call.OnBreak, call.Finishing:
		return true
	}
	return false
}

// NextActivity is the transition function of activity: the new activity, or a
// *TransitionError. An offer starts from Idle only, which is what keeps an agent
// from being offered two calls. A talk may start from wherever no talk is, since
// an adopted call was there before this process was.
func NextActivity(from, to call.Activity) (call.Activity, error) {
	ok := false
	switch from {
	case call.Idle:
		ok = to == call.Offering || to == call.Talking || to == call.Outbound || to == call.PhoneGone
	case call.Offering:
		ok = to == call.Idle || to == call.Talking || to == call.PhoneGone
	case call.Talking:
		ok = to == call.Holding || to == call.WrapUp || to == call.Idle
	case call.Holding:
		ok = to == call.Talking || to == call.WrapUp || to == call.Idle
	case call.WrapUp:
		ok = to == call.Idle || to == call.Talking || to == call.Outbound
	case call.Outbound:
		ok = to == call.Idle || to == call.WrapUp
	case call.PhoneGone: // outbound: they are phoned elsewhere than where they sit
		ok = to == call.Idle || to == call.Talking || to == call.Outbound
	}
	if !ok {
		return from, &TransitionError{"activity", string(from), string(to)}
	}
	return to, nil
}

// Busy reports whether the person speaks with somebody, or is on hold with them.
func Busy(a call.Activity) bool {
	return a == call.Talking || a == call.Holding || a == call.Outbound
}
