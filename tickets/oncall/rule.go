package oncall

import (
	"slices"
	"time"

	"firstline/tickets/clock"
)

// Trigger is what happened to a ticket.
type Trigger string

// The triggers of a rule.
const (
	Graded   Trigger = "graded"  // opened, classified, or opened again
	Warned   Trigger = "warning" // a clock has used up a share of its target
	Breached Trigger = "breach"  // a clock has used up its target
)

// Triggers are all of them.
func Triggers() []Trigger { return []Trigger{Graded, Warned, Breached} }

// Hours is when a calendar of the centre is open.
type Hours interface {
	Open(at time.Time) (open bool, until time.Time)
}

// Rule is when a ticket is urgent enough to wake somebody. A zero field does not narrow.
type Rule struct {
	Ladder   string
	On       Trigger // Graded
	Priority int     // this one and those before it; 1 is the first
	Clock    clock.Kind
	Kinds    []string // of problem
	Clients  []string
	Services []string
	Closed   Hours // outside these hours only; nil: whatever the hour
}

// Facts is what rules look at.
type Facts struct {
	Trigger  Trigger
	Clock    clock.Kind // of a warning or a breach
	Priority int        // that of its contract for a ticket that has none yet; 0 for none
	Kind     string
	Client   string
	Service  string
}

// Urgent is the first rule that a ticket meets at an instant, counted from 1; 0 for none.
func (p Plan) Urgent(f Facts, at time.Time) int {
	return 1 + slices.IndexFunc(p.Rules, func(r Rule) bool { return r.meets(f, at) })
}

func (r Rule) meets(f Facts, at time.Time) bool {
	among := func(all []string, one string) bool { return len(all) == 0 || slices.Contains(all, one) }
	switch {
	case r.on() != f.Trigger,
		r.Clock != "" && r.Clock != f.Clock,
		r.Priority > 0 && (f.Priority == 0 || f.Priority > r.Priority),
		!among(r.Kinds, f.Kind), !among(r.Clients, f.Client), !among(r.Services, f.Service):
		return false
	}
	if r.Closed == nil {
		return true
	}
	open, _ := r.Closed.Open(at)
	return !open
}

func (r Rule) on() Trigger {
	if r.On == "" {
		return Graded
	}
	return r.On
}

// Notify is a step of the hierarchy: who is told of a ticket when it has used up a
// share of a clock's target.
type Notify struct {
	Priority int // this one and those before it; 0: any
	Clock    clock.Kind
	Percent  int      // of the target
	Who      []string // agents, or words of the notices' reader such as supervisor
}
