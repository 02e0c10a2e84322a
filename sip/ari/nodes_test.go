package ari

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// two is a front end on two nodes.
func two(t *testing.T, a, b *fakePBX) (*process, <-chan *call.Call) {
	t.Helper()
	return served(t, a, func(c *Config) {
		other := c.Nodes[0]
		other.Name = "two"
		c.Nodes = append(c.Nodes, other)
		c.Connect = func(n Node, _ *zap.Logger) (PBX, error) {
			if n.Name == "two" {
				return b, nil
			}
			return a, nil
		}
	})
}

func TestALegIsMadeAtTheNodeOfItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newFakePBX(), newFakePBX()
		p, calls := two(t, a, b)
		here, there := a.phone("2001"), b.phone("2001")
		_, c := answered(t, b, calls)
		l, err := p.Originate(t.Context(), call.Originate{ID: c.ID.Entry(1).Offer(1).AgentLeg(), To: call.Endpoint{Device: "2001"}})
		must(t, err)
		wait(t, "the phone at the call's node rings", there.Ringing)
		if here.offers != 0 {
			t.Error("the phone at the other node was rung")
		}
		_, other := answered(t, a, calls)
		if _, err := p.Bridge(t.Context(), call.BridgeSpec{ID: c.ID.Bridge(1), Caller: other.Leg, Agent: l}); err == nil {
			t.Error("legs of two nodes were joined")
		}
	})
}

func TestACallWithoutACallerGoesToTheEmptiestNodeThatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newFakePBX(), newFakePBX()
		p, calls := two(t, a, b)
		a.phone("2001")
		b.phone("2001")
		answered(t, a, calls)
		back := func() *node {
			t.Helper()
			l, err := p.Originate(t.Context(), call.Originate{ID: call.NewID(time.Now()).Entry(1).Offer(1).AgentLeg(), To: call.Endpoint{Device: "2001"}})
			must(t, err)
			defer func() { must(t, l.Hangup(t.Context(), call.Cause{Reason: call.Completed})) }()
			return l.(*leg).node
		}
		if n := back(); n.cfg.Name != "two" {
			t.Errorf("it went to node %s", n.cfg.Name)
		}
		must(t, p.Drain("two", true))
		if n := back(); n.cfg.Name != "one" {
			t.Errorf("it went to node %s, which drains", n.cfg.Name)
		}
	})
}

func TestOneNodeGoesAndTheOtherWorksOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newFakePBX(), newFakePBX()
		_, calls := two(t, a, b)
		_, gone := answered(t, a, calls)
		_, c := answered(t, b, calls)
		a.restart(time.Second)
		must(t, c.Leg.Play(t.Context(), "prompt:short"))
		if got := soonEnded(t, gone.Leg); got.Reason != call.SwitchGone {
			t.Errorf("ended as %v", got)
		}
	})
}

func TestAPhoneIsThereAsLongAsSomeNodeHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newFakePBX(), newFakePBX()
		a.phone("2001")
		b.phone("2001")
		b.phone("2002")
		p, _ := two(t, a, b)
		go a.cut(30 * time.Minute)
		time.Sleep(10 * time.Minute)
		if !p.Reachable("2001") || !p.Reachable("2002") || p.Reachable("2003") {
			t.Error("which phones are there is said wrongly")
		}
		go b.cut(30 * time.Minute)
		time.Sleep(10 * time.Minute)
		if p.Reachable("2001") {
			t.Error("a phone is there although no node is")
		}
		for _, s := range p.Nodes() {
			if s.Up {
				t.Errorf("node %s is said to be up", s.Name)
			}
		}
		time.Sleep(time.Hour)
		if !p.Reachable("2001") {
			t.Error("a phone is not there although its nodes are back")
		}
	})
}

func TestADeviceThatCallsInIsKnownAsOne(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		_, calls := served(t, f, func(c *Config) {
			c.Devices = func(d call.DeviceID) bool { return d == "2001" }
			c.Nodes[0].Trunks = []Trunk{{Name: "carrier", Dial: "PJSIP/{number}@trunk", Allow: []string{"+"}}}
			c.Known = func(number string) bool { return number == "1000" }
		})
		_, c := answered(t, f, calls)
		if c.Device != "" || c.Trunk != "carrier" || c.From.Number != "+4930123" || c.To.Number != "1000" {
			t.Errorf("through the trunk came %+v", c)
		}
		f.mu.Lock()
		ch := f.newChannel("", "PJSIP/2001", "Ring")
		ch.inbound, ch.Dialplan.Exten = true, "1000"
		f.enter(ch)
		f.mu.Unlock()
		if c := soon(t, "the phone's call comes in", calls); c.Device != "2001" || c.Trunk != "2001" {
			t.Errorf("from the phone came %+v", c)
		}
		f.dialIn("1001")
		wait(t, "a number that nobody has goes back", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.fellBack) == 1 })
	})
}

func TestAnIDIsTheSameAfterARestart(t *testing.T) {
	at := time.Date(2026, 11, 24, 8, 0, 0, 123e6, time.UTC)
	a, b := call.DerivedID(at, "one/peer-1.2"), call.DerivedID(at, "one/peer-1.2")
	if a != b || a == call.DerivedID(at, "two/peer-1.2") {
		t.Errorf("%s %s", a, b)
	}
	if got, err := call.UUIDTime(string(a)); err != nil || !got.Equal(at) {
		t.Errorf("%s is of %v (%v)", a, got, err)
	}
}
