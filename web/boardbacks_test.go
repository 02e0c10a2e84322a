package web

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
)

func TestWhoIsToBeCalledBackStandsApartFromWhoIsOnTheLine(t *testing.T) {
	s := newScene(t)
	at := noon.Add(-10 * time.Minute)
	asked := func(id call.CallbackID, joined time.Time, test bool) {
		s.add(call.CallbackEvent(joined, id, call.CallbackAsked{Queue: "q", Joined: joined, Test: test}))
	}
	taker := s.joins(at)
	s.leaves(taker, at.Add(time.Minute), time.Minute, call.OutcomeCallbackTaken)
	asked("one", at, false)
	asked("two", at.Add(time.Minute), false)
	asked("three", at.Add(2*time.Minute), true)
	try := call.NewID(noon)
	s.add(call.CallEvent(noon.Add(-time.Minute), try, call.Arrived{Ticket: "T-1", Out: true}))
	s.add(call.CallEvent(noon.Add(-time.Minute), try, call.QueueJoined{Entry: try.Entry(1), Queue: "q", Joined: at, Callback: "one"}))
	v := s.View(noon)
	q := v.Queues[0]
	got := []any{q.Waiting, q.LongestSince, v.Totals.Waiting, q.OfferedToday, q.CallbacksOpen, q.CallbacksTaken, q.CallbacksReached, v.Totals.CallbacksSince, v.Calls[0].Callback}
	want := []any{0, (*time.Time)(nil), 0, 1, 2, 2, 0, &at, true}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	s.add(call.CallEvent(noon, try, call.QueueLeft{Entry: try.Entry(1), Queue: "q", Outcome: call.OutcomeAnswered, Wait: noon.Sub(at)}))
	s.add(call.CallEvent(noon, try, call.Connected{Agent: "ana"}))
	s.add(call.CallbackEvent(noon, "one", call.CallbackClosed{End: call.CallbackReached, Call: try}))
	s.add(call.CallbackEvent(noon, "two", call.CallbackClosed{End: call.CallbackExpired}))
	v = s.View(noon)
	q = v.Queues[0]
	got = []any{q.OfferedToday, q.AnsweredToday, q.CallbacksOpen, q.CallbacksTaken, q.CallbacksReached, v.Totals.CallbacksReached, q.ServiceLevelToday}
	if d := cmp.Diff([]any{1, 0, 0, 2, 1, 1, (*float64)(nil)}, got); d != "" {
		t.Error(d)
	}
}
