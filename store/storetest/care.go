package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"firstline/call"
	"firstline/intake/block"
	"firstline/intake/lost"
	"firstline/store"
)

// blocksAreFound proposes, approves, lifts and outlives blocks, with a restart
// between, and wants each as the fold of its events.
func blocksAreFound(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	at := call.Instant(time.Now())
	want := map[call.BlockID]block.Block{}
	say := func(id call.BlockID, bodies ...call.Body) {
		t.Helper()
		for _, body := range bodies {
			e := call.BlockEvent(at, id, body)
			Append(t, s.Journal(), e)
			b := want[id]
			if err := b.Apply(e); err != nil {
				t.Fatal(err)
			}
			want[id] = b
		}
	}
	propose := func(n int, number string) call.BlockID {
		id := call.BlockID(fmt.Sprintf("b%d", n))
		say(id, call.BlockProposed{Number: number, Reason: "r", By: "agent:ana", Holds: at.Add(time.Hour)})
		return id
	}
	proposed, forever, lifted, over, hour := propose(1, "+491"), propose(2, "withheld"), propose(3, "+492*"), propose(4, "+491"), propose(5, "+493")
	say(forever, call.BlockApproved{By: "supervisor:sue", From: at})
	say(lifted, call.BlockApproved{By: "supervisor:sue", From: at}, call.BlockLifted{By: "supervisor:sue", Reason: "sorry"})
	say(over, call.BlockApproved{By: "supervisor:sue", From: at.Add(-time.Hour), Until: at.Add(-time.Minute)})
	stop()
	s, _ = Start(t, p.Config)
	say(hour, call.BlockPressed{By: "agent:ben", Call: "c2", Holds: at.Add(time.Hour)}, call.BlockApproved{By: "supervisor:sue", From: at, Until: at.Add(time.Hour)}, call.BlockRefused{Call: "c3"})
	for _, c := range []struct {
		name   string
		filter store.BlockFilter
		want   []call.BlockID
	}{
		{"all", store.BlockFilter{}, []call.BlockID{hour, over, lifted, forever, proposed}},
		{"live", store.BlockFilter{Live: new(true)}, []call.BlockID{hour, forever, proposed}},
		{"over", store.BlockFilter{Live: new(false)}, []call.BlockID{over, lifted}},
		{"of a number", store.BlockFilter{Number: "+491"}, []call.BlockID{over, proposed}},
		{"two", store.BlockFilter{Limit: 2}, []call.BlockID{hour, over}},
	} {
		page, err := s.Blocks(t.Context(), c.filter)
		var found []block.Block
		for _, id := range c.want {
			found = append(found, want[id])
		}
		if d := cmp.Diff(found, page.Items); d != "" || err != nil {
			t.Errorf("%s: %v %s", c.name, err, d)
		}
	}
	live, err := s.LiveBlocks(t.Context())
	if d := cmp.Diff([]block.Block{want[proposed], want[forever], want[hour]}, live); d != "" || err != nil {
		t.Errorf("after a restart: %v %s", err, d)
	}
	if b, err := s.Block(t.Context(), hour); err != nil || !cmp.Equal(b, want[hour]) {
		t.Errorf("one: %+v, %v", b, err)
	}
	if _, err := s.Block(t.Context(), "b9"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a block that is not there: %v", err)
	}
}

// lostItemsAreFound puts callers on the list and takes them off it, with a restart
// between.
func lostItemsAreFound(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	at := call.Instant(time.Now())
	list := lost.New(lost.Config{Journal: s.Journal()}, nil)
	leave := func(n int, number string, q call.QueueID) {
		a := lost.Abandon{
			Call: call.ID(fmt.Sprintf("c%d", n)), Ticket: "T-1", From: call.Party{Number: number, Name: "N"}, Number: number,
			Queue: q, Joined: at.Add(time.Duration(n) * time.Second), Left: at.Add(time.Minute), Reason: "abandoned",
		}
		if err := list.LeftDurably(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	leave(1, "+491", "a")
	leave(2, "", "b")
	leave(3, "+493", "b")
	open := list.Open()
	if _, err := list.Decline(t.Context(), open[1].ID, "supervisor:sue", "a prank"); err != nil {
		t.Fatal(err)
	}
	if _, err := list.Try(t.Context(), open[0].ID, lost.Try{By: "agent:ana", Note: "engaged"}); err != nil {
		t.Fatal(err)
	}
	stop()
	s, _ = Start(t, p.Config)
	stored, err := s.OpenLostItems(t.Context())
	if d := cmp.Diff(list.Open(), stored, cmpopts.EquateApproxTime(0)); d != "" || err != nil {
		t.Fatalf("after a restart: %v %s", err, d)
	}
	list = lost.New(lost.Config{Journal: s.Journal()}, stored)
	leave(4, "+491", "c")
	for name, c := range map[string]struct {
		filter store.LostFilter
		want   []call.LostID
	}{
		"all":         {store.LostFilter{}, []call.LostID{open[2].ID, open[1].ID, open[0].ID}},
		"open":        {store.LostFilter{Open: new(true)}, []call.LostID{open[2].ID, open[0].ID}},
		"ended":       {store.LostFilter{Open: new(false)}, []call.LostID{open[1].ID}},
		"by end":      {store.LostFilter{End: call.LostDeclined, Queue: "b"}, []call.LostID{open[1].ID}},
		"of a number": {store.LostFilter{Number: "+491"}, []call.LostID{open[0].ID}},
		"one":         {store.LostFilter{Limit: 1}, []call.LostID{open[2].ID}},
	} {
		page, err := s.LostItems(t.Context(), c.filter)
		var ids []call.LostID
		for _, it := range page.Items {
			ids = append(ids, it.ID)
		}
		if d := cmp.Diff(c.want, ids); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
	if it, err := s.LostItem(t.Context(), open[0].ID); err != nil || it.Count != 2 || len(it.Tries) != 1 || !it.Joined.Equal(at.Add(time.Second)) {
		t.Errorf("%+v, %v", it, err)
	}
	if _, err := s.LostItem(t.Context(), "l9"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a caller who is not there: %v", err)
	}
	before, err := s.Position(t.Context(), call.StreamLost, string(open[1].ID))
	if page, err2 := s.LostItems(t.Context(), store.LostFilter{Before: before}); err != nil || err2 != nil || len(page.Items) != 1 || page.Items[0].ID != open[0].ID {
		t.Errorf("the page behind: %+v, %v, %v", page, err, err2)
	}
}

// careGoesOn keeps callers out and puts them on the list while the database is away.
func careGoesOn(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	at := call.Instant(time.Now())
	ctx := t.Context()
	blocks := block.New(block.Config{Journal: s.Journal()}, nil)
	old, err := blocks.Pressed(ctx, block.Press{Number: "+491", Call: "c1", By: "agent:ana"})
	if err != nil {
		t.Fatal(err)
	}
	p.Away()
	list := lost.New(lost.Config{Journal: s.Journal()}, nil)
	id := call.NewID(at)
	err = list.LeftDurably(ctx, lost.Abandon{Call: id, Ticket: "T-1", Number: "+492", Joined: at, Left: at, Reason: "abandoned"},
		call.CallEvent(at, id, call.Arrived{Ticket: "T-1"}), call.CallEvent(at, id, call.Ended{Outcome: call.OutcomeAbandoned}))
	if err != nil {
		t.Errorf("put on the list: %v", err)
	}
	fresh, err := blocks.Pressed(ctx, block.Press{Number: "+493", Call: "c3", By: "agent:ana"})
	if err != nil {
		t.Errorf("pressed: %v", err)
	}
	if _, err := blocks.Approve(ctx, old.ID, block.Approval{By: "supervisor:sue", Forever: true}); err != nil {
		t.Errorf("approved: %v", err)
	}
	p.Back()
	stop()
	s, _ = Start(t, p.Config)
	live, err := s.LiveBlocks(ctx)
	if err != nil || len(live) != 2 || live[0].ID != old.ID || live[0].State != block.Approved || live[1].ID != fresh.ID {
		t.Errorf("%+v, %v", live, err)
	}
	if open, err := s.OpenLostItems(ctx); err != nil || len(open) != 1 || open[0].Number != "+492" {
		t.Errorf("%+v, %v", open, err)
	}
}
