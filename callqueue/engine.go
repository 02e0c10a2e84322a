package callqueue

import (
	"fmt"
	"time"

	"firstline/call"
)

// Times that the Engine takes as they are here.
const (
	// RetryDelay is how long an agent is left alone whose phone was not there or
	// busy, or who declined, unless the queue says otherwise.
	RetryDelay = 10 * time.Second
	// AskTime is how much longer than others a number rings that is asked to press 1.
	AskTime = 10 * time.Second
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
	silent  map[call.DeviceID]bool   // phones from which no audio came

	rules   Rules
	clients map[string]*client // with a limit
	shares  []*client          // of those, who have a share; in order of name
	pools   []*pool
	classes map[string]bool            // for whom agents are kept
	breaks  map[string]map[*agent]bool // who is on break, by reason
	atWork  int                        // agents

	lines        map[lineKey]*line
	lineList     []*line
	benches      map[string]*bench
	benchList    []*bench
	uses         [orders]bool
	sweepLines   int
	sweepBenches int
	stirred      []*line
	suspects     []*line
	awaited      expected

	seed, drawn uint64

	timers heap[*timer]
	armed  uint64
	wake   time.Time // last asked for
	closed bool

	out []Effect // of the Apply under way
}

// NewEngine returns an Engine with no queue and no agent, and the seed 0.
func NewEngine() *Engine { return NewSeeded(0) }

// NewSeeded returns an Engine whose strategies draw from a seed: the same inputs
// with the same seed give the same effects.
func NewSeeded(seed uint64) *Engine {
	return &Engine{
		queues:       make(map[call.QueueID]*queue),
		entries:      make(map[call.EntryID]*entry),
		offers:       make(map[call.OfferID]*offer),
		agents:       make(map[call.AgentID]*agent),
		at:           make(map[call.DeviceID]*agent),
		gone:         make(map[call.DeviceID]bool),
		silent:       make(map[call.DeviceID]bool),
		rules:        Rules{}.defaults(),
		breaks:       make(map[string]map[*agent]bool),
		lines:        make(map[lineKey]*line),
		benches:      make(map[string]*bench),
		sweepLines:   lineFloor,
		sweepBenches: benchFloor,
		seed:         seed,
		awaited:      expected{limit: timer{place: -1}},
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
	e.guard(now)
	e.dispatch(now)
	for len(e.suspects)+len(e.stirred) > 0 { // whom an offer has taken the last agent from
		e.guard(now)
		e.dispatch(now)
	}
	e.sweepWhenDue(now)
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
	case Expect:
		e.expect(now, in)
		return nil
	case Leave:
		return e.leave(now, in)
	case Press:
		return e.press(now, in)
	case Prioritize:
		return e.prioritize(now, in)
	case OfferRang:
		return e.offerRang(in)
	case OfferDone:
		return e.offerDone(now, in)
	case TalkBegan:
		return e.talkBegan(now, in)
	case TalkMoved:
		return e.talkMoved(now, in)
	case CallOut:
		return e.callOut(now, in)
	case TalkHeld:
		return e.talkHeld(now, in)
	case TalkSilent:
		return e.talkSilent(now, in)
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
		return e.agentRestored(now, in.Record)
	case SetQueues:
		return e.setQueues(now, in)
	case SetRules:
		return e.setRules(now, in)
	case Close:
		e.close(now)
		return nil
	default:
		return fmt.Errorf("%w: unknown input %T", ErrInvalid, in)
	}
}

func (e *Engine) emit(f Effect)        { e.out = append(e.out, f) }
func (e *Engine) record(ev call.Event) { e.emit(Record{ev}) }

// clock writes a duration as minutes and seconds.
func clock(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}
