package sla

import (
	"slices"
	"time"

	"firstline/call"
)

// Callbacks is what became of the requests to be called back of those who arrived
// within one interval. Asked is Open plus the sum of Ends. A try of one is no
// caller who comes: it is in no other figure but for the agent's handling time.
type Callbacks struct {
	Asked   int                      `json:"asked"`
	Open    int                      `json:"open"`
	Ends    map[call.CallbackEnd]int `json:"ends"`
	Tries   int                      `json:"tries"`
	Wait    *time.Duration           `json:"wait_ns"`         // mean, from the original arrival until an agent talked to the customer
	Longest time.Duration            `json:"longest_wait_ns"` // of those reached
}

// request is one request to be called back.
type request struct {
	queue  call.QueueID
	client string
	joined time.Time // the original arrival
	tries  int
	end    call.CallbackEnd // empty while it is open
	ended  time.Time
}

// callback folds an event of a request in. Those whose beginning was never read are
// passed over.
func (l *Ledger) callback(ev call.Event) {
	id := call.CallbackID(ev.Stream.ID)
	if b, asked := ev.Body.(call.CallbackAsked); asked && !b.Test {
		r := &request{queue: b.Queue, joined: b.Joined}
		if l.cfg.Client != nil {
			r.client = l.cfg.Client(call.Arrived{To: b.Line})
		}
		l.requests[id] = r
		l.book(b.Queue)
		l.latest = later(l.latest, b.Joined)
		l.forgetRequests()
		return
	}
	r := l.requests[id]
	if r == nil {
		return
	}
	switch b := ev.Body.(type) {
	case call.CallbackTried:
		r.tries++
	case call.CallbackClosed:
		r.end, r.ended = b.End, ev.At
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// forgetRequests lets go of those that are over and came longer than Keep before
// the newest.
func (l *Ledger) forgetRequests() {
	old := l.latest.Add(-l.cfg.Keep)
	for id, r := range l.requests {
		if r.end != "" && r.joined.Before(old) {
			delete(l.requests, id)
		}
	}
}

// callbacks are the figures of the requests that a queue had within an interval; of
// one client only when one is named.
func (l *Ledger) callbacks(queue call.QueueID, client *string, part Interval) Callbacks {
	c := Callbacks{Ends: make(map[call.CallbackEnd]int)}
	var waits time.Duration
	for _, r := range l.requests {
		if r.queue != queue || r.joined.Before(part.From) || !r.joined.Before(part.To) || client != nil && r.client != *client {
			continue
		}
		c.Asked++
		c.Tries += r.tries
		if r.end == "" {
			c.Open++
			continue
		}
		c.Ends[r.end]++
		if r.end == call.CallbackReached {
			wait := max(r.ended.Sub(r.joined), 0)
			waits += wait
			c.Longest = max(c.Longest, wait)
		}
	}
	c.Wait = mean(waits, c.Ends[call.CallbackReached])
	return c
}

// clientsOf are those of a queue who had a caller, or asked to be called back,
// within an interval.
func (l *Ledger) clientsOf(queue call.QueueID, part Interval, entries []*stay) []string {
	names := clients(entries)
	for _, r := range l.requests {
		if r.queue == queue && !r.joined.Before(part.From) && r.joined.Before(part.To) && !slices.Contains(names, r.client) {
			names = append(names, r.client)
		}
	}
	slices.Sort(names)
	return names
}
