package call

import "time"

// StreamAlert is the story of what monitoring systems said: one stream.
const StreamAlert StreamKind = "alert"

// AlertStream is its id.
const AlertStream = "firstline"

// AlertEvent is an event of theirs at an instant.
func AlertEvent(at time.Time, b Body) Event { return newEvent(at, StreamAlert, AlertStream, b) }

type (
	// AlertFired says that a problem which a monitoring system sees belongs to an incident.
	AlertFired struct {
		Endpoint    EndpointID `json:"endpoint"`
		Fingerprint string     `json:"fingerprint"`
		Incident    IncidentID `json:"incident"`
		Title       string     `json:"title"`
	}
	// AlertResolved says that it sees the problem no more.
	AlertResolved struct {
		Endpoint    EndpointID `json:"endpoint"`
		Fingerprint string     `json:"fingerprint"`
	}
)

func (AlertFired) Type() string    { return "alert.fired" }
func (AlertResolved) Type() string { return "alert.resolved" }

func alertDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case AlertFired{}.Type():
		return decodeAs[AlertFired], true
	case AlertResolved{}.Type():
		return decodeAs[AlertResolved], true
	}
	return nil, false
}
