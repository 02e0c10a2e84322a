package sim_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/erlang"
	"firstline/callqueue/sim"
	"firstline/callqueue/sla"
)

var began = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// people are n equal agents.
func people(n int) (roster []agents.Agent, ids []call.AgentID) {
	for i := range n {
		id := call.AgentID(fmt.Sprintf("agent%04d", i))
		roster, ids = append(roster, agents.Agent{ID: id, Level: 1}), append(ids, id)
	}
	return roster, ids
}

// memoryless is the system of a theory as a scenario of so many hours.
func memoryless(tb testing.TB, s erlang.System, seed uint64, length time.Duration) sim.Scenario {
	tb.Helper()
	roster, ids := people(s.Agents)
	atWork, err := sim.Shifts(ids, []sim.Staffed{{From: began, Agents: s.Agents}})
	if err != nil {
		tb.Fatal(err)
	}
	d := sim.Demand{
		Queue: "q", Talk: sim.Exponential(s.Handling),
		Loads: []sim.Load{{From: began, To: began.Add(length), Calls: s.Rate * length.Seconds()}},
	}
	if s.Patience > 0 {
		d.Patience = sim.Exponential(s.Patience)
	}
	return sim.Scenario{
		Queues: []callqueue.Queue{{ID: "q", WrapUp: -1}}, Agents: roster,
		Arrivals: sim.Generate(seed, []sim.Demand{d}), Shifts: atWork,
	}
}

// measured is what independent runs of a system show once it has settled.
type measured struct{ wait, answered, abandons, occupancy, within sim.Estimate }

func measure(t *testing.T, s erlang.System, runs int, length time.Duration) measured {
	t.Helper()
	var wait, answered, abandons, occupancy, within []float64
	warm := length / 10
	for seed := range runs {
		r, err := sim.Run(t.Context(), memoryless(t, s, uint64(seed), length))
		if err != nil {
			t.Fatal(err)
		}
		span := sla.Span{Now: r.Ended, From: began.Add(warm), To: began.Add(length)}
		figures, err := r.Ledger.Figures(span)
		if err != nil {
			t.Fatal(err)
		}
		staff, err := r.Staff.Figures(span, nil)
		if err != nil {
			t.Fatal(err)
		}
		f := figures[0]
		wait, answered = append(wait, f.Wait.Seconds()), append(answered, f.ASA.Seconds())
		abandons = append(abandons, f.AbandonAll.Percent/100)
		occupancy = append(occupancy, *staff[0].Occupancy/100)
		within = append(within, *f.Level(sla.LevelFlowOuts).Percent/100)
	}
	return measured{sim.Of(wait), sim.Of(answered), sim.Of(abandons), sim.Of(occupancy), sim.Of(within)}
}

func agree(t *testing.T, what string, got sim.Estimate, theory, precise float64) {
	t.Helper()
	t.Logf("%s: simulated %v, theory %.4g", what, got, theory)
	if !got.Holds(theory) {
		t.Errorf("%s: %v does not hold the theory's %v", what, got, theory)
	}
	if got.Half > precise*theory {
		t.Errorf("%s: %v is too vague to say anything", what, got)
	}
}

// hoursOf is how long it takes until so many calls have come.
func hoursOf(s erlang.System, calls float64) time.Duration {
	return time.Duration(calls / s.Rate * float64(time.Second))
}

// The engine, offered memoryless calls, waits as Erlang C says.
func TestMeanWaitAgreesWithErlangC(t *testing.T) {
	t.Parallel()
	for _, s := range []erlang.System{
		{Agents: 1, Rate: 0.7 / 60, Handling: time.Minute},
		{Agents: 5, Rate: 4.0 / 180, Handling: 3 * time.Minute},
	} {
		t.Run(fmt.Sprintf("%d agents", s.Agents), func(t *testing.T) {
			theory, err := erlang.SolveC(s)
			if err != nil {
				t.Fatal(err)
			}
			got := measure(t, s, 12, hoursOf(s, 12_000))
			agree(t, "mean wait", got.wait, theory.Wait.Seconds(), 0.3)
			agree(t, "occupancy", got.occupancy, theory.Occupancy, 0.02)
			agree(t, "answered within 20 s", got.within, theory.Within(20*time.Second), 0.05)
			if got.abandons.Mean != 0 {
				t.Errorf("%v abandon", got.abandons)
			}
		})
	}
}

// With exponential patience it waits, and loses callers, as Erlang A says, in
// overload too.
func TestMeanWaitAndAbandonmentAgreeWithErlangA(t *testing.T) {
	t.Parallel()
	for _, s := range []erlang.System{
		{Agents: 50, Rate: 48. / 60, Handling: time.Minute, Patience: 2 * time.Minute},
		{Agents: 4, Rate: 3.5 / 300, Handling: 5 * time.Minute, Patience: 10 * time.Minute},
		{Agents: 5, Rate: 8.0 / 200, Handling: 200 * time.Second, Patience: time.Minute},
	} {
		t.Run(fmt.Sprintf("%d agents, load %.1f", s.Agents, s.Load()), func(t *testing.T) {
			theory, err := erlang.SolveA(s)
			if err != nil {
				t.Fatal(err)
			}
			got := measure(t, s, 12, hoursOf(s, 5000))
			agree(t, "mean wait", got.wait, theory.Wait.Seconds(), 0.3)
			agree(t, "ASA", got.answered, theory.Answered.Seconds(), 0.3)
			agree(t, "abandonment", got.abandons, theory.Abandons, 0.3)
			agree(t, "occupancy", got.occupancy, theory.Occupancy, 0.02)
			agree(t, "answered within 20 s", got.within, theory.Within(20*time.Second), 0.05)
		})
	}
}

func TestSameSeedGivesTheSameEvents(t *testing.T) {
	s := erlang.System{Agents: 7, Rate: 0.03, Handling: 4 * time.Minute, Patience: 2 * time.Minute}
	story := func(seed uint64) (all []string) {
		sc := memoryless(t, s, seed, 20*time.Hour)
		sc.Tap = func(ev call.Event) {
			b, err := ev.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(b))
		}
		if _, err := sim.Run(t.Context(), sc); err != nil {
			t.Fatal(err)
		}
		return all
	}
	a, b, c := story(1), story(1), story(2)
	if len(a) != len(b) {
		t.Fatalf("%d events, then %d", len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("event %d: %s, then %s", i, a[i], b[i])
		}
	}
	if len(a) == len(c) && a[len(a)-1] == c[len(c)-1] {
		t.Error("another seed gives the same")
	}
}

// An unanswered phone is a miss, and two misses make a break: the others serve.
func TestPhonesThatAreNotPickedUpAreMissed(t *testing.T) {
	roster, ids := people(3)
	atWork, err := sim.Shifts(ids, []sim.Staffed{{From: began, Agents: 3}})
	if err != nil {
		t.Fatal(err)
	}
	missed := 0
	sc := sim.Scenario{
		Queues: []callqueue.Queue{{ID: "q"}}, Agents: roster, Shifts: atWork,
		Arrivals: []sim.Arrival{{At: began, Queue: "q", Pickup: time.Minute, Patience: 5 * time.Minute, Talk: time.Minute}},
		Tap: func(ev call.Event) {
			if o, ok := ev.Body.(call.OfferEnded); ok && o.Result == call.OfferMissed {
				missed++
			}
		},
	}
	r, err := sim.Run(t.Context(), sc)
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Ledger.Figures(sla.Span{Now: r.Ended, From: began, To: began.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if f[0].Outcomes[call.OutcomeAbandoned] != 1 || missed != 6 {
		t.Errorf("%d missed, outcomes %v", missed, f[0].Outcomes)
	}
}

func TestWrapUpIsTheQueuesUnlessTheCallHasItsOwn(t *testing.T) {
	roster, ids := people(1)
	atWork, _ := sim.Shifts(ids, []sim.Staffed{{From: began, Agents: 1}})
	for _, c := range []struct{ queue, own, want time.Duration }{
		{40 * time.Second, 0, 40 * time.Second},
		{40 * time.Second, 10 * time.Second, 10 * time.Second},
		{40 * time.Second, 90 * time.Second, 90 * time.Second},
		{40 * time.Second, -1, 0},
		{-1, 90 * time.Second, 0},
	} {
		r, err := sim.Run(t.Context(), sim.Scenario{
			Queues: []callqueue.Queue{{ID: "q", WrapUp: c.queue}}, Agents: roster, Shifts: atWork,
			Arrivals: []sim.Arrival{{At: began.Add(time.Minute), Queue: "q", Talk: time.Minute, WrapUp: c.own}},
		})
		if err != nil {
			t.Fatal(err)
		}
		f, _ := r.Staff.Figures(sla.Span{Now: began.Add(time.Hour), From: began, To: began.Add(time.Hour)}, nil)
		if got := f[0].States[sla.StateWrapUp]; got != c.want {
			t.Errorf("queue %v, call %v: wrapped up for %v, want %v", c.queue, c.own, got, c.want)
		}
	}
}

// A person may not be the last to go while callers wait; a plan may: the day is
// simulated to its end, and who waits then waits on.
func TestTheLastAgentGoesHomeAsPlannedThoughCallersWait(t *testing.T) {
	roster, ids := people(1)
	atWork, err := sim.Shifts(ids, []sim.Staffed{{From: began, Agents: 1}, {From: began.Add(time.Hour), Agents: 0}})
	if err != nil {
		t.Fatal(err)
	}
	sc := sim.Scenario{Queues: []callqueue.Queue{{ID: "q", WrapUp: -1}}, Agents: roster, Shifts: atWork}
	for n := range 3 { // one talks into the evening, two wait
		sc.Arrivals = append(sc.Arrivals, sim.Arrival{At: began.Add(50*time.Minute + time.Duration(n)*time.Second), Queue: "q", Talk: time.Hour})
	}
	r, err := sim.Run(t.Context(), sc)
	if err != nil {
		t.Fatal(err)
	}
	f := figuresOf(t, r.Ledger, r.Ended)
	if f.Waiting != 2 || f.Outcomes[call.OutcomeAnswered] != 1 || !r.Ended.Equal(began.Add(110*time.Minute)) {
		t.Errorf("ended %v, %d wait: %v", r.Ended, f.Waiting, f.Outcomes)
	}
}

func TestScenariosThatCannotBeRunAreRefused(t *testing.T) {
	_, err := sim.Run(t.Context(), sim.Scenario{
		Arrivals: []sim.Arrival{{At: began, Queue: "nowhere"}}, Shifts: []sim.Shift{{Agent: "nobody"}},
	})
	if !errors.Is(err, sim.ErrInvalid) {
		t.Error(err)
	}
	if _, err := sim.Shifts(nil, []sim.Staffed{{Agents: 1}}); !errors.Is(err, sim.ErrInvalid) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := memoryless(t, erlang.System{Agents: 1, Rate: 1, Handling: time.Second}, 1, time.Hour)
	if _, err := sim.Run(ctx, s); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Whatever comes and whoever works: every call has one outcome or waits, and
// agents' seconds add up.
func TestRandomDaysAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(rt, "agents")
		roster, ids := people(n)
		var plan []sim.Staffed
		for h := range rapid.IntRange(1, 6).Draw(rt, "hours") {
			plan = append(plan, sim.Staffed{From: began.Add(time.Duration(h) * time.Hour), Agents: rapid.IntRange(0, n).Draw(rt, "at work")})
		}
		atWork, err := sim.Shifts(ids, plan)
		if err != nil {
			rt.Fatal(err)
		}
		sc := sim.Scenario{
			Queues: []callqueue.Queue{{ID: "a", MaxLen: rapid.IntRange(0, 5).Draw(rt, "longest queue")}, {ID: "b", Priority: 1, MaxWait: 5 * time.Minute}},
			Agents: roster, Shifts: atWork,
			Arrivals: sim.Generate(rapid.Uint64().Draw(rt, "seed"), []sim.Demand{
				{
					Queue: "a", Talk: sim.Lognormal(4*time.Minute, 1.2), WrapUp: sim.Exponential(time.Minute), Patience: sim.Exponential(3 * time.Minute),
					Pickup: sim.Exponential(8 * time.Second), Loads: []sim.Load{{From: began, To: began.Add(6 * time.Hour), Calls: 100}},
				},
				{Queue: "b", Talk: sim.Sample([]time.Duration{time.Minute, time.Hour}), Loads: []sim.Load{{From: began, To: began.Add(6 * time.Hour), Calls: 30}}},
			}),
		}
		refused := 0
		sc.Tap = func(ev call.Event) {
			if b, ok := ev.Body.(call.Ended); ok && b.Outcome == call.OutcomeNoCapacity {
				refused++
			}
		}
		r, err := sim.Run(context.Background(), sc)
		if err != nil {
			rt.Fatal(err)
		}
		span := sla.Span{Now: r.Ended, From: began, To: began.Add(8 * time.Hour)}
		if !r.Ended.After(began) {
			return
		}
		addUp(rt, r, span, len(sc.Arrivals)-refused)
		staff, err := r.Staff.Figures(span, nil)
		if err != nil {
			rt.Fatal(err)
		}
		var sum time.Duration
		for _, d := range staff[0].States {
			sum += d
		}
		if sum != staff[0].Staffed {
			rt.Fatalf("states add up to %v of %v", sum, staff[0].Staffed)
		}
	})
}

// addUp holds the figures to what came: every caller who joined has one outcome or
// waits.
func addUp(rt *rapid.T, r sim.Result, span sla.Span, came int) {
	figures, err := r.Ledger.Figures(span)
	if err != nil {
		rt.Fatal(err)
	}
	for _, f := range figures {
		came -= f.Offered
		for _, n := range f.Outcomes {
			f.Waiting += n
		}
		if f.Waiting != f.Offered {
			rt.Fatalf("outcomes and waiting add up to %d of %d: %+v", f.Waiting, f.Offered, f)
		}
	}
	if came != 0 {
		rt.Fatalf("%d more came than were offered", came)
	}
}

// A day of 100,000 calls, some 290 agents, two queues; the figure is what a whole
// day takes.
func BenchmarkDayOf100000Calls(b *testing.B) {
	roster, ids := people(400)
	atWork, err := sim.Shifts(ids, []sim.Staffed{{From: began, Agents: 60}, {From: began.Add(7 * time.Hour), Agents: 400}, {From: began.Add(19 * time.Hour), Agents: 60}})
	if err != nil {
		b.Fatal(err)
	}
	hour := func(from, to int, calls float64) sim.Load {
		return sim.Load{From: began.Add(time.Duration(from) * time.Hour), To: began.Add(time.Duration(to) * time.Hour), Calls: calls}
	}
	arrivals := sim.Generate(1, []sim.Demand{
		{Queue: "a", Talk: sim.Lognormal(3*time.Minute, 1), Patience: sim.Exponential(3 * time.Minute), Pickup: sim.Exponential(4 * time.Second), Loads: []sim.Load{hour(0, 7, 5000), hour(7, 19, 80_000), hour(19, 24, 5000)}},
		{Queue: "b", Talk: sim.Exponential(2 * time.Minute), Patience: sim.Exponential(time.Minute), Loads: []sim.Load{hour(0, 24, 10_000)}},
	})
	var r sim.Result
	for b.Loop() {
		r, err = sim.Run(b.Context(), sim.Scenario{
			Queues: []callqueue.Queue{{ID: "a", WrapUp: 20 * time.Second}, {ID: "b"}}, Agents: roster, Shifts: atWork, Arrivals: arrivals,
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	day := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(day, "s/day")
	b.ReportMetric(float64(len(arrivals)), "calls")
	b.ReportMetric(float64(len(arrivals))/day, "calls/s")
	const floor = 10 // seconds
	verdict := "PASS"
	if day > floor {
		verdict = "MISS"
	}
	fmt.Printf("\n| simulated day | inputs | events | value | floor | |\n| --- | ---: | ---: | ---: | ---: | --- |\n")
	fmt.Printf("| %d calls | %d | %d | %.2f s | %d s | %s |\n\n", len(arrivals), r.Inputs, r.Events, day, floor, verdict)
}
