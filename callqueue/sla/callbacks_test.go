package sla_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue/sla"
)

func (s *story) callback(at time.Duration, id call.CallbackID, b call.Body) {
	s.tb.Helper()
	s.global++
	ev := call.CallbackEvent(s.began.Add(at), id, b)
	ev.Global = s.global
	if err := s.l.Apply(ev); err != nil {
		s.tb.Fatal(err)
	}
}

// tried is a try of a callback for which an agent was found after a minute: reached
// says that the customer was there too.
func (s *story) tried(at time.Duration, id call.ID, of call.CallbackID, reached bool) {
	s.tb.Helper()
	s.event(at, id, call.Arrived{Out: true})
	s.callback(at, of, call.CallbackTried{Attempt: 1, Call: id})
	s.event(at, id, call.QueueJoined{Entry: id.Entry(1), Queue: "q", Joined: s.began, Target: target, Callback: of})
	at += time.Minute
	s.event(at, id, call.QueueLeft{Entry: id.Entry(1), Queue: "q", Outcome: call.OutcomeAnswered, Agent: "ada", Wait: at})
	s.agent(at, "ada", call.ActivityChanged{Activity: call.Talking, Call: id})
	if reached {
		s.event(at, id, call.Connected{Agent: "ada"})
		s.callback(at, of, call.CallbackClosed{End: call.CallbackReached, Call: id})
		at += 30 * time.Second
		s.event(at, id, call.Parted{Agent: "ada"})
	}
	s.event(at, id, call.Ended{})
	s.agent(at, "ada", call.ActivityChanged{Activity: call.Idle})
}

func TestACallbackIsCountedAsTakenOnceAndItsTriesAreNoCallers(t *testing.T) {
	s := newStory(t, sla.Config{Client: func(a call.Arrived) string { return a.To.Number }})
	s.left(0, 10*time.Second, call.OutcomeAnswered)
	for _, id := range []call.CallbackID{"reached", "unreachable", "open"} {
		c := s.left(0, 30*time.Second, call.OutcomeCallbackTaken)
		s.callback(30*time.Second, id, call.CallbackAsked{Call: c, Queue: "q", Joined: s.began, Line: call.Party{Number: "acme"}})
	}
	s.callback(30*time.Second, "of a test", call.CallbackAsked{Queue: "q", Joined: s.began, Test: true})
	before := s.day()
	s.tried(5*time.Minute, "t1", "unreachable", false)
	s.callback(6*time.Minute, "unreachable", call.CallbackClosed{End: call.CallbackUnreachable})
	s.tried(10*time.Minute, "t2", "reached", true)
	after := s.day()
	want := sla.Callbacks{
		Asked: 3, Open: 1, Tries: 2, Ends: map[call.CallbackEnd]int{call.CallbackReached: 1, call.CallbackUnreachable: 1},
		Wait: new(11 * time.Minute), Longest: 11 * time.Minute,
	}
	if d := cmp.Diff(want, after.Callbacks); d != "" {
		t.Error(d)
	}
	if after.Handled != 1 || *after.AHT != 30*time.Second {
		t.Errorf("%d handled, %v on average: the talk of the callback is work", after.Handled, after.AHT)
	}
	after.Callbacks, after.Handled, after.AHT, after.Talk, after.Hold, after.WrapUp = before.Callbacks, 0, nil, nil, nil, nil
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("tries to call back changed the callers' figures: %s", d)
	}
	clients, err := s.l.Figures(sla.Span{Now: s.began.Add(time.Hour), From: s.began, To: s.began.Add(time.Hour), ByClient: true})
	if err != nil || len(clients) != 2 || clients[1].Client != "acme" || clients[1].Callbacks.Asked != 3 || clients[1].Offered != 0 {
		t.Errorf("by client: %v, %+v", err, clients)
	}
}
