package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/store"
	"firstline/tickets/connect"
)

// deliveriesAreKept plans, delivers, replays and tidies, with a restart between.
func deliveriesAreKept(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	ctx := t.Context()
	at := call.Instant(time.Now().Add(-time.Hour))
	row := func(n int64, endpoint call.EndpointID) connect.Delivery {
		return connect.Delivery{
			ID: fmt.Sprintf("msg_%d", n), Endpoint: endpoint, Key: "T-1", Global: n, Type: connect.TicketNoted, State: connect.Waiting,
			Made: at.Add(time.Duration(n) * time.Second), Due: at, Payload: []byte(`{"a":"ü"}`),
		}
	}
	one, two, three, other := row(1, "crm"), row(2, "crm"), row(3, "crm"), row(4, "hook")
	keep := func(endpoint call.EndpointID, b connect.Batch) {
		t.Helper()
		if err := s.KeepDeliveries(ctx, endpoint, b); err != nil {
			t.Fatal(err)
		}
	}
	batch := connect.Batch{Cursor: 7, New: []connect.Delivery{two, one, three}}
	keep("crm", batch)
	keep("crm", batch) // twice is once
	keep("hook", connect.Batch{Cursor: 9, New: []connect.Delivery{other}})
	done := one
	done.State, done.Attempts, done.Last, done.Ended = connect.Delivered, 2, "200 OK", at.Add(time.Minute)
	dead := two
	dead.State, dead.Attempts, dead.Last, dead.Ended = connect.Dead, 9, "bad\x00text", at.Add(time.Minute)
	keep("crm", connect.Batch{Cursor: 5, Changed: []connect.Delivery{done, dead}, Refs: []connect.Ref{{Endpoint: "crm", Remote: "10042", Ticket: "T-1"}}})
	keep("crm", batch) // made again after a crash: what has ended stays so
	dead.Last = "badtext"
	stop()
	s, _ = Start(t, p.Config)
	for endpoint, want := range map[call.EndpointID]int64{"crm": 7, "hook": 9, "none": 0} {
		if got, err := s.Cursor(ctx, endpoint); got != want || err != nil {
			t.Errorf("cursor of %s: %d, %v, want %d", endpoint, got, err, want)
		}
	}
	pending, err := s.PendingDeliveries(ctx, "crm", 10)
	if d := cmp.Diff([]connect.Delivery{three}, pending); d != "" || err != nil {
		t.Errorf("pending: %v %s", err, d)
	}
	for name, c := range map[string]struct {
		filter connect.DeliveryFilter
		want   []connect.Delivery
	}{
		"all":            {connect.DeliveryFilter{}, []connect.Delivery{other, three, dead, done}},
		"of one":         {connect.DeliveryFilter{Endpoint: "crm"}, []connect.Delivery{three, dead, done}},
		"dead":           {connect.DeliveryFilter{State: connect.Dead}, []connect.Delivery{dead}},
		"behind":         {connect.DeliveryFilter{Key: "T-1", Before: three.ID, Limit: 1}, []connect.Delivery{dead}},
		"of nobody":      {connect.DeliveryFilter{Key: "T-2"}, nil},
		"behind the end": {connect.DeliveryFilter{Before: one.ID}, nil},
	} {
		got, err := s.Deliveries(ctx, c.filter)
		if d := cmp.Diff(c.want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
	if id, err := s.TicketOfRef(ctx, "crm", "10042"); id != "T-1" || err != nil {
		t.Errorf("ticket of a remote id: %q, %v", id, err)
	}
	if _, err := s.TicketOfRef(ctx, "hook", "10042"); !errors.Is(err, connect.ErrNoDelivery) {
		t.Errorf("of another endpoint: %v", err)
	}
	if _, err := s.Delivery(ctx, "msg_9"); !errors.Is(err, connect.ErrNoDelivery) {
		t.Errorf("one that is not there: %v", err)
	}
	if err := s.TidyDeliveries(ctx, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Deliveries(ctx, connect.DeliveryFilter{}); len(got) != 3 || err != nil {
		t.Errorf("tidied: %v, %v", got, err)
	}
}

// endpointSecretsAreKept beside the journal, the latest of each name.
func endpointSecretsAreKept(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	ctx := t.Context()
	for _, x := range [][3]string{{"crm", "signing", "a"}, {"crm", "token", "b"}, {"crm", "signing", "c"}, {"hook", "signing", "d"}} {
		if err := s.PutSecret(ctx, call.EndpointID(x[0]), x[1], x[2]); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Secrets(ctx, "crm")
	if d := cmp.Diff(map[string]string{"signing": "c", "token": "b"}, got); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
}

// optOutsAreKept until for ever, once for each address.
func optOutsAreKept(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	for range 2 {
		if err := s.OptOut(t.Context(), "+4917012345678", "STOP"); err != nil {
			t.Fatal(err)
		}
	}
	for address, want := range map[string]bool{"+4917012345678": true, "+4917012345679": false} {
		if out, err := s.OptedOut(t.Context(), address); out != want || err != nil {
			t.Errorf("%s: %v, %v", address, out, err)
		}
	}
}

// nowhere is a sender that takes all, and its answers get lost when told so.
type nowhere struct{ got chan connect.Delivery }

func (n nowhere) Send(ctx context.Context, d connect.Delivery) connect.Result {
	select {
	case n.got <- d:
		return connect.Result{Verdict: connect.Taken}
	case <-ctx.Done():
		return connect.Result{Verdict: connect.Again}
	}
}

// deliveriesGoOn tells an endpoint of tickets while the database goes away and comes
// back, and after a restart: each once, in order.
func deliveriesGoOn(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	got := nowhere{make(chan connect.Delivery, 100)}
	run := func(s *store.Store) (list *connect.List, end func()) {
		ways := func(ctx context.Context, p connect.Endpoint, _ map[string]string, cursor int64) (connect.Way, error) {
			planner, err := connect.NewPlanner(ctx, p, cursor, s, func(call.TicketID) string { return "" })
			return connect.Way{Sender: got, Planner: planner}, err
		}
		story, err := s.Story(t.Context(), call.Stream{Kind: call.StreamEndpoint, ID: call.EndpointStream}, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		list = connect.NewList(connect.ListConfig{
			Journal: s.Journal(), Vault: s, Last: func() int64 { return s.Journal().Status().LastGlobal }, Check: func(call.EndpointSet) error { return nil },
		}, story)
		e := connect.NewEngine(connect.EngineConfig{Journal: readable{s.Journal()}, Store: s, Vault: s, List: list, Ways: ways})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		return list, func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	list, end := run(s)
	if _, _, err := list.Add(t.Context(), call.EndpointSet{Endpoint: "crm", Kind: "connector", Name: "C", By: "supervisor:sue"}); err != nil {
		t.Fatal(err)
	}
	var want []int64
	say := func(body call.Body) {
		t.Helper()
		Append(t, s.Journal(), call.TicketEvent(time.Now(), "T-1", body))
		want = append(want, s.Journal().Status().LastGlobal)
	}
	Append(t, s.Journal(), call.TicketEvent(time.Now(), "T-1", call.TicketOpened{Subject: "s"}))
	say(call.TicketClassified{Class: call.Classification{Priority: 1}, By: "agent:ana"})
	p.Away()
	say(call.TicketNoted{Note: "1", Author: "agent:ana", Text: "while it is away"})
	p.Back()
	say(call.TicketNoted{Note: "2", Author: "agent:ana", Text: "back"})
	var heard []int64
	hear := func(n int) {
		t.Helper()
		for len(heard) < n {
			select {
			case d := <-got.got:
				heard = append(heard, d.Global)
			case <-time.After(time.Minute):
				t.Fatalf("heard %v of %v", heard, want)
			}
		}
	}
	hear(3)
	end()
	stop()
	s, _ = Start(t, p.Config)
	say(call.TicketNoted{Note: "3", Author: "agent:ana", Text: "before it runs"})
	_, end = run(s)
	hear(4)
	end()
	if d := cmp.Diff(want, heard); d != "" || len(got.got) > 0 {
		t.Errorf("heard (-want +got), and %d more:\n%s", len(got.got), d)
	}
}

type readable struct{ *store.Journal }

func (r readable) Read(after int64) connect.Reader { return r.Journal.Read(after) }
