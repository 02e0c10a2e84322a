package estimate_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/estimate"
	"firstline/callqueue/sim"
)

var good = estimate.Samples{Handled: 100, Handling: 300 * time.Second, Error: 0.05, Patience: 600 * time.Second, Abandons: 10}

func TestEstimateOfTheWorkedExample(t *testing.T) {
	r, _, ok := estimate.Of(estimate.Config{}, estimate.Place{Ahead: 3, Servers: 4}, good)
	if !ok || math.Abs(r.Mean.Seconds()-256.2) > 0.05 {
		t.Errorf("mean %v, ok %v", r.Mean, ok)
	}
	if r.Low < r.P50 || r.High < r.P90 || r.P50 >= r.P90 || r.Low%time.Minute != 0 || r.High%time.Minute != 0 {
		t.Errorf("%+v", r)
	}
}

func TestSilentWhenStaffingOrSamplesArePoor(t *testing.T) {
	few, noisy, endless := good, good, good
	endless.Patience = 0
	few.Handled, noisy.Error = 3, 0.5
	for _, c := range []struct {
		at   estimate.Place
		s    estimate.Samples
		want estimate.Reason
	}{
		{estimate.Place{Ahead: 1}, good, estimate.NobodyStaffed},
		{estimate.Place{Ahead: 1, Servers: 3}, few, estimate.FewSamples},
		{estimate.Place{Ahead: 1, Servers: 3}, estimate.Samples{}, estimate.FewSamples},
		{estimate.Place{Ahead: 1, Servers: 3}, noisy, estimate.NoisySamples},
		{estimate.Place{Ahead: 80, Servers: 1}, endless, estimate.TooLong},
	} {
		if _, why, ok := estimate.Of(estimate.Config{}, c.at, c.s); ok || why != c.want {
			t.Errorf("%+v: %v %q, want %q", c.at, ok, why, c.want)
		}
	}
}

func TestNobodyAheadOfAFreeAgentHearsAMinute(t *testing.T) {
	r, _, ok := estimate.Of(estimate.Config{}, estimate.Place{Ahead: 1, Servers: 4, Idle: 2}, good)
	if !ok || r.High != time.Minute {
		t.Errorf("%+v %v", r, ok)
	}
}

// asterisk is the announcement of app_queue.c in minutes: from the hold time at
// the last answer and the wait so far, and without their sign.
func asterisk(holdtime, waited time.Duration) int64 {
	n := (int64(holdtime/time.Second) + 30 - int64(waited/time.Second)) / 60
	return max(n, -n)
}

// Where the estimate is the average wait less the time waited, the caller who has
// waited past it hears more with every prompt.
func TestEstimateAfterWaitingTwiceTheAverageDoesNotRise(t *testing.T) {
	at := estimate.Place{Ahead: 2, Servers: 4}
	var said estimate.Said
	average := 225 * time.Second
	rises := 0
	for waited := time.Duration(0); waited <= 3*average; waited += 30 * time.Second {
		r, _, ok := estimate.Of(estimate.Config{}, at, good)
		if !ok {
			t.Fatal("silent")
		}
		next := said.Next(day.Add(waited), at, r)
		if !said.At.IsZero() && next.Range.High > said.Range.High {
			t.Errorf("after %v it rose from %v to %v", waited, said.Range.High, next.Range.High)
		}
		said = next
		if asterisk(average, waited+30*time.Second) > asterisk(average, waited) {
			rises++
		}
	}
	if rises == 0 {
		t.Error("the formula that has the fault does not show it: the test proves nothing")
	}
}

func TestARiseHasAReason(t *testing.T) {
	tell := func(said estimate.Said, at estimate.Place, s estimate.Samples) estimate.Said {
		r, _, ok := estimate.Of(estimate.Config{}, at, s)
		if !ok {
			t.Fatal("silent")
		}
		return said.Next(day, at, r)
	}
	was := tell(estimate.Said{}, estimate.Place{Ahead: 4, Servers: 4}, good)
	slower, slightly := good, good
	slower.Handling, slightly.Handling = 500*time.Second, 325*time.Second
	if got := tell(was, estimate.Place{Ahead: 9, Servers: 4}, good); got.Why != estimate.Overtaken || got.Range.High <= was.Range.High {
		t.Errorf("%+v", got)
	}
	if got := tell(was, estimate.Place{Ahead: 4, Servers: 2}, good); got.Why != estimate.FewerAgents || got.Range.High <= was.Range.High {
		t.Errorf("%+v", got)
	}
	if got := tell(was, estimate.Place{Ahead: 4, Servers: 4}, slower); got.Why != estimate.LongerCalls || got.Range.High <= was.Range.High {
		t.Errorf("%+v", got)
	}
	if got := tell(was, estimate.Place{Ahead: 4, Servers: 4}, slightly); got.Why != "" || got.Range.High != was.Range.High {
		t.Errorf("%+v", got)
	}
}

func TestNeverMoreThanBeforeWithoutAReason(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var said estimate.Said
		for range 30 {
			at := estimate.Place{Ahead: rapid.IntRange(0, 20).Draw(rt, "ahead"), Servers: rapid.IntRange(1, 10).Draw(rt, "servers")}
			s := good
			s.Handling = time.Duration(rapid.IntRange(30, 900).Draw(rt, "handling")) * time.Second
			r, _, ok := estimate.Of(estimate.Config{Longest: 1000 * time.Hour}, at, s)
			if !ok {
				rt.Fatal("silent")
			}
			next := said.Next(day, at, r)
			if !said.At.IsZero() && next.Range.High > said.Range.High && next.Why == "" {
				rt.Fatalf("%+v after %+v", next, said)
			}
			if next.Range.Low > next.Range.High {
				rt.Fatalf("%+v", next)
			}
			said = next
		}
	})
}

func TestRoundingIsUpwards(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{
		0: time.Minute, time.Second: time.Minute, time.Minute: time.Minute, time.Minute + 1: 2 * time.Minute,
		10 * time.Minute: 10 * time.Minute, 10*time.Minute + 1: 15 * time.Minute, 31 * time.Minute: 35 * time.Minute,
	} {
		if got := estimate.RoundUp(d); got != want {
			t.Errorf("%v: %v, want %v", d, got, want)
		}
	}
}

var day = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestSamplesAreWhatAgentsAndCallersDidOfLate(t *testing.T) {
	b := estimate.NewBook(estimate.Config{Window: time.Hour, MaxKept: 10})
	at := day
	for i := range 30 {
		id := call.ID(fmt.Sprint("c", i))
		b.Apply(call.CallEvent(at, id, call.Arrived{Test: i == 29}))
		b.Apply(call.CallEvent(at, id, call.QueueJoined{Entry: id.Entry(1), Queue: "q", Joined: at}))
		out := call.OutcomeAnswered
		if i%2 == 1 {
			out = call.OutcomeAbandoned
		}
		b.Apply(call.CallEvent(at.Add(20*time.Second), id, call.QueueLeft{Entry: id.Entry(1), Queue: "q", Outcome: out, Wait: 20 * time.Second}))
		if i%2 == 0 {
			b.Apply(call.AgentEvent(at.Add(20*time.Second), "ada", call.ActivityChanged{Activity: call.Talking, Call: id}))
			b.Apply(call.CallEvent(at.Add(80*time.Second), id, call.Ended{}))
			b.Apply(call.AgentEvent(at.Add(80*time.Second), "ada", call.ActivityChanged{Activity: call.WrapUp, Call: id}))
			b.Apply(call.AgentEvent(at.Add(110*time.Second), "ada", call.ActivityChanged{Activity: call.Idle}))
		}
		at = at.Add(2 * time.Minute)
	}
	s := b.Samples(at, "q")
	if s.Handled != 10 || s.Handling != 90*time.Second || s.Error > 1e-6 || s.Abandons != 5 || s.Patience != 40*time.Second {
		t.Errorf("%+v", s) // ten waits of 20 s each, five of them given up
	}
	if s := b.Samples(at.Add(2*time.Hour), "q"); s.Handled != 0 || s.Abandons != 0 {
		t.Errorf("old samples count: %+v", s)
	}
	if s := b.Samples(at, "none"); s.Handled != 0 {
		t.Errorf("%+v", s)
	}
}

// A wait that began in another queue says of this one only what was waited in it:
// else whoever comes by an exit would seem the most patient of all.
func TestPatienceIsOfTheTimeInTheQueueItself(t *testing.T) {
	b := estimate.NewBook(estimate.Config{})
	for i := range 10 {
		id := call.ID(fmt.Sprint("c", i))
		at := day.Add(time.Duration(i) * time.Minute)
		b.Apply(call.CallEvent(at, id, call.Arrived{}))
		b.Apply(call.CallEvent(at, id, call.QueueJoined{Entry: id.Entry(1), Queue: "first", Joined: at}))
		b.Apply(call.CallEvent(at.Add(time.Hour), id, call.QueueLeft{Entry: id.Entry(1), Queue: "first", Outcome: call.OutcomeTimeoutOverflow, Wait: time.Hour}))
		b.Apply(call.CallEvent(at.Add(time.Hour), id, call.QueueJoined{Entry: id.Entry(2), Queue: "second", Joined: at}))
		end := at.Add(time.Hour + 30*time.Second)
		b.Apply(call.CallEvent(end, id, call.QueueLeft{Entry: id.Entry(2), Queue: "second", Outcome: call.OutcomeAbandoned, Wait: end.Sub(at)}))
		b.Apply(call.CallEvent(end, id, call.Ended{}))
	}
	if s := b.Samples(day.Add(2*time.Hour), "second"); s.Abandons != 10 || s.Patience != 30*time.Second {
		t.Errorf("%+v", s)
	}
	if s := b.Samples(day.Add(2*time.Hour), "first"); s.Abandons != 0 || s.Patience != 0 {
		t.Errorf("%+v", s)
	}
}

// The range is right as often as it says: callers who never give up ("probes"),
// among others who do, on the simulated engine.
func TestEstimatesAreCalibratedOnASimulatedDay(t *testing.T) {
	const servers = 6
	handling, patience := 4*time.Minute, 5*time.Minute
	var roster []agents.Agent
	var ids []call.AgentID
	for i := range servers {
		id := call.AgentID(fmt.Sprint("a", i))
		roster, ids = append(roster, agents.Agent{ID: id, Level: 1}), append(ids, id)
	}
	atWork, err := sim.Shifts(ids, []sim.Staffed{{From: day, Agents: servers}})
	if err != nil {
		t.Fatal(err)
	}
	end := day.Add(700 * time.Hour)
	load := func(calls float64) []sim.Load { return []sim.Load{{From: day, To: end, Calls: calls}} }
	arrivals := sim.Generate(7, []sim.Demand{
		{Queue: "q", Talk: sim.Exponential(handling), Patience: sim.Exponential(patience), Loads: load(700 * 95)},
		{Queue: "q", Talk: sim.Exponential(handling), Loads: load(700 * 0.6)}, // probes
	})
	probes := make(map[time.Time]bool)
	for _, a := range arrivals {
		if a.Patience == 0 {
			probes[call.Instant(a.At)] = true
		}
	}
	samples := estimate.Samples{Handled: 1000, Handling: handling, Patience: patience}
	score := estimate.NewCalibration()
	waiting := make(map[call.EntryID]bool)
	talking := 0
	_, err = sim.Run(t.Context(), sim.Scenario{
		Queues: []callqueue.Queue{{ID: "q", WrapUp: -1}}, Agents: roster, Arrivals: arrivals, Shifts: atWork,
		Tap: func(ev call.Event) {
			switch b := ev.Body.(type) {
			case call.QueueJoined:
				if talking == servers && probes[b.Joined] {
					at := estimate.Place{Ahead: len(waiting), Servers: servers}
					if r, _, ok := estimate.Of(estimate.Config{Longest: 100 * time.Hour}, at, samples); ok {
						score.Announced(ev.At, "q", b.Entry, r)
					}
				}
				waiting[b.Entry] = true
			case call.QueueLeft:
				delete(waiting, b.Entry)
				score.Left(ev.At, "q", b.Entry, b.Outcome)
			case call.Connected:
				talking++
			case call.Parted:
				talking--
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := score.Score("q")
	t.Logf("%+v", got)
	if got.Realised < 200 {
		t.Fatalf("only %d probes waited", got.Realised)
	}
	n := float64(got.Realised)
	for _, c := range []struct {
		what string
		k    int
		p    float64
	}{{"P50", got.WithinP50, 0.5}, {"P90", got.WithinP90, 0.9}} {
		// Three standard errors of a binomial share; probes are far apart.
		if by := 3 * math.Sqrt(c.p*(1-c.p)/n); math.Abs(float64(c.k)/n-c.p) > by {
			t.Errorf("%.3f of %v waits within %s, want %v ± %.3f", float64(c.k)/n, n, c.what, c.p, by)
		}
	}
	if got.WithinTop < got.WithinP90 || math.Abs(got.Bias-1) > 0.2 {
		t.Errorf("%+v", got)
	}
}
