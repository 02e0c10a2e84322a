package callqueue

import (
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// Input is something that happened, as the Engine is told it.
type Input interface{ input() }

type (
	// SetQueues replaces all queues. Removing one that has callers is refused
	// with ErrBusy; what changes applies at once to those who wait.
	SetQueues struct{ Queues []Queue }
	// SetRules replaces what holds over all queues.
	SetRules struct{ Rules Rules }
	// AgentSet adds a person to the roster (logged out), or changes one. A device
	// where somebody else sits is refused with ErrBusy.
	AgentSet struct{ Agent agents.Agent }
	// AgentGone takes a person off the roster, after the talk if there is one.
	AgentGone struct{ Agent call.AgentID }
	// AgentRestored adds a person to the roster as they were when the last process
	// ended. A talk that no TalkBegan confirms within RestoreGrace is given up.
	AgentRestored struct{ agents.Record }
	// PresenceSet is what the person says, or somebody says for them.
	PresenceSet struct {
		Agent    call.AgentID
		Presence call.Presence
		Reason   string // of a break
		By       string // "self", "agent:<name>", "supervisor:<name>", "system:<cause>"
	}
	// DeviceReachable says whether a phone is registered. A phone of which
	// nothing was said counts as reachable until an offer proves otherwise.
	DeviceReachable struct {
		Device    call.DeviceID
		Reachable bool
	}

	// Join puts a call into a queue.
	Join struct {
		Entry          call.EntryID
		Queue          call.QueueID
		Need           call.Requirement // beside what the queue asks for, at every step
		Steps          []Step           // in place of the queue's steps; nil for those
		Priority       int              // 0 means the queue's; what follows is added, see Parts
		TicketPriority int              // points of it
		Unserved       int              // calls of this caller that nobody answered of late
		Set            bool             // Priority is a person's word: it stands alone
		Joined         time.Time        // when the wait began
		Arrived        time.Time        // its place in the order and its age count from it, for a call that was handed on; zero means Joined
		Came           time.Time        // from when the longest wait and PreferFor count, for a call that took an earlier one's place; zero means Joined
		Within         time.Duration    // the call's own target, where it is tighter than the queue's; 0 for none
		Client         string           // whose cap holds
		Class          string           // for which agents may be kept
		// Prefer is kept for while available, until PreferFor has passed since
		// Came; the call is offered to nobody else meanwhile.
		Prefer    call.AgentID
		PreferFor time.Duration
		// Callback says that nobody is on the line: no longest wait, no exit and no
		// length of the queue holds for the entry, and it keeps nobody from logging out.
		Callback call.CallbackID
		// Only is the one agent whom the call is for. Nothing that the queue asks holds
		// for it, and it leaves when that agent declines, does not answer within
		// Patience, or cannot: by timeout-overflow, or empty.
		Only call.AgentID
		// Sender handed the call on: when nobody has answered within Patience and the
		// sender is there to have it back, it leaves as moved.
		Sender   call.AgentID
		Patience time.Duration // 30 s
		// Back says that the call comes back to Only, who sent it: their wrap-up of it
		// ends, and nobody is before it. When they have other things to do it leaves at
		// once, as empty.
		Back   bool
		Resume bool          // waited before a restart: already journalled, not refused by MaxLen
		Offers int           // offers made before a restart; their ids are not used again
		Asks   call.Widening // by the journal, when Resume
	}
	// Press is a key of the queue's Keys that the caller pressed.
	Press struct {
		Entry call.EntryID
		Key   string
	}
	// Prioritize changes a priority by a person's will, for a reason.
	Prioritize struct {
		Entry    call.EntryID
		Priority int
		By       string // "supervisor:<name>"
		Reason   string
	}
	// Leave takes a call out. OutcomeAbandoned becomes OutcomeAbandonedShort
	// below the queue's short-abandon limit.
	Leave struct {
		Entry   call.EntryID
		Outcome call.Outcome
	}

	// OfferRang says that the agent's phone rings.
	OfferRang struct{ Offer call.OfferID }
	// OfferDone says how the ringing ended. Refused with ErrUnknownOffer means
	// that the offer was over already: a leg that answered has to be hung up.
	OfferDone struct {
		Offer  call.OfferID
		Result call.OfferResult
		Cause  call.Cause
	}

	// TalkBegan says that a talk is on which no offer of this process led to.
	TalkBegan struct {
		Agent call.AgentID
		Call  call.ID
	}
	// TalkMoved says that an agent goes on in another call with the same leg.
	TalkMoved struct {
		Agent    call.AgentID
		From, To call.ID
	}
	// CallOut reserves an agent for a call that they place themselves. TalkEnded ends it.
	CallOut struct {
		Agent  call.AgentID
		Call   call.ID
		Client string // whose cap the agent counts for
		// Page says that they are phoned for an urgent ticket: whether they are at work
		// or not, and with nothing to write down afterwards.
		Page bool
	}
	// TalkHeld says that the caller was put on hold, or taken back.
	TalkHeld struct {
		Agent call.AgentID
		Held  bool
	}
	// TalkSilent says that no audio comes from the agent's phone although some is
	// due, or that some comes again. A silent phone cannot be reached until it is
	// heard, registers anew, or the person says that they are available.
	TalkSilent struct {
		Agent  call.AgentID
		Silent bool
	}
	// TalkEnded starts the wrap-up at At.
	TalkEnded struct {
		Agent call.AgentID
		Call  call.ID
		At    time.Time
	}
	// WrapUpExtended moves the end of a wrap-up.
	WrapUpExtended struct {
		Agent call.AgentID
		Until time.Time
	}
	// WrapUpEnded ends a wrap-up early.
	WrapUpEnded struct{ Agent call.AgentID }

	// Tick says only that time has passed; due when WakeAt said.
	Tick struct{}
	// Close withdraws every offer and makes no more. Who waits goes on waiting,
	// for the next process.
	Close struct{}
)

func (SetQueues) input()       {}
func (SetRules) input()        {}
func (Press) input()           {}
func (Prioritize) input()      {}
func (AgentSet) input()        {}
func (AgentGone) input()       {}
func (AgentRestored) input()   {}
func (PresenceSet) input()     {}
func (DeviceReachable) input() {}
func (Join) input()            {}
func (Leave) input()           {}
func (OfferRang) input()       {}
func (OfferDone) input()       {}
func (TalkBegan) input()       {}
func (CallOut) input()         {}
func (TalkMoved) input()       {}
func (TalkHeld) input()        {}
func (TalkSilent) input()      {}
func (TalkEnded) input()       {}
func (WrapUpExtended) input()  {}
func (WrapUpEnded) input()     {}
func (Tick) input()            {}
func (Close) input()           {}
