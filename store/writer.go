package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// lastChance is how long the end waits for the database to take what is spooled.
const lastChance = 5 * time.Second

// run is the writer: the one goroutine that orders events. It ends when ctx does,
// after what was handed over before; behind outlives it.
func (j *Journal) run(ctx, behind context.Context) error {
	for {
		var again <-chan time.Time
		if len(j.deferred) > 0 && j.mode == Direct {
			again = time.After(time.Second)
		}
		select {
		case <-j.wake:
		case <-j.commits.backlog.drained:
		case <-again:
			j.resume()
		case <-ctx.Done():
			return j.finish(behind, context.Cause(ctx))
		}
		j.writePending(ctx, behind)
	}
}

func (j *Journal) writePending(ctx, behind context.Context) {
	for {
		j.leaveSpool()
		j.gather(ctx)
		rs, config := j.take()
		if len(rs) == 0 {
			return
		}
		if !j.write(behind, rs, config) && !call.Pause(ctx, j.patience) {
			return // the posts that were put back get one more try in finish
		}
	}
}

// gather waits until the next group is due. What comes meanwhile goes with it.
func (j *Journal) gather(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait := j.due(time.Now())
		if wait <= 0 {
			j.group = time.Now()
			return
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-j.wake: // perhaps somebody who waits
		case <-ctx.Done():
			return
		}
	}
}

func (j *Journal) finish(behind context.Context, cause error) error {
	if errors.Is(cause, ErrOwned) {
		if n := j.commits.backlog.spooled(); n > 0 && j.mode == Spooling {
			j.log.Error("spooled events are the former owner's now; the next start sets them aside", zap.Int("events", n), zap.String("folder", j.spool.dir))
		}
		j.fail(cause)
		return cause
	}
	j.close(ErrClosed)
	j.writePending(cancelled(), behind)
	deadline := time.NewTimer(lastChance)
	defer deadline.Stop()
	for j.mode == Spooling { // the mode is changed by this goroutine alone
		select {
		case <-j.commits.backlog.drained:
			j.writePending(cancelled(), behind)
		case <-deadline.C:
			j.log.Warn("the database is still away; the spool is replayed at the next start", zap.Int("events", j.commits.backlog.spooled()))
			j.fail(ErrClosed)
			return nil
		}
	}
	for _, r := range j.deferred {
		j.lost(r, ErrClosed)
	}
	j.fail(ErrClosed)
	return nil
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// leaveSpool goes back to committing directly once the database has everything.
// Only the writer changes the mode, between two groups, so nothing is overtaken.
func (j *Journal) leaveSpool() {
	if j.mode != Spooling || !j.commits.backlog.empty() {
		return
	}
	if err := j.spool.clear(); err != nil {
		// What stays behind is known to be stored at the next start.
		j.log.Error("spool cannot be emptied", zap.Error(err))
	}
	since := j.setMode(Direct)
	j.log.Info("database is back and has caught up", zap.Duration("away", time.Since(since)), zap.Int64("global", j.global))
	j.resume()
}

// resume tries the deferred posts again.
func (j *Journal) resume() {
	j.putBack(j.deferred)
	j.deferred = nil
}

// write makes one group durable and answers its requests. It is false when
// nothing could be written.
func (j *Journal) write(ctx context.Context, rs []*request, config string) bool {
	g := j.form(ctx, rs, config)
	if len(g.items) == 0 {
		return true
	}
	if why := j.commits.lease.gone(); why != nil {
		j.refuse(g, why, false)
		return true
	}
	if j.mode == Spooling {
		if err := j.spool.append(g.items); err != nil {
			j.refuse(g, notDurable(ErrAway, err), errors.Is(err, errSpoolUncertain))
			return false
		}
		j.commits.backlog.add(g)
		j.acknowledge(g)
		return true
	}
	j.commits.backlog.add(g)
	timer := time.NewTimer(j.patience)
	defer timer.Stop()
	err := fmt.Errorf("%w within %v", ErrAway, j.patience)
	select {
	case err = <-g.result:
	case <-timer.C:
	}
	if err == nil {
		j.acknowledge(g)
		return true
	}
	return j.divert(g, err)
}

// divert spools a group that the database has not taken, or not yet.
func (j *Journal) divert(g *group, why error) bool {
	if gone := j.commits.lease.gone(); gone != nil { // nobody commits any more, so nobody has told us why not
		why = gone
	}
	if errors.Is(why, ErrOwned) {
		j.refuse(g, why, true)
		return true
	}
	fault := j.spool.append(g.items)
	if fault == nil {
		j.log.Warn("database does not answer; events go to the spool", zap.Error(why), zap.Int64("global", g.first()))
		j.setMode(Spooling)
		j.acknowledge(g)
		return true
	}
	stored, unknown := j.commits.backlog.withdraw(g)
	if stored {
		j.acknowledge(g)
		return true
	}
	j.refuse(g, notDurable(why, fault), unknown || errors.Is(fault, errSpoolUncertain))
	return false
}

func (j *Journal) acknowledge(g *group) {
	j.tail.publish(g, j.commits.backlog.storedUpTo())
	for _, r := range g.requests {
		j.answer(r, nil)
	}
}

// refuse answers a group that is not durable. Its numbers are used again, unless
// it may yet turn up: then a gap is better than two events with one number.
func (j *Journal) refuse(g *group, err error, mayTurnUp bool) {
	if mayTurnUp {
		j.log.Error("events were refused whose fate is not known", zap.Error(err),
			zap.Int64("first", g.first()), zap.Int64("last", g.last()))
	} else {
		j.global = g.first() - 1
		for stream, seq := range g.before {
			j.streams.set(stream, seq)
		}
	}
	var posts []*request
	for _, r := range g.requests {
		if r.done == nil && !errors.Is(err, ErrOwned) {
			posts = append(posts, r)
			continue
		}
		j.answer(r, err)
	}
	j.putBack(posts)
}

// form gives every event its numbers.
func (j *Journal) form(ctx context.Context, rs []*request, config string) *group {
	g := newGroup(rs)
	for _, r := range rs {
		if err := j.streams.find(ctx, r.items, j.mode == Direct, j.patience); err != nil {
			if r.done == nil {
				j.deferred = append(j.deferred, r)
				continue
			}
			j.answer(r, err)
			continue
		}
		g.requests = append(g.requests, r)
		for _, it := range r.items {
			j.global++
			it.Global = j.global
			it.Seq = j.streams.next(it.Event, g.before)
			if it.Config == "" {
				it.Config = config
			}
			g.items = append(g.items, it)
		}
	}
	return g
}
