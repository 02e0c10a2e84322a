package intake

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/callqueue"
)

// handing is a rig with ana, who gets the call, ben beside her, and a second queue
// where nobody is before somebody is sent there.
func handing(t *testing.T, f func(r *rig, ben *calltest.Phone)) {
	t.Helper()
	tuned(t, func(c *Centre) {
		for id, q := range c.Queues {
			q.Tiers = map[call.AgentID]int{"ben": 2} // the first call is ana's
			c.Queues[id] = q
		}
		c.Queues["second"] = callqueue.Queue{ID: "second", Record: true, Need: call.Requirement{Level: 2}}.Defaults()
		c.Numbers["1010"] = Number{Queue: "second"}
	}, func(r *rig) {
		ben := r.sw.Phone("2002").AnswersAfter(3 * time.Second)
		r.hire("ben", "2002")
		f(r, ben)
	})
}

// talking is a call that ana talks in, five seconds after it came.
func talking(r *rig) (*calltest.Caller, call.ID) {
	r.t.Helper()
	c := r.sw.Dial("+4930123", "1009")
	time.Sleep(5 * time.Second)
	if !r.phone.Talking() {
		r.t.Fatal("ana does not talk")
	}
	return c, c.Call.ID
}

func (r *rig) transfer(id call.ID, to Target) {
	r.t.Helper()
	if err := r.desk.Transfer(r.t.Context(), id, to, "agent:ana"); err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
}

func TestACallIsHandedOnToAColleagueAndKeepsItsAge(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		c, id := talking(r)
		r.transfer(id, Target{Agent: "ben"})
		if c.Hears() != "music:default" || r.phone.Talking() || !ben.Ringing() {
			t.Errorf("the caller hears %q, ana talks %v, ben's phone rings %v", c.Hears(), r.phone.Talking(), ben.Ringing())
		}
		time.Sleep(5 * time.Second)
		if !ben.Talking() || c.Hears() != "talk" {
			t.Errorf("ben talks %v, the caller hears %q", ben.Talking(), c.Hears())
		}
		c.Hangup()
		time.Sleep(time.Second)
		rec := r.recordOf(id)
		if len(rec.Talks) != 2 || rec.Talks[1].Agent != "ben" || rec.Outcome != call.OutcomeAnswered || len(rec.Entries) != 2 {
			t.Fatalf("%+v", rec)
		}
		if x := rec.Entries[1]; !x.Only || !x.Arrived.Equal(rec.Entries[0].Joined) || x.Joined.Before(rec.Talks[0].Ended) {
			t.Errorf("the second entry %+v", x)
		}
		if sum := rec.Wait(rec.Ended) + rec.Talk(rec.Ended); rec.Ended.Sub(rec.Arrived)-sum > time.Second {
			t.Errorf("of %v, %v are accounted for", rec.Ended.Sub(rec.Arrived), sum)
		}
		if x := rec.Talks[0].Transfers; len(x) != 1 || x[0].To != "agent:ben" || x[0].By != "agent:ana" {
			t.Errorf("transfers %+v", x)
		}
	})
}

func TestACallThatNobodyAnswersComesBackToTheSenderWithin30s(t *testing.T) {
	for _, to := range []Target{{Agent: "ben"}, {Queue: "second"}, {Number: "+4940777"}} {
		t.Run(to.String(), func(t *testing.T) {
			handing(t, func(r *rig, ben *calltest.Phone) {
				ben.Ignores()
				far := r.sw.Phone(call.NumberDevice("+4940777")).Ignores()
				c, id := talking(r)
				r.transfer(id, to)
				sent := time.Now()
				if to.Number != "" && !far.Ringing() {
					t.Error("the number is not rung")
				}
				for !r.phone.Ringing() && time.Since(sent) < time.Minute {
					time.Sleep(100 * time.Millisecond)
				}
				synctest.Wait()
				if by := time.Since(sent); by < 29*time.Second || by > 30*time.Second+100*time.Millisecond {
					t.Errorf("ana's phone rings again after %v", by)
				}
				if ben.Ringing() || far.Ringing() || c.Hears() != "music:default" {
					t.Errorf("ben rings %v, the number %v, the caller hears %q", ben.Ringing(), far.Ringing(), c.Hears())
				}
				time.Sleep(5 * time.Second)
				if !r.phone.Talking() || c.Hears() != "talk" {
					t.Errorf("ana talks %v, the caller hears %q", r.phone.Talking(), c.Hears())
				}
				c.Hangup()
				time.Sleep(time.Second)
				if rec := r.recordOf(id); rec.Outcome != call.OutcomeAnswered || len(rec.Talks) != 2 || rec.Talks[1].Agent != "ana" {
					t.Errorf("%+v", rec)
				}
			})
		})
	}
}

func TestACallComesBackAtOnceFromWhoDeclinesIt(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		ben.Refuses(603)
		c, id := talking(r)
		r.transfer(id, Target{Agent: "ben"})
		if !r.phone.Ringing() {
			t.Error("ana's phone does not ring")
		}
		c.Hangup()
	})
}

func TestACallGoesBackToItsQueueWithItsAgeWhenTheSenderIsGone(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		ben.Ignores()
		says := func(id call.AgentID, p call.Presence) {
			if err := r.queue.SetPresence(r.t.Context(), id, p, "", "supervisor:sue"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		c, id := talking(r)
		r.transfer(id, Target{Agent: "ben"})
		says("ana", call.LoggedOut)
		later := r.sw.Dial("+4930999", "1009")
		time.Sleep(time.Second)
		says("ben", call.OnBreak)
		rec := r.journal.Record(id)
		last := rec.Entries[len(rec.Entries)-1]
		if len(rec.Entries) != 4 || last.Only || last.Queue != "service-desk" || !last.Arrived.Equal(rec.Entries[0].Joined) {
			t.Fatalf("entries %+v", rec.Entries)
		}
		ben.AnswersAfter(time.Second)
		says("ben", call.Available)
		time.Sleep(5 * time.Second)
		if c.Hears() != "talk" || later.Hears() == "talk" {
			t.Errorf("who came first hears %q, the other %q", c.Hears(), later.Hears())
		}
		c.Hangup()
		later.Hangup()
	})
}

func TestACallSentToAQueueStaysThereWhenTheSenderHasAnother(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		c, id := talking(r)
		r.transfer(id, Target{Queue: "second"})
		if err := r.queue.EndWrapUp(r.t.Context(), "ana"); err != nil {
			t.Fatal(err)
		}
		other := r.sw.Dial("+4930999", "1009")
		time.Sleep(time.Minute)
		rec := r.journal.Record(id)
		if w := rec.Waiting(); w == nil || w.Queue != "second" || w.Sender != "ana" {
			t.Errorf("waits in %+v", w)
		}
		c.Hangup()
		other.Hangup()
	})
}

func TestWhoCannotHaveACallIsSaidAtOnceAndTheTalkGoesOn(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		c, id := talking(r)
		if err := r.queue.SetPresence(r.t.Context(), "ben", call.OnBreak, "lunch", "self"); err != nil {
			t.Fatal(err)
		}
		for to, want := range map[Target]error{
			{Agent: "ben"}: ErrNobody, {Agent: "zoe"}: ErrNobody, {Agent: "ana"}: ErrNobody, {Queue: "third"}: ErrNobody, {Number: "+1900"}: ErrMayNotCall,
		} {
			if err := r.desk.Transfer(r.t.Context(), id, to, "agent:ana"); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", to, err, want)
			}
		}
		r.phone.Refer("2002")
		r.phone.Refer("001900123")
		synctest.Wait()
		if c.Hears() != "talk" {
			t.Errorf("the caller hears %q", c.Hears())
		}
		c.Hangup()
		time.Sleep(time.Second)
		if x := r.recordOf(id).Talks[0].Transfers; len(x) != 7 {
			t.Errorf("transfers %+v", x)
		}
	})
}

func TestAPhoneHandsOnToAColleaguesPhoneAndToANumberThatPolicyAllows(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		far := r.sw.Phone(call.NumberDevice("+4940777"))
		c, id := talking(r)
		r.phone.Refer("2002")
		time.Sleep(5 * time.Second)
		if !ben.Talking() {
			t.Fatal("ben does not talk")
		}
		ben.Refer("004940777")
		time.Sleep(5 * time.Second)
		if !far.Talking() || c.Hears() != "talk" {
			t.Fatalf("the number talks %v, the caller hears %q", far.Talking(), c.Hears())
		}
		far.Refer("1009") // nobody of ours
		synctest.Wait()
		if !far.Talking() {
			t.Error("somebody outside has handed the caller on")
		}
		far.Hangup()
		time.Sleep(time.Second)
		rec := r.recordOf(id)
		if len(rec.Talks) != 3 || rec.Talks[2].Number != "+4940777" || rec.Talks[2].Agent != "" || rec.Lost != nil {
			t.Errorf("%+v", rec.Talks)
		}
		if want := rec.Talks[0].Ended.Sub(rec.Talks[0].Began) + rec.Talks[1].Ended.Sub(rec.Talks[1].Began); rec.Talk(rec.Ended) != want {
			t.Errorf("talked to agents for %v, want %v", rec.Talk(rec.Ended), want)
		}
	})
}

func TestAPauseOfTheRecordingSurvivesATransfer(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		c, id := talking(r)
		if err := r.desk.PauseRecording(r.t.Context(), id, "agent:ana"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		r.transfer(id, Target{Agent: "ben"})
		time.Sleep(5 * time.Second)
		rec := r.journal.Record(id)
		var paused, resumed time.Time
		time.Sleep(2 * time.Minute)
		for _, e := range r.journal.Events() {
			if e.Stream.ID != string(rec.Talks[1].Recording) {
				continue
			}
			switch e.Body.(type) {
			case call.RecordingPaused:
				paused = e.At
			case call.RecordingResumed:
				resumed = e.At
			}
		}
		if paused.IsZero() || resumed.Sub(paused) > 110*time.Second || resumed.Sub(paused) < 100*time.Second {
			t.Errorf("paused at %v, resumed after %v", paused, resumed.Sub(paused))
		}
		c.Hangup()
	})
}

// Whoever hangs up, and whenever the process dies, every call ends once, nobody's
// phone rings on and no agent stays reserved: quiet looks at all of that.
func TestAHandedOnCallSurvivesEveryHangUpAndEveryRestart(t *testing.T) {
	type step = func(r *rig, c *calltest.Caller, ben, far *calltest.Phone)
	for what, do := range map[string]step{
		"the caller hangs up":    func(_ *rig, c *calltest.Caller, _, _ *calltest.Phone) { c.Hangup() },
		"ana hangs up":           func(r *rig, _ *calltest.Caller, _, _ *calltest.Phone) { r.phone.Hangup() },
		"the other one hangs up": func(_ *rig, _ *calltest.Caller, ben, far *calltest.Phone) { ben.Hangup(); far.Hangup() },
		"the process dies":       func(r *rig, _ *calltest.Caller, _, _ *calltest.Phone) { r.drop(); r.start() },
		"the caller phones again": func(r *rig, _ *calltest.Caller, _, _ *calltest.Phone) {
			again := r.sw.Dial("+4930123", "1009")
			time.AfterFunc(20*time.Second, again.Hangup)
		},
	} {
		for _, to := range []Target{{Agent: "ben"}, {Queue: "second"}, {Number: "+4940777"}} {
			for _, answers := range []bool{true, false} {
				for _, after := range []time.Duration{0, 2, 4, 10, 30, 32, 40} {
					t.Run(fmt.Sprintf("%s %ds after it is sent to %s, answered %v", what, after, to, answers), func(t *testing.T) {
						handing(t, func(r *rig, ben *calltest.Phone) {
							far := r.sw.Phone(call.NumberDevice("+4940777")).AnswersAfter(3 * time.Second)
							if !answers {
								ben.Ignores()
								far.Ignores()
							}
							c, id := talking(r)
							r.transfer(id, to)
							time.Sleep(after * time.Second)
							do(r, c, ben, far)
							time.Sleep(2 * time.Minute)
							_, gone := c.Ended()
							if talks := c.Hears() == "talk"; !gone && !talks && c.Hears() != "music:default" {
								t.Errorf("the caller hears %q", c.Hears())
							}
							if what == "the process dies" && gone {
								t.Errorf("the caller is gone: %+v", r.journal.Record(id).Cause)
							}
							c.Hangup()
						})
					})
				}
			}
		}
	}
}

func TestAQueueHandsCallersOnToANumberAndWhomNobodyAnswersIsOwedACall(t *testing.T) {
	for _, answers := range []bool{true, false} {
		t.Run(fmt.Sprintf("answered %v", answers), func(t *testing.T) {
			tuned(t, func(c *Centre) {
				q := c.Queues["service-desk"]
				q.MaxWait, q.Timeout = 20*time.Second, &callqueue.Exit{To: callqueue.Destination{Kind: callqueue.ToNumber, Name: "+4940777"}}
				c.Queues["service-desk"] = q
			}, func(r *rig) {
				r.phone.Ignores()
				far := r.sw.Phone(call.NumberDevice("+4940777"))
				if !answers {
					far.Ignores()
				}
				c := r.sw.Dial("+4930123", "1009")
				time.Sleep(35 * time.Second)
				if answers != (c.Hears() == "talk") {
					t.Errorf("the caller hears %q", c.Hears())
				}
				time.Sleep(40 * time.Second)
				c.Hangup()
				time.Sleep(time.Second)
				rec := r.only()
				if rec.Outcome != call.OutcomeTimeoutOverflow || (rec.Lost == nil) != answers {
					t.Errorf("outcome %s, cause %v, lost %+v", rec.Outcome, rec.Cause, rec.Lost)
				}
			})
		})
	}
}

func TestOnePolicyWithItsCapsHoldsForEveryCallOutside(t *testing.T) {
	tuned(t, func(c *Centre) {
		c.Outbound = Outbound{Allow: []string{"+4940"}, AtOnce: 1}
	}, func(r *rig) {
		r.hire("ben", "2002")
		r.sw.Phone("2002")
		r.sw.Phone(call.NumberDevice("+4940777")).Ignores()
		one := r.sw.Dial("+4930123", "1009")
		two := r.sw.Dial("+4930124", "1009")
		time.Sleep(10 * time.Second)
		if err := r.desk.Transfer(r.t.Context(), one.Call.ID, Target{Number: "+4930999"}, "x"); !errors.Is(err, ErrMayNotCall) {
			t.Errorf("a number that a trunk alone allows: %v", err)
		}
		for _, c := range []*calltest.Caller{one, two} {
			r.transfer(c.Call.ID, Target{Number: "+4940777"})
		}
		time.Sleep(time.Second)
		rec := r.journal.Record(two.Call.ID)
		if w := rec.Entries[len(rec.Entries)-1]; !w.Only {
			t.Errorf("the second call outside was not sent back: %+v", rec.Entries)
		}
		if _, err := r.desk.dial(r.t.Context(), call.Originate{ID: "z", To: call.Endpoint{Number: "+4940777"}}); !errors.Is(err, ErrTooManyCalls) {
			t.Errorf("beyond the cap: %v", err)
		}
		one.Hangup()
		two.Hangup()
	})
}
