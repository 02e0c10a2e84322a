package callqueue_test

import (
	"testing"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

// silentDesk has ada in a talk from whose phone no audio comes.
func silentDesk(t *testing.T, device call.DeviceID) *desk {
	d := newDesk(t, callqueue.Queue{ID: "q", WrapUp: -1, Misses: 1})
	d.do(callqueue.AgentSet{Agent: agents.Agent{ID: "ada", Device: device}})
	d.do(callqueue.PresenceSet{Agent: "ada", Presence: call.Available, By: "self"})
	d.done(d.wantOffer(d.join("c1", "q"), "ada"), call.OfferAnswered)
	d.do(callqueue.TalkSilent{Agent: "ada", Silent: true})
	d.wantAgent("ada", call.Available, call.Talking)
	d.wait(5 * time.Second)
	return d
}

func TestPhoneWithoutAudioIsUnreachableAndNobodysMiss(t *testing.T) {
	d := silentDesk(t, "2001")
	d.do(callqueue.TalkEnded{Agent: "ada", Call: "c1", At: d.now})
	d.wantAgent("ada", call.Available, call.PhoneGone)
	x := d.join("c2", "q")
	d.wait(time.Hour).wantNoOffer()
	if v := d.person("ada"); v.Misses != 0 {
		t.Errorf("%d misses", v.Misses)
	}
	if why, err := d.e.Explain(d.now, x); err != nil || why.Text != "1 unreachable" {
		t.Errorf("%+v, %v", why, err)
	}
	d.do(callqueue.DeviceReachable{Device: "2001", Reachable: true}) // it registered anew, or answered a ping
	d.wantOffer(x, "ada")
}

func TestPhoneThatIsHeardAgainIsReachable(t *testing.T) {
	d := silentDesk(t, "2001")
	d.do(callqueue.TalkSilent{Agent: "ada"})
	d.do(callqueue.TalkEnded{Agent: "ada", Call: "c1", At: d.now})
	d.wantOffer(d.join("c2", "q"), "ada")
}

func TestPersonWhoSaysThatTheyAreThereIsTriedAgain(t *testing.T) {
	d := silentDesk(t, "2001")
	d.do(callqueue.TalkEnded{Agent: "ada", Call: "c1", At: d.now})
	x := d.join("c2", "q")
	d.wantNoOffer()
	d.do(callqueue.PresenceSet{Agent: "ada", Presence: call.Available, By: "self"})
	d.wantOffer(x, "ada")
}

func TestSilentNumberIsTriedAgain(t *testing.T) { // no registration would ever bring it back
	d := silentDesk(t, call.NumberDevice("+491701234567"))
	d.do(callqueue.TalkEnded{Agent: "ada", Call: "c1", At: d.now})
	d.wantOffer(d.join("c2", "q"), "ada")
}

// The news may come when the next phone call is on its way already.
func TestSilenceThatIsToldLateEndsTheNextOffer(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", Misses: 1})
	d.agent("ada", 1, nil)
	x := d.join("c1", "q")
	o := d.wantOffer(x, "ada")
	d.do(callqueue.TalkSilent{Agent: "ada", Silent: true})
	if w := find[callqueue.WithdrawOffer](d.fx); len(w) != 1 || w[0].ID != o {
		t.Errorf("%+v", d.fx)
	}
	d.wantAgent("ada", call.Available, call.PhoneGone)
	if v := d.e.Queues(d.now)[0]; v.Waiting != 1 || v.Offered != 0 {
		t.Errorf("the caller has lost the place: %+v", v)
	}
}
