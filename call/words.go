package call

import "time"

// Side is one side of a conversation.
type Side string

const (
	SideCaller Side = "caller"
	SideAgent  Side = "agent"
	SideSystem Side = "system"
)

// Presence is what an agent says.
type Presence string

const (
	LoggedOut Presence = "logged-out"
	Available Presence = "available"
	OnBreak   Presence = "break"
	Finishing Presence = "finishing" // finish this call, then off
)

// Activity is what the system sees of an agent.
type Activity string

const (
	Idle      Activity = "idle"
	Offering  Activity = "offered"
	Talking   Activity = "talking"
	Holding   Activity = "on-hold" // talking, with the caller on hold
	WrapUp    Activity = "wrap-up"
	Outbound  Activity = "outbound"
	PhoneGone Activity = "unreachable" // no registered phone
)

// OfferResult is how an offer ended.
type OfferResult string

const (
	OfferAnswered    OfferResult = "answered"
	OfferMissed      OfferResult = "missed"      // rang, nobody answered
	OfferRejected    OfferResult = "rejected"    // the person declined
	OfferBusy        OfferResult = "busy"        // the phone was busy
	OfferUnreachable OfferResult = "unreachable" // the phone was not there: no fault of the person
	OfferWithdrawn   OfferResult = "withdrawn"   // the caller was gone, or went elsewhere
)

// Requirement is what a call asks of an agent: all the skills, the level, and one
// of the alternatives if there are any.
type Requirement struct {
	Skills map[string]int `json:"skills,omitempty"` // skill to least level; all are needed
	Level  int            `json:"level,omitempty"`  // least support level, 0 means any
	Any    []Requirement  `json:"any,omitempty"`    // at least one of these must be met as well
}

// Tiers is which tiers of a queue's agents may be chosen, 0 for no limit. Those
// below Raise count as Raise.
type Tiers struct {
	Min   int `json:"min,omitempty"`
	Max   int `json:"max,omitempty"`
	Raise int `json:"raise,omitempty"`
}

// Target is what a queue promises: Percent of calls answered Within.
// ShortAbandon is the wait below which an abandon is not held against the queue.
type Target struct {
	Within       time.Duration `json:"within_ns"`
	Percent      float64       `json:"percent"`
	ShortAbandon time.Duration `json:"short_abandon_ns"`
}
