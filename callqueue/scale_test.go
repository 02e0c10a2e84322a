package callqueue_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

// The size that the engine is built for: 10,000 agents of 500 profiles, 200
// skills with a queue each, three steps per queue. All agents talk but those
// whom a decision is about.
const (
	scaleAgents   = 10_000
	scaleProfiles = 500
	scaleSkills   = 200
)

// The floors, on one core, with as many callers waiting.
const (
	floorMedian = 50 * time.Microsecond
	floorP99    = 500 * time.Microsecond
	floorAt     = 10_000
)

// BenchmarkScale measures single decisions by callers who wait, and prints them as
// a table beside their floors. They should not grow with the callers. What is
// measured is the process's CPU time, with the collector's share: on one core it is
// how long a decision takes, and other programs on the machine are not in it. The
// last decision has no floor: its cost is paid once for each requirement.
func BenchmarkScale(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var rows []timing
	for _, decision := range []struct {
		name  string
		floor bool
		once  func(*scale) timed
	}{
		{"call arrives", true, (*scale).arrival},
		{"agent becomes free", true, (*scale).free},
		{"step expires", true, (*scale).expiry},
		{"first of its kind", false, (*scale).novelty},
	} {
		for _, callers := range []int{100, 1_000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d waiting", decision.name, callers), func(b *testing.B) {
				s := newScale(b, callers)
				t := s.measure(b, decision.once)
				t.decision, t.callers, t.floor = decision.name, callers, decision.floor && callers == floorAt
				rows = append(rows, t)
			})
		}
	}
	printTimings(rows)
}

// timed is one decision.
type timed struct {
	took   time.Duration
	allocs uint64 // when they are counted
}

// timing is what many of them took.
type timing struct {
	decision    string
	callers     int
	floor       bool // holds here
	median, p99 time.Duration
	allocs      float64 // for each
}

// measure times decisions until the benchmark has enough, and counts the
// allocations of some more, which costs too much time to do both at once.
func (s *scale) measure(b *testing.B, once func(*scale) timed) (t timing) {
	for range 2 * scaleAgents / 7 { // every requirement and profile has been seen
		once(s)
	}
	var took []time.Duration
	for b.Loop() {
		took = append(took, once(s).took)
	}
	slices.Sort(took)
	t.median, t.p99 = took[len(took)/2], took[len(took)*99/100]
	const counted = 500
	s.counts = true
	for range counted {
		t.allocs += float64(once(s).allocs) / counted
	}
	b.ReportMetric(float64(t.median.Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(t.p99.Nanoseconds())/1e3, "p99-µs")
	b.ReportMetric(t.allocs, "allocs/decision")
	b.ReportMetric(0, "ns/op") // of the whole round, which is not what is asked
	return t
}

func printTimings(rows []timing) {
	const format = "| %-18s | %9s | %9s | %8s | %-4s | %9s | %8s | %-4s | %11s |\n"
	fmt.Printf("\n%d agents of %d profiles, %d skills, one core\n", scaleAgents, scaleProfiles, scaleSkills)
	fmt.Printf(format, "decision", "waiting", "median", "floor", "", "p99", "floor", "", "allocations")
	fmt.Println("| --- | ---: | ---: | ---: | --- | ---: | ---: | --- | ---: |")
	micro := func(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d.Nanoseconds())/1e3) }
	for _, r := range rows {
		floors := [4]string{}
		if r.floor {
			floors = [4]string{micro(floorMedian), verdict(r.median, floorMedian), micro(floorP99), verdict(r.p99, floorP99)}
		}
		fmt.Printf(format, r.decision, fmt.Sprint(r.callers), micro(r.median), floors[0], floors[1], micro(r.p99), floors[2], floors[3], fmt.Sprintf("%.1f", r.allocs))
	}
	fmt.Println()
}

func verdict(value, floor time.Duration) string {
	if value > floor {
		return "MISS"
	}
	return "PASS"
}

type scale struct {
	*crowd
	talks  []call.ID // by agent
	counts bool      // allocations, in place of time
}

func (s *scale) queue(i int) call.QueueID { return call.QueueID(fmt.Sprint("q", i%scaleSkills)) }

func skillName(i int) string { return fmt.Sprint("s", i%scaleSkills) }

func newScale(tb testing.TB, callers int) *scale {
	s := &scale{crowd: &crowd{tb: tb, e: callqueue.NewEngine(), now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}}
	var queues []callqueue.Queue
	for i := range scaleSkills {
		queues = append(queues, callqueue.Queue{
			ID: s.queue(i), Need: call.Requirement{Skills: map[string]int{skillName(i): 2}},
			Steps: []callqueue.Step{
				{After: 30 * time.Second, Need: call.Requirement{Skills: map[string]int{skillName(i): 1}}},
				{After: time.Hour, Need: call.Requirement{Any: []call.Requirement{{Skills: map[string]int{skillName(i): 1}}, {Level: 2}}}},
			},
		})
	}
	s.apply(callqueue.SetQueues{Queues: queues})
	for i := range scaleAgents {
		id, p := s.agent(i), i%scaleProfiles
		s.apply(callqueue.AgentSet{Agent: agents.Agent{ID: id, Device: call.DeviceID(id), Level: 1 + p%10/9, Skills: map[string]int{
			skillName(p): 1 + p%3, skillName(p*7 + 3): 2, skillName(p*13 + 5): 3,
		}}})
		s.talks = append(s.talks, call.ID(fmt.Sprint("first", i)))
		s.apply(callqueue.TalkBegan{Agent: id, Call: s.talks[i]})
		s.apply(callqueue.PresenceSet{Agent: id, Presence: call.Available})
	}
	for range callers {
		s.arrive()
	}
	return s
}

func (s *scale) next() call.EntryID {
	s.n++
	return call.ID(fmt.Sprint("c", s.n)).Entry(1)
}

func (s *scale) arrive() {
	s.now = s.now.Add(time.Microsecond)
	x := s.next()
	s.apply(callqueue.Join{Entry: x, Queue: s.queue(s.n), Joined: s.now})
}

// decide applies an input whose cost is asked.
func (s *scale) decide(in callqueue.Input) ([]callqueue.Effect, timed) {
	if s.counts {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		fx := s.e.Apply(s.now, in)
		runtime.ReadMemStats(&after)
		return fx, timed{allocs: after.Mallocs - before.Mallocs}
	}
	began := cpuTime(s.tb)
	fx := s.e.Apply(s.now, in)
	return fx, timed{took: cpuTime(s.tb) - began}
}

// cpuTime is what the process has spent so far.
func cpuTime(tb testing.TB) time.Duration {
	var spent unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &spent); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(spent.Nano())
}

// arrival is a caller for whom nobody is free.
func (s *scale) arrival() timed {
	x := s.next()
	_, t := s.decide(callqueue.Join{Entry: x, Queue: s.queue(s.n), Joined: s.now})
	s.apply(callqueue.Leave{Entry: x, Outcome: call.OutcomeWithdrawn})
	return t
}

// novelty is a caller who asks for what nobody has asked for before (or not for so
// long that it was let go): all profiles are held against it, once.
func (s *scale) novelty() timed {
	x := s.next()
	need := call.Requirement{Skills: map[string]int{skillName(s.n / scaleSkills): 1, skillName(s.n): 2}}
	_, t := s.decide(callqueue.Join{Entry: x, Queue: s.queue(0), Need: need, Joined: s.now})
	s.apply(callqueue.Leave{Entry: x, Outcome: call.OutcomeWithdrawn})
	return t
}

// expiry is a caller whose first step has lasted 30 s.
func (s *scale) expiry() timed {
	x := s.next()
	s.apply(callqueue.Join{Entry: x, Queue: s.queue(s.n), Joined: s.now.Add(-30*time.Second + time.Microsecond)})
	s.now = s.now.Add(time.Microsecond)
	_, t := s.decide(callqueue.Tick{})
	s.apply(callqueue.Leave{Entry: x, Outcome: call.OutcomeWithdrawn})
	return t
}

// free ends the talk of an agent, who gets a call and answers it; another caller
// arrives.
func (s *scale) free() timed {
	i := s.turn % scaleAgents
	s.turn += 7 // through the profiles
	s.now = s.now.Add(time.Microsecond)
	s.apply(callqueue.TalkEnded{Agent: s.agent(i), Call: s.talks[i], At: s.now})
	fx, t := s.decide(callqueue.WrapUpEnded{Agent: s.agent(i)})
	o := find[callqueue.Offer](fx)
	if len(o) == 0 { // few callers, and none of them for this agent
		s.apply(callqueue.TalkBegan{Agent: s.agent(i), Call: s.talks[i]})
		return t
	}
	s.apply(callqueue.OfferDone{Offer: o[0].ID, Result: call.OfferAnswered})
	s.talks[i] = o[0].Entry.Call()
	s.arrive()
	return t
}
