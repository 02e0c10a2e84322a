package tickets_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/clock"
)

// office is a desk with a journal that many write to at once, whose posts stand in it
// a while before they can be read, as the store's do.
type office struct {
	mu     sync.Mutex
	events []call.Event
	posted []call.Event
	desk   *tickets.Desk
	next   int
	lags   []call.Event // that the desk's reader has not seen
}

func newOffice() *office {
	o := &office{}
	o.desk = tickets.NewDesk(o, o, o)
	return o
}

func (o *office) Append(_ context.Context, evs ...call.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(append(o.events, o.posted...), evs...)
	o.lags, o.posted = append(append(o.lags, o.posted...), evs...), nil
	return nil
}

func (o *office) Post(evs ...call.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.posted = append(o.posted, evs...)
}

func (o *office) Next() (call.TicketID, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.next++
	return call.TicketID(fmt.Sprintf("T-%d", 100000+o.next)), nil
}

func (o *office) Ticket(_ context.Context, id call.TicketID) (tickets.Ticket, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var t tickets.Ticket
	for _, e := range o.events {
		if e.Stream == (call.Stream{Kind: call.StreamTicket, ID: string(id)}) {
			if err := t.Apply(e); err != nil {
				return t, err
			}
		}
	}
	if t.ID == "" {
		return t, tickets.ErrNotFound
	}
	return t, nil
}

func (o *office) record(_ context.Context, id call.ID) (call.Record, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var r call.Record
	for _, e := range o.events {
		if e.Stream == (call.Stream{Kind: call.StreamCall, ID: string(id)}) {
			if err := r.Apply(e); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// catchUp has the desk's reader see what was written; it may come late.
func (o *office) catchUp() {
	o.mu.Lock()
	seen := o.lags
	o.lags = nil
	o.mu.Unlock()
	o.desk.Learn(seen...)
}

// caller is one call, which may write on its ticket while others move it.
type caller struct {
	c      *call.Call
	ticket call.TicketID
}

func (o *office) arrive(n int, from string) *caller {
	at := time.Now()
	c := &call.Call{ID: call.NewID(at), From: call.Party{Number: from}, To: call.Party{Number: "1000"}, Arrived: call.Instant(at)}
	id, evs, err := o.desk.Opening(c.Arrived, c, "acme")
	if err != nil {
		panic(err)
	}
	evs = append(evs, o.desk.Arriving(tickets.Caller{At: c.Arrived, Call: c.ID, Ticket: id, Client: "acme", Number: from})...)
	_ = o.Append(context.Background(), append(evs, call.CallEvent(c.Arrived, c.ID, call.Arrived{Ticket: id, From: c.From, To: c.To, Origin: fmt.Sprint(n)}))...)
	return &caller{c, id}
}

func (o *office) who(k *caller, customer call.CustomerID) tickets.Caller {
	return tickets.Caller{
		At: call.Instant(time.Now()), Arrived: k.c.Arrived, Call: k.c.ID, Ticket: k.ticket, Client: "acme", Number: k.c.From.Number,
		Customer: customer, Level: "verified", Evidence: "account and PIN",
	}
}

// live is what a call does with its ticket, in the order of a journey.
func (o *office) live(k *caller, steps []string) {
	for i, s := range steps {
		switch s {
		case "verify-ada", "verify-bob":
			k.ticket, _ = o.desk.Sure(context.Background(), o.who(k, call.CustomerID(s[7:])))
		case "note":
			id, release := o.desk.Hold(k.c.ID, k.ticket)
			o.Post(call.TicketEvent(time.Now(), id, call.TicketNoted{Note: fmt.Sprint(k.c.ID, i), Author: "system", Text: "x", Call: k.c.ID}))
			release()
		case "talk":
			id, release := o.desk.Hold(k.c.ID, k.ticket)
			o.Post(call.TicketEvent(time.Now(), id, call.TicketTaken{Call: k.c.ID, Agent: "ana"}))
			release()
		case "key":
			k.ticket, _, _ = o.desk.Keyed(context.Background(), o.who(k, ""), "100001")
		case "reader":
			o.catchUp()
		}
	}
}

// decide is an agent who merges and splits what they see.
func (o *office) decide(what string, a, b int) error {
	ctx := context.Background()
	o.mu.Lock()
	made := max(o.next, 1)
	o.mu.Unlock()
	id := func(n int) call.TicketID { return call.TicketID(fmt.Sprintf("T-%d", 100001+n%made)) }
	t, err := o.Ticket(ctx, id(a))
	if err != nil {
		return nil
	}
	d := tickets.Decision{By: "agent:ana", Why: "seen", Version: t.Version}
	switch what {
	case "merge":
		_, err = o.desk.Merge(ctx, id(a), id(b), d)
	case "split":
		if len(t.Calls) > 0 {
			_, err = o.desk.Split(ctx, id(a), t.Calls[:max(1, b%len(t.Calls))], d, o.record)
		}
	case "note":
		err = o.desk.Note(ctx, id(a), "ana", "by hand")
	}
	if errors.Is(err, tickets.ErrStale) || errors.Is(err, tickets.ErrInvalid) {
		return nil
	}
	return err
}

// wantWhole wants every call on exactly one ticket that is not merged, which is that of
// its record, every merged number to lead to one that is not, and no note lost.
func (o *office) wantWhole(fatal func(string, ...any), callers []*caller, notes int) {
	on := map[call.ID][]call.TicketID{}
	found := 0
	for n := range o.next {
		t, err := o.Ticket(context.Background(), call.TicketID(fmt.Sprintf("T-%d", 100001+n)))
		if err != nil {
			fatal("T-%d: %v", 100001+n, err)
			return
		}
		found += len(t.Notes)
		for _, c := range t.Calls {
			on[c] = append(on[c], t.ID)
		}
		for end := t; end.State == tickets.Merged; {
			next, err := o.Ticket(context.Background(), end.Into)
			if err != nil || next.ID == t.ID || !slices.Contains(next.Absorbed, end.ID) {
				fatal("%s leads to %q (%v)", end.ID, end.Into, err)
				return
			}
			end = next
		}
		if len(t.Moments) == 0 || !t.Moments[0].At.Equal(t.Opened) || !slices.IsSortedFunc(t.Moments, func(a, b clock.Moment) int { return a.At.Compare(b.At) }) {
			fatal("%s opened %v: moments %+v", t.ID, t.Opened, t.Moments)
		}
	}
	for _, k := range callers {
		r, err := o.record(context.Background(), k.c.ID)
		if err != nil || !slices.Equal(on[k.c.ID], []call.TicketID{r.Ticket}) {
			fatal("call %s is on %v, its record on %s (%v)", k.c.ID, on[k.c.ID], r.Ticket, err)
		}
	}
	if found != notes {
		fatal("%d notes of %d", found, notes)
	}
}

func TestAnyOrderOfJoinsMergesAndSplitsLosesNoCallAndNoNote(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := newOffice()
		var callers []*caller
		notes := 0
		for range rapid.IntRange(3, 40).Draw(rt, "steps") {
			switch what := rapid.SampledFrom([]string{"arrive", "arrive", "verify-ada", "verify-bob", "note", "talk", "key", "reader", "merge", "merge", "split"}).Draw(rt, "step"); {
			case what == "arrive" || len(callers) == 0:
				callers = append(callers, o.arrive(len(callers), rapid.SampledFrom([]string{"", "+491", "+492"}).Draw(rt, "from")))
			case what == "merge" || what == "split":
				if err := o.decide(what, rapid.IntRange(0, 20).Draw(rt, "a"), rapid.IntRange(0, 20).Draw(rt, "b")); err != nil {
					rt.Fatal(err)
				}
			default:
				o.live(rapid.SampledFrom(callers).Draw(rt, "caller"), []string{what})
				if what == "note" {
					notes++
				}
			}
		}
		_ = o.Append(context.Background())
		o.wantWhole(rt.Fatalf, callers, notes)
	})
}

func TestCallersAndAgentsAtOnceLoseNoCallAndNoNote(t *testing.T) {
	for round := range 30 {
		o := newOffice()
		var callers []*caller
		for n := range 8 {
			callers = append(callers, o.arrive(n, []string{"+491", "+492"}[n%2]))
		}
		var wg sync.WaitGroup
		notes := 0
		for i, k := range callers {
			steps := [][]string{{"note", "verify-ada", "note", "talk"}, {"verify-ada", "talk", "note"}, {"key", "note", "reader"}, {"verify-bob", "note", "talk"}}[(i+round)%4]
			for _, s := range steps {
				if s == "note" {
					notes++
				}
			}
			wg.Go(func() { o.live(k, steps) })
		}
		for n := range 6 {
			wg.Go(func() {
				if err := o.decide([]string{"merge", "merge", "split"}[n%3], n+round, n*3+1); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		_ = o.Append(context.Background())
		o.wantWhole(t.Errorf, callers, notes)
	}
}
