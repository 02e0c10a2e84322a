package store

import (
	"context"
	"sync"

	"firstline/call"
)

// group is what becomes durable together.
type group struct {
	requests []*request
	items    []item
	before   map[call.Stream]int64 // sequences before the group, to go back to
	result   chan error            // has room for one: stored, or the first attempt's error
	settled  chan struct{}         // closed when stored, or withdrawn
	stored   bool                  // set before settled is closed
	unknown  bool                  // withdrawn after an attempt whose outcome is not known; set before settled is closed
	taken    bool                  // asked to be withdrawn; guarded by backlog.mu
}

func newGroup(rs []*request) *group {
	n := 0
	for _, r := range rs {
		n += len(r.items)
	}
	return &group{
		items: make([]item, 0, n), before: make(map[call.Stream]int64),
		result: make(chan error, 1), settled: make(chan struct{}),
	}
}

func (g *group) first() int64 { return g.items[0].Global }
func (g *group) last() int64  { return g.items[len(g.items)-1].Global }

// answer tells the writer, if it still listens.
func (g *group) answer(err error) {
	select {
	case g.result <- err:
	default:
	}
}

// backlog is the queue between the writer and the committer: groups in order that
// the database does not have yet.
type backlog struct {
	work    chan struct{} // has room for one; filled when groups grows or a group is withdrawn
	drained chan struct{} // has room for one; filled when the last group is stored

	mu     sync.Mutex // guards what follows
	groups []*group
	events int
	last   int64              // stored
	cancel context.CancelFunc // of the attempt under way
}

func newBacklog(last int64) *backlog {
	return &backlog{work: make(chan struct{}, 1), drained: make(chan struct{}, 1), last: last}
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (b *backlog) add(g *group) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.groups = append(b.groups, g)
	b.events += len(g.items)
	nudge(b.work)
}

func (b *backlog) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.groups) == 0
}

func (b *backlog) spooled() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events
}

func (b *backlog) storedUpTo() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

// next is the head of the queue, up to limit events; it stays in the queue.
func (b *backlog) next(limit int) []*group {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, events := 0, 0
	for n < len(b.groups) && (n == 0 || events+len(b.groups[n].items) <= limit) {
		events += len(b.groups[n].items)
		n++
	}
	return b.groups[:n:n]
}

// attempt makes a context for one attempt at gs, which withdraw can end.
func (b *backlog) attempt(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, longestAttempt)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cancel = cancel
	if len(b.groups) > 0 && b.groups[0].taken {
		cancel()
	}
	return ctx, cancel
}

// done takes stored groups off the queue.
func (b *backlog) done(gs []*group) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.groups = b.groups[len(gs):]
	for _, g := range gs {
		b.events -= len(g.items)
		b.last = g.last()
		g.stored = true
		close(g.settled)
		g.answer(nil)
	}
	if len(b.groups) == 0 {
		b.groups = nil
		nudge(b.drained)
	}
}

// withdrawn drops the head of the queue if the writer wants it back.
func (b *backlog) withdrawn(unknown bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.groups) == 0 || !b.groups[0].taken {
		return false
	}
	g := b.groups[0]
	b.groups = b.groups[1:]
	b.events -= len(g.items)
	g.unknown = unknown
	close(g.settled)
	return true
}

// withdraw takes back the only group in the queue, and waits until it is clear
// what became of it: stored after all, given up, or perhaps stored.
func (b *backlog) withdraw(g *group) (stored, unknown bool) {
	b.mu.Lock()
	g.taken = true
	if b.cancel != nil {
		b.cancel()
	}
	nudge(b.work)
	b.mu.Unlock()
	<-g.settled
	return g.stored, g.unknown
}

func (b *backlog) isTaken(g *group) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return g.taken
}
