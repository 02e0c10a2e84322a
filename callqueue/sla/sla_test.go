package sla_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue/sla"
)

// story writes calls into a ledger.
type story struct {
	tb     testing.TB
	l      *sla.Ledger
	began  time.Time
	global int64
	n      int
}

func newStory(tb testing.TB, cfg sla.Config) *story {
	return &story{tb: tb, l: sla.New(cfg), began: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
}

func (s *story) event(at time.Duration, id call.ID, b call.Body) {
	s.tb.Helper()
	s.global++
	ev := call.CallEvent(s.began.Add(at), id, b)
	ev.Global = s.global
	if err := s.l.Apply(ev); err != nil {
		s.tb.Fatal(err)
	}
}

var target = call.Target{Within: 20 * time.Second, Percent: 80, ShortAbandon: 5 * time.Second}

// join is a new call that waits since at.
func (s *story) join(at time.Duration, test bool) call.ID {
	s.tb.Helper()
	s.n++
	id := call.ID(fmt.Sprint("c", s.n))
	s.event(at, id, call.Arrived{Test: test})
	s.event(at, id, call.QueueJoined{Entry: id.Entry(1), Queue: "q", Joined: s.began.Add(at), Target: target})
	return id
}

// left is a call with one wait and one outcome.
func (s *story) left(at, wait time.Duration, out call.Outcome) call.ID {
	s.tb.Helper()
	id := s.join(at, false)
	s.event(at+wait, id, call.QueueLeft{Entry: id.Entry(1), Queue: "q", Outcome: out, Wait: wait})
	return id
}

// day is the report over everything, as known an hour later.
func (s *story) day() sla.Report {
	s.tb.Helper()
	r := s.l.Report(s.began.Add(time.Hour), s.began, s.began.Add(24*time.Hour))
	if len(r) != 1 {
		s.tb.Fatalf("%d reports", len(r))
	}
	return r[0]
}

// The data set for which six products state six service levels; ours is the one
// without short abandons (84 of 110).
func TestServiceLevelOfTheWorkedDataSet(t *testing.T) {
	s := newStory(t, sla.Config{})
	for range 84 {
		s.left(0, 20*time.Second, call.OutcomeAnswered) // at the target is within it
	}
	for range 16 {
		s.left(0, 20*time.Second+1000, call.OutcomeAnswered)
	}
	for range 5 {
		s.left(0, 4*time.Second, call.OutcomeAbandonedShort)
	}
	for range 4 {
		s.left(0, 10*time.Second, call.OutcomeAbandoned)
	}
	for range 6 {
		s.left(0, 30*time.Second, call.OutcomeAbandoned)
	}
	for range 3 {
		s.left(0, 15*time.Second, call.OutcomeCallbackTaken)
	}
	for range 2 {
		s.left(0, 60*time.Second, call.OutcomeTimeoutOverflow)
	}
	got := s.day()
	if got.ServiceLevel == nil || math.Abs(*got.ServiceLevel-76.3636) > 0.0001 {
		t.Errorf("service level %v, want 76.36", got.ServiceLevel)
	}
	if want := "answered within 20s / (answered + abandoned after 5s)"; got.Formula != want {
		t.Errorf("formula %q, want %q", got.Formula, want)
	}
	if got.Offered != 120 || got.Answered != 100 || got.AnsweredWithin != 84 || got.AbandonedShort != 5 ||
		got.Abandoned != 10 || got.Other != 5 || got.Waiting != 0 || got.LongestWait != time.Minute {
		t.Errorf("%+v", got)
	}
	if want := (5*4 + 4*10 + 6*30) * time.Second / 15; *got.AbandonWait != want {
		t.Errorf("mean wait of abandons %v, want %v", *got.AbandonWait, want)
	}
	if want := 20*time.Second + 160; *got.ASA != want {
		t.Errorf("ASA %v, want %v", *got.ASA, want)
	}
}

func TestServiceLevelOfNobodyIsNull(t *testing.T) {
	s := newStory(t, sla.Config{})
	s.left(0, time.Second, call.OutcomeAbandonedShort)
	if got := s.day(); got.ServiceLevel != nil || got.LevelWithHold != nil || got.ASA != nil || got.AbandonWait == nil {
		t.Errorf("%+v", got)
	}
}

func TestTestCallsAreInNoFigure(t *testing.T) {
	s := newStory(t, sla.Config{})
	s.left(0, time.Second, call.OutcomeAnswered)
	id := s.join(0, true)
	s.event(time.Minute, id, call.QueueLeft{Entry: id.Entry(1), Queue: "q", Outcome: call.OutcomeAbandoned, Wait: time.Minute})
	if got := s.day(); got.Offered != 1 || got.LongestWait != time.Second {
		t.Errorf("%+v", got)
	}
}

func TestHoldCountsOnceAndAgainstTheTargetWithTheWait(t *testing.T) {
	s := newStory(t, sla.Config{})
	id := s.left(0, 15*time.Second, call.OutcomeAnswered)
	at := func(sec int, b call.Body) { s.event(time.Duration(sec)*time.Second, id, b) }
	at(15, call.Connected{Agent: "ada"})
	at(20, call.Held{By: call.SideAgent})
	at(22, call.Held{By: call.SideCaller}) // both at once
	at(23, call.Unheld{By: call.SideAgent})
	at(25, call.Unheld{By: call.SideCaller})
	at(30, call.Held{By: call.SideAgent})
	live := s.l.Lines("q", s.began.Add(31*time.Second), s.began, s.began.Add(time.Hour))
	at(33, call.Parted{Agent: "ada"})
	at(33, call.Ended{Outcome: call.OutcomeAnswered})

	want := []sla.Line{{
		Entry: id.Entry(1), Joined: s.began, Outcome: call.OutcomeAnswered, Wait: 15 * time.Second,
		Hold: 6 * time.Second, Target: target, Within: true, Both: false,
	}}
	if d := cmp.Diff(want, live); d != "" {
		t.Error("while on hold:", d)
	}
	got := s.day()
	if got.Hold != 8*time.Second || got.AnsweredWithin != 1 || got.HoldWithin != 0 || *got.ServiceLevel != 100 || *got.LevelWithHold != 0 {
		t.Errorf("%+v", got)
	}
}

func TestWhoWaitsCountsUntilNow(t *testing.T) {
	s := newStory(t, sla.Config{})
	s.join(0, false)
	got := s.day()
	if got.Waiting != 1 || got.WaitingBeyond != 1 || got.LongestWait != time.Hour || got.Offered != 1 {
		t.Errorf("%+v", got)
	}
}

// A call that kept its place over a restart joined when its wait began.
func TestWindowsGoByTheInstantOfJoining(t *testing.T) {
	s := newStory(t, sla.Config{})
	s.left(29*time.Minute, 2*time.Minute, call.OutcomeAnswered)
	s.left(30*time.Minute, time.Minute, call.OutcomeAnswered)
	s.event(31*time.Minute, "old", call.Arrived{})
	s.event(31*time.Minute, "old", call.QueueJoined{Entry: "old.q1", Queue: "q", Joined: s.began, Target: target})
	half := s.began.Add(30 * time.Minute)
	now := s.began.Add(time.Hour)
	first, last := s.l.Report(now, s.began, half)[0], s.l.Report(now, half, now)[0]
	if first.Offered != 2 || first.Waiting != 1 || last.Offered != 1 || last.Answered != 1 {
		t.Errorf("first half: %+v\nlast half: %+v", first, last)
	}
}

func TestContradictionsAreRefusedAndChangeNothing(t *testing.T) {
	s := newStory(t, sla.Config{})
	s.left(0, time.Second, call.OutcomeAnswered)
	s.join(0, false)
	before := s.day()
	for _, b := range []call.Body{
		call.QueueJoined{Entry: "c2.q2", Queue: "q"},
		call.QueueLeft{Entry: "c2.q9", Queue: "q", Outcome: call.OutcomeAnswered},
		call.Ended{},
	} {
		if err := s.l.Apply(call.CallEvent(s.began, "c2", b)); !errors.Is(err, sla.ErrOutOfOrder) {
			t.Errorf("%T: %v", b, err)
		}
	}
	if err := s.l.Apply(call.CallEvent(s.began, "c1", call.QueueLeft{Entry: "c1.q1", Queue: "q"})); !errors.Is(err, sla.ErrOutOfOrder) {
		t.Errorf("left twice: %v", err)
	}
	if d := cmp.Diff(before, s.day()); d != "" {
		t.Error(d)
	}
}

func TestEventsThatComeAgainAreCountedOnce(t *testing.T) {
	s := newStory(t, sla.Config{})
	s.join(0, false)
	s.global -= 2
	s.n--
	s.join(0, false)
	if got := s.day(); got.Offered != 1 {
		t.Errorf("%d offered", got.Offered)
	}
}

func TestMemoryIsBoundedAndSaysSo(t *testing.T) {
	for name, cfg := range map[string]sla.Config{"by number": {Max: 50}, "by age": {Keep: 49 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, cfg)
			s.join(0, false) // waits through it all
			for i := range 1000 {
				s.left(time.Duration(i)*time.Second, time.Second, call.OutcomeAnswered)
			}
			if err := s.l.Balanced(); err != nil {
				t.Error(err)
			}
			now := s.began.Add(time.Hour)
			all := s.l.Report(now, s.began, now)[0]
			if all.Complete || all.Waiting != 1 || all.Offered > 52 || all.Offered < 50 {
				t.Errorf("%+v", all)
			}
			recent := s.l.Report(now, s.began.Add(960*time.Second), now)[0]
			if !recent.Complete || recent.Offered != 40 {
				t.Errorf("%+v", recent)
			}
		})
	}
}

func TestJournalReadFromTheMiddle(t *testing.T) {
	began := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s := newStory(t, sla.Config{Since: began})
	s.event(0, "old", call.QueueLeft{Entry: "old.q1", Queue: "q", Outcome: call.OutcomeAnswered})
	s.left(0, time.Second, call.OutcomeAnswered)
	if r := s.l.Report(began, began.Add(-time.Hour), began.Add(time.Hour))[0]; r.Complete || r.Offered != 1 {
		t.Errorf("%+v", r)
	}
	if r := s.day(); !r.Complete {
		t.Errorf("%+v", r)
	}
}

func TestOutcomesAndWaitingAddUpToOfferedInEveryWindow(t *testing.T) {
	outcomes := []call.Outcome{
		call.OutcomeAnswered, call.OutcomeAbandonedShort, call.OutcomeAbandoned, call.OutcomeTimeoutOverflow,
		call.OutcomeExitKey, call.OutcomeMoved, call.OutcomeSystemFailed, "",
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := newStory(t, sla.Config{Max: rapid.IntRange(1, 60).Draw(rt, "max")})
		n := rapid.IntRange(0, 80).Draw(rt, "calls")
		for range n {
			at := time.Duration(rapid.IntRange(0, 3600).Draw(rt, "at")) * time.Second
			wait := time.Duration(rapid.IntRange(0, 100).Draw(rt, "wait")) * time.Second
			if out := rapid.SampledFrom(outcomes).Draw(rt, "outcome"); out != "" {
				s.left(at, wait, out)
			} else {
				s.join(at, false)
			}
			if err := s.l.Balanced(); err != nil {
				rt.Fatal(err)
			}
		}
		cut := s.began.Add(time.Duration(rapid.IntRange(0, 3600).Draw(rt, "cut")) * time.Second)
		end := s.began.Add(2 * time.Hour)
		sum := func(from, to time.Time) (n int, wait time.Duration) {
			for _, r := range s.l.Report(end, from, to) {
				left := 0
				for _, k := range r.Outcomes {
					left += k
				}
				if left+r.Waiting != r.Offered || r.Answered+r.AbandonedShort+r.Abandoned+r.Other != left {
					rt.Fatalf("does not add up: %+v", r)
				}
				if got := len(s.l.Lines(r.Queue, end, from, to)); got != r.Offered {
					rt.Fatalf("%d lines, %d offered", got, r.Offered)
				}
				n, wait = n+r.Offered, wait+r.Wait
			}
			return n, wait
		}
		n1, w1 := sum(s.began, cut)
		n2, w2 := sum(cut, end)
		if all, wait := sum(s.began, end); all != n1+n2 || wait != w1+w2 {
			rt.Fatalf("%d and %d make %d; %v and %v make %v", n1, n2, all, w1, w2, wait)
		}
	})
}
