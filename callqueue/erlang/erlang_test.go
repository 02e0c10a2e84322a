package erlang_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"firstline/callqueue/erlang"
)

func near(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if math.Abs(got-want) > by || math.IsNaN(got) {
		t.Errorf("%s: %v, want %v ± %v", what, got, want, by)
	}
}

// Tables of Erlang B and C, to the digits that they print.
func TestErlangBAndCOfTheTables(t *testing.T) {
	for _, c := range []struct {
		n    int
		a    float64
		b, c float64
	}{
		{1, 0.5, 1. / 3, 0.5},
		{2, 1, 0.2, 1. / 3},
		{10, 5, 0.018385, 0.036105},
		{14, 10, 0.056816, 0.174132},
		{5, 5, 0.284868, 1},
	} {
		near(t, "B", erlang.B(c.n, c.a), c.b, 5e-6)
		near(t, "C", erlang.C(c.n, c.a), c.c, 5e-6)
	}
}

// The textbook half hour: 100 calls of three minutes, 14 agents.
func TestErlangCOfTheTextbookHalfHour(t *testing.T) {
	st, err := erlang.SolveC(erlang.System{Agents: 14, Rate: 100. / 1800, Handling: 3 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "waits", st.Waits, 0.174, 5e-4)
	near(t, "service level", st.Within(20*time.Second), 0.888, 5e-4)
	near(t, "ASA", st.Answered.Seconds(), 7.8, 0.05)
	near(t, "occupancy", st.Occupancy, 0.714, 5e-4)
}

// Mandelbaum and Zeltyn's example: 48 calls a minute of one minute, 50 agents,
// patience of two minutes. The same without patience waits six times as long.
func TestErlangAOfThePublishedExample(t *testing.T) {
	s := erlang.System{Agents: 50, Rate: 48. / 60, Handling: time.Minute, Patience: 2 * time.Minute}
	a, err := erlang.SolveA(s)
	if err != nil {
		t.Fatal(err)
	}
	c, err := erlang.SolveC(s)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "abandons", a.Abandons, 0.031, 5e-4)
	near(t, "wait of the answered", a.Answered.Seconds(), 3.6, 0.1)
	near(t, "occupancy", a.Occupancy, 0.93, 5e-3)
	near(t, "wait without patience", c.Wait.Seconds(), 20.8, 0.05)
	near(t, "occupancy without patience", c.Occupancy, 0.96, 1e-9)
}

// With µ = θ an M/M/n+M is an M/M/∞: the number of callers is Poisson.
func TestErlangAWithPatienceLikeHandlingIsPoisson(t *testing.T) {
	s := erlang.System{Agents: 3, Rate: 4, Handling: time.Second, Patience: time.Second}
	st, err := erlang.SolveA(s)
	if err != nil {
		t.Fatal(err)
	}
	below := math.Exp(-4) * (1 + 4 + 8)
	near(t, "waits", st.Waits, 1-below, 1e-9)
	var queue float64
	p := math.Exp(-4) * 64 / 6
	for k := 1; k < 60; k++ {
		p *= 4 / float64(3+k)
		queue += float64(k) * p
	}
	near(t, "wait", st.Wait.Seconds(), queue/4, 1e-9)
	near(t, "abandons", st.Abandons, queue/4, 1e-9)
}

func TestErlangAGoesOverIntoErlangC(t *testing.T) {
	s := erlang.System{Agents: 14, Rate: 100. / 1800, Handling: 3 * time.Minute, Patience: 10_000 * time.Hour}
	a, err := erlang.SolveA(s)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := erlang.SolveC(s)
	near(t, "wait", a.Wait.Seconds(), c.Wait.Seconds(), 1e-2)
	near(t, "within", a.Within(20*time.Second), c.Within(20*time.Second), 1e-4)
	s.Patience = 0
	if a, _ := erlang.SolveA(s); a.Wait != c.Wait {
		t.Errorf("endless patience: %v, want %v", a.Wait, c.Wait)
	}
}

// Far beyond what the agents can do, the queue is as long as makes as many give up
// as are too many. The states' weights are then beyond any number that there is.
func TestErlangAUnderAnyOverload(t *testing.T) {
	for _, s := range []erlang.System{
		{Agents: 100, Rate: 5, Handling: 4 * time.Minute, Patience: 10 * time.Minute},
		{Agents: 1, Rate: 300, Handling: time.Minute, Patience: time.Hour},
		{Agents: 2000, Rate: 20, Handling: 5 * time.Minute, Patience: 10 * time.Minute},
	} {
		st, err := erlang.SolveA(s)
		if err != nil {
			t.Fatal(err)
		}
		served := float64(s.Agents) / s.Load() // share of the callers
		near(t, "abandons", st.Abandons, 1-served, 1e-6)
		near(t, "wait", st.Wait.Seconds(), (1-served)*s.Patience.Seconds(), 0.01)
		near(t, "occupancy", st.Occupancy, 1, 1e-6)
		near(t, "answered at all", st.Within(100*time.Hour), served, 1e-6)
		if st.Answered < st.Wait/2 || st.Answered > s.Patience*10 {
			t.Errorf("the answered wait %v, all %v", st.Answered, st.Wait)
		}
	}
	if _, err := erlang.SolveA(erlang.System{Agents: 1, Rate: 1e6, Handling: time.Minute, Patience: 1e5 * time.Hour}); !errors.Is(err, erlang.ErrInvalid) {
		t.Errorf("a queue of 3.6e14: %v", err)
	}
}

// Answered at all is answered within an endless time.
func TestAnsweredAndAbandonedAreAll(t *testing.T) {
	for _, n := range []int{1, 5, 40} { // overloaded, tight, ample
		st, err := erlang.SolveA(erlang.System{Agents: n, Rate: 0.1, Handling: 50 * time.Second, Patience: 90 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "answered and abandoned", st.Within(100*time.Hour)+st.Abandons, 1, 1e-6)
		waited := st.Answered.Seconds() * (1 - st.Abandons)
		if waited > st.Wait.Seconds() {
			t.Errorf("%d agents: the answered alone wait %v of %v", n, waited, st.Wait.Seconds())
		}
	}
}

func TestOverloadAndNonsenseAreErrors(t *testing.T) {
	if _, err := erlang.SolveC(erlang.System{Agents: 10, Rate: 1, Handling: 10 * time.Second}); !errors.Is(err, erlang.ErrOverload) {
		t.Error(err)
	}
	for _, s := range []erlang.System{
		{}, {Agents: 1, Rate: math.NaN(), Handling: 1}, {Agents: 1, Rate: 1}, {Agents: 1, Rate: 1, Handling: 1, Patience: -1},
	} {
		if _, err := erlang.SolveA(s); !errors.Is(err, erlang.ErrInvalid) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func TestPositionDelayOfTheWorkedExample(t *testing.T) {
	p := erlang.Position{Ahead: 3, Servers: 4, Handling: 300 * time.Second}
	near(t, "mean", p.Mean().Seconds(), 300, 1e-6)
	p.Patience = 600 * time.Second
	near(t, "mean with patience", p.Mean().Seconds(), 75+200./3+60+600./11, 1e-6)
}

// One step is exponential; without patience k steps are Erlang distributed.
func TestQuantilesOfThePositionDelay(t *testing.T) {
	one := erlang.Position{Servers: 2, Handling: 100 * time.Second}
	near(t, "median of one step", one.Quantile(0.5).Seconds(), 50*math.Ln2, 0.01)
	one.Patience = time.Minute // nobody is ahead who could give up
	near(t, "the same with patience", one.Quantile(0.9).Seconds(), 50*math.Log(10), 0.01)
	many := erlang.Position{Ahead: 399, Servers: 1, Handling: time.Second}
	near(t, "median of 400 steps", many.Quantile(0.5).Seconds(), 399.667, 0.01)
	almost := many
	almost.Patience = 1_000_000 * time.Hour
	near(t, "and with endless patience in the limit", almost.Quantile(0.9).Seconds(), many.Quantile(0.9).Seconds(), 0.05)
	for _, q := range []float64{0.1, 0.5, 0.9, 0.99} {
		p := erlang.Position{Ahead: 20, Servers: 3, Handling: 4 * time.Minute, Patience: 5 * time.Minute}
		near(t, "distribution at its quantile", p.Below(p.Quantile(q)), q, 1e-4)
	}
}
