package callqueue

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// Queue is one queue's rules. The zero value of each field means the default
// named beside it; Defaults fills them in.
type Queue struct {
	ID       call.QueueID
	Name     string           // for people; the id when empty
	Need     call.Requirement // what every entry of this queue asks for
	Strategy Strategy         // longest-idle
	Priority int              // of entries that bring none; higher goes first
	Ring     time.Duration    // 15 s: how long one offer rings
	RingStep time.Duration    // 10 s: between two phones of ring-progressively
	Misses   int              // 2: missed offers in a row before the agent is put on break
	WrapUp   time.Duration    // 60 s; negative means none
	MaxWait  time.Duration    // 0: no limit
	MaxLen   int              // 0: no limit
	Target   call.Target      // 80 % in 20 s, short abandon 5 s
	Music    call.Media       // music:default
	Record   bool             // record the talks

	// Unasked takes the answer of a number far away for the person's. Otherwise they
	// have to press 1, since a voicemail box answers as well.
	Unasked    bool
	AutoAnswer bool   // tell the agents' phones to answer by themselves, with a beep
	Whisper    string // key of what an agent hears before the caller; empty for nothing
	Sticky     Sticky // callers who come again
	Again      Again  // callers who were not served

	Tiers     map[call.AgentID]int // of agents in this queue, 1 for those not named; lower goes first
	Window    Window               // of the tiers that may be chosen: any
	Steps     []Step               // that follow, in order of After
	SkipEmpty bool                 // go on to the next step at once while nobody logged in is within this one

	// How long an agent is left alone after an offer of this queue that was not
	// answered; negative means not at all.
	RejectDelay      time.Duration // 10 s, the person declined
	BusyDelay        time.Duration // 10 s, the phone was busy
	UnreachableDelay time.Duration // 10 s, the phone was not there
	NoAnswerDelay    time.Duration // none, nobody answered

	NoAgent  NoAgentRule     // when the queue has nobody: callers wait on
	Overflow *Exit           // at MaxLen; nil refuses with ErrFull
	Timeout  *Exit           // at MaxWait; nil hangs up
	Empty    *Exit           // by NoAgent; nil hangs up
	Keys     map[string]Exit // what a waiting caller may press: one of 0 to 9, * and #
}

// Sticky leads a caller who comes again to the agent whom they talked to last.
type Sticky struct {
	Within time.Duration // since that talk; 0: never
	For    time.Duration // how long the call is kept for that agent, while available; 20 s
}

// Again raises the priority of callers who left a queue unserved before.
type Again struct {
	Within   time.Duration // since they did; 0: never
	Priority int           // added for each time, three times at the most
}

// Points is what so many times add.
func (a Again) Points(times int) int { return min(times, mostUnserved) * a.Priority }

// Defaults returns q with its zero fields filled in.
func (q Queue) Defaults() Queue {
	q.Name = cmp.Or(q.Name, string(q.ID))
	q.Strategy = cmp.Or(q.Strategy, LongestIdle)
	q.Ring = cmp.Or(q.Ring, 15*time.Second)
	q.RingStep = cmp.Or(q.RingStep, 10*time.Second)
	q.Misses = cmp.Or(q.Misses, 2)
	q.WrapUp = cmp.Or(q.WrapUp, 60*time.Second)
	q.Target.Within = cmp.Or(q.Target.Within, 20*time.Second)
	q.Target.Percent = cmp.Or(q.Target.Percent, 80)
	q.Target.ShortAbandon = cmp.Or(q.Target.ShortAbandon, 5*time.Second)
	q.Music = cmp.Or(q.Music, "music:default")
	q.Sticky.For = cmp.Or(q.Sticky.For, 20*time.Second)
	q.RejectDelay = cmp.Or(q.RejectDelay, RetryDelay)
	q.BusyDelay = cmp.Or(q.BusyDelay, RetryDelay)
	q.UnreachableDelay = cmp.Or(q.UnreachableDelay, RetryDelay)
	q.NoAgent = q.NoAgent.defaults()
	return q
}

// Validate returns all faults of a queue with its defaults filled in.
func (q Queue) Validate() error {
	var faults []error
	bad := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("queue %q: "+format, append([]any{q.ID}, args...)...))
	}
	if q.ID == "" {
		bad("has no id")
	}
	if !slices.Contains(Strategies(), q.Strategy) {
		bad("unknown strategy %q (known: %s)", q.Strategy, Strategies())
	}
	if q.Ring < time.Second || q.Ring > 5*time.Minute {
		bad("ring time %v is not between 1s and 5m", q.Ring)
	}
	if q.RingStep < time.Second || q.RingStep > 5*time.Minute {
		bad("ring step %v is not between 1s and 5m", q.RingStep)
	}
	if q.Misses < 1 {
		bad("misses %d is below 1", q.Misses)
	}
	if q.MaxWait < 0 || q.MaxLen < 0 {
		bad("limits may not be negative")
	}
	if q.Target.Percent < 0 || q.Target.Percent > 100 {
		bad("target of %v %% is not between 0 and 100", q.Target.Percent)
	}
	if err := agents.ValidateNeed(q.Need); err != nil {
		bad("%w", err)
	}
	for _, a := range slices.Sorted(maps.Keys(q.Tiers)) {
		if t := q.Tiers[a]; t < 1 || t > MaxTier {
			bad("tier %d of agent %q is not between 1 and %d", t, a, MaxTier)
		}
	}
	if err := q.Window.validate(); err != nil {
		bad("%w", err)
	}
	validateSteps(q.Steps, bad)
	q.validateExits(bad)
	return errors.Join(faults...)
}
