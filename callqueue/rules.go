package callqueue

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// Rules are what holds over all queues. The zero Rules order by priority, then
// by who waits longest, and limit nothing.
type Rules struct {
	Order    Order
	Clients  map[string]Cap       // by client; those not named have no limit
	Reserves []Reserve            //
	Classes  map[string]Class     // of calls; those not named add nothing
	Breaks   map[string]BreakRule // by reason; those not named have no limit
}

// Order is the one order in which callers are served, over all queues. It is
// the same at any time: who is before whom does not change while they wait.
type Order struct {
	By OrderBy // priority
	// PerMinute is how much priority a minute of waiting is worth, with
	// OrderByPriority. Whoever has P more than somebody else overtakes them only
	// when joining at most P/PerMinute minutes later. 0 means that priority
	// always goes first.
	PerMinute float64
	// Bound is how much earlier somebody may have joined and still be overtaken,
	// with OrderBySlack. 0 means no bound but that of the targets.
	Bound time.Duration
}

// OrderBy is a kind of order.
type OrderBy string

const (
	OrderByPriority OrderBy = "priority"
	OrderBySlack    OrderBy = "slack" // least time left until the tightest target is missed
)

// Cap limits how many agents are with one client's calls at once, from the offer
// to the end of the wrap-up. The lower of the two holds; 0 is no limit.
type Cap struct {
	Agents int
	Share  float64 // percent of those who are available, at least one
}

// Reserve keeps Keep free agents among those who meet Need for the calls of some
// classes: others get one of them only while more are free.
type Reserve struct {
	Name    string
	Classes []string // such as "on-call"
	Need    call.Requirement
	Keep    int
}

// Class is what calls of a class have beside others.
type Class struct {
	Priority int // that is added
}

// BreakRule limits how many may be on break for one reason at once. Who is sent
// by a supervisor or by the system is not refused.
type BreakRule struct {
	Most   int                  // 0: no limit
	Queues map[call.QueueID]int // of those who meet a queue's own requirement
}

func (r Rules) defaults() Rules {
	if r.Order.By == "" {
		r.Order.By = OrderByPriority
	}
	return r
}

// Validate returns all faults of the rules.
func (r Rules) Validate() error {
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if by := r.defaults().Order.By; by != OrderByPriority && by != OrderBySlack {
		bad("unknown order %q (known: %s, %s)", by, OrderByPriority, OrderBySlack)
	}
	if r.Order.PerMinute < 0 || r.Order.PerMinute > 1000 || r.Order.PerMinute > 0 && r.Order.PerMinute < 0.001 {
		bad("%v points per minute are not between 0.001 and 1000", r.Order.PerMinute)
	}
	if r.Order.Bound < 0 {
		bad("the bound on overtaking may not be negative")
	}
	for _, c := range slices.Sorted(maps.Keys(r.Clients)) {
		if limit := r.Clients[c]; limit.Agents < 0 || limit.Share < 0 || limit.Share > 100 {
			bad("client %q: agents may not be negative, and a share is between 0 and 100", c)
		}
	}
	names := make(map[string]bool)
	for _, k := range r.Reserves {
		if k.Name == "" || names[k.Name] || k.Keep < 1 || len(k.Classes) == 0 {
			bad("reserve %q needs a name of its own, classes, and at least one agent to keep", k.Name)
		}
		names[k.Name] = true
		if err := agents.ValidateNeed(k.Need); err != nil {
			bad("reserve %q: %w", k.Name, err)
		}
	}
	for _, class := range slices.Sorted(maps.Keys(r.Classes)) {
		if n := r.Classes[class].Priority; n < 0 || n > MostPoints {
			bad("class %q: a priority of %d is not between 0 and %d", class, n, MostPoints)
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Breaks)) {
		if r.Breaks[reason].Most < 0 {
			bad("break %q: the limit may not be negative", reason)
		}
	}
	return errors.Join(faults...)
}

// rank is an entry's place in the one order: the higher priority, then the
// earlier instant.
type rank struct {
	priority int
	at       int64 // nanoseconds; an instant moved by what the order counts
}

func (o Order) rank(x *entry) rank {
	at := x.arrived.UnixNano()
	switch {
	case o.By == OrderBySlack:
		within := x.queue.Target.Within
		if x.within > 0 {
			within = min(within, x.within)
		}
		if o.Bound > 0 {
			within = min(within, o.Bound)
		}
		return rank{at: at + int64(within)}
	case o.PerMinute > 0:
		return rank{at: at - int64(float64(x.priority)/o.PerMinute*float64(time.Minute))}
	}
	return rank{x.priority, at}
}

// before is the one order of service.
func (x *entry) before(y *entry) bool {
	if x.rank.priority != y.rank.priority {
		return x.rank.priority > y.rank.priority
	}
	if x.rank.at != y.rank.at {
		return x.rank.at < y.rank.at
	}
	if c := x.arrived.Compare(y.arrived); c != 0 {
		return c < 0
	}
	return x.id < y.id
}

func (e *Engine) setRules(now time.Time, in SetRules) error {
	if err := in.Rules.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	e.rules = in.Rules.defaults()
	e.rebuild(now)
	return nil
}

// prioritize changes a priority by a person's will, until the entry leaves.
func (e *Engine) prioritize(now time.Time, in Prioritize) error {
	x, ok := e.entries[in.Entry]
	switch {
	case !ok:
		return fmt.Errorf("%w: %s", ErrUnknownEntry, in.Entry)
	case in.By == "" || in.Reason == "":
		return fmt.Errorf("%w: a priority is changed by somebody and for a reason", ErrInvalid)
	case in.Priority < 0:
		return fmt.Errorf("%w: priority %d", ErrInvalid, in.Priority)
	}
	x.leaveHeap()
	x.prio, x.set = in.Priority, true
	e.grade(x)
	e.record(call.CallEvent(now, x.id.Call(), call.QueueReprioritized{
		Entry: x.id, Priority: x.priority, By: in.By, Reason: in.Reason,
	}))
	e.place(now, x)
	return nil
}

// Of priority: the most that one thing gives, and how many unanswered calls count.
const (
	MostPoints   = 100
	mostUnserved = 3
)

// parts are what gives x its priority, but for those that give nothing. A person's
// word stands alone. The rules in force decide, also of those who wait already.
func (e *Engine) parts(x *entry) call.Parts {
	var all call.Parts
	add := func(p call.Part) {
		if p.Points > 0 {
			all = append(all, p)
		}
	}
	if x.set {
		add(call.Part{Of: call.OfCall, Points: x.prio})
		return all
	}
	if x.prio > 0 {
		add(call.Part{Of: call.OfCall, Points: x.prio})
	} else {
		add(call.Part{Of: call.OfQueue, Name: string(x.queue.ID), Points: x.queue.Priority})
	}
	add(call.Part{Of: call.OfClass, Name: x.class, Points: e.rules.Classes[x.class].Priority})
	add(call.Part{Of: call.OfTicket, Points: x.ticket})
	add(call.Part{Of: call.OfUnserved, Times: x.unserved, Points: x.queue.Again.Points(x.unserved)})
	return all
}

// grade sets priority and rank.
func (e *Engine) grade(x *entry) {
	x.priority = e.parts(x).Sum()
	x.rank = e.rules.Order.rank(x)
}
