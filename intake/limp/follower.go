package limp

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"

	"firstline/callqueue/queuelog"
)

// lookEvery is how often a log is looked at.
const lookEvery = 2 * time.Second

// Memory keeps what a follower has to know after a restart.
type Memory interface {
	// Load returns what was saved last, or nothing.
	Load(ctx context.Context) ([]byte, error)
	Save(ctx context.Context, data []byte) error
}

// Follower imports the calls of a log that grows. A log that is followed for the
// first time is followed from its end: what it holds is history, for `firstline
// import queue-log`.
type Follower struct {
	path   string
	memory Memory
	log    *zap.Logger
	calls  *Importer
	tail   *queuelog.Tail
	said   string // the last complaint, which is not repeated
	saved  string
}

// Follow returns a follower of a node's queue_log at path.
func (d *Desk) Follow(node, path string, m Memory) *Follower {
	return &Follower{path: path, memory: m, log: d.cfg.Log.With(zap.String("node", node), zap.String("file", path)), calls: d.Importer(node)}
}

// kept is a follower's memory.
type kept struct {
	Place queuelog.Place `json:"place"`
	Calls *Importer      `json:"calls"`
}

// Run follows until ctx ends. What cannot be read or written is tried again.
func (f *Follower) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		err := f.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		f.complain(err)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// complain says an error once, and that it is over.
func (f *Follower) complain(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch {
	case text == f.said:
	case err != nil:
		f.log.Error("calls of limp mode are not imported; it is tried again", zap.Error(err))
	default:
		f.log.Info("calls of limp mode are imported again")
	}
	f.said = text
}

// round imports what is there.
func (f *Follower) round(ctx context.Context) error {
	if f.tail == nil {
		if err := f.resume(ctx); err != nil {
			return err
		}
	}
	for more := true; more; {
		// What was read before goes first: lines are not heaped up while nothing
		// can be written.
		if _, err := f.calls.Settle(ctx, time.Now()); err != nil {
			return err
		}
		b, err := f.tail.Read()
		if err != nil {
			return err
		}
		for _, fault := range b.Faults {
			f.log.Warn("queue_log", zap.Error(fault))
		}
		f.calls.Take(b.Lines)
		_, err = f.calls.Settle(ctx, time.Now())
		if err == nil {
			err = f.save(ctx, b.Place)
		}
		if err != nil {
			return err
		}
		more = b.More
	}
	return nil
}

// resume begins where the last process was.
func (f *Follower) resume(ctx context.Context) error {
	data, err := f.memory.Load(ctx)
	if err != nil {
		return fmt.Errorf("place in the log: %w", err)
	}
	k := kept{Calls: f.calls}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &k); err != nil {
			return fmt.Errorf("place in the log: %w", err)
		}
		f.saved = string(data)
	} else if k.Place, err = queuelog.End(f.path); err != nil {
		return err
	}
	if f.saved == "" {
		if err := f.save(ctx, k.Place); err != nil {
			return err
		}
	}
	f.tail = queuelog.NewTail(f.path, k.Place)
	f.log.Info("queue_log is followed", zap.Time("from", k.Place.At))
	return nil
}

// save keeps the place together with the calls that are not over, when either has
// changed.
func (f *Follower) save(ctx context.Context, at queuelog.Place) error {
	data, err := json.Marshal(kept{at, f.calls})
	if err != nil {
		return err
	}
	if string(data) == f.saved {
		return nil
	}
	if err := f.memory.Save(ctx, data); err != nil {
		return fmt.Errorf("place in the log: %w", err)
	}
	f.saved = string(data)
	return nil
}
