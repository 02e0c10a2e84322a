// Package tickets is the desk's memory of a problem: what it is about, who
// reported it, which calls belong to it, and what was noted on it. A ticket is
// the fold of its stream of events; this package makes those events and folds
// them, the journal keeps them.
package tickets

import (
	"fmt"
	"slices"
	"time"

	"firstline/call"
)

// State is how far the problem is.
type State string

// Open is the state of a ticket that is being worked on, the only one so far.
const Open State = "open"

// Ticket is one problem. The zero Ticket is ready for the first event of its stream.
type Ticket struct {
	ID      call.TicketID `json:"id"`
	Subject string        `json:"subject"`
	State   State         `json:"state"`
	Caller  call.Party    `json:"caller"`
	Opened  time.Time     `json:"opened"`
	Changed time.Time     `json:"changed"` // instant of the latest event
	Calls   []call.ID     `json:"calls,omitempty"`
	Notes   []Note        `json:"notes,omitempty"` // oldest first
	Test    bool          `json:"test,omitempty"`
}

// Note is a remark of a person on a ticket. It is never changed.
type Note struct {
	ID     string    `json:"id"` // UUIDv7
	At     time.Time `json:"at"`
	Author string    `json:"author"`
	Text   string    `json:"text"`
	Call   call.ID   `json:"call,omitempty"` // the call during which it was written
}

// Apply folds the next event of the ticket's stream in. An event that does not
// fit (a second opening, a note on nothing) is an error and changes nothing.
func (t *Ticket) Apply(e call.Event) error {
	if e.Stream.Kind != call.StreamTicket {
		return fmt.Errorf("tickets: %s given a %s event", t.ID, e.Stream.Kind)
	}
	_, opens := e.Body.(call.TicketOpened)
	switch {
	case opens && t.ID != "":
		return fmt.Errorf("tickets: %s opened twice", t.ID)
	case !opens && t.ID == "":
		return fmt.Errorf("tickets: %s is not open: %s", e.Stream.ID, e.Body.Type())
	}
	switch b := e.Body.(type) {
	case call.TicketOpened:
		*t = Ticket{
			ID: call.TicketID(e.Stream.ID), Subject: b.Subject, State: Open,
			Caller: b.Caller, Opened: e.At, Test: b.Test,
		}
		t.join(b.Call)
	case call.TicketNoted:
		t.Notes = append(t.Notes, Note{ID: b.Note, At: e.At, Author: b.Author, Text: b.Text, Call: b.Call})
	case call.TicketJoined:
		t.join(b.Call)
	case call.Unknown:
	default:
		return fmt.Errorf("tickets: %s cannot apply %s", t.ID, e.Body.Type())
	}
	t.Changed = e.At
	return nil
}

func (t *Ticket) join(id call.ID) {
	if id != "" && !slices.Contains(t.Calls, id) {
		t.Calls = append(t.Calls, id)
	}
}
