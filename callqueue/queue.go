package callqueue

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"firstline/call"
)

// Strategy is how a queue chooses among the agents who qualify and are free.
type Strategy string

// LongestIdle offers to the agent who has been idle longest.
const LongestIdle Strategy = "longest-idle"

// Queue is one queue's rules. The zero value of each field means the default
// named beside it; Defaults fills them in.
type Queue struct {
	ID       call.QueueID
	Name     string           // for people; the id when empty
	Need     call.Requirement // what every entry of this queue asks for
	Strategy Strategy         // longest-idle
	Priority int              // of entries that bring none; higher goes first
	Ring     time.Duration    // 15 s: how long one offer rings
	Misses   int              // 2: missed offers in a row before the agent is put on break
	WrapUp   time.Duration    // 60 s; negative means none
	MaxWait  time.Duration    // 0: no limit
	MaxLen   int              // 0: no limit
	Target   call.Target      // 80 % in 20 s, short abandon 5 s
	Music    call.Media       // music:default
	Record   bool             // record the talks
}

// Defaults returns q with its zero fields filled in.
func (q Queue) Defaults() Queue {
	q.Name = cmp.Or(q.Name, string(q.ID))
	q.Strategy = cmp.Or(q.Strategy, LongestIdle)
	q.Ring = cmp.Or(q.Ring, 15*time.Second)
	q.Misses = cmp.Or(q.Misses, 2)
	q.WrapUp = cmp.Or(q.WrapUp, 60*time.Second)
	q.Target.Within = cmp.Or(q.Target.Within, 20*time.Second)
	q.Target.Percent = cmp.Or(q.Target.Percent, 80)
	q.Target.ShortAbandon = cmp.Or(q.Target.ShortAbandon, 5*time.Second)
	q.Music = cmp.Or(q.Music, "music:default")
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
	if q.Strategy != LongestIdle {
		bad("unknown strategy %q (known: %s)", q.Strategy, LongestIdle)
	}
	if q.Ring < time.Second || q.Ring > 5*time.Minute {
		bad("ring time %v is not between 1s and 5m", q.Ring)
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
	if q.Need.Level < 0 || q.Need.Level > 4 {
		bad("support level %d is not between 1 and 4", q.Need.Level)
	}
	return errors.Join(faults...)
}
