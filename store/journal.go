package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// Mode is where the journal's events go.
type Mode string

const (
	Direct   Mode = "direct"   // each group is in the database before it is acknowledged
	Spooling Mode = "spooling" // each group is on the local disk first, the database follows
)

// Status says how the journal does.
type Status struct {
	Mode       Mode
	Since      time.Time // of the mode
	Spooled    int       // events that are durable but not yet in the database
	Pending    int       // events handed over that are not yet durable
	LastGlobal int64     // of the latest durable event
}

const (
	largestGroup  = 1000                  // events committed together, unless one Append has more
	appendGap     = 15 * time.Millisecond // from one group to the next while somebody waits for it
	postGap       = 50 * time.Millisecond // the same while nobody does
	alarmingBytes = 64 << 20              // of bodies waiting to become durable
	alarmEvery    = 10 * time.Second      // one line in the log
)

// Journal orders all events and makes them durable. It implements call.Journal.
type Journal struct {
	log      *zap.Logger
	commits  *committer
	spool    *spool
	streams  *streams // owned by the writer
	tail     *tail
	patience time.Duration
	global   int64      // given out last; owned by the writer
	group    time.Time  // when the last group was begun; owned by the writer
	deferred []*request // posts whose stream cannot be looked up while the database is away; owned by the writer

	mu      sync.Mutex // guards what follows
	pending []*request
	events  int // in pending
	awaited int // requests in pending that somebody waits for
	bytes   int // of bodies in pending
	alarmed time.Time
	config  string
	mode    Mode
	since   time.Time
	closed  error
	wake    chan struct{} // has room for one; filled when pending grows
}

// request is one Append or Post.
type request struct {
	items []item
	done  chan error // has room for one; nil for a Post
	taken bool       // by the writer; guarded by Journal.mu
}

func newJournal(ctx context.Context, db *database, c *committer, sp *spool, patience time.Duration, log *zap.Logger) (*Journal, error) {
	known, err := loadStreams(ctx, db)
	if err != nil {
		return nil, err
	}
	return &Journal{
		log: log, commits: c, spool: sp, streams: known, tail: newTail(db, c.last), patience: patience,
		global: c.last, mode: Direct, since: time.Now(), wake: make(chan struct{}, 1),
	}, nil
}

// SetConfig sets the hash of the centre that events are decided under, for those
// that do not say.
func (j *Journal) SetConfig(hash string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.config = key(hash)
}

// Status says how the journal does.
func (j *Journal) Status() Status {
	spooled := j.commits.backlog.spooled()
	j.mu.Lock()
	defer j.mu.Unlock()
	return Status{Mode: j.mode, Since: j.since, Spooled: spooled, Pending: j.events, LastGlobal: j.tail.last()}
}

// Append implements call.Journal. When ctx ends before the writer has begun with
// the events they are withdrawn and ctx's cause is returned; once it has begun,
// Append waits to see it through. ErrAway means that the stream has long been
// closed and cannot be continued while the database does not answer.
func (j *Journal) Append(ctx context.Context, evs ...call.Event) error {
	if len(evs) == 0 {
		return nil
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	r := &request{items: make([]item, len(evs)), done: make(chan error, 1)}
	var err error
	for i, e := range evs {
		if r.items[i], err = newItem(e); err != nil {
			return err
		}
	}
	if err := j.hand(r); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		if j.withdraw(r) {
			return context.Cause(ctx)
		}
		return <-r.done
	}
}

// Post implements call.Journal. An event that cannot be encoded, or comes after
// the end, is logged as an Error: there is nobody to tell.
func (j *Journal) Post(evs ...call.Event) {
	r := &request{items: make([]item, 0, len(evs))}
	for _, e := range evs {
		it, err := newItem(e)
		if err != nil {
			j.log.Error("event cannot be kept", zap.Error(err))
			continue
		}
		r.items = append(r.items, it)
	}
	if len(r.items) == 0 {
		return
	}
	if err := j.hand(r); err != nil {
		j.lost(r, err)
	}
}

func (j *Journal) lost(r *request, err error) {
	if errors.Is(err, call.ErrHandedOver) && !errors.Is(err, ErrOwned) {
		return // what unwinds here is no change: the next process goes on from what is kept
	}
	for _, it := range r.items {
		j.log.Error("event lost", zap.String("type", it.Body.Type()), zap.String("kind", string(it.Stream.Kind)),
			zap.String("stream", it.Stream.ID), zap.Time("at", it.At), zap.Error(err))
	}
}

func (j *Journal) hand(r *request) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed != nil {
		return j.closed
	}
	j.pending = append(j.pending, r)
	j.count(r, 1)
	if now := time.Now(); j.bytes > alarmingBytes && now.Sub(j.alarmed) > alarmEvery {
		j.alarmed = now
		j.log.Error("events come faster than they become durable", zap.Int("events", j.events), zap.Int("bytes", j.bytes))
	}
	select {
	case j.wake <- struct{}{}:
	default:
	}
	return nil
}

// count keeps the size of pending; the lock is held.
func (j *Journal) count(r *request, sign int) {
	j.events += sign * len(r.items)
	if r.done != nil {
		j.awaited += sign
	}
	for _, it := range r.items {
		j.bytes += sign * len(it.body)
	}
}

// withdraw takes a request back that the writer has not begun with.
func (j *Journal) withdraw(r *request) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if r.taken {
		return false
	}
	for i, p := range j.pending {
		if p == r {
			j.pending = append(j.pending[:i:i], j.pending[i+1:]...)
			j.count(r, -1)
			return true
		}
	}
	return false
}

// due is how long the next group may still gather company. A commit costs about
// the same for one event as for fifty, so groups keep a distance; the first after a
// pause goes at once.
func (j *Journal) due(now time.Time) time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	gap := postGap
	switch {
	case len(j.pending) == 0 || j.events >= largestGroup || j.closed != nil:
		return 0
	case j.awaited > 0:
		gap = appendGap
	}
	return j.group.Add(gap).Sub(now)
}

// take takes the requests of the next group.
func (j *Journal) take() (rs []*request, config string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for n < len(j.pending) && len(rs) < largestGroup {
		r := j.pending[n]
		r.taken = true
		j.count(r, -1)
		rs = append(rs, r)
		n++
	}
	clear(j.pending[:n])
	j.pending = j.pending[n:]
	return rs, j.config
}

// putBack puts posts that could not be made durable in front again.
func (j *Journal) putBack(rs []*request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range rs {
		j.count(r, 1)
	}
	j.pending = append(append(make([]*request, 0, len(rs)+len(j.pending)), rs...), j.pending...)
}

func (j *Journal) setMode(m Mode) (was time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	was, j.mode, j.since = j.since, m, time.Now()
	return was
}

// close refuses what comes from now on.
func (j *Journal) close(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !errors.Is(j.closed, call.ErrHandedOver) || errors.Is(j.closed, ErrOwned) {
		j.closed = err
	}
}

// HandOver ends the writing of events before the process ends: calls that go on
// without us are left as the journal has them, for the next process. What was
// handed over before is kept. Append returns call.ErrHandedOver from now on, and what
// is posted is dropped.
func (j *Journal) HandOver() { j.close(call.ErrHandedOver) }

// fail answers what nobody will write any more.
func (j *Journal) fail(err error) {
	j.close(err)
	rs, _ := j.take()
	for len(rs) > 0 {
		for _, r := range rs {
			j.answer(r, err)
		}
		rs, _ = j.take()
	}
}

func (j *Journal) answer(r *request, err error) {
	switch {
	case r.done != nil:
		r.done <- err
	case err != nil:
		j.lost(r, err)
	}
}

var errNoSpace = errors.New("neither the database nor the local disk takes events")

func notDurable(database, disk error) error {
	return fmt.Errorf("%w: %w; spool: %w", errNoSpace, database, disk)
}
