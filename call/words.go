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

// Parts are what gives an entry its priority.
type Parts []Part

// Part is one thing that gives an entry so many points of priority.
type Part struct {
	Of     PartOf `json:"of"`
	Name   string `json:"name,omitempty"`  // of the queue or the class
	Times  int    `json:"times,omitempty"` // that the caller was not served, of OfUnserved
	Points int    `json:"points"`
}

// PartOf is where points of priority come from.
type PartOf string

const (
	OfQueue    PartOf = "queue"    // that the entry is in
	OfCall     PartOf = "call"     // in place of the queue's: what a flow or an exit gave it
	OfClass    PartOf = "class"    // of the number that was called, or of its client
	OfTicket   PartOf = "ticket"   // its priority
	OfUnserved PartOf = "unserved" // earlier calls of the caller that nobody answered
)

// Sum is the priority that the parts make.
func (p Parts) Sum() (sum int) {
	for _, one := range p {
		sum += one.Points
	}
	return sum
}

// Brought is what the entry would bring into another queue: its points but for the
// class's, which counts there by itself; 0 when it brought nothing to this one.
func (p Parts) Brought() int {
	sum, queue, own := 0, 0, false
	for _, one := range p {
		switch one.Of {
		case OfQueue:
			queue = one.Points
		case OfClass:
		default:
			sum += one.Points
			own = own || one.Of == OfCall
		}
	}
	if sum > 0 && !own {
		sum += queue
	}
	return sum
}

// Target is what a queue promises: Percent of calls answered Within.
// ShortAbandon is the wait below which an abandon is not held against the queue.
type Target struct {
	Within       time.Duration `json:"within_ns"`
	Percent      float64       `json:"percent"`
	ShortAbandon time.Duration `json:"short_abandon_ns"`
}
