// Package watch says when a promise to a customer is about to be missed, and when it
// is: as events in the ticket's own stream, each once.
//
// What was said is what the ticket's stream says. So a process that ends at any moment
// says the rest when it is back, and repeats nothing; a warning that was spooled while
// the database was away is one too. Nothing is polled: the Agenda knows what is due next,
// from the journal, and one goroutine waits for that instant.
package watch

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/tickets"
)

const (
	// grace is how long after an instant it is acted on: what was done in time may be a
	// moment on its way to the disk.
	grace      = time.Second
	catchUp    = 50 * time.Millisecond
	retryEvery = time.Second // while the journal or the store does not take or give something
	mostAtOnce = 50          // events in one Append
	pageLength = 1000        // tickets read at once
)

// Cursor reads the journal; see store.Cursor.
type Cursor interface {
	Next(ctx context.Context) ([]call.Event, error)
}

// Book is the tickets as they are kept.
type Book interface {
	Ticket(ctx context.Context, id call.TicketID) (tickets.Ticket, error)
	// UnsettledTickets are up to limit tickets that are not over, without notes, in the
	// order of opening behind a place; next is the place of the last.
	UnsettledTickets(ctx context.Context, after int64, limit int) (ts []tickets.Ticket, next int64, err error)
}

// Config is what a Watch needs.
type Config struct {
	Journal call.Journal
	Read    func(after int64) Cursor // the journal behind a global sequence
	After   int64                    // from where to read: a little before the last process ended, which may have owed a word on a ticket that is over
	Latest  func() int64             // the journal's last sequence
	Book    Book
	Terms   func() Terms // in force now
	Log     *zap.Logger
}

// Watch is the one that warns. Its methods are safe for use by many goroutines.
type Watch struct {
	cfg   Config
	heard chan []call.Event // from the reader to the loop
	terms chan struct{}     // has room for one; filled when the terms changed

	mu     sync.Mutex // guards what follows
	agenda *Agenda

	// Owned by the loop:
	kept   int64                   // up to this sequence the book has it all
	read   int64                   // sequence up to which the agenda knows the journal
	goal   int64                   // sequence that it is to know before anything is said; 0: not set
	unsure map[call.TicketID]int64 // tickets to be read again until they have this sequence
}

// New returns a Watch that has read nothing yet.
func New(c Config) *Watch {
	return &Watch{
		cfg: c, heard: make(chan []call.Event), terms: make(chan struct{}, 1),
		agenda: NewAgenda(c.Terms()), kept: c.Latest(), read: c.After, unsure: make(map[call.TicketID]int64),
	}
}

// Changed tells that contracts or calendars are others now.
func (w *Watch) Changed() {
	select {
	case w.terms <- struct{}{}:
	default:
	}
}

// Standing is how the promises stand.
func (w *Watch) Standing() Standing {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.agenda.Standing()
}

// Run reads the tickets that are open, and then says what is due until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	if !w.load(ctx) {
		return nil
	}
	wg.Go(func() { w.listen(ctx) })
	wake := time.NewTimer(0)
	defer wake.Stop()
	for {
		select {
		case evs := <-w.heard:
			w.heed(evs)
		case <-w.terms:
			w.measure()
		case <-wake.C:
		case <-ctx.Done():
			return nil
		}
		w.lookUp(ctx)
		wake.Reset(w.say(ctx))
	}
}

// load takes up all open tickets; false means that ctx ended first.
func (w *Watch) load(ctx context.Context) bool {
	for after := int64(0); ; {
		ts, next, err := w.cfg.Book.UnsettledTickets(ctx, after, pageLength)
		switch {
		case err != nil:
			w.cfg.Log.Warn("open tickets cannot be read", zap.Error(err))
			if !call.Pause(ctx, retryEvery) {
				return false
			}
			continue
		case len(ts) == 0:
			return ctx.Err() == nil
		}
		after = next
		w.mu.Lock()
		for _, t := range ts {
			w.agenda.Put(t, time.Now())
		}
		w.mu.Unlock()
	}
}

// listen hands the journal to the loop until ctx ends.
func (w *Watch) listen(ctx context.Context) {
	after := w.cfg.After
	for cursor := w.cfg.Read(after); ctx.Err() == nil; {
		evs, err := cursor.Next(ctx)
		if err != nil {
			if call.Pause(ctx, retryEvery) {
				w.cfg.Log.Warn("the watch over tickets cannot read the journal", zap.Error(err))
				cursor = w.cfg.Read(after)
			}
			continue
		}
		after = evs[len(evs)-1].Global
		select {
		case w.heard <- evs:
		case <-ctx.Done():
		}
	}
}

// heed folds events in. A ticket that is not at hand was over: it is looked up.
func (w *Watch) heed(evs []call.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.read = evs[len(evs)-1].Global
	for _, e := range evs {
		if e.Stream.Kind != call.StreamTicket {
			continue
		}
		id := call.TicketID(e.Stream.ID)
		_, opens := e.Body.(call.TicketOpened)
		_, own := e.Body.(call.TicketWarned)
		switch {
		case own && !w.agenda.Knows(id): // said of one that is over
		case !w.agenda.Knows(id) && (!opens || e.Global <= w.kept):
			w.unsure[id] = e.Seq
		default:
			if err := w.agenda.Apply(e, now); err != nil {
				w.cfg.Log.Warn("event does not fit its ticket", zap.Int64("global", e.Global), zap.Error(err))
			}
		}
	}
}

func (w *Watch) measure() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.agenda.Measure(w.cfg.Terms(), time.Now())
}

// lookUp reads the tickets that are not at hand, as far as the book has them.
func (w *Watch) lookUp(ctx context.Context) {
	for _, id := range slices.Sorted(maps.Keys(w.unsure)) {
		t, err := w.cfg.Book.Ticket(ctx, id)
		switch {
		case errors.Is(err, tickets.ErrNotFound) || err == nil && t.Seq < w.unsure[id]:
			continue // the database is behind the journal
		case err != nil:
			w.cfg.Log.Debug("ticket cannot be read", zap.String("ticket", string(id)), zap.Error(err))
			return // it is away
		}
		w.mu.Lock()
		w.agenda.Put(t, time.Now())
		w.mu.Unlock()
		delete(w.unsure, id)
	}
}

// say writes what is due, and returns after how long there will be more to do.
func (w *Watch) say(ctx context.Context) time.Duration {
	if w.goal == 0 {
		w.goal = w.cfg.Latest()
	}
	if w.read < w.goal {
		return catchUp // what is not read yet may have stopped a clock in time
	}
	w.goal = 0
	w.mu.Lock()
	evs := w.agenda.Say(time.Now().Add(-grace), mostAtOnce)
	w.mu.Unlock()
	if len(evs) == 0 {
		return w.rest()
	}
	now := call.Instant(time.Now())
	for i := range evs {
		evs[i].At = now
	}
	if err := w.cfg.Journal.Append(ctx, evs...); err != nil {
		if ctx.Err() == nil && !errors.Is(err, call.ErrHandedOver) { // else the next process says it
			w.cfg.Log.Warn("warnings of tickets cannot be kept yet", zap.Int("count", len(evs)), zap.Error(err))
		}
		return retryEvery
	}
	for _, e := range evs {
		if b, ok := e.Body.(call.TicketWarned); ok {
			w.cfg.Log.Info("promise", zap.String("ticket", e.Stream.ID), zap.String("clock", b.Clock), zap.Int("percent", b.Percent), zap.Time("due", b.Due))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.agenda.Said(evs, now)
	return 0
}

// rest is how long nothing is due.
func (w *Watch) rest() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait := time.Hour
	if len(w.unsure) > 0 {
		wait = retryEvery
	}
	if at, ok := w.agenda.Next(); ok {
		wait = min(wait, max(0, time.Until(at.Add(grace))))
	}
	return wait
}
