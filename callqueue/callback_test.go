package callqueue_test

import (
	"testing"
	"time"

	"firstline/call"
	"firstline/callqueue"
)

// joinAbsent puts a callback into a queue that was asked for some time ago.
func (d *desk) joinAbsent(id call.ID, q call.QueueID, ago time.Duration) call.EntryID {
	x := id.Entry(1)
	d.do(callqueue.Join{Entry: x, Queue: q, Joined: d.now.Add(-ago), Callback: "cb-" + call.CallbackID(id)})
	return x
}

func TestNobodyOnTheLineIsSentAwayOrTakesTheRoomOfThoseWhoAre(t *testing.T) {
	rule := callqueue.NoAgentRule{Join: true, Leave: true, Grace: 10 * time.Second}
	d := newDesk(t, callqueue.Queue{ID: "q", NoAgent: rule, MaxLen: 1, MaxWait: time.Minute, WrapUp: -1})
	for _, id := range []call.ID{"b1", "b2", "b3"} {
		d.joinAbsent(id, "q", time.Hour)
		d.wantStays()
	}
	d.agent("ada", 1, nil)
	first := d.wantOffer("b1.q1", "ada")
	d.do(callqueue.DeviceReachable{Device: "ada"})
	d.done(first, call.OfferUnreachable)
	d.wait(time.Hour).wantStays()
	d.do(callqueue.PresenceSet{Agent: "ada", Presence: call.LoggedOut}) // nobody is kept waiting by that
	d.agent("bob", 1, nil)
	d.done(d.wantOffer("b1.q1", "bob"), call.OfferAnswered)
	x := d.join("c1", "q")
	d.wantStays()
	d.wait(time.Minute).wantLeft(x, call.OutcomeTimeoutOverflow, &callqueue.Exit{
		Outcome: call.OutcomeTimeoutOverflow, To: callqueue.Destination{Kind: callqueue.ToHangup},
	})
}

func TestCallersAndCallbacksAreServedInOrderOfArrivalTogether(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", WrapUp: -1})
	d.join("c1", "q")
	d.wait(time.Minute)
	d.joinAbsent("late", "q", 30*time.Second)
	d.joinAbsent("early", "q", 2*time.Minute)
	d.join("c2", "q")
	d.agent("ada", 1, nil)
	for _, x := range []call.EntryID{"early.q1", "c1.q1", "late.q1", "c2.q1"} {
		d.done(d.wantOffer(x, "ada"), call.OfferAnswered)
		d.do(callqueue.TalkEnded{Agent: "ada", Call: x.Call(), At: d.now})
	}
}

func TestAfterARestartNobodyIsServedBeforeAllWhoWaitedAreBack(t *testing.T) {
	for name, late := range map[string]bool{"when the last of them is back": false, "or is given up": true} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, callqueue.Queue{ID: "q", WrapUp: -1})
			d.agent("ada", 1, nil)
			first, second := call.ID("first").Entry(1), call.ID("second").Entry(1)
			d.do(callqueue.Expect{Entries: []call.EntryID{first, second}, Within: 3 * time.Second})
			d.do(callqueue.Join{Entry: second, Queue: "q", Joined: d.now.Add(-time.Minute), Resume: true})
			d.join("new", "q")
			d.wantStays()
			if late {
				d.wait(3 * time.Second)
				d.wantOffer(second, "ada")
				return
			}
			d.do(callqueue.Join{Entry: first, Queue: "q", Joined: d.now.Add(-2 * time.Minute), Resume: true})
			d.wantOffer(first, "ada")
		})
	}
}
