// Package callers remembers who phoned of late: which agent they talked to, and
// how often they were not served. It is a fold over the journal, so it can be
// made again; a withheld number is nobody, and is never remembered.
package callers

import (
	"time"

	"firstline/call"
)

// Book is what is remembered of callers, by number. It is for one goroutine. The
// zero value is not ready; use New.
type Book struct {
	keep  time.Duration
	open  map[call.ID]string // numbers of calls that are up
	past  map[string]*past
	swept time.Time
}

// past is one number's recent calls.
type past struct {
	agent    call.AgentID // talked to last
	talked   time.Time
	unserved []time.Time // calls since that talk that nobody answered, oldest first
	latest   time.Time
}

// mostUnserved bounds what is kept of a number that dials without end.
const mostUnserved = 20

// New returns a book that remembers for as long as keep.
func New(keep time.Duration) *Book {
	return &Book{keep: keep, open: map[call.ID]string{}, past: map[string]*past{}}
}

// Apply takes the journal's next event. Test calls are left out.
func (b *Book) Apply(e call.Event) {
	if e.Stream.Kind != call.StreamCall {
		return
	}
	id := call.ID(e.Stream.ID)
	switch body := e.Body.(type) {
	case call.Arrived:
		if body.From.Number != "" && !body.Test {
			b.open[id] = body.From.Number
		}
		b.sweep(e.At)
	case call.Connected:
		if p := b.of(id, e.At); p != nil {
			p.agent, p.talked, p.unserved = body.Agent, e.At, nil
		}
	case call.QueueLeft:
		if p := b.of(id, e.At); p != nil && unserved(body.Outcome) && len(p.unserved) < mostUnserved {
			p.unserved = append(p.unserved, e.At)
		}
	case call.Ended:
		delete(b.open, id)
	}
}

// unserved reports whether an entry's end leaves the caller with nothing.
func unserved(out call.Outcome) bool {
	switch out {
	case call.OutcomeAbandoned, call.OutcomeTimeoutOverflow, call.OutcomeEmpty, call.OutcomeSystemFailed:
		return true
	}
	return false
}

// of is the past of a call's number; nil when it has none.
func (b *Book) of(id call.ID, at time.Time) *past {
	number, ok := b.open[id]
	if !ok {
		return nil
	}
	p := b.past[number]
	if p == nil {
		p = new(past)
		b.past[number] = p
	}
	p.latest = at
	return p
}

// sweep forgets what is older than keep, now and then.
func (b *Book) sweep(now time.Time) {
	if now.Sub(b.swept) < b.keep/16 {
		return
	}
	b.swept = now
	for number, p := range b.past {
		if now.Sub(p.latest) > b.keep {
			delete(b.past, number)
		}
	}
}

// Handler is the agent whom a number talked to last, since an instant.
func (b *Book) Handler(number string, since time.Time) (call.AgentID, bool) {
	p := b.past[number]
	if number == "" || p == nil || p.agent == "" || p.talked.Before(since) {
		return "", false
	}
	return p.agent, true
}

// Unserved is how many queues a number has left unserved since an instant, and
// since it was last answered.
func (b *Book) Unserved(number string, since time.Time) int {
	p := b.past[number]
	if number == "" || p == nil {
		return 0
	}
	n := 0
	for _, at := range p.unserved {
		if !at.Before(since) {
			n++
		}
	}
	return n
}
