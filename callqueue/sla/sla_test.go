package sla_test

import (
	"errors"
	"fmt"
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

// day is the figures over everything, as known an hour later.
func (s *story) day() sla.Figures {
	s.tb.Helper()
	f := s.between(s.began.Add(time.Hour), s.began, s.began.Add(24*time.Hour))
	if len(f) != 1 {
		s.tb.Fatalf("figures of %d queues", len(f))
	}
	return f[0]
}

func (s *story) between(now, from, to time.Time) []sla.Figures {
	s.tb.Helper()
	f, err := s.l.Figures(sla.Span{Now: now, From: from, To: to})
	if err != nil {
		s.tb.Fatal(err)
	}
	return f
}

// ours is the service level that is meant where only one is stated.
func ours(f sla.Figures) float64 { return *f.Level(sla.LevelOurs).Percent }

func TestServiceLevelOfShortAbandonsAloneIsNull(t *testing.T) {
	s := newStory(t, sla.Config{})
	s.left(0, time.Second, call.OutcomeAbandonedShort)
	got := s.day()
	if got.Level(sla.LevelOurs).Percent != nil || got.Level(sla.LevelWithHold).Percent != nil || got.ASA != nil || *got.AbandonWait != time.Second {
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
	live := s.between(s.began.Add(31*time.Second), s.began, s.began.Add(time.Hour))[0]
	at(33, call.Parted{Agent: "ada"})
	at(33, call.Ended{Outcome: call.OutcomeAnswered})

	if live.Held != 6*time.Second || ours(live) != 100 || *live.Level(sla.LevelWithHold).Percent != 0 {
		t.Errorf("while on hold: %+v", live)
	}
	got := s.day()
	if got.Held != 8*time.Second || ours(got) != 100 || *got.Level(sla.LevelWithHold).Percent != 0 || got.Level(sla.LevelWithHold).Whole != 1 {
		t.Errorf("%+v", got)
	}
	id = s.left(0, 15*time.Second, call.OutcomeAnswered)
	at(15, call.Connected{Agent: "ada"})
	at(20, call.Held{By: call.SideAgent})
	at(25, call.Unheld{By: call.SideAgent}) // 15 s and 5 s are at the target, and within
	if got := s.day(); *got.Level(sla.LevelWithHold).Percent != 50 {
		t.Errorf("%+v", got)
	}
}

func TestWhoWaitsCountsUntilNow(t *testing.T) {
	s := newStory(t, sla.Config{})
	s.join(0, false)
	got := s.day()
	if got.Waiting != 1 || got.Beyond != 1 || got.LongestWait != time.Hour || got.Offered != 1 {
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
	first, last := s.between(now, s.began, half)[0], s.between(now, half, now)[0]
	if first.Offered != 2 || first.Waiting != 1 || last.Offered != 1 || last.Outcomes[call.OutcomeAnswered] != 1 {
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
		call.QueueLeft{Entry: "c2.q1", Queue: "q"},
		call.QueueLeft{Entry: "c2.q1", Queue: "q", Outcome: call.OutcomeClosed},
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
			now := s.began.Add(time.Hour)
			all := s.between(now, s.began, now)[0]
			if all.Complete || all.Waiting != 1 || all.Offered > 52 || all.Offered < 50 || all.Outcomes[call.OutcomeAnswered] != all.Offered-1 {
				t.Errorf("%+v", all)
			}
			recent := s.between(now, s.began.Add(960*time.Second), now)[0]
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
	s.event(time.Second, "old", call.Ended{Outcome: call.OutcomeAnswered})
	s.left(0, time.Second, call.OutcomeAnswered)
	if r := s.between(began, began.Add(-time.Hour), began.Add(time.Hour))[0]; r.Complete || r.Offered != 1 {
		t.Errorf("%+v", r)
	}
	if r := s.day(); !r.Complete {
		t.Errorf("%+v", r)
	}
}

// Counted beside the ledger, outcome by outcome: what it does not keep it says.
func TestOutcomesAndWaitingAddUpToOfferedInEveryWindow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStory(t, sla.Config{Max: rapid.IntRange(1, 120).Draw(rt, "max")})
		type told struct {
			at  time.Duration
			out call.Outcome
		}
		var all []told
		for range rapid.IntRange(0, 80).Draw(rt, "calls") {
			x := told{time.Duration(rapid.IntRange(0, 3600).Draw(rt, "at")) * time.Second, rapid.SampledFrom(outcomes).Draw(rt, "outcome")}
			all = append(all, x)
			if x.out == "" {
				s.join(x.at, false)
			} else {
				s.left(x.at, time.Duration(rapid.IntRange(0, 100).Draw(rt, "wait"))*time.Second, x.out)
			}
		}
		cut := time.Duration(rapid.IntRange(1, 3600).Draw(rt, "cut")) * time.Second
		for _, w := range [][2]time.Duration{{0, cut}, {cut, 2 * time.Hour}, {0, 2 * time.Hour}} {
			want := make(map[call.Outcome]int)
			for _, x := range all {
				if x.at >= w[0] && x.at < w[1] {
					want[x.out]++
				}
			}
			for _, f := range s.between(s.began.Add(2*time.Hour), s.began.Add(w[0]), s.began.Add(w[1])) {
				left := 0
				for out, n := range f.Outcomes {
					if left += n; n > want[out] || f.Complete && n != want[out] {
						rt.Fatalf("%d left as %s, %d really: %+v", n, out, want[out], f)
					}
				}
				if left+f.Waiting != f.Offered || f.Waiting != want[""] { // who waits is kept, however old
					rt.Fatalf("%d left and %d of %d wait, that is not %d", left, f.Waiting, want[""], f.Offered)
				}
			}
		}
	})
}
