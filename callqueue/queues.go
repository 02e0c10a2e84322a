package callqueue

import (
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
		e.queues[q.ID] = q
		e.order = append(e.order, q)
		e.reapply(q)
	}
	return nil
}

// reapply brings a queue's changed rules to those who wait in it. A caller who
// is being offered keeps the offer.
func (e *Engine) reapply(q *queue) {
	for _, id := range slices.Sorted(maps.Keys(q.entries)) {
		x := q.entries[id]
		waits := x.place >= 0
		if waits {
			x.line.waiting.remove(x)
		}
		e.rank(x)
		if waits {
			x.line.waiting.push(x)
			e.stir(x.line)
		}
	}
}

// rank sets what follows from the queue's rules: line, priority, longest wait.
func (e *Engine) rank(x *entry) {
	l := e.lineFor(agents.Merge(x.asked, x.queue.Need))
	l.all++
	if x.line != nil {
		x.line.all--
	}
	x.line = l
	x.priority = x.prio
	if x.priority == 0 {
		x.priority = x.queue.Priority
	}
	e.disarm(&x.limit)
	if x.queue.MaxWait > 0 {
		e.arm(&x.limit, x.joined.Add(x.queue.MaxWait))
	}
}

func (e *Engine) join(now time.Time, in Join) error {
	q, ok := e.queues[in.Queue]
	switch {
	case e.closed:
		return ErrClosed
	case in.Entry == "":
		return fmt.Errorf("%w: an entry without id", ErrInvalid)
	case !ok:
		return fmt.Errorf("%w: %q", ErrUnknownQueue, in.Queue)
	case e.entries[in.Entry] != nil:
		return fmt.Errorf("%w: %s waits already", ErrBusy, in.Entry)
	case !in.Resume && q.MaxLen > 0 && len(q.entries) >= q.MaxLen:
		return fmt.Errorf("%w: %q has %d callers", ErrFull, in.Queue, len(q.entries))
	}
	x := &entry{
		id: in.Entry, queue: q, asked: in.Need, prio: in.Priority, joined: in.Joined,
		offers: in.Offers, place: -1, limit: timer{place: -1},
	}
	x.limit.due = func(now time.Time) {
		if x.offer == nil { // a phone that rings for the caller may still be answered
			e.quit(now, x, call.OutcomeTimeoutOverflow)
		}
	}
	q.entries[x.id], e.entries[x.id] = x, x
	e.rank(x)
	x.line.waiting.push(x)
	e.stir(x.line)
	if !in.Resume {
		e.record(call.CallEvent(now, x.id.Call(), call.QueueJoined{
			Entry: x.id, Queue: q.ID, Joined: call.Instant(x.joined), Need: x.line.need,
			Priority: x.priority, Target: q.Target,
		}))
	}
	return nil
}

func (e *Engine) leave(now time.Time, in Leave) error {
	x, ok := e.entries[in.Entry]
	if !ok {
		return fmt.Errorf("%w: %s", ErrUnknownEntry, in.Entry)
	}
	out := in.Outcome
	switch out {
	case call.OutcomeAbandoned, call.OutcomeAbandonedShort:
		out = call.OutcomeAbandoned
		if x.wait(now) < x.queue.Target.ShortAbandon {
			out = call.OutcomeAbandonedShort
		}
	case call.OutcomeTimeoutOverflow, call.OutcomeEmpty, call.OutcomeExitKey, call.OutcomeCallbackTaken,
		call.OutcomeVoicemail, call.OutcomeDeflected, call.OutcomeWithdrawn, call.OutcomeMoved, call.OutcomeSystemFailed:
	default: // an answer comes by way of an offer
		return fmt.Errorf("%w: %s cannot leave as %q", ErrInvalid, in.Entry, in.Outcome)
	}
	e.quit(now, x, out)
	return nil
}

// quit takes an entry out without an agent.
func (e *Engine) quit(now time.Time, x *entry, out call.Outcome) {
	if x.offer != nil {
		e.withdraw(now, x.offer, "caller left the queue")
	}
	e.drop(x)
	wait := x.wait(now)
	e.record(call.CallEvent(now, x.id.Call(), call.QueueLeft{Entry: x.id, Queue: x.queue.ID, Outcome: out, Wait: wait}))
	e.emit(LeftQueue{Entry: x.id, Queue: x.queue.ID, Outcome: out, Wait: wait})
}

// drop forgets an entry that no offer holds.
func (e *Engine) drop(x *entry) {
	x.line.waiting.remove(x)
	x.line.all--
	e.disarm(&x.limit)
	delete(x.queue.entries, x.id)
	delete(e.entries, x.id)
}

// wait is the time in the queue, in the resolution that is stored, so that
// Joined plus Wait is the instant of leaving.
func (x *entry) wait(now time.Time) time.Duration {
	return max(now.Sub(x.joined), 0).Truncate(time.Microsecond)
}
