package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/store"
	"firstline/store/storetest"
)

// floor is an engine whose journal is a real store's.
type floor struct {
	t   *testing.T
	st  *store.Store
	e   *callqueue.Engine
	now time.Time
	n   int
}

func floorQueues() []callqueue.Queue {
	return []callqueue.Queue{
		{ID: "turns", Strategy: callqueue.RoundRobin, WrapUp: -1},
		{ID: "fewest", Strategy: callqueue.FewestCalls, WrapUp: -1},
		{ID: "talk", Strategy: callqueue.LeastTalkTime, WrapUp: -1},
		{ID: "idle", WrapUp: -1},
	}
}

func (f *floor) do(in callqueue.Input) []callqueue.Effect {
	f.t.Helper()
	fx := f.e.Apply(f.now, in)
	for _, x := range fx {
		switch x := x.(type) {
		case callqueue.Record:
			if f.st != nil {
				f.st.Journal().Post(x.Event)
			}
		case callqueue.Refused:
			f.t.Fatal(x.Err)
		}
	}
	return fx
}

// offer joins a call to a queue and returns whose phone rings for it.
func (f *floor) offer(q call.QueueID) (call.EntryID, call.AgentID) {
	f.t.Helper()
	f.n++
	x := call.ID(fmt.Sprint("c", f.now.UnixMicro(), f.n)).Entry(1)
	for _, fx := range f.do(callqueue.Join{Entry: x, Queue: q, Joined: f.now}) {
		if o, ok := fx.(callqueue.Offer); ok {
			return x, o.Agent
		}
	}
	f.t.Fatalf("%s is offered to nobody", x)
	return "", ""
}

func (f *floor) talk(q call.QueueID, lasts time.Duration) {
	f.t.Helper()
	x, who := f.offer(q)
	f.do(callqueue.OfferDone{Offer: x.Offer(1), Result: call.OfferAnswered})
	f.now = f.now.Add(lasts)
	f.do(callqueue.TalkEnded{Agent: who, Call: x.Call(), At: f.now})
}

// next is whom each queue would choose, one after the other.
func (f *floor) next() (all []call.AgentID) {
	f.t.Helper()
	for _, q := range floorQueues() {
		x, who := f.offer(q.ID)
		f.do(callqueue.Leave{Entry: x, Outcome: call.OutcomeAbandoned})
		all = append(all, who)
	}
	return all
}

func TestQueuesGoOnAfterARestartAsBefore(t *testing.T) {
	place := storetest.SQLite(t)
	st, stop := storetest.Start(t, place.Config)
	f := &floor{t: t, st: st, e: callqueue.NewEngine(), now: call.Instant(time.Now().Add(-2 * time.Hour))}
	f.do(callqueue.SetQueues{Queues: floorQueues()})
	for _, id := range []call.AgentID{"ana", "ben", "cem", "dee"} {
		f.now = f.now.Add(time.Second)
		st.Journal().Post(call.AgentEvent(f.now, id, call.AgentSet{Name: string(id), Device: call.DeviceID(id), Level: 1}))
		f.do(callqueue.AgentSet{Agent: agents.Agent{ID: id, Name: string(id), Device: call.DeviceID(id), Level: 1}})
		f.do(callqueue.PresenceSet{Agent: id, Presence: call.Available, By: "self"})
	}
	for i, q := range []call.QueueID{"turns", "turns", "fewest", "idle", "talk", "turns", "fewest", "idle", "idle"} {
		f.talk(q, time.Duration(i*i+1)*time.Minute/2)
	}
	st.Journal().Post(call.AgentEvent(f.now, "cem", call.AgentRemoved{By: "roster:eva"})) // whom turns chose last
	f.do(callqueue.AgentGone{Agent: "cem"})
	before := f.e.Agents(f.now)
	storetest.Append(t, st.Journal(), call.SystemEvent(f.now, call.Stopped{}))
	stop()

	st, _ = storetest.Start(t, place.Config)
	again := &server{store: st, queue: callqueue.New(callqueue.Config{Journal: st.Journal(), Log: zap.NewNop()})}
	if err := again.queue.SetQueues(t.Context(), floorQueues()); err != nil {
		t.Fatal(err)
	}
	if err := again.seatAgents(t.Context()); err != nil {
		t.Fatal(err)
	}
	view, err := again.queue.Snapshot(t.Context())
	if diff := cmp.Diff(before, view.Agents); diff != "" || err != nil {
		t.Errorf("%v (before, after the restart):\n%s", err, diff)
	}
	people, err := st.Everybody(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g := &floor{t: t, e: callqueue.NewEngine(), now: f.now}
	g.do(callqueue.SetQueues{Queues: floorQueues()})
	for _, p := range people {
		g.do(callqueue.AgentRestored{Record: p})
	}
	f.st = nil
	if diff := cmp.Diff(f.next(), g.next()); diff != "" {
		t.Errorf("next of each queue (before, after the restart):\n%s", diff)
	}
}
