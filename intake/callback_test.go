package intake

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
)

const customer = "+4930123"

// callsBack lets the service desk's callers press 2 to be called back.
func callsBack(rule CallbackRule) func(*Centre) {
	return func(c *Centre) {
		q := c.Queues["service-desk"]
		q.Keys = map[string]callqueue.Exit{"2": {To: callqueue.Destination{Kind: callqueue.ToCallback}}}
		q.WrapUp = -1
		c.Queues["service-desk"] = q
		c.Callbacks = map[call.QueueID]CallbackRule{"service-desk": rule}
	}
}

// asksBack is a caller who presses 2 and hangs up when the number was read back.
func (r *rig) asksBack() {
	r.t.Helper()
	c := r.sw.Dial(customer, "1009")
	time.Sleep(5 * time.Second)
	c.Press("2")
	time.Sleep(time.Minute)
	if _, ended := c.Ended(); !ended {
		r.t.Fatalf("the caller hears %q", c.Hears())
	}
}

// callback is the one request.
func (r *rig) callback() call.Callback {
	r.t.Helper()
	all := r.journal.Callbacks()
	if len(all) != 1 {
		r.t.Fatalf("%d callbacks, want 1: %+v", len(all), all)
	}
	return all[0]
}

func wantEnd(t *testing.T, c call.Callback, end call.CallbackEnd, attempts int) {
	t.Helper()
	if c.End != end || len(c.Attempts) != attempts {
		t.Errorf("callback ended %q after %d attempts, want %q after %d: %+v", c.End, len(c.Attempts), end, attempts, c)
	}
}

func TestACallerIsCalledBackAtTheOldPlaceWhenAnAgentIsFree(t *testing.T) {
	tuned(t, callsBack(CallbackRule{}), func(r *rig) {
		r.phone.Unregister()
		r.queue.Reachable("2001", false)
		far := r.sw.Phone(call.NumberDevice(customer)).AnswersAfter(4 * time.Second)
		r.asksBack()
		first := r.journal.Records()[0]
		if first.Outcome != call.OutcomeCallbackTaken || first.Lost != nil {
			t.Errorf("the call that asked: %s, lost %v", first.Outcome, first.Lost)
		}
		time.Sleep(10 * time.Minute)
		r.phone.Register()
		r.queue.Reachable("2001", true)
		time.Sleep(10 * time.Second)
		if !far.Talking() || !r.phone.Talking() || far.Hears() != "talk" {
			t.Errorf("customer talks %v, agent talks %v", far.Talking(), r.phone.Talking())
		}
		time.Sleep(time.Minute)
		far.Hangup()
		time.Sleep(time.Second)
		c := r.callback()
		wantEnd(t, c, call.CallbackReached, 1)
		if !c.Joined.Equal(first.Entries[0].Joined) {
			t.Errorf("place of %v, asked for at %v", c.Joined, first.Entries[0].Joined)
		}
		back := r.recordOf(c.Attempts[0].Call)
		if !back.Out || back.Outcome != call.OutcomeAnswered || back.From.Number != customer || back.Ticket != first.Ticket {
			t.Errorf("the call back: %+v", back)
		}
		if e := back.Entries[0]; e.Callback != c.ID || !e.Joined.Equal(c.Joined) || back.Talks[0].Recording == "" {
			t.Errorf("entry %+v, talk %+v", e, back.Talks)
		}
	})
}

func TestWhoDeclinedToBeRecordedIsNotRecordedWhenCalledBackThroughARestart(t *testing.T) {
	for _, restart := range []bool{false, true} {
		tuned(t, func(c *Centre) { kinds(t)(c); callsBack(CallbackRule{})(c) }, func(r *rig) {
			back := r.absent()
			far := r.sw.Phone(call.NumberDevice("+4930123"))
			c := r.sw.Dial("+4930123", "1000")
			keyed(c, "1.5:9 4.5:4711 7:1 11.5:1")
			time.Sleep(15 * time.Second)
			c.Press("2")
			time.Sleep(time.Minute)
			if restart {
				r.drop()
				r.start()
				r.absent()
			}
			back()
			time.Sleep(30 * time.Second)
			if !far.Talking() {
				t.Fatalf("restart %v: not called back: %+v", restart, r.callback())
			}
			far.Hangup()
			time.Sleep(time.Second)
			tried := r.callback().Attempts
			rec := r.recordOf(tried[len(tried)-1].Call)
			if !rec.Unrecorded || len(rec.Talks) != 1 || rec.Talks[0].Recording != "" {
				t.Errorf("restart %v: unrecorded %v, talks %+v", restart, rec.Unrecorded, rec.Talks)
			}
		})
	}
}

func TestACustomerWhoIsNotThereIsTriedAgainAndThenLost(t *testing.T) {
	tuned(t, callsBack(CallbackRule{Tries: 2, Every: 3 * time.Minute}), func(r *rig) {
		r.phone.Ignores()
		far := r.sw.Phone(call.NumberDevice(customer)).Ignores()
		r.asksBack()
		r.phone.AnswersAfter(time.Second)
		_ = r.queue.SetPresence(r.t.Context(), "ana", call.Available, "", "self")
		time.Sleep(10 * time.Minute)
		c := r.callback()
		wantEnd(t, c, call.CallbackUnreachable, 2)
		if far.Offers() != 2 || c.Attempts[1].Began.Sub(c.Attempts[0].Ended) < 3*time.Minute {
			t.Errorf("rang %d times: %+v", far.Offers(), c.Attempts)
		}
		if lost := r.recordOf(c.Call).Lost; lost == nil || !lost.Joined.Equal(c.Joined) {
			t.Errorf("lost: %+v", lost)
		}
		if rec := r.recordOf(c.Attempts[0].Call); rec.Outcome != call.OutcomeNotReached {
			t.Errorf("outcome %s", rec.Outcome)
		}
	})
}

func TestARedialTakesThePlaceAndCallsTheCallbackOff(t *testing.T) {
	for name, ringing := range map[string]bool{"while nobody is free": false, "while the agent's phone rings for it": true} {
		t.Run(name, func(t *testing.T) {
			tuned(t, callsBack(CallbackRule{}), func(r *rig) {
				far := r.sw.Phone(call.NumberDevice(customer)).AnswersAfter(time.Second)
				r.phone.Unregister()
				r.queue.Reachable("2001", false)
				r.asksBack()
				if ringing {
					r.phone.Register().AnswersAfter(12 * time.Second)
					r.queue.Reachable("2001", true)
					time.Sleep(2 * time.Second)
				}
				again := r.sw.Dial(customer, "1009")
				synctest.Wait()
				c := r.callback()
				wantEnd(t, c, call.CallbackRedialled, 1)
				if !ringing {
					r.phone.Register()
					r.queue.Reachable("2001", true)
				}
				time.Sleep(30 * time.Second)
				if again.Hears() != "talk" || far.Offers() != 0 {
					t.Errorf("the caller hears %q, the other phone rang %d times", again.Hears(), far.Offers())
				}
				again.Hangup()
				time.Sleep(time.Second)
				if e := r.recordOf(again.Call.ID).Entries[0]; !e.Joined.Equal(c.Joined) {
					t.Errorf("joined at %v, the old place was %v", e.Joined, c.Joined)
				}
			})
		})
	}
}

// The place is an earlier call's, the longest wait is this one's.
func TestARedialMayWaitAsLongAsAnyOtherCall(t *testing.T) {
	tuned(t, func(c *Centre) {
		callsBack(CallbackRule{Every: time.Hour})(c)
		q := c.Queues["service-desk"]
		q.MaxWait = time.Minute
		c.Queues["service-desk"] = q
	}, func(r *rig) {
		r.phone.Unregister()
		r.queue.Reachable("2001", false)
		r.asksBack()
		time.Sleep(5 * time.Minute)
		again := r.sw.Dial(customer, "1009")
		time.Sleep(55 * time.Second)
		if e := r.journal.Record(again.Call.ID).Entries[0]; !e.Left.IsZero() || !e.Joined.Equal(r.callback().Joined) {
			t.Errorf("%+v is not the old place, or not kept", e)
		}
		time.Sleep(10 * time.Second)
		if e := r.recordOf(again.Call.ID).Entries[0]; e.Outcome != call.OutcomeTimeoutOverflow {
			t.Errorf("after the longest wait %+v", e)
		}
		time.Sleep(time.Minute)
	})
}

func TestAWithheldNumberIsAskedForAndInheritsNoPlace(t *testing.T) {
	tuned(t, callsBack(CallbackRule{}), func(r *rig) {
		r.phone.Unregister()
		r.queue.Reachable("2001", false)
		c := r.sw.Dial("", "1009")
		time.Sleep(5 * time.Second)
		c.Press("2")
		time.Sleep(2 * time.Second)
		c.Press("004930123#")
		time.Sleep(time.Minute)
		if b := r.callback(); b.Customer.Number != customer {
			t.Errorf("to call %q", b.Customer.Number)
		}
		r.sw.Dial("", "1009").Hangup()
		time.Sleep(time.Second)
		if b := r.callback(); !b.Open() {
			t.Errorf("ended %s by a stranger", b.End)
		}
	})
}

func TestTheNumberReadBackCanBeChanged(t *testing.T) {
	tuned(t, callsBack(CallbackRule{}), func(r *rig) {
		r.phone.Unregister()
		r.queue.Reachable("2001", false)
		c := r.sw.Dial(customer, "1009")
		time.Sleep(5 * time.Second)
		c.Press("2")
		time.Sleep(time.Second)
		c.Press("2") // another one
		time.Sleep(time.Second)
		c.Press("0049309#")
		time.Sleep(time.Minute)
		heard := c.Heard()
		if b := r.callback(); b.Customer.Number != "+49309" {
			t.Errorf("to call %q; heard %v", b.Customer.Number, heard)
		}
	})
}

func TestACallerMayAskToBeCalledAfterACertainTime(t *testing.T) {
	tuned(t, callsBack(CallbackRule{Within: time.Hour}), func(r *rig) {
		far := r.sw.Phone(call.NumberDevice(customer)).AnswersAfter(time.Second)
		r.phone.Ignores() // until a minute has passed
		c := r.sw.Dial(customer, "1009")
		time.Sleep(5 * time.Second)
		c.Press("2")
		time.Sleep(time.Second)
		c.Press("3")
		time.Sleep(time.Second)
		c.Press("2460") // no time of day
		time.Sleep(2 * time.Second)
		c.Press("1500")
		time.Sleep(time.Minute)
		_ = r.queue.SetPresence(r.t.Context(), "ana", call.Available, "", "self")
		r.phone.AnswersAfter(time.Second)
		at := time.Date(2000, 1, 1, 15, 0, 0, 0, time.UTC) // a bubble begins at midnight
		if b := r.callback(); !b.After.Equal(at) || b.Expires.Before(at.Add(time.Hour)) || len(b.Attempts) != 0 {
			t.Errorf("%+v; heard %v", b, c.Heard())
		}
		time.Sleep(time.Until(at) - time.Second)
		if far.Offers() != 0 {
			t.Error("called before the time")
		}
		time.Sleep(10 * time.Second)
		if !far.Talking() {
			t.Error("not called after the time")
		}
		far.Hangup()
		time.Sleep(time.Second)
		wantEnd(t, r.callback(), call.CallbackReached, 1)
	})
}

func TestARestartWhileTheNumberIsReadBackDoesNotAskTwice(t *testing.T) {
	tuned(t, callsBack(CallbackRule{}), func(r *rig) {
		r.phone.Unregister()
		c := r.sw.Dial(customer, "1009")
		time.Sleep(5 * time.Second)
		c.Press("2")
		time.Sleep(2 * time.Second)
		r.drop()
		r.start()
		r.queue.Reachable("2001", false)
		time.Sleep(time.Minute)
		if b := r.callback(); !b.Open() {
			t.Errorf("%+v; heard %v", b, c.Heard())
		}
	})
}

func TestWhoHangsUpWhileTheNumberIsReadBackIsCalledBack(t *testing.T) {
	tuned(t, callsBack(CallbackRule{}), func(r *rig) {
		r.phone.Unregister()
		r.queue.Reachable("2001", false)
		c := r.sw.Dial(customer, "1009")
		time.Sleep(5 * time.Second)
		c.Press("2")
		time.Sleep(time.Millisecond)
		c.Hangup()
		time.Sleep(time.Second)
		if b := r.callback(); !b.Open() || r.journal.Records()[0].Outcome != call.OutcomeCallbackTaken {
			t.Errorf("callback %+v, outcome %s", b, r.journal.Records()[0].Outcome)
		}
	})
}

func TestARequestEndsWhenItIsOfNoUseAnyMore(t *testing.T) {
	tuned(t, callsBack(CallbackRule{Within: time.Hour}), func(r *rig) {
		r.phone.Unregister()
		r.queue.Reachable("2001", false)
		r.asksBack()
		time.Sleep(2 * time.Hour)
		wantEnd(t, r.callback(), call.CallbackExpired, 1)
	})
}

func TestASupervisorWithdrawsARequestWhileThePhoneRings(t *testing.T) {
	tuned(t, callsBack(CallbackRule{}), func(r *rig) {
		far := r.sw.Phone(call.NumberDevice(customer)).Ignores()
		r.phone.Ignores()
		r.asksBack()
		r.phone.AnswersAfter(time.Second)
		_ = r.queue.SetPresence(r.t.Context(), "ana", call.Available, "", "self")
		time.Sleep(15 * time.Second)
		if !far.Ringing() {
			t.Fatal("the customer's phone does not ring")
		}
		id := r.callback().ID
		if err := r.desk.WithdrawCallback(r.t.Context(), id, "supervisor:eva", "solved by mail"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if far.Ringing() || r.phone.Talking() {
			t.Error("a phone is left ringing or talking")
		}
		wantEnd(t, r.callback(), call.CallbackWithdrawn, 1)
		if err := r.desk.WithdrawCallback(r.t.Context(), id, "supervisor:eva", "again"); !errors.Is(err, ErrNoCallback) {
			t.Errorf("withdrawn twice: %v", err)
		}
	})
}

func TestCustomerFirstWaitsForTheTurnAndThenOnTheLine(t *testing.T) {
	tuned(t, callsBack(CallbackRule{First: call.CustomerFirst}), func(r *rig) {
		far := r.sw.Phone(call.NumberDevice(customer)).AnswersAfter(2 * time.Second)
		r.phone.Unregister()
		r.queue.Reachable("2001", false)
		before := r.sw.Dial("+4930999", "1009")
		time.Sleep(time.Second)
		r.asksBack()
		time.Sleep(time.Minute)
		if far.Offers() != 0 {
			t.Error("called while somebody waits who came before")
		}
		before.Hangup()
		time.Sleep(10 * time.Second)
		if !far.Talking() || far.Hears() != "music:default" {
			t.Errorf("on the line %v, hears %q", far.Talking(), far.Hears())
		}
		r.phone.Register()
		r.queue.Reachable("2001", true)
		time.Sleep(10 * time.Second)
		if far.Hears() != "talk" {
			t.Errorf("the customer hears %q", far.Hears())
		}
		far.Hangup()
		time.Sleep(time.Second)
		c := r.callback()
		wantEnd(t, c, call.CallbackReached, 1)
		if e := r.recordOf(c.Attempts[0].Call).Entries; len(e) != 1 || e[0].Callback != c.ID {
			t.Errorf("entries %+v", e)
		}
	})
}

// Whatever happens at whatever moment of an attempt, one attempt at most is under
// way, nothing is left up, and the customer is reached or asked for again.
func TestACallbackSurvivesARestartAtEachMomentOfAnAttempt(t *testing.T) {
	for after := 250 * time.Millisecond; after <= 12*time.Second; after += 500 * time.Millisecond {
		t.Run(after.String(), func(t *testing.T) {
			tuned(t, callsBack(CallbackRule{Every: time.Minute}), func(r *rig) {
				far := r.sw.Phone(call.NumberDevice(customer)).AnswersAfter(3 * time.Second)
				r.phone.Unregister()
				r.queue.Reachable("2001", false)
				r.asksBack()
				r.phone.Register()
				r.queue.Reachable("2001", true)
				time.Sleep(after)
				r.drop()
				r.start()
				for range 20 {
					time.Sleep(30 * time.Second)
					if far.Talking() {
						break
					}
				}
				time.Sleep(time.Minute)
				far.Hangup()
				time.Sleep(time.Second)
				c := r.callback()
				if c.End != call.CallbackReached || far.Doubled() {
					t.Errorf("ended %q, two calls at once %v: %+v", c.End, far.Doubled(), c.Attempts)
				}
				for i := 1; i < len(c.Attempts); i++ {
					if c.Attempts[i].Began.Before(c.Attempts[i-1].Ended) {
						t.Errorf("two attempts at once: %+v", c.Attempts)
					}
				}
			})
		})
	}
}

func TestWhomACrashCutsOffIsCalledBackWherePolicyAllows(t *testing.T) {
	for _, tt := range []struct {
		name, number string
		rule         CallbackRule
		back, held   bool
	}{
		{"a number that may be called", customer, CallbackRule{}, true, false},
		{"when a supervisor reviews them", customer, CallbackRule{Review: true}, true, true},
		{"a number outside policy", "+8821234", CallbackRule{}, false, false},
		{"a withheld number", "", CallbackRule{}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tuned(t, callsBack(tt.rule), func(r *rig) {
				far := r.sw.Phone(call.NumberDevice(customer)).AnswersAfter(time.Second)
				r.phone.Unregister()
				r.queue.Reachable("2001", false)
				r.sw.Dial(tt.number, "1009")
				time.Sleep(20 * time.Second)
				r.sw.Crash()
				time.Sleep(time.Second)
				rec := r.journal.Records()[0]
				if rec.Outcome != call.OutcomeSystemFailed || (rec.Lost == nil) == !tt.back {
					t.Fatalf("outcome %s, lost %+v", rec.Outcome, rec.Lost)
				}
				if !tt.back {
					return
				}
				c := r.callback()
				if d := cmp.Diff([]any{rec.Entries[0].Joined, tt.held}, []any{c.Joined, c.Held}); d != "" {
					t.Error(d)
				}
				r.phone.Register()
				r.queue.Reachable("2001", true)
				time.Sleep(10 * time.Second)
				if far.Talking() == tt.held {
					t.Fatalf("the customer is called: %v", far.Talking())
				}
				if tt.held {
					if err := r.desk.ChangeCallback(r.t.Context(), c.ID, call.CallbackChanged{Release: true, By: "supervisor:eva"}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(10 * time.Second)
				}
				far.Hangup()
				time.Sleep(time.Second)
				wantEnd(t, r.callback(), call.CallbackReached, 1)
			})
		})
	}
}
