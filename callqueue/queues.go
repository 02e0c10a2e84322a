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

// setQueues takes a whole configuration or none of it.
func (e *Engine) setQueues(now time.Time, in SetQueues) error {
	wanted := make(map[call.QueueID]Queue, len(in.Queues))
	var faults []error
	for _, q := range in.Queues {
		q = q.Defaults()
		if _, twice := wanted[q.ID]; twice {
			faults = append(faults, fmt.Errorf("queue %q is there twice", q.ID))
		}
		wanted[q.ID] = q
		faults = append(faults, q.Validate())
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	for _, q := range e.order {
		if _, stays := wanted[q.ID]; !stays && len(q.entries) > 0 {
			return fmt.Errorf("%w: queue %q has %d callers", ErrBusy, q.ID, len(q.entries))
		}
	}
	before := e.queues
	e.queues = make(map[call.QueueID]*queue, len(wanted))
	e.order = e.order[:0:0]
	for _, given := range in.Queues {
		q, ok := before[given.ID]
		if !ok {
			q = &queue{entries: make(map[call.EntryID]*entry)}
		}
		q.Queue = wanted[given.ID]
		q.counted = q.NoAgent.mask()
		e.queues[q.ID] = q
		e.order = append(e.order, q)
	}
	e.rebuild(now)
	return nil
}

// rebuild makes lines and benches anew from the rules in force, and puts
// everybody where they now belong. A caller who is being offered keeps the offer,
// and an agent whatever they are in.
func (e *Engine) rebuild(now time.Time) {
	since := e.intervals(now)
	for _, l := range e.lineList {
		e.disarm(&l.empty)
	}
	clear(e.lines)
	clear(e.benches)
	e.lineList, e.benchList, e.stirred, e.suspects, e.awaited.stirred = nil, nil, nil, nil, nil
	e.uses = [orders]bool{}
	for _, q := range e.order {
		e.uses[q.Strategy.order()] = true
	}
	e.rebuildLimits()
	e.atWork = 0
	for _, id := range slices.Sorted(maps.Keys(e.agents)) {
		a := e.agents[id]
		was := a.ready()
		a.own = nil
		for o := range a.places {
			a.places[o] = -1
		}
		if c := e.clients[a.client]; c != nil {
			c.used++
		}
		e.sit(now, a)
		if was {
			e.enter(a)
		}
	}
	for _, q := range e.order {
		for _, id := range slices.Sorted(maps.Keys(q.entries)) {
			x := q.entries[id]
			x.line, x.in, x.place, x.step = nil, nil, -1, 0
			was := x.priority
			e.admit(now, x)
			if x.priority != was {
				e.record(call.CallEvent(now, x.id.Call(), call.QueueReprioritized{
					Entry: x.id, Priority: x.priority, By: "system:rules", Reason: "the rules have changed",
				}))
			}
			if so, ok := since[x]; ok { // the interval under way goes on
				x.since = so.since
				x.stood.sub(so.stood)
			}
		}
	}
}

// interval is what has come together since an entry's last decision.
type interval struct {
	since time.Time
	stood stood
}

func (e *Engine) intervals(now time.Time) map[*entry]interval {
	all := make(map[*entry]interval, len(e.entries))
	for _, x := range e.entries {
		so := interval{x.since, x.line.stood(now)}
		so.stood.sub(x.stood)
		all[x] = so
	}
	return all
}

func (e *Engine) rebuildLimits() {
	e.clients, e.classes = make(map[string]*client), make(map[string]bool)
	e.shares, e.pools = nil, nil
	for _, name := range slices.Sorted(maps.Keys(e.rules.Clients)) {
		c := &client{name: name, cap: e.rules.Clients[name]}
		if name == "" || c.cap == (Cap{}) {
			continue
		}
		e.clients[name] = c
		if c.cap.Share > 0 {
			e.shares = append(e.shares, c)
		}
	}
	for _, r := range e.rules.Reserves {
		e.pools = append(e.pools, &pool{Reserve: r, why: keptFor(r.Name)})
		for _, class := range r.Classes {
			e.classes[class] = true
		}
	}
}

// admit brings a queue's rules to an entry: priority, place, longest wait.
func (e *Engine) admit(now time.Time, x *entry) {
	x.climb()
	e.grade(x)
	e.place(now, x)
	e.disarm(&x.limit)
	switch {
	case x.sole:
		e.arm(&x.limit, x.joined.Add(x.patience))
	case x.queue.MaxWait > 0 && !x.absent():
		e.arm(&x.limit, x.came.Add(x.queue.MaxWait))
	}
	e.disarm(&x.recall)
	if end := x.joined.Add(x.patience); x.sender != "" && !x.sole && end.After(now) {
		e.arm(&x.recall, end)
	}
}

func (e *Engine) join(now time.Time, in Join) error {
	e.came(in.Entry)
	q, ok := e.queues[in.Queue]
	full := ok && !in.Resume && in.Callback == "" && in.Only == "" && q.MaxLen > 0 && q.callers() >= q.MaxLen
	switch {
	case e.closed:
		return ErrClosed
	case in.Entry == "":
		return fmt.Errorf("%w: an entry without id", ErrInvalid)
	case !ok:
		return fmt.Errorf("%w: %q", ErrUnknownQueue, in.Queue)
	case e.entries[in.Entry] != nil:
		return fmt.Errorf("%w: %s waits already", ErrBusy, in.Entry)
	case full && q.Overflow == nil:
		return fmt.Errorf("%w: %q has %d callers", ErrFull, in.Queue, len(q.entries))
	}
	if err := in.validate(); err != nil {
		return fmt.Errorf("%w: entry %s: %w", ErrInvalid, in.Entry, err)
	}
	if err := e.mayFor(in); err != nil {
		return err
	}
	x := e.newEntry(q, in)
	q.entries[x.id], e.entries[x.id] = x, x
	if x.absent() {
		q.absent++
	}
	e.grade(x)
	need, window := x.ladder.at(0)
	need = agents.Merge(x.asked, need)
	x.asks = asking{0, agents.NeedOf(need), window, ""}
	if a := e.wanted(now, x, 0); a != nil {
		x.asks.only = a.ID
	}
	if in.Resume {
		x.asks = asking{in.Asks.Step, agents.NeedOf(in.Asks.Need), Window(in.Asks.Tiers), in.Asks.For}
	} else {
		e.record(call.CallEvent(now, x.id.Call(), call.QueueJoined{
			Entry: x.id, Queue: q.ID, Joined: call.Instant(x.joined), Need: need, Tiers: call.Tiers(window),
			For: x.asks.only, Priority: x.priority, Parts: e.parts(x), Target: x.target(), Client: x.client, Class: x.class, Callback: x.callback,
			Arrived: x.earlier(), Only: x.sole, Sender: x.sender,
		}))
	}
	e.admit(now, x)
	switch {
	case full:
		e.exit(now, x, exitOverflow, "", q.Overflow)
	case e.forsake(now, x), e.reclaim(now, x):
	case in.Back:
		e.comeBack(now, x)
	case x.sole:
	case !in.Resume && in.Callback == "" && q.NoAgent.Join && !e.staffed(x.line):
		e.exit(now, x, exitNoAgent, "", q.Empty)
	}
	return nil
}

// callers is how many are on the line.
func (q *queue) callers() int { return len(q.entries) - q.absent }

// validate returns all that is wrong with what a call asks for.
func (in Join) validate() error {
	faults := []error{agents.ValidateNeed(in.Need)}
	if in.Only != "" && in.Callback != "" || in.Only == "" && in.Back {
		faults = append(faults, errors.New("a callback is for nobody alone, and a call comes back to somebody"))
	}
	if in.Patience < 0 {
		faults = append(faults, errors.New("patience may not be negative"))
	}
	if in.Priority < 0 || in.TicketPriority < 0 || in.Unserved < 0 {
		faults = append(faults, errors.New("points of priority may not be negative"))
	}
	validateSteps(in.Steps, func(format string, args ...any) {
		faults = append(faults, fmt.Errorf(format, args...))
	})
	return errors.Join(faults...)
}

func (e *Engine) newEntry(q *queue, in Join) *entry {
	x := &entry{
		id: in.Entry, queue: q, asked: in.Need, key: agents.NeedOf(in.Need), prio: in.Priority, set: in.Set,
		ticket: in.TicketPriority, unserved: in.Unserved, joined: in.Joined, came: in.Joined,
		within: in.Within, client: in.Client, class: in.Class, prefer: in.Prefer, preferFor: in.PreferFor, callback: in.Callback, brought: in.Steps,
		made: in.Offers, place: -1,
		arrived: in.Arrived, sender: in.Sender, patience: cmp.Or(in.Patience, Patience),
		limit: timer{place: -1}, turn: timer{place: -1}, next: timer{place: -1}, recall: timer{place: -1},
	}
	if x.arrived.IsZero() {
		x.arrived = in.Joined
	}
	if in.Only != "" {
		x.sole, x.prefer = true, in.Only
	}
	if !in.Came.IsZero() {
		x.came = in.Came
	}
	x.limit.due = func(now time.Time) { e.overdue(now, x) }
	x.turn.due = func(now time.Time) { e.place(now, x) }
	x.next.due = func(time.Time) { e.stir(x.line) }
	x.recall.due = func(now time.Time) { e.reclaim(now, x) }
	x.climb()
	return x
}

// earlier is the instant at which an entry's place in the order counts from; zero
// when it is that of joining.
func (x *entry) earlier() time.Time {
	if x.arrived.Equal(x.joined) {
		return time.Time{}
	}
	return call.Instant(x.arrived)
}

// target is what the caller is promised: the tightest.
func (x *entry) target() call.Target {
	t := x.queue.Target
	if x.within > 0 {
		t.Within = min(t.Within, x.within)
	}
	return t
}

func (e *Engine) leave(now time.Time, in Leave) error {
	x, ok := e.entries[in.Entry]
	if !ok {
		return fmt.Errorf("%w: %s", ErrUnknownEntry, in.Entry)
	}
	out := in.Outcome
	if !leaves(out) { // an answer comes by way of an offer
		return fmt.Errorf("%w: %s cannot leave as %q", ErrInvalid, in.Entry, in.Outcome)
	}
	if out == call.OutcomeAbandoned || out == call.OutcomeAbandonedShort {
		out = call.OutcomeAbandoned
		if x.wait(now) < x.queue.Target.ShortAbandon {
			out = call.OutcomeAbandonedShort
		}
	}
	e.quit(now, x, out, nil)
	return nil
}

// quit takes an entry out without an agent.
func (e *Engine) quit(now time.Time, x *entry, out call.Outcome, to *Exit) {
	e.withdrawAll(now, x, "caller left the queue")
	e.decided(now, x, "", 0)
	e.drop(x)
	wait := x.wait(now)
	e.record(call.CallEvent(now, x.id.Call(), call.QueueLeft{Entry: x.id, Queue: x.queue.ID, Outcome: out, Wait: wait}))
	e.emit(LeftQueue{Entry: x.id, Queue: x.queue.ID, Outcome: out, Wait: wait, Exit: to})
}

// drop forgets an entry that no offer holds.
func (e *Engine) drop(x *entry) {
	x.leaveHeap()
	x.line.all--
	e.disarm(&x.limit)
	e.disarm(&x.turn)
	e.disarm(&x.next)
	e.disarm(&x.recall)
	delete(x.queue.entries, x.id)
	if x.absent() {
		x.queue.absent--
	}
	delete(e.entries, x.id)
}

// wait is the time in the queue, in the resolution that is stored, so that
// Joined plus Wait is the instant of leaving.
func (x *entry) wait(now time.Time) time.Duration {
	return max(now.Sub(x.joined), 0).Truncate(time.Microsecond)
}
