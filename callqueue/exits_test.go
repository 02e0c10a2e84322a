package callqueue_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

// wantLeft is the one entry that left in the last step.
func (d *desk) wantLeft(x call.EntryID, out call.Outcome, to *callqueue.Exit) {
	d.t.Helper()
	got := find[callqueue.LeftQueue](d.fx)
	if len(got) != 1 || got[0].Entry != x || got[0].Outcome != out {
		d.t.Fatalf("want %s to leave as %s, got %+v", x, out, got)
	}
	if diff := cmp.Diff(to, got[0].Exit); diff != "" {
		d.t.Errorf("exit of %s: %s", x, diff)
	}
}

func (d *desk) wantStays() {
	d.t.Helper()
	if got := find[callqueue.LeftQueue](d.fx); len(got) > 0 {
		d.t.Fatalf("want nobody to leave, got %+v", got)
	}
}

func to(kind callqueue.DestinationKind, name string) *callqueue.Exit {
	return &callqueue.Exit{To: callqueue.Destination{Kind: kind, Name: name}, Prompt: "sorry", Priority: 4}
}

func taken(x *callqueue.Exit, out call.Outcome) *callqueue.Exit {
	y := *x
	y.Outcome = out
	return &y
}

func TestThreeExitsAndKeysEachLeadSomewhereElse(t *testing.T) {
	over, late, none := to(callqueue.ToQueue, "night"), to(callqueue.ToVoicemail, ""), to(callqueue.ToNumber, "+4930123")
	key := callqueue.Exit{Outcome: call.OutcomeCallbackTaken, To: callqueue.Destination{Kind: callqueue.ToFlow, Name: "callback"}}
	d := newDesk(t, callqueue.Queue{ID: "night"}, callqueue.Queue{
		ID: "q", MaxLen: 1, MaxWait: time.Minute, Overflow: over, Timeout: late, Empty: none,
		NoAgent: callqueue.NoAgentRule{Join: true}, Keys: map[string]callqueue.Exit{"1": key, "#": {}},
	})
	d.wantLeft(d.join("c1", "q"), call.OutcomeEmpty, taken(none, call.OutcomeEmpty))
	d.agent("ada", 1, nil)
	d.done(d.wantOffer(d.join("c2", "q"), "ada"), call.OfferAnswered)
	x := d.join("c3", "q")
	d.wantStays()
	d.wantLeft(d.join("c4", "q"), call.OutcomeTimeoutOverflow, taken(over, call.OutcomeTimeoutOverflow))
	if !recorded(d.fx, call.QueueExited{Entry: "c4.q1", Rule: "overflow", To: "queue:night"}) {
		t.Errorf("not recorded: %+v", d.fx)
	}
	d.wait(time.Minute).wantLeft(x, call.OutcomeVoicemail, taken(late, call.OutcomeVoicemail))
	x = d.join("c5", "q")
	d.do(callqueue.Press{Entry: x, Key: "1"})
	d.wantLeft(x, call.OutcomeCallbackTaken, &key)
	if !recorded(d.fx, call.QueueExited{Entry: x, Rule: "key", Key: "1", To: "flow:callback"}) {
		t.Errorf("not recorded: %+v", d.fx)
	}
	x = d.join("c6", "q")
	d.fx = d.e.Apply(d.now, callqueue.Press{Entry: x, Key: "2"})
	if err := d.refused(); !errors.Is(err, callqueue.ErrUnknownKey) {
		t.Errorf("key 2: %v", err)
	}
	d.do(callqueue.Press{Entry: x, Key: "#"})
	d.wantLeft(x, call.OutcomeExitKey, &callqueue.Exit{Outcome: call.OutcomeExitKey, To: callqueue.Destination{Kind: callqueue.ToHangup}})
}

func TestAKeyDuringAnOfferLeavesNoPhoneRinging(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", Strategy: callqueue.RingAll, Keys: map[string]callqueue.Exit{"1": {}}})
	d.agent("ada", 1, nil)
	d.agent("bob", 1, nil)
	x := d.join("c1", "q")
	d.do(callqueue.Press{Entry: x, Key: "1"})
	if got := find[callqueue.WithdrawOffer](d.fx); len(got) != 2 {
		t.Errorf("withdrawn: %+v", got)
	}
	d.wantAgent("ada", call.Available, call.Idle)
	d.wantAgent("bob", call.Available, call.Idle)
}

// FreeSWITCH counts agents on break, so its no-agent time never passes while
// everybody is on break.
func TestEverybodyOnBreakIsNoAgent(t *testing.T) {
	rule := callqueue.NoAgentRule{Join: true, Leave: true, Grace: 10 * time.Second}
	d := newDesk(t, callqueue.Queue{ID: "q", NoAgent: rule, WrapUp: -1})
	d.agent("ada", 1, nil)
	d.agent("bob", 1, nil)
	d.done(d.wantOffer(d.join("c1", "q"), "ada"), call.OfferAnswered)
	d.do(callqueue.PresenceSet{Agent: "bob", Presence: call.OnBreak})
	x := d.join("c2", "q") // ada talks: she is somebody
	d.wait(time.Hour).wantStays()
	d.do(callqueue.PresenceSet{Agent: "ada", Presence: call.OnBreak}) // after this call
	d.wait(10*time.Second - 1).wantStays()
	d.wait(1).wantLeft(x, call.OutcomeEmpty, &callqueue.Exit{Outcome: call.OutcomeEmpty, To: callqueue.Destination{Kind: callqueue.ToHangup}})
	d.wantLeft(d.join("c3", "q"), call.OutcomeEmpty, &callqueue.Exit{Outcome: call.OutcomeEmpty, To: callqueue.Destination{Kind: callqueue.ToHangup}})
}

func TestWhoComesBackWithinTheGraceKeepsTheCallers(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", NoAgent: callqueue.NoAgentRule{Leave: true}})
	d.agent("ada", 1, nil)
	d.done(d.wantOffer(d.join("c1", "q"), "ada"), call.OfferBusy)
	d.do(callqueue.DeviceReachable{Device: "ada"}) // registers anew
	d.wait(5*time.Second - 1).wantStays()
	d.do(callqueue.DeviceReachable{Device: "ada", Reachable: true})
	d.do(callqueue.DeviceReachable{Device: "ada"})
	d.wait(5*time.Second - 1).wantStays() // the time counts anew
	d.wait(1)
	if len(find[callqueue.LeftQueue](d.fx)) != 1 {
		t.Errorf("%+v", d.fx)
	}
}

func TestGraceRunsOnWhenAStepComesMeanwhile(t *testing.T) {
	d := newDesk(t, callqueue.Queue{
		ID: "q", NoAgent: callqueue.NoAgentRule{Leave: true, Grace: 10 * time.Second},
		Steps: []callqueue.Step{{After: 4 * time.Second}},
	})
	x := d.join("c1", "q")
	d.wait(4 * time.Second).wantStays()
	d.wait(6*time.Second - 1).wantStays()
	d.wait(1).wantLeft(x, call.OutcomeEmpty, &callqueue.Exit{Outcome: call.OutcomeEmpty, To: callqueue.Destination{Kind: callqueue.ToHangup}})
}

func TestNoGraceSendsCallersAwayAtOnce(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", NoAgent: callqueue.NoAgentRule{Leave: true, Grace: -1}})
	d.agent("ada", 1, nil)
	d.done(d.wantOffer(d.join("c1", "q"), "ada"), call.OfferAnswered)
	x := d.join("c2", "q")
	d.wantStays()
	d.do(callqueue.PresenceSet{Agent: "ada", Presence: call.OnBreak})
	d.wantLeft(x, call.OutcomeEmpty, &callqueue.Exit{Outcome: call.OutcomeEmpty, To: callqueue.Destination{Kind: callqueue.ToHangup}})
}

func TestWhoCouldServeAtALaterStepIsSomebody(t *testing.T) {
	d := newDesk(t, callqueue.Queue{
		ID: "q", NoAgent: callqueue.NoAgentRule{Join: true, Leave: true}, Need: asking("vpn", 5),
		Steps: []callqueue.Step{{After: time.Minute, Need: asking("vpn", 1)}},
	})
	d.agent("fair", 1, skill("vpn", 1))
	d.agent("none", 1, nil)
	x := d.join("c1", "q")
	d.wantStays()
	d.wait(30 * time.Second).wantStays()
	d.do(callqueue.PresenceSet{Agent: "fair", Presence: call.LoggedOut, By: "supervisor:sue"})
	d.wait(5*time.Second).wantLeft(x, call.OutcomeEmpty, &callqueue.Exit{Outcome: call.OutcomeEmpty, To: callqueue.Destination{Kind: callqueue.ToHangup}})
}

func TestWhatCountsAsAnAgentIsConfigured(t *testing.T) {
	for state, stays := range map[callqueue.AgentState]bool{callqueue.StateBreak: true, callqueue.StateIdle: false} {
		d := newDesk(t, callqueue.Queue{ID: "q", NoAgent: callqueue.NoAgentRule{Join: true, Counts: []callqueue.AgentState{state}}})
		d.agent("ada", 1, nil)
		d.do(callqueue.PresenceSet{Agent: "ada", Presence: call.OnBreak})
		d.join("c1", "q")
		if got := len(find[callqueue.LeftQueue](d.fx)) == 0; got != stays {
			t.Errorf("counting %s: stays %v, want %v", state, got, stays)
		}
	}
}

func TestLastLogOutIsRefusedWhileCallersWait(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "vpn", Need: asking("vpn", 1)}, callqueue.Queue{ID: "plain"})
	d.agent("vera", 1, skill("vpn", 1))
	d.agent("vic", 1, skill("vpn", 1))
	d.agent("pat", 1, nil)
	say := func(id call.AgentID, p call.Presence, by string) error {
		d.fx = d.e.Apply(d.now, callqueue.PresenceSet{Agent: id, Presence: p, By: by})
		return d.refused()
	}
	d.done(d.wantOffer(d.join("c1", "vpn"), "vera"), call.OfferAnswered)
	d.done(d.wantOffer(d.join("c2", "vpn"), "vic"), call.OfferAnswered)
	d.join("c3", "vpn")
	d.do(callqueue.TalkEnded{Agent: "vera", Call: "c1", At: d.now})
	for _, c := range []struct {
		id   call.AgentID
		p    call.Presence
		by   string
		want error
	}{
		{"pat", call.LoggedOut, "self", nil}, // nobody waits whom pat alone could serve
		{"vic", call.OnBreak, "self", nil},
		{"vera", call.LoggedOut, "self", callqueue.ErrLast}, // vic is on break
		{"vera", call.Finishing, "agent:vera", callqueue.ErrLast},
		{"vera", call.LoggedOut, "supervisor:sue", nil},
	} {
		if err := say(c.id, c.p, c.by); !errors.Is(err, c.want) {
			t.Errorf("%s %s by %s: %v, want %v", c.id, c.p, c.by, err, c.want)
		}
	}
}

func TestDelaysAfterAnOfferThatWasNotAnswered(t *testing.T) {
	q := callqueue.Queue{
		ID: "q", Misses: 9, RejectDelay: 20 * time.Second, BusyDelay: 30 * time.Second, UnreachableDelay: 40 * time.Second, NoAnswerDelay: 5 * time.Second,
	}
	none := q
	none.RejectDelay, none.BusyDelay, none.UnreachableDelay, none.NoAnswerDelay = -1, -1, -1, -1
	for result, want := range map[call.OfferResult]time.Duration{
		call.OfferRejected: 20 * time.Second, call.OfferBusy: 30 * time.Second,
		call.OfferUnreachable: 40 * time.Second, call.OfferMissed: 5 * time.Second,
	} {
		d := newDesk(t, q)
		d.agent("ada", 1, nil)
		x := d.join("c1", "q")
		d.done(d.wantOffer(x, "ada"), result).wantNoOffer()
		d.wait(want - 1).wantNoOffer()
		d.wait(1).wantOffer(x, "ada")

		d = newDesk(t, none)
		d.agent("ada", 1, nil)
		x = d.join("c1", "q")
		d.done(d.wantOffer(x, "ada"), result).wantOffer(x, "ada")
	}
}

// Two queues share an agent whose phone is out of range: neither rings it over
// and over, and neither gives the agent a miss.
func TestTwoQueuesAndASharedAgentOutOfRange(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "a"}, callqueue.Queue{ID: "b", UnreachableDelay: 30 * time.Second})
	d.agent("ada", 1, nil)
	x, y := d.join("c1", "a"), call.EntryID("c2.q1")
	o := d.wantOffer(x, "ada")
	d.put(callqueue.Join{Entry: y, Queue: "b", Priority: 9})
	d.done(o, call.OfferUnreachable).wantNoOffer() // not at once for the other either
	d.wantAgent("ada", call.Available, call.PhoneGone)
	d.wait(callqueue.RetryDelay)
	d.done(d.wantOffer(y, "ada"), call.OfferUnreachable).wantNoOffer()
	d.wait(30*time.Second - 1).wantNoOffer()
	d.do(callqueue.AgentSet{Agent: agents.Agent{ID: "ada", Device: "other phone"}})
	d.wantOffer(y, "ada")
	if m := d.person("ada").Misses; m != 0 {
		t.Errorf("%d misses", m)
	}
}

func TestFaultsOfExits(t *testing.T) {
	q := callqueue.Queue{
		ID: "q", Overflow: to("nowhere", ""), Timeout: &callqueue.Exit{Outcome: call.OutcomeAnswered}, Empty: to(callqueue.ToQueue, "q"),
		Keys:    map[string]callqueue.Exit{"12": {}, "1": {To: callqueue.Destination{Kind: callqueue.ToFlow}}},
		NoAgent: callqueue.NoAgentRule{Counts: []callqueue.AgentState{"asleep"}},
	}
	err := q.Defaults().Validate()
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{
		`exit overflow leads to an unknown "nowhere"`, `exit timeout cannot end as "answered"`, "exit no-agent leads back into the queue",
		`"12" is no key`, "exit key 1 leads to no particular flow", `unknown state "asleep"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in: %v", want, err)
		}
	}
}
