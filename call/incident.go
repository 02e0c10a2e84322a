package call

import "time"

// StreamIncident is the story of known incidents: one stream, since few are open at
// a time and each event names its own.
const StreamIncident StreamKind = "incident"

// IncidentStream is its id.
const IncidentStream = "firstline"

// IncidentID names one known incident: a UUIDv7.
type IncidentID string

// IncidentEvent is an event of the known incidents at an instant.
func IncidentEvent(at time.Time, b Body) Event {
	return newEvent(at, StreamIncident, IncidentStream, b)
}

type (
	// IncidentDeclared says that a service has a problem that is known: its callers are
	// told, and may say that they are affected.
	IncidentDeclared struct {
		Incident IncidentID  `json:"incident"`
		Queue    QueueID     `json:"queue"`             // the service, by where its callers go
		Clients  []string    `json:"clients,omitempty"` // whose callers are meant; none named: all
		Title    string      `json:"title"`
		Ticket   TicketID    `json:"ticket"`
		Prompt   string      `json:"prompt,omitempty"`    // key of what callers hear; empty: the built-in one
		Message  RecordingID `json:"recording,omitempty"` // heard instead
		By       string      `json:"by"`
	}
	// IncidentTold changes what callers hear from now on.
	IncidentTold struct {
		Incident IncidentID  `json:"incident"`
		Prompt   string      `json:"prompt,omitempty"`
		Message  RecordingID `json:"recording,omitempty"`
		By       string      `json:"by"`
	}
	// IncidentAffected says that a caller wants to be told when it is over.
	IncidentAffected struct {
		Incident IncidentID `json:"incident"`
		Call     ID         `json:"call"`
		Ticket   TicketID   `json:"ticket"` // of the call
		Number   string     `json:"number,omitempty"`
	}
	// IncidentEnded says that it is over, and whom to tell: each once.
	IncidentEnded struct {
		Incident IncidentID `json:"incident"`
		Title    string     `json:"title,omitempty"`
		Ticket   TicketID   `json:"ticket,omitempty"` // of the incident
		Tell     []ToTell   `json:"tell,omitempty"`
		By       string     `json:"by"`
		Note     string     `json:"note,omitempty"`
	}
)

func (IncidentDeclared) Type() string { return "incident.declared" }
func (IncidentTold) Type() string     { return "incident.told" }
func (IncidentAffected) Type() string { return "incident.affected" }
func (IncidentEnded) Type() string    { return "incident.ended" }

func incidentDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case IncidentDeclared{}.Type():
		return decodeAs[IncidentDeclared], true
	case IncidentTold{}.Type():
		return decodeAs[IncidentTold], true
	case TicketAffected{}.Type():
		return decodeAs[TicketAffected], true
	case IncidentAffected{}.Type():
		return decodeAs[IncidentAffected], true
	case IncidentEnded{}.Type():
		return decodeAs[IncidentEnded], true
	}
	return careDecoder(name)
}
