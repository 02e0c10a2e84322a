package callqueue

import (
	"slices"
	"strings"

	"firstline/call"
)

// order is one of the orders in which agents are chosen.
type order int

const (
	byIdle order = iota
	byCalls
	byTalk
	byID
	orders
)

// before is the order itself; whoever is equal goes by idle time, then by id.
func (o order) before(a, b *agent) bool {
	switch {
	case o == byCalls && a.calls != b.calls:
		return a.calls < b.calls
	case o == byTalk && a.talked != b.talked:
		return a.talked < b.talked
	}
	return a.longer(b)
}

// ready is the agents of a bench who are free for an offer, in each of the orders
// that some queue asks for.
type ready struct {
	uses  [orders]bool
	heaps [byID]heap[*agent]
	ids   []*agent
}

func newReady(uses [orders]bool) ready {
	uses[byIdle] = true // counts them, and breaks ties
	r := ready{uses: uses}
	for o := range byID {
		r.heaps[o] = heap[*agent]{before: o.before, place: func(a *agent) *int { return &a.places[o] }}
	}
	return r
}

func (r *ready) len() int            { return r.heaps[byIdle].len() }
func (r *ready) head(o order) *agent { return r.heaps[o].head() }

func (r *ready) push(a *agent) {
	for o := range byID {
		if r.uses[o] {
			r.heaps[o].push(a)
		}
	}
	if r.uses[byID] {
		i, _ := r.find(a.ID)
		r.ids = slices.Insert(r.ids, i, a)
	}
}

func (r *ready) remove(a *agent) {
	for o := range byID {
		r.heaps[o].remove(a)
	}
	if i, ok := r.find(a.ID); ok {
		r.ids = slices.Delete(r.ids, i, i+1)
	}
}

func (r *ready) find(id call.AgentID) (int, bool) {
	return slices.BinarySearchFunc(r.ids, id, func(a *agent, id call.AgentID) int {
		return strings.Compare(string(a.ID), string(id))
	})
}

// after is the first in order of id after one, nil when there is none.
func (r *ready) after(id call.AgentID) *agent {
	i, ok := r.find(id)
	if ok {
		i++
	}
	if i == len(r.ids) {
		return nil
	}
	return r.ids[i]
}

// ready reports whether an agent is free for an offer now.
func (a *agent) ready() bool { return a.places[byIdle] >= 0 }
