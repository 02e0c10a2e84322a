package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/recordings"
	"firstline/store"
	"firstline/tickets"
)

// foldEqualsRecord writes random stories, some of which cannot be, in random
// pieces, and compares what is stored with the fold of what is stored.
func foldEqualsRecord(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	rapid.Check(t, func(rt *rapid.T) {
		at := time.Now()
		id := call.NewID(at)
		evs := []call.Event{call.CallEvent(at, id, call.Arrived{Ticket: "T-1", From: call.Party{Name: rapid.String().Draw(rt, "name")}})}
		for range rapid.IntRange(1, 25).Draw(rt, "length") {
			at = at.Add(time.Duration(rapid.IntRange(0, 5000).Draw(rt, "µs")) * time.Microsecond)
			evs = append(evs, call.CallEvent(at, id, anyBody(rt, id, at)))
		}
		for len(evs) > 0 {
			n := rapid.IntRange(1, len(evs)).Draw(rt, "piece")
			if rapid.Bool().Draw(rt, "post") {
				s.Journal().Post(evs[:n]...)
			} else if err := s.Journal().Append(t.Context(), evs[:n]...); err != nil {
				rt.Fatal(err)
			}
			if rapid.IntRange(0, 200).Draw(rt, "restart") == 0 {
				stop()
				s, stop = Start(t, p.Config)
			}
			evs = evs[n:]
		}
		if err := s.Journal().Append(t.Context(), call.SystemEvent(at, call.Started{})); err != nil { // behind all posts
			rt.Fatal(err)
		}
		story, err := s.Story(t.Context(), call.Stream{Kind: call.StreamCall, ID: string(id)}, 0, 1000)
		if err != nil {
			rt.Fatal(err)
		}
		var want call.Record
		for _, e := range story {
			_ = want.Apply(e) // what does not fit changes nothing
		}
		got, err := s.Call(t.Context(), id)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(asJSON(rt, want), asJSON(rt, got)); diff != "" {
			rt.Fatal(diff)
		}
	})
	stop()
}

func asJSON(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func anyBody(t *rapid.T, id call.ID, at time.Time) call.Body {
	entry := id.Entry(rapid.IntRange(1, 2).Draw(t, "entry"))
	offer := entry.Offer(rapid.IntRange(1, 2).Draw(t, "offer"))
	side := rapid.SampledFrom([]call.Side{call.SideCaller, call.SideAgent}).Draw(t, "side")
	return rapid.SampledFrom([]call.Body{
		call.Answered{},
		call.StageEntered{Stage: "wait", Input: json.RawMessage(`{"a": [1, "<&>"]}`)},
		call.Keyed{Node: "n", Digits: "1", Accepted: true},
		call.Noticed{Prompt: "p"},
		call.QueueJoined{Entry: entry, Queue: "q", Joined: at, Need: call.Requirement{Skills: map[string]int{"x": 1}}},
		call.Offered{Offer: offer, Agent: "ana", Ring: time.Second},
		call.OfferEnded{Offer: offer, Agent: "ana", Result: call.OfferMissed, Cause: call.Cause{Reason: call.NoAnswer}},
		call.QueueLeft{Entry: entry, Queue: "q", Outcome: call.OutcomeAnswered, Wait: time.Second},
		call.Connected{Agent: "ana", Leg: offer.AgentLeg(), Bridge: id.Bridge(1)},
		call.Held{By: side},
		call.Unheld{By: side},
		call.Parted{Agent: "ana", By: side, Cause: call.Cause{Reason: call.Hangup}},
		call.Ended{Outcome: call.OutcomeAnswered, Cause: call.Cause{Reason: call.Hangup}, Stage: "talk"},
		call.CallerLost{Reason: "crash", Joined: at},
		call.Unknown{Name: "call.later", Data: json.RawMessage(`{"x":1}`)},
		call.TicketJoined{Call: id}, // of another stream
	}).Draw(t, "body")
}

func misfitIsKept(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	at := time.Now()
	id := call.NewID(at)
	Append(t, s.Journal(), call.CallEvent(at, id, call.Arrived{Ticket: "T-1"}))
	Append(t, s.Journal(), call.CallEvent(at, id, call.Held{By: call.SideAgent}), call.CallEvent(at, id, call.Answered{}))
	if err := Numbered(Collect(t, s.Journal(), 0, 3), 1); err != nil {
		t.Error(err)
	}
	if r, err := s.Call(t.Context(), id); err != nil || r.Answered.IsZero() {
		t.Errorf("what came after it is missing: %+v, %v", r, err)
	}
}

func callsAreFound(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	var ids []call.ID
	for i := range 6 {
		at := time.Now()
		id := call.NewID(at)
		ids = append(ids, id)
		queue := call.QueueID(fmt.Sprintf("q%d", i%2))
		agent := call.AgentID(fmt.Sprintf("a%d", i%3))
		evs := []call.Event{
			call.CallEvent(at, id, call.Arrived{Ticket: "T-1", Origin: fmt.Sprintf("o%d", i)}),
			call.CallEvent(at, id, call.QueueJoined{Entry: id.Entry(1), Queue: queue, Joined: at}),
			call.CallEvent(at, id, call.QueueLeft{Entry: id.Entry(1), Queue: queue, Outcome: call.OutcomeAnswered}),
			call.CallEvent(at, id, call.Connected{Agent: agent}),
		}
		if i < 4 {
			evs = append(evs, call.CallEvent(at, id, call.Parted{Agent: agent}),
				call.CallEvent(at, id, call.Ended{Outcome: call.OutcomeAnswered}))
		}
		Append(t, s.Journal(), evs...)
	}
	for _, c := range []struct {
		name   string
		filter store.CallFilter
		want   []int
	}{
		{"all", store.CallFilter{}, []int{5, 4, 3, 2, 1, 0}},
		{"open", store.CallFilter{Open: new(true)}, []int{5, 4}},
		{"queue", store.CallFilter{Queue: "q1"}, []int{5, 3, 1}},
		{"agent", store.CallFilter{Agent: "a1"}, []int{4, 1}},
		{"ticket", store.CallFilter{Ticket: "T-1", Limit: 2}, []int{5, 4}},
		{"outcome", store.CallFilter{Outcome: call.OutcomeAnswered}, []int{3, 2, 1, 0}},
		{"origin", store.CallFilter{Origin: "o3"}, []int{3}},
		{"both", store.CallFilter{Queue: "q0", Open: new(true)}, []int{4}},
		{"none", store.CallFilter{Queue: "q9"}, nil},
	} {
		page, err := s.Calls(t.Context(), c.filter)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var got, want []call.ID
		for _, r := range page.Items {
			got = append(got, r.ID)
		}
		for _, i := range c.want {
			want = append(want, ids[i])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	var got []call.ID
	for before := int64(0); ; {
		page, err := s.Calls(t.Context(), store.CallFilter{Before: before, Limit: 4})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Items {
			got = append(got, r.ID)
		}
		if before = page.Next; before == 0 {
			break
		}
	}
	if len(got) != 6 || got[5] != ids[0] {
		t.Errorf("page by page: %v", got)
	}
}

func ticketsHaveNotes(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	at := call.Instant(time.Now())
	first, second := call.NewID(at), call.NewID(at)
	caller := call.Party{Number: "+4930123", Name: "Ada"}
	Append(t, s.Journal(),
		call.CallEvent(at, first, call.Arrived{Ticket: "T-100001"}),
		call.TicketEvent(at, "T-100001", call.TicketOpened{Call: first, Subject: "s", Caller: caller}))
	Append(t, s.Journal(), call.CallEvent(at, second, call.Arrived{Ticket: "T-100001"}))
	desk := tickets.NewDesk(s.Journal(), s.Numbers(), s)
	for _, text := range []string{"one", "two"} {
		if err := desk.Note(t.Context(), "T-100001", "ana", text); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Ticket(t.Context(), "T-100001")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Notes) != 2 || got.Notes[0].Text != "one" || got.Notes[1].Text != "two" {
		t.Errorf("notes %+v", got.Notes)
	}
	if diff := cmp.Diff([]call.ID{first, second}, got.Calls); diff != "" {
		t.Error(diff)
	}
	if got.Subject != "s" || got.State != tickets.New || got.Caller != caller || !got.Opened.Equal(at) {
		t.Errorf("%+v", got)
	}
	Append(t, s.Journal(), call.TicketEvent(at, "T-100002", call.TicketOpened{Subject: "later"}))
	page, err := s.Tickets(t.Context(), store.TicketFilter{State: tickets.New})
	if err != nil || len(page.Items) != 2 || page.Items[0].ID != "T-100002" {
		t.Errorf("%+v, %v", page, err)
	}
	if err := desk.Note(t.Context(), "T-9", "ana", "x"); !errors.Is(err, tickets.ErrNotFound) {
		t.Errorf("note on nothing: %v", err)
	}
}

func recordingsAreFound(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	at := call.Instant(time.Now())
	done, running := call.NewRecordingID(at), call.NewRecordingID(at)
	Append(t, s.Journal(),
		call.RecordingEvent(at, done, call.RecordingStarted{Call: "c1", Ticket: "T-1", Agent: "ana", File: "f1"}),
		call.RecordingEvent(at, running, call.RecordingStarted{Call: "c2", Ticket: "T-1", Agent: "ben", File: "f2"}))
	Append(t, s.Journal(), call.RecordingEvent(at, done, call.RecordingFinished{Call: "c1", Duration: time.Second, Bytes: 9, SHA256: "ab"}))
	r, err := s.Recording(t.Context(), done)
	if err != nil || r.Bytes != 9 || r.File != "f1" || r.Finished.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
	open, err := s.UnfinishedRecordings(t.Context())
	if err != nil || len(open) != 1 || open[0].ID != running {
		t.Errorf("unfinished: %+v, %v", open, err)
	}
	for _, c := range []struct {
		filter store.RecordingFilter
		want   int
	}{{store.RecordingFilter{}, 2}, {store.RecordingFilter{Call: "c1"}, 1}, {store.RecordingFilter{Ticket: "T-1"}, 2}} {
		if page, err := s.Recordings(t.Context(), c.filter); err != nil || len(page.Items) != c.want {
			t.Errorf("%+v: %+v, %v", c.filter, page, err)
		}
	}
	if _, err := s.Recording(t.Context(), "none"); !errors.Is(err, recordings.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func agentsShow(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	at := call.Instant(time.Now())
	Append(t, s.Journal(), call.AgentEvent(at, "ben", call.AgentSet{Name: "Ben", Level: 1}),
		call.AgentEvent(at, "ana", call.AgentSet{Name: "Ana", Device: "2001", Level: 2, Skills: map[string]int{"mail": 5}}))
	stop()
	s, _ = Start(t, p.Config)
	Append(t, s.Journal(), call.AgentEvent(at, "ana", call.PresenceChanged{Presence: call.OnBreak, Reason: "lunch"}),
		call.AgentEvent(at, "ana", call.ActivityChanged{Activity: call.WrapUp, Until: at}))
	got, err := s.Agents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Agent{
		{
			ID: "ana", Name: "Ana", Device: "2001", Level: 2, Skills: map[string]int{"mail": 5},
			Presence: call.OnBreak, Reason: "lunch", Since: at, Activity: call.WrapUp, Until: at, Active: at, Free: at,
		},
		{ID: "ben", Name: "Ben", Level: 1, Presence: call.LoggedOut, Since: at, Active: at, Free: at},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if a, err := s.Agent(t.Context(), "ben"); err != nil || a.Name != "Ben" {
		t.Errorf("%+v, %v", a, err)
	}
}

func lostCallers(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	at := call.Instant(time.Now())
	for i := range 3 {
		id := call.NewID(at)
		Append(t, s.Journal(), call.CallEvent(at, id, call.Arrived{Ticket: "T-1"}),
			call.CallEvent(at, id, call.CallerLost{Queue: "q", Number: fmt.Sprint(i), Joined: at.Add(-time.Minute), Reason: "crash"}))
	}
	first, err := s.LostCallers(t.Context(), 0, 2)
	if err != nil || len(first.Items) != 2 || first.Items[0].Number != "2" || !first.Items[0].Joined.Equal(at.Add(-time.Minute)) {
		t.Fatalf("%+v, %v", first, err)
	}
	rest, err := s.LostCallers(t.Context(), first.Next, 2)
	if err != nil || len(rest.Items) != 1 || rest.Items[0].Number != "0" || rest.Next != 0 {
		t.Errorf("%+v, %v", rest, err)
	}
}

func notFound(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	ctx := t.Context()
	for what, ask := range map[string]func() error{
		"call":       func() error { _, err := s.Call(ctx, "x"); return err },
		"ticket":     func() error { _, err := s.Ticket(ctx, "x"); return err },
		"recording":  func() error { _, err := s.Recording(ctx, "x"); return err },
		"agent":      func() error { _, err := s.Agent(ctx, "x"); return err },
		"device":     func() error { _, err := s.Devices().Device(ctx, "x"); return err },
		"checkpoint": func() error { _, _, err := s.Checkpoint(ctx, "x"); return err },
		"centre":     func() error { _, err := s.Centre(ctx, "x"); return err },
		"token":      func() error { _, err := s.TokenRole(ctx, [32]byte{}); return err },
	} {
		if err := ask(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func numbersOnce(t *testing.T, engine Engine) {
	p := engine(t)
	seen := make(map[call.TicketID]bool)
	var mu sync.Mutex
	for range 2 {
		s, stop := Start(t, p.Config)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 100 {
					id, err := s.Numbers().Next()
					mu.Lock()
					if err != nil || seen[id] {
						t.Errorf("%s, %v; given out before: %v", id, err, seen[id])
					}
					seen[id] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		stop()
	}
	for i := range 800 {
		if id := call.TicketID(fmt.Sprintf("T-%d", 100001+i)); !seen[id] {
			t.Fatalf("%s is left out", id)
		}
	}
}

func numbersLast(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	p.Away()
	for i := range 1000 {
		if _, err := s.Numbers().Next(); err != nil {
			t.Fatalf("number %d: %v", i+1, err)
		}
	}
	p.Back()
	Eventually(t, "numbers again", func() bool {
		for range 300 {
			if _, err := s.Numbers().Next(); err != nil {
				return false
			}
		}
		return true
	})
	stop()
}

func phonesAreKnown(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	d := s.Devices()
	ana := call.Credential{User: "2001", Realm: "firstline", HA1MD5: "aa", HA1SHA256: "bb"}
	if err := d.PutDevice(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	at := call.Instant(time.Now().Add(time.Minute))
	desk := call.Binding{Device: "2001", Contact: "sip:a@10.0.0.1", Source: "10.0.0.1:5060", Transport: "udp", CallID: "x", CSeq: 1, Expires: at, UserAgent: "ua"}
	app := desk
	app.Contact = "sip:b@10.0.0.2"
	for _, b := range []call.Binding{desk, app} {
		if err := d.SaveBinding(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	p.Away()
	if got, err := d.Device(t.Context(), "2001"); err != nil || got != ana {
		t.Errorf("while away: %+v, %v", got, err)
	}
	desk.CSeq = 2
	if err := d.SaveBinding(t.Context(), desk); err != nil {
		t.Errorf("while away: %v", err)
	}
	if err := d.DeleteBinding(t.Context(), "2001", app.Contact); err != nil {
		t.Errorf("while away: %v", err)
	}
	p.Back()
	stop()
	s, _ = Start(t, p.Config)
	got, err := s.Devices().Bindings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]call.Binding{desk}, got); diff != "" {
		t.Error(diff)
	}
	if got, err := s.Devices().Device(t.Context(), "2001"); err != nil || got != ana {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
}

func othersAreKept(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	ctx := t.Context()
	for _, n := range []int64{7, 9} {
		if err := s.SaveCheckpoint(ctx, "board", n, []byte{0, 255, byte(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if n, data, err := s.Checkpoint(ctx, "board"); err != nil || n != 9 || string(data) != "\x00\xff\x09" {
		t.Errorf("checkpoint %d %v, %v", n, data, err)
	}
	for range 2 {
		if err := s.PutCentre(ctx, "h1", []byte("centre")); err != nil {
			t.Fatal(err)
		}
	}
	if data, err := s.Centre(ctx, "h1"); err != nil || string(data) != "centre" {
		t.Errorf("centre %q, %v", data, err)
	}
	if err := s.PutCentre(ctx, "h2", []byte("the next")); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Centres(ctx); err != nil || len(all) != 2 || all[0].Hash != "h2" || all[1].Hash != "h1" || all[0].Stored.Before(all[1].Stored) {
		t.Errorf("centres %v, %v, want h2 before h1", all, err)
	}
	for _, sum := range [][32]byte{{1}, {2}} {
		if err := s.PutToken(ctx, "demo", sum, "admin"); err != nil {
			t.Fatal(err)
		}
	}
	if role, err := s.TokenRole(ctx, [32]byte{2}); err != nil || role != "admin" {
		t.Errorf("token %q, %v", role, err)
	}
	if _, err := s.TokenRole(ctx, [32]byte{1}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a token that was replaced still counts: %v", err)
	}
	in := s.SignIns()
	now := time.Now()
	if err := errors.Join(in.CommitCtx(ctx, "a", nil, now.Add(time.Hour)), in.CommitCtx(ctx, "a", []byte("x"), now.Add(time.Hour)), in.CommitCtx(ctx, "old", []byte("y"), now.Add(-time.Hour))); err != nil {
		t.Fatal(err)
	}
	if data, ok, err := in.FindCtx(ctx, "a"); err != nil || !ok || string(data) != "x" {
		t.Errorf("session %q, %v, %v", data, ok, err)
	}
	if _, ok, err := in.FindCtx(ctx, "old"); err != nil || ok {
		t.Errorf("a session that has expired counts: %v, %v", ok, err)
	}
	if err := errors.Join(in.DeleteCtx(ctx, "a"), in.DeleteCtx(ctx, "a"), in.Expire(ctx, now)); err != nil {
		t.Error(err)
	}
	if _, ok, err := in.FindCtx(ctx, "a"); err != nil || ok {
		t.Errorf("a session that was ended counts: %v, %v", ok, err)
	}
}
