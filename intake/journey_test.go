package intake

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/call/calltest"
)

// scenario is a call through every stage, second by second:
//
//	0-1   recording notice     1-2   menu, "1" at 1.5
//	1.5   waits, music         1.5-4.5 the phone rings
//	4.5   talk                 10-20 the agent holds
//	30    the caller hangs up
type scenario struct {
	r *rig
	c *calltest.Caller
}

const scenarioEnd = 30 * time.Second

func (s *scenario) begin() {
	s.c = s.r.sw.Dial("+4930123", "1000")
	at := func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	at(1500*time.Millisecond, func() { s.c.Press("1") })
	at(10*time.Second, s.r.phone.Hold)
	at(20*time.Second, s.r.phone.Unhold)
	at(scenarioEnd, s.c.Hangup)
}

// figures is what an auditor would ask of a call.
type figures struct {
	Outcome          call.Outcome
	Wait, Hold, Talk time.Duration
	Entries, Talks   int
	Agent            call.AgentID
	Recorded         bool
}

func figuresOf(r call.Record) figures {
	f := figures{
		Outcome: r.Outcome, Wait: r.Wait(r.Ended), Hold: r.Hold(r.Ended), Talk: r.Talk(r.Ended),
		Entries: len(r.Entries), Talks: len(r.Talks),
	}
	if f.Talks > 0 {
		f.Agent, f.Recorded = r.Talks[0].Agent, r.Talks[0].Recording != ""
	}
	return f
}

func undisturbed() figures {
	return figures{
		Outcome: call.OutcomeAnswered, Wait: 3 * time.Second, Hold: 10 * time.Second, Talk: 25500 * time.Millisecond,
		Entries: 1, Talks: 1, Agent: "ana", Recorded: true,
	}
}

func TestCallGoesFromMenuToTalkAndIsAccountedFor(t *testing.T) {
	bubble(t, func(r *rig) {
		s := &scenario{r: r}
		s.begin()
		time.Sleep(2 * time.Second)
		if got := s.c.Hears(); got != "music:default" {
			t.Errorf("waiting caller hears %q", got)
		}
		time.Sleep(3 * time.Second)
		if got := s.c.Hears(); got != "talk" {
			t.Errorf("connected caller hears %q", got)
		}
		time.Sleep(6 * time.Second)
		if got := s.c.Hears(); got != "music:default" {
			t.Errorf("held caller hears %q", got)
		}
		time.Sleep(scenarioEnd)
		rec := r.only()
		if d := cmp.Diff(undisturbed(), figuresOf(rec)); d != "" {
			t.Error(d)
		}
		wantHeard := []call.Media{"prompt:en/recording-notice", "prompt:en/menu-main", "music:default"}
		if d := cmp.Diff(wantHeard, s.c.Heard()); d != "" {
			t.Error(d)
		}
		if rec.Ticket != "T-100001" || rec.Path[1].Digits != "1" {
			t.Errorf("ticket %s, path %+v", rec.Ticket, rec.Path)
		}
	})
}

func TestTicketIsDurableBeforeAnythingIsSentToTheCaller(t *testing.T) {
	bubble(t, func(r *rig) {
		r.journal.Break(errors.New("disk full"))
		c := r.sw.Dial("+4930123", "1000")
		synctest.Wait()
		if cause, ended := c.Ended(); !ended || len(c.Heard()) > 0 {
			t.Errorf("ended %v (%v), heard %v", ended, cause, c.Heard())
		}
		if n := len(r.journal.Records()); n != 0 {
			t.Errorf("%d calls in the journal", n)
		}
		r.journal.Break(nil)
	})
}

func TestCallerHangsUpInEveryStage(t *testing.T) {
	for after := 125 * time.Millisecond; after <= scenarioEnd; after += 250 * time.Millisecond {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			bubble(t, func(r *rig) {
				s := &scenario{r: r}
				s.begin()
				time.Sleep(after)
				s.c.Hangup()
				time.Sleep(scenarioEnd)
				got, want := figuresOf(r.only()), cutAt(after)
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
				if r.phone.Ringing() || r.phone.Talking() {
					t.Error("a ghost call rings at the agent's phone")
				}
			})
		})
	}
}

// cutAt is what a call that ends at an instant of the scenario must say.
func cutAt(after time.Duration) figures {
	const queued, answered, hold, unhold = 1500 * time.Millisecond, 4500 * time.Millisecond, 10 * time.Second, 20 * time.Second
	switch {
	case after < queued:
		return figures{Outcome: call.OutcomeEndedInFlow}
	case after < answered:
		return figures{Outcome: call.OutcomeAbandonedShort, Wait: after - queued, Entries: 1}
	}
	return figures{
		Outcome: call.OutcomeAnswered, Wait: 3 * time.Second, Talk: after - answered,
		Hold:    min(max(after-hold, 0), unhold-hold),
		Entries: 1, Talks: 1, Agent: "ana", Recorded: true,
	}
}

func TestAnswerAtTheInstantOfTheHangUpIsOneOrTheOther(t *testing.T) {
	for range 50 {
		bubble(t, func(r *rig) {
			s := &scenario{r: r}
			s.begin()
			time.Sleep(4500 * time.Millisecond)
			s.c.Hangup()
			time.Sleep(scenarioEnd)
			got := figuresOf(r.only())
			got.Recorded, got.Agent, got.Talks = false, "", 0
			answered := figures{Outcome: call.OutcomeAnswered, Wait: 3 * time.Second, Entries: 1}
			left := figures{Outcome: call.OutcomeAbandonedShort, Wait: 3 * time.Second, Entries: 1}
			if got != answered && got != left {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestProcessDroppedInEveryStageAdoptsAndFinishes(t *testing.T) {
	for after := 125 * time.Millisecond; after <= scenarioEnd; after += 250 * time.Millisecond {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			bubble(t, func(r *rig) {
				s := &scenario{r: r}
				s.begin()
				time.Sleep(after)
				r.drop()
				r.start()
				time.Sleep(2 * scenarioEnd)
				want := undisturbed()
				if again := after - 500*time.Millisecond; again > 0 && after < time.Second {
					want.Talk -= again // the notice plays again from its start, past the key
				}
				if ringing := after - 1500*time.Millisecond; ringing > 0 && ringing < 3*time.Second {
					// The offer died with the process: the phone rings again, the wait goes on.
					want.Wait += ringing
					want.Talk -= ringing
				}
				if d := cmp.Diff(want, figuresOf(r.only())); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

func TestCallsThatDidNotSurviveAreClosedAtTheLastSignOfLife(t *testing.T) {
	for after := 125 * time.Millisecond; after < scenarioEnd; after += 500 * time.Millisecond {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			bubble(t, func(r *rig) {
				s := &scenario{r: r}
				s.begin()
				time.Sleep(after)
				r.drop()
				s.c.Hangup() // nobody is there to see it
				r.phone.Hangup()
				time.Sleep(5 * time.Second)
				r.start()
				rec := r.only()
				want := cutAt(after)
				if want.Entries == 0 || want.Talks == 0 {
					want.Outcome = call.OutcomeSystemFailed
				}
				if d := cmp.Diff(want, figuresOf(rec)); d != "" {
					t.Error(d)
				}
				if !rec.Restored || (rec.Lost != nil) != (want.Entries == 1 && want.Talks == 0) {
					t.Errorf("restored %v, lost %+v", rec.Restored, rec.Lost)
				}
				for id := range r.records.all() {
					r.records.done[id] = true // recordings.Recover's work
				}
			})
		})
	}
}

func TestSameInviteAfterACrashJoinsItsTicket(t *testing.T) {
	bubble(t, func(r *rig) {
		first := r.sw.DialAs(call.Call{Origin: "abc;tag1", From: call.Party{Number: "1"}, To: call.Party{Number: "1000"}})
		time.Sleep(100 * time.Millisecond)
		r.drop()
		first.Hangup()
		r.start()
		second := r.sw.DialAs(call.Call{Origin: "abc;tag1", From: call.Party{Number: "1"}, To: call.Party{Number: "1000"}})
		time.Sleep(time.Second)
		second.Hangup()
		time.Sleep(time.Second)
		recs := r.journal.Records()
		if len(recs) != 2 || recs[0].Ticket != recs[1].Ticket {
			t.Errorf("%+v", recs)
		}
	})
}

func TestNoticeIsHeardBeforeTheRecordingBegins(t *testing.T) {
	bubble(t, func(r *rig) {
		r.phone.AnswersAfter(100 * time.Millisecond) // while the notice still plays
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(5 * time.Second)
		c.Hangup()
		time.Sleep(time.Second)
		var order []string
		for _, e := range r.journal.Events() {
			switch e.Body.(type) {
			case call.Noticed, call.RecordingStarted, call.QueueJoined:
				order = append(order, e.Body.Type())
			}
		}
		if d := cmp.Diff([]string{"queue.joined", "call.noticed", "recording.started"}, order); d != "" {
			t.Error(d)
		}
	})
}

func TestPausedRecordingResumesByItself(t *testing.T) {
	bubble(t, func(r *rig) {
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		if err := r.desk.PauseRecording(r.t.Context(), c.Call.ID, "ana"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute)
		c.Hangup()
		time.Sleep(time.Second)
		var by []string
		for _, e := range r.journal.Events() {
			switch b := e.Body.(type) {
			case call.RecordingPaused:
				by = append(by, "paused "+b.By)
			case call.RecordingResumed:
				by = append(by, "resumed "+b.By)
			}
		}
		if !slices.Equal(by, []string{"paused ana", "resumed limit"}) {
			t.Error(by)
		}
		if err := r.desk.PauseRecording(r.t.Context(), c.Call.ID, "ana"); !errors.Is(err, ErrNotTalking) {
			t.Errorf("after the call: %v", err)
		}
	})
}
