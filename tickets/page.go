package tickets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"firstline/call"
)

// Page is one search for somebody who takes an urgent ticket at once: people are
// phoned along a ladder, one at a time.
type Page struct {
	ID     string         `json:"id"`
	Ladder string         `json:"ladder"`
	Cause  string         `json:"cause"`
	By     string         `json:"by"`
	Why    string         `json:"why,omitempty"`
	Began  time.Time      `json:"began"`
	Round  int            `json:"round"`            // from 1
	Step   int            `json:"step"`             // of the ladder that was come to last in the round; 0 before the first
	Phoned []call.AgentID `json:"phoned,omitempty"` // in this round
	Tries  []Try          `json:"tries,omitempty"`
	End    call.PageEnd   `json:"end,omitempty"`
	Ended  time.Time      `json:"ended,omitzero"`
	Person call.AgentID   `json:"person,omitempty"` // who accepted
	EndBy  string         `json:"end_by,omitempty"`
	EndWhy string         `json:"end_why,omitempty"`
}

// Try is one person who was phoned. How is empty while the phone rings, and of the one
// who accepted.
type Try struct {
	At     time.Time     `json:"at"`
	Call   call.ID       `json:"call,omitempty"` // empty when no phone could be rung
	Round  int           `json:"round"`
	Step   int           `json:"step,omitempty"`
	Person call.AgentID  `json:"person"`
	Why    string        `json:"why,omitempty"`
	Wait   time.Duration `json:"wait,omitempty"` // ns
	How    call.PageMiss `json:"how,omitempty"`
	Ended  time.Time     `json:"ended,omitzero"`
}

// Open reports whether the search goes on.
func (p *Page) Open() bool { return p.Ended.IsZero() }

// Live is the try under way, or nil.
func (p *Page) Live() *Try {
	if n := len(p.Tries); n > 0 && p.Tries[n-1].Ended.IsZero() {
		return &p.Tries[n-1]
	}
	return nil
}

// Paging is the search that goes on, or nil.
func (t *Ticket) Paging() *Page {
	if n := len(t.Pages); n > 0 && t.Pages[n-1].Open() {
		return &t.Pages[n-1]
	}
	return nil
}

// ErrPage means that a search does not go on, or that another one does.
var ErrPage = errors.New("nobody is looked for so")

// paged folds an event of a search in; false when it is none.
func (t *Ticket) paged(at time.Time, body call.Body) (bool, error) {
	switch b := body.(type) {
	case call.PageBegan:
		if t.Paging() != nil {
			return true, fmt.Errorf("tickets: %s: %w: two searches at once", t.ID, ErrPage)
		}
		t.Pages = append(t.Pages, Page{ID: b.Page, Ladder: b.Ladder, Cause: b.Cause, By: b.By, Why: b.Why, Began: at, Round: 1})
		t.note(Change{at, b.By, "page", "", "began by " + b.Ladder, b.Why})
		return true, nil
	case call.PageRang:
		return true, t.rang(at, b)
	case call.PageMissed:
		return true, t.missed(at, b)
	case call.PageRound:
		p, err := t.page(b.Page)
		if err != nil {
			return true, err
		}
		p.Round, p.Step, p.Phoned = b.Round+1, 0, nil
		t.note(Change{At: at, By: "system", What: "page", To: fmt.Sprintf("round %d in vain", b.Round)})
		return true, nil
	case call.PageEnded:
		return true, t.pageEnded(at, b)
	}
	return false, nil
}

// page is the open search with an id.
func (t *Ticket) page(id string) (*Page, error) {
	if p := t.Paging(); p != nil && p.ID == id {
		t.Pages = slices.Clone(t.Pages) // whoever read the ticket before keeps what they have
		return t.Paging(), nil
	}
	return nil, fmt.Errorf("tickets: %s: %w: search %s is over", t.ID, ErrPage, id)
}

func (t *Ticket) rang(at time.Time, b call.PageRang) error {
	p, err := t.page(b.Page)
	if err != nil {
		return err
	}
	if p.Live() != nil {
		return fmt.Errorf("tickets: %s: %w: a phone rings already", t.ID, ErrPage)
	}
	p.Round, p.Step, p.Phoned = b.Round, b.Step, append(slices.Clip(p.Phoned), b.Person)
	p.Tries = append(slices.Clip(p.Tries), Try{At: at, Call: b.Call, Round: b.Round, Step: b.Step, Person: b.Person, Why: b.Why, Wait: time.Duration(b.WaitMs) * time.Millisecond})
	t.join(b.Call)
	t.note(Change{At: at, By: "system", What: "phoned", To: string(b.Person), Why: b.Why})
	return nil
}

func (t *Ticket) missed(at time.Time, b call.PageMissed) error {
	p, err := t.page(b.Page)
	if err != nil {
		return err
	}
	switch live := p.Live(); {
	case live != nil && live.Person == b.Person && live.Call == b.Call:
		tries := slices.Clone(p.Tries)
		tries[len(tries)-1].How, tries[len(tries)-1].Ended = b.How, at
		p.Tries = tries
	case live == nil && b.Call == "": // no phone was rung
		p.Tries = append(slices.Clip(p.Tries), Try{At: at, Round: p.Round, Person: b.Person, How: b.How, Ended: at})
		p.Phoned = append(slices.Clip(p.Phoned), b.Person)
	default:
		return fmt.Errorf("tickets: %s: %w: %s is not phoned", t.ID, ErrPage, b.Person)
	}
	if b.How == call.PageInterrupted { // the same person again
		p.Phoned = slices.DeleteFunc(slices.Clone(p.Phoned), func(id call.AgentID) bool { return id == b.Person })
	}
	t.note(Change{At: at, By: "agent:" + string(b.Person), What: "page", To: string(b.How)})
	return nil
}

func (t *Ticket) pageEnded(at time.Time, b call.PageEnded) error {
	p, err := t.page(b.Page)
	if err != nil {
		return err
	}
	tries := slices.Clone(p.Tries)
	if n := len(tries); n > 0 && tries[n-1].Ended.IsZero() {
		tries[n-1].Ended = at
	}
	p.Tries, p.End, p.Ended, p.Person, p.EndBy, p.EndWhy = tries, b.End, at, b.Person, b.By, b.Why
	t.note(Change{At: at, By: b.By, What: "page", To: string(b.End), Why: b.Why})
	return nil
}

// ByHand is the cause of a search that a person begins: there may be many.
const ByHand = "by hand"

// BeginPage begins a search, durably. ErrPage when one goes on, or when there was one
// for the same cause; ErrInvalid for a ticket that is over.
func (d *Desk) BeginPage(ctx context.Context, id call.TicketID, b call.PageBegan) (Ticket, error) {
	return d.step(ctx, id, func(t Ticket) ([]call.Body, error) {
		again := func(p Page) bool { return p.Cause == b.Cause && b.Cause != ByHand }
		switch {
		case t.State.Over():
			return nil, fmt.Errorf("%w: it is %s", ErrInvalid, t.State)
		case t.Paging() != nil:
			return nil, fmt.Errorf("%w: a search goes on", ErrPage)
		case slices.ContainsFunc(t.Pages, again):
			return nil, fmt.Errorf("%w: there was one by %s", ErrPage, b.Cause)
		}
		return []call.Body{b}, nil
	})
}

// StepPage writes the next event of a search that goes on, with what goes with it.
// ErrPage when it is over, or the event does not fit.
func (d *Desk) StepPage(ctx context.Context, id call.TicketID, b call.Body, besides ...call.Event) (Ticket, error) {
	return d.step(ctx, id, func(Ticket) ([]call.Body, error) { return []call.Body{b}, nil }, besides...)
}

// AcceptPage ends a search with who accepts: the handler from now on. ErrPage when it
// is over, or they are not the one who is phoned.
func (d *Desk) AcceptPage(ctx context.Context, id call.TicketID, page string, person call.AgentID, c call.ID, besides ...call.Event) (Ticket, error) {
	by := "agent:" + string(person)
	return d.step(ctx, id, func(t Ticket) ([]call.Body, error) {
		p, err := t.page(page)
		if err != nil {
			return nil, err
		}
		if live := p.Live(); live == nil || live.Person != person || live.Call != c {
			return nil, fmt.Errorf("%w: %s is not phoned", ErrPage, person)
		}
		bodies := []call.Body{call.PageEnded{Page: page, End: call.PageAccepted, Person: person, Call: c, By: by}}
		if t.Handler != person {
			bodies = append(bodies, call.TicketAssigned{Handler: person, By: by, Why: "accepted by phone"})
		}
		return bodies, nil
	}, besides...)
}

// step reads a ticket, and writes what becomes of it as a whole or not at all.
func (d *Desk) step(ctx context.Context, id call.TicketID, do func(Ticket) ([]call.Body, error), besides ...call.Event) (Ticket, error) {
	d.edits.Lock()
	defer d.edits.Unlock()
	t, err := d.book.Ticket(ctx, id)
	if err != nil {
		return t, fmt.Errorf("%s: %w", id, err)
	}
	bodies, err := do(t)
	if err != nil {
		return t, fmt.Errorf("%s: %w", id, err)
	}
	now := call.Instant(time.Now())
	var evs []call.Event
	for _, b := range bodies {
		ev := call.TicketEvent(now, id, b)
		if err := t.Apply(ev); err != nil {
			return t, err
		}
		evs = append(evs, ev)
	}
	if err := d.journal.Append(context.WithoutCancel(ctx), append(evs, besides...)...); err != nil {
		return t, fmt.Errorf("%s: %w", id, err)
	}
	return t, nil
}
