package callqueue_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

func (d *desk) rules(r callqueue.Rules) *desk {
	d.t.Helper()
	return d.do(callqueue.SetRules{Rules: r})
}

func (d *desk) put(in callqueue.Join) call.EntryID {
	d.t.Helper()
	if in.Joined.IsZero() {
		in.Joined = d.now
	}
	d.do(in)
	return in.Entry
}

// served is the order in which one agent gets those who wait.
func (d *desk) served() (row []call.EntryID) {
	d.t.Helper()
	d.agent("ada", 1, nil)
	for {
		got := find[callqueue.Offer](d.fx)
		if len(got) == 0 {
			return row
		}
		row = append(row, got[0].Entry)
		d.do(callqueue.Leave{Entry: got[0].Entry, Outcome: call.OutcomeWithdrawn})
	}
}

func TestPriorityAgesSoThatNobodyIsOvertakenForEver(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "plain"}, callqueue.Queue{ID: "vip", Priority: 6})
	d.rules(callqueue.Rules{Order: callqueue.Order{PerMinute: 2}}) // 6 more are worth three minutes
	old := d.join("old", "plain")
	d.wait(3*time.Minute - time.Second)
	quick := d.join("quick", "vip") // within three minutes: overtakes
	d.wait(2 * time.Second)
	late := d.join("late", "vip") // after: does not
	if got, want := d.served(), []call.EntryID{quick, old, late}; !slices.Equal(got, want) {
		t.Errorf("served %v, want %v", got, want)
	}
}

func TestLeastSlackGoesFirstWithinABound(t *testing.T) {
	queues := []callqueue.Queue{
		{ID: "gold", Target: call.Target{Within: 20 * time.Second}},
		{ID: "plain", Target: call.Target{Within: 10 * time.Minute}},
	}
	d := newDesk(t, queues...)
	d.rules(callqueue.Rules{Order: callqueue.Order{By: callqueue.OrderBySlack, Bound: time.Minute}})
	plain := d.join("plain", "plain")
	d.wait(30 * time.Second)
	gold := d.join("gold", "gold") // 20 s left, of plain 9:30, but at most a minute earlier is overtaken
	d.wait(11 * time.Second)
	late := d.join("late", "gold")                                                                     // joined 41 s after plain, which counts as one minute
	tight := d.put(callqueue.Join{Entry: "tight.q1", Queue: "plain", Within: 5 * time.Second})         // the client's contract
	loose := d.put(callqueue.Join{Entry: "loose.q1", Queue: "gold", Within: time.Hour, Joined: d.now}) // the queue's is tighter
	if got, want := d.served(), []call.EntryID{tight, gold, plain, late, loose}; !slices.Equal(got, want) {
		t.Errorf("served %v, want %v", got, want)
	}
}

func TestSupervisorChangesAPriorityLiveWithAReason(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", Priority: 3})
	x, y := d.join("c1", "q"), d.join("c2", "q")
	d.do(callqueue.Prioritize{Entry: y, Priority: 5, By: "supervisor:sue", Reason: "outage"})
	if !recorded(d.fx, call.QueueReprioritized{Entry: y, Priority: 5, By: "supervisor:sue", Reason: "outage"}) {
		t.Errorf("not recorded: %+v", d.fx)
	}
	d.do(callqueue.SetQueues{Queues: []callqueue.Queue{{ID: "q", Priority: 4}}}) // the person's word holds
	z := d.join("c3", "q")
	d.do(callqueue.Prioritize{Entry: x, Priority: 0, By: "supervisor:sue", Reason: "a test call"}) // 0 is 0 here
	if got, want := d.served(), []call.EntryID{y, z, x}; !slices.Equal(got, want) {
		t.Errorf("served %v, want %v", got, want)
	}
	x = d.join("c4", "q")
	for _, bad := range []callqueue.Prioritize{
		{Entry: x, Priority: 1, By: "supervisor:sue"}, {Entry: x, Priority: 1, Reason: "r"}, {Entry: x, Priority: -1, By: "b", Reason: "r"},
	} {
		d.fx = d.e.Apply(d.now, bad)
		if err := d.refused(); !errors.Is(err, callqueue.ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestOneClientsOutageLeavesAgentsToTheOthers(t *testing.T) {
	for name, limit := range map[string]callqueue.Cap{"number": {Agents: 2}, "share": {Share: 50}} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, callqueue.Queue{ID: "q", WrapUp: 10 * time.Second})
			d.rules(callqueue.Rules{Clients: map[string]callqueue.Cap{"acme": limit}})
			for i := range 5 {
				d.put(callqueue.Join{Entry: call.EntryID(fmt.Sprintf("a%d.q1", i)), Queue: "q", Client: "acme"})
			}
			other := d.put(callqueue.Join{Entry: "other.q1", Queue: "q", Client: "other"})
			offers := make(map[call.EntryID]callqueue.Offer)
			for _, id := range []call.AgentID{"a", "b", "c", "d"} {
				d.do(callqueue.AgentSet{Agent: agents.Agent{ID: id, Device: call.DeviceID(id)}})
			}
			for _, id := range []call.AgentID{"a", "b", "c", "d"} {
				d.do(callqueue.PresenceSet{Agent: id, Presence: call.Available})
				for _, o := range find[callqueue.Offer](d.fx) {
					offers[o.Entry] = o
				}
			}
			_, served := offers[other]
			if len(offers) != 3 || !served {
				t.Fatalf("offered %v", offers)
			}
			why, _ := d.e.Explain(d.now, "a4.q1")
			if !strings.Contains(why.Text, "1 free, but client acme has its 2") {
				t.Errorf("why: %s", why.Text)
			}
			first := offers["a0.q1"]
			d.done(first.ID, call.OfferAnswered)
			d.do(callqueue.TalkEnded{Agent: first.Agent, Call: "a0", At: d.now})
			d.wantNoOffer() // in wrap-up
			d.wait(10*time.Second).wantOffer("a2.q1", "d")
		})
	}
}

func TestAShareGrowsWithThoseWhoCome(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q", Need: asking("vpn", 1)})
	d.rules(callqueue.Rules{Clients: map[string]callqueue.Cap{"acme": {Share: 50}}})
	d.agent("a", 1, skill("vpn", 1))
	d.agent("b", 1, skill("vpn", 1))
	d.wantOffer(d.put(callqueue.Join{Entry: "c1.q1", Queue: "q", Client: "acme"}), "a")
	x := d.put(callqueue.Join{Entry: "c2.q1", Queue: "q", Client: "acme"})
	d.wantNoOffer()
	d.agent("other 1", 1, nil)
	d.wantNoOffer() // half of three is one
	d.agent("other 2", 1, nil)
	d.wantOffer(x, "b")
}

func TestAgentsAreKeptForAClass(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q"})
	d.rules(callqueue.Rules{Reserves: []callqueue.Reserve{{Name: "on-call", Classes: []string{"on-call"}, Need: asking("vpn", 1), Keep: 1}}})
	d.agent("a", 1, skill("vpn", 1))
	x := d.join("c1", "q")
	d.wantNoOffer()
	if why, _ := d.e.Explain(d.now, x); why.Text != "1 free, but kept for on-call" {
		t.Errorf("why: %s", why.Text)
	}
	d.agent("b", 1, skill("vpn", 2)) // another profile of the same pool
	d.wantOffer(x, "a")
	y := d.put(callqueue.Join{Entry: "c2.q1", Queue: "q", Class: "gold"})
	d.wantNoOffer()
	z := d.put(callqueue.Join{Entry: "c3.q1", Queue: "q", Class: "on-call"})
	d.wantOffer(z, "b")
	d.agent("plain", 1, nil)
	d.wantOffer(y, "plain") // of no pool
}

func TestRepeatCallerIsKeptForTheHandlerForAWhile(t *testing.T) {
	prefer := func(d *desk, n string) call.EntryID {
		return d.put(callqueue.Join{Entry: call.ID(n).Entry(1), Queue: "q", Prefer: "han", PreferFor: 30 * time.Second})
	}
	busy := func(t *testing.T) (*desk, call.EntryID) {
		d := newDesk(t, callqueue.Queue{ID: "q", WrapUp: -1})
		d.agent("han", 1, nil)
		d.done(d.wantOffer(d.join("c0", "q"), "han"), call.OfferAnswered)
		d.agent("ada", 1, nil)
		x := prefer(d, "c1")
		d.wantNoOffer()
		if why, _ := d.e.Explain(d.now, x); why.Text != "1 free, but han is asked for, 1 talking" {
			t.Errorf("why: %s", why.Text)
		}
		return d, x
	}
	t.Run("free at once", func(t *testing.T) {
		d := newDesk(t, callqueue.Queue{ID: "q"})
		d.agent("ada", 1, nil)
		d.wait(time.Second).agent("han", 1, nil)
		d.wantOffer(prefer(d, "c1"), "han")
		if why := find[callqueue.Offer](d.fx)[0].Why; why != "idle 00:00, asked for" {
			t.Error(why)
		}
	})
	t.Run("becomes free", func(t *testing.T) {
		d, x := busy(t)
		d.wait(29 * time.Second).do(callqueue.TalkEnded{Agent: "han", Call: "c0", At: d.now})
		d.wantOffer(x, "han")
	})
	t.Run("does not in time", func(t *testing.T) {
		d, x := busy(t)
		d.wait(30*time.Second - 1).wantNoOffer()
		d.wait(1).wantOffer(x, "ada")
	})
	t.Run("goes on break", func(t *testing.T) {
		d, x := busy(t)
		d.do(callqueue.PresenceSet{Agent: "han", Presence: call.OnBreak})
		d.wantOffer(x, "ada")
	})
	t.Run("goes off the roster", func(t *testing.T) {
		d, x := busy(t)
		d.do(callqueue.TalkHeld{Agent: "han", Held: true})
		d.do(callqueue.AgentGone{Agent: "han"})
		d.do(callqueue.TalkEnded{Agent: "han", Call: "c0", At: d.now})
		d.wantOffer(x, "ada")
	})
	t.Run("has no phone when the caller comes", func(t *testing.T) {
		d := newDesk(t, callqueue.Queue{ID: "q"})
		d.do(callqueue.DeviceReachable{Device: "han"})
		d.agent("han", 1, nil)
		d.agent("ada", 1, nil)
		d.wantOffer(prefer(d, "c1"), "ada")
	})
	t.Run("has none after the talk", func(t *testing.T) {
		d, x := busy(t)
		d.do(callqueue.DeviceReachable{Device: "han"}).wantNoOffer()
		d.do(callqueue.TalkEnded{Agent: "han", Call: "c0", At: d.now})
		d.wantOffer(x, "ada")
	})
	t.Run("declines", func(t *testing.T) {
		d, x := busy(t)
		d.do(callqueue.TalkEnded{Agent: "han", Call: "c0", At: d.now})
		d.done(d.wantOffer(x, "han"), call.OfferRejected)
		d.wantOffer(x, "ada")
	})
	t.Run("loses the skill", func(t *testing.T) {
		d := newDesk(t, callqueue.Queue{ID: "q", WrapUp: -1, Need: asking("vpn", 1)})
		d.agent("han", 1, skill("vpn", 1))
		d.done(d.wantOffer(d.join("c0", "q"), "han"), call.OfferAnswered)
		d.agent("ada", 1, skill("vpn", 1))
		x := prefer(d, "c1")
		d.wantNoOffer()
		d.do(callqueue.AgentSet{Agent: agents.Agent{ID: "han", Device: "han"}})
		d.wantOffer(x, "ada")
	})
	t.Run("is nobody", func(t *testing.T) {
		d := newDesk(t, callqueue.Queue{ID: "q"})
		d.agent("ada", 1, nil)
		d.wantOffer(prefer(d, "c1"), "ada")
	})
	t.Run("comes back while another phone rings", func(t *testing.T) {
		d, x := busy(t)
		d.do(callqueue.PresenceSet{Agent: "han", Presence: call.OnBreak})
		o := d.wantOffer(x, "ada")
		d.do(callqueue.PresenceSet{Agent: "han", Presence: call.Available})
		d.do(callqueue.Prioritize{Entry: x, Priority: 1, By: "supervisor:sue", Reason: "r"})
		if v := d.e.Queues(d.now)[0].Calls[0]; v.Prefer != "" || v.Agent != "ada" {
			t.Errorf("%+v", v)
		}
		d.done(o, call.OfferRejected)
		if v := d.e.Queues(d.now)[0].Calls[0]; v.Prefer != "han" {
			t.Errorf("%+v", v)
		}
	})
	t.Run("goes by the one order all the same", func(t *testing.T) {
		d, x := busy(t)
		d.do(callqueue.PresenceSet{Agent: "ada", Presence: call.OnBreak})
		vip := d.put(callqueue.Join{Entry: "vip.q1", Queue: "q", Priority: 9})
		d.do(callqueue.TalkEnded{Agent: "han", Call: "c0", At: d.now})
		o := d.wantOffer(vip, "han")
		d.done(o, call.OfferAnswered)
		d.do(callqueue.TalkEnded{Agent: "han", Call: "vip", At: d.now})
		d.wantOffer(x, "han")
	})
}

func TestBreakReasonsHaveLimits(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "vpn", Need: asking("vpn", 1)})
	d.rules(callqueue.Rules{Breaks: map[string]callqueue.BreakRule{"lunch": {Most: 2, Queues: map[call.QueueID]int{"vpn": 1}}}})
	for _, id := range []call.AgentID{"a", "b", "c", "d"} {
		d.agent(id, 1, nil)
	}
	d.agent("v", 1, skill("vpn", 1))
	d.agent("w", 1, skill("vpn", 1))
	lunch := func(id call.AgentID, by string) error {
		d.fx = d.e.Apply(d.now, callqueue.PresenceSet{Agent: id, Presence: call.OnBreak, Reason: "lunch", By: by})
		return d.refused()
	}
	for _, c := range []struct {
		id   call.AgentID
		by   string
		want error
	}{
		{"v", "self", nil},
		{"w", "self", callqueue.ErrBreakFull}, // the second of the queue
		{"a", "self", nil},
		{"b", "self", callqueue.ErrBreakFull}, // the third in all
		{"b", "supervisor:sue", nil},
		{"a", "self", nil}, // is on it already
	} {
		if err := lunch(c.id, c.by); !errors.Is(err, c.want) {
			t.Errorf("%s by %s: %v, want %v", c.id, c.by, err, c.want)
		}
	}
	d.do(callqueue.PresenceSet{Agent: "c", Presence: call.OnBreak, Reason: "training", By: "self"}) // has no limit
	d.do(callqueue.SetQueues{Queues: []callqueue.Queue{{ID: "vpn", Need: asking("vpn", 1)}}})       // a reload keeps the reasons
	if v := d.person("c"); v.Reason != "training" {
		t.Errorf("%+v", v)
	}
	for _, id := range []call.AgentID{"a", "b"} {
		d.do(callqueue.PresenceSet{Agent: id, Presence: call.Available})
	}
	if err := lunch("d", "self"); err != nil {
		t.Error(err)
	}
}

// asterisk#1255: a reload of the members ends wrap-ups.
func TestReloadKeepsWrapUpsBreaksOffersAndTalks(t *testing.T) {
	q := callqueue.Queue{ID: "q", WrapUp: time.Minute}
	d := newDesk(t, q)
	for _, id := range []call.AgentID{"talks", "wraps", "rung"} {
		d.agent(id, 1, nil)
	}
	d.done(d.wantOffer(d.join("c1", "q"), "rung"), call.OfferAnswered) // by id, all are idle alike
	d.do(callqueue.TalkEnded{Agent: "rung", Call: "c1", At: d.now})
	d.done(d.wantOffer(d.join("c2", "q"), "talks"), call.OfferAnswered)
	d.wait(59 * time.Second).do(callqueue.PresenceSet{Agent: "wraps", Presence: call.OnBreak, Reason: "tea"})
	d.agent("eve", 1, nil)
	o := d.wantOffer(d.join("c3", "q"), "eve")
	q.Name, q.WrapUp, q.Need = "other", 5*time.Second, asking("vpn", 9)
	d.do(callqueue.SetQueues{Queues: []callqueue.Queue{q}})
	d.rules(callqueue.Rules{Order: callqueue.Order{By: callqueue.OrderBySlack}})
	for _, id := range []call.AgentID{"talks", "wraps", "rung", "eve"} {
		d.do(callqueue.AgentSet{Agent: agents.Agent{ID: id, Device: call.DeviceID(id), Name: "New Name"}})
	}
	d.wantAgent("talks", call.Available, call.Talking)
	d.wantAgent("wraps", call.OnBreak, call.Idle)
	d.wantAgent("rung", call.Available, call.WrapUp)
	d.wantAgent("eve", call.Available, call.Offering)
	d.wait(time.Second-1).wantAgent("rung", call.Available, call.WrapUp)
	d.wait(1).wantAgent("rung", call.Available, call.Idle)
	d.done(o, call.OfferAnswered)
	d.wantAgent("eve", call.Available, call.Talking)
	if v := d.person("wraps"); v.Reason != "tea" {
		t.Errorf("%+v", v)
	}
}

func TestFaultsOfRules(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q"})
	bad := callqueue.Rules{
		Order: callqueue.Order{By: "fifo", PerMinute: -1, Bound: -1}, Clients: map[string]callqueue.Cap{"acme": {Share: 101}},
		Reserves: []callqueue.Reserve{{Name: "r", Keep: 0}}, Breaks: map[string]callqueue.BreakRule{"lunch": {Most: -1}},
	}
	d.fx = d.e.Apply(d.now, callqueue.SetRules{Rules: bad})
	err := d.refused()
	if !errors.Is(err, callqueue.ErrInvalid) {
		t.Fatal(err)
	}
	for _, want := range []string{`unknown order "fifo"`, "-1 points", "overtaking", `client "acme"`, `reserve "r"`, `break "lunch"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in: %v", want, err)
		}
	}
}
