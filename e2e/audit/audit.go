// Package audit holds a journal to the rules that the queue promises. It folds
// events with code of its own, so that it shares no mistake with the server: what
// it says comes from the journal's own instants and from nothing else. It is for
// tests from outside, and for the command firstline audit.
//
// Events are given to a Checker in order of their global sequence, from the
// journal's first one. It keeps open calls and the roster, and a few words for
// each call that is over.
package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"firstline/call"
)

// Rule names a promise.
type Rule string

// The promises.
const (
	OneCall     Rule = "one agent, one call"
	OneOutcome  Rule = "every entry one outcome"
	NoGhost     Rule = "no offer to a caller who is gone"
	InOrder     Rule = "same priority and requirement is first come first served"
	Conserving  Rule = "no eligible agent idle while an eligible caller waits"
	AddsUp      Rule = "outcomes add up to offered"
	AgentTime   Rule = "agent-state seconds add up to staffed seconds"
	BoardIsFold Rule = "the board equals the fold of the journal"
	OneTicket   Rule = "one ticket per call"
	LostOnce    Rule = "every abandon is on the lost list once, and comes off it once"
	Sequence    Rule = "each stream is told in order and without gaps"
)

// Rules are all promises, in the order in which they are reported.
func Rules() []Rule {
	return []Rule{OneCall, OneOutcome, NoGhost, InOrder, Conserving, AddsUp, AgentTime, BoardIsFold, OneTicket, LostOnce, Sequence}
}

// Violation is one broken promise.
type Violation struct {
	Rule   Rule      `json:"rule"`
	At     time.Time `json:"at"`
	Global int64     `json:"global"` // the event that showed it, 0 when it was the end
	What   string    `json:"what"`
}

// String is one line for people.
func (v Violation) String() string {
	return fmt.Sprintf("%s #%d %s: %s", v.At.Format("2006-01-02 15:04:05.000000"), v.Global, v.Rule, v.What)
}

// Config of a Checker. The zero value is ready.
type Config struct {
	// Slack is how long a match may stay unmade, by the journal's instants, and how
	// overdue a deadline may be when the queue decides anything else: whatever it does,
	// it first does what is due. That the whole queue stands still, because the machine
	// has no time for it, is no wrong decision: see Report.Latest. Default 250 ms.
	Slack time.Duration
	// Rest is how long an agent is left alone whose phone was busy or gone, or who
	// declined. Default 10 s.
	Rest time.Duration
	// Grace is how long after a start phones may take to be back. Default 40 s.
	Grace time.Duration
	// From and To bound the violations that are kept; zero means no bound.
	From, To time.Time
	// Most is how many violations are kept of each rule; all are counted. Default 20.
	Most int
}

// Report is what a Checker found.
type Report struct {
	Events     int                                       `json:"events"`
	Last       int64                                     `json:"last"` // global sequence
	Begin      time.Time                                 `json:"begin"`
	End        time.Time                                 `json:"end"`
	Calls      int                                       `json:"calls"`
	OpenCalls  int                                       `json:"open_calls"`
	Tickets    int                                       `json:"tickets"`
	Offers     int                                       `json:"offers"`
	Agents     int                                       `json:"agents"`
	Queues     map[call.QueueID]Queue                    `json:"queues"`
	States     map[call.AgentID]map[string]time.Duration `json:"-"`         // time in each state while staffed
	Latest     time.Duration                             `json:"latest_ns"` // the most that a deadline was kept late
	Broken     map[Rule]int                              `json:"broken"`
	Violations []Violation                               `json:"violations"`
}

// Queue is a queue's entries by outcome.
type Queue struct {
	Offered  int                  `json:"offered"`
	Waiting  int                  `json:"waiting"`
	Outcomes map[call.Outcome]int `json:"outcomes"`
}

// OK reports whether no promise was broken.
func (r *Report) OK() bool { return len(r.Broken) == 0 }

// Checker folds a journal. It is for one goroutine.
type Checker struct {
	cfg      Config
	report   Report
	event    call.Event // under way
	seqs     map[call.Stream]int64
	calls    map[call.ID]*phoned // open ones
	ended    map[call.ID]bool
	people   map[call.AgentID]*person
	waiting  waitingRoom
	tickets  ticketBook
	lost     lostBook
	started  time.Time // of the last process
	earliest time.Time // instant of any event
	turn     time.Time // instant of the queue's last decision
	before   time.Time // and of the one before that, at another instant
	told     map[string]bool
	void     map[call.OfferID]bool // died with a process, and have not been closed since
}

// New returns a Checker that has read nothing.
func New(cfg Config) *Checker {
	cfg.Slack = cmp.Or(cfg.Slack, 250*time.Millisecond)
	cfg.Rest = cmp.Or(cfg.Rest, 10*time.Second)
	cfg.Grace = cmp.Or(cfg.Grace, 40*time.Second)
	cfg.Most = cmp.Or(cfg.Most, 20)
	return &Checker{
		cfg: cfg, seqs: map[call.Stream]int64{}, calls: map[call.ID]*phoned{}, ended: map[call.ID]bool{},
		people: map[call.AgentID]*person{}, waiting: waitingRoom{entries: map[call.EntryID]*entry{}},
		tickets: newTicketBook(), lost: newLostBook(), told: map[string]bool{}, void: map[call.OfferID]bool{},
		report: Report{Queues: map[call.QueueID]Queue{}, Broken: map[Rule]int{}, Violations: []Violation{}},
	}
}

// Seq is the global sequence of the last event applied.
func (c *Checker) Seq() int64 { return c.report.Last }

// broke notes a broken promise at the event under way.
func (c *Checker) broke(rule Rule, format string, args ...any) {
	c.brokeAt(c.event.At, rule, format, args...)
}

func (c *Checker) brokeAt(at time.Time, rule Rule, format string, args ...any) {
	if !c.cfg.From.IsZero() && at.Before(c.cfg.From) || !c.cfg.To.IsZero() && !at.Before(c.cfg.To) {
		return
	}
	if c.report.Broken[rule]++; c.report.Broken[rule] <= c.cfg.Most {
		c.report.Violations = append(c.report.Violations, Violation{Rule: rule, At: at, Global: c.event.Global, What: fmt.Sprintf(format, args...)})
	}
}

// Apply folds the next event in.
func (c *Checker) Apply(e call.Event) {
	c.event = e
	r := &c.report
	if e.Global != 0 && e.Global <= r.Last {
		c.broke(Sequence, "event %d comes after %d", e.Global, r.Last)
	}
	if before := c.seqs[e.Stream]; e.Seq != 0 && e.Seq != before+1 {
		c.broke(Sequence, "%s/%s: event %d follows %d", e.Stream.Kind, e.Stream.ID, e.Seq, before)
	}
	c.seqs[e.Stream] = e.Seq
	r.Events++
	r.Last = max(r.Last, e.Global)
	if r.Begin.IsZero() {
		r.Begin, c.earliest = e.At, e.At
	}
	c.earliest = earlier(c.earliest, e.At)
	if e.At.After(r.End) {
		r.End = e.At
	}
	if decided(e.Body) && !c.asterisk() { // what the queue decided is in order of time; the desk's own events are not
		if !e.At.Equal(c.turn) {
			c.before, c.turn = c.turn, e.At
		}
		c.conserving()
	}
	switch e.Stream.Kind {
	case call.StreamCall:
		c.applyCall(e)
	case call.StreamAgent:
		c.applyAgent(e)
	case call.StreamTicket:
		c.applyTicket(e)
	case call.StreamLost:
		c.applyLost(e)
	case call.StreamCallback:
		if b, ok := e.Body.(call.CallbackAsked); ok {
			c.lost.asked[b.Call] = true
		}
	case call.StreamSystem:
		c.applySystem(e)
	}
}

// decided reports whether the body is one that the queue's own goroutine writes.
func decided(b call.Body) bool {
	switch b.(type) {
	case call.QueueJoined, call.Offered, call.OfferEnded, call.QueueLeft, call.ActivityChanged, call.PresenceChanged:
		return true
	}
	return false
}

// overdue is by how much a deadline that is kept only now was passed over when the
// queue decided something else; 0 when it was kept in the next turn.
func (c *Checker) overdue(deadline time.Time) time.Duration {
	if late := c.event.At.Sub(deadline); late > c.report.Latest {
		c.report.Latest = late
	}
	if late := c.before.Sub(deadline); late > c.cfg.Slack {
		return c.event.At.Sub(deadline)
	}
	return 0
}

// applySystem takes a start: what the process before had in hand is void.
func (c *Checker) applySystem(e call.Event) {
	if _, ok := e.Body.(call.Started); !ok {
		return
	}
	c.started = e.At
	for _, x := range c.waiting.entries {
		if x.offer != nil {
			c.void[x.offer.id] = true
			x.offer = nil
		}
		x.since = later(x.since, e.At.Add(c.cfg.Grace))
	}
	for _, p := range c.people {
		p.offer, p.talk, p.restored = nil, nil, true
		p.readySince = later(p.readySince, e.At.Add(c.cfg.Grace))
	}
}

// asterisk reports whether the event under way was not decided by this queue:
// Asterisk's served the call, and it was written afterwards. What agents did
// meanwhile is not in the journal.
func (c *Checker) asterisk() bool { return c.event.Config == call.ConfigAsterisk }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Close says that the journal was read to its end, which was at now, and returns
// what was found. Calls that are still up are no fault.
func (c *Checker) Close(now time.Time) *Report {
	r := &c.report
	c.event = call.Event{At: r.End}
	r.OpenCalls, r.Agents = len(c.calls), len(c.people)
	r.States = map[call.AgentID]map[string]time.Duration{}
	for _, id := range slices.Sorted(maps.Keys(c.people)) {
		p := c.people[id]
		p.stand(later(r.End, now))
		c.agentTime(id, p)
		r.States[id] = p.spent
	}
	for _, x := range c.waiting.entries {
		if x.back {
			continue
		}
		q := r.Queues[x.queue]
		q.Waiting++
		r.Queues[x.queue] = q
	}
	for id := range c.void {
		c.broke(NoGhost, "offer %s died with its process, and nobody has closed it", id)
	}
	c.addsUp()
	c.checkTickets()
	c.checkLost()
	slices.SortStableFunc(r.Violations, func(a, b Violation) int {
		return cmp.Or(slices.Index(Rules(), a.Rule)-slices.Index(Rules(), b.Rule), a.At.Compare(b.At))
	})
	return r
}

// addsUp holds each queue's outcomes to what it was offered.
func (c *Checker) addsUp() {
	for id, q := range c.report.Queues {
		n := q.Waiting
		for _, of := range q.Outcomes {
			n += of
		}
		if n != q.Offered {
			c.broke(AddsUp, "queue %s: %d entries joined, %d left or wait", id, q.Offered, n)
		}
	}
}
