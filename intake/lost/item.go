package lost

import (
	"fmt"
	"slices"
	"time"

	"firstline/call"
)

// mostCalls bounds what is kept of a caller who dials without end: the first call
// and the latest ones. The journal has them all.
const mostCalls = 50

// Item is one caller who left unserved, folded from its stream. It keeps the
// original arrival: what came first counts. The zero Item is ready for the first
// event.
type Item struct {
	ID     call.LostID   `json:"id"`
	Number string        `json:"number,omitempty"` // in E.164 where it is one; empty when withheld
	From   call.Party    `json:"from"`             // as signalled in the first call
	Client string        `json:"client,omitempty"` // whose line was called
	Queue  call.QueueID  `json:"queue,omitempty"`
	Ticket call.TicketID `json:"ticket"`
	Joined time.Time     `json:"joined"` // arrival in the queue in the first call
	Opened time.Time     `json:"opened"`
	Calls  []Call        `json:"calls"` // that nobody answered, oldest first
	Count  int           `json:"count"` // of those calls
	Tries  []Try         `json:"tries,omitempty"`
	Ended  time.Time     `json:"ended,omitzero"` // zero while somebody has to act
	End    call.LostEnd  `json:"end,omitempty"`
	By     string        `json:"by,omitempty"`     // who ended it
	Answer call.ID       `json:"answer,omitempty"` // the call that was answered
	Note   string        `json:"note,omitempty"`   // of the end
}

// Call is one call that nobody answered.
type Call struct {
	ID     call.ID       `json:"id"`
	Ticket call.TicketID `json:"ticket"`
	Queue  call.QueueID  `json:"queue,omitempty"`
	Joined time.Time     `json:"joined"`
	At     time.Time     `json:"at"` // it was put on the list
	Reason string        `json:"reason"`
}

// Try is one try to call back.
type Try struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Reached bool      `json:"reached"`
	Call    call.ID   `json:"call,omitempty"`
	Note    string    `json:"note,omitempty"`
}

// Open reports whether somebody has to act.
func (it *Item) Open() bool { return it.Ended.IsZero() }

// Missed is how many tries did not reach the caller.
func (it *Item) Missed() int {
	n := 0
	for _, t := range it.Tries {
		if !t.Reached {
			n++
		}
	}
	return n
}

// Latest is when the caller was last left unserved. Calls may come to the list in
// another order than that in which they ended.
func (it *Item) Latest() time.Time {
	var at time.Time
	for _, c := range it.Calls {
		if c.At.After(at) {
			at = c.At
		}
	}
	return at
}

// Apply folds the next event of the caller's stream in. An event that does not fit
// (a second opening, anything behind the end) is an error and changes nothing.
func (it *Item) Apply(e call.Event) error {
	if e.Stream.Kind != call.StreamLost {
		return fmt.Errorf("lost: %s given a %s event", it.ID, e.Stream.Kind)
	}
	opening, opens := e.Body.(call.LostOpened)
	switch {
	case opens && it.ID != "":
		return fmt.Errorf("lost: %s opened twice", it.ID)
	case opens:
		*it = opened(e, opening)
		return nil
	case it.ID == "":
		return fmt.Errorf("lost: %s is not open: %s", e.Stream.ID, e.Body.Type())
	case !it.Open():
		return fmt.Errorf("lost: %s has ended: %s", it.ID, e.Body.Type())
	}
	switch b := e.Body.(type) {
	case call.LostAgain:
		it.add(Call{ID: b.Call, Ticket: b.Ticket, Queue: b.Queue, Joined: b.Joined, At: e.At, Reason: b.Reason})
	case call.LostTried:
		it.Tries = append(it.Tries, Try{At: e.At, By: b.By, Reached: b.Reached, Call: b.Call, Note: b.Note})
	case call.LostEnded:
		it.Ended, it.End, it.By, it.Answer, it.Note = e.At, b.End, b.By, b.Call, b.Note
	case call.Unknown:
	default:
		return fmt.Errorf("lost: %s cannot apply %s", it.ID, e.Body.Type())
	}
	return nil
}

func opened(e call.Event, b call.LostOpened) Item {
	it := Item{
		ID: call.LostID(e.Stream.ID), Number: b.Number, From: b.From, Client: b.Client, Queue: b.Queue,
		Ticket: b.Ticket, Joined: b.Joined, Opened: e.At,
	}
	it.add(Call{ID: b.Call, Ticket: b.Ticket, Queue: b.Queue, Joined: b.Joined, At: e.At, Reason: b.Reason})
	return it
}

func (it *Item) add(c Call) {
	it.Count++
	it.Calls = append(it.Calls, c)
	if len(it.Calls) > mostCalls {
		it.Calls = slices.Delete(it.Calls, 1, 2)
	}
}

// clone shares nothing that changes.
func (it *Item) clone() Item {
	c := *it
	c.Calls, c.Tries = slices.Clone(it.Calls), slices.Clone(it.Tries)
	return c
}
