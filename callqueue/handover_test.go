package callqueue_test

import (
	"errors"
	"testing"
	"time"

	"firstline/call"
	"firstline/callqueue"
)

// sent is a call that ana hands on, who had it from queue "q" and wraps up now.
func sent(t *testing.T, queues ...callqueue.Queue) (*desk, call.ID) {
	t.Helper()
	d := newDesk(t, append(queues, callqueue.Queue{ID: "q", Need: skill1("x")}, callqueue.Queue{ID: "deep", Need: call.Requirement{Level: 3}})...)
	d.agent("ana", 1, map[string]int{"x": 1})
	x := d.join("c", "q")
	d.do(callqueue.OfferDone{Offer: x.Offer(1), Result: call.OfferAnswered})
	d.wait(5 * time.Minute)
	d.do(callqueue.TalkEnded{Agent: "ana", Call: "c", At: d.now})
	return d, "c"
}

func skill1(name string) call.Requirement { return call.Requirement{Skills: map[string]int{name: 1}} }

func (d *desk) offers() []callqueue.Offer { return find[callqueue.Offer](d.fx) }

func (d *desk) wantGone(out call.Outcome) {
	d.t.Helper()
	left := find[callqueue.LeftQueue](d.fx)
	if len(left) != 1 || left[0].Outcome != out || left[0].Exit != nil {
		d.t.Fatalf("left %+v, want %s", left, out)
	}
}

func TestACallForOneAgentIsForNobodyElseWhateverItsQueueAsks(t *testing.T) {
	d, c := sent(t)
	d.agent("ben", 1, nil) // has not what the queue asks for
	d.agent("cora", 3, map[string]int{"x": 3})
	d.do(callqueue.Join{Entry: c.Entry(2), Queue: "q", Joined: d.now, Only: "ben"})
	if o := d.offers(); len(o) != 1 || o[0].Agent != "ben" || o[0].Ring != callqueue.Patience {
		t.Fatalf("offers %+v", o)
	}
	d.do(callqueue.OfferDone{Offer: c.Entry(2).Offer(1), Result: call.OfferRejected})
	d.wantGone(call.OutcomeTimeoutOverflow)
	if o := d.offers(); len(o) != 0 {
		t.Errorf("somebody else is rung: %+v", o)
	}
}

func TestACallForOneAgentWaitsForThemNoLongerThanItsPatience(t *testing.T) {
	d, c := sent(t)
	d.agent("ben", 1, map[string]int{"x": 1})
	other := d.join("d", "q")
	d.do(callqueue.OfferDone{Offer: other.Offer(1), Result: call.OfferAnswered})
	d.do(callqueue.Join{Entry: c.Entry(2), Queue: "q", Joined: d.now, Only: "ben"})
	d.wait(20 * time.Second)
	d.do(callqueue.TalkEnded{Agent: "ben", Call: "d", At: d.now}).do(callqueue.WrapUpEnded{Agent: "ben"})
	if o := d.offers(); len(o) != 1 || o[0].Ring != 10*time.Second {
		t.Fatalf("offers %+v", o)
	}
	d.do(callqueue.OfferRang{Offer: c.Entry(2).Offer(1)})
	d.wait(10 * time.Second)
	d.wantGone(call.OutcomeTimeoutOverflow)
}

func TestACallForOneAgentLeavesWithThem(t *testing.T) {
	for name, gone := range map[string]callqueue.Input{
		"on break":       callqueue.PresenceSet{Agent: "ben", Presence: call.OnBreak, Reason: "r", By: "self"},
		"logged out":     callqueue.PresenceSet{Agent: "ben", Presence: call.LoggedOut, By: "self"},
		"silent":         callqueue.TalkSilent{Agent: "ben", Silent: true},
		"off the roster": callqueue.AgentGone{Agent: "ben"},
	} {
		t.Run(name, func(t *testing.T) {
			d, c := sent(t)
			d.agent("ben", 1, nil)
			d.do(callqueue.Join{Entry: c.Entry(2), Queue: "q", Joined: d.now, Only: "ben"}).wait(time.Second)
			d.do(gone).wantGone(call.OutcomeEmpty)
		})
	}
}

func TestNobodyIsCalledThatWasNeverThere(t *testing.T) {
	d, c := sent(t)
	d.fx = d.e.Apply(d.now, callqueue.Join{Entry: c.Entry(2), Queue: "q", Joined: d.now, Only: "zoe"})
	if err := d.refused(); !errors.Is(err, callqueue.ErrUnknownAgent) {
		t.Error(err)
	}
}

func TestACallThatComesBackEndsTheWrapUpOfItAndGoesFirst(t *testing.T) {
	d, c := sent(t)
	d.do(callqueue.Join{Entry: "early.q1", Queue: "q", Joined: d.now.Add(-time.Hour)})
	d.do(callqueue.Join{Entry: c.Entry(2), Queue: "q", Joined: d.now, Only: "ana", Back: true})
	if o := d.offers(); len(o) != 1 || o[0].Entry != c.Entry(2) || o[0].Agent != "ana" {
		t.Fatalf("offers %+v", o)
	}
}

func TestACallDoesNotComeBackToWhoHasAnother(t *testing.T) {
	d, c := sent(t)
	d.do(callqueue.WrapUpEnded{Agent: "ana"})
	other := d.join("d", "q")
	d.do(callqueue.OfferDone{Offer: other.Offer(1), Result: call.OfferAnswered})
	d.do(callqueue.Join{Entry: c.Entry(2), Queue: "q", Joined: d.now, Only: "ana", Back: true})
	d.wantGone(call.OutcomeEmpty)
}

func TestAQueueGivesACallBackThatItDoesNotAnswerUnlessAPhoneRings(t *testing.T) {
	d, c := sent(t)
	d.do(callqueue.Join{Entry: c.Entry(2), Queue: "deep", Joined: d.now, Sender: "ana"})
	d.wait(25 * time.Second)
	d.agent("cora", 3, nil) // who is rung over the end of the patience
	d.wait(5 * time.Second)
	if left := find[callqueue.LeftQueue](d.fx); len(left) != 0 {
		t.Fatalf("left %+v while a phone rings", left)
	}
	d.do(callqueue.OfferDone{Offer: c.Entry(2).Offer(1), Result: call.OfferRejected})
	d.wantGone(call.OutcomeMoved)
}

func TestAHandedOnCallIsServedByItsAgeAndNotByWhenItCameToTheQueue(t *testing.T) {
	d, c := sent(t)
	arrived := d.now.Add(-5 * time.Minute)
	d.do(callqueue.Join{Entry: "between.q1", Queue: "deep", Joined: d.now.Add(-time.Minute)})
	d.do(callqueue.Join{Entry: c.Entry(2), Queue: "deep", Joined: d.now, Arrived: arrived})
	d.agent("cora", 3, nil)
	if o := d.offers(); len(o) != 1 || o[0].Entry != c.Entry(2) {
		t.Fatalf("offers %+v", o)
	}
	d.do(callqueue.OfferDone{Offer: c.Entry(2).Offer(1), Result: call.OfferAnswered})
	if got := find[callqueue.Connected](d.fx)[0].Wait; got != 0 {
		t.Errorf("waited %v: the talk before is no wait", got)
	}
}
