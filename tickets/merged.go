package tickets

import (
	"slices"
	"time"

	"firstline/call"
	"firstline/tickets/clock"
)

// Identity is who calls, and how sure that is.
type Identity struct {
	Customer call.CustomerID `json:"customer,omitempty"`
	Level    string          `json:"level"` // in package ivr's words, or "agent" when a person says so
	Evidence string          `json:"evidence,omitempty"`
	By       string          `json:"by"`
	At       time.Time       `json:"at"`
}

// The levels that make a person's ticket theirs beyond doubt.
const (
	levelVerified = "verified"
	levelAgent    = "agent" // somebody of ours says so
)

// Sure reports whether the person is who they are said to be.
func (i Identity) Sure() bool {
	return i.Customer != "" && (i.Level == levelVerified || i.Level == levelAgent)
}

// rank orders how sure we are.
func (i Identity) rank() int {
	return slices.Index([]string{"unknown", "maybe", "known", "said", levelVerified, levelAgent}, i.Level)
}

// Proposal is another ticket that may be of the same problem.
type Proposal struct {
	Other call.TicketID `json:"other"`
	Why   string        `json:"why"`
	By    string        `json:"by"`
	At    time.Time     `json:"at"`
}

// applyJoining folds what makes tickets one; false for another event.
func (t *Ticket) applyJoining(e call.Event) bool {
	switch b := e.Body.(type) {
	case call.TicketIdentified:
		t.identified(Identity{b.Customer, b.Level, b.Evidence, b.By, e.At})
		t.join(b.Call)
	case call.TicketEnriched:
		if len(b.Facts) > 0 {
			t.Facts = b.Facts
		}
	case call.TicketProposed:
		t.undecided(b.Other)
		t.Proposed = append(t.Proposed, Proposal{b.Other, b.Why, b.By, e.At})
	case call.TicketProposalDeclined:
		t.undecided(b.Other)
		t.change(Change{At: e.At, By: b.By, What: "not-the-same", To: string(b.Other)})
	case call.TicketMerged:
		t.change(Change{e.At, b.By, "merged", string(t.State), string(b.Into), b.Why})
		t.State, t.Into, t.Ended, t.Calls, t.Proposed = Merged, b.Into, e.At, nil, nil
	case call.TicketAbsorbed:
		t.absorb(e.At, b)
	case call.TicketSplit:
		t.change(Change{At: e.At, By: b.By, What: "split-from", From: string(b.From), Why: b.Why})
		for _, c := range b.Calls {
			t.join(c)
		}
		t.since(b.First)
		if !b.Responded.IsZero() {
			t.responded(b.Responded, 0)
		}
	case call.TicketParted:
		t.change(Change{At: e.At, By: b.By, What: "split", To: string(b.Into), Why: b.Why})
		t.Calls = slices.DeleteFunc(slices.Clone(t.Calls), func(c call.ID) bool { return slices.Contains(b.Calls, c) })
	default:
		return false
	}
	return true
}

func (t *Ticket) identified(i Identity) {
	if i.rank() < t.Identity.rank() {
		return
	}
	if i.Customer != t.Identity.Customer {
		t.note(Change{i.At, i.By, "customer", string(t.Identity.Customer), string(i.Customer), i.Evidence})
	}
	t.Identity = i
}

// absorb goes on for another ticket too: from the first call of both on.
func (t *Ticket) absorb(at time.Time, b call.TicketAbsorbed) {
	t.change(Change{At: at, By: b.By, What: "absorbed", From: string(b.From), Why: b.Why})
	for _, id := range append([]call.TicketID{b.From}, b.Before...) {
		t.undecided(id)
		if !slices.Contains(t.Absorbed, id) {
			t.Absorbed = append(t.Absorbed, id)
		}
	}
	for _, c := range b.Calls {
		t.join(c)
	}
	t.since(b.First)
	if t.Handler == "" {
		t.Handler = b.Handler
	}
	if !b.Responded.IsZero() {
		t.responded(b.Responded, 0)
		if t.State == New {
			t.move(at, Open, b.By, "")
		}
	}
}

// since moves the opening, from which the clocks run, to an earlier instant.
func (t *Ticket) since(first time.Time) {
	if first.IsZero() || !first.Before(t.Opened) {
		return
	}
	t.Opened = first
	if len(t.Moments) > 0 && t.Moments[0].Mark == clock.Opened {
		t.Moments = slices.Clone(t.Moments)
		t.Moments[0].At = first
	}
}

// responded puts a talk among the moments, where it belongs. The level of whoever talked
// is 0 of a talk that another ticket brings along: it is not an engineer's by itself.
func (t *Ticket) responded(at time.Time, level int) {
	i := len(t.Moments)
	for i > 1 && t.Moments[i-1].At.After(at) {
		i--
	}
	t.Moments = slices.Insert(slices.Clone(t.Moments), i, clock.Moment{At: at, Mark: clock.Responded, Level: level})
}

// Responded is when somebody talked to the customer about it first; zero when nobody has.
func (t *Ticket) Responded() time.Time {
	for _, m := range t.Moments {
		if m.Mark == clock.Responded {
			return m.At
		}
	}
	return time.Time{}
}

func (t *Ticket) undecided(other call.TicketID) {
	t.Proposed = slices.DeleteFunc(slices.Clone(t.Proposed), func(p Proposal) bool { return p.Other == other })
}
