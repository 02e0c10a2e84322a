package callqueue

import (
	"fmt"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// Times that are no queue's business. The Engine takes them as they are here.
const (
	// RetryDelay is how long an agent is left alone whose phone was not there or
	// busy, or who declined.
	RetryDelay = 10 * time.Second
	// RestoreGrace is how long a talk restored after a restart may go without a
	// TalkBegan before the agent is set free.
	RestoreGrace = 30 * time.Second
)

// Engine is the state of all queues and agents, and the rules. It is for one
// goroutine. The same inputs at the same instants give the same effects.
type Engine struct {
	queues  map[call.QueueID]*queue
	order   []*queue // as configured
	entries map[call.EntryID]*entry
	offers  map[call.OfferID]*offer
	agents  map[call.AgentID]*agent
	at      map[call.DeviceID]*agent // who sits where
	gone    map[call.DeviceID]bool   // phones known not to be registered

	lines        map[agents.Need]*line
	lineList     []*line
	benches      map[agents.Profile]*bench
	benchList    []*bench
	sweepLines   int
	sweepBenches int
	stirred      []*line

	timers heap[*timer]
	armed  uint64
	wake   time.Time // last asked for
	closed bool

	out []Effect // of the Apply under way
}

// NewEngine returns an Engine with no queue and no agent.
func NewEngine() *Engine {
	return &Engine{
		queues:       make(map[call.QueueID]*queue),
		entries:      make(map[call.EntryID]*entry),
		offers:       make(map[call.OfferID]*offer),
		agents:       make(map[call.AgentID]*agent),
		at:           make(map[call.DeviceID]*agent),
		gone:         make(map[call.DeviceID]bool),
		lines:        make(map[agents.Need]*line),
		benches:      make(map[agents.Profile]*bench),
		sweepLines:   sweepFloor,
		sweepBenches: sweepFloor,
		timers: heap[*timer]{
			before: (*timer).before, place: func(t *timer) *int { return &t.place },
		},
	}
}

// Apply takes one input that happened at now and returns what is to be done, in
// order. The input comes before what was due by now, so that an answer at the
// very deadline still counts.
func (e *Engine) Apply(now time.Time, in Input) []Effect {
	e.out = nil
	if err := e.take(now, in); err != nil {
		e.emit(Refused{err})
	}
	for e.timers.len() > 0 && !e.timers.head().at.After(now) {
		t := e.timers.head()
		e.disarm(t)
		t.due(now)
	}
	e.dispatch(now)
	var next time.Time
	if e.timers.len() > 0 {
		next = e.timers.head().at
	}
	if !next.Equal(e.wake) {
		e.wake = next
		e.emit(WakeAt{next})
	}
	return e.out
}

func (e *Engine) take(now time.Time, in Input) error {
	switch in := in.(type) {
	case Tick:
		return nil
	case Join:
		return e.join(now, in)
	case Leave:
		return e.leave(now, in)
	case OfferRang:
		return e.offerRang(in)
	case OfferDone:
		return e.offerDone(now, in)
	case TalkBegan:
		return e.talkBegan(now, in)
	case TalkHeld:
		return e.talkHeld(now, in)
	case TalkEnded:
		return e.talkEnded(now, in)
	case WrapUpExtended:
		return e.wrapUpExtended(now, in)
	case WrapUpEnded:
		return e.wrapUpEnded(now, in)
	case PresenceSet:
		return e.presenceSet(now, in)
	case DeviceReachable:
		return e.deviceReachable(now, in)
	case AgentSet:
		return e.agentSet(now, in)
	case AgentGone:
		return e.agentGone(now, in)
	case AgentRestored:
		return e.agentRestored(now, in.Restored)
	case SetQueues:
		return e.setQueues(now, in)
	case Close:
		e.close(now)
		return nil
	default:
		return fmt.Errorf("%w: unknown input %T", ErrInvalid, in)
	}
}

func (e *Engine) emit(f Effect)        { e.out = append(e.out, f) }
func (e *Engine) record(ev call.Event) { e.emit(Record{ev}) }
func (e *Engine) stir(l *line) { // the line may have gained a match
	if !l.stirred {
		l.stirred = true
		e.stirred = append(e.stirred, l)
	}
}

// dispatch makes every offer that can be made. Only stirred lines are looked at:
// all others had no match before and have gained neither a caller nor an agent.
func (e *Engine) dispatch(now time.Time) {
	for len(e.stirred) > 0 {
		i := e.firstStirred()
		l := e.stirred[i]
		var a *agent
		var ready int
		if l.waiting.len() > 0 && !e.closed {
			a, ready = l.longestIdle()
		}
		if a == nil {
			last := len(e.stirred) - 1
			e.stirred[i], e.stirred[last] = e.stirred[last], nil
			e.stirred = e.stirred[:last]
			l.stirred = false
			continue
		}
		e.makeOffer(now, l.waiting.head(), a, ready)
	}
}

// firstStirred is the stirred line whose head is served next; lines without
// callers count as first, for they are dropped.
func (e *Engine) firstStirred() int {
	first := 0
	for i, l := range e.stirred {
		if l.waiting.len() == 0 {
			return i
		}
		if l.waiting.head().before(e.stirred[first].waiting.head()) {
			first = i
		}
	}
	return first
}

// clock writes a duration as minutes and seconds.
func clock(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}
