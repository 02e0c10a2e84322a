package sim_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/sim"
	"firstline/callqueue/sla"
)

func to(queue string) *callqueue.Exit {
	return &callqueue.Exit{To: callqueue.Destination{Kind: callqueue.ToQueue, Name: queue}}
}

// stays is what became of each call, queue by queue.
type stays map[call.ID][]string

func (s stays) tap(ev call.Event) {
	if b, ok := ev.Body.(call.QueueLeft); ok {
		id := call.ID(ev.Stream.ID)
		s[id] = append(s[id], fmt.Sprintf("%s %s after %v", b.Queue, b.Outcome, b.Wait))
	}
	if b, ok := ev.Body.(call.Ended); ok {
		id := call.ID(ev.Stream.ID)
		s[id] = append(s[id], string(b.Outcome))
	}
}

// skilled is an agent with one skill, at work from the beginning.
func skilled(sc *sim.Scenario, id call.AgentID, skill string) {
	sc.Agents = append(sc.Agents, agents.Agent{ID: id, Level: 1, Skills: map[string]int{skill: 1}})
	sc.Shifts = append(sc.Shifts, sim.Shift{At: began, Agent: id, Presence: call.Available})
}

func needs(skill string) call.Requirement { return call.Requirement{Skills: map[string]int{skill: 1}} }

func run(t *testing.T, sc sim.Scenario) (sim.Result, stays) {
	t.Helper()
	told := make(stays)
	sc.Tap = told.tap
	r, err := sim.Run(t.Context(), sc)
	if err != nil {
		t.Fatal(err)
	}
	return r, told
}

// The wait that a caller has had goes along: it counts for patience, for the
// order, and in the figures of the queue that follows.
func TestAnExitToAnotherQueueIsFollowedAtTheSameAge(t *testing.T) {
	sc := sim.Scenario{Queues: []callqueue.Queue{
		{ID: "first", Need: needs("first"), MaxWait: time.Minute, Timeout: to("second"), WrapUp: -1},
		{ID: "second", Need: needs("second"), WrapUp: -1},
	}}
	skilled(&sc, "one", "first")
	skilled(&sc, "two", "second")
	at := func(sec int) time.Time { return began.Add(time.Duration(sec) * time.Second) }
	sc.Arrivals = []sim.Arrival{
		{At: at(0), Queue: "first", Talk: time.Hour},
		{At: at(1), Queue: "second", Talk: 2 * time.Minute},
		{At: at(10), Queue: "first", Talk: time.Minute},                                 // answered in the second queue at 121 s
		{At: at(20), Queue: "first", Talk: time.Minute, Patience: 90 * time.Second},     // gives up there at 110 s
		{At: at(30), Queue: "second", Talk: time.Minute},                                // came later than the first two, though it was in the second queue before
		{At: at(40), Queue: "first", Talk: time.Minute, Patience: 62 * time.Second / 2}, // gives up before
	}
	r, told := run(t, sc)
	want := stays{
		"sim00000000": {"first answered after 0s", "answered"},
		"sim00000001": {"second answered after 0s", "answered"},
		"sim00000002": {"first timeout-overflow after 1m0s", "second answered after 1m51s", "answered"},
		"sim00000003": {"first timeout-overflow after 1m0s", "second abandoned after 1m30s", "abandoned"},
		"sim00000004": {"second answered after 2m31s", "answered"},
		"sim00000005": {"first abandoned after 31s", "abandoned"},
	}
	if d := cmp.Diff(want, told); d != "" || r.Circles != 0 {
		t.Errorf("%d circles\n%s", r.Circles, d)
	}
	f, err := r.Ledger.Figures(sla.Span{Now: r.Ended, From: began, To: began.Add(time.Hour)})
	if err != nil || len(f) != 2 || f[0].Offered != 4 || f[1].Offered != 4 || f[1].LongestWait != 151*time.Second {
		t.Errorf("%v %+v", err, f)
	}
}

func TestAFullQueueAndOneWithoutAgentsSendCallersOn(t *testing.T) {
	sc := sim.Scenario{Queues: []callqueue.Queue{
		{ID: "small", Need: needs("a"), MaxLen: 1, Overflow: to("deserted"), WrapUp: -1},
		{ID: "deserted", Need: needs("b"), NoAgent: callqueue.NoAgentRule{Join: true}, Empty: to("last"), WrapUp: -1},
		{ID: "last", Need: needs("c"), MaxLen: 1, WrapUp: -1},
	}}
	skilled(&sc, "one", "a")
	for n := range 4 {
		sc.Arrivals = append(sc.Arrivals, sim.Arrival{At: began.Add(time.Duration(n) * time.Second), Queue: "small", Talk: time.Minute, Patience: 10 * time.Minute})
	}
	_, told := run(t, sc)
	want := stays{
		"sim00000000": {"small answered after 0s", "answered"},
		"sim00000001": {"small answered after 59s", "answered"},
		"sim00000002": {"small timeout-overflow after 0s", "deserted empty after 0s", "last abandoned after 10m0s", "abandoned"},
		"sim00000003": {"small timeout-overflow after 0s", "deserted empty after 0s", "empty"}, // the last has room for one
	}
	if d := cmp.Diff(want, told); d != "" {
		t.Error(d)
	}
}

func TestAKeyLeadsOutOfTheQueueThatKnowsIt(t *testing.T) {
	sc := sim.Scenario{Queues: []callqueue.Queue{
		{ID: "q", Need: needs("a"), Keys: map[string]callqueue.Exit{"2": *to("other"), "3": {Outcome: call.OutcomeCallbackTaken}}},
		{ID: "other", Need: needs("b")},
	}}
	skilled(&sc, "one", "b")
	for _, key := range []string{"2", "3", "4"} {
		sc.Arrivals = append(sc.Arrivals, sim.Arrival{At: began, Queue: "q", Talk: time.Minute, Patience: time.Hour, Key: key, PressAt: 15 * time.Second})
	}
	_, told := run(t, sc)
	want := stays{
		"sim00000000": {"q exit-key after 15s", "other answered after 15s", "answered"},
		"sim00000001": {"q callback-taken after 15s", "callback-taken"},
		"sim00000002": {"q abandoned after 1h0m0s", "abandoned"},
	}
	if d := cmp.Diff(want, told); d != "" {
		t.Error(d)
	}
}

// Two queues that each send on whoever waits too long: at the same age it would be
// sent back at once, for ever.
func TestExitsInACircleEndTheCallAndAreCounted(t *testing.T) {
	sc := sim.Scenario{
		Queues: []callqueue.Queue{
			{ID: "a", MaxWait: time.Minute, Timeout: to("b")},
			{ID: "b", MaxWait: 2 * time.Minute, Timeout: to("a")},
			{ID: "self", MaxWait: time.Minute, Timeout: to("self")},
		},
		Arrivals: []sim.Arrival{{At: began, Queue: "a", Talk: time.Minute}, {At: began, Queue: "self", Talk: time.Minute}},
	}
	r, told := run(t, sc)
	want := stays{
		"sim00000000": {"a timeout-overflow after 1m0s", "b timeout-overflow after 2m0s", "a timeout-overflow after 2m0s", "timeout-overflow"},
		"sim00000001": {"self timeout-overflow after 1m0s", "timeout-overflow"},
	}
	if d := cmp.Diff(want, told); d != "" || r.Circles != 2 {
		t.Errorf("%d circles\n%s", r.Circles, d)
	}
}

func TestCapsAndKeptAgentsAreThoseOfTheScenario(t *testing.T) {
	sc := sim.Scenario{
		Queues: []callqueue.Queue{{ID: "q", WrapUp: -1}},
		Rules:  callqueue.Rules{Clients: map[string]callqueue.Cap{"acme": {Agents: 1}}},
		Client: func(a call.Arrived) string { return map[string]string{"1": "acme"}[a.To.Number] },
	}
	skilled(&sc, "one", "a")
	skilled(&sc, "two", "a")
	for range 2 {
		sc.Arrivals = append(sc.Arrivals, sim.Arrival{At: began, Queue: "q", To: "1", Talk: time.Minute})
	}
	_, told := run(t, sc)
	if d := cmp.Diff(stays{"sim00000000": {"q answered after 0s", "answered"}, "sim00000001": {"q answered after 1m0s", "answered"}}, told); d != "" {
		t.Error(d)
	}
}

func TestQueuesThatExitsLeadTo(t *testing.T) {
	all := []callqueue.Queue{
		{ID: "a", Timeout: to("b"), Keys: map[string]callqueue.Exit{"1": *to("c")}},
		{ID: "b", Overflow: to("a"), Empty: to("d")},
		{ID: "c", Timeout: to("c")},
		{ID: "d"},
		{ID: "e", Timeout: to("a")},
	}
	var ids []call.QueueID
	for _, q := range sim.Reachable("a", all) {
		ids = append(ids, q.ID)
	}
	if d := cmp.Diff([]call.QueueID{"a", "b", "c", "d"}, ids); d != "" {
		t.Error(d)
	}
}

// Queues whose exits lead anywhere, also in circles: every stay has one outcome,
// every call one end, and whoever is moved keeps the age.
func TestRandomExitsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ids := []string{"a", "b", "c"}
		exit := func(label string) *callqueue.Exit {
			if n := rapid.IntRange(0, len(ids)).Draw(rt, label); n < len(ids) {
				return to(ids[n])
			}
			return nil
		}
		sc := sim.Scenario{}
		for i, id := range ids {
			q := callqueue.Queue{
				ID: call.QueueID(id), Need: needs(id), MaxLen: rapid.IntRange(0, 3).Draw(rt, "longest queue"),
				MaxWait: time.Duration(rapid.IntRange(0, 200).Draw(rt, "longest wait")) * time.Second,
				Timeout: exit("timeout"), NoAgent: callqueue.NoAgentRule{Join: rapid.Bool().Draw(rt, "no agent")},
				Keys: map[string]callqueue.Exit{"1": *to(ids[(i+1)%3])},
			}
			if q.Overflow = exit("overflow"); q.Overflow != nil && q.Overflow.To.Name == id {
				q.Overflow = nil
			}
			if q.Empty = exit("empty"); q.Empty != nil && q.Empty.To.Name == id {
				q.Empty = nil
			}
			sc.Queues = append(sc.Queues, q)
			for n := range rapid.IntRange(0, 2).Draw(rt, "agents") {
				skilled(&sc, call.AgentID(fmt.Sprint(id, n)), id)
			}
		}
		for range rapid.IntRange(0, 40).Draw(rt, "calls") {
			second := func(label string, most int) time.Duration {
				return time.Duration(rapid.IntRange(1, most).Draw(rt, label)) * time.Second
			}
			a := sim.Arrival{
				At: began.Add(second("at", 600)), Queue: call.QueueID(rapid.SampledFrom(ids).Draw(rt, "queue")), Talk: second("talk", 120),
				Patience: second("patience", 600), Pickup: second("pickup", 20),
			}
			if rapid.Bool().Draw(rt, "key") {
				a.Key, a.PressAt = "1", second("press", 300)
			}
			sc.Arrivals = append(sc.Arrivals, a)
		}
		j := newJourneys(rt)
		sc.Tap = j.apply
		r, err := sim.Run(context.Background(), sc)
		if err != nil {
			rt.Fatal(err)
		}
		j.done(len(sc.Arrivals))
		if r.Ended.After(began) {
			addUp(rt, r, sla.Span{Now: r.Ended, From: began, To: began.Add(time.Hour)}, j.joined)
		}
	})
}

// journeys holds the events of every call to what must be true of them.
type journeys struct {
	rt     *rapid.T
	calls  map[call.ID]*journey
	joined int
}

type journey struct {
	first, last time.Time // Joined of the first stay; end of the last
	waits       bool
	outcome     call.Outcome
	ended       bool
	queues      []call.QueueID
}

func newJourneys(rt *rapid.T) *journeys { return &journeys{rt: rt, calls: make(map[call.ID]*journey)} }

func (j *journeys) apply(ev call.Event) {
	if ev.Stream.Kind != call.StreamCall {
		return
	}
	id := call.ID(ev.Stream.ID)
	if _, ok := ev.Body.(call.Arrived); ok {
		j.calls[id] = &journey{}
	}
	c := j.calls[id]
	if c.ended {
		j.rt.Fatalf("%s after the end: %T", id, ev.Body)
	}
	switch b := ev.Body.(type) {
	case call.QueueJoined:
		j.joined++
		if c.first.IsZero() {
			c.first = b.Joined
		}
		if c.waits || !b.Joined.Equal(c.first) || !c.last.IsZero() && !ev.At.Equal(c.last) {
			j.rt.Fatalf("%s joins %s at %v with the age of %v, and left at %v", id, b.Queue, ev.At, b.Joined, c.last)
		}
		c.waits, c.queues = true, append(c.queues, b.Queue)
	case call.QueueLeft:
		if !c.waits || b.Wait != ev.At.Sub(c.first) {
			j.rt.Fatalf("%s left %s after %v, at %v since %v", id, b.Queue, b.Wait, ev.At, c.first)
		}
		c.waits, c.last, c.outcome = false, ev.At, b.Outcome
	case call.Ended:
		want := c.outcome
		if want == "" {
			want = call.OutcomeNoCapacity // no queue took it
		}
		if c.waits || b.Outcome != want {
			j.rt.Fatalf("%s ended as %s after %s in %v", id, b.Outcome, c.outcome, c.queues)
		}
		c.ended = true
	}
}

func (j *journeys) done(came int) {
	if len(j.calls) != came {
		j.rt.Fatalf("%d of %d came", len(j.calls), came)
	}
	for id, c := range j.calls {
		if !c.ended {
			j.rt.Fatalf("%s has no end: %v, waits %v", id, slices.Compact(c.queues), c.waits)
		}
	}
}
