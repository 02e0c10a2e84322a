package callqueue_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

func skill(name string, n int) map[string]int { return map[string]int{name: n} }

func asking(name string, n int) call.Requirement { return call.Requirement{Skills: skill(name, n)} }

func stepped() callqueue.Queue {
	return callqueue.Queue{
		ID: "q", Need: asking("printer", 5), WrapUp: -1,
		Steps: []callqueue.Step{
			{After: 30 * time.Second, Need: asking("printer", 2)},
			{After: 60 * time.Second},
		},
	}
}

func TestStepsWidenWithTheAgeOfTheCallAndAreRecorded(t *testing.T) {
	d := newDesk(t, stepped())
	d.agent("any", 1, nil)
	d.agent("fair", 1, skill("printer", 2))
	x := d.join("c1", "q")
	d.wantNoOffer()
	d.wait(30*time.Second - 1).wantNoOffer()
	d.wait(1)
	o := d.wantOffer(x, "fair")
	if !recorded(d.fx, call.QueueWidened{Entry: x, Step: 1, Need: asking("printer", 2)}) {
		t.Errorf("the step is not recorded: %+v", d.fx)
	}
	d.ring(o).wait(30 * time.Second) // missed at 45 s and rung again; at 60 s it is everybody's
	if !recorded(d.fx, call.QueueWidened{Entry: x, Step: 2}) && d.e.Queues(d.now)[0].Calls[0].Step != 2 {
		t.Errorf("the last step is not in force: %+v", d.e.Queues(d.now)[0].Calls)
	}
}

func TestWhatTheCallBringsIsAskedAtEveryStep(t *testing.T) {
	d := newDesk(t, stepped())
	d.agent("english", 1, skill("printer", 9))
	x := call.EntryID("c1.q1")
	d.do(callqueue.Join{Entry: x, Queue: "q", Need: asking("german", 3), Joined: d.now})
	d.wait(time.Hour).wantNoOffer()
	if why, _ := d.e.Explain(d.now, x); why.Step != 2 || !cmp.Equal(why.Need, asking("german", 3)) {
		t.Errorf("%+v", why)
	}
	d.agent("deutsch", 1, skill("german", 3))
	d.wantOffer(x, "deutsch")
}

func TestStepsThatTheCallBringsReplaceTheQueues(t *testing.T) {
	d := newDesk(t, stepped())
	d.agent("any", 1, nil)
	x := d.put(callqueue.Join{Entry: "c1.q1", Queue: "q", Joined: d.now, Steps: []callqueue.Step{{After: 5 * time.Second}}})
	d.put(callqueue.Join{Entry: "c2.q1", Queue: "q", Joined: d.now, Steps: []callqueue.Step{}})
	d.wait(5*time.Second - 1).wantNoOffer()
	d.wait(1)
	d.done(d.wantOffer(x, "any"), call.OfferAnswered)
	d.agent("other", 1, nil)
	d.wait(time.Hour).wantNoOffer()                                                                        // no steps are none
	d.wantOffer(d.put(callqueue.Join{Entry: "c4.q1", Queue: "q", Joined: d.now.Add(-time.Hour)}), "other") // by the queue's
	d.fx = d.e.Apply(d.now, callqueue.Join{Entry: "c3.q1", Queue: "q", Joined: d.now, Steps: []callqueue.Step{{}}})
	if err := d.refused(); !errors.Is(err, callqueue.ErrInvalid) {
		t.Errorf("a step without age: %v", err)
	}
}

func TestAgeCountsOverMovesAndRestarts(t *testing.T) {
	for _, resume := range []bool{false, true} {
		d := newDesk(t, stepped())
		d.agent("fair", 1, skill("printer", 2))
		x := call.EntryID("c1.q2")
		d.do(callqueue.Join{Entry: x, Queue: "q", Joined: d.now.Add(-40 * time.Second), Resume: resume})
		d.wantOffer(x, "fair")
		if !recorded(d.fx, call.QueueWidened{Entry: x, Step: 1, Need: asking("printer", 2)}) {
			t.Errorf("resumed %v: the step is not recorded: %+v", resume, d.fx)
		}
	}
}

func TestAStepThatIsTakenAwayIsAskedNoMoreOfThoseWhoWait(t *testing.T) {
	q := stepped()
	d := newDesk(t, q)
	x := d.join("c1", "q")
	d.wait(45 * time.Second)
	q.Steps = nil
	d.do(callqueue.SetQueues{Queues: []callqueue.Queue{q}})
	if !recorded(d.fx, call.QueueWidened{Entry: x, Need: asking("printer", 5)}) {
		t.Errorf("the change is not recorded: %+v", d.fx)
	}
	d.agent("fair", 1, skill("printer", 2))
	d.wantNoOffer()
	d.agent("best", 1, skill("printer", 5))
	d.wantOffer(x, "best")
}

// Tiers as Asterisk's queuerules and FreeSWITCH's tiers have them: who is behind
// waits for an age, and keeps the place meanwhile.
func TestTiersOpenByAgeAndGoBeforeTheStrategy(t *testing.T) {
	q := callqueue.Queue{
		ID: "q", WrapUp: -1, Tiers: map[call.AgentID]int{"second": 2, "third": 3},
		Window: callqueue.Window{Max: 1},
		Steps: []callqueue.Step{
			{After: 10 * time.Second, Window: callqueue.Window{Max: 2}},
			{After: 20 * time.Second, Window: callqueue.Window{Max: 3, Raise: 3}},
		},
	}
	for _, c := range []struct {
		name  string
		after time.Duration
		free  []call.AgentID // who is idle longest first
		want  call.AgentID
	}{
		{"the first tier at once", 0, []call.AgentID{"third", "second", "first"}, "first"},
		{"the second not at once", 0, []call.AgentID{"third", "second"}, ""},
		{"the second later", 10 * time.Second, []call.AgentID{"third", "second"}, "second"},
		{"the first before the second also later", 10 * time.Second, []call.AgentID{"second", "first"}, "first"},
		{"all are equal once raised", 20 * time.Second, []call.AgentID{"third", "second", "first"}, "third"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, q)
			for _, id := range c.free {
				d.do(callqueue.AgentSet{Agent: agents.Agent{ID: id, Device: call.DeviceID(id)}})
				d.wait(time.Millisecond)
				d.do(callqueue.PresenceSet{Agent: id, Presence: call.Available})
			}
			x := call.EntryID("c1.q1")
			d.do(callqueue.Join{Entry: x, Queue: "q", Joined: d.now.Add(-c.after)})
			if c.want == "" {
				d.wantNoOffer()
				return
			}
			d.wantOffer(x, c.want)
		})
	}
}

func TestATierWithoutAnybodyIsNotWaitedForWhenSaid(t *testing.T) {
	q := callqueue.Queue{
		ID: "q", Tiers: map[call.AgentID]int{"second": 2}, SkipEmpty: true, Window: callqueue.Window{Max: 1},
		Steps: []callqueue.Step{{After: time.Minute, Window: callqueue.Window{Max: 2}}},
	}
	d := newDesk(t, q)
	d.agent("second", 1, nil)
	d.wantOffer(d.join("c1", "q"), "second") // nobody of the first tier is logged in
	d.agent("first", 1, nil)
	d.wantOffer(d.join("c2", "q"), "first")
	y := d.join("c3", "q")
	d.done(call.OfferID("c1.q1.o1"), call.OfferRejected)
	d.wait(callqueue.RetryDelay).wantOffer("c1.q1", "second")
	d.do(callqueue.PresenceSet{Agent: "first", Presence: call.OnBreak}) // the last of the first tier
	for _, v := range d.e.Queues(d.now)[0].Calls {
		if v.Step != 1 {
			t.Errorf("%s (of %s) is still at step %d", v.Entry, y, v.Step)
		}
	}
}

// asterisk#1561: a queue of higher weight whose rule excludes the agent keeps the
// agent from the lower one.
func TestAQueueWhoseRuleExcludesTheAgentDoesNotBlockAnother(t *testing.T) {
	d := newDesk(t,
		callqueue.Queue{ID: "high", Priority: 9, Tiers: map[call.AgentID]int{"ada": 5}, Window: callqueue.Window{Max: 2}},
		callqueue.Queue{ID: "low"})
	d.join("c1", "high")
	x := d.join("c2", "low")
	d.agent("ada", 1, nil)
	d.wantOffer(x, "ada")
}

func TestAlternativesOfAQueue(t *testing.T) {
	need := call.Requirement{Skills: skill("desk", 1), Any: []call.Requirement{asking("german", 3), asking("english", 5)}}
	d := newDesk(t, callqueue.Queue{ID: "q", Need: need})
	x := d.join("c1", "q")
	d.agent("neither", 1, map[string]int{"desk": 1, "german": 2, "english": 4})
	d.wantNoOffer()
	d.agent("both but desk", 1, map[string]int{"german": 3, "english": 5})
	d.wantNoOffer()
	d.agent("ada", 1, map[string]int{"desk": 1, "english": 5})
	d.wantOffer(x, "ada")
}

func TestStepsThatAddNobodyAreFound(t *testing.T) {
	q := callqueue.Queue{
		ID: "q", Need: asking("printer", 3), Tiers: map[call.AgentID]int{"late": 2}, Window: callqueue.Window{Max: 1},
		Steps: []callqueue.Step{
			{After: 10 * time.Second, Need: asking("printer", 2), Window: callqueue.Window{Max: 1}}, // nobody has just 2
			{After: 20 * time.Second, Need: asking("printer", 2)},                                   // adds late, by the tier
			{After: 30 * time.Second, Need: asking("printer", 9)},
			{After: 40 * time.Second},
		},
	}
	roster := []agents.Agent{
		{ID: "good", Skills: skill("printer", 3)}, {ID: "late", Skills: skill("printer", 4)}, {ID: "none"},
	}
	if got := callqueue.IdleSteps(q, roster); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("steps %v add nobody, want 1 and 3", got)
	}
}

func TestFaultsOfStepsAndTiers(t *testing.T) {
	q := callqueue.Queue{
		ID: "q", Tiers: map[call.AgentID]int{"a": 0}, Window: callqueue.Window{Min: 3, Max: 2},
		Steps: []callqueue.Step{
			{After: 30 * time.Second},
			{After: 30 * time.Second, Need: call.Requirement{Level: 7}, Window: callqueue.Window{Max: callqueue.MaxTier + 1}},
		},
	}.Defaults()
	err := q.Validate()
	for _, want := range []string{
		`tier 0 of agent "a"`, "no tier is at least 3 and at most 2", "step 2 after 30s does not come after 30s",
		"step 2: support level 7", "step 2: tiers are between",
	} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q is not named in: %v", want, err)
		}
	}
}
