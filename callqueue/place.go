package callqueue

import (
	"context"
	"fmt"
	"time"

	"firstline/call"
	"firstline/callqueue/estimate"
)

// Place is where an entry stands: how many callers are before it of those who
// could be given the same agents, and how many of these agents are at work and
// can be reached. ErrUnknownEntry means that the entry does not wait.
//
// It looks at everybody who waits, which announcements can afford and decisions
// could not.
func (e *Engine) Place(id call.EntryID) (estimate.Place, error) {
	x, ok := e.entries[id]
	if !ok {
		return estimate.Place{}, fmt.Errorf("%w: %s", ErrUnknownEntry, id)
	}
	var at estimate.Place
	mine := make(map[*bench]bool)
	for _, k := range x.line.links {
		mine[k.bench] = true
		for s, n := range k.bench.count {
			if s := standing(s); s.atWork() && s != unreachable {
				at.Servers += n
			}
		}
		at.Idle += k.bench.count[free]
	}
	rivals := make(map[*line]bool)
	for _, other := range e.entries {
		rival, known := rivals[other.line]
		if !known {
			rival = other.line.shares(mine)
			rivals[other.line] = rival
		}
		if rival && other != x && other.before(x) {
			at.Ahead++
		}
	}
	return at, nil
}

// Earlier is how many callers wait in a queue who joined before an instant.
func (d *Dispatcher) Earlier(ctx context.Context, q call.QueueID, than time.Time) (n int, err error) {
	err = d.ask(ctx, func(time.Time) error {
		in := d.engine.queues[q]
		if in == nil {
			return fmt.Errorf("%w: %q", ErrUnknownQueue, q)
		}
		for _, x := range in.entries {
			if x.arrived.Before(than) {
				n++
			}
		}
		return nil
	})
	return n, err
}

// shares reports whether a line can be served from one of the benches.
func (l *line) shares(benches map[*bench]bool) bool {
	for _, k := range l.links {
		if benches[k.bench] {
			return true
		}
	}
	return false
}

// Place is where a call stands that waits; see Engine.Place.
func (d *Dispatcher) Place(ctx context.Context, entry call.EntryID) (at estimate.Place, err error) {
	asked := d.ask(ctx, func(time.Time) error {
		at, err = d.engine.Place(entry)
		return err
	})
	return at, asked
}

// Load is how a queue stands at one instant.
type Load struct {
	Waiting int           // callers, with those being offered
	Longest time.Duration // wait of who waits longest
	Staffed int           // agents logged in who meet the queue's own requirement
	Ready   int           // of those, free for an offer now
}

// Load is how one queue stands; ErrUnknownQueue when there is none.
func (d *Dispatcher) Load(ctx context.Context, q call.QueueID) (s Load, err error) {
	err = d.ask(ctx, func(now time.Time) error {
		in := d.engine.queues[q]
		if in == nil {
			return fmt.Errorf("%w: %q", ErrUnknownQueue, q)
		}
		s.Waiting = len(in.entries)
		for _, x := range in.entries {
			s.Longest = max(s.Longest, now.Sub(x.joined))
		}
		s.Staffed, s.Ready = d.engine.serving(in)
		return nil
	})
	return s, err
}
