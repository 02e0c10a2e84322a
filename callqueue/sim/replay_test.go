package sim_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/sim"
	"firstline/callqueue/sla"
)

// busyDay is a recorded day: a simulated one, read like any other from its events.
func busyDay(t *testing.T, queue callqueue.Queue, change func(*sim.Scenario)) (*sim.Recorder, sim.Result) {
	t.Helper()
	roster, ids := people(7)
	atWork, err := sim.Shifts(ids, []sim.Staffed{
		{From: began, Agents: 4}, {From: began.Add(2 * time.Hour), Agents: 7}, {From: began.Add(6 * time.Hour), Agents: 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	atWork = append(atWork,
		sim.Shift{At: began.Add(3 * time.Hour), Agent: ids[1], Presence: call.OnBreak, Reason: "lunch"},
		sim.Shift{At: began.Add(4 * time.Hour), Agent: ids[1], Presence: call.Available},
		sim.Shift{At: began.Add(3 * time.Hour), Agent: ids[2], Phone: sim.PhoneGoes},
		sim.Shift{At: began.Add(5 * time.Hour), Agent: ids[2], Phone: sim.PhoneComes})
	var rec *sim.Recorder
	sc := sim.Scenario{
		Queues: []callqueue.Queue{queue}, Agents: roster, Shifts: atWork,
		Arrivals: sim.Generate(11, []sim.Demand{{
			Queue: "q", Talk: sim.Lognormal(4*time.Minute, 1), WrapUp: sim.Exponential(30 * time.Second),
			Patience: sim.Exponential(4 * time.Minute), Pickup: sim.Lognormal(3*time.Second, 0.3), // never missed
			Loads: []sim.Load{{From: began, To: began.Add(8 * time.Hour), Calls: 620}},
		}}),
		Tap: func(ev call.Event) { rec.Apply(ev) },
	}
	if change != nil {
		change(&sc)
	}
	rec = sim.NewRecorder(began, began.Add(8*time.Hour), sc.Agents, nil)
	r, err := sim.Run(t.Context(), sc)
	if err != nil {
		t.Fatal(err)
	}
	return rec, r
}

func figuresOf(t *testing.T, l *sla.Ledger, now time.Time) sla.Figures {
	t.Helper()
	f, err := l.Figures(sla.Span{Now: now, From: began, To: began.Add(8 * time.Hour)})
	if err != nil || len(f) != 1 {
		t.Fatalf("%d figures, %v", len(f), err)
	}
	return f[0]
}

// waits is how long each caller waited.
type waits map[call.EntryID]time.Duration

func (w waits) and(tap func(call.Event)) func(call.Event) {
	return func(ev call.Event) {
		if b, ok := ev.Body.(call.QueueLeft); ok {
			w[b.Entry] = b.Wait
		}
		tap(ev)
	}
}

// What is measured by a replay is the change, not the replaying: without a change
// every caller waits as long as before.
func TestReplayOfAnUnchangedDayGivesTheSameWaits(t *testing.T) {
	queue := callqueue.Queue{ID: "q", WrapUp: 45 * time.Second, Ring: 20 * time.Second}
	first, then := make(waits), make(waits)
	rec, before := busyDay(t, queue, func(s *sim.Scenario) { s.Tap = first.and(s.Tap) })
	day, err := rec.Day(1, []callqueue.Queue{queue})
	if err != nil {
		t.Fatal(err)
	}
	day.Scenario.Queues, day.Scenario.Tap = []callqueue.Queue{queue}, then.and(func(call.Event) {})
	after, err := sim.Run(t.Context(), day.Scenario)
	if err != nil {
		t.Fatal(err)
	}
	was, is := figuresOf(t, before.Ledger, before.Ended), figuresOf(t, after.Ledger, after.Ended)
	if d := cmp.Diff(was.Outcomes, is.Outcomes); d != "" {
		t.Error(d)
	}
	if was.Outcomes[call.OutcomeAbandoned] < 20 || was.Outcomes[call.OutcomeAnswered] < 300 {
		t.Fatalf("the day proves nothing: %v", was.Outcomes)
	}
	for id, w := range first {
		if d := (w - then[id]).Abs(); d > time.Millisecond {
			t.Fatalf("call %s waited %v, then %v", id, w, then[id])
		}
	}
	if d := (*was.AHT - *is.AHT).Abs(); d > time.Millisecond {
		t.Errorf("AHT %v, then %v", *was.AHT, *is.AHT)
	}
	if r := figuresOf(t, day.Ledger, before.Ended); r.Offered != was.Offered || *r.ASA != *was.ASA {
		t.Errorf("recorded %d with ASA %v, was %d with %v", r.Offered, *r.ASA, was.Offered, *was.ASA)
	}
}

// Whoever left for another queue then does so again, with the same wait in each,
// and a key is pressed at the same age.
func TestReplayOfAnUnchangedDayFollowsExits(t *testing.T) {
	queues := []callqueue.Queue{
		{
			ID: "q", WrapUp: 45 * time.Second, Need: needs("first"), MaxWait: 90 * time.Second, Timeout: to("second"),
			MaxLen: 6, Overflow: to("second"), Keys: map[string]callqueue.Exit{"1": {Outcome: call.OutcomeCallbackTaken}},
		},
		{ID: "second", WrapUp: 30 * time.Second, Need: needs("second")},
	}
	first, then := make(waits), make(waits)
	rec, before := busyDay(t, queues[0], func(s *sim.Scenario) {
		s.Queues, s.Tap = queues, first.and(s.Tap)
		for i := range s.Agents {
			s.Agents[i].Skills = map[string]int{[]string{"first", "first", "second"}[i%3]: 1}
		}
		for i := range s.Arrivals {
			if i%6 == 0 {
				s.Arrivals[i].Key, s.Arrivals[i].PressAt = "1", 40*time.Second
			}
		}
	})
	day, err := rec.Day(1, queues)
	if err != nil {
		t.Fatal(err)
	}
	day.Scenario.Queues, day.Scenario.Tap = queues, then.and(func(call.Event) {})
	after, err := sim.Run(t.Context(), day.Scenario)
	if err != nil {
		t.Fatal(err)
	}
	span := sla.Span{Now: before.Ended, From: began, To: began.Add(8 * time.Hour)}
	was, err := before.Ledger.Figures(span)
	if err != nil {
		t.Fatal(err)
	}
	is, err := after.Ledger.Figures(span)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range was {
		if d := cmp.Diff(q.Outcomes, is[i].Outcomes); d != "" {
			t.Errorf("queue %s:\n%s", q.Queue, d)
		}
	}
	if was[0].Outcomes[call.OutcomeTimeoutOverflow] < 20 || was[0].Outcomes[call.OutcomeCallbackTaken] < 10 || was[1].Outcomes[call.OutcomeAnswered] < 20 {
		t.Fatalf("the day proves nothing: %v, %v", was[0].Outcomes, was[1].Outcomes)
	}
	if len(first) != len(then) {
		t.Errorf("%d stays, then %d", len(first), len(then))
	}
	for id, w := range first {
		if d := (w - then[id]).Abs(); d > time.Millisecond {
			t.Fatalf("entry %s waited %v, then %v", id, w, then[id])
		}
	}
}

// Two agents more, on the same day: callers who were answered late or not at all
// are served, and nobody waits for what was not recorded.
func TestReplayWithMoreAgentsServesMore(t *testing.T) {
	queue := callqueue.Queue{ID: "q", WrapUp: 45 * time.Second}
	rec, _ := busyDay(t, queue, nil)
	day, err := rec.Day(1, []callqueue.Queue{queue})
	if err != nil {
		t.Fatal(err)
	}
	run := func(extra int) sla.Figures {
		sc := day.Scenario
		sc.Queues = []callqueue.Queue{queue}
		for i := range extra {
			id := call.AgentID(fmt.Sprint("extra", i))
			sc.Agents = append(slices.Clip(sc.Agents), agents.Agent{ID: id, Level: 1})
			sc.Shifts = append(slices.Clip(sc.Shifts), sim.Shift{At: began, Agent: id, Presence: call.Available})
		}
		r, err := sim.Run(t.Context(), sc)
		if err != nil {
			t.Fatal(err)
		}
		return figuresOf(t, r.Ledger, r.Ended)
	}
	few, many := run(0), run(2)
	if many.AbandonAll.Percent >= few.AbandonAll.Percent || *many.ASA >= *few.ASA || many.Offered != few.Offered {
		t.Errorf("abandonment %v then %v, ASA %v then %v", few.AbandonAll, many.AbandonAll, *few.ASA, *many.ASA)
	}
}

// Patience is longer than what is seen of it: the mean over abandons alone would
// be far too short. The estimate by exposure finds what the callers had.
func TestPatienceIsTakenAsCensored(t *testing.T) {
	queue := callqueue.Queue{ID: "q", WrapUp: 45 * time.Second}
	rec, r := busyDay(t, queue, nil)
	day, err := rec.Day(1, []callqueue.Queue{queue})
	if err != nil {
		t.Fatal(err)
	}
	var sum time.Duration
	for _, a := range day.Scenario.Arrivals {
		sum += a.Patience
	}
	mean := sum / time.Duration(len(day.Scenario.Arrivals))
	seen := *figuresOf(t, r.Ledger, r.Ended).AbandonWait
	t.Logf("callers had 4m, estimated %v, the abandons alone show %v", mean, seen)
	if math.Abs(mean.Seconds()-240) > 72 || seen > 3*time.Minute {
		t.Errorf("estimated %v, abandons alone %v", mean, seen)
	}
}

func TestAskedIsWhatTheCallWantedBesideItsQueue(t *testing.T) {
	queue := call.Requirement{Skills: map[string]int{"desk": 1, "french": 3}, Level: 1}
	both := agents.Merge(queue, call.Requirement{Skills: map[string]int{"french": 5, "printer": 2}, Level: 2})
	want := call.Requirement{Skills: map[string]int{"french": 5, "printer": 2}, Level: 2}
	if d := cmp.Diff(want, sim.Asked(both, queue)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(both, agents.Merge(sim.Asked(both, queue), queue)); d != "" {
		t.Error(d)
	}
}

func TestDayWithoutTalksIsRefused(t *testing.T) {
	rec := sim.NewRecorder(began, began.Add(time.Hour), nil, nil)
	rec.Apply(call.CallEvent(began, "c", call.Arrived{}))
	rec.Apply(call.CallEvent(began, "c", call.QueueJoined{Entry: "c.q1", Queue: "q", Joined: began}))
	if _, err := rec.Day(1, nil); !errors.Is(err, sim.ErrNoTalks) {
		t.Error(err)
	}
}
