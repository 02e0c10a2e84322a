package callqueue

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// MaxTier is the last tier of a queue's agents; 1 is the first.
const MaxTier = 100

// Step is what a queue asks from a caller's age on, in place of what it asked
// before. What the call itself brings (of the flow, the customer, a language)
// is always asked in addition. The age counts from when the wait began, over
// moves between queues and restarts.
type Step struct {
	After  time.Duration
	Need   call.Requirement
	Window Window
}

// Window is which tiers may be chosen. Raise makes all below it equal to it, so
// that the first tiers lose their precedence (as in Asterisk's queuerules). Zero
// fields set no limit.
type Window struct{ Min, Max, Raise int }

// admits reports whether a tier is within, and which tier it counts as.
func (w Window) admits(tier int) (int, bool) {
	return max(tier, w.Raise), tier >= w.Min && (w.Max == 0 || tier <= w.Max)
}

func (w Window) validate() error {
	if w.Min < 0 || w.Max < 0 || w.Raise < 0 || max(w.Min, w.Max, w.Raise) > MaxTier {
		return fmt.Errorf("tiers are between 1 and %d", MaxTier)
	}
	if w.Max > 0 && w.Min > w.Max {
		return fmt.Errorf("no tier is at least %d and at most %d", w.Min, w.Max)
	}
	return nil
}

func validateSteps(steps []Step, bad func(string, ...any)) {
	last := time.Duration(0)
	for i, s := range steps {
		if s.After <= last {
			bad("step %d after %v does not come after %v", i+1, s.After, last)
		}
		last = s.After
		if err := agents.ValidateNeed(s.Need); err != nil {
			bad("step %d: %w", i+1, err)
		}
		if err := s.Window.validate(); err != nil {
			bad("step %d: %w", i+1, err)
		}
	}
}

// ladder is what a caller's queue asks, and the steps that follow: the queue's,
// or those that the call brought in their place.
type ladder struct {
	Step  // the queue's own, step 0
	steps []Step
	key   string // of steps that the call brought
}

// at is the nth step; 0 is what the queue asks of itself.
func (r ladder) at(n int) (call.Requirement, Window) {
	if n == 0 {
		return r.Need, r.Window
	}
	return r.steps[n-1].Need, r.steps[n-1].Window
}

// reached is the step of a caller of an age.
func (r ladder) reached(age time.Duration) int {
	n := 0
	for n < len(r.steps) && r.steps[n].After <= age {
		n++
	}
	return n
}

func (q Queue) ladder() ladder {
	return ladder{Step: Step{Need: q.Need, Window: q.Window}, steps: q.Steps}
}

// climb sets what x is asked at which age, by the queue's rules and by what the
// call brought.
func (x *entry) climb() {
	if x.sole {
		x.ladder = ladder{key: soleKey}
		return
	}
	x.ladder = x.queue.ladder()
	if x.brought == nil {
		return
	}
	x.ladder.steps = x.brought
	var key strings.Builder
	key.WriteString("its own:") // no steps are not those of the queue either
	for _, s := range x.brought {
		fmt.Fprintf(&key, "%d %s %v;", s.After, agents.NeedOf(s.Need), s.Window)
	}
	x.ladder.key = key.String()
}

// tier is where an agent stands in the queue.
func (q *Queue) tier(id call.AgentID) int { return max(q.Tiers[id], 1) }

// IdleSteps returns the steps of q, from 1, that let nobody of the roster in
// whom the step before did not: waiting for them is waiting for nothing. The
// roster's profiles decide, not who is logged in.
func IdleSteps(q Queue, roster []agents.Agent) []int {
	rungs := q.ladder()
	within := func(n int) map[call.AgentID]bool {
		need, window := rungs.at(n)
		in := make(map[call.AgentID]bool)
		for _, a := range roster {
			if _, ok := window.admits(q.tier(a.ID)); ok && a.Meets(need) {
				in[a.ID] = true
			}
		}
		return in
	}
	var idle []int
	before := within(0)
	for n := 1; n <= len(q.Steps); n++ {
		now := within(n)
		added := slices.ContainsFunc(slices.Collect(maps.Keys(now)), func(id call.AgentID) bool { return !before[id] })
		if !added {
			idle = append(idle, n)
		}
		before = now
	}
	return idle
}

// place puts x where its age and the rules want it: into the step reached, with
// the agent asked for or with everybody. It may be called at any time.
func (e *Engine) place(now time.Time, x *entry) {
	x.leaveHeap()
	step := max(x.step, x.ladder.reached(now.Sub(x.arrived)))
	l := e.lineOf(now, x, step)
	if x.queue.SkipEmpty {
		for n := step; n <= len(x.ladder.steps); n++ {
			if further := e.lineOf(now, x, n); e.staffedNow(further) {
				step, l = n, further
				break
			}
		}
	}
	if l != x.line {
		e.change(now, x, l, step)
	}
	e.armTurn(now, x)
	switch {
	case len(x.live) == 0:
		x.enter(&l.waiting)
	case l.queue.Strategy.rings():
		x.enter(&l.ringing)
	default:
		return
	}
	e.stir(l)
}

// change moves an entry from one line to another. It records how everybody stood
// until now, and the new requirement when it is another.
func (e *Engine) change(now time.Time, x *entry, l *line, step int) {
	if x.line != nil {
		e.decided(now, x, "", 0)
		x.line.all--
		e.inheritGrace(x.line, l)
	}
	if asks := (asking{step, l.needKey, l.window, l.key.only}); asks != x.asks {
		x.asks = asks
		e.record(call.CallEvent(now, x.id.Call(), call.QueueWidened{
			Entry: x.id, Step: step, Need: l.need, Tiers: call.Tiers(l.window), For: l.key.only,
		}))
	}
	x.line, x.step = l, step
	l.all++
	x.since, x.stood = now, l.stood(now)
	if e.guarded(l) {
		e.suspect(l)
	}
}

// asking is what the journal says that an entry asks for.
type asking struct {
	step   int
	need   agents.Need
	window Window
	only   call.AgentID
}

// armTurn has place called again when the next step is due, or the time of the
// agent asked for has passed.
func (e *Engine) armTurn(now time.Time, x *entry) {
	var at time.Time
	if x.step < len(x.ladder.steps) {
		at = x.arrived.Add(x.ladder.steps[x.step].After)
	}
	if x.line.only != nil {
		if end := x.came.Add(x.preferFor); at.IsZero() || end.Before(at) {
			at = end
		}
	}
	if !at.After(now) {
		e.disarm(&x.turn)
		return
	}
	e.arm(&x.turn, at)
}
