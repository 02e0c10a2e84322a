package audit

import (
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// phoned is an open call.
type phoned struct {
	ticket  call.TicketID
	test    bool
	out     bool   // we placed it
	consult bool   // an agent asks somebody by it
	entry   *entry // that waits, or nil
	outcome call.Outcome
	talk    *talk // that lasts, or nil
	agent   call.AgentID
	queue   call.QueueID
	entries int
	talked  bool
}

// entry is a stay in a queue.
type entry struct {
	id       call.EntryID
	call     call.ID
	queue    call.QueueID
	need     call.Requirement
	key      agents.Need
	priority int
	joined   time.Time
	arrived  time.Time // its place in the order
	only     bool      // for one agent alone: the queue was offered nothing
	since    time.Time // waiting without an offer since
	offer    *offer    // that is open, or nil
	back     bool      // a try to call back, which is no caller
}

// before is the order of service within a requirement.
func (x *entry) before(y *entry) bool {
	if c := x.arrived.Compare(y.arrived); c != 0 {
		return c < 0
	}
	return x.id < y.id
}

// offer is the ringing of one phone.
type offer struct {
	id    call.OfferID
	entry *entry
	agent call.AgentID
	at    time.Time
	ring  time.Duration
}

// talk is a conversation.
type talk struct {
	call  call.ID
	agent call.AgentID
	began time.Time
	held  bool
}

// waitingRoom is all entries that have not left.
type waitingRoom struct {
	entries map[call.EntryID]*entry
}

func (c *Checker) applyCall(e call.Event) {
	id := call.ID(e.Stream.ID)
	if b, ok := e.Body.(call.Arrived); ok {
		c.arrived(id, b)
		return
	}
	if _, ok := e.Body.(call.CallerLost); ok { // also when the call is over
		c.lost.noted[id]++
		return
	}
	p := c.calls[id]
	if p == nil {
		switch e.Body.(type) {
		case call.Offered:
			c.broke(NoGhost, "call %s is offered, and is over", id)
		default:
			if c.ended[id] {
				c.broke(OneOutcome, "call %s is over, and then %s", id, e.Body.Type())
			} else {
				c.broke(Sequence, "call %s begins with %s", id, e.Body.Type())
			}
		}
		return
	}
	switch b := e.Body.(type) {
	case call.QueueJoined:
		c.joined(id, p, b)
	case call.QueueLeft:
		c.left(p, b)
	case call.Ended:
		c.callEnded(id, p, b)
	default:
		if !c.asterisk() {
			c.withAgent(id, p, e)
		}
	}
}

// withAgent takes what binds an agent.
func (c *Checker) withAgent(id call.ID, p *phoned, e call.Event) {
	switch b := e.Body.(type) {
	case call.Offered:
		c.offered(id, b)
	case call.OfferEnded:
		c.offerEnded(b)
	case call.Connected:
		c.connected(id, p, b)
	case call.Held, call.Unheld:
		if p.talk == nil {
			c.broke(OneCall, "call %s is held without a talk", id)
			return
		}
		_, p.talk.held = b.(call.Held)
	case call.Parted:
		c.parted(id, p, b)
	}
}

func (c *Checker) arrived(id call.ID, b call.Arrived) {
	if c.calls[id] != nil || c.ended[id] {
		c.broke(OneOutcome, "call %s arrived twice", id)
		return
	}
	c.calls[id] = &phoned{ticket: b.Ticket, test: b.Test, out: b.Out, consult: b.Consult != ""}
	c.report.Calls++
	c.tickets.call(c, id, b.Ticket)
}

func (c *Checker) joined(id call.ID, p *phoned, b call.QueueJoined) {
	if p.entry != nil {
		c.broke(OneOutcome, "call %s joined %s while entry %s waits", id, b.Queue, p.entry.id)
	}
	if c.waiting.entries[b.Entry] != nil {
		c.broke(OneOutcome, "entry %s joined twice", b.Entry)
		return
	}
	x := &entry{
		id: b.Entry, call: id, queue: b.Queue, need: b.Need, key: agents.NeedOf(b.Need), priority: b.Priority,
		joined: b.Joined, arrived: b.Arrived, only: b.Only, since: c.event.At, back: b.Callback != "",
	}
	if x.arrived.IsZero() {
		x.arrived = b.Joined
	}
	p.entry, p.queue = x, b.Queue
	p.entries++
	c.waiting.entries[x.id] = x
	if x.only = x.only || p.consult; x.only {
		return
	}
	q := c.report.Queues[b.Queue]
	if !x.back {
		q.Offered++
	}
	if q.Outcomes == nil {
		q.Outcomes = map[call.Outcome]int{}
	}
	c.report.Queues[b.Queue] = q
}

func (c *Checker) offered(id call.ID, b call.Offered) {
	c.report.Offers++
	x, a := c.waiting.entries[b.Offer.Entry()], c.person(b.Agent)
	if x == nil || x.call != id {
		c.broke(NoGhost, "offer %s is for an entry that does not wait", b.Offer)
		return
	}
	if x.offer != nil {
		c.broke(OneCall, "entry %s is offered to %s while %s is rung for it", x.id, b.Agent, x.offer.agent)
	}
	if a.offer != nil {
		c.broke(OneCall, "agent %s is offered %s while rung for %s", b.Agent, b.Offer, a.offer.id)
	}
	if a.talk != nil && a.busy() {
		c.broke(OneCall, "agent %s is offered %s in a talk with %s", b.Agent, b.Offer, a.talk.call)
	}
	if a.presence != call.Available {
		c.broke(OneCall, "agent %s is offered %s and is %s", b.Agent, b.Offer, a.presence)
	}
	for _, y := range c.waiting.entries {
		if y != x && y.offer == nil && !x.only && !y.only && y.key == x.key && y.priority == x.priority && y.before(x) {
			c.broke(InOrder, "%s of %s is offered to %s before %s of %s", x.id, clock(x.joined), b.Agent, y.id, clock(y.joined))
			break
		}
	}
	if !a.meets(x.need) {
		c.broke(Conserving, "agent %s does not have what %s asks for", b.Agent, x.id)
	}
	o := &offer{id: b.Offer, entry: x, agent: b.Agent, at: c.event.At, ring: b.Ring}
	x.offer, a.offer = o, o
}

func clock(t time.Time) string { return t.Format("15:04:05.000000") }

func (c *Checker) offerEnded(b call.OfferEnded) {
	a := c.person(b.Agent)
	o := a.offer
	if o == nil || o.id != b.Offer {
		if !c.void[b.Offer] {
			c.broke(OneCall, "offer %s to %s ends, and is not open", b.Offer, b.Agent)
		}
		delete(c.void, b.Offer)
		return
	}
	if late := c.overdue(o.at.Add(o.ring)); late > 0 {
		c.broke(NoGhost, "offer %s lasted %v longer than its %v", o.id, late, o.ring)
	}
	a.offering += c.event.At.Sub(o.at)
	a.offer = nil
	if o.entry.offer == o {
		o.entry.offer, o.entry.since = nil, c.event.At
	}
	switch b.Result {
	case call.OfferAnswered:
		a.won = o.entry.id
	case call.OfferBusy, call.OfferRejected, call.OfferUnreachable:
		a.restUntil = c.event.At.Add(c.cfg.Rest)
	}
	if b.Result == call.OfferUnreachable {
		a.restUntil = a.restUntil.Add(c.cfg.Rest) // and then only when the phone is there
	}
}

func (c *Checker) left(p *phoned, b call.QueueLeft) {
	x := c.waiting.entries[b.Entry]
	if x == nil {
		c.broke(OneOutcome, "entry %s leaves as %s, and does not wait", b.Entry, b.Outcome)
		return
	}
	if x.offer != nil {
		c.broke(NoGhost, "entry %s leaves as %s while %s is rung for it", x.id, b.Outcome, x.offer.agent)
		x.offer = nil
	}
	if !slices.Contains(outcomes(), b.Outcome) {
		c.broke(OneOutcome, "entry %s leaves as %q, which is no outcome", x.id, b.Outcome)
	}
	if b.Outcome == call.OutcomeAnswered && !c.asterisk() {
		if a := c.person(b.Agent); b.Agent == "" || a.won != x.id {
			c.broke(OneOutcome, "entry %s leaves as answered by %q, who answered no offer for it", x.id, b.Agent)
		}
	}
	if off := c.event.At.Sub(x.joined) - b.Wait; off.Abs() > c.cfg.Slack && b.Outcome != call.OutcomeSystemFailed {
		c.broke(OneOutcome, "entry %s says that it waited %v, which is %v off", x.id, b.Wait, off)
	}
	delete(c.waiting.entries, x.id)
	p.entry, p.outcome, p.agent = nil, b.Outcome, b.Agent
	if !x.only && !x.back {
		c.report.Queues[x.queue].Outcomes[b.Outcome]++
	}
	if b.Queue != x.queue {
		c.broke(OneOutcome, "entry %s joined %s and leaves %s", x.id, x.queue, b.Queue)
	}
}

// outcomes is the closed set of a queue entry's.
func outcomes() []call.Outcome {
	return []call.Outcome{
		call.OutcomeAnswered, call.OutcomeAbandonedShort, call.OutcomeAbandoned, call.OutcomeTimeoutOverflow,
		call.OutcomeEmpty, call.OutcomeExitKey, call.OutcomeCallbackTaken, call.OutcomeVoicemail,
		call.OutcomeDeflected, call.OutcomeWithdrawn, call.OutcomeMoved, call.OutcomeSystemFailed,
	}
}

func (c *Checker) connected(id call.ID, p *phoned, b call.Connected) {
	if p.talk != nil {
		c.broke(OneCall, "call %s is connected to %s while talking to %s", id, b.Agent, p.talk.agent)
	}
	if b.Agent == "" { // somebody outside
		p.talk = &talk{call: id, began: c.event.At}
		return
	}
	a := c.person(b.Agent)
	if a.talk != nil {
		c.broke(OneCall, "agent %s is connected to %s while talking to %s", b.Agent, id, a.talk.call)
	}
	if p.entry != nil {
		c.broke(OneOutcome, "call %s is connected while entry %s waits", id, p.entry.id)
	}
	p.talk = &talk{call: id, agent: b.Agent, began: c.event.At}
	p.agent, p.talked = b.Agent, true
	a.talk = p.talk
}

func (c *Checker) parted(id call.ID, p *phoned, b call.Parted) {
	if p.talk == nil || p.talk.agent != b.Agent {
		c.broke(OneCall, "call %s parts from %s, with whom there is no talk", id, b.Agent)
		return
	}
	if b.Agent == "" {
		p.talk = nil
		return
	}
	a := c.person(b.Agent)
	a.talked += c.event.At.Sub(p.talk.began)
	a.talks++
	if a.talk == p.talk {
		a.talk = nil
	}
	p.talk = nil
}

func (c *Checker) callEnded(id call.ID, p *phoned, b call.Ended) {
	if p.entry != nil {
		c.broke(OneOutcome, "call %s ends while entry %s waits", id, p.entry.id)
		if p.entry.offer != nil {
			c.broke(NoGhost, "call %s ends while %s is rung for it", id, p.entry.offer.agent)
		}
		delete(c.waiting.entries, p.entry.id)
	}
	if p.talk != nil {
		c.broke(OneCall, "call %s ends while talking to %s", id, p.talk.agent)
		if p.talk.agent != "" {
			c.person(p.talk.agent).talk = nil
		}
	}
	want := p.outcome
	if p.out && !p.consult { // we placed it: what counts is whether the two talked
		want = map[bool]call.Outcome{true: call.OutcomeAnswered, false: call.OutcomeNotReached}[p.talked]
	}
	if p.entries > 0 && b.Outcome != want && b.Outcome != call.OutcomeSystemFailed {
		c.broke(OneOutcome, "call %s ends as %s, it should as %s", id, b.Outcome, want)
	}
	if b.Outcome == "" {
		c.broke(OneOutcome, "call %s ends without an outcome", id)
	}
	c.lost.ends(id, p, b)
	delete(c.calls, id)
	c.ended[id] = true
}
