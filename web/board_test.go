package web

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// scene folds events of one call after another onto a board.
type scene struct {
	t *testing.T
	*Board
	seq int64
}

func newScene(t *testing.T) *scene {
	b := NewBoard(time.UTC)
	b.SetQueues([]QueueRule{{ID: "q", Name: "Desk", Target: call.Target{Within: 20 * time.Second, Percent: 80}, Need: call.Requirement{Skills: map[string]int{"vpn": 3}}}})
	return &scene{t: t, Board: b}
}

func (s *scene) add(e call.Event) {
	s.t.Helper()
	s.seq++
	e.Global = s.seq
	if err := s.Apply(e); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) joins(at time.Time) call.ID {
	id := call.NewID(at)
	s.add(call.CallEvent(at, id, call.Arrived{Ticket: "T-1", From: call.Party{Number: "+4930123456"}}))
	s.add(call.CallEvent(at, id, call.QueueJoined{Entry: id.Entry(1), Queue: "q", Joined: at, Target: call.Target{Within: 20 * time.Second, Percent: 80}}))
	return id
}

func (s *scene) leaves(id call.ID, at time.Time, wait time.Duration, o call.Outcome) {
	s.add(call.CallEvent(at, id, call.QueueLeft{Entry: id.Entry(1), Queue: "q", Outcome: o, Wait: wait}))
	s.add(call.CallEvent(at, id, call.Ended{Outcome: o}))
}

func TestServiceLevelCountsByTheMinuteOfJoiningAndLeavesShortAbandonsOut(t *testing.T) {
	s := newScene(t)
	entry := func(ago, wait time.Duration, o call.Outcome) {
		at := noon.Add(-ago)
		s.leaves(s.joins(at), at.Add(wait), wait, o)
	}
	entry(3*time.Hour, 5*time.Second, call.OutcomeAnswered)
	entry(13*time.Hour, 5*time.Second, call.OutcomeAnswered) // yesterday
	entry(10*time.Minute, 20*time.Second, call.OutcomeAnswered)
	entry(10*time.Minute, 21*time.Second, call.OutcomeAnswered)
	entry(9*time.Minute, time.Minute, call.OutcomeAbandoned)
	entry(8*time.Minute, 2*time.Second, call.OutcomeAbandonedShort)
	entry(7*time.Minute, 5*time.Minute, call.OutcomeTimeoutOverflow)
	q := s.View(noon).Queues[0]
	third := 100.0 / 3
	got := []any{*q.ServiceLevel30m, *q.ServiceLevelToday, q.OfferedToday, q.AnsweredToday, q.AbandonedToday, q.ShortToday, q.OtherToday}
	if diff := cmp.Diff([]any{third, 50.0, 6, 3, 1, 1, 1}, got); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	later := s.View(noon.Add(13 * time.Hour))
	if later.Queues[0].ServiceLevelToday != nil || later.Totals.ServiceLevel30m != nil {
		t.Error("a service level of nothing must be null")
	}
}

func TestLongestWaitIsTheEarliestJoinThatStillWaits(t *testing.T) {
	s := newScene(t)
	first := s.joins(noon.Add(-time.Minute))
	s.joins(noon.Add(-30 * time.Second))
	if v := s.View(noon); v.Queues[0].Waiting != 2 || !v.Totals.LongestSince.Equal(noon.Add(-time.Minute)) {
		t.Errorf("waiting %d, longest since %v", v.Queues[0].Waiting, v.Totals.LongestSince)
	}
	s.leaves(first, noon, time.Minute, call.OutcomeAbandoned)
	if v := s.View(noon); v.Queues[0].Waiting != 1 || !v.Totals.LongestSince.Equal(noon.Add(-30*time.Second)) {
		t.Errorf("waiting %d, longest since %v", v.Queues[0].Waiting, v.Totals.LongestSince)
	}
}

func TestCallShowsWhereItStands(t *testing.T) {
	s := newScene(t)
	at := noon
	id := call.NewID(at)
	offer := id.Entry(1).Offer(1)
	for _, step := range []struct {
		body  call.Body
		state CallState
		since time.Duration // from the arrival
	}{
		{call.Arrived{Ticket: "T-1"}, CallInFlow, 0},
		{call.StageEntered{Stage: "flow"}, CallInFlow, 1 * time.Second},
		{call.QueueJoined{Entry: id.Entry(1), Queue: "q", Joined: noon.Add(2 * time.Second)}, CallWaiting, 2 * time.Second},
		{call.Offered{Offer: offer, Agent: "ana"}, CallRinging, 3 * time.Second},
		{call.OfferEnded{Offer: offer, Agent: "ana", Result: call.OfferMissed}, CallWaiting, 2 * time.Second},
		{call.QueueLeft{Entry: id.Entry(1), Queue: "q", Outcome: call.OutcomeAnswered, Wait: 3 * time.Second}, CallInFlow, 1 * time.Second},
		{call.Connected{Agent: "ana"}, CallTalking, 6 * time.Second},
		{call.Held{By: call.SideAgent}, CallOnHold, 7 * time.Second},
		{call.Unheld{By: call.SideAgent}, CallTalking, 6 * time.Second},
	} {
		s.add(call.CallEvent(at, id, step.body))
		c := s.View(at).Calls[0]
		if c.State != step.state || !c.Since.Equal(noon.Add(step.since)) {
			t.Errorf("after %s: %s since %v, want %s since %v", step.body.Type(), c.State, c.Since.Sub(noon), step.state, step.since)
		}
		at = at.Add(time.Second)
	}
	s.add(call.CallEvent(at, id, call.Parted{Agent: "ana", By: call.SideCaller}))
	s.add(call.CallEvent(at, id, call.Ended{Outcome: call.OutcomeAnswered}))
	if v := s.View(at); len(v.Calls) != 0 {
		t.Errorf("an ended call stays on the board: %+v", v.Calls)
	}
}

func TestAgentsCountForTheQueuesTheyQualifyFor(t *testing.T) {
	s := newScene(t)
	hire := func(id call.AgentID, vpn int, p call.Presence, a call.Activity) {
		s.add(call.AgentEvent(noon, id, call.AgentSet{Name: string(id), Level: 1, Skills: map[string]int{"vpn": vpn}}))
		s.add(call.AgentEvent(noon, id, call.PresenceChanged{Presence: p, Reason: "lunch"}))
		s.add(call.AgentEvent(noon, id, call.ActivityChanged{Activity: a}))
	}
	hire("free", 3, call.Available, call.Idle)
	hire("novice", 1, call.Available, call.Idle)
	hire("lunch", 5, call.OnBreak, call.Idle)
	hire("deaf", 5, call.Available, call.PhoneGone)
	hire("last-call", 5, call.Finishing, call.Talking)
	hire("away", 5, call.LoggedOut, call.PhoneGone)
	v := s.View(noon)
	if diff := cmp.Diff(AgentCounts{Available: 1, Talking: 1, Break: 1, Unreachable: 1, Offline: 1}, v.Queues[0].Agents); diff != "" {
		t.Errorf("queue (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(AgentCounts{Available: 2, Talking: 1, Break: 1, Unreachable: 1, Offline: 1}, v.Totals.Agents); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
}

func TestBoardIsTheSameWhenEventsComeTwice(t *testing.T) {
	s := newScene(t)
	id := s.joins(noon)
	e := call.CallEvent(noon, id, call.QueueLeft{Entry: id.Entry(1), Queue: "q", Outcome: call.OutcomeAnswered, Wait: time.Second})
	s.add(e)
	before := s.View(noon)
	e.Global = s.seq
	if err := s.Apply(e); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, s.View(noon)); diff != "" {
		t.Errorf("board (-once +twice):\n%s", diff)
	}
}

func TestCallsBegunBeforeTheBoardCountAndTestCallsDoNot(t *testing.T) {
	s := newScene(t)
	early := call.NewID(noon) // in the flow since before
	s.add(call.CallEvent(noon, early, call.QueueJoined{Entry: early.Entry(1), Queue: "q", Joined: noon, Target: call.Target{Within: 20 * time.Second}}))
	s.leaves(early, noon, time.Second, call.OutcomeAnswered)
	drill := call.NewID(noon)
	s.add(call.CallEvent(noon, drill, call.Arrived{Ticket: "T-2", Test: true}))
	s.add(call.CallEvent(noon, drill, call.QueueJoined{Entry: drill.Entry(1), Queue: "q", Joined: noon}))
	s.leaves(drill, noon, time.Second, call.OutcomeAnswered)
	v := s.View(noon)
	if v.Queues[0].AnsweredToday != 1 || len(v.Calls) != 0 {
		t.Errorf("answered %d, calls %v; want 1 and none", v.Queues[0].AnsweredToday, v.Calls)
	}
}

func TestAQueueThatTheCentreNoLongerHasIsShownWhileItsCallsCount(t *testing.T) {
	s := newScene(t)
	s.leaves(s.joins(noon.Add(11*time.Hour+50*time.Minute)), noon.Add(11*time.Hour+51*time.Minute), time.Minute, call.OutcomeAbandoned)
	s.SetQueues(nil)
	midnight := noon.Add(12 * time.Hour)
	for after, want := range map[time.Duration]int{-5 * time.Minute: 1, 5 * time.Minute: 1, 25 * time.Minute: 0} {
		if got := len(s.View(midnight.Add(after)).Queues); got != want {
			t.Errorf("%v after midnight %d queues, want %d", after, got, want)
		}
	}
}

func TestNumbersAreMasked(t *testing.T) {
	for in, want := range map[string]string{"": "", "7": "…7", "201": "…1", "2001": "…001", "+4930123456": "…456"} {
		if got := maskNumber(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// One tick of the board at the size that an instance is built for.
func BenchmarkTickWith5000CallsAnd2000AgentsAnd100000CallsToday(b *testing.B) {
	l := newTestLive()
	l.queues = fixedQueues{{ID: "q0"}, {ID: "q1"}, {ID: "q2"}, {ID: "q3"}, {ID: "q4"}, {ID: "q5"}, {ID: "q6"}, {ID: "q7"}}
	var evs []call.Event
	for n := range 100_000 { // who called today and is gone
		at := noon.Add(-12*time.Hour + time.Duration(n)*400*time.Millisecond)
		id := call.NewID(at)
		q := call.QueueID(fmt.Sprint("q", n%8))
		evs = append(evs, call.CallEvent(at, id, call.Arrived{Ticket: "T-1"}), call.CallEvent(at, id, call.QueueJoined{Entry: id.Entry(1), Queue: q, Joined: at}),
			call.CallEvent(at, id, call.QueueLeft{Entry: id.Entry(1), Queue: q, Outcome: call.OutcomeAnswered, Wait: time.Second}),
			call.CallEvent(at, id, call.Ended{Outcome: call.OutcomeAnswered}))
	}
	for n := range 5000 {
		id := call.NewID(noon)
		evs = append(evs, call.CallEvent(noon, id, call.Arrived{Ticket: "T-1"}),
			call.CallEvent(noon, id, call.QueueJoined{Entry: id.Entry(1), Queue: call.QueueID(fmt.Sprint("q", n%8)), Joined: noon}))
	}
	for n := range 2000 {
		id := call.AgentID(fmt.Sprint(n))
		evs = append(evs, call.AgentEvent(noon, id, call.AgentSet{Name: "A", Level: 1, Skills: map[string]int{"vpn": 1, "mail": 2}}),
			call.AgentEvent(noon, id, call.PresenceChanged{Presence: call.Available}))
	}
	for i := range evs {
		evs[i].Global = int64(i + 1)
	}
	l.apply(evs)
	r := l.join(staff, "a", noon)
	<-r.frames
	global := int64(len(evs))
	for b.Loop() {
		global++
		l.apply([]call.Event{arrival(global, noon)})
		l.publishOnce(noon, false)
		<-r.frames
	}
}
