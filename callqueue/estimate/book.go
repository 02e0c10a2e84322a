package estimate

import (
	"math"
	"time"

	"firstline/call"
)

// Samples is what handling and patience were of late.
type Samples struct {
	Handled  int           // calls that Handling is the mean of
	Handling time.Duration // talk, hold and wrap-up
	Error    float64       // standard error of Handling, by Handling
	Patience time.Duration // mean, from all waits; 0: nobody gave up
	Abandons int
}

// Book keeps the samples of all queues: a fold over the journal. It is for one
// goroutine. The zero value is not ready; use NewBook.
type Book struct {
	cfg    Config
	queues map[call.QueueID]*shelf
	calls  map[call.ID]*story
	busy   map[call.AgentID]*story
}

// shelf is one queue's samples, oldest first.
type shelf struct{ handled, waited []sample }

type sample struct {
	at      time.Time
	took    time.Duration
	givenUp bool
}

// story is one call that is waiting, talking or being wrapped up.
type story struct {
	queue   call.QueueID
	entered time.Time // this queue; the wait may have begun in another
	test    bool
	only    bool // for one agent alone: no sample of the queue's waits
	back    bool // nobody is on the line, so nobody can give up
	talks   time.Time
}

// NewBook returns a Book without samples.
func NewBook(cfg Config) *Book {
	return &Book{
		cfg: cfg.defaults(), queues: make(map[call.QueueID]*shelf),
		calls: make(map[call.ID]*story), busy: make(map[call.AgentID]*story),
	}
}

// Apply takes the journal's next event; test calls are left out.
func (b *Book) Apply(ev call.Event) {
	id := call.ID(ev.Stream.ID)
	switch x := ev.Body.(type) {
	case call.Arrived:
		b.calls[id] = &story{test: x.Test}
	case call.QueueJoined:
		s := b.calls[id]
		if s == nil {
			s = &story{}
			b.calls[id] = s
		}
		s.queue, s.entered, s.only, s.back = x.Queue, ev.At, x.Only, x.Callback != ""
	case call.QueueLeft:
		b.left(id, x, ev.At)
	case call.Ended:
		delete(b.calls, id)
	case call.ActivityChanged:
		b.activity(call.AgentID(ev.Stream.ID), x, ev.At)
	}
}

func (b *Book) left(id call.ID, x call.QueueLeft, at time.Time) {
	s := b.calls[id]
	if s == nil || s.test || s.only || s.back {
		return
	}
	gaveUp := x.Outcome == call.OutcomeAbandoned || x.Outcome == call.OutcomeAbandonedShort
	shelf := b.shelf(x.Queue)
	shelf.waited = b.keep(append(shelf.waited, sample{at, max(at.Sub(s.entered), 0), gaveUp}), at)
}

// activity measures handling from the agent's side: from the answer until the
// agent can be offered the next call.
func (b *Book) activity(id call.AgentID, x call.ActivityChanged, at time.Time) {
	s := b.busy[id]
	switch x.Activity {
	case call.Talking, call.Holding, call.WrapUp:
		if s == nil && x.Activity == call.Talking {
			if s := b.calls[x.Call]; s != nil && s.queue != "" && !s.test {
				b.busy[id] = &story{queue: s.queue, talks: at}
			}
		}
	default:
		if s != nil {
			shelf := b.shelf(s.queue)
			shelf.handled = b.keep(append(shelf.handled, sample{at: at, took: at.Sub(s.talks)}), at)
			delete(b.busy, id)
		}
	}
}

func (b *Book) shelf(id call.QueueID) *shelf {
	s, ok := b.queues[id]
	if !ok {
		s = &shelf{}
		b.queues[id] = s
	}
	return s
}

// keep lets go of samples that are too old or too many.
func (b *Book) keep(all []sample, now time.Time) []sample {
	n := max(0, len(all)-b.cfg.MaxKept)
	for n < len(all) && all[n].at.Before(now.Add(-b.cfg.Window)) {
		n++
	}
	return all[n:]
}

// Samples returns what a queue's samples say at an instant.
func (b *Book) Samples(now time.Time, id call.QueueID) Samples {
	s, ok := b.queues[id]
	if !ok {
		return Samples{}
	}
	s.handled, s.waited = b.keep(s.handled, now), b.keep(s.waited, now)
	var out Samples
	var sum, square float64
	for _, h := range s.handled {
		sum += h.took.Seconds()
		square += h.took.Seconds() * h.took.Seconds()
	}
	if out.Handled = len(s.handled); out.Handled > 0 && sum > 0 {
		n := float64(out.Handled)
		mean := sum / n
		out.Handling = time.Duration(mean * float64(time.Second))
		out.Error = math.Sqrt(max(0, square/n-mean*mean)/max(1, n-1)) / mean
	}
	// Who was answered or left otherwise would have waited longer: the rate of
	// giving up is the abandons by all the time that was waited.
	var waited time.Duration
	for _, w := range s.waited {
		waited += w.took
		if w.givenUp {
			out.Abandons++
		}
	}
	if out.Abandons > 0 {
		out.Patience = max(waited/time.Duration(out.Abandons), time.Second)
	}
	return out
}

// Estimate is Of with the queue's samples.
func (b *Book) Estimate(now time.Time, id call.QueueID, at Place) (Range, Reason, bool) {
	return Of(b.cfg, at, b.Samples(now, id))
}
