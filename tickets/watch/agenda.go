package watch

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/clock"
)

// Terms are what an Agenda measures by.
type Terms struct {
	Contract func(client string) tickets.Contract
	Share    int // percent of a target at which people are warned
}

// Agenda knows the tickets whose clocks run, and which of them is due for a warning
// next. It is pure and has no clock of its own: whoever uses it says what time it is.
// What is due costs as much as there is due, however many tickets there are.
type Agenda struct {
	terms   Terms
	entries map[call.TicketID]*entry
	warn    queue // by the instant of the next warning
	due     queue // by the promise that is missed next; those that are late are not there
	open    int   // tickets that are not over, tests apart
	late    int   // of them, those with a promise that is missed and still runs
}

// entry is one ticket and its place in both queues; -1 for none.
type entry struct {
	ticket tickets.Ticket
	says   []call.TicketWarned // in the order of their instants
	open   bool
	late   bool
	due    Due
	places [2]int
}

// Due is a promise that is the next of its ticket to be missed.
type Due struct {
	Ticket call.TicketID
	Kind   clock.Kind
	At     time.Time
}

// NewAgenda returns an agenda without tickets.
func NewAgenda(t Terms) *Agenda {
	a := &Agenda{terms: t, entries: make(map[call.TicketID]*entry)}
	a.warn = queue{which: 0, at: func(e *entry) time.Time { return e.says[0].Due }}
	a.due = queue{which: 1, at: func(e *entry) time.Time { return e.due.At }}
	return a
}

// Knows reports whether the agenda follows a ticket.
func (a *Agenda) Knows(id call.TicketID) bool { return a.entries[id] != nil }

// Put takes a ticket up as it is kept. One that is older than what is known is ignored.
func (a *Agenda) Put(t tickets.Ticket, now time.Time) {
	e := a.entries[t.ID]
	switch {
	case e == nil:
		e = &entry{places: [2]int{-1, -1}}
		a.entries[t.ID] = e
	case t.Seq < e.ticket.Seq:
		return
	}
	e.ticket = t
	a.measure(e, now)
}

// Apply folds the next event of a ticket in that the agenda knows, or that opens one.
// An event that was heeded before does nothing; the error is that of tickets.Ticket.Apply.
func (a *Agenda) Apply(ev call.Event, now time.Time) error {
	id := call.TicketID(ev.Stream.ID)
	e := a.entries[id]
	if e != nil && ev.Seq != 0 && ev.Seq <= e.ticket.Seq {
		return nil
	}
	if e == nil {
		e = &entry{places: [2]int{-1, -1}}
	}
	if err := e.ticket.Apply(ev); err != nil {
		return err
	}
	a.entries[id] = e
	a.measure(e, now)
	return nil
}

// Said notes what was written, which the journal will tell once more.
func (a *Agenda) Said(evs []call.Event, now time.Time) {
	for _, ev := range evs {
		e := a.entries[call.TicketID(ev.Stream.ID)]
		if e == nil {
			continue
		}
		ev.Seq = e.ticket.Seq // its own is not known yet
		if err := e.ticket.Apply(ev); err == nil {
			a.measure(e, now)
		}
	}
}

// Measure reads all tickets anew: by other terms, or because a calendar changed.
func (a *Agenda) Measure(t Terms, now time.Time) {
	a.terms = t
	for _, e := range a.entries {
		a.measure(e, now)
	}
}

// Next is the instant from which on Say has something to do; ok is false while it
// will have nothing.
func (a *Agenda) Next() (at time.Time, ok bool) {
	for _, q := range []*queue{&a.warn, &a.due} {
		if len(q.entries) > 0 && (!ok || q.at(q.entries[0]).Before(at)) {
			at, ok = q.at(q.entries[0]), true
		}
	}
	return at, ok
}

// Say returns what is to be said by now, in the order in which it came to be true. It
// stops when there are limit events. The same is said again until Said.
func (a *Agenda) Say(now time.Time, limit int) []call.Event {
	for len(a.due.entries) > 0 && !a.due.entries[0].due.At.After(now) {
		a.measure(a.due.entries[0], now) // it is late now
	}
	var out []call.Event
	a.warn.until(now, func(e *entry) bool {
		for _, w := range e.says {
			if !w.Due.After(now) {
				out = append(out, call.TicketEvent(now, e.ticket.ID, w))
			}
		}
		return len(out) < limit
	})
	slices.SortStableFunc(out, func(x, y call.Event) int {
		return cmp.Or(x.Body.(call.TicketWarned).Due.Compare(y.Body.(call.TicketWarned).Due), cmp.Compare(x.Stream.ID, y.Stream.ID))
	})
	return out
}

// Standing is how the promises stand.
type Standing struct {
	Open int  // tickets that are not over
	Late int  // of them, those with a promise that is missed and still runs
	Next *Due // the promise that is missed next; nil when none will be
}

// Standing is how the promises stood when the agenda last said or heard something.
func (a *Agenda) Standing() Standing {
	s := Standing{Open: a.open, Late: a.late}
	if len(a.due.entries) > 0 {
		s.Next = new(a.due.entries[0].due)
	}
	return s
}

// measure computes what is due for a ticket, and forgets one for which nothing can be.
func (a *Agenda) measure(e *entry, now time.Time) {
	t := &e.ticket
	t.Notes, t.History, t.Calls, t.Subject = nil, nil, nil, "" // its clocks heed none of these
	c := a.terms.Contract(t.Client)
	e.says = t.Warnings(c, a.terms.Share, now)
	next, some := t.Due(c, now)
	was := *e
	e.open = !t.Test && !t.State.Over()
	e.late = e.open && some && !next.Due.After(now)
	a.open, a.late = a.open+step(was.open, e.open), a.late+step(was.late, e.late)
	e.due = Due{Ticket: t.ID, Kind: next.Kind, At: next.Due}
	a.due.put(e, e.open && some && !e.late)
	a.warn.put(e, len(e.says) > 0)
	if t.State.Over() && len(e.says) == 0 {
		delete(a.entries, t.ID)
	}
}

// step is what a count changes by when one of what it counts does.
func step(was, is bool) int {
	switch {
	case was == is:
		return 0
	case is:
		return 1
	}
	return -1
}

// queue is a heap of entries by an instant.
type queue struct {
	which   int
	at      func(*entry) time.Time
	entries []*entry
}

// put brings an entry to its place, or out of the queue.
func (q *queue) put(e *entry, in bool) {
	i := e.places[q.which]
	switch {
	case in && i < 0:
		heap.Push(q, e)
	case in:
		heap.Fix(q, i)
	case i >= 0:
		heap.Remove(q, i)
	}
}

// until visits the entries up to an instant, in no order, until visit returns false.
func (q *queue) until(at time.Time, visit func(*entry) bool) {
	for todo := []int{0}; len(todo) > 0; todo = todo[1:] {
		i := todo[0]
		if i >= len(q.entries) || q.at(q.entries[i]).After(at) {
			continue // those below it are not earlier
		}
		if !visit(q.entries[i]) {
			return
		}
		todo = append(todo, 2*i+1, 2*i+2)
	}
}

func (q *queue) Len() int           { return len(q.entries) }
func (q *queue) Less(i, j int) bool { return q.at(q.entries[i]).Before(q.at(q.entries[j])) }

func (q *queue) Swap(i, j int) {
	q.entries[i], q.entries[j] = q.entries[j], q.entries[i]
	q.entries[i].places[q.which], q.entries[j].places[q.which] = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	e, _ := x.(*entry)
	e.places[q.which] = len(q.entries)
	q.entries = append(q.entries, e)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(q.entries) - 1
	e := q.entries[last]
	q.entries[last], q.entries = nil, q.entries[:last]
	e.places[q.which] = -1
	return e
}
