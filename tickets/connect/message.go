package connect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"firstline/call"
	"firstline/tickets"
)

// Type is what a message says.
type Type string

// The types of message.
const (
	TicketCreated    Type = "ticket.created"    // it is known what it is: it was classified
	TicketUpdated    Type = "ticket.updated"    // its state, class or handler is another
	TicketNoted      Type = "ticket.noted"      // somebody wrote on it
	TicketAttached   Type = "ticket.attached"   // it is one of those whom an incident affects
	IncidentDeclared Type = "incident.declared" // with the one ticket of all whom it affects
	IncidentEnded    Type = "incident.ended"
	SLAWarning       Type = "sla.warning" // a part of a clock's time is used up
	SLABreached      Type = "sla.breached"
	CallReceived     Type = "call.received"
	CallAnswered     Type = "call.answered" // by an agent
	CallEnded        Type = "call.ended"
	Ping             Type = "ping" // somebody tries whether it arrives
)

// Types returns all types that are told of events.
func Types() []Type {
	return []Type{
		TicketCreated, TicketUpdated, TicketNoted, TicketAttached, IncidentDeclared, IncidentEnded,
		SLAWarning, SLABreached, CallReceived, CallAnswered, CallEnded,
		NoticeTicket, NoticeOutage, NoticeFixed,
	}
}

// Message is what is told, in the shape of Standard Webhooks: its JSON is a webhook's
// body, and what a connector's templates are given.
type Message struct {
	Type Type      `json:"type"`
	At   time.Time `json:"timestamp"`
	Data Data      `json:"data"`
}

// Data is what a message is about. Its sequence rises from message to message.
type Data struct {
	Sequence int64         `json:"sequence"`
	By       string        `json:"by,omitempty"` // who did it
	Why      string        `json:"why,omitempty"`
	To       string        `json:"to,omitempty"` // the person whom a notice is for
	Ticket   *TicketView   `json:"ticket,omitempty"`
	Note     *NoteView     `json:"note,omitempty"`
	Incident *IncidentView `json:"incident,omitempty"`
	Clock    *ClockView    `json:"clock,omitempty"`
	Call     *CallView     `json:"call,omitempty"`
}

// TicketView is a ticket as it was after the event.
type TicketView struct {
	ID       call.TicketID       `json:"id"`
	Subject  string              `json:"subject"`
	State    tickets.State       `json:"state"`
	Over     bool                `json:"over"` // resolved or closed
	Client   string              `json:"client,omitempty"`
	Caller   call.Party          `json:"caller"`
	Class    call.Classification `json:"class"`
	Handler  call.AgentID        `json:"handler,omitempty"`
	Opened   time.Time           `json:"opened"`
	Changed  time.Time           `json:"changed"`
	Calls    []call.ID           `json:"calls,omitempty"`
	Notes    []string            `json:"notes,omitempty"`    // so far, oldest first
	Incident call.IncidentID     `json:"incident,omitempty"` // that affects it, or whose ticket it is
	URL      string              `json:"url,omitempty"`
}

// NoteView is a remark.
type NoteView struct {
	Author string `json:"author"`
	Text   string `json:"text"`
}

// IncidentView is a problem that is known.
type IncidentView struct {
	ID       call.IncidentID `json:"id"`
	Title    string          `json:"title"`
	Queue    call.QueueID    `json:"queue"`
	Clients  []string        `json:"clients,omitempty"`
	Ticket   call.TicketID   `json:"ticket"`
	Affected int             `json:"affected"`
	Over     bool            `json:"over"`
	Note     string          `json:"note,omitempty"`
}

// ClockView is a clock of a ticket.
type ClockView struct {
	Clock   string `json:"clock"`
	Percent int    `json:"percent"` // of its target that is used up
}

// CallView is a call.
type CallView struct {
	ID      call.ID       `json:"id"`
	From    call.Party    `json:"from"`
	To      call.Party    `json:"to"`
	Out     bool          `json:"out,omitempty"` // we dialled
	Ticket  call.TicketID `json:"ticket,omitempty"`
	Queue   call.QueueID  `json:"queue,omitempty"`
	Agent   call.AgentID  `json:"agent,omitempty"`
	Outcome call.Outcome  `json:"outcome,omitempty"`
	Cause   call.Cause    `json:"cause"`
}

// messageID names the message that an endpoint is told of an event: the same one
// whenever it is asked for. Part tells several of one event apart.
func messageID(endpoint call.EndpointID, global int64, part string) string {
	sum := sha256.Sum256([]byte(string(endpoint) + "\x00" + strconv.FormatInt(global, 10) + "\x00" + part))
	return "msg_" + hex.EncodeToString(sum[:14])
}

// delivery is the row of a message that is not tried yet.
func (e *Endpoint) delivery(ev call.Event, key, part string, m Message) (Delivery, error) {
	payload, err := json.Marshal(m)
	if err != nil {
		return Delivery{}, fmt.Errorf("message of event %d: %w", ev.Global, err)
	}
	return Delivery{
		ID: messageID(e.ID, ev.Global, part), Endpoint: e.ID, Key: key, Global: ev.Global, Type: m.Type,
		State: Waiting, Made: call.Instant(ev.At), Due: call.Instant(ev.At), Payload: payload,
	}, nil
}
