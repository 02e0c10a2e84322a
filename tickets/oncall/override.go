package oncall

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firstline/call"
)

var (
	// ErrInvalid means that what was said is refused; the error says why.
	ErrInvalid = errors.New("not valid")
	// ErrUnknown means that there is no such schedule, or no such override any more.
	ErrUnknown = errors.New("no such thing")
)

// Override is somebody who stands in for whoever has the turn.
type Override struct {
	ID       string       `json:"id"` // UUIDv7
	Schedule string       `json:"schedule"`
	Person   call.AgentID `json:"person"`
	From     time.Time    `json:"from"`
	To       time.Time    `json:"to"`
	Made     time.Time    `json:"made"`
	By       string       `json:"by"`
	Why      string       `json:"why,omitempty"`
	Ended    time.Time    `json:"ended,omitzero"` // when it was taken back
	EndedBy  string       `json:"ended_by,omitempty"`
}

// until is when it no longer holds.
func (o *Override) until() time.Time {
	if !o.Ended.IsZero() && o.Ended.Before(o.To) {
		return o.Ended
	}
	return o.To
}

// void reports whether it was taken back before it began.
func (o *Override) void() bool { return !o.until().After(o.From) }

// longest is how long somebody may stand in: a year.
const longest = 366 * 24 * time.Hour

// Check says what is wrong with a new override, at the instant at which it is made.
// Errors match ErrInvalid and ErrUnknown.
func (p Plan) Check(o Override) error {
	var faults []error
	if _, ok := p.Schedules[o.Schedule]; !ok {
		return fmt.Errorf("%w: schedule %q", ErrUnknown, o.Schedule)
	}
	if _, ok := p.People[o.Person]; !ok {
		faults = append(faults, fmt.Errorf("%w: %q is none of the people who are phoned", ErrInvalid, o.Person))
	}
	switch {
	case !o.To.After(o.From):
		faults = append(faults, fmt.Errorf("%w: it ends before it begins", ErrInvalid))
	case !o.To.After(o.Made):
		faults = append(faults, fmt.Errorf("%w: it is over by now", ErrInvalid))
	case o.To.Sub(o.From) > longest:
		faults = append(faults, fmt.Errorf("%w: it lasts longer than a year: change the rotation", ErrInvalid))
	}
	if strings.TrimSpace(o.By) == "" {
		faults = append(faults, fmt.Errorf("%w: nobody says who made it", ErrInvalid))
	}
	return errors.Join(faults...)
}

// Book is every override, folded from the journal's stream of them. The zero Book is
// ready for the first event.
type Book struct{ all []Override }

// Apply folds the next event in. One that does not fit is an error and changes nothing.
func (b *Book) Apply(e call.Event) error {
	switch x := e.Body.(type) {
	case call.OnCallOverridden:
		if b.find(x.Override) != nil {
			return fmt.Errorf("oncall: override %s made twice", x.Override)
		}
		b.all = append(b.all, Override{ID: x.Override, Schedule: x.Schedule, Person: x.Person, From: x.From, To: x.To, Made: e.At, By: x.By, Why: x.Why})
	case call.OnCallRestored:
		o := b.find(x.Override)
		if o == nil || !o.Ended.IsZero() {
			return fmt.Errorf("oncall: %w: override %s", ErrUnknown, x.Override)
		}
		o.Ended, o.EndedBy = e.At, x.By
	}
	return nil
}

func (b *Book) find(id string) *Override {
	i := slices.IndexFunc(b.all, func(o Override) bool { return o.ID == id })
	if i < 0 {
		return nil
	}
	return &b.all[i]
}

// Live is the override with an id that can still be taken back at an instant.
func (b *Book) Live(id string, at time.Time) (Override, error) {
	o := b.find(id)
	if o == nil || !o.Ended.IsZero() || !o.To.After(at) {
		return Override{}, fmt.Errorf("%w: override %s", ErrUnknown, id)
	}
	return *o, nil
}

// Since is every override that holds at an instant or later, the first to begin first.
func (b *Book) Since(at time.Time) []Override {
	var out []Override
	for _, o := range b.all {
		if o.until().After(at) && !o.void() {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(x, y Override) int { return cmp.Or(x.From.Compare(y.From), x.Made.Compare(y.Made)) })
	return out
}

// All is every override that ever was, in the order in which they were made.
func (b *Book) All() []Override { return slices.Clone(b.all) }
