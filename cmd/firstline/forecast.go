package main

import (
	"context"
	"sync"
	"time"

	"firstline/call"
	"firstline/callqueue/estimate"
	"firstline/store"
)

// forecast estimates waits. It reads the journal: nobody in the flow calls it but
// to ask, and it can be made again from the events.
type forecast struct {
	journal *store.Journal
	after   int64

	mu    sync.Mutex // guards what follows
	book  *estimate.Book
	score *estimate.Calibration
}

// newForecast returns a forecast from the events behind a global sequence.
func newForecast(j *store.Journal, after int64) *forecast {
	return &forecast{journal: j, after: after, book: estimate.NewBook(estimate.Config{}), score: estimate.NewCalibration()}
}

// run follows the journal until ctx ends.
func (f *forecast) run(ctx context.Context) error {
	for cursor := f.journal.Read(f.after); ; {
		evs, err := cursor.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		f.apply(evs)
	}
}

func (f *forecast) apply(evs []call.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range evs {
		f.book.Apply(e)
		switch b := e.Body.(type) {
		case call.Announced:
			if b.High > 0 {
				f.score.Announced(e.At, b.Queue, b.Entry, estimate.Range{Low: b.Low, High: b.High, Mean: b.Mean, P50: b.P50, P90: b.P90})
			}
		case call.QueueLeft:
			f.score.Left(e.At, b.Queue, b.Entry, b.Outcome)
		}
	}
}

// Estimate is how long a caller at a place will wait, or why nobody can say.
func (f *forecast) Estimate(now time.Time, q call.QueueID, at estimate.Place) (estimate.Range, estimate.Reason, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.book.Estimate(now, q, at)
}

// Score is how good a queue's announced estimates were.
func (f *forecast) Score(q call.QueueID) estimate.Score {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.score.Score(q)
}
