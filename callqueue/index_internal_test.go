package callqueue

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue/agents"
)

func TestHeapIsInOrderWhoeverIsTakenOut(t *testing.T) {
	type item struct{ v, place int }
	rapid.Check(t, func(t *rapid.T) {
		h := heap[*item]{before: func(a, b *item) bool { return a.v < b.v }, place: func(x *item) *int { return &x.place }}
		var all []*item
		for _, v := range rapid.SliceOf(rapid.IntRange(0, 100)).Draw(t, "values") {
			x := &item{v: v, place: -1}
			h.push(x)
			all = append(all, x)
		}
		for len(all) > 0 {
			i := rapid.IntRange(0, len(all)-1).Draw(t, "take out")
			h.remove(all[i])
			h.remove(all[i]) // who is out stays out
			all = slices.Delete(all, i, i+1)
			if h.len() != len(all) {
				t.Fatalf("%d in the heap, want %d", h.len(), len(all))
			}
			for _, x := range all {
				if h.items[x.place] != x || x.v < h.head().v {
					t.Fatalf("%+v is at the wrong place, or before the head %+v", x, h.head())
				}
			}
		}
	})
}

// Requirements and profiles come and go (a flow may ask for anything), so those
// that nobody has are let go.
func TestLinesAndBenchesOfTheGoneAreLetGo(t *testing.T) {
	e := NewEngine()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	e.Apply(now, SetQueues{[]Queue{{ID: "q"}}})
	for i := range 2 * lineFloor {
		skill := map[string]int{fmt.Sprint("s", i): 1}
		x := call.ID(fmt.Sprint("c", i)).Entry(1)
		e.Apply(now, AgentSet{agents.Agent{ID: "ada", Device: "ada", Skills: skill}})
		e.Apply(now, Join{Entry: x, Queue: "q", Need: call.Requirement{Skills: skill}, Joined: now})
		e.Apply(now, PresenceSet{Agent: "ada", Presence: call.Available})
		if len(e.entries[x].live) == 0 {
			t.Fatalf("%s is not offered", x)
		}
		e.Apply(now, Leave{Entry: x, Outcome: call.OutcomeMoved})
		e.Apply(now, PresenceSet{Agent: "ada", Presence: call.OnBreak})
	}
	if len(e.lines) > lineFloor || len(e.lineList) != len(e.lines) || len(e.benches) > benchFloor || len(e.benchList) != len(e.benches) {
		t.Errorf("%d lines, %d benches", len(e.lines), len(e.benches))
	}
	for _, b := range e.benchList {
		if len(b.lines) > len(e.lines) {
			t.Errorf("a bench knows %d lines of %d", len(b.lines), len(e.lines))
		}
	}
}

// A profile that nobody has any more is let go; the time of those who had it stays
// on the books of whoever waits.
func TestTimeOfAProfileThatIsLetGoIsKept(t *testing.T) {
	e := NewEngine()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	e.Apply(now, SetQueues{[]Queue{{ID: "q"}}})
	e.Apply(now, AgentSet{agents.Agent{ID: "ada", Device: "ada"}})
	e.Apply(now, Join{Entry: "c1.q1", Queue: "q", Joined: now})
	now = now.Add(10 * time.Second)
	e.Apply(now, AgentSet{agents.Agent{ID: "ada", Device: "ada", Skills: map[string]int{"vpn": 1}}})
	e.sweep(now)
	if len(e.benches) != 1 {
		t.Fatalf("%d benches", len(e.benches))
	}
	now = now.Add(10 * time.Second)
	for _, f := range e.Apply(now, Leave{Entry: "c1.q1", Outcome: call.OutcomeAbandoned}) {
		if r, ok := f.(Record); ok {
			if d, ok := r.Event.Body.(call.QueueDecided); ok {
				want := []call.Exclusion{{Reason: "logged out", Agents: 1, Time: 20 * time.Second}}
				if !slices.Equal(d.Excluded, want) {
					t.Errorf("%+v, want %+v", d.Excluded, want)
				}
			}
		}
	}
}
