package callqueue_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
)

// joinedAs is what the last step recorded of an entry that joined.
func (d *desk) joinedAs() call.QueueJoined {
	d.t.Helper()
	for _, r := range find[callqueue.Record](d.fx) {
		if b, ok := r.Event.Body.(call.QueueJoined); ok {
			return b
		}
	}
	d.t.Fatalf("nobody joined: %+v", d.fx)
	return call.QueueJoined{}
}

func TestPriorityIsASumWhosePartsAreRecorded(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", Priority: 5, Again: callqueue.Again{Priority: 4}}, callqueue.Queue{ID: "plain"})
	d.rules(callqueue.Rules{Classes: map[string]callqueue.Class{"gold": {Priority: 20}}})
	queue := call.Part{Of: call.OfQueue, Name: "q", Points: 5}
	gold := call.Part{Of: call.OfClass, Name: "gold", Points: 20}
	for i, c := range []struct {
		in   callqueue.Join
		want call.Parts
	}{
		{callqueue.Join{Queue: "plain"}, nil},
		{callqueue.Join{Queue: "q"}, call.Parts{queue}},
		{callqueue.Join{Queue: "q", Priority: 9}, call.Parts{{Of: call.OfCall, Points: 9}}},
		{callqueue.Join{Queue: "q", Class: "gold"}, call.Parts{queue, gold}},
		{callqueue.Join{Queue: "q", Class: "other", Unserved: 1}, call.Parts{queue, {Of: call.OfUnserved, Times: 1, Points: 4}}},
		{callqueue.Join{Queue: "plain", Unserved: 7}, nil}, // it raises nobody for that
		{
			callqueue.Join{Queue: "q", Priority: 9, Class: "gold", TicketPriority: 30, Unserved: 7},
			call.Parts{{Of: call.OfCall, Points: 9}, gold, {Of: call.OfTicket, Points: 30}, {Of: call.OfUnserved, Times: 7, Points: 12}},
		},
		{callqueue.Join{Queue: "q", Priority: 2, Set: true, Class: "gold", Unserved: 7}, call.Parts{{Of: call.OfCall, Points: 2}}}, // a person's word
	} {
		c.in.Entry = call.ID(fmt.Sprint("c", i)).Entry(1)
		d.put(c.in)
		got := d.joinedAs()
		if diff := cmp.Diff(c.want, got.Parts); diff != "" || got.Priority != c.want.Sum() {
			t.Errorf("%+v: priority %d, parts (-want +got):\n%s", c.in, got.Priority, diff)
		}
	}
	d.fx = d.e.Apply(d.now, callqueue.Join{Entry: "bad.q1", Queue: "q", TicketPriority: -1})
	if err := d.refused(); !errors.Is(err, callqueue.ErrInvalid) {
		t.Errorf("points below nothing: %v", err)
	}
}

func TestClassGoesFirstAndFollowsTheRulesLive(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", WrapUp: -1})
	first := d.join("c1", "q")
	gold := d.put(callqueue.Join{Entry: "c2.q1", Queue: "q", Class: "gold"})
	raised := d.put(callqueue.Join{Entry: "c3.q1", Queue: "q", Class: "gold"})
	d.do(callqueue.Prioritize{Entry: raised, Priority: 3, By: "supervisor:sue", Reason: "r"})
	d.rules(callqueue.Rules{Classes: map[string]callqueue.Class{"gold": {Priority: 2}}})
	want := call.QueueReprioritized{Entry: gold, Priority: 2, By: "system:rules", Reason: "the rules have changed"}
	if !recorded(d.fx, want) {
		t.Errorf("%+v is not among %+v", want, find[callqueue.Record](d.fx))
	}
	d.agent("ada", 1, nil)
	for _, x := range []call.EntryID{raised, gold, first} {
		d.done(d.wantOffer(x, "ada"), call.OfferAnswered)
		d.do(callqueue.TalkEnded{Agent: "ada", Call: x.Call(), At: d.now})
	}
}

func TestPartsSayWhatACallBringsIntoAnotherQueue(t *testing.T) {
	queue, own := call.Part{Of: call.OfQueue, Points: 5}, call.Part{Of: call.OfCall, Points: 9}
	class, again := call.Part{Of: call.OfClass, Points: 20}, call.Part{Of: call.OfUnserved, Points: 12}
	for _, c := range []struct {
		parts call.Parts
		want  int
	}{
		{nil, 0}, {call.Parts{queue, class}, 0}, {call.Parts{own, class}, 9}, {call.Parts{queue, class, again}, 17}, {call.Parts{own, again}, 21},
	} {
		if got := c.parts.Brought(); got != c.want {
			t.Errorf("%+v bring %d, want %d", c.parts, got, c.want)
		}
	}
}
