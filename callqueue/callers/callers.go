// Package callers remembers who phoned of late: which agent they talked to, and
// how often they were not served. It is a fold over the journal, so it can be
// made again; a withheld number is nobody, and is never remembered.
package callers

import (
	"time"

	"firstline/call"
)

// Book is what is remembered of callers, by number and by ticket. It is for one
// goroutine. The zero value is not ready; use New.
type Book struct {
	keep    time.Duration
	number  func(call.Arrived) string
	open    map[call.ID]open
	past    map[string]*past
	tickets map[call.TicketID]talk
	swept   time.Time
}

// open is a call that is up.
type open struct {
	number string // of the caller, empty when withheld
	ticket call.TicketID
	out    bool // placed by us
	queue  call.QueueID
	joined time.Time
}

// talk is one that was had last.
type talk struct {
	agent call.AgentID
	at    time.Time
}

// past is one number's recent calls.
type past struct {
	talk
	unserved []time.Time // calls since that talk that nobody answered, oldest first
	latest   time.Time
	place    Place // that was left last
}

// mostUnserved bounds what is kept of a number that dials without end: the latest.
const mostUnserved = 20

// New returns a book that remembers for as long as keep. Number gives the caller's
// number in a form that is always the same; nil takes it as it was signalled.
func New(keep time.Duration, number func(call.Arrived) string) *Book {
	if number == nil {
		number = func(a call.Arrived) string { return a.From.Number }
	}
	return &Book{
		keep: keep, number: number, open: make(map[call.ID]open),
		past: make(map[string]*past), tickets: make(map[call.TicketID]talk),
	}
}

// Apply takes the journal's next event. Test calls are left out.
func (b *Book) Apply(e call.Event) {
	if e.Stream.Kind != call.StreamCall {
		return
	}
	id := call.ID(e.Stream.ID)
	switch body := e.Body.(type) {
	case call.Arrived:
		if !body.Test {
			b.open[id] = open{number: b.number(body), ticket: body.Ticket, out: body.Out}
		}
		b.sweep(e.At)
	case call.Filed:
		b.filed(id, body)
	case call.QueueJoined:
		b.standing(id, body)
	case call.PlaceKept:
		b.resumed(id)
	case call.Connected:
		b.resumed(id)
		if body.Agent != "" {
			b.talked(b.open[id], talk{body.Agent, e.At})
		}
	case call.QueueLeft:
		c := b.open[id]
		if !c.out && unserved(body.Outcome) {
			b.left(c.number, e.At)
		}
		if !c.out {
			b.lost(id, c, body.Outcome, e.At)
		}
	case call.Ended:
		delete(b.open, id)
	}
}

// filed goes on with a call under another ticket, which whoever talked last about the
// former one knows too.
func (b *Book) filed(id call.ID, to call.Filed) {
	if c, ok := b.open[id]; ok {
		c.ticket = to.Ticket
		b.open[id] = c
	}
	if t, ok := b.tickets[to.From]; ok && t.at.After(b.tickets[to.Ticket].at) {
		b.tickets[to.Ticket] = t
	}
}

func (b *Book) talked(c open, t talk) {
	if p := b.of(c.number, t.at); p != nil {
		p.talk, p.unserved = t, nil
	}
	if c.ticket != "" {
		b.tickets[c.ticket] = t
	}
}

func (b *Book) left(number string, at time.Time) {
	p := b.of(number, at)
	if p == nil {
		return
	}
	if len(p.unserved) == mostUnserved {
		p.unserved = p.unserved[1:]
	}
	p.unserved = append(p.unserved, at)
}

// unserved reports whether an entry's end leaves the caller with nothing.
func unserved(out call.Outcome) bool {
	switch out {
	case call.OutcomeAbandoned, call.OutcomeTimeoutOverflow, call.OutcomeEmpty, call.OutcomeSystemFailed:
		return true
	}
	return false
}

// of is the past of a number; nil when it has none.
func (b *Book) of(number string, at time.Time) *past {
	if number == "" {
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
	for id, t := range b.tickets {
		if now.Sub(t.at) > b.keep {
			delete(b.tickets, id)
		}
	}
}

// Handler is the agent whom a number talked to last, since an instant.
func (b *Book) Handler(number string, since time.Time) (call.AgentID, bool) {
	p := b.past[number]
	if number == "" || p == nil || p.agent == "" || p.at.Before(since) {
		return "", false
	}
	return p.agent, true
}

// OfTicket is the agent who talked last in a call of a ticket.
func (b *Book) OfTicket(id call.TicketID) (call.AgentID, bool) {
	t, ok := b.tickets[id]
	return t.agent, ok
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
