package tickets_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/clock"
)

// bench is a desk with one ticket on it.
type bench struct {
	t    *testing.T
	j    *journal
	desk *tickets.Desk
}

const theTicket = "T-100001"

func newBench(t *testing.T) *bench {
	t.Helper()
	j := &journal{}
	b := &bench{t: t, j: j, desk: tickets.NewDesk(j, &numbers{theTicket}, book{j})}
	c := arrived(time.Now())
	_, evs, err := b.desk.Opening(c.Arrived, c, "demo")
	if err != nil {
		t.Fatal(err)
	}
	j.Post(evs...)
	return b
}

func (b *bench) ticket() tickets.Ticket {
	b.t.Helper()
	t, err := book{b.j}.Ticket(b.t.Context(), theTicket)
	if err != nil {
		b.t.Fatal(err)
	}
	return t
}

func terms() tickets.Terms {
	return tickets.Terms{
		Rules: tickets.DefaultRules(), Reopen: 7 * 24 * time.Hour,
		Agent: func(id call.AgentID) bool { return id == "2001" || id == "2002" },
	}
}

// edit makes an edit on the ticket as it is.
func (b *bench) edit(e tickets.Edit) (tickets.Ticket, error) {
	b.t.Helper()
	e.Version, e.By = b.ticket().Version, "agent:ana"
	return b.desk.Change(b.t.Context(), theTicket, e, terms())
}

func (b *bench) must(e tickets.Edit) tickets.Ticket {
	b.t.Helper()
	t, err := b.edit(e)
	if err != nil {
		b.t.Fatal(err)
	}
	return t
}

func to(s tickets.State) tickets.Edit { return tickets.Edit{State: &s, Why: "as agreed"} }

func TestLifeOfATicketIsInItsHistoryAndOnItsClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		start := time.Now()
		time.Sleep(10 * time.Minute)
		b.j.Post(call.TicketEvent(time.Now(), theTicket, call.TicketTaken{Call: "c1", Agent: "2001"}))
		if got := b.ticket(); got.State != tickets.Open || got.Handler != "2001" {
			t.Errorf("after the first talk: %+v", got)
		}
		b.must(to(tickets.WaitingCustomer))
		time.Sleep(time.Hour)
		b.must(tickets.Edit{Class: &call.Classification{Severity: "high", Urgency: "medium"}})
		b.must(to(tickets.Open))
		time.Sleep(30 * time.Minute)
		b.must(to(tickets.Resolved))
		time.Sleep(24 * time.Hour)
		got := b.must(to(tickets.Open))

		var story []string
		for _, c := range got.History {
			story = append(story, strings.TrimSpace(fmt.Sprintf("%v %s %s: %s>%s %s", c.At.Sub(start).Round(time.Minute), c.By, c.What, c.From, c.To, c.Why)))
		}
		want := []string{
			"10m0s agent:2001 taken: >2001",
			"10m0s agent:2001 state: new>open",
			"10m0s agent:ana state: open>waiting-customer as agreed",
			"1h10m0s agent:ana severity: >high",
			"1h10m0s agent:ana urgency: >medium",
			"1h10m0s agent:ana priority: >2",
			"1h10m0s agent:ana state: waiting-customer>open as agreed",
			"1h40m0s agent:ana state: open>resolved as agreed",
			"25h40m0s agent:ana state: resolved>open as agreed",
		}
		if diff := cmp.Diff(want, story); diff != "" {
			t.Error(diff)
		}
		contract := tickets.Contract{Targets: map[int]tickets.Targets{2: {Response: 15 * time.Minute, Resolution: time.Hour}}}
		type row struct {
			Kind  clock.Kind
			State clock.State
			Spent time.Duration
			Late  bool
		}
		var rows []row
		for _, r := range got.Clocks(contract, time.Now().Add(time.Hour)) {
			rows = append(rows, row{r.Kind, r.State, r.Spent, r.Late})
		}
		wantRows := []row{
			{clock.Response, clock.Stopped, 10 * time.Minute, false},
			{clock.Update, clock.Running, 90 * time.Minute, false},
			{clock.Resolution, clock.Running, 100 * time.Minute, true},
		}
		if diff := cmp.Diff(wantRows, rows); diff != "" {
			t.Error(diff)
		}
	})
}

func TestEveryMoveBetweenStatesIsAllowedOrRefusedByOneTable(t *testing.T) {
	allowed := map[tickets.State]string{
		tickets.New:             "open waiting-customer waiting-third-party resolved",
		tickets.Open:            "waiting-customer waiting-third-party resolved",
		tickets.WaitingCustomer: "open waiting-third-party resolved",
		tickets.WaitingThird:    "open waiting-customer resolved",
		tickets.Resolved:        "open closed",
		tickets.Closed:          "open",
	}
	for _, from := range tickets.States() {
		for _, next := range tickets.States() {
			err := from.To(next)
			if want := strings.Contains(" "+allowed[from]+" ", " "+string(next)+" "); (err == nil) != want {
				t.Errorf("%s to %s: %v", from, next, err)
			}
			if err != nil && !errors.Is(err, tickets.ErrInvalid) {
				t.Errorf("%s to %s: %v", from, next, err)
			}
		}
	}
	if err := tickets.Open.To("lost"); err == nil || !strings.Contains(err.Error(), "waiting-third-party") {
		t.Errorf("an unknown state: %v", err)
	}
}

func TestEditsThatCannotBeAreRefusedWholeWithEveryFault(t *testing.T) {
	resolved := tickets.Resolved
	closed := tickets.Closed
	for name, c := range map[string]struct {
		edit  tickets.Edit
		wants []string
	}{
		"a state out of turn":         {tickets.Edit{State: &closed}, []string{"after new may come"}},
		"two faults":                  {tickets.Edit{Handler: new(call.AgentID("9999")), Class: &call.Classification{Kind: "magic"}}, []string{"no agent \"9999\"", "\"magic\" is no kind"}},
		"more affected than there is": {tickets.Edit{Class: &call.Classification{Affected: 9, Users: 8}}, []string{"9 of 8 users"}},
		"override without priority":   {tickets.Edit{Class: &call.Classification{Override: "vip"}}, []string{"no priority"}},
		"a sermon":                    {tickets.Edit{State: &resolved, Why: strings.Repeat("x", tickets.LongestReason+1)}, []string{"longer than"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			before := len(b.j.events)
			_, err := b.edit(c.edit)
			if !errors.Is(err, tickets.ErrInvalid) {
				t.Fatalf("got %v", err)
			}
			for _, w := range c.wants {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is not in %v", w, err)
				}
			}
			if len(b.j.events) != before {
				t.Error("something was written")
			}
		})
	}
}

func TestATicketIsOpenedAgainWithAReasonAndWithinATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.must(to(tickets.Resolved))
		if _, err := b.edit(tickets.Edit{State: new(tickets.Open)}); !errors.Is(err, tickets.ErrInvalid) {
			t.Errorf("without a reason: %v", err)
		}
		b.must(to(tickets.Closed))
		time.Sleep(7 * 24 * time.Hour)
		b.must(to(tickets.Open))
		b.must(to(tickets.Resolved))
		b.must(to(tickets.Closed))
		time.Sleep(7*24*time.Hour + time.Second)
		if _, err := b.edit(to(tickets.Open)); !errors.Is(err, tickets.ErrInvalid) || !strings.Contains(err.Error(), "open a new one") {
			t.Errorf("too late: %v", err)
		}
	})
}

func TestAnEditOfWhatHasChangedIsRefused(t *testing.T) {
	b := newBench(t)
	seen := b.ticket().Version
	b.must(to(tickets.Open))
	_, err := b.desk.Change(t.Context(), theTicket, tickets.Edit{By: "agent:bob", Version: seen, State: new(tickets.Resolved)}, terms())
	if !errors.Is(err, tickets.ErrStale) {
		t.Errorf("got %v", err)
	}
	if got := b.ticket().State; got != tickets.Open {
		t.Errorf("it is %s", got)
	}
	if _, err := b.desk.Change(t.Context(), "T-9", tickets.Edit{}, terms()); !errors.Is(err, tickets.ErrNotFound) {
		t.Errorf("no such ticket: %v", err)
	}
}

// slowJournal lets others in between before it keeps what it was given.
type slowJournal struct {
	*journal
	mu sync.Mutex
}

func (j *slowJournal) Append(ctx context.Context, evs ...call.Event) error {
	runtime.Gosched()
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.journal.Append(ctx, evs...)
}

func (j *slowJournal) Ticket(ctx context.Context, id call.TicketID) (tickets.Ticket, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return book{j.journal}.Ticket(ctx, id)
}

func TestConcurrentEditsLoseNothing(t *testing.T) {
	b := newBench(t)
	j := &slowJournal{journal: b.j}
	desk := tickets.NewDesk(j, &numbers{}, j)
	addOne := func(n int) error { // as a person does who is told that somebody else was faster
		for {
			seen, err := j.Ticket(t.Context(), theTicket)
			if err != nil {
				return err
			}
			class := seen.Class
			class.Affected++
			_, err = desk.Change(t.Context(), theTicket, tickets.Edit{By: fmt.Sprint("agent:", n), Version: seen.Version, Class: &class}, terms())
			if !errors.Is(err, tickets.ErrStale) {
				return err
			}
		}
	}
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			if err := addOne(n); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := b.ticket(); got.Class.Affected != 20 || got.Version != 20 {
		t.Errorf("%d affected at version %d after 20 edits that each add one", got.Class.Affected, got.Version)
	}
}

func TestAnEditThatChangesNothingWritesNothing(t *testing.T) {
	b := newBench(t)
	b.must(tickets.Edit{Class: &call.Classification{Severity: "low"}})
	before := len(b.j.events)
	got := b.must(tickets.Edit{Class: &call.Classification{Severity: "low"}, State: new(tickets.New), Handler: new(call.AgentID(""))})
	if len(b.j.events) != before || got.Version != 1 {
		t.Errorf("%d events more, version %d", len(b.j.events)-before, got.Version)
	}
}
