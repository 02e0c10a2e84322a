package callqueue_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
)

// decisions is what the journal says of an entry, folded as the store does.
func decisions(t *testing.T, evs []call.Event) []call.Decision {
	t.Helper()
	r := call.Record{ID: "c"}
	for _, ev := range evs {
		if err := r.Apply(ev); err != nil {
			t.Fatal(err)
		}
	}
	return r.Entries[0].Decided
}

func TestWhyOfAnEndedCallIsRebuiltFromTheJournal(t *testing.T) {
	q := callqueue.Queue{ID: "q", Need: asking("vpn", 2), WrapUp: -1, Steps: []callqueue.Step{{After: time.Minute, Need: asking("vpn", 1)}}}
	d := newDesk(t, q)
	began := d.now
	d.agent("pat", 1, nil)
	d.agent("low", 1, skill("vpn", 1))
	d.agent("bea", 1, skill("vpn", 2))
	d.do(callqueue.PresenceSet{Agent: "bea", Presence: call.OnBreak})
	d.agent("tim", 1, skill("vpn", 2))
	d.done(d.wantOffer(d.join("other", "q"), "tim"), call.OfferAnswered)

	x := d.join("c", "q")
	var story []call.Event
	keep := func() {
		for _, r := range find[callqueue.Record](d.fx) {
			if r.Event.Stream.ID == "c" {
				story = append(story, r.Event)
			}
		}
	}
	keep()
	d.wait(10 * time.Second).do(callqueue.PresenceSet{Agent: "bea", Presence: call.Available}) // 10 s on break
	keep()
	d.done(d.wantOffer(x, "bea"), call.OfferRejected) // rests for 10 s
	keep()
	d.wait(5 * time.Second).do(callqueue.PresenceSet{Agent: "bea", Presence: call.OnBreak})
	d.wait(45 * time.Second) // the step lets low in, who is free
	keep()
	d.do(callqueue.PresenceSet{Agent: "low", Presence: call.OnBreak})
	keep()
	d.wait(30 * time.Second).do(callqueue.Leave{Entry: x, Outcome: call.OutcomeAbandoned})
	keep()

	at := func(s int) time.Time { return call.Instant(began.Add(time.Duration(s) * time.Second)) }
	sec := func(n int) time.Duration { return time.Duration(n) * time.Second }
	want := []call.Decision{
		{At: at(10), Since: at(0), Offer: x.Offer(1), Eligible: 1, Excluded: []call.Exclusion{
			{Reason: "lacks vpn ≥ 2", Agents: 2}, {Reason: "talking", Agents: 1, Time: sec(10)}, {Reason: "on break", Time: sec(10)},
		}},
		{At: at(60), Since: at(10), Excluded: []call.Exclusion{ // the step: who was excluded from the requirement before
			{Reason: "lacks vpn ≥ 2", Agents: 2},
			{Reason: "on break", Agents: 1, Time: sec(45)},
			{Reason: "talking", Agents: 1, Time: sec(50)},
			{Reason: "declined just now", Time: sec(5)},
		}},
		{At: at(60), Since: at(60), Offer: x.Offer(2), Eligible: 1, Excluded: []call.Exclusion{
			{Reason: "on break", Agents: 1}, {Reason: "talking", Agents: 1}, {Reason: "lacks vpn ≥ 1", Agents: 1},
		}},
		{At: at(90), Since: at(60), Excluded: []call.Exclusion{
			{Reason: "on break", Agents: 2, Time: sec(60)}, {Reason: "talking", Agents: 1, Time: sec(30)}, {Reason: "lacks vpn ≥ 1", Agents: 1},
		}},
	}
	if diff := cmp.Diff(want, decisions(t, story)); diff != "" {
		t.Error(diff)
	}
}

func TestAnIntervalGoesOnOverAReload(t *testing.T) {
	q := callqueue.Queue{ID: "q", Need: asking("vpn", 1)}
	d := newDesk(t, q)
	d.agent("ada", 1, skill("vpn", 1))
	d.do(callqueue.PresenceSet{Agent: "ada", Presence: call.OnBreak})
	x := d.join("c1", "q")
	began := d.now
	d.wait(10 * time.Second)
	q.Name = "other"
	d.do(callqueue.SetQueues{Queues: []callqueue.Queue{q}})
	d.wait(10 * time.Second).do(callqueue.Leave{Entry: x, Outcome: call.OutcomeAbandoned})
	want := call.QueueDecided{Entry: x, Since: call.Instant(began), Excluded: []call.Exclusion{{Reason: "on break", Agents: 1, Time: 20 * time.Second}}}
	if !recorded(d.fx, want) {
		t.Errorf("%+v is not among %+v", want, find[callqueue.Record](d.fx))
	}
}

func TestDecisionSaysWhatKeptFreeAgents(t *testing.T) {
	d := newDesk(t, callqueue.Queue{ID: "q"})
	d.rules(callqueue.Rules{Clients: map[string]callqueue.Cap{"acme": {Agents: 1}}})
	d.agent("ada", 1, nil)
	d.agent("bob", 1, nil)
	d.put(callqueue.Join{Entry: "c1.q1", Queue: "q", Client: "acme"})
	x := d.put(callqueue.Join{Entry: "c2.q1", Queue: "q", Client: "acme"})
	d.wait(3 * time.Second).do(callqueue.Leave{Entry: x, Outcome: call.OutcomeAbandoned})
	want := call.QueueDecided{Entry: x, Since: call.Instant(d.now.Add(-3 * time.Second)), Excluded: []call.Exclusion{
		{Reason: "offered another call", Agents: 1, Time: 3 * time.Second},
		{Reason: "free, but client acme has its 1", Agents: 1, Time: 3 * time.Second},
	}}
	if !recorded(d.fx, want) {
		t.Errorf("%+v is not among %+v", want, find[callqueue.Record](d.fx))
	}
}
