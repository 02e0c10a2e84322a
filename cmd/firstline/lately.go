package main

import (
	"context"
	"sync"
	"time"

	"firstline/call"
	"firstline/callqueue/callers"
	"firstline/callqueue/estimate"
	"firstline/store"
)

// callersKept is how long it is remembered who phoned.
const callersKept = 24 * time.Hour

// lately is what the journal says of late: how long waits are, and who phoned. It
// reads the journal: nobody in the flow calls it but to ask, and it can be made again
// from the events.
type lately struct {
	journal *store.Journal
	after   int64

	mu      sync.Mutex // guards what follows
	book    *estimate.Book
	score   *estimate.Calibration
	callers *callers.Book
}

// newLately returns a history from the events behind a global sequence; number is a
// caller's number in its normal form.
func newLately(j *store.Journal, after int64, number func(call.Arrived) string) *lately {
	return &lately{
		journal: j, after: after, book: estimate.NewBook(estimate.Config{}), score: estimate.NewCalibration(),
		callers: callers.New(callersKept, number),
	}
}

// run follows the journal until ctx ends.
func (h *lately) run(ctx context.Context) error {
	for cursor := h.journal.Read(h.after); ; {
		evs, err := cursor.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		h.apply(evs)
	}
}

func (h *lately) apply(evs []call.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range evs {
		h.book.Apply(e)
		h.callers.Apply(e)
		switch b := e.Body.(type) {
		case call.Announced:
			if b.High > 0 {
				h.score.Announced(e.At, b.Queue, b.Entry, estimate.Range{Low: b.Low, High: b.High, Mean: b.Mean, P50: b.P50, P90: b.P90})
			}
		case call.QueueLeft:
			h.score.Left(e.At, b.Queue, b.Entry, b.Outcome)
		}
	}
}

// Estimate is how long a caller at a place will wait, or why nobody can say.
func (h *lately) Estimate(now time.Time, q call.QueueID, at estimate.Place) (estimate.Range, estimate.Reason, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.book.Estimate(now, q, at)
}

// Score is how good a queue's announced estimates were.
func (h *lately) Score(q call.QueueID) estimate.Score {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.score.Score(q)
}

// Handler is the agent whom a number talked to last, since an instant.
func (h *lately) Handler(number string, since time.Time) (call.AgentID, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.callers.Handler(number, since)
}

// OfTicket is the agent who talked last in a call of a ticket.
func (h *lately) OfTicket(t call.TicketID) (call.AgentID, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.callers.OfTicket(t)
}

// Unserved is how often a number was not served since an instant.
func (h *lately) Unserved(number string, since time.Time) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.callers.Unserved(number, since)
}

// Dropped is the place in a queue that a number left since an instant.
func (h *lately) Dropped(number string, q call.QueueID, since time.Time) (callers.Place, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.callers.Dropped(number, q, since)
}
