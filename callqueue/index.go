package callqueue

import (
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// entry is one stay of a call in a queue.
type entry struct {
	id       call.EntryID
	queue    *queue
	asked    call.Requirement // what the call brought; the queue's is merged in again when it changes
	prio     int              // what the call brought
	priority int              // in force
	joined   time.Time
	line     *line
	place    int // in the line; -1 while offered
	offers   int // made so far
	offer    *offer
	limit    timer // longest wait
}

// before is the one order of service.
func (a *entry) before(b *entry) bool {
	if a.priority != b.priority {
		return a.priority > b.priority
	}
	if c := a.joined.Compare(b.joined); c != 0 {
		return c < 0
	}
	return a.id < b.id
}

// queue is a queue's rules and who is in it.
type queue struct {
	Queue
	entries map[call.EntryID]*entry
}

// offer is the lease that an entry has on an agent.
type offer struct {
	id       call.OfferID
	entry    *entry
	agent    *agent
	device   call.DeviceID // that rings; the agent may sign in elsewhere meanwhile
	rang     bool
	deadline timer
}

// agent is a person and where they stand.
type agent struct {
	agents.Agent
	bench    *bench
	presence call.Presence
	reason   string // of the break
	said     time.Time
	activity call.Activity
	since    time.Time // of the activity
	free     time.Time // waiting for a call since; kept when an offer is withdrawn
	place    int       // among the bench's ready; -1 when not ready
	offer    *offer
	call     call.ID // of the talk, the hold or the wrap-up
	queue    call.QueueID
	wrapUp   time.Duration // due after this talk
	misses   int           // in a row
	rest     rest
	gone     bool  // off the roster as soon as the talk ends
	due      timer // end of wrap-up, of rest, or of an unconfirmed talk
}

// rest is why an idle agent gets no offer for a short while.
type rest string

const (
	restNone        rest = ""
	restUnreachable rest = "unreachable"
	restBusy        rest = "phone busy"
	restDeclined    rest = "declined just now"
)

// longer says who has waited longer for a call.
func (a *agent) longer(b *agent) bool {
	if c := a.free.Compare(b.free); c != 0 {
		return c < 0
	}
	return a.ID < b.ID
}

// line is everybody who waits with the same requirement, and bench everybody who
// can do the same. A decision looks at the heads of lines and benches, so its
// cost does not grow with callers or agents.
type line struct {
	key     agents.Need
	need    call.Requirement
	waiting heap[*entry] // without those who are being offered
	all     int          // with them
	benches []*bench     // that can serve it
	stirred bool         // may have gained a match since the last dispatch
}

type bench struct {
	key   agents.Profile
	like  agents.Agent // any one of them; only level and skills matter
	ready heap[*agent]
	all   int
	lines []*line // that it can serve
}

// longestIdle is the ready agent who has waited longest, nil when there is none,
// and how many there are.
func (l *line) longestIdle() (*agent, int) {
	var first *agent
	n := 0
	for _, b := range l.benches {
		if b.ready.len() == 0 {
			continue
		}
		n += b.ready.len()
		if a := b.ready.head(); first == nil || a.longer(first) {
			first = a
		}
	}
	return first, n
}

// lineFor finds or makes the line of a requirement.
func (e *Engine) lineFor(need call.Requirement) *line {
	key := agents.NeedOf(need)
	if l, ok := e.lines[key]; ok {
		return l
	}
	if len(e.lines) >= e.sweepLines {
		e.sweep()
	}
	l := &line{key: key, need: need, waiting: heap[*entry]{
		before: (*entry).before, place: func(x *entry) *int { return &x.place },
	}}
	for _, b := range e.benchList {
		if b.like.Meets(need) {
			l.benches = append(l.benches, b)
			b.lines = append(b.lines, l)
		}
	}
	e.lines[key] = l
	e.lineList = append(e.lineList, l)
	return l
}

// benchFor finds or makes the bench of a profile.
func (e *Engine) benchFor(a agents.Agent) *bench {
	key := a.Profile()
	if b, ok := e.benches[key]; ok {
		return b
	}
	if len(e.benches) >= e.sweepBenches {
		e.sweep()
	}
	b := &bench{key: key, like: a, ready: heap[*agent]{
		before: (*agent).longer, place: func(x *agent) *int { return &x.place },
	}}
	for _, l := range e.lineList {
		if b.like.Meets(l.need) {
			l.benches = append(l.benches, b)
			b.lines = append(b.lines, l)
		}
	}
	e.benches[key] = b
	e.benchList = append(e.benchList, b)
	return b
}

// sweepFloor is how many lines or benches are kept before empty ones are let go.
const sweepFloor = 256

// sweep lets go of lines and benches that nobody is on, and sets when to look
// again, so that it costs little per line made.
func (e *Engine) sweep() {
	idleLine := func(l *line) bool { return l.all == 0 }
	idleBench := func(b *bench) bool { return b.all == 0 }
	for _, l := range e.lineList {
		l.benches = slices.DeleteFunc(l.benches, idleBench)
		if idleLine(l) {
			delete(e.lines, l.key)
		}
	}
	for _, b := range e.benchList {
		b.lines = slices.DeleteFunc(b.lines, idleLine)
		if idleBench(b) {
			delete(e.benches, b.key)
		}
	}
	e.lineList = slices.DeleteFunc(e.lineList, idleLine)
	e.benchList = slices.DeleteFunc(e.benchList, idleBench)
	e.sweepLines = max(sweepFloor, 2*len(e.lines))
	e.sweepBenches = max(sweepFloor, 2*len(e.benches))
}

// timer is one deadline; due is called when it has passed.
type timer struct {
	at    time.Time
	seq   uint64 // ties go to who was set first
	place int
	due   func(now time.Time)
}

func (a *timer) before(b *timer) bool {
	if c := a.at.Compare(b.at); c != 0 {
		return c < 0
	}
	return a.seq < b.seq
}

func (e *Engine) arm(t *timer, at time.Time) {
	e.timers.remove(t)
	e.armed++
	t.at, t.seq = at, e.armed
	e.timers.push(t)
}

func (e *Engine) disarm(t *timer) { e.timers.remove(t) }
