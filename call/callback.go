package call

import (
	"fmt"
	"time"
)

// CallbackID names one request to be called back: a UUIDv7.
type CallbackID string

// NewCallbackID returns an id for a request made at now.
func NewCallbackID(now time.Time) CallbackID { return CallbackID(NewUUID(now)) }

// StreamCallback is the story of one request to be called back.
const StreamCallback StreamKind = "callback"

// CallbackEvent is an event of a callback at an instant.
func CallbackEvent(at time.Time, id CallbackID, b Body) Event {
	return newEvent(at, StreamCallback, string(id), b)
}

// CallbackOrder is whom the server reaches first.
type CallbackOrder string

const (
	AgentFirst    CallbackOrder = "agent"    // an agent is free, then the customer's phone rings
	CustomerFirst CallbackOrder = "customer" // the customer answers, then waits at the old place
)

// CallbackEnd is how a request ended. Every request has exactly one end.
type CallbackEnd string

const (
	CallbackReached     CallbackEnd = "reached"     // the customer talked to an agent
	CallbackRedialled   CallbackEnd = "redialled"   // the customer phoned again meanwhile, and took the place
	CallbackUnreachable CallbackEnd = "unreachable" // not reached in the number of tries
	CallbackExpired     CallbackEnd = "expired"     // too late to be of use
	CallbackWithdrawn   CallbackEnd = "withdrawn"   // by a person of ours, with a reason
	CallbackSettled     CallbackEnd = "settled"     // an agent heard the message, and nothing is left to do
)

// CallbackEnds returns all ends.
func CallbackEnds() []CallbackEnd {
	return []CallbackEnd{CallbackReached, CallbackRedialled, CallbackUnreachable, CallbackExpired, CallbackWithdrawn, CallbackSettled}
}

// The callback stream.

type (
	// CallbackAsked opens a request. Joined is the original arrival in the queue,
	// at which it keeps its place.
	CallbackAsked struct {
		Call     ID            `json:"call"` // that asked for it
		Ticket   TicketID      `json:"ticket"`
		Customer Party         `json:"customer"` // whom to call
		Line     Party         `json:"line"`     // the number that the customer had dialled; it is shown to them
		Queue    QueueID       `json:"queue"`
		Need     Requirement   `json:"need"`
		Priority int           `json:"priority,omitempty"`
		Joined   time.Time     `json:"joined"`
		First    CallbackOrder `json:"first"`
		After    time.Time     `json:"after,omitzero"` // not before
		Expires  time.Time     `json:"expires"`
		Held     bool          `json:"held,omitempty"`       // until a supervisor releases it
		Silent   bool          `json:"unrecorded,omitempty"` // the caller does not want to be recorded
		Message  RecordingID   `json:"message,omitempty"`    // that the customer left; then Customer.Number may be empty
		By       string        `json:"by"`                   // "caller", "system:<why>", "agent:<name>"
		Test     bool          `json:"test,omitempty"`
	}
	// CallbackChanged gives a request another number, another earliest time and the
	// end that goes with it, or releases it. Zero fields stay as they were.
	CallbackChanged struct {
		Number  string    `json:"number,omitempty"`
		After   time.Time `json:"after,omitzero"`
		Expires time.Time `json:"expires,omitzero"`
		Release bool      `json:"release,omitempty"`
		By      string    `json:"by"`
	}
	// CallbackTried begins an attempt: Call is the outgoing call.
	CallbackTried struct {
		Attempt int `json:"attempt"` // from 1
		Call    ID  `json:"call"`
	}
	// CallbackMissed ends an attempt that did not reach the customer. Counts says
	// that it was the customer who was not there, not we.
	CallbackMissed struct {
		Attempt int       `json:"attempt"`
		Cause   Cause     `json:"cause"`
		Counts  bool      `json:"counts"`
		Again   time.Time `json:"again,omitzero"` // when the next one is due
	}
	// CallbackClosed ends a request.
	CallbackClosed struct {
		End    CallbackEnd `json:"end"`
		Call   ID          `json:"call,omitempty"` // that reached the customer, or by which they came
		By     string      `json:"by,omitempty"`
		Reason string      `json:"reason,omitempty"`
	}
)

func (CallbackAsked) Type() string   { return "callback.asked" }
func (CallbackChanged) Type() string { return "callback.changed" }
func (CallbackTried) Type() string   { return "callback.tried" }
func (CallbackMissed) Type() string  { return "callback.missed" }
func (CallbackClosed) Type() string  { return "callback.closed" }

func callbackDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case CallbackAsked{}.Type():
		return decodeAs[CallbackAsked], true
	case CallbackChanged{}.Type():
		return decodeAs[CallbackChanged], true
	case CallbackTried{}.Type():
		return decodeAs[CallbackTried], true
	case CallbackMissed{}.Type():
		return decodeAs[CallbackMissed], true
	case CallbackClosed{}.Type():
		return decodeAs[CallbackClosed], true
	}
	return peopleDecoder(name)
}

// Callback is what is known of one request, folded from its stream. The zero
// Callback is ready for the first event.
type Callback struct {
	ID CallbackID `json:"id"`
	CallbackAsked
	At       time.Time   `json:"at"` // when it was asked for
	Attempts []Attempt   `json:"attempts,omitempty"`
	End      CallbackEnd `json:"end,omitempty"`
	Ended    time.Time   `json:"ended,omitzero"`
	EndedBy  string      `json:"ended_by,omitempty"`
	Reason   string      `json:"reason,omitempty"`
	Answered ID          `json:"answered,omitempty"` // the call by which it ended
}

// Attempt is one try to reach the customer. Ended is zero while it lasts.
type Attempt struct {
	Call   ID        `json:"call"`
	Began  time.Time `json:"began"`
	Ended  time.Time `json:"ended,omitzero"`
	Cause  Cause     `json:"cause,omitzero"`
	Counts bool      `json:"counts,omitempty"`
}

// Open reports whether the request has not ended.
func (c *Callback) Open() bool { return c.Ended.IsZero() }

// Live is the attempt under way, or nil.
func (c *Callback) Live() *Attempt {
	if n := len(c.Attempts); n > 0 && c.Attempts[n-1].Ended.IsZero() {
		return &c.Attempts[n-1]
	}
	return nil
}

// Misses is how often the customer was not reached by no fault of ours.
func (c *Callback) Misses() int {
	n := 0
	for _, a := range c.Attempts {
		if a.Counts {
			n++
		}
	}
	return n
}

// Apply folds the next event of the callback's stream in. One that does not fit
// (a second attempt while one lasts, anything after the end) is an error and
// changes nothing.
func (c *Callback) Apply(e Event) error {
	if e.Stream.Kind != StreamCallback {
		return fmt.Errorf("call: callback %s given a %s event", c.ID, e.Stream.Kind)
	}
	if asked, first := e.Body.(CallbackAsked); first {
		if c.ID != "" {
			return fmt.Errorf("call: callback %s asked twice", c.ID)
		}
		*c = Callback{ID: CallbackID(e.Stream.ID), CallbackAsked: asked, At: e.At}
		return nil
	}
	if c.ID == "" || !c.Open() {
		return fmt.Errorf("call: callback %s is not open: %s", e.Stream.ID, e.Body.Type())
	}
	switch b := e.Body.(type) {
	case CallbackChanged:
		c.change(b)
	case CallbackTried:
		if c.Live() != nil || b.Attempt != len(c.Attempts)+1 {
			return fmt.Errorf("call: callback %s tries %d while %d of %d lasts", c.ID, b.Attempt, len(c.Attempts), len(c.Attempts))
		}
		c.Attempts = append(c.Attempts, Attempt{Call: b.Call, Began: e.At})
	case CallbackMissed:
		a := c.Live()
		if a == nil || b.Attempt != len(c.Attempts) {
			return fmt.Errorf("call: callback %s has no attempt %d to miss", c.ID, b.Attempt)
		}
		a.Ended, a.Cause, a.Counts = e.At, b.Cause, b.Counts
		if !b.Again.IsZero() {
			c.After = b.Again
		}
	case CallbackClosed:
		if a := c.Live(); a != nil {
			a.Ended = e.At
		}
		c.End, c.Ended, c.EndedBy, c.Reason, c.Answered = b.End, e.At, b.By, b.Reason, b.Call
	case Unknown:
	default:
		return fmt.Errorf("call: callback %s cannot apply %s", c.ID, e.Body.Type())
	}
	return nil
}

func (c *Callback) change(b CallbackChanged) {
	if b.Number != "" {
		c.Customer.Number = b.Number
	}
	if !b.After.IsZero() {
		c.After = b.After
	}
	if !b.Expires.IsZero() {
		c.Expires = b.Expires
	}
	if b.Release {
		c.Held = false
	}
}
