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
	"firstline/tickets/clock"
)

// Ticket is one problem. The zero Ticket is ready for the first event of its stream.
type Ticket struct {
	ID      call.TicketID       `json:"id"`
	Subject string              `json:"subject"`
	State   State               `json:"state"`
	Caller  call.Party          `json:"caller"`
	Client  string              `json:"client,omitempty"` // whose line it came in on
	Class   call.Classification `json:"class"`
	Handler call.AgentID        `json:"handler,omitempty"`
	Opened  time.Time           `json:"opened"`
	Changed time.Time           `json:"changed"`        // instant of the latest event
	Version int64               `json:"version"`        // counts what people change; what an edit was made on
	Ended   time.Time           `json:"ended,omitzero"` // when it was resolved, while it is
	Calls   []call.ID           `json:"calls,omitempty"`
	Notes   []Note              `json:"notes,omitempty"`   // oldest first
	History []Change            `json:"history,omitempty"` // oldest first
	Moments []clock.Moment      `json:"moments,omitempty"` // what its clocks heed
	Warned  []call.TicketWarned `json:"warned,omitempty"`
	Pages   []Page              `json:"pages,omitempty"` // searches for somebody who takes it at once, oldest first
	Links   []call.TicketLinked `json:"links,omitempty"` // where other systems keep it; one for an endpoint
	Test    bool                `json:"test,omitempty"`
	Seq     int64               `json:"seq,omitempty"` // of the latest event in the ticket's stream
}

// Change is one thing that was changed on a ticket: who, when, what and why.
type Change struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"` // state, handler, told, taken, page, phoned, or a field of the classification
	From string    `json:"from,omitempty"`
	To   string    `json:"to,omitempty"`
	Why  string    `json:"why,omitempty"`
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
			ID: call.TicketID(e.Stream.ID), Subject: b.Subject, State: New,
			Caller: b.Caller, Client: b.Client, Opened: e.At, Test: b.Test,
		}
		t.join(b.Call)
		t.mark(e.At, clock.Opened)
	case call.TicketNoted:
		t.Notes = append(t.Notes, Note{ID: b.Note, At: e.At, Author: b.Author, Text: b.Text, Call: b.Call})
	case call.TicketJoined:
		t.join(b.Call)
	case call.TicketTaken:
		t.taken(e.At, b)
	case call.TicketMoved:
		t.move(e.At, State(b.To), b.By, b.Why)
	case call.TicketClassified:
		t.classify(e.At, b)
	case call.TicketAssigned:
		t.change(Change{e.At, b.By, "handler", string(t.Handler), string(b.Handler), b.Why})
		t.Handler = b.Handler
	case call.TicketTold:
		t.note(Change{At: e.At, By: b.By, What: "told", To: b.How})
		t.mark(e.At, clock.Updated)
	case call.TicketWarned:
		t.warned(b)
	case call.TicketLinked:
		t.Links = append(slices.DeleteFunc(t.Links, func(l call.TicketLinked) bool { return l.Endpoint == b.Endpoint }), b)
	case call.Unknown:
	default:
		if ours, err := t.paged(e.At, b); ours {
			if err != nil {
				return err
			}
			break
		}
		return fmt.Errorf("tickets: %s cannot apply %s", t.ID, e.Body.Type())
	}
	t.Changed, t.Seq = e.At, e.Seq
	return nil
}

func (t *Ticket) taken(at time.Time, b call.TicketTaken) {
	by := "agent:" + string(b.Agent)
	t.join(b.Call)
	t.note(Change{At: at, By: by, What: "taken", To: string(b.Agent)})
	t.mark(at, clock.Responded)
	if t.Handler == "" {
		t.Handler = b.Agent
	}
	if t.State == New {
		t.move(at, Open, by, "")
	}
}

// move puts the ticket into another state, with what that means for its clocks.
func (t *Ticket) move(at time.Time, to State, by, why string) {
	was := t.State
	t.change(Change{at, by, "state", string(was), string(to), why})
	t.State = to
	switch {
	case was.Over() && !to.Over():
		t.Ended = time.Time{}
		t.mark(at, clock.Reopened)
		if to.Waits() {
			t.mark(at, clock.Paused)
		}
	case !was.Over() && to.Over():
		t.Ended = at
		t.mark(at, clock.Resolved)
	case !was.Waits() && to.Waits():
		t.mark(at, clock.Paused)
	case was.Waits() && to == Open:
		t.mark(at, clock.Resumed)
	}
}

func (t *Ticket) classify(at time.Time, b call.TicketClassified) {
	was := t.Class
	for _, c := range Differences(was, b.Class) {
		c.At, c.By, c.Why = at, b.By, b.Why
		t.note(c)
	}
	t.Class = b.Class
	t.Version++
	if was.Priority != b.Class.Priority {
		t.mark(at, clock.Graded)
	}
}

// change notes what a person changed, so that another who had not seen it is told.
func (t *Ticket) change(c Change) {
	t.note(c)
	t.Version++
}

func (t *Ticket) note(c Change) { t.History = append(t.History, c) }

func (t *Ticket) mark(at time.Time, m clock.Mark) {
	moment := clock.Moment{At: at, Mark: m}
	if m == clock.Opened || m == clock.Graded {
		moment.Grade = gradeOf(t.Class.Priority)
	}
	t.Moments = append(t.Moments, moment)
}

func (t *Ticket) join(id call.ID) {
	if id != "" && !slices.Contains(t.Calls, id) {
		t.Calls = append(t.Calls, id)
	}
}
