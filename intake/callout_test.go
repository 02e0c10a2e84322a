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

const calledOut = "+4940777"

// callOut has ana call the customer about a ticket.
func (r *rig) callOut() call.ID {
	r.t.Helper()
	id, err := r.desk.CallOut(r.t.Context(), CallOut{Agent: "ana", Ticket: "T-1", Customer: call.Party{Number: calledOut}, Line: "1009", By: "agent:ana"})
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

func (r *rig) customer() *calltest.Phone { return r.sw.Phone(call.NumberDevice(calledOut)) }

func TestAnAgentsPhoneRingsFirstThenTheCustomersWhoIsToldOfTheRecording(t *testing.T) {
	bubble(t, func(r *rig) {
		far := r.customer()
		id := r.callOut()
		synctest.Wait()
		if !r.phone.Ringing() || far.Ringing() || r.phone.Header("X-Firstline-Ticket") != "T-1" {
			t.Errorf("ana's phone rings %v for %q, the customer's %v", r.phone.Ringing(), r.phone.Header("X-Firstline-Ticket"), far.Ringing())
		}
		time.Sleep(3500 * time.Millisecond)
		if !far.Ringing() || r.phone.Hears() != "music:default" {
			t.Errorf("the customer's phone rings %v, ana hears %q", far.Ringing(), r.phone.Hears())
		}
		time.Sleep(time.Second)
		if far.Hears() != "prompt:en/recording-notice" {
			t.Errorf("the customer hears %q", far.Hears())
		}
		time.Sleep(5 * time.Second)
		if far.Hears() != "talk" || r.phone.Hears() != "talk" {
			t.Errorf("the customer hears %q, ana %q", far.Hears(), r.phone.Hears())
		}
		other := r.sw.Dial("+4930999", "1009")
		time.Sleep(5 * time.Second)
		if r.phone.Doubled() || other.Hears() == "talk" {
			t.Error("ana is given another call")
		}
		other.Hangup()
		far.Hangup()
		time.Sleep(time.Second)
		rec := r.recordOf(id)
		if rec.Outcome != call.OutcomeAnswered || !rec.Out || rec.Ticket != "T-1" || len(rec.Entries) != 0 || len(rec.Talks) != 1 || rec.Talks[0].Recording == "" {
			t.Errorf("%+v", rec)
		}
		var was []call.Activity
		for _, e := range r.journal.Events() {
			if b, ok := e.Body.(call.ActivityChanged); ok {
				was = append(was, b.Activity)
			}
		}
		if fmt.Sprint(was) != "[outbound wrap-up]" {
			t.Errorf("ana was %v", was)
		}
	})
}

func TestAnAgentIsSetFreeWhenTheCustomerIsNotThere(t *testing.T) {
	bubble(t, func(r *rig) {
		r.customer().Ignores()
		id := r.callOut()
		time.Sleep(40 * time.Second)
		if rec := r.recordOf(id); rec.Outcome != call.OutcomeNotReached || rec.Lost != nil {
			t.Errorf("%+v", rec)
		}
		if r.phone.Talking() {
			t.Error("ana is still on the line")
		}
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(5 * time.Second)
		if c.Hears() != "talk" {
			t.Error("ana gets no calls any more")
		}
		c.Hangup()
	})
}

func TestACallOutIsRefusedClearly(t *testing.T) {
	tuned(t, func(c *Centre) { c.Outbound.PerHour = 1 }, func(r *rig) {
		ask := func(o CallOut, want error) {
			t.Helper()
			if _, err := r.desk.CallOut(r.t.Context(), o); !errors.Is(err, want) {
				t.Errorf("%+v: %v, want %v", o, err, want)
			}
		}
		ok := CallOut{Agent: "ana", Ticket: "T-1", Customer: call.Party{Number: calledOut}, Line: "1009", By: "agent:ana"}
		outside, stranger, foreign := ok, ok, ok
		outside.Customer.Number, stranger.Agent, foreign.Line = "+1900123", "zoe", "+49800"
		ask(outside, ErrMayNotCall)
		ask(stranger, callqueue.ErrUnknownAgent)
		ask(foreign, ErrNoLine)
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(5 * time.Second)
		ask(ok, callqueue.ErrTalking)
		c.Hangup()
		time.Sleep(time.Second)
		r.customer()
		r.callOut() // in the wrap-up
		time.Sleep(10 * time.Second)
		ask(ok, ErrTooManyCalls)
		r.phone.Hangup()
	})
}

func TestCapsOfCallsOutsideHoldThroughARestart(t *testing.T) {
	for what, capped := range map[string]func(*Centre){
		"in an hour": func(c *Centre) { c.Outbound.PerHour = 1 },
		"at once":    func(c *Centre) { c.Outbound.AtOnce = 1 },
	} {
		t.Run(what, func(t *testing.T) {
			tuned(t, capped, func(r *rig) {
				r.hire("ben", "2002")
				r.sw.Phone("2002")
				r.queue.Reachable("2002", true)
				far := r.customer()
				r.callOut()
				time.Sleep(20 * time.Second)
				r.drop()
				r.start()
				r.queue.Reachable("2002", true)
				time.Sleep(time.Second)
				ask := func() error {
					_, err := r.desk.CallOut(r.t.Context(), CallOut{Agent: "ben", Ticket: "T-2", Customer: call.Party{Number: "+49551"}, Line: "1009", By: "agent:ben"})
					return err
				}
				if err := ask(); !far.Talking() || !errors.Is(err, ErrTooManyCalls) {
					t.Errorf("after the restart: %v; the customer talks %v", err, far.Talking())
				}
				far.Hangup()
				time.Sleep(time.Hour)
				other := r.sw.Phone(call.NumberDevice("+49551"))
				if err := ask(); err != nil {
					t.Errorf("when it is over: %v", err)
				}
				time.Sleep(10 * time.Second)
				other.Hangup()
			})
		})
	}
}

func TestACallOutSurvivesEveryHangUpAndEveryRestart(t *testing.T) {
	for what, do := range map[string]func(r *rig, far *calltest.Phone){
		"the customer hangs up": func(_ *rig, far *calltest.Phone) { far.Hangup() },
		"ana hangs up":          func(r *rig, _ *calltest.Phone) { r.phone.Hangup() },
		"the process dies":      func(r *rig, _ *calltest.Phone) { r.drop(); r.start() },
		"the customer phones in": func(r *rig, _ *calltest.Phone) {
			c := r.sw.Dial(calledOut, "1009")
			time.AfterFunc(30*time.Second, c.Hangup)
		},
		"ana is off the roster": func(r *rig, _ *calltest.Phone) { _ = r.queue.SetAgents(r.t.Context(), nil) },
	} {
		for _, after := range []time.Duration{0, 2, 3, 4, 5, 8, 20} {
			t.Run(fmt.Sprintf("%s after %ds", what, after), func(t *testing.T) {
				bubble(t, func(r *rig) {
					far := r.customer()
					id := r.callOut()
					time.Sleep(after*time.Second + 500*time.Millisecond)
					do(r, far)
					time.Sleep(time.Minute)
					if what == "the process dies" && after >= 8 && far.Hears() != "talk" {
						t.Errorf("the talk did not survive: %+v", r.journal.Record(id))
					}
					far.Hangup()
					r.phone.Hangup()
				})
			})
		}
	}
}

func TestACallOutTakesTheCustomerOffTheListOfLostCallers(t *testing.T) {
	bubble(t, func(r *rig) {
		r.phone.Unregister()
		c := r.sw.Dial(calledOut, "1009")
		time.Sleep(20 * time.Second)
		c.Hangup()
		time.Sleep(time.Second)
		if it := r.items(); len(it) != 1 || !it[0].Open() {
			t.Fatalf("%+v", it)
		}
		r.phone.Register()
		r.queue.Reachable("2001", true)
		far := r.customer()
		r.callOut()
		time.Sleep(10 * time.Second)
		far.Hangup()
		time.Sleep(time.Second)
		if it := r.items(); len(it) != 1 || it[0].End != call.LostCalledBack {
			t.Errorf("%+v", it)
		}
	})
}
