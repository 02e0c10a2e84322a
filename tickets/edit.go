package tickets

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"firstline/call"
)

// LongestReason is how much may be said of a change, in characters.
const LongestReason = 1000

// Edit is what a person changes on a ticket; a nil field stays as it is.
type Edit struct {
	By      string
	Why     string // needed to open a ticket again, and to set a priority against the matrix
	Version int64  // of the ticket on which the edit was made
	State   *State
	Class   *call.Classification // Severity, Priority and Rules are filled in by the rules
	Handler *call.AgentID        // "" for nobody
	Told    string               // how the customer was told how it stands; "" when not
}

// Terms are what an edit is held against.
type Terms struct {
	Rules  Rules
	Reopen time.Duration              // how long after its end a closed ticket may be opened again
	Agent  func(id call.AgentID) bool // whether such an agent works here
}

// Change applies an edit, all of it or nothing, and returns the ticket as it is
// then, durable. Errors match ErrNotFound; ErrStale, when the ticket is another than
// the edit was made on; ErrInvalid, with every fault. An edit that changes nothing
// writes nothing.
func (d *Desk) Change(ctx context.Context, id call.TicketID, e Edit, terms Terms) (Ticket, error) {
	d.edits.Lock()
	defer d.edits.Unlock()
	t, err := d.book.Ticket(ctx, id)
	if err != nil {
		return t, fmt.Errorf("change %s: %w", id, err)
	}
	if t.State == Merged {
		return t, fmt.Errorf("change %s: %w: it goes on in %s", id, ErrInvalid, t.Into)
	}
	if e.Version != t.Version {
		return t, fmt.Errorf("change %s: %w: it is at version %d, the edit was made on %d", id, ErrStale, t.Version, e.Version)
	}
	now := call.Instant(time.Now())
	bodies, err := e.bodies(t, terms, now)
	if err != nil {
		return t, fmt.Errorf("change %s: %w", id, err)
	}
	if len(bodies) == 0 {
		return t, nil
	}
	var evs []call.Event
	for _, b := range bodies {
		evs = append(evs, call.TicketEvent(now, id, b))
	}
	if err := d.journal.Append(ctx, evs...); err != nil {
		return t, fmt.Errorf("change %s: %w", id, err)
	}
	t, err = d.book.Ticket(ctx, id)
	if err != nil {
		return t, fmt.Errorf("change %s: it is written, and cannot be read: %w", id, err)
	}
	return t, nil
}

// bodies are the events that an edit comes to.
func (e Edit) bodies(t Ticket, terms Terms, now time.Time) ([]call.Body, error) {
	e.Why = strings.TrimSpace(e.Why)
	var out []call.Body
	var faults []error
	if utf8.RuneCountInString(e.Why) > LongestReason {
		faults = append(faults, fmt.Errorf("%w: the reason is longer than %d characters", ErrInvalid, LongestReason))
	}
	if e.Class != nil {
		c, err := terms.Rules.Rate(*e.Class)
		if err != nil {
			faults = append(faults, err)
		} else if c != t.Class {
			out = append(out, call.TicketClassified{Class: c, By: e.By, Why: e.Why})
		}
	}
	if e.Handler != nil && *e.Handler != t.Handler {
		if *e.Handler != "" && !terms.Agent(*e.Handler) {
			faults = append(faults, fmt.Errorf("%w: no agent %q works here", ErrInvalid, *e.Handler))
		}
		out = append(out, call.TicketAssigned{Handler: *e.Handler, By: e.By, Why: e.Why})
	}
	if e.Told != "" {
		out = append(out, call.TicketTold{By: e.By, How: e.Told})
	}
	if e.State != nil && *e.State != t.State {
		if err := e.mayMove(t, terms, now); err != nil {
			faults = append(faults, err)
		}
		out = append(out, call.TicketMoved{From: string(t.State), To: string(*e.State), By: e.By, Why: e.Why})
	}
	return out, errors.Join(faults...)
}

func (e Edit) mayMove(t Ticket, terms Terms, now time.Time) error {
	if err := t.State.To(*e.State); err != nil {
		return err
	}
	if !t.State.Over() || e.State.Over() {
		return nil
	}
	if e.Why == "" {
		return fmt.Errorf("%w: to open a ticket again, say why", ErrInvalid)
	}
	if t.State == Closed && now.Sub(t.Ended) > terms.Reopen {
		return fmt.Errorf("%w: it was settled on %s, more than %v ago: open a new one", ErrInvalid, t.Ended.Format(time.DateOnly), terms.Reopen)
	}
	return nil
}

// Differences are the fields in which two classifications differ, in their order.
func Differences(was, is call.Classification) []Change {
	var all []Change
	a, b := reflect.ValueOf(was), reflect.ValueOf(is)
	for i := range a.NumField() {
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
		if from, to := said(a.Field(i)), said(b.Field(i)); from != to && name != "rules" {
			all = append(all, Change{What: name, From: from, To: to})
		}
	}
	return all
}

func said(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	return fmt.Sprint(v.Interface())
}
