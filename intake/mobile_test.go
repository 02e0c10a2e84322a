package intake

import (
	"testing"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/callqueue"
)

const mobile = call.DeviceID("tel:+491701234567")

// onMobile has ben at a number far away, and nobody else at work.
func onMobile(t *testing.T, q func(*callqueue.Queue), f func(r *rig, ben *calltest.Phone)) {
	t.Helper()
	tuned(t, rule(func(all *callqueue.Queue) {
		all.WrapUp = -1
		if q != nil {
			q(all)
		}
	}), func(r *rig) {
		r.hire("ben", mobile)
		if err := r.queue.SetPresence(r.t.Context(), "ana", call.OnBreak, "lunch", "supervisor:sue"); err != nil {
			t.Fatal(err)
		}
		f(r, r.sw.Phone(mobile).AnswersAfter(5*time.Second))
	})
}

// ending is how an offer ended, and after what time.
func ending(o call.Offer) (call.OfferResult, time.Duration) {
	return o.Result, o.Ended.Sub(o.At).Round(time.Second)
}

func TestVoicemailBoxThatAnswersIsAMissedOffer(t *testing.T) {
	onMobile(t, nil, func(r *rig, ben *calltest.Phone) {
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		if got, caller := ben.Hears(), c.Hears(); got != "tone:beep" && got != "" || caller != "music:default" {
			t.Errorf("the box hears %q, the caller %q", got, caller)
		}
		if talkOf(r, c) != nil {
			t.Fatal("the caller talks to a box")
		}
		time.Sleep(16 * time.Second)
		rec := r.journal.Record(c.Call.ID)
		offers := rec.Entries[0].Offers
		if result, after := ending(offers[0]); result != call.OfferMissed || after != 25*time.Second {
			t.Errorf("the first offer is %s after %v", result, after)
		}
		time.Sleep(time.Minute)
		view, err := r.queue.Snapshot(r.t.Context())
		if err != nil || view.Agents[1].Presence != call.OnBreak || ben.Talking() || ben.Offers() != 2 {
			t.Errorf("after two misses: %+v, %v; the phone talks: %v, was rung %d times", view.Agents[1], err, ben.Talking(), ben.Offers())
		}
		c.Hangup()
	})
}

func TestOnlyOneTakesTheCall(t *testing.T) {
	onMobile(t, nil, func(r *rig, ben *calltest.Phone) {
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(7 * time.Second)
		ben.Press("29")
		time.Sleep(3 * time.Second)
		if talkOf(r, c) != nil {
			t.Fatal("another key has taken the call")
		}
		ben.Press("1")
		time.Sleep(time.Second)
		if a := talkOf(r, c); a == nil || a.Agent != "ben" || ben.Hears() != "talk" {
			t.Errorf("talks to %+v, who hears %q", a, ben.Hears())
		}
		c.Hangup()
	})
}

func TestWhoHangsUpWithoutAKeyHasMissedTheOffer(t *testing.T) {
	onMobile(t, nil, func(r *rig, ben *calltest.Phone) {
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(8 * time.Second)
		ben.Hangup()
		time.Sleep(time.Second)
		rec := r.journal.Record(c.Call.ID)
		if result, after := ending(rec.Entries[0].Offers[0]); result != call.OfferMissed || after != 8*time.Second {
			t.Errorf("the offer is %s after %v", result, after)
		}
		c.Hangup()
	})
}

func TestCallerWhoIsGoneBeforeTheKeyLeavesNoCallOnTheMobile(t *testing.T) {
	for ms := 4000; ms <= 9000; ms += 250 {
		onMobile(t, nil, func(r *rig, ben *calltest.Phone) {
			ben.Presses("1") // 6 s after the call came
			c := r.sw.Dial("+4930123", "1009")
			time.Sleep(time.Duration(ms) * time.Millisecond)
			c.Hangup()
			time.Sleep(time.Second)
			if ben.Talking() || ben.Ringing() {
				t.Errorf("%d ms: the mobile is in a call that is no more", ms)
			}
			view, err := r.queue.Snapshot(r.t.Context())
			if err != nil || view.Agents[1].Activity != call.Idle {
				t.Errorf("%d ms: %+v, %v", ms, view.Agents[1], err)
			}
		})
	}
}

func TestQueueMayTakeAnAnswerForThePersons(t *testing.T) {
	onMobile(t, func(q *callqueue.Queue) { q.Unasked = true }, func(r *rig, _ *calltest.Phone) {
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(6 * time.Second)
		if a := talkOf(r, c); a == nil || a.Agent != "ben" {
			t.Errorf("talks to %+v", a)
		}
		c.Hangup()
	})
}
