package erlang

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrInvalid means that a system is none: no arrivals, no handling time, or no
// agent.
var ErrInvalid = errors.New("erlang: not valid")

// ErrOverload means that an endlessly patient queue would grow without bound:
// the load is not below the number of agents.
var ErrOverload = errors.New("erlang: the load is not below the number of agents")

// System is one group of agents and what comes upon it.
type System struct {
	Agents   int
	Rate     float64       // arrivals per second
	Handling time.Duration // mean, wrap-up included
	Patience time.Duration // mean; 0 means endless
}

// Validate returns an error that matches ErrInvalid when s is no system.
func (s System) Validate() error {
	if s.Agents < 1 || s.Handling <= 0 || s.Patience < 0 || !(s.Rate > 0) || math.IsInf(s.Rate, 0) {
		return fmt.Errorf("%w: %d agents, %v calls a second of %v, patience %v", ErrInvalid, s.Agents, s.Rate, s.Handling, s.Patience)
	}
	return nil
}

// Load is the offered load in erlangs: arrivals within one handling time.
func (s System) Load() float64 { return s.Rate * s.Handling.Seconds() }

// Steady is a system in its steady state.
type Steady struct {
	Waits     float64       // probability that a caller has to wait at all
	Wait      time.Duration // mean over all callers, those who gave up too
	Answered  time.Duration // mean wait of the answered: the ASA
	Abandons  float64       // probability of giving up
	Occupancy float64       // share of the agents' time spent handling
	system    System
	theory    int       // erlangC or erlangA
	queued    []float64 // probability that all are busy and so many wait
}

const (
	erlangC = iota
	erlangA
)

// B is the probability that all of n lines are taken when a erlangs are offered
// and nobody waits (Erlang, 1917), by the recursion B(n) = a B(n-1) / (n + a B(n-1)).
func B(n int, a float64) float64 {
	b := 1.0
	for i := 1; i <= n; i++ {
		b = a * b / (float64(i) + a*b)
	}
	return b
}

// C is the probability of having to wait when a erlangs are offered to n agents
// and nobody gives up; 1 when a is not below n.
func C(n int, a float64) float64 {
	if a >= float64(n) {
		return 1
	}
	b := B(n, a)
	return b / (1 - a/float64(n)*(1-b))
}

// SolveC is the steady state with endless patience (M/M/n); s.Patience is not
// looked at. ErrOverload when there is none.
func SolveC(s System) (Steady, error) {
	s.Patience = 0
	if err := s.Validate(); err != nil {
		return Steady{}, err
	}
	a, n := s.Load(), float64(s.Agents)
	if a >= n {
		return Steady{}, fmt.Errorf("%w: %.2f erlangs, %d agents", ErrOverload, a, s.Agents)
	}
	pw := C(s.Agents, a)
	w := seconds(pw * s.Handling.Seconds() / (n - a))
	return Steady{Waits: pw, Wait: w, Answered: w, Occupancy: a / n, system: s, theory: erlangC}, nil
}

// SolveA is the steady state when patience is exponential (M/M/n+M, Palm 1946;
// after Mandelbaum and Zeltyn, "The Palm/Erlang-A Queue", 2005). It exists under
// any load. Endless patience is SolveC's.
func SolveA(s System) (Steady, error) {
	if err := s.Validate(); err != nil {
		return Steady{}, err
	}
	if s.Patience == 0 {
		return SolveC(s)
	}
	mu, theta, n := 1/s.Handling.Seconds(), 1/s.Patience.Seconds(), float64(s.Agents)
	waiting, below, err := s.weights()
	if err != nil {
		return Steady{}, err
	}
	var sum, queue float64
	for _, w := range waiting {
		sum += w
	}
	for k := range waiting {
		waiting[k] /= below + sum
		queue += float64(k) * waiting[k]
	}
	st := Steady{
		Waits: sum / (below + sum), Wait: seconds(queue / s.Rate), Abandons: theta * queue / s.Rate,
		system: s, theory: erlangA, queued: waiting,
	}
	st.Occupancy = s.Rate * (1 - st.Abandons) / (n * mu)
	st.Answered = seconds(st.waitOfAnswered())
	return st, nil
}

// mostStates is how long a queue is computed at most.
const mostStates = 5_000_000

// weights are how likely it is that all agents are busy and k callers wait, and how
// likely that an agent is free, relative to the likeliest k. They are computed as
// logarithms: in overload they grow beyond what a float holds.
func (s System) weights() (waiting []float64, below float64, err error) {
	mu, theta, n := 1/s.Handling.Seconds(), 1/s.Patience.Seconds(), float64(s.Agents)
	const negligible = -50 // against the likeliest
	log, most := 0.0, 0.0
	for k := 0; ; {
		waiting = append(waiting, log)
		k++
		out := n*mu + float64(k)*theta
		log += math.Log(s.Rate / out)
		most = max(most, log)
		if log < most+negligible && s.Rate < out {
			break
		}
		if k == mostStates {
			return nil, 0, fmt.Errorf("%w: more than %d callers would wait", ErrInvalid, mostStates)
		}
	}
	for k := range waiting {
		waiting[k] = math.Exp(waiting[k] - most)
	}
	return waiting, (1/B(s.Agents, s.Load()) - 1) * math.Exp(-most), nil
}

// waitOfAnswered is the mean wait in seconds of those who are answered.
func (st Steady) waitOfAnswered() float64 {
	s := st.system
	mu, theta, n := 1/s.Handling.Seconds(), 1/s.Patience.Seconds(), float64(s.Agents)
	// Behind k others one is answered with probability nμ/(nμ+(k+1)θ), after
	// k+1 steps of which each is shortened by one's own patience.
	var answered, waited, steps float64
	for k, p := range st.queued {
		steps += 1 / (n*mu + float64(k+1)*theta)
		is := n * mu / (n*mu + float64(k+1)*theta)
		answered += p * is
		waited += p * is * steps
	}
	if all := answered + 1 - st.Waits; all > 0 {
		return waited / all
	}
	return 0
}

// Within is the share of all callers who are answered within t.
func (st Steady) Within(t time.Duration) float64 {
	s := st.system
	mu, n := 1/s.Handling.Seconds(), float64(s.Agents)
	if st.theory == erlangC {
		return 1 - st.Waits*math.Exp(-(n-s.Load())*mu*t.Seconds())
	}
	theta := 1 / s.Patience.Seconds()
	c, x := n*mu/theta, -math.Expm1(-theta*t.Seconds())
	share := 1 - st.Waits
	for k, p := range st.queued {
		if p < 1e-15 {
			continue // together less than what is computed of the others
		}
		share += p * c / (c + float64(k) + 1) * beta(float64(k)+1, c+1, x)
	}
	return share
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
