package main

import (
	"encoding/json"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/config"
	"firstline/store"
	"firstline/store/storetest"
)

// centreWith is a stored centre whose one queue has a body.
func centreWith(t *testing.T, st *store.Store, queue string) *config.Centre {
	t.Helper()
	files := fstest.MapFS{
		"numbers.yaml": {Data: []byte("\"1000\": {queue: desk}\n")},
		"queues.yaml":  {Data: []byte("desk: " + queue + "\n")},
	}
	c, err := config.LoadCentre(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(c.Files)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.PutCentre(t.Context(), c.Hash, data); err != nil {
		t.Fatal(err)
	}
	return c
}

// The rules are those that were in force then, of centres of which the store
// alone still knows.
func TestPastWaitIsToldByTheRulesOfThen(t *testing.T) {
	st, _ := storetest.Start(t, storetest.SQLite(t).Config)
	first := centreWith(t, st, "{tiers: {ana: 2}, window: {max: 1}}")
	second := centreWith(t, st, "{tiers: {ben: 2}, window: {max: 1}}")
	now := centreWith(t, st, "{}")
	at := call.Instant(time.Now().Add(-time.Hour))
	s := func(n int) time.Time { return at.Add(time.Duration(n) * time.Second) }
	storetest.Append(t, st.Journal(),
		call.SystemEvent(s(-60), call.ConfigActivated{Hash: first.Hash}),
		call.AgentEvent(s(-50), "ana", call.AgentSet{Name: "Ana", Level: 1}),
		call.AgentEvent(s(-50), "ana", call.PresenceChanged{Presence: call.OnBreak}),
		call.AgentEvent(s(-40), "ben", call.AgentSet{Name: "Ben", Level: 1}),
		call.CallEvent(s(-1), "c1", call.Arrived{Ticket: "T-1"}),
		call.CallEvent(s(0), "c1", call.QueueJoined{Entry: "c1.q1", Queue: "desk", Joined: s(0), Tiers: call.Tiers{Max: 1}}),
		call.AgentEvent(s(5), "ben", call.PresenceChanged{Presence: call.OnBreak}),
		call.SystemEvent(s(10), call.ConfigActivated{Hash: second.Hash}),
		call.AgentEvent(s(15), "ana", call.PresenceChanged{Presence: call.LoggedOut}),
		call.CallEvent(s(20), "c1", call.QueueLeft{Entry: "c1.q1", Queue: "desk", Outcome: call.OutcomeAbandoned, Wait: 20 * time.Second}),
		call.AgentEvent(s(25), "ana", call.PresenceChanged{Presence: call.Available}),
		call.SystemEvent(s(30), call.ConfigActivated{Hash: now.Hash}),
	)
	r, err := st.Call(t.Context(), "c1")
	if err != nil {
		t.Fatal(err)
	}
	past := webPast{&server{store: st, journal: st.Journal(), centre: newCentreHolder(now), log: zap.NewNop()}}
	got, err := past.Waited(t.Context(), &r)
	want := []callqueue.Hindsight{{
		Entry: "c1.q1", Queue: "desk", From: s(0), To: s(20),
		Agents: []callqueue.Stood{
			{Agent: "ana", Spans: []callqueue.Span{
				{From: s(0), To: s(10), Reason: "tier 2 is not asked"}, {From: s(10), To: s(15), Reason: "on break"}, {From: s(15), To: s(20), Reason: "logged out"},
			}},
			{Agent: "ben", Spans: []callqueue.Span{
				{From: s(0), To: s(5), Reason: "logged out"}, {From: s(5), To: s(10), Reason: "on break"}, {From: s(10), To: s(20), Reason: "tier 2 is not asked"},
			}},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A centre that cannot be read any more is said, not passed over.
func TestPastWaitSaysWhenItsRulesAreLost(t *testing.T) {
	st, _ := storetest.Start(t, storetest.SQLite(t).Config)
	at := call.Instant(time.Now().Add(-time.Hour))
	storetest.Append(t, st.Journal(),
		call.SystemEvent(at, call.ConfigActivated{Hash: "lost"}),
		call.CallEvent(at, "c1", call.Arrived{Ticket: "T-1"}),
		call.CallEvent(at, "c1", call.QueueJoined{Entry: "c1.q1", Queue: "desk", Joined: at}),
	)
	r, err := st.Call(t.Context(), "c1")
	if err != nil {
		t.Fatal(err)
	}
	past := webPast{&server{store: st, journal: st.Journal(), centre: newCentreHolder(&config.Centre{}), log: zap.NewNop()}}
	got, err := past.Waited(t.Context(), &r)
	if err != nil || len(got) != 1 || !got[0].Unruled || time.Since(got[0].To) > time.Hour/2 {
		t.Errorf("%+v, %v", got, err)
	}
}
