package asterisk

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"
)

// refusedMax is the longest pause while connections are refused: an Asterisk that
// starts does that, and to ask once a second costs nobody anything.
const refusedMax = time.Second

// sayEvery is how often it is said that an Asterisk is still away.
const sayEvery = 30 * time.Second

// Run connects and keeps connected, and hands the events to h, until ctx ends
// (nil) or somebody else takes the application over (ErrReplaced). It must not be
// called twice at a time.
//
// An event that Asterisk sends twice, with the same instant and content, is handed
// over once.
//
// A connection is given up when Asterisk closes it, when no sign of life comes in
// time, when an event of our own does not come back through Asterisk, and when events
// come faster than h takes them. An operation that gets no answer does not end it,
// but has the sign of life asked for at once.
func (c *Client) Run(ctx context.Context, h Handler) error {
	if !c.running.CompareAndSwap(false, true) {
		return fmt.Errorf("asterisk %s: its events are being read already", c.cfg.Name)
	}
	defer c.running.Store(false)
	pause := backoff{least: c.cfg.BackoffMin, most: c.cfg.BackoffMax}
	var said time.Time
	for {
		began := time.Now()
		up, err := c.connected(ctx, h)
		switch {
		case errors.Is(err, ErrReplaced):
			c.log.Error("application taken over by somebody else", zap.String("application", c.cfg.Application))
			return err
		case ctx.Err() != nil:
			return nil
		case time.Since(began) > c.cfg.BackoffMax: // it was a good connection
			pause.reset()
		}
		wait := pause.next()
		if errors.Is(err, syscall.ECONNREFUSED) {
			wait = min(wait, refusedMax)
		}
		say := c.log.Debug
		if up || time.Since(said) >= sayEvery {
			say, said = c.log.Warn, time.Now()
		}
		say("event socket down", zap.Error(err), zap.Duration("again", wait))
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

// connected is one connection, from the attempt to its end. The error says why it
// ended; up, whether it came to Connected.
func (c *Client) connected(ctx context.Context, h Handler) (up bool, err error) {
	if c.replaced.Load() {
		return false, fmt.Errorf("asterisk %s: %w", c.cfg.Name, ErrReplaced)
	}
	conn, err := c.dial(ctx)
	if err == nil {
		up, err = c.serve(ctx, conn, h)
		c.rest.CloseIdleConnections() // what cut the socket without a word has cut these
	} else {
		c.ghosts.note(err, time.Now())
	}
	switch {
	case up:
		h.Disconnected(err)
	case ctx.Err() == nil:
		h.Unreached(err)
	}
	return up, err
}

// serve hands over what comes on conn until that ends; up says whether it came to
// Connected. What had come before the end is handed over still, save when ctx has ended.
func (c *Client) serve(ctx context.Context, conn *websocket.Conn, h Handler) (up bool, err error) {
	live, end := context.WithCancelCause(ctx)
	defer end(nil)
	stop := context.AfterFunc(live, func() { _ = conn.CloseNow() })
	defer stop()
	q, heard := newQueue(c.cfg.QueueLen, c.cfg.QueueBytes), make(chan string, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		end(c.read(live, conn, q, heard))
		q.close()
	})
	if err := c.beat(live, heard); err != nil {
		end(err)
		return false, context.Cause(live)
	}
	wg.Go(func() { end(c.keepAlive(live, conn, heard)) })
	c.log.Info("event socket up", zap.String("application", c.cfg.Application))
	h.Connected(live)
	var last recent
	for {
		b, ok := q.take(ctx)
		if !ok {
			return true, cmp.Or(context.Cause(live), context.Cause(ctx)) // live may hear of ctx's end a moment later
		}
		if !last.has(b) {
			c.handOver(b, h)
		}
	}
}

func (c *Client) handOver(b []byte, h Handler) {
	e := Decode(b)
	if u, ok := e.(Unknown); ok && u.Err != nil {
		c.log.Error("event not understood", zap.String("type", u.Type), zap.Error(u.Err))
	}
	h.Event(e)
}

// recent are the last events, to know one that Asterisk tells twice: it does so, to
// the letter, of channels of which the application hears by two subscriptions.
type recent struct {
	events [64][]byte
	next   int
}

// has says whether b is among them, and keeps it when not.
func (r *recent) has(b []byte) bool {
	for _, e := range r.events {
		if bytes.Equal(e, b) {
			return true
		}
	}
	r.events[r.next] = b
	r.next = (r.next + 1) % len(r.events)
	return false
}

// backoff is the pause before an attempt to connect: random, so that not all
// clients of an Asterisk come back at once, and longer from time to time.
type backoff struct{ least, most, now time.Duration }

func (b *backoff) next() time.Duration {
	b.now = min(max(2*b.now, b.least), b.most)
	return b.least + rand.N(b.now-b.least+1)
}

func (b *backoff) reset() { b.now = 0 }

// sleep says whether the time passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
