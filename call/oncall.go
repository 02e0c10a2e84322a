package call

import "time"

// StreamOnCall is the story of who stands in for whoever is on call: one stream, since
// each event names its own.
const StreamOnCall StreamKind = "oncall"

// OnCallStream is its id.
const OnCallStream = "firstline"

// OnCallEvent is an event of the overrides at an instant.
func OnCallEvent(at time.Time, b Body) Event { return newEvent(at, StreamOnCall, OnCallStream, b) }

type (
	// OnCallOverridden says that somebody stands in for a time.
	OnCallOverridden struct {
		Override string    `json:"override"` // a UUIDv7
		Schedule string    `json:"schedule"`
		Person   AgentID   `json:"person"`
		From     time.Time `json:"from"`
		To       time.Time `json:"to"`
		By       string    `json:"by"`
		Why      string    `json:"why,omitempty"`
	}
	// OnCallRestored takes that back, from then on.
	OnCallRestored struct {
		Override string `json:"override"`
		By       string `json:"by"`
	}
)

func (OnCallOverridden) Type() string { return "oncall.overridden" }
func (OnCallRestored) Type() string   { return "oncall.restored" }

func onCallDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case OnCallOverridden{}.Type():
		return decodeAs[OnCallOverridden], true
	case OnCallRestored{}.Type():
		return decodeAs[OnCallRestored], true
	}
	return pageDecoder(name)
}
