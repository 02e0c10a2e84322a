package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"firstline/call"
)

const (
	tailLength = 8192 // events kept in memory for readers that keep up
	pageLength = 1000 // events handed to a reader at once
)

// tail is the end of the journal in memory: what readers follow. It holds every
// durable event above floor, at least those that the database does not have yet.
type tail struct {
	db *database

	mu     sync.Mutex // guards what follows; nobody waits while holding it
	events []call.Event
	floor  int64
	latest int64
	grown  chan struct{} // closed and replaced when events grows
}

func newTail(db *database, last int64) *tail {
	return &tail{db: db, floor: last, latest: last, grown: make(chan struct{})}
}

func (t *tail) last() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.latest
}

// publish shows a durable group to the readers, and forgets old events that the
// database has: those up to stored.
func (t *tail) publish(g *group, stored int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, it := range g.items {
		t.events = append(t.events, it.Event)
	}
	t.latest = g.last()
	if n := len(t.events) - tailLength; n > tailLength {
		for n > 0 && t.events[n-1].Global > stored {
			n--
		}
		if n > 0 {
			t.floor = t.events[n-1].Global
			t.events = slices.Clone(t.events[n:])
		}
	}
	close(t.grown)
	t.grown = make(chan struct{})
}

// after returns the next events above a global sequence from memory. When they are
// not all in memory, it returns the floor up to which the database has them; when
// there are none yet, a channel that closes when there are.
func (t *tail) after(global int64) (evs []call.Event, floor int64, grown <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if global < t.floor {
		return nil, t.floor, nil
	}
	i, _ := slices.BinarySearchFunc(t.events, global+1, func(e call.Event, g int64) int { return int(e.Global - g) })
	if i == len(t.events) {
		return nil, 0, t.grown
	}
	return slices.Clone(t.events[i:min(i+pageLength, len(t.events))]), 0, nil
}

// Cursor reads the journal from a place on. It belongs to one goroutine.
type Cursor struct {
	tail  *tail
	after int64
}

// Read returns a cursor that begins behind a global sequence; 0 is the beginning.
func (j *Journal) Read(after int64) *Cursor { return &Cursor{tail: j.tail, after: after} }

// Next waits for events and returns up to 1,000: each durable event once, in
// global order. While it needs the database and that is away, it waits; the error
// is ctx's cause, or a database that refuses. Bodies are shared by all readers and
// must not be changed.
func (c *Cursor) Next(ctx context.Context) ([]call.Event, error) {
	for {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		evs, floor, grown := c.tail.after(c.after)
		switch {
		case len(evs) > 0:
			c.after = evs[len(evs)-1].Global
			return evs, nil
		case grown != nil:
			select {
			case <-grown:
			case <-ctx.Done():
			}
			continue
		}
		evs, err := c.stored(ctx, floor)
		if err != nil {
			return nil, err
		}
		if len(evs) < pageLength {
			c.after = floor // numbers in between were never used
		} else {
			c.after = evs[len(evs)-1].Global
		}
		if len(evs) > 0 {
			return evs, nil
		}
	}
}

const eventsBetween = `
SELECT global, kind, stream, seq, at, config, type, body FROM events
WHERE global > $1 AND global <= $2 ORDER BY global LIMIT $3`

// stored reads from the database up to floor, for as long as it takes to answer.
func (c *Cursor) stored(ctx context.Context, floor int64) ([]call.Event, error) {
	for {
		evs, err := c.tail.db.events(ctx, eventsBetween, c.after, floor, pageLength)
		switch {
		case err == nil:
			return evs, nil
		case context.Cause(ctx) != nil:
			return nil, context.Cause(ctx)
		case !away(err):
			return nil, fmt.Errorf("read the journal behind %d: %w", c.after, err)
		}
		if !call.Pause(ctx, 250*time.Millisecond) {
			return nil, context.Cause(ctx)
		}
	}
}

// events runs a query that selects events, in the time that a query may take.
func (d *database) events(ctx context.Context, query string, args ...any) ([]call.Event, error) {
	ctx, cancel := reading(ctx)
	defer cancel()
	rows, err := d.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var evs []call.Event
	for rows.Next() {
		var e call.Event
		var at int64
		var name, body string
		if err := rows.Scan(&e.Global, &e.Stream.Kind, &e.Stream.ID, &e.Seq, &at, &e.Config, &name, &body); err != nil {
			return nil, err
		}
		e.At = instant(at)
		if e.Body, err = call.DecodeBody(name, []byte(body)); err != nil {
			return nil, err
		}
		evs = append(evs, e)
	}
	return evs, rows.Err()
}
