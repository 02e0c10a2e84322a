package callqueue_test

import (
	"fmt"
	"testing"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

// The cost of a decision by callers who wait: 2,000 agents of 40 profiles, all
// but one talking, and 40 requirements. It should not grow with the callers.
func BenchmarkDecision(b *testing.B) {
	for _, callers := range []int{10, 10_000, 100_000} {
		b.Run(fmt.Sprintf("join and leave/%d waiting", callers), func(b *testing.B) {
			c := newCrowd(b, callers)
			b.ReportAllocs()
			for b.Loop() {
				c.apply(callqueue.Join{Entry: "new.q1", Queue: "q", Need: c.need(7), Joined: c.now})
				c.apply(callqueue.Leave{Entry: "new.q1", Outcome: call.OutcomeAbandoned})
			}
		})
		b.Run(fmt.Sprintf("agent free, offer, answer/%d waiting", callers), func(b *testing.B) {
			c := newCrowd(b, callers)
			b.ReportAllocs()
			for b.Loop() {
				c.serve()
			}
		})
	}
}

// crowd is an engine in its rush hour.
type crowd struct {
	tb   testing.TB
	e    *callqueue.Engine
	now  time.Time
	n    int
	last map[call.AgentID]call.ID
	turn int
}

const crowdAgents = 2000

func newCrowd(tb testing.TB, callers int) *crowd {
	c := &crowd{tb: tb, e: callqueue.NewEngine(), now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), last: make(map[call.AgentID]call.ID)}
	c.apply(callqueue.SetQueues{Queues: []callqueue.Queue{{ID: "q", WrapUp: -1}}})
	for i := range crowdAgents {
		id := c.agent(i)
		skills := map[string]int{fmt.Sprint("s", i%20): 1 + i%2, "all": 1}
		c.apply(callqueue.AgentSet{Agent: agents.Agent{ID: id, Device: call.DeviceID(id), Level: 1, Skills: skills}})
		c.apply(callqueue.PresenceSet{Agent: id, Presence: call.Available})
		c.last[id] = call.ID(fmt.Sprint("first", i))
		c.apply(callqueue.TalkBegan{Agent: id, Call: c.last[id]})
	}
	for range callers {
		c.join()
	}
	return c
}

func (c *crowd) agent(i int) call.AgentID { return call.AgentID(fmt.Sprintf("agent%04d", i)) }

func (c *crowd) need(i int) call.Requirement {
	return call.Requirement{Skills: map[string]int{fmt.Sprint("s", i%20): 1 + i/20%2}}
}

func (c *crowd) apply(in callqueue.Input) []callqueue.Effect {
	fx := c.e.Apply(c.now, in)
	for _, f := range fx {
		if r, ok := f.(callqueue.Refused); ok {
			c.tb.Fatalf("%T: %v", in, r.Err)
		}
	}
	return fx
}

func (c *crowd) join() {
	c.n++
	c.now = c.now.Add(time.Millisecond)
	c.apply(callqueue.Join{Entry: call.ID(fmt.Sprint("c", c.n)).Entry(1), Queue: "q", Need: c.need(c.n), Joined: c.now})
}

// serve frees the next agent, who gets a call and answers it, and has another
// caller join.
func (c *crowd) serve() {
	a := c.agent(c.turn % crowdAgents)
	c.turn += 7 // through the profiles
	c.now = c.now.Add(time.Millisecond)
	fx := c.apply(callqueue.TalkEnded{Agent: a, Call: c.last[a], At: c.now})
	o := find[callqueue.Offer](fx)
	if len(o) != 1 {
		c.join() // few callers, and none of them for this agent
		c.apply(callqueue.TalkBegan{Agent: a, Call: c.last[a]})
		return
	}
	c.apply(callqueue.OfferDone{Offer: o[0].ID, Result: call.OfferAnswered})
	c.last[a] = o[0].Entry.Call()
	c.join()
}
