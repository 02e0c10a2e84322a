package callqueue_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

// desk drives an Engine by hand on a clock of its own.
type desk struct {
	t   *testing.T
	e   *callqueue.Engine
	now time.Time
	fx  []callqueue.Effect // of the last step
}

func newDesk(t *testing.T, queues ...callqueue.Queue) *desk {
	d := &desk{t: t, e: callqueue.NewEngine(), now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	d.do(callqueue.SetQueues{Queues: queues})
	return d
}

func (d *desk) do(in callqueue.Input) *desk {
	d.t.Helper()
	d.fx = d.e.Apply(d.now, in)
	if err := d.refused(); err != nil {
		d.t.Fatalf("%T: %v", in, err)
	}
	return d
}

func (d *desk) wait(by time.Duration) *desk {
	d.t.Helper()
	d.now = d.now.Add(by)
	return d.do(callqueue.Tick{})
}

// agent adds somebody who is available at a phone of the same name.
func (d *desk) agent(id call.AgentID, level int, skills map[string]int) {
	d.t.Helper()
	d.do(callqueue.AgentSet{Agent: agents.Agent{ID: id, Device: call.DeviceID(id), Level: level, Skills: skills}})
	d.do(callqueue.PresenceSet{Agent: id, Presence: call.Available, By: "self"})
}

func (d *desk) join(n string, q call.QueueID) call.EntryID {
	d.t.Helper()
	id := call.ID(n).Entry(1)
	d.do(callqueue.Join{Entry: id, Queue: q, Joined: d.now})
	return id
}

func (d *desk) refused() error {
	var errs []error
	for _, f := range d.fx {
		if r, ok := f.(callqueue.Refused); ok {
			errs = append(errs, r.Err)
		}
	}
	return errors.Join(errs...)
}

func find[T callqueue.Effect](fx []callqueue.Effect) (all []T) {
	for _, f := range fx {
		if x, ok := f.(T); ok {
			all = append(all, x)
		}
	}
	return all
}

// wantOffer is the one offer of the last step.
func (d *desk) wantOffer(x call.EntryID, a call.AgentID) call.OfferID {
	d.t.Helper()
	got := find[callqueue.Offer](d.fx)
	if len(got) != 1 || got[0].Entry != x || got[0].Agent != a {
		d.t.Fatalf("want %s offered to %s, got %+v", x, a, got)
	}
	return got[0].ID
}

func (d *desk) wantNoOffer() {
	d.t.Helper()
	if got := find[callqueue.Offer](d.fx); len(got) > 0 {
		d.t.Fatalf("want no offer, got %+v", got)
	}
}

func (d *desk) person(id call.AgentID) callqueue.AgentView {
	d.t.Helper()
	for _, v := range d.e.Agents(d.now) {
		if v.ID == id {
			return v
		}
	}
	d.t.Fatalf("no agent %s", id)
	return callqueue.AgentView{}
}

func (d *desk) wantAgent(id call.AgentID, p call.Presence, a call.Activity) {
	d.t.Helper()
	if v := d.person(id); v.Presence != p || v.Activity != a {
		d.t.Fatalf("%s is %s and %s, want %s and %s", id, v.Presence, v.Activity, p, a)
	}
}

func (d *desk) ring(o call.OfferID) *desk { d.t.Helper(); return d.do(callqueue.OfferRang{Offer: o}) }

func (d *desk) done(o call.OfferID, r call.OfferResult) *desk {
	d.t.Helper()
	return d.do(callqueue.OfferDone{Offer: o, Result: r})
}

func TestLongestIdleOfThoseWhoQualifyIsOffered(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "print", Need: call.Requirement{Skills: map[string]int{"printer": 2}}})
	d.agent("ada", 1, nil) // idle longest, but cannot
	d.wait(time.Second).agent("bob", 1, map[string]int{"printer": 3})
	d.wait(time.Second).agent("cem", 1, map[string]int{"printer": 2})
	d.wait(42 * time.Second)
	x := d.join("c1", "print")
	d.wantOffer(x, "bob")
	if got, want := find[callqueue.Offer](d.fx)[0].Why, "idle 00:43, longest of 2"; got != want {
		t.Errorf("why %q, want %q", got, want)
	}
}

func TestQueuesSupportLevelIsAskedOfAgents(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "l2", Need: call.Requirement{Level: 2}})
	d.agent("ada", 1, nil)
	x := d.join("c1", "l2")
	d.wantNoOffer()
	d.do(callqueue.AgentSet{Agent: agents.Agent{ID: "ada", Device: "ada", Level: 2}})
	d.wantOffer(x, "ada")
}

func TestCallerWhoNeedsARareSkillHoldsNobodyUp(t *testing.T) {
	d := newDesk(t,
		callqueue.Queue{ID: "rare", Priority: 9, Need: call.Requirement{Skills: map[string]int{"cobol": 1}}},
		callqueue.Queue{ID: "desk"})
	rare := d.join("c1", "rare")
	d.wait(time.Minute)
	plain := d.join("c2", "desk")
	d.agent("ada", 1, nil)
	d.wantOffer(plain, "ada")
	d.agent("cob", 1, map[string]int{"cobol": 1})
	d.wantOffer(rare, "cob")
}

func TestOneAgentServesTwoQueuesByPriorityThenByWait(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "a", WrapUp: -1}, callqueue.Queue{ID: "b", WrapUp: -1}, callqueue.Queue{ID: "vip", Priority: 1, WrapUp: -1})
	x1 := d.join("c1", "a")
	d.wait(time.Second)
	x2 := d.join("c2", "b")
	d.wait(time.Second)
	x3 := d.join("c3", "vip")
	d.agent("ada", 1, nil)
	for _, want := range []call.EntryID{x3, x1, x2} {
		o := d.wantOffer(want, "ada")
		d.done(o, call.OfferAnswered)
		d.wantNoOffer() // one agent, one call
		d.do(callqueue.TalkEnded{Agent: "ada", Call: want.Call(), At: d.now})
	}
	d.wantAgent("ada", call.Available, call.Idle)
}

func TestMissedOfferGoesToTheNextAgentAndKeepsThePlace(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q"})
	d.agent("ada", 1, nil)
	x1 := d.join("c1", "q")
	o := d.wantOffer(x1, "ada")
	d.wait(time.Second)
	x2 := d.join("c2", "q")
	d.agent("bob", 1, nil)
	o2 := d.wantOffer(x2, "bob")
	d.ring(o).ring(o2).wait(14 * time.Second) // ada's deadline passes
	d.wantOffer(x1, "ada")                    // nobody else is free
	if got := find[callqueue.WithdrawOffer](d.fx); len(got) != 1 || got[0].ID != o {
		t.Fatalf("withdrawn: %v", got)
	}
	d.agent("cem", 1, nil)
	x3 := d.join("c3", "q")
	d.wantOffer(x3, "cem")
	why, err := d.e.Explain(d.now, x1)
	if err != nil || why.Position != 1 || why.Agent != "ada" {
		t.Errorf("place of the first caller: %+v, %v", why, err)
	}
}

func TestTwoMissesInARowPutTheAgentOnBreakAndAnAnswerStartsTheCountAgain(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", WrapUp: -1})
	d.agent("ada", 1, nil)
	x := d.join("c1", "q")
	miss := func() { d.ring(find[callqueue.Offer](d.fx)[0].ID).wait(15 * time.Second) }
	miss()
	d.done(d.wantOffer(x, "ada"), call.OfferAnswered)
	d.do(callqueue.TalkEnded{Agent: "ada", Call: x.Call(), At: d.now})
	x = d.join("c2", "q")
	miss()
	d.wantOffer(x, "ada") // the first of a new row
	miss()
	d.wantNoOffer()
	d.wantAgent("ada", call.OnBreak, call.Idle)
	want := call.PresenceChanged{Presence: call.OnBreak, Reason: "missed", By: "system:missed"}
	if !recorded(d.fx, want) {
		t.Errorf("%+v is not recorded in %+v", want, d.fx)
	}
	d.do(callqueue.PresenceSet{Agent: "ada", Presence: call.Available, By: "self"})
	d.wantOffer(x, "ada")
}

func recorded(fx []callqueue.Effect, want call.Body) bool {
	for _, r := range find[callqueue.Record](fx) {
		if cmp.Equal(r.Event.Body, want) {
			return true
		}
	}
	return false
}

func TestUnreachablePhoneIsNoMiss(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func(d *desk, o call.OfferID)
	}{
		{"the switch says so", func(d *desk, o call.OfferID) { d.done(o, call.OfferUnreachable) }},
		{"it never rang", func(d *desk, _ call.OfferID) { d.wait(15 * time.Second) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, callqueue.Queue{ID: "q", Misses: 1})
			d.agent("ada", 1, nil)
			x := d.join("c1", "q")
			c.fail(d, d.wantOffer(x, "ada"))
			d.wantNoOffer()
			d.wantAgent("ada", call.Available, call.PhoneGone)
			d.wait(callqueue.RetryDelay - 1).wantNoOffer()
			d.wait(1)
			c.fail(d, d.wantOffer(x, "ada"))
			d.do(callqueue.DeviceReachable{Device: "ada", Reachable: true}) // registers again
			d.wantOffer(x, "ada")
			if m := d.person("ada").Misses; m != 0 {
				t.Errorf("%d misses", m)
			}
		})
	}
}

func TestUnregisteredPhoneGetsNoOfferUntilItRegisters(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q"})
	d.do(callqueue.DeviceReachable{Device: "ada"})
	d.agent("ada", 1, nil)
	d.wantAgent("ada", call.Available, call.PhoneGone)
	x := d.join("c1", "q")
	d.wantNoOffer()
	d.do(callqueue.DeviceReachable{Device: "ada", Reachable: true})
	d.wantOffer(x, "ada")
}

func TestDeclinedAndBusyLeaveTheAgentAloneForAMoment(t *testing.T) {
	for result, misses := range map[call.OfferResult]int{call.OfferRejected: 1, call.OfferBusy: 0} {
		d := newDesk(t, callqueue.Queue{ID: "q"})
		d.agent("ada", 1, nil)
		x := d.join("c1", "q")
		d.done(d.wantOffer(x, "ada"), result)
		d.wantNoOffer()
		if m := d.person("ada").Misses; m != misses {
			t.Errorf("%s counts %d misses, want %d", result, m, misses)
		}
		d.wait(callqueue.RetryDelay)
		d.wantOffer(x, "ada")
	}
}

func TestWrapUpIsTimedExtendedAndEndedEarly(t *testing.T) {
	talk := func(t *testing.T) (*desk, call.EntryID) {
		d := newDesk(t, callqueue.Queue{ID: "q", WrapUp: 30 * time.Second})
		d.agent("ada", 1, nil)
		x := d.join("c1", "q")
		d.done(d.wantOffer(x, "ada"), call.OfferAnswered)
		d.wait(time.Minute).wantAgent("ada", call.Available, call.Talking)
		d.do(callqueue.TalkEnded{Agent: "ada", Call: "c1", At: d.now})
		d.wantAgent("ada", call.Available, call.WrapUp)
		x = d.join("c2", "q")
		d.wantNoOffer()
		return d, x
	}
	t.Run("timed", func(t *testing.T) {
		d, x := talk(t)
		d.wait(30*time.Second - 1).wantNoOffer()
		d.wait(1).wantOffer(x, "ada")
	})
	t.Run("ended early", func(t *testing.T) {
		d, x := talk(t)
		d.wait(time.Second).do(callqueue.WrapUpEnded{Agent: "ada"}).wantOffer(x, "ada")
	})
	t.Run("extended", func(t *testing.T) {
		d, x := talk(t)
		d.do(callqueue.WrapUpExtended{Agent: "ada", Until: d.now.Add(time.Hour)})
		d.wait(time.Hour - 1).wantNoOffer()
		d.wait(1).wantOffer(x, "ada")
	})
	t.Run("not after finishing", func(t *testing.T) {
		d := newDesk(t, callqueue.Queue{ID: "q"})
		d.agent("ada", 1, nil)
		d.done(d.wantOffer(d.join("c1", "q"), "ada"), call.OfferAnswered)
		d.do(callqueue.PresenceSet{Agent: "ada", Presence: call.Finishing, By: "self"})
		d.wantAgent("ada", call.Finishing, call.Talking)
		d.do(callqueue.TalkEnded{Agent: "ada", Call: "c1", At: d.now})
		d.wantAgent("ada", call.LoggedOut, call.Idle)
	})
}

func TestBreakDuringAnOfferWithdrawsIt(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q"})
	d.agent("ada", 1, nil)
	x := d.join("c1", "q")
	o := d.wantOffer(x, "ada")
	d.do(callqueue.PresenceSet{Agent: "ada", Presence: call.OnBreak, Reason: "lunch", By: "self"})
	if got := find[callqueue.WithdrawOffer](d.fx); len(got) != 1 || got[0].ID != o {
		t.Fatalf("withdrawn: %v", got)
	}
	d.agent("bob", 1, nil)
	d.wantOffer(x, "bob")
}

func TestCallerWhoLeavesIsShortBelowTheLimit(t *testing.T) {
	for after, want := range map[time.Duration]call.Outcome{
		5*time.Second - 1: call.OutcomeAbandonedShort,
		5 * time.Second:   call.OutcomeAbandoned,
	} {
		d := newDesk(t, callqueue.Queue{ID: "q"})
		d.agent("ada", 1, nil)
		x := d.join("c1", "q")
		o := d.wantOffer(x, "ada")
		d.wait(after).do(callqueue.Leave{Entry: x, Outcome: call.OutcomeAbandoned})
		left := find[callqueue.LeftQueue](d.fx)
		if len(left) != 1 || left[0].Outcome != want || left[0].Wait != after.Truncate(time.Microsecond) {
			t.Errorf("after %v: %+v, want %s", after, left, want)
		}
		if got := find[callqueue.WithdrawOffer](d.fx); len(got) != 1 || got[0].ID != o {
			t.Errorf("withdrawn: %v", got)
		}
		d.fx = d.e.Apply(d.now, callqueue.OfferDone{Offer: o, Result: call.OfferAnswered})
		if err := d.refused(); !errors.Is(err, callqueue.ErrUnknownOffer) {
			t.Errorf("answer after the caller left: %v", err)
		}
		d.wantAgent("ada", call.Available, call.Idle)
	}
}

func TestLongestWaitOverflowsButLetsAPhoneRingOut(t *testing.T) {
	q := callqueue.Queue{ID: "q", MaxWait: 20 * time.Second}
	d := newDesk(t, q)
	d.join("c1", "q")
	d.wait(20 * time.Second)
	if left := find[callqueue.LeftQueue](d.fx); len(left) != 1 || left[0].Outcome != call.OutcomeTimeoutOverflow {
		t.Fatalf("left: %+v", left)
	}
	x := d.join("c2", "q")
	d.wait(10*time.Second).agent("ada", 1, nil)
	o := d.wantOffer(x, "ada")
	d.ring(o).wait(14 * time.Second) // 24 s: past the limit, still ringing
	if left := find[callqueue.LeftQueue](d.fx); len(left) != 0 {
		t.Fatalf("left while a phone rings: %+v", left)
	}
	d.wait(time.Second)
	d.wantNoOffer()
	if left := find[callqueue.LeftQueue](d.fx); len(left) != 1 || left[0].Outcome != call.OutcomeTimeoutOverflow {
		t.Fatalf("left: %+v", left)
	}
}

func TestRefusals(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", MaxLen: 1})
	d.agent("ada", 1, nil)
	x := d.join("c1", "q")
	d.done(d.wantOffer(x, "ada"), call.OfferAnswered)
	d.join("c2", "q")
	for _, c := range []struct {
		in   callqueue.Input
		want error
	}{
		{callqueue.Join{Entry: "c3.q1", Queue: "q", Joined: d.now}, callqueue.ErrFull},
		{callqueue.Join{Entry: "c3.q1", Queue: "?", Joined: d.now}, callqueue.ErrUnknownQueue},
		{callqueue.Join{Entry: "c2.q1", Queue: "q", Joined: d.now}, callqueue.ErrBusy},
		{callqueue.Leave{Entry: "c1.q1", Outcome: call.OutcomeAbandoned}, callqueue.ErrUnknownEntry},
		{callqueue.Leave{Entry: "c2.q1", Outcome: call.OutcomeAnswered}, callqueue.ErrInvalid},
		{callqueue.SetQueues{}, callqueue.ErrBusy},
		{callqueue.SetQueues{Queues: []callqueue.Queue{{ID: "q"}, {ID: "q"}}}, callqueue.ErrInvalid},
		{callqueue.PresenceSet{Agent: "ada", Presence: call.LoggedOut}, callqueue.ErrTalking},
		{callqueue.PresenceSet{Agent: "ada", Presence: "?"}, callqueue.ErrInvalid},
		{callqueue.PresenceSet{Agent: "?", Presence: call.Available}, callqueue.ErrUnknownAgent},
		{callqueue.WrapUpEnded{Agent: "ada"}, callqueue.ErrNotTalking},
		{callqueue.TalkEnded{Agent: "ada", Call: "c2", At: d.now}, callqueue.ErrNotTalking},
		{callqueue.TalkBegan{Agent: "ada", Call: "c2"}, callqueue.ErrTalking},
		{callqueue.AgentSet{Agent: agents.Agent{ID: "bob", Device: "ada"}}, callqueue.ErrBusy},
		{callqueue.AgentSet{}, callqueue.ErrInvalid},
	} {
		before := fmt.Sprint(d.e.Queues(d.now), d.e.Agents(d.now))
		d.fx = d.e.Apply(d.now, c.in)
		if err := d.refused(); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.in, err, c.want)
		}
		if len(d.fx) != 1 || fmt.Sprint(d.e.Queues(d.now), d.e.Agents(d.now)) != before {
			t.Errorf("%+v is refused but did something: %+v", c.in, d.fx)
		}
	}
}

func TestQueueChangesApplyToThoseWhoWait(t *testing.T) {
	strict := callqueue.Queue{ID: "q", Need: call.Requirement{Skills: map[string]int{"vpn": 5}}}
	d := newDesk(t, strict, callqueue.Queue{ID: "old"})
	d.agent("ada", 1, map[string]int{"vpn": 2})
	x := d.join("c1", "q")
	d.wantNoOffer()
	strict.Need.Skills = map[string]int{"vpn": 2}
	d.do(callqueue.SetQueues{Queues: []callqueue.Queue{strict}}) // old has no callers and may go
	d.wantOffer(x, "ada")
}

func TestResumedCallKeepsItsPlaceAndIsNotJournalledAgain(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", MaxLen: 1})
	began := d.now.Add(-time.Minute)
	d.join("new", "q")
	d.do(callqueue.Join{Entry: "old.q1", Queue: "q", Joined: began, Resume: true, Offers: 2})
	if n := len(find[callqueue.Record](d.fx)); n != 0 {
		t.Errorf("%d events", n)
	}
	d.agent("ada", 1, nil)
	if o := d.wantOffer("old.q1", "ada"); o != "old.q1.o3" {
		t.Errorf("offer %s uses an id again", o)
	}
}

func TestRestoredAgents(t *testing.T) {
	restore := func(t *testing.T, r agents.Record) *desk {
		d := newDesk(t, callqueue.Queue{ID: "q", WrapUp: 5 * time.Second})
		r.ID, r.Presence, r.Queue = "ada", call.Available, "q"
		d.do(callqueue.AgentSet{Agent: agents.Agent{ID: "ada", Device: "ada"}})
		d.do(callqueue.AgentRestored{Record: r})
		return d
	}
	t.Run("an offer did not survive", func(t *testing.T) {
		d := restore(t, agents.Record{Activity: call.Offering, Call: "c1"})
		d.wantAgent("ada", call.Available, call.Idle)
		if !recorded(d.fx, call.ActivityChanged{Activity: call.Idle}) {
			t.Error("not recorded")
		}
	})
	t.Run("a talk that is confirmed ends like any other", func(t *testing.T) {
		d := restore(t, agents.Record{Activity: call.Holding, Call: "c1"})
		d.do(callqueue.TalkBegan{Agent: "ada", Call: "c1"})
		d.wait(time.Hour).wantAgent("ada", call.Available, call.Holding)
		d.do(callqueue.TalkEnded{Agent: "ada", Call: "c1", At: d.now})
		d.wait(5*time.Second-1).wantAgent("ada", call.Available, call.WrapUp)
		d.wait(1).wantAgent("ada", call.Available, call.Idle)
	})
	t.Run("a talk that nobody confirms is given up", func(t *testing.T) {
		d := restore(t, agents.Record{Activity: call.Talking, Call: "c1"})
		d.wait(callqueue.RestoreGrace-1).wantAgent("ada", call.Available, call.Talking)
		d.wait(1).wantAgent("ada", call.Available, call.Idle)
	})
	t.Run("a wrap-up goes on to its end", func(t *testing.T) {
		d := restore(t, agents.Record{Activity: call.WrapUp, Call: "c1", Until: time.Date(2026, 3, 2, 9, 0, 9, 0, time.UTC)})
		d.wait(9*time.Second-1).wantAgent("ada", call.Available, call.WrapUp)
		d.wait(1).wantAgent("ada", call.Available, call.Idle)
	})
}

func TestWhySaysWhatKeepsEveryAgentFromTheCall(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", Need: call.Requirement{Skills: map[string]int{"printer": 2}}})
	able := map[string]int{"printer": 2}
	d.agent("a", 1, able)
	d.done(d.wantOffer(d.join("c1", "q"), "a"), call.OfferAnswered)
	d.agent("b", 1, map[string]int{"printer": 1})
	d.agent("c", 1, nil)
	d.agent("d", 1, able)
	d.do(callqueue.PresenceSet{Agent: "d", Presence: call.OnBreak, Reason: "lunch"})
	d.do(callqueue.DeviceReachable{Device: "e"})
	d.agent("e", 1, able)
	d.join("c2", "q")
	x := d.join("c3", "q")
	d.wait(3 * time.Second)
	got, err := d.e.Explain(d.now, x)
	if err != nil {
		t.Fatal(err)
	}
	want := callqueue.Why{
		Entry: x, Queue: "q", Need: call.Requirement{Skills: able}, Wait: 3 * time.Second, Position: 2,
		Reasons: []callqueue.Reason{{"lacks printer ≥ 2", 2}, {"on break", 1}, {"talking", 1}, {"unreachable", 1}},
		Each: []callqueue.Standing{
			{"a", "talking"}, {"b", "lacks printer ≥ 2"}, {"c", "lacks printer ≥ 2"}, {"d", "on break"}, {"e", "unreachable"},
		},
		Text: "2 lacks printer ≥ 2, 1 on break, 1 talking, 1 unreachable",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestViewsShowQueuesAndAgents(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", Name: "Desk"}, callqueue.Queue{ID: "l2", Need: call.Requirement{Level: 2}})
	x := d.join("c1", "q")
	d.wait(7 * time.Second)
	d.join("c2", "q")
	d.agent("ada", 1, nil)
	v := d.e.Queues(d.now)
	if len(v) != 2 || v[0].Name != "Desk" || v[0].Waiting != 2 || v[0].Offered != 1 || v[0].Longest != 7*time.Second ||
		v[0].Staffed != 1 || v[0].Ready != 0 || v[1].Staffed != 0 {
		t.Errorf("queues: %+v", v)
	}
	if c := v[0].Calls; len(c) != 2 || c[0].Entry != x || c[0].Agent != "ada" {
		t.Errorf("calls: %+v", c)
	}
	if a := d.person("ada"); a.Activity != call.Offering || a.Call != "c1" || !a.Until.Equal(d.now.Add(15*time.Second)) {
		t.Errorf("agent: %+v", a)
	}
}
