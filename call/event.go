package call

import (
	"encoding/json"
	"fmt"
	"time"
)

// StreamKind is what a stream of events is about.
type StreamKind string

const (
	StreamCall      StreamKind = "call"
	StreamTicket    StreamKind = "ticket"
	StreamAgent     StreamKind = "agent"
	StreamRecording StreamKind = "recording"
	StreamSystem    StreamKind = "system"
)

// Stream names one ordered story: a call, a ticket, an agent, a recording, the system.
type Stream struct {
	Kind StreamKind `json:"kind"`
	ID   string     `json:"id"`
}

// Event is one change of state. The journal sets Global, Seq and, when empty,
// Config; the writer sets the rest. At has microsecond resolution, UTC.
type Event struct {
	Global int64     `json:"global"` // one sequence over everything, from 1
	Stream Stream    `json:"stream"`
	Seq    int64     `json:"seq"` // within the stream, from 1
	At     time.Time `json:"at"`
	Config string    `json:"config,omitempty"` // hash of the centre that it was decided under
	Body   Body      `json:"body"`
}

// ConfigAsterisk is the Config of events that were not decided here: Asterisk's
// dialplan served the call while we were away, and they were written afterwards.
// Their At lies before that of the events around them in the journal.
const ConfigAsterisk = "asterisk"

// Body is what happened: one of the types in events.go.
type Body interface {
	// Type is the stable name under which the body is stored ("call.arrived").
	Type() string
}

// CallEvent is an event of a call at an instant.
func CallEvent(at time.Time, id ID, b Body) Event {
	return newEvent(at, StreamCall, string(id), b)
}

// TicketEvent is an event of a ticket at an instant.
func TicketEvent(at time.Time, id TicketID, b Body) Event {
	return newEvent(at, StreamTicket, string(id), b)
}

// AgentEvent is an event of an agent at an instant.
func AgentEvent(at time.Time, id AgentID, b Body) Event {
	return newEvent(at, StreamAgent, string(id), b)
}

// RecordingEvent is an event of a recording at an instant.
func RecordingEvent(at time.Time, id RecordingID, b Body) Event {
	return newEvent(at, StreamRecording, string(id), b)
}

// SystemEvent is an event of the system at an instant.
func SystemEvent(at time.Time, b Body) Event { return newEvent(at, StreamSystem, "firstline", b) }

// HoursStream is the story of a calendar's overrides.
func HoursStream(calendar string) Stream { return Stream{StreamSystem, "hours:" + calendar} }

// HoursEvent is an event of a calendar's hours.
func HoursEvent(at time.Time, calendar string, b Body) Event {
	s := HoursStream(calendar)
	return newEvent(at, s.Kind, s.ID, b)
}

func newEvent(at time.Time, k StreamKind, id string, b Body) Event {
	return Event{Stream: Stream{k, id}, At: Instant(at), Body: b}
}

// Instant rounds to the resolution that is stored: microseconds, UTC, no
// monotonic reading.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// eventJSON is Event on the wire and in the store: the body beside its type.
type eventJSON struct {
	Global int64           `json:"global"`
	Stream Stream          `json:"stream"`
	Seq    int64           `json:"seq"`
	At     time.Time       `json:"at"`
	Config string          `json:"config,omitempty"`
	Type   string          `json:"type"`
	Body   json.RawMessage `json:"body"`
}

// MarshalJSON writes the event with its body's type.
func (e Event) MarshalJSON() ([]byte, error) {
	body, err := json.Marshal(e.Body)
	if err != nil {
		return nil, fmt.Errorf("event body: %w", err)
	}
	return json.Marshal(eventJSON{e.Global, e.Stream, e.Seq, e.At, e.Config, e.Body.Type(), body})
}

// UnmarshalJSON reads what MarshalJSON wrote. A type that this build does not
// know is kept as Unknown.
func (e *Event) UnmarshalJSON(b []byte) error {
	var j eventJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	body, err := DecodeBody(j.Type, j.Body)
	if err != nil {
		return err
	}
	*e = Event{j.Global, j.Stream, j.Seq, j.At, j.Config, body}
	return nil
}

// Unknown is a body written by a newer build: kept as it is, passed on unread.
type Unknown struct {
	Name string
	Data json.RawMessage
}

func (u Unknown) Type() string                 { return u.Name }
func (u Unknown) MarshalJSON() ([]byte, error) { return u.Data, nil }

// DecodeBody reads a stored body by its type name into the value type listed in
// events.go (never a pointer).
func DecodeBody(name string, data []byte) (Body, error) {
	decode, ok := bodyDecoder(name)
	if !ok {
		return Unknown{name, append(json.RawMessage(nil), data...)}, nil
	}
	b, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", name, err)
	}
	return b, nil
}

func decodeAs[T Body](data []byte) (Body, error) {
	var b T
	err := json.Unmarshal(data, &b)
	return b, err
}
