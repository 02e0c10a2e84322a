package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

// ErrInvalid means that a Scenario cannot be run; the error's text says why.
var ErrInvalid = errors.New("sim: not valid")

// Scenario is a day to be simulated. Arrivals and shifts need not be in order.
// Whoever leaves a queue by an exit to another goes there with the age that the
// wait has; all other exits end the call.
type Scenario struct {
	Queues   []callqueue.Queue // with those that exits lead to
	Rules    callqueue.Rules   // over all queues
	Agents   []agents.Agent    // logged out until a shift says otherwise; a phone is made for who has none
	Arrivals []Arrival
	Shifts   []Shift
	Client   func(call.Arrived) string // whose call it is, for figures and caps; nil: nobody's
	Class    func(call.Arrived) string // for which agents may be kept; nil: none
	// Tap is given every event of the run in order, when it is set.
	Tap func(call.Event)
}

// Arrival is a call that will join a queue, and what it will do. The zero value of
// a duration is said beside it.
type Arrival struct {
	At       time.Time
	Queue    call.QueueID
	Need     call.Requirement // beside the queue's
	Priority int              // 0: the queue's
	To       string           // the number dialled
	Patience time.Duration    // gives up after it, in whichever queue; 0: never
	Key      string           // pressed at PressAt, where the queue that it waits in then knows it; empty: none
	PressAt  time.Duration    // since the arrival
	Pickup   time.Duration    // from the offer until the agent answers; 0: at once
	Talk     time.Duration    // with holds
	WrapUp   time.Duration    // 0: the queue's; negative: none; never any in a queue that has none
}

// Shift is a change of presence, of the phone, or of both. Whoever talks when told
// to log out does so after the call.
type Shift struct {
	At       time.Time
	Agent    call.AgentID
	Presence call.Presence // empty: as before
	Reason   string
	Phone    Phone
}

// Phone says whether an agent's phone comes or goes; phones are there at first.
type Phone int

// What a phone does at a Shift.
const (
	PhoneStays Phone = iota
	PhoneGoes
	PhoneComes
)

// Load is how many calls come within an interval.
type Load struct {
	From, To time.Time
	Calls    float64 // expected
}

// Demand is a kind of call. Nil draws are said beside them.
type Demand struct {
	Queue    call.QueueID
	Need     call.Requirement
	Priority int
	To       string
	Loads    []Load
	Talk     Draw // must be there
	WrapUp   Draw // nil: the queue's
	Patience Draw // nil: endless
	Pickup   Draw // nil: at once
}

// Generate draws the arrivals of all demands, in order: a Poisson stream with the
// rate of each load. The same seed gives the same calls.
func Generate(seed uint64, demands []Demand) []Arrival {
	var all []Arrival
	for i, d := range demands {
		when := source(seed, uint64(i)<<8|streamArrivals)
		what := source(seed, uint64(i)<<8|streamCalls)
		for _, l := range d.Loads {
			if l.Calls <= 0 || !l.From.Before(l.To) {
				continue
			}
			gap := float64(l.To.Sub(l.From)) / l.Calls
			for at := l.From; ; {
				at = at.Add(time.Duration(gap * when.ExpFloat64()))
				if !at.Before(l.To) {
					break
				}
				a := Arrival{At: at, Queue: d.Queue, Need: d.Need, Priority: d.Priority, To: d.To, Talk: d.Talk(what)}
				if d.WrapUp != nil {
					a.WrapUp = d.WrapUp(what)
				}
				if d.Patience != nil {
					a.Patience = d.Patience(what)
				}
				if d.Pickup != nil {
					a.Pickup = d.Pickup(what)
				}
				all = append(all, a)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Arrival) int { return a.At.Compare(b.At) })
	return all
}

// Staffed is how many agents of a group work from an instant on.
type Staffed struct {
	From   time.Time
	Agents int
}

// Shifts has the first n of a group at work, as the plan says. Who is too many
// finishes the call at hand.
func Shifts(group []call.AgentID, plan []Staffed) ([]Shift, error) {
	plan = slices.SortedStableFunc(slices.Values(plan), func(a, b Staffed) int { return a.From.Compare(b.From) })
	var shifts []Shift
	at := 0
	for _, p := range plan {
		if p.Agents < 0 || p.Agents > len(group) {
			return nil, fmt.Errorf("%w: %d agents are planned, the group has %d", ErrInvalid, p.Agents, len(group))
		}
		for ; at < p.Agents; at++ {
			shifts = append(shifts, Shift{At: p.From, Agent: group[at], Presence: call.Available})
		}
		for ; at > p.Agents; at-- {
			shifts = append(shifts, Shift{At: p.From, Agent: group[at-1], Presence: call.LoggedOut})
		}
	}
	return shifts, nil
}

// Validate returns all faults of the scenario, each matching ErrInvalid.
func (s Scenario) Validate() error {
	var faults []error
	bad := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...)))
	}
	queues := make(map[call.QueueID]bool)
	for _, q := range s.Queues {
		queues[q.ID] = true
	}
	people := make(map[call.AgentID]bool)
	for _, a := range s.Agents {
		if people[a.ID] {
			bad("agent %q is there twice", a.ID)
		}
		people[a.ID] = true
	}
	unknown := make(map[string]int)
	for _, q := range s.Queues {
		for _, id := range LeadsTo(q) {
			if !queues[id] {
				unknown[fmt.Sprintf("exits of queue %q to %q, which is not there", q.ID, id)]++
			}
		}
	}
	for _, a := range s.Arrivals {
		if !queues[a.Queue] {
			unknown[fmt.Sprintf("calls for queue %q, which is not there", a.Queue)]++
		}
		if a.Talk < 0 || a.Patience < 0 || a.Pickup < 0 || a.PressAt < 0 {
			unknown["calls with negative times"]++
		}
	}
	for _, p := range s.Shifts {
		if !people[p.Agent] {
			unknown[fmt.Sprintf("shifts of agent %q, who is not there", p.Agent)]++
		}
	}
	for what, n := range unknown {
		bad("%d %s", n, what)
	}
	slices.SortFunc(faults, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}
