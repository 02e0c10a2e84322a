package callqueue_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

// ruling is the rules from an event of the journal on.
type ruling struct {
	from   int
	at     time.Time
	queues []callqueue.Queue
	rules  callqueue.Rules
}

// retrace holds what the journal says of an entry against what Explain said while
// it waited, and against the counts of the decisions.
func (w *world) retrace(x call.EntryID) {
	r := callqueue.NewRetracer(x)
	ruled := w.ruled
	for i := range len(w.events) + 1 {
		for len(ruled) > 0 && ruled[0].from == i {
			r.Rules(ruled[0].at, ruled[0].queues, ruled[0].rules)
			ruled = ruled[1:]
		}
		if i < len(w.events) {
			if err := r.Apply(w.events[i]); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	told := r.Hindsight(w.now)
	for at, said := range w.said[x] {
		if at.Before(told.From) || !at.Before(told.To) {
			continue
		}
		if diff := cmp.Diff(said, stoodAt(told, at)); diff != "" {
			w.t.Fatalf("%s at %v (said, told afterwards):\n%s", x, at, diff)
		}
	}
	var decided []call.Decision
	for _, e := range w.records[x.Call()].Entries {
		if e.ID == x {
			decided = e.Decided
		}
	}
	for _, c := range told.Offers {
		i := slices.IndexFunc(decided, func(d call.Decision) bool { return d.Offer == c.Offer })
		if i < 0 || len(c.Eligible) != decided[i].Eligible || !slices.Contains(c.Eligible, c.Agent) {
			w.t.Fatalf("%+v is told, decided was %+v", c, decided)
		}
	}
}

// stoodAt is how everybody stood at an instant, as Explain says it.
func stoodAt(h callqueue.Hindsight, at time.Time) (all []callqueue.Standing) {
	for _, a := range h.Agents {
		for _, s := range a.Spans {
			if !s.From.After(at) && s.To.After(at) {
				all = append(all, callqueue.Standing{Agent: a.Agent, Reason: s.Reason})
			}
		}
	}
	return all
}

// taped is a desk whose journal is kept, with what the roster writes in it.
type taped struct {
	*desk
	events []call.Event
}

func (d *taped) play(in callqueue.Input) {
	d.t.Helper()
	if in, ok := in.(callqueue.AgentSet); ok {
		d.events = append(d.events, call.AgentEvent(d.now, in.Agent.ID, call.AgentSet{Device: in.Agent.Device, Level: in.Agent.Level, Skills: in.Agent.Skills}))
	}
	d.do(in)
	for _, r := range find[callqueue.Record](d.fx) {
		r.Event.Global = int64(len(d.events) + 1)
		d.events = append(d.events, r.Event)
	}
}

func (d *taped) comes(id call.AgentID, skills map[string]int) {
	d.t.Helper()
	d.play(callqueue.AgentSet{Agent: agents.Agent{ID: id, Device: call.DeviceID(id), Level: 1, Skills: skills}})
	d.play(callqueue.PresenceSet{Agent: id, Presence: call.Available, By: "self"})
}

func (d *taped) after(by time.Duration) {
	d.t.Helper()
	d.now = d.now.Add(by)
	d.play(callqueue.Tick{})
}

func TestWhyOfAnEndedCallNamesEachAgent(t *testing.T) {
	q := callqueue.Queue{ID: "q", Need: asking("vpn", 2), WrapUp: -1, Steps: []callqueue.Step{{After: time.Minute, Need: asking("vpn", 1)}}}
	d := &taped{desk: newDesk(t, q)}
	began := d.now
	d.comes("pat", nil)
	d.comes("low", skill("vpn", 1))
	d.comes("bea", skill("vpn", 2))
	d.play(callqueue.PresenceSet{Agent: "bea", Presence: call.OnBreak})
	d.comes("tim", skill("vpn", 2))
	d.play(callqueue.Join{Entry: "other.q1", Queue: "q", Joined: d.now})
	d.play(callqueue.OfferDone{Offer: "other.q1.o1", Result: call.OfferAnswered})

	x := call.EntryID("c.q1")
	d.play(callqueue.Join{Entry: x, Queue: "q", Joined: d.now})
	d.after(10 * time.Second)
	d.play(callqueue.PresenceSet{Agent: "bea", Presence: call.Available})
	d.after(5 * time.Second)
	d.play(callqueue.OfferDone{Offer: x.Offer(1), Result: call.OfferRejected})
	d.after(10 * time.Second) // the rest is over
	d.after(10 * time.Second)
	d.play(callqueue.Leave{Entry: x, Outcome: call.OutcomeAbandoned})
	d.play(callqueue.TalkEnded{Agent: "tim", Call: "other", At: d.now}) // after the call: of no interest

	r := callqueue.NewRetracer(x)
	r.Rules(began, []callqueue.Queue{q}, callqueue.Rules{})
	for _, ev := range d.events {
		if err := r.Apply(ev); err != nil {
			t.Fatal(err)
		}
	}
	at := func(s int) time.Time { return began.Add(time.Duration(s) * time.Second) }
	want := callqueue.Hindsight{
		Entry: x, Queue: "q", From: at(0), To: at(35),
		Agents: []callqueue.Stood{
			{Agent: "bea", Spans: []callqueue.Span{
				{From: at(0), To: at(10), Reason: "on break"},
				{From: at(10), To: at(15), Reason: "rings for it"},
				{From: at(15), To: at(25), Reason: "declined just now"},
				{From: at(25), To: at(35), Reason: "rings for it"},
			}},
			{Agent: "low", Spans: []callqueue.Span{{From: at(0), To: at(35), Reason: "lacks vpn ≥ 2"}}},
			{Agent: "pat", Spans: []callqueue.Span{{From: at(0), To: at(35), Reason: "lacks vpn ≥ 2"}}},
			{Agent: "tim", Spans: []callqueue.Span{{From: at(0), To: at(35), Reason: "talking"}}},
		},
		Offers: []callqueue.Choice{
			{Offer: x.Offer(1), At: at(10), Agent: "bea", Eligible: []call.AgentID{"bea"}},
			{Offer: x.Offer(2), At: at(25), Agent: "bea", Eligible: []call.AgentID{"bea"}},
		},
	}
	if diff := cmp.Diff(want, r.Hindsight(d.now)); diff != "" {
		t.Error(diff)
	}
}
