package callqueue

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"firstline/call"
)

// Exit is how callers leave a queue without an agent.
type Exit struct {
	Outcome  call.Outcome // empty means that of the rule: timeout-overflow, empty, exit-key
	To       Destination  // hangup
	Prompt   string       // key of what is played before, empty for nothing
	Priority int          // in the queue that is gone to; 0 means that queue's
}

// Destination is where an exit leads.
type Destination struct {
	Kind DestinationKind // hangup
	Name string          // the queue's or flow's id, the number; of voicemail the box, or empty
}

// DestinationKind is a kind of place where an exit can lead.
type DestinationKind string

const (
	ToHangup    DestinationKind = "hangup"
	ToQueue     DestinationKind = "queue"
	ToFlow      DestinationKind = "flow"
	ToNumber    DestinationKind = "number"
	ToVoicemail DestinationKind = "voicemail"
	ToCallback  DestinationKind = "callback" // the caller is called back, at the place kept
)

// DestinationKinds returns all kinds.
func DestinationKinds() []DestinationKind {
	return []DestinationKind{ToHangup, ToQueue, ToFlow, ToNumber, ToVoicemail, ToCallback}
}

// alone reports whether there is only one such place.
func (k DestinationKind) alone() bool { return k == ToHangup || k == ToVoicemail || k == ToCallback }

// String writes "queue:night" or "hangup".
func (d Destination) String() string {
	kind := cmp.Or(d.Kind, ToHangup)
	if d.Name == "" {
		return string(kind)
	}
	return string(kind) + ":" + d.Name
}

// exitRule is what makes callers leave.
type exitRule string

const (
	exitOverflow exitRule = "overflow"
	exitTimeout  exitRule = "timeout"
	exitNoAgent  exitRule = "no-agent"
	exitKey      exitRule = "key"
)

// outcome is how a caller leaves by a rule when the exit does not say.
func (r exitRule) outcome() call.Outcome {
	switch r {
	case exitNoAgent:
		return call.OutcomeEmpty
	case exitKey:
		return call.OutcomeExitKey
	}
	return call.OutcomeTimeoutOverflow
}

func (q Queue) validateExits(bad func(string, ...any)) {
	check := func(name string, x *Exit) {
		if x == nil {
			return
		}
		kind := cmp.Or(x.To.Kind, ToHangup)
		switch {
		case !slices.Contains(DestinationKinds(), kind):
			bad("exit %s leads to an unknown %q", name, kind)
		case x.To.Name == "" && !kind.alone():
			bad("exit %s leads to no particular %s", name, kind)
		case kind == ToQueue && x.To.Name == string(q.ID) && name != string(exitTimeout):
			bad("exit %s leads back into the queue", name)
		}
		if x.Outcome != "" && !slices.Contains(ExitOutcomes(), x.Outcome) {
			bad("exit %s cannot end as %q", name, x.Outcome)
		}
		if x.Priority < 0 {
			bad("exit %s has priority %d", name, x.Priority)
		}
	}
	check(string(exitOverflow), q.Overflow)
	check(string(exitTimeout), q.Timeout)
	check(string(exitNoAgent), q.Empty)
	for _, k := range slices.Sorted(maps.Keys(q.Keys)) {
		if len(k) != 1 || !strings.Contains("0123456789*#", k) {
			bad("%q is no key", k)
		}
		x := q.Keys[k]
		check("key "+k, &x)
	}
	for _, s := range q.NoAgent.Counts {
		if s.standings() == 0 {
			bad("unknown state %q of agents (known: %s)", s, AgentStates())
		}
	}
}

// ExitOutcomes returns the outcomes that an exit may give.
func ExitOutcomes() []call.Outcome {
	return []call.Outcome{
		call.OutcomeTimeoutOverflow, call.OutcomeEmpty, call.OutcomeExitKey, call.OutcomeCallbackTaken,
		call.OutcomeVoicemail, call.OutcomeDeflected, call.OutcomeMoved,
	}
}

// leaves reports whether an entry can leave with an outcome other than by an
// answer.
func leaves(out call.Outcome) bool {
	switch out {
	case call.OutcomeAbandoned, call.OutcomeAbandonedShort, call.OutcomeWithdrawn, call.OutcomeSystemFailed:
		return true
	}
	return slices.Contains(ExitOutcomes(), out)
}

// exit takes an entry out by a rule of its queue.
func (e *Engine) exit(now time.Time, x *entry, rule exitRule, key string, given *Exit) {
	var to Exit
	if given != nil {
		to = *given
	}
	to.To.Kind = cmp.Or(to.To.Kind, ToHangup)
	if to.Outcome == "" {
		to.Outcome = rule.outcome()
		switch to.To.Kind {
		case ToVoicemail:
			to.Outcome = call.OutcomeVoicemail
		case ToCallback:
			to.Outcome = call.OutcomeCallbackTaken
		}
	}
	e.record(call.CallEvent(now, x.id.Call(), call.QueueExited{
		Entry: x.id, Rule: string(rule), Key: key, To: to.To.String(),
	}))
	e.quit(now, x, to.Outcome, &to)
}

func (e *Engine) press(now time.Time, in Press) error {
	x, ok := e.entries[in.Entry]
	if !ok {
		return fmt.Errorf("%w: %s", ErrUnknownEntry, in.Entry)
	}
	to, ok := x.queue.Keys[in.Key]
	if !ok || x.sole {
		return fmt.Errorf("%w: %q in queue %q", ErrUnknownKey, in.Key, x.queue.ID)
	}
	e.exit(now, x, exitKey, in.Key, &to)
	return nil
}

// overdue ends the longest wait, unless a phone rings that may still be answered.
func (e *Engine) overdue(now time.Time, x *entry) {
	if len(x.live) == 0 {
		e.expire(now, x)
	}
}

// tooLong reports whether the longest wait has passed.
func (x *entry) tooLong(now time.Time) bool {
	if x.sole {
		return !x.joined.Add(x.patience).After(now)
	}
	m := x.queue.MaxWait
	return m > 0 && !x.absent() && !x.came.Add(m).After(now)
}
