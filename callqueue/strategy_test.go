package callqueue_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/callqueue"
)

// crew is a desk whose agents became free in the order a, b, c, …
func crew(t *testing.T, q callqueue.Queue, skills ...map[string]int) *desk {
	t.Helper()
	q.ID, q.WrapUp = "q", -1
	d := newDesk(t, q)
	for i, s := range skills {
		d.agent(call.AgentID(rune('a'+i)), 1+s["level"], s)
		d.wait(time.Second)
	}
	return d
}

func nobodys(n int) []map[string]int { return make([]map[string]int, n) }

// take lets a call be answered by whoever is chosen, talk for a time, and end.
func (d *desk) take(n string, talk time.Duration) call.AgentID {
	d.t.Helper()
	x := d.join(n, "q")
	got := find[callqueue.Offer](d.fx)
	if len(got) == 0 {
		d.t.Fatalf("%s is not offered", n)
	}
	a := got[0].Agent
	d.done(got[0].ID, call.OfferAnswered)
	d.wait(talk)
	d.do(callqueue.TalkEnded{Agent: a, Call: x.Call(), At: d.now})
	d.wait(time.Second)
	return a
}

// takes is who takes a row of calls.
func (d *desk) takes(talks ...time.Duration) string {
	d.t.Helper()
	var who strings.Builder
	for i, talk := range talks {
		who.WriteString(string(d.take(fmt.Sprint("c", i), talk)))
	}
	return who.String()
}

func minutes(n ...int) (ds []time.Duration) {
	for _, m := range n {
		ds = append(ds, time.Duration(m)*time.Minute)
	}
	return ds
}

func TestStrategies(t *testing.T) {
	for _, c := range []struct {
		strategy callqueue.Strategy
		want     string
		why      string // of the first offer
	}{
		{callqueue.LongestIdle, "abcabc", "idle 00:03, longest of 3"},
		{callqueue.RoundRobin, "abcabc", "idle 00:03, the next in turn of 3"},
		{callqueue.Linear, "aaaaaa", "idle 00:03, first in order of 3"},
		{callqueue.FewestCalls, "abcabc", "idle 00:03, fewest calls (0) of 3"},
		{callqueue.LeastTalkTime, "abccbc", "idle 00:03, least talk time (00:00) of 3"}, // of equals the longest idle
	} {
		t.Run(string(c.strategy), func(t *testing.T) {
			d := crew(t, callqueue.Queue{Strategy: c.strategy}, nobodys(3)...)
			x := d.join("probe", "q")
			if got := find[callqueue.Offer](d.fx)[0].Why; got != c.why {
				t.Errorf("why %q, want %q", got, c.why)
			}
			d.do(callqueue.Leave{Entry: x, Outcome: call.OutcomeWithdrawn})
			if c.strategy == callqueue.RoundRobin {
				d.take("back to the first 1", 0)
				d.take("back to the first 2", 0)
			}
			if got := d.takes(minutes(9, 2, 1, 1, 1, 1)...); got != c.want {
				t.Errorf("taken by %s, want %s", got, c.want)
			}
		})
	}
}

func TestRoundRobinRemembersWhomItChoseLastOverAReload(t *testing.T) {
	q := callqueue.Queue{Strategy: callqueue.RoundRobin}
	d := crew(t, q, nobodys(3)...)
	if got := d.takes(minutes(1)...); got != "a" {
		t.Fatalf("taken by %s", got)
	}
	q.ID, q.WrapUp, q.Name = "q", -1, "renamed"
	d.do(callqueue.SetQueues{Queues: []callqueue.Queue{q}})
	d.do(callqueue.PresenceSet{Agent: "b", Presence: call.OnBreak}) // the turn is c's then
	if got := d.takes(minutes(1, 1, 1)...); got != "cac" {
		t.Errorf("taken by %s, want cac", got)
	}
}

func TestBestSkillFirstAndMinimumSufficientSkill(t *testing.T) {
	people := []map[string]int{
		{"vpn": 9, "mail": 9},             // a
		{"vpn": 3},                        // b
		{"vpn": 5, "mail": 1},             // c
		{"vpn": 3, "mail": 0, "level": 1}, // d is of a higher level
		{"mail": 9},                       // e cannot
	}
	for i := range people {
		maps.DeleteFunc(people[i], func(_ string, n int) bool { return n == 0 })
	}
	for s, want := range map[callqueue.Strategy]string{callqueue.BestSkillFirst: "acbd", callqueue.MinimumSkill: "bcad"} {
		d := crew(t, callqueue.Queue{Strategy: s, Need: asking("vpn", 2)}, people...)
		var got string
		for i := range 4 {
			d.join(fmt.Sprint("c", i), "q")
			got += string(find[callqueue.Offer](d.fx)[0].Agent)
		}
		if got != want {
			t.Errorf("%s offers to %s, want %s", s, got, want)
		}
	}
}

func TestTierGoesBeforeEveryStrategyButWeightedRandom(t *testing.T) {
	for _, s := range callqueue.Strategies() {
		d := crew(t, callqueue.Queue{Strategy: s, Tiers: map[call.AgentID]int{"a": 2, "b": 2, "d": 2}}, nobodys(4)...)
		seen := make(map[call.AgentID]int)
		for i := range 60 {
			x := d.join(fmt.Sprint("c", i), "q")
			seen[find[callqueue.Offer](d.fx)[0].Agent]++
			d.do(callqueue.Leave{Entry: x, Outcome: call.OutcomeWithdrawn})
		}
		if only := len(seen) == 1 && seen["c"] == 60; only == (s == callqueue.WeightedRandom) {
			t.Errorf("%s offers to %v", s, seen)
		}
	}
}

func TestRandomDependsOnTheSeedAndIsFair(t *testing.T) {
	run := func(s callqueue.Strategy, seed uint64) (row string, seen map[call.AgentID]int) {
		e := callqueue.NewSeeded(seed)
		d := &desk{t: t, e: e, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
		d.do(callqueue.SetQueues{Queues: []callqueue.Queue{{ID: "q", Strategy: s, Tiers: map[call.AgentID]int{"d": 3}}}})
		for _, id := range []call.AgentID{"a", "b", "c", "d"} {
			d.agent(id, 1, nil)
		}
		seen = make(map[call.AgentID]int)
		for i := range 5000 {
			x := d.join(fmt.Sprint("c", i), "q")
			a := find[callqueue.Offer](d.fx)[0].Agent
			seen[a]++
			row += string(a)
			d.do(callqueue.Leave{Entry: x, Outcome: call.OutcomeWithdrawn})
		}
		return row, seen
	}
	for s, share := range map[callqueue.Strategy][]float64{
		callqueue.Random:         {1. / 3, 1. / 3, 1. / 3, 0}, // d is of a lower tier
		callqueue.WeightedRandom: {.3, .3, .3, .1},
	} {
		one, seen := run(s, 1)
		again, _ := run(s, 1)
		other, _ := run(s, 2)
		if one != again || one == other {
			t.Errorf("%s: same seed the same %v, other seed another %v", s, one == again, one != other)
		}
		for i, id := range []call.AgentID{"a", "b", "c", "d"} {
			if got := float64(seen[id]) / 5000; got < share[i]-.03 || got > share[i]+.03 {
				t.Errorf("%s: %s has %.3f of the calls, want %.3f", s, id, got, share[i])
			}
		}
	}
}

func TestUnknownStrategyIsAFault(t *testing.T) {
	err := callqueue.Queue{ID: "q", Strategy: "leastrecent"}.Defaults().Validate()
	if err == nil || !strings.Contains(err.Error(), `unknown strategy "leastrecent"`) {
		t.Errorf("got %v", err)
	}
}

func offeredTo(fx []callqueue.Effect) (to []call.AgentID) {
	for _, o := range find[callqueue.Offer](fx) {
		to = append(to, o.Agent)
	}
	slices.Sort(to)
	return to
}

func TestRingAllRingsEverybodyAndTheFirstAnswerHasTheCall(t *testing.T) {
	d := crew(t, callqueue.Queue{Strategy: callqueue.RingAll, Tiers: map[call.AgentID]int{"d": 2}}, nobodys(4)...)
	x := d.join("c1", "q")
	if got := offeredTo(d.fx); !slices.Equal(got, []call.AgentID{"a", "b", "c"}) {
		t.Fatalf("rings %v", got)
	}
	offers := find[callqueue.Offer](d.fx)
	d.agent("e", 1, nil)
	d.wantOffer(x, "e") // becomes free while the others ring
	d.ring(offers[1].ID).wait(time.Second)
	d.done(offers[1].ID, call.OfferAnswered)
	if got := find[callqueue.Connected](d.fx); len(got) != 1 || got[0].Agent != offers[1].Agent {
		t.Fatalf("connected %+v", got)
	}
	if got := find[callqueue.WithdrawOffer](d.fx); len(got) != 3 {
		t.Fatalf("withdrawn %+v", got)
	}
	d.wait(5 * time.Millisecond)
	d.fx = d.e.Apply(d.now, callqueue.OfferDone{Offer: offers[2].ID, Result: call.OfferAnswered}) // two answer within 5 ms
	if err := d.refused(); err == nil || len(d.fx) != 1 {
		t.Errorf("the second answer: %+v", d.fx)
	}
	for _, id := range []call.AgentID{"a", "b", "c", "d", "e"} {
		want := call.Idle
		if id == offers[1].Agent {
			want = call.Talking
		}
		d.wantAgent(id, call.Available, want)
	}
	if v := d.person("a"); v.Misses != 0 {
		t.Errorf("who was not quick enough has missed nothing: %+v", v)
	}
}

func TestRingAllGivesEachCallerAPhoneBeforeASecondOne(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", Strategy: callqueue.RingAll})
	x, y := d.join("c1", "q"), d.join("c2", "q")
	d.agent("a", 1, nil)
	d.wantOffer(x, "a")
	d.agent("b", 1, nil)
	d.wantOffer(y, "b")
	d.agent("c", 1, nil)
	d.wantOffer(x, "c")
	d.do(callqueue.Leave{Entry: x, Outcome: call.OutcomeAbandoned})
	if got := find[callqueue.Offer](d.fx); len(got) != 2 || got[0].Entry != y || got[1].Entry != y {
		t.Errorf("the phones of who left: %+v", got)
	}
}

func TestRingProgressivelyAddsAPhoneEachTime(t *testing.T) {
	d := crew(t, callqueue.Queue{Strategy: callqueue.RingProgressively, Ring: 25 * time.Second, RingStep: 10 * time.Second}, nobodys(3)...)
	x := d.join("c1", "q")
	first := d.wantOffer(x, "a")
	d.ring(first).wait(10*time.Second - 1).wantNoOffer()
	d.wait(1).ring(d.wantOffer(x, "b"))
	d.wait(10 * time.Second).ring(d.wantOffer(x, "c"))
	if v := d.e.Queues(d.now)[0].Calls[0]; !slices.Equal(v.Ringing, []call.AgentID{"a", "b", "c"}) {
		t.Errorf("rings %v", v.Ringing)
	}
	d.wait(5 * time.Second) // a has missed it, the others ring on; a is rung again a step after c
	if v := d.e.Queues(d.now)[0].Calls[0]; !slices.Equal(v.Ringing, []call.AgentID{"b", "c"}) {
		t.Errorf("rings %v", v.Ringing)
	}
	d.wait(5*time.Second).wantOffer(x, "a")
}

func TestBestSkillCountsTheSkillsOfAlternatives(t *testing.T) {
	need := call.Requirement{Any: []call.Requirement{asking("german", 2), asking("english", 2)}}
	d := crew(t, callqueue.Queue{Strategy: callqueue.BestSkillFirst, Need: need},
		map[string]int{"german": 3}, map[string]int{"english": 9}, map[string]int{"french": 10})
	if got := d.take("c1", 0); got != "b" {
		t.Errorf("taken by %s", got)
	}
}
