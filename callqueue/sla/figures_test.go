package sla_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue/sla"
)

// whole is the figures over everything, as known an hour later.
func (s *story) whole(every time.Duration, byClient bool) []sla.Figures {
	s.tb.Helper()
	f, err := s.l.Figures(sla.Span{
		Now: s.began.Add(time.Hour), From: s.began, To: s.began.Add(2 * time.Hour), Every: sla.Every{Length: every}, ByClient: byClient,
	})
	if err != nil {
		s.tb.Fatal(err)
	}
	return f
}

// One day, six answers, 14 points apart.
func TestSixServiceLevelsOfTheWorkedDataSet(t *testing.T) {
	s := newStory(t, sla.Config{})
	for _, c := range []struct {
		n    int
		wait time.Duration
		out  call.Outcome
	}{
		{84, 20 * time.Second, call.OutcomeAnswered},
		{16, 21 * time.Second, call.OutcomeAnswered},
		{5, 4 * time.Second, call.OutcomeAbandonedShort},
		{4, 10 * time.Second, call.OutcomeAbandoned},
		{6, 30 * time.Second, call.OutcomeAbandoned},
		{3, 15 * time.Second, call.OutcomeCallbackTaken},
		{2, 60 * time.Second, call.OutcomeTimeoutOverflow},
	} {
		for range c.n {
			s.left(0, c.wait, c.out)
		}
	}
	f := s.whole(0, false)[0]
	for _, want := range []struct {
		name        string
		part, whole int
		percent     float64
	}{
		{sla.LevelAnswered, 84, 100, 84.00},
		{sla.LevelQuickAbandons, 93, 115, 80.87},
		{sla.LevelAsterisk, 93, 117, 79.49},
		{sla.LevelAllAbandons, 84, 115, 73.04},
		{sla.LevelOurs, 84, 110, 76.36},
		{sla.LevelFlowOuts, 84, 120, 70.00},
		{sla.LevelLateAbandons, 84, 106, 79.25},
		{sla.LevelWithHold, 84, 110, 76.36}, // nobody was on hold
	} {
		got := f.Level(want.name)
		if got.Part != want.part || got.Whole != want.whole || got.Percent == nil ||
			math.Abs(*got.Percent-want.percent) > 0.005 || got.Formula == "" {
			t.Errorf("%s: %d of %d, want %d of %d (%v %%)", want.name, got.Part, got.Whole, want.part, want.whole, want.percent)
		}
	}
	if len(f.Levels) != 8 {
		t.Errorf("%d levels", len(f.Levels))
	}
	if d := cmp.Diff(&sla.Rate{Percent: 100 * 10. / 115, Part: 10, Whole: 115, Formula: f.Abandonment.Formula}, f.Abandonment); d != "" {
		t.Error(d)
	}
	if f.AbandonAll.Part != 15 || f.AbandonAll.Whole != 120 || *f.GivenUpAt != 30*time.Second || f.LongestWait != time.Minute {
		t.Errorf("%+v", f)
	}
	if want := (84*20 + 16*21) * time.Second / 100; *f.ASA != want {
		t.Errorf("ASA %v, want %v", *f.ASA, want)
	}
	if want := (84*20 + 16*21 + 5*4 + 4*10 + 6*30 + 3*15 + 2*60) * time.Second / 120; *f.Wait != want {
		t.Errorf("wait of all %v, want %v", *f.Wait, want)
	}
}

func TestNoFigureOfNobody(t *testing.T) {
	s := newStory(t, sla.Config{})
	s.left(70*time.Minute, time.Second, call.OutcomeAnswered)
	f := s.whole(time.Hour, false)
	if len(f) != 2 || f[0].Offered != 0 || f[1].Offered != 1 {
		t.Fatalf("%+v", f)
	}
	for _, l := range f[0].Levels {
		if l.Percent != nil {
			t.Errorf("%s of nobody is %v", l.Name, *l.Percent)
		}
	}
	if f[0].ASA != nil || f[0].Wait != nil || f[0].AHT != nil || f[0].Abandonment != nil || f[0].GivenUpAt != nil {
		t.Errorf("%+v", f[0])
	}
}

// A talk of 60 s of which 10 s on hold, and 25 s of wrap-up that was extended once.
func TestHandlingTimeIsTalkHoldAndWrapUp(t *testing.T) {
	s := newStory(t, sla.Config{})
	id := s.join(0, false)
	at := func(sec int) time.Duration { return time.Duration(sec) * time.Second }
	s.event(at(5), id, call.QueueLeft{Entry: id.Entry(1), Queue: "q", Outcome: call.OutcomeAnswered, Wait: at(5)})
	s.agent(at(5), "ada", call.ActivityChanged{Activity: call.Talking, Call: id})
	s.event(at(5), id, call.Connected{Agent: "ada"})
	s.event(at(20), id, call.Held{By: call.SideAgent})
	s.agent(at(20), "ada", call.ActivityChanged{Activity: call.Holding, Call: id})
	s.event(at(30), id, call.Unheld{By: call.SideAgent})
	s.agent(at(30), "ada", call.ActivityChanged{Activity: call.Talking, Call: id})
	if f := s.whole(0, false)[0]; f.Handled != 0 || f.AHT != nil {
		t.Errorf("counted while it lasts: %+v", f)
	}
	s.event(at(65), id, call.Parted{Agent: "ada", By: call.SideCaller})
	s.event(at(65), id, call.Ended{Outcome: call.OutcomeAnswered})
	s.agent(at(65), "ada", call.ActivityChanged{Activity: call.WrapUp, Call: id})
	s.agent(at(80), "ada", call.ActivityChanged{Activity: call.WrapUp, Call: id})
	if f := s.whole(0, false)[0]; f.Handled != 0 {
		t.Errorf("counted while it is wrapped up: %+v", f)
	}
	s.agent(at(90), "ada", call.ActivityChanged{Activity: call.Idle})
	s.agent(at(95), "ada", call.ActivityChanged{Activity: call.Offering, Call: "other"})
	f := s.whole(0, false)[0]
	if f.Handled != 1 || *f.Talk != at(50) || *f.Hold != at(10) || *f.WrapUp != at(25) || *f.AHT != at(85) {
		t.Errorf("talk %v, hold %v, wrap-up %v, AHT %v", *f.Talk, *f.Hold, *f.WrapUp, *f.AHT)
	}
}

// The agent wraps up for whom they talked to last, which may be nobody of a queue.
func TestWrapUpOfACallThatCameFromNoQueueIsNobodys(t *testing.T) {
	s := newStory(t, sla.Config{})
	at := func(sec int) time.Duration { return time.Duration(sec) * time.Second }
	id := s.left(0, at(5), call.OutcomeAnswered)
	s.agent(at(5), "ada", call.ActivityChanged{Activity: call.Talking, Call: id})
	s.event(at(5), id, call.Connected{Agent: "ada"})
	s.event(at(20), id, call.Parted{Agent: "ada", By: call.SideCaller})
	s.agent(at(20), "ada", call.ActivityChanged{Activity: call.Talking, Call: "handed over"})
	s.agent(at(40), "ada", call.ActivityChanged{Activity: call.WrapUp, Call: "handed over"})
	s.agent(at(70), "ada", call.ActivityChanged{Activity: call.Idle})
	if f := s.whole(0, false)[0]; f.Handled != 1 || *f.AHT != at(15) || *f.WrapUp != 0 {
		t.Errorf("AHT %v, of it wrap-up %v", *f.AHT, *f.WrapUp)
	}
}

// A call that is sent from a talk into a queue again has left the talk.
func TestHoldEndsWhenTheCallerJoinsAnotherQueue(t *testing.T) {
	s := newStory(t, sla.Config{})
	at := func(sec int) time.Duration { return time.Duration(sec) * time.Second }
	id := s.left(0, at(5), call.OutcomeAnswered)
	s.event(at(5), id, call.Connected{Agent: "ada"})
	s.event(at(10), id, call.Held{By: call.SideAgent})
	s.event(at(20), id, call.QueueJoined{Entry: id.Entry(2), Queue: "q", Joined: s.began.Add(at(20)), Target: target})
	s.event(at(60), id, call.QueueLeft{Entry: id.Entry(2), Queue: "q", Outcome: call.OutcomeAbandoned, Wait: at(40)})
	f := s.whole(0, false)[0]
	if f.Held != at(10) || f.Handled != 1 || *f.Hold != at(10) || *f.Talk != at(5) {
		t.Errorf("held %v, %d handled with %v on hold", f.Held, f.Handled, f.Hold)
	}
}

func TestClientsAreToldApartByTheNumberDialled(t *testing.T) {
	s := newStory(t, sla.Config{Client: func(a call.Arrived) string { return map[string]string{"1": "acme"}[a.To.Number] }})
	for i, number := range []string{"1", "2", "1"} {
		id := call.ID(fmt.Sprint("n", i))
		s.event(0, id, call.Arrived{To: call.Party{Number: number}})
		s.event(0, id, call.QueueJoined{Entry: id.Entry(1), Queue: "q", Joined: s.began, Target: target})
	}
	f := s.whole(0, true)
	if len(f) != 2 || f[0].Client != "" || f[0].Offered != 1 || f[1].Client != "acme" || f[1].Offered != 2 {
		t.Errorf("%+v", f)
	}
}

func (s *story) agent(at time.Duration, id call.AgentID, b call.Body) {
	s.tb.Helper()
	s.global++
	ev := call.AgentEvent(s.began.Add(at), id, b)
	ev.Global = s.global
	if err := s.l.Apply(ev); err != nil {
		s.tb.Fatal(err)
	}
}

var day = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestAgentTimeIsSplitByWhatItWasSpentOn(t *testing.T) {
	s := sla.NewStaff(0)
	for _, e := range []struct {
		sec int
		b   call.Body
	}{
		{0, call.PresenceChanged{Presence: call.Available}},
		{10, call.ActivityChanged{Activity: call.Offering}},
		{15, call.ActivityChanged{Activity: call.Talking}},
		{40, call.PresenceChanged{Presence: call.OnBreak, Reason: "lunch"}}, // takes effect after the talk
		{45, call.ActivityChanged{Activity: call.Holding}},
		{50, call.ActivityChanged{Activity: call.WrapUp}},
		{60, call.ActivityChanged{Activity: call.Idle}},
		{80, call.PresenceChanged{Presence: call.Available}},
		{85, call.ActivityChanged{Activity: call.PhoneGone}},
		{95, call.PresenceChanged{Presence: call.LoggedOut}},
	} {
		s.Apply(call.AgentEvent(day.Add(time.Duration(e.sec)*time.Second), "ada", e.b))
	}
	f, err := s.Figures(sla.Span{Now: day.Add(time.Hour), From: day, To: day.Add(time.Minute * 2), Every: sla.Every{Length: time.Minute}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sec := func(n int) time.Duration { return time.Duration(n) * time.Second }
	first := map[sla.State]time.Duration{
		sla.StateReady: sec(10), sla.StateOffered: sec(5), sla.StateTalking: sec(30), sla.StateHolding: sec(5), sla.StateWrapUp: sec(10),
	}
	second := map[sla.State]time.Duration{sla.StateBreak: sec(20), sla.StateReady: sec(5), sla.StateUnreachable: sec(10)}
	if d := cmp.Diff([]map[sla.State]time.Duration{first, second}, []map[sla.State]time.Duration{f[0].States, f[1].States}); d != "" {
		t.Error(d)
	}
	if f[0].Staffed != sec(60) || f[1].Staffed != sec(35) || f[1].Breaks["lunch"] != sec(20) || f[1].Agents != 1 {
		t.Errorf("%+v", f)
	}
	if *f[0].Occupancy != 75 || *f[1].Occupancy != 0 {
		t.Errorf("occupancy %v and %v", *f[0].Occupancy, *f[1].Occupancy)
	}
	nobody, _ := s.Figures(sla.Span{Now: day, From: day, To: day.Add(time.Hour)}, func(call.AgentID) bool { return false })
	if nobody[0].Staffed != 0 || nobody[0].Occupancy != nil {
		t.Errorf("%+v", nobody)
	}
}

func TestAgentStateSecondsAddUpToStaffedSeconds(t *testing.T) {
	presences := []call.Presence{call.LoggedOut, call.Available, call.OnBreak, call.Finishing}
	activities := []call.Activity{call.Idle, call.Offering, call.Talking, call.Holding, call.WrapUp, call.Outbound, call.PhoneGone}
	rapid.Check(t, func(rt *rapid.T) {
		s := sla.NewStaff(0)
		at := day
		var staffed time.Duration // second by second, the plain way
		presence := call.LoggedOut
		for range rapid.IntRange(0, 200).Draw(rt, "events") {
			step := time.Duration(rapid.IntRange(0, 90).Draw(rt, "step")) * time.Second
			if presence != call.LoggedOut {
				staffed += step
			}
			at = at.Add(step)
			if rapid.Bool().Draw(rt, "presence or activity") {
				presence = rapid.SampledFrom(presences).Draw(rt, "presence")
				s.Apply(call.AgentEvent(at, "ada", call.PresenceChanged{Presence: presence}))
			} else {
				activity := rapid.SampledFrom(activities).Draw(rt, "activity")
				s.Apply(call.AgentEvent(at, "ada", call.ActivityChanged{Activity: activity}))
			}
		}
		span := sla.Span{Now: at, From: day, To: at.Add(time.Hour), Every: sla.Every{Length: time.Duration(rapid.IntRange(7, 5000).Draw(rt, "every")) * time.Second}}
		fs, err := s.Figures(span, nil)
		if err != nil {
			rt.Fatal(err)
		}
		var sum, all time.Duration
		for _, f := range fs {
			all += f.Staffed
			for _, d := range f.States {
				sum += d
			}
		}
		if sum != all || all != staffed {
			rt.Fatalf("states add up to %v, intervals to %v, staffed %v", sum, all, staffed)
		}
	})
}

// outcomes are all in which an entry ends; the last waits.
var outcomes = append(call.EntryOutcomes(), "")

func TestFiguresAddUpOverIntervals(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStory(t, sla.Config{})
		n := rapid.IntRange(1, 80).Draw(rt, "calls")
		for range n {
			at := time.Duration(rapid.IntRange(0, 3600).Draw(rt, "at")) * time.Second
			if out := rapid.SampledFrom(outcomes).Draw(rt, "outcome"); out == "" {
				s.join(at, false)
			} else {
				s.left(at, time.Duration(rapid.IntRange(0, 100).Draw(rt, "wait"))*time.Second, out)
			}
		}
		every := time.Duration(rapid.IntRange(1, 8000).Draw(rt, "every")) * time.Second
		sum := make(map[string][2]int)
		offered := 0
		for _, f := range s.whole(every, false) {
			left := 0
			for _, k := range f.Outcomes {
				left += k
			}
			if left+f.Waiting != f.Offered {
				rt.Fatalf("%d left and %d waiting of %d", left, f.Waiting, f.Offered)
			}
			offered += f.Offered
			for _, l := range f.Levels {
				if l.Part > l.Whole || l.Whole > left {
					rt.Fatalf("%s: %d of %d of %d", l.Name, l.Part, l.Whole, left)
				}
				was := sum[l.Name]
				sum[l.Name] = [2]int{was[0] + l.Part, was[1] + l.Whole}
			}
		}
		if offered != n {
			rt.Fatalf("%d of %d", offered, n)
		}
		for _, l := range s.whole(0, false)[0].Levels {
			if sum[l.Name] != [2]int{l.Part, l.Whole} {
				rt.Fatalf("%s: %v by interval, %d of %d in all", l.Name, sum[l.Name], l.Part, l.Whole)
			}
		}
	})
}
