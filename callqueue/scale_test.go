package callqueue_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

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

// BenchmarkScale reports the median and the 99th percentile of single decisions,
// by callers who wait. They should not grow with the callers.
func BenchmarkScale(b *testing.B) {
	for _, callers := range []int{100, 1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("call arrives/%d waiting", callers), func(b *testing.B) {
			s := newScale(b, callers)
			s.measure(b, func() time.Duration {
				x := s.next()
				took := s.timed(callqueue.Join{Entry: x, Queue: s.queue(s.n), Joined: s.now})
				s.apply(callqueue.Leave{Entry: x, Outcome: call.OutcomeWithdrawn})
				return took
			})
		})
		b.Run(fmt.Sprintf("agent becomes free/%d waiting", callers), func(b *testing.B) {
			s := newScale(b, callers)
			s.measure(b, s.free)
		})
		b.Run(fmt.Sprintf("step expires/%d waiting", callers), func(b *testing.B) {
			s := newScale(b, callers)
			s.measure(b, func() time.Duration {
				x := s.next()
				s.apply(callqueue.Join{Entry: x, Queue: s.queue(s.n), Joined: s.now.Add(-30*time.Second + time.Microsecond)})
				s.now = s.now.Add(time.Microsecond)
				took := s.timed(callqueue.Tick{})
				s.apply(callqueue.Leave{Entry: x, Outcome: call.OutcomeWithdrawn})
				return took
			})
		})
	}
}

type scale struct {
	*crowd
	talks []call.ID // by agent
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

func (s *scale) timed(in callqueue.Input) time.Duration {
	began := time.Now()
	s.e.Apply(s.now, in)
	return time.Since(began)
}

// free ends the talk of an agent, who gets a call and answers it; another caller
// arrives.
func (s *scale) free() time.Duration {
	i := s.turn % scaleAgents
	s.turn += 7 // through the profiles
	s.now = s.now.Add(time.Microsecond)
	s.apply(callqueue.TalkEnded{Agent: s.agent(i), Call: s.talks[i], At: s.now})
	began := time.Now()
	fx := s.e.Apply(s.now, callqueue.WrapUpEnded{Agent: s.agent(i)})
	took := time.Since(began)
	o := find[callqueue.Offer](fx)
	if len(o) == 0 { // few callers, and none of them for this agent
		s.apply(callqueue.TalkBegan{Agent: s.agent(i), Call: s.talks[i]})
		return took
	}
	s.apply(callqueue.OfferDone{Offer: o[0].ID, Result: call.OfferAnswered})
	s.talks[i] = o[0].Entry.Call()
	s.arrive()
	return took
}

func (s *scale) measure(b *testing.B, decide func() time.Duration) {
	var took []time.Duration
	for b.Loop() {
		took = append(took, decide())
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
	b.ReportMetric(0, "ns/op") // of the whole round, which is not what is asked
}
