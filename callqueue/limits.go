package callqueue

import (
	"fmt"
	"slices"
	"time"

	"firstline/call"
)

// client is a client with a limit, and how many agents are with its calls.
type client struct {
	name  string
	cap   Cap
	used  int
	lines []*line
}

// pool is the agents among whom a reserve is kept.
type pool struct {
	Reserve
	why     string // it keeps agents from a call
	free    int
	benches []*bench
}

// mostFor is how many agents a client may have now.
func (e *Engine) mostFor(c *client) int { return c.cap.most(e.atWork) }

const unlimited = int(^uint(0) >> 1)

// most is how many agents a client with a limit may have of those who are at work.
func (c Cap) most(atWork int) int {
	most := c.Agents
	if c.Share > 0 {
		share := max(1, int(c.Share*float64(atWork)/100))
		if most == 0 || share < most {
			most = share
		}
	}
	if most == 0 {
		return unlimited
	}
	return most
}

// occupy counts an agent for the client whose call of a queue is offered.
func (e *Engine) occupy(a *agent, q call.QueueID, name string) {
	e.release(a)
	a.queue, a.client = q, name
	if c := e.clients[name]; c != nil {
		c.used++
	}
}

// release ends what occupy began: others of the client's calls may go on.
func (e *Engine) release(a *agent) {
	a.queue = ""
	if a.client == "" {
		return
	}
	if c := e.clients[a.client]; c != nil {
		c.used--
		e.stirClient(c)
	}
	a.client = ""
}

func (e *Engine) stirClient(c *client) {
	for _, l := range c.lines {
		if l.callers() {
			e.stir(l)
		}
	}
}

// kept reports whether all that are free on a bench are kept for other classes.
func (l *line) kept(b *bench) bool { return l.keeper(b) != nil }

func (l *line) keeper(b *bench) *pool {
	if l.sole() {
		return nil
	}
	for _, p := range b.pools {
		if p.free <= p.Keep && !slices.Contains(p.Classes, l.key.class) {
			return p
		}
	}
	return nil
}

// enter puts an agent among those who are free for an offer, and stirs whoever
// may be served by that.
func (e *Engine) enter(a *agent) {
	if a.ready() {
		return
	}
	a.bench.ready.push(a)
	for _, l := range a.bench.lines {
		if l.callers() {
			e.stir(l)
		}
	}
	for _, p := range a.bench.pools {
		if p.free++; p.free == p.Keep+1 { // more than is kept: the others of the pool count now
			for _, b := range p.benches {
				for _, l := range b.lines {
					if l.callers() {
						e.stir(l)
					}
				}
			}
		}
	}
}

// withhold takes an agent out of those who are free for an offer.
func (e *Engine) withhold(a *agent) {
	if !a.ready() {
		return
	}
	a.bench.ready.remove(a)
	for _, p := range a.bench.pools {
		p.free--
	}
}

// breakFull says why a person may not go on break for a reason, if so.
func (e *Engine) breakFull(a *agent, reason string) error {
	rule, ok := e.rules.Breaks[reason]
	if !ok || a.presence == call.OnBreak && a.reason == reason {
		return nil
	}
	away := e.breaks[reason]
	if rule.Most > 0 && len(away) >= rule.Most {
		return fmt.Errorf("%w: %d are on break for %q", ErrBreakFull, len(away), reason)
	}
	for _, q := range e.order {
		most, limited := rule.Queues[q.ID]
		if !limited || !a.Meets(q.Need) {
			continue
		}
		n := 0
		for other := range away {
			if other.Meets(q.Need) {
				n++
			}
		}
		if n >= most {
			return fmt.Errorf("%w: %d of queue %q are on break for %q", ErrBreakFull, n, q.ID, reason)
		}
	}
	return nil
}

// countBreak keeps the books of who is on break for which reason.
func (e *Engine) countBreak(a *agent, p call.Presence, reason string) {
	if a.presence == call.OnBreak {
		delete(e.breaks[a.reason], a)
	}
	if p != call.OnBreak {
		return
	}
	if e.breaks[reason] == nil {
		e.breaks[reason] = make(map[*agent]bool)
	}
	e.breaks[reason][a] = true
}

// wanted is the agent for whom an entry is kept at a step: the one asked for,
// while that one is available (to others as well, or at work) and can be reached,
// can serve it, and the time for it has not passed. Otherwise it is everybody's.
func (e *Engine) wanted(now time.Time, x *entry, step int) *agent {
	if x.sole {
		return e.agents[x.prefer]
	}
	if x.prefer == "" || !now.Before(x.came.Add(x.preferFor)) {
		return nil
	}
	if len(x.live) > 0 && (x.line == nil || x.line.only == nil) {
		return nil // somebody's phone rings already
	}
	a := e.agents[x.prefer]
	if a == nil || a.gone || a.presence != call.Available || a.standing == unreachable || !a.Meets(x.asked) {
		return nil
	}
	need, window := x.ladder.at(step)
	if _, ok := window.admits(x.queue.tier(a.ID)); !ok || !a.Meets(need) {
		return nil
	}
	return a
}

// letGo gives the callers who are kept for an agent to everybody, or keeps them
// still, as it now is.
func (e *Engine) letGo(now time.Time, a *agent) {
	for _, l := range slices.Clone(a.own) {
		for _, x := range slices.Concat(l.waiting.items, l.ringing.items) {
			if !e.forsake(now, x) {
				e.place(now, x)
			}
		}
	}
}
