package callqueue_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

// shift is a day's work of one queue, of which the journal is kept. It is restarted
// when nobody waits.
type shift struct {
	t      *rapid.T
	e      *callqueue.Engine
	queue  callqueue.Queue
	now    time.Time
	n      int64
	people map[call.AgentID]*agents.Record
	talks  map[call.AgentID]call.ID
}

func newShift(t *rapid.T, s callqueue.Strategy) *shift {
	d := &shift{
		t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), people: make(map[call.AgentID]*agents.Record), talks: make(map[call.AgentID]call.ID),
		queue: callqueue.Queue{ID: "q", Strategy: s, WrapUp: 7 * time.Second, Misses: 3, Need: asking("x", 1), NoAnswerDelay: 4 * time.Second},
	}
	d.e = d.open()
	for i := range 5 {
		d.hire(call.AgentID(fmt.Sprint("p", i)))
	}
	return d
}

func (d *shift) open() *callqueue.Engine {
	e := callqueue.NewEngine()
	e.Apply(d.now, callqueue.SetQueues{Queues: []callqueue.Queue{d.queue}})
	e.Apply(d.now, callqueue.SetRules{Rules: callqueue.Rules{Clients: map[string]callqueue.Cap{"acme": {Agents: 2}}}})
	return e
}

func (d *shift) do(in callqueue.Input) []callqueue.Effect {
	fx := d.e.Apply(d.now, in)
	for _, f := range find[callqueue.Record](fx) {
		d.journal(f.Event)
	}
	for _, c := range find[callqueue.Connected](fx) {
		d.talks[c.Agent] = c.Entry.Call()
	}
	return fx
}

func (d *shift) journal(ev call.Event) {
	d.n++
	ev.Global = d.n
	if ev.Stream.Kind != call.StreamAgent {
		return
	}
	id := call.AgentID(ev.Stream.ID)
	if d.people[id] == nil {
		d.people[id] = new(agents.Record)
	}
	if err := d.people[id].Apply(ev); err != nil {
		d.t.Fatal(err)
	}
}

func (d *shift) hire(id call.AgentID) {
	a := agents.Agent{ID: id, Device: call.DeviceID(id), Level: rapid.IntRange(1, 2).Draw(d.t, "level"), Skills: skill("x", rapid.IntRange(1, 3).Draw(d.t, "x"))}
	d.journal(call.AgentEvent(d.now, id, call.AgentSet{Device: a.Device, Level: a.Level, Skills: a.Skills}))
	d.do(callqueue.AgentSet{Agent: a})
	d.do(callqueue.PresenceSet{Agent: id, Presence: call.Available, By: "self"})
}

// call brings a call to its end: it is offered until somebody answers, or it leaves.
func (d *shift) call() {
	x := call.ID(fmt.Sprintf("c%d", d.n)).Entry(1)
	fx := d.do(callqueue.Join{Entry: x, Queue: "q", Joined: d.now, Client: rapid.SampledFrom([]string{"", "acme"}).Draw(d.t, "client")})
	results := rapid.SampledFrom([]call.OfferResult{call.OfferAnswered, call.OfferAnswered, call.OfferMissed, call.OfferRejected, call.OfferBusy})
	for range 3 {
		offers := find[callqueue.Offer](fx)
		if len(offers) == 0 {
			break
		}
		d.now = d.now.Add(time.Second)
		fx = d.do(callqueue.OfferDone{Offer: offers[0].ID, Result: results.Draw(d.t, "result")})
	}
	d.do(callqueue.Leave{Entry: x, Outcome: call.OutcomeAbandoned})
}

func (d *shift) pass() {
	d.now = d.now.Add(time.Duration(rapid.IntRange(1, 5000).Draw(d.t, "ms")) * time.Millisecond)
	d.do(callqueue.Tick{})
}

func (d *shift) says() {
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(d.people))).Draw(d.t, "who")
	p := rapid.SampledFrom([]call.Presence{call.Available, call.Available, call.OnBreak, call.LoggedOut}).Draw(d.t, "presence")
	d.do(callqueue.PresenceSet{Agent: id, Presence: p, Reason: "r", By: "supervisor:sue"})
}

func (d *shift) phone() {
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(d.talks))).Draw(d.t, "who talks")
	if rapid.Bool().Draw(d.t, "holds") {
		d.do(callqueue.TalkHeld{Agent: id, Held: rapid.Bool().Draw(d.t, "held")})
		return
	}
	d.do(callqueue.TalkEnded{Agent: id, Call: d.talks[id], At: d.now})
	delete(d.talks, id)
}

// again is an engine that knows only what the journal says.
func (d *shift) again() *callqueue.Engine {
	e := d.open()
	for _, id := range slices.Sorted(maps.Keys(d.people)) {
		fx := e.Apply(d.now, callqueue.AgentRestored{Record: *d.people[id]})
		for _, f := range fx {
			if r, ok := f.(callqueue.Refused); ok {
				d.t.Fatalf("%+v: %v", d.people[id], r.Err)
			}
			if r, ok := f.(callqueue.Record); ok {
				d.t.Fatalf("a restart of a process that ended well writes %+v", r.Event)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(d.talks)) {
		e.Apply(d.now, callqueue.TalkBegan{Agent: id, Call: d.talks[id]})
	}
	return e
}

// Round-robin's memory, the counts of calls and talk time, the idle order, misses in
// a row, rests, wrap-ups, and whose calls agents have: all of it is in the journal.
// What draws lots begins anew with another seed, which is journalled.
func TestAfterARestartEveryChoiceIsAsBefore(t *testing.T) {
	chooses := func(s callqueue.Strategy) bool { return !s.Draws() && s != callqueue.RingAll }
	rapid.Check(t, func(t *rapid.T) {
		d := newShift(t, rapid.SampledFrom(callqueue.Strategies()).Filter(chooses).Draw(t, "strategy"))
		t.Repeat(map[string]func(*rapid.T){
			"call": func(*rapid.T) { d.call() }, "call again": func(*rapid.T) { d.call() },
			"time passes": func(*rapid.T) { d.pass() }, "says": func(*rapid.T) { d.says() },
			"talk": func(t *rapid.T) {
				if len(d.talks) == 0 {
					t.Skip("nobody talks")
				}
				d.phone()
			},
			"": func(*rapid.T) {},
		})
		again := d.again()
		if diff := cmp.Diff(d.e.Agents(d.now), again.Agents(d.now)); diff != "" {
			t.Fatalf("(before, after the restart):\n%s", diff)
		}
		d.same(again)
	})
}

// same holds two engines against each other for a few calls more: they offer the
// same calls to the same people, who then stand alike.
func (d *shift) same(again *callqueue.Engine) {
	both := func(in callqueue.Input) []callqueue.Offer {
		offers, others := find[callqueue.Offer](d.e.Apply(d.now, in)), find[callqueue.Offer](again.Apply(d.now, in))
		if diff := cmp.Diff(offers, others); diff != "" {
			d.t.Fatalf("%+v (before, after the restart):\n%s", in, diff)
		}
		if diff := cmp.Diff(d.e.Agents(d.now), again.Agents(d.now)); diff != "" {
			d.t.Fatalf("%+v (before, after the restart):\n%s", in, diff)
		}
		return offers
	}
	for n := range 6 {
		x := call.ID(fmt.Sprint("next", n)).Entry(1)
		for _, o := range both(callqueue.Join{Entry: x, Queue: "q", Joined: d.now, Client: "acme"}) {
			d.now = d.now.Add(time.Second)
			both(callqueue.OfferDone{Offer: o.ID, Result: []call.OfferResult{call.OfferAnswered, call.OfferMissed}[n%2]})
			both(callqueue.TalkEnded{Agent: o.Agent, Call: x.Call(), At: d.now})
		}
		both(callqueue.Leave{Entry: x, Outcome: call.OutcomeAbandoned})
		for _, id := range slices.Sorted(maps.Keys(d.talks)) { // one of those from before
			both(callqueue.TalkEnded{Agent: id, Call: d.talks[id], At: d.now})
			delete(d.talks, id)
			break
		}
		d.now = d.now.Add(3 * time.Second)
		both(callqueue.Tick{})
	}
}
