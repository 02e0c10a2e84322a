package callqueue

import (
	"time"

	"firstline/call"
)

// Effect is what the Engine wants done, in order.
type Effect interface{ effect() }

type (
	// Offer asks to ring the agent's phone until Deadline. The agent is reserved
	// for it until OfferDone, WithdrawOffer or the deadline.
	Offer struct {
		ID       call.OfferID
		Entry    call.EntryID
		Agent    call.AgentID
		Device   call.DeviceID
		Deadline time.Time
		Ring     time.Duration // until Deadline
		Ask      bool          // an answer counts only when 1 is pressed
		Why      string        // "idle 00:42, longest of 3"
	}
	// WithdrawOffer asks to stop the ringing. The offer is over already.
	WithdrawOffer struct{ ID call.OfferID }
	// Connected says that the agent answered in time: the entry has left its
	// queue and the two are to be joined.
	Connected struct {
		Entry  call.EntryID
		Queue  call.QueueID
		Offer  call.OfferID
		Agent  call.AgentID
		Device call.DeviceID
		Wait   time.Duration // since Joined
	}
	// LeftQueue says that the entry left without an agent.
	LeftQueue struct {
		Entry   call.EntryID
		Queue   call.QueueID
		Outcome call.Outcome
		Wait    time.Duration // since Joined
		Exit    *Exit         // where a rule of the queue sends the caller; nil when none did
	}
	// Record asks to journal an event.
	Record struct{ Event call.Event }
	// WakeAt asks for a Tick at an instant, in place of the one asked for before.
	// The zero time means that nothing is due.
	WakeAt struct{ At time.Time }
	// Refused says that the input was not accepted and changed nothing.
	Refused struct{ Err error }
)

func (Offer) effect()         {}
func (WithdrawOffer) effect() {}
func (Connected) effect()     {}
func (LeftQueue) effect()     {}
func (Record) effect()        {}
func (WakeAt) effect()        {}
func (Refused) effect()       {}
