package callqueue

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// entry is one stay of a call in a queue.
type entry struct {
	id        call.EntryID
	queue     *queue
	asked     call.Requirement // what the call brought; the queue's is added
	key       agents.Need      // of asked
	prio      int              // what the call brought, or what a person has set
	set       bool             // by a person
	ticket    int              // points of the ticket's priority
	unserved  int              // calls of this caller that nobody answered
	priority  int              // in force
	joined    time.Time
	arrived   time.Time     // its place in the order and its age
	came      time.Time     // the longest wait, and that for an agent asked for, count from it
	within    time.Duration // the call's own target, 0 for none
	client    string
	class     string
	prefer    call.AgentID
	preferFor time.Duration
	callback  call.CallbackID // nobody is on the line
	sole      bool            // for prefer alone
	sender    call.AgentID    // who handed it on
	patience  time.Duration   // of who was handed on
	brought   []Step          // in place of the queue's; nil for none

	ladder  ladder // what is asked at which age
	rank    rank
	line    *line
	step    int
	asks    asking        // as journalled
	in      *heap[*entry] // of the line's, nil when in neither
	place   int           // in it
	made    int           // offers so far
	live    []*offer
	tier    int       // of the phones that ring
	ringing time.Time // the last of them since
	limit   timer     // longest wait
	turn    timer     // next step, or end of the preference
	next    timer     // next phone of ring-progressively
	recall  timer     // end of the patience, for the sender

	since time.Time // of the last decision recorded
	stood stood     // at that instant
}

func (x *entry) enter(h *heap[*entry]) {
	x.leaveHeap()
	h.push(x)
	x.in = h
}

func (x *entry) leaveHeap() {
	if x.in != nil {
		x.in.remove(x)
		x.in = nil
	}
}

// queue is a queue's rules and who is in it.
type queue struct {
	Queue
	entries map[call.EntryID]*entry
	last    call.AgentID // chosen, for round-robin
	lastAt  int64        // by the journal's numbers, of before this process
	counted uint32       // standings that keep callers, of the no-agent rule
	absent  int          // of the entries: nobody is on the line
}

// absent reports whether nobody is on the line.
func (x *entry) absent() bool { return x.callback != "" }

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
	standing standing // as counted on the bench
	own      []*line  // of callers who ask for this agent
	presence call.Presence
	reason   string // of the break
	said     time.Time
	activity call.Activity
	since    time.Time // of the activity
	free     time.Time // waiting for a call since; kept when an offer is withdrawn
	places   [byID]int // among the bench's ready; -1 when not ready
	offer    *offer    //
	call     call.ID   // of the talk, the hold or the wrap-up
	talking  time.Time // the talk's begin
	client   string    // that the agent counts for, from the offer to the end of the wrap-up
	queue    call.QueueID
	wrapUp   time.Duration // due after this talk
	misses   int           // in a row
	calls    int           // answered
	talked   time.Duration // in all of them
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
	restMissed      rest = "missed just now"
)

// longer says who has waited longer for a call.
func (a *agent) longer(b *agent) bool {
	if c := a.free.Compare(b.free); c != 0 {
		return c < 0
	}
	return a.ID < b.ID
}

// line is everybody who waits with the same requirement under the same rules,
// and bench everybody who can do the same. A decision looks at the heads of
// lines and benches, so its cost does not grow with callers or agents.
type line struct {
	key     lineKey
	queue   *queue
	ladder  ladder
	asked   call.Requirement // what the calls brought, alike for all of them
	need    call.Requirement // that, and the step's
	parts   []call.Requirement
	needKey agents.Need
	window  Window
	client  *client // nil when not limited
	only    *agent  // who was asked for, while nobody else may be chosen

	waiting heap[*entry] // nobody's phone rings for them
	ringing heap[*entry] // phones ring, and more may
	all     int          // with those in neither
	links   []link       // benches that can serve it now
	ever    []*bench     // that can serve it now or at a later step
	outs    []out        // all others, by the first of parts that they lack, then by tier
	past    stood        // of benches that were let go
	empty   timer        // until those who wait leave for want of agents
	stirred bool         // may have gained a match since the last dispatch
	suspect bool         // may have lost its last agent
}

type lineKey struct {
	queue  call.QueueID
	step   int
	asked  agents.Need
	steps  string // that the calls brought
	client string // where one is limited
	class  string // where agents are kept for one
	only   call.AgentID
}

type link struct {
	bench *bench
	tier  int // as the line's window has it
	score int // by the strategy, lower first
}

type out struct {
	reason  string
	benches []*bench
}

type bench struct {
	key   string
	like  agents.Agent // any one of them; only level, skills and tiers matter
	ready ready
	all   int
	count [standings]int
	past  stood     // agent-time by standing, up to at
	at    time.Time //
	lines []*line   // that it can serve now
	ever  []*line   // that it can serve now or later
	pools []*pool   // that it is in
}

// callers reports whether somebody is on the line who could be offered an agent.
func (l *line) callers() bool { return l.waiting.len() > 0 || l.ringing.len() > 0 }

// lineOf finds or makes the line of an entry at a step.
func (e *Engine) lineOf(now time.Time, x *entry, step int) *line {
	key := lineKey{queue: x.queue.ID, step: step, asked: x.key, steps: x.ladder.key}
	if c := e.clients[x.client]; c != nil && !x.sole {
		key.client = x.client
	}
	if e.classes[x.class] {
		key.class = x.class
	}
	a := e.wanted(now, x, step)
	if a != nil {
		key.only = a.ID
	}
	if l, ok := e.lines[key]; ok {
		return l
	}
	return e.newLine(key, x, a)
}

func (e *Engine) newLine(key lineKey, x *entry, only *agent) *line {
	need, window := x.ladder.at(key.step)
	l := &line{
		key: key, queue: x.queue, ladder: x.ladder, asked: x.asked, need: agents.Merge(x.asked, need), window: window,
		client: e.clients[key.client], only: only, empty: timer{place: -1},
	}
	l.needKey = agents.NeedOf(l.need)
	l.empty.due = func(now time.Time) { e.emptied(now, l) }
	place := func(x *entry) *int { return &x.place }
	l.waiting = heap[*entry]{before: (*entry).before, place: place}
	l.ringing = heap[*entry]{before: (*entry).before, place: place}
	for _, part := range agents.Parts(l.need) {
		l.parts = append(l.parts, part)
		l.outs = append(l.outs, out{reason: lacks(part)})
	}
	for _, b := range e.benchList {
		l.join(b)
	}
	if only != nil {
		only.own = append(only.own, l)
	}
	if l.client != nil {
		l.client.lines = append(l.client.lines, l)
	}
	e.lines[key] = l
	e.lineList = append(e.lineList, l)
	return l
}

// join makes a line and a bench know each other as far as they match.
func (l *line) join(b *bench) {
	own := l.queue.tier(b.like.ID)
	tier, within := l.window.admits(own)
	lacks := slices.IndexFunc(l.parts, func(part call.Requirement) bool { return !b.like.Meets(part) })
	switch {
	case lacks >= 0:
		l.outs[lacks].benches = append(l.outs[lacks].benches, b)
	case !within:
		l.leaveOut(b, notAsked(own))
	default:
		l.links = append(l.links, link{b, tier, l.queue.Strategy.score(b.like, l.need)})
		b.lines = append(b.lines, l)
	}
	if l.sole() {
		return // they leave by themselves when their agent does
	}
	for n := l.key.step; n <= len(l.ladder.steps); n++ {
		need, window := l.ladder.at(n)
		if _, ok := window.admits(own); ok && b.like.Meets(l.asked) && b.like.Meets(need) {
			l.ever = append(l.ever, b)
			b.ever = append(b.ever, l)
			return
		}
	}
}

func (l *line) leaveOut(b *bench, reason string) {
	i := slices.IndexFunc(l.outs, func(o out) bool { return o.reason == reason })
	if i < 0 {
		i = len(l.outs)
		l.outs = append(l.outs, out{reason: reason})
	}
	l.outs[i].benches = append(l.outs[i].benches, b)
}

// benchFor finds or makes the bench of those who are alike: by profile, and by
// tier in every queue.
func (e *Engine) benchFor(now time.Time, a agents.Agent) *bench {
	key := e.benchKey(a)
	if b, ok := e.benches[key]; ok {
		return b
	}
	b := &bench{key: key, like: a, ready: newReady(e.uses), at: now}
	for _, p := range e.pools {
		if a.Meets(p.Need) {
			b.pools = append(b.pools, p)
			p.benches = append(p.benches, b)
		}
	}
	for _, l := range e.lineList {
		l.join(b)
	}
	e.benches[key] = b
	e.benchList = append(e.benchList, b)
	return b
}

func (e *Engine) benchKey(a agents.Agent) string {
	var b strings.Builder
	b.WriteString(string(a.Profile()))
	for _, q := range e.order {
		if t := q.tier(a.ID); t > 1 {
			fmt.Fprintf(&b, " %q=%d", q.ID, t)
		}
	}
	return b.String()
}

// How many lines or benches are kept before empty ones are let go. Making a line
// is dear beside a decision, and the same ones come again.
const (
	lineFloor  = 2048
	benchFloor = 256
)

// sweepWhenDue is called between decisions, when no line or bench is in use.
func (e *Engine) sweepWhenDue(now time.Time) {
	if len(e.lines) >= e.sweepLines || len(e.benches) >= e.sweepBenches {
		e.sweep(now)
	}
}

// sweep lets go of lines and benches that nobody is on, and sets when to look
// again, so that it costs little per line made.
func (e *Engine) sweep(now time.Time) {
	idleLine := func(l *line) bool { return l.all == 0 }
	idleBench := func(b *bench) bool { return b.all == 0 }
	for _, l := range e.lineList {
		if idleLine(l) {
			e.forgetLine(l)
			continue
		}
		for i := range l.links {
			if b := l.links[i].bench; idleBench(b) {
				l.past.add(b.stood(now))
			}
		}
		l.links = slices.DeleteFunc(l.links, func(k link) bool { return idleBench(k.bench) })
		l.ever = slices.DeleteFunc(l.ever, idleBench)
		for i := range l.outs {
			l.outs[i].benches = slices.DeleteFunc(l.outs[i].benches, idleBench)
		}
	}
	for _, b := range e.benchList {
		b.lines = slices.DeleteFunc(b.lines, idleLine)
		b.ever = slices.DeleteFunc(b.ever, idleLine)
		if idleBench(b) {
			delete(e.benches, b.key)
		}
	}
	for _, p := range e.pools {
		p.benches = slices.DeleteFunc(p.benches, idleBench)
	}
	for _, c := range e.clients {
		c.lines = slices.DeleteFunc(c.lines, idleLine)
	}
	e.lineList = slices.DeleteFunc(e.lineList, idleLine)
	e.benchList = slices.DeleteFunc(e.benchList, idleBench)
	e.sweepLines = max(lineFloor, 2*len(e.lines))
	e.sweepBenches = max(benchFloor, 2*len(e.benches))
}

func (e *Engine) forgetLine(l *line) {
	e.disarm(&l.empty)
	if e.lines[l.key] == l {
		delete(e.lines, l.key)
	}
	if l.only != nil {
		l.only.own = slices.DeleteFunc(l.only.own, func(o *line) bool { return o == l })
	}
}
