package watch_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/watch"
)

// office is a journal in memory and a watch over its tickets, in a bubble.
type office struct {
	t     *testing.T
	began time.Time

	mu     sync.Mutex // guards what follows
	events []call.Event
	grown  chan struct{}
	broken error // what Append answers
	away   error // what the book answers
	terms  watch.Terms
	after  int64 // where a watch begins to read; -1: at the end
}

func newOffice(t *testing.T) *office {
	return &office{t: t, after: -1, began: time.Now(), grown: make(chan struct{}), terms: watch.Terms{Share: 75, Contract: func(string) tickets.Contract {
		return tickets.Contract{Default: 3, Targets: map[int]tickets.Targets{
			1: {Response: 4 * time.Minute}, 3: {Response: 20 * time.Minute, Resolution: 2 * time.Hour},
		}}
	}}}
}

// Append implements call.Journal.
func (o *office) Append(_ context.Context, evs ...call.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken != nil {
		return o.broken
	}
	for _, e := range evs {
		e.Global, e.Seq = int64(len(o.events)+1), 1
		for _, old := range o.events {
			if old.Stream == e.Stream {
				e.Seq++
			}
		}
		o.events = append(o.events, e)
	}
	close(o.grown)
	o.grown = make(chan struct{})
	return nil
}

// Post implements call.Journal.
func (o *office) Post(...call.Event) { o.t.Error("a warning is not waited for") }

type cursor struct {
	o     *office
	after int64
}

// Next implements watch.Cursor.
func (c *cursor) Next(ctx context.Context) ([]call.Event, error) {
	for {
		c.o.mu.Lock()
		evs, grown := slices.Clone(c.o.events[c.after:]), c.o.grown
		c.o.mu.Unlock()
		if len(evs) > 0 {
			c.after += int64(len(evs))
			return evs, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (o *office) folded() (map[call.TicketID]tickets.Ticket, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := map[call.TicketID]tickets.Ticket{}
	for _, e := range o.events {
		id := call.TicketID(e.Stream.ID)
		t := all[id]
		if err := t.Apply(e); err != nil {
			o.t.Error(err)
		}
		all[id] = t
	}
	return all, o.away
}

// Ticket implements watch.Book.
func (o *office) Ticket(_ context.Context, id call.TicketID) (tickets.Ticket, error) {
	all, err := o.folded()
	return all[id], err
}

// UnsettledTickets implements watch.Book.
func (o *office) UnsettledTickets(_ context.Context, after int64, _ int) ([]tickets.Ticket, int64, error) {
	all, err := o.folded()
	if after > 0 || err != nil {
		return nil, after, err
	}
	maps.DeleteFunc(all, func(_ call.TicketID, t tickets.Ticket) bool { return t.State.Over() })
	return slices.Collect(maps.Values(all)), 1, nil
}

// open runs a watch until stop.
func (o *office) open() (w *watch.Watch, stop func()) {
	latest := func() int64 {
		o.mu.Lock()
		defer o.mu.Unlock()
		return int64(len(o.events))
	}
	after := o.after
	if after < 0 {
		after = latest()
	}
	w = watch.New(watch.Config{
		Journal: o, Read: func(after int64) watch.Cursor { return &cursor{o, after} }, After: after, Latest: latest, Book: o, Log: zap.NewNop(),
		Terms: func() watch.Terms {
			o.mu.Lock()
			defer o.mu.Unlock()
			return o.terms
		},
	})
	ctx, cancel := context.WithCancel(o.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := w.Run(ctx); err != nil {
			o.t.Errorf("Run: %v", err)
		}
	})
	return w, func() {
		cancel()
		wg.Wait()
	}
}

func (o *office) set(do func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	do()
}

func (o *office) write(id call.TicketID, b call.Body) {
	o.t.Helper()
	if err := o.Append(o.t.Context(), call.TicketEvent(time.Now(), id, b)); err != nil {
		o.t.Fatal(err)
	}
}

type said struct {
	Ticket, Clock string
	Percent       int
	After         time.Duration // noticed so long after the bubble began, to the second
}

func (o *office) said() []said {
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []said
	for _, e := range o.events {
		if b, ok := e.Body.(call.TicketWarned); ok {
			all = append(all, said{e.Stream.ID, b.Clock, b.Percent, e.At.Sub(o.began).Truncate(time.Second)})
		}
	}
	return all
}

func (o *office) wantSaid(want ...said) {
	o.t.Helper()
	if diff := gocmp.Diff(want, o.said()); diff != "" {
		o.t.Errorf("said (-want +got):\n%s", diff)
	}
}

// moment is how long after its instant something is noticed.
const moment = time.Second

func TestPromiseIsWarnedOfAndItsBreachToldEachOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		_, stop := o.open()
		defer stop()
		o.write("T-1", call.TicketOpened{})
		time.Sleep(15 * time.Minute)
		o.wantSaid()
		time.Sleep(45 * time.Minute)
		o.wantSaid(said{"T-1", "response", 75, 15*time.Minute + moment}, said{"T-1", "response", 100, 20*time.Minute + moment})
	})
}

func TestWhatIsDoneInTimeIsNotWarnedOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		_, stop := o.open()
		defer stop()
		o.write("T-1", call.TicketOpened{})
		time.Sleep(15*time.Minute - time.Microsecond)
		o.write("T-1", call.TicketTaken{Agent: "ana"})
		o.write("T-1", call.TicketMoved{From: "open", To: "resolved"})
		o.write("T-2", call.TicketOpened{Test: true})
		o.write("T-3", call.TicketOpened{})
		o.write("T-3", call.TicketClassified{Class: call.Classification{Kind: tickets.NotTechnical}})
		time.Sleep(24 * time.Hour)
		o.wantSaid()
	})
}

func TestReopenedTicketIsWatchedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.write("T-1", call.TicketOpened{})
		o.write("T-1", call.TicketTaken{Agent: "ana"})
		o.write("T-1", call.TicketMoved{From: "open", To: "resolved"})
		w, stop := o.open()
		defer stop()
		time.Sleep(time.Hour)
		o.set(func() { o.away = errors.New("the database is away") })
		o.write("T-1", call.TicketMoved{From: "resolved", To: "open"})
		time.Sleep(time.Hour)
		o.set(func() { o.away = nil })
		time.Sleep(retry)
		if s := w.Standing(); s.Open != 1 || s.Next == nil {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Hour)
		o.wantSaid(said{"T-1", "resolution", 75, 150*time.Minute + moment}, said{"T-1", "resolution", 100, 3*time.Hour + moment})
	})
}

func TestChangedPriorityOrContractIsMeasuredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		w, stop := o.open()
		defer stop()
		o.write("T-1", call.TicketOpened{})
		o.write("T-2", call.TicketOpened{})
		time.Sleep(10 * time.Minute)
		o.write("T-1", call.TicketClassified{Class: call.Classification{Priority: 1}})
		first := []said{{"T-1", "response", 75, 10 * time.Minute}, {"T-1", "response", 100, 10 * time.Minute}}
		o.wantSaid(first...)
		time.Sleep(moment)
		o.set(func() {
			o.terms.Contract = func(string) tickets.Contract {
				return tickets.Contract{Default: 3, Targets: map[int]tickets.Targets{3: {Response: 5 * time.Minute}, 1: {Response: time.Hour}}}
			}
		})
		w.Changed()
		time.Sleep(time.Minute)
		o.wantSaid(append(first, said{"T-2", "response", 75, 10*time.Minute + moment}, said{"T-2", "response", 100, 10*time.Minute + moment})...)
	})
}

func TestJournalThatTakesNothingLosesAndDoublesNoWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		_, stop := o.open()
		defer stop()
		o.write("T-1", call.TicketOpened{})
		o.set(func() { o.broken = errors.New("neither database nor disk") })
		time.Sleep(time.Hour)
		o.wantSaid()
		o.set(func() { o.broken = nil })
		time.Sleep(retry)
		o.wantSaid(said{"T-1", "response", 75, time.Hour + moment}, said{"T-1", "response", 100, time.Hour + moment})
	})
}

// retry is how long it takes until something is tried again, at most.
const retry = 2 * time.Second

func TestProcessesThatEndAtAnyMomentRepeatNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		for _, id := range []call.TicketID{"T-1", "T-2", "T-3"} {
			o.write(id, call.TicketOpened{})
		}
		for n := range 400 { // each lives for a while around the instants at which something is due
			_, stop := o.open()
			time.Sleep(time.Duration(n*n%17) * 500 * time.Millisecond)
			stop()
			time.Sleep(time.Duration(n%5) * 7 * time.Second)
		}
		times := map[said]int{}
		for _, s := range o.said() {
			s.After = 0
			times[s]++
		}
		want := map[said]int{}
		for _, id := range []string{"T-1", "T-2", "T-3"} {
			for _, percent := range []int{75, 100} {
				want[said{id, "response", percent, 0}] = 1
			}
			want[said{id, "resolution", 75, 0}] = 1 // after 90 minutes
		}
		if diff := gocmp.Diff(want, times); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWordOwedOnATicketThatIsOverIsSaidByTheNextProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		_, stop := o.open()
		o.write("T-1", call.TicketOpened{})
		time.Sleep(20*time.Minute + moment/2) // late, and nobody has noticed
		o.write("T-1", call.TicketMoved{From: "new", To: "resolved"})
		stop()
		o.after = 0
		_, stop = o.open()
		defer stop()
		time.Sleep(retry)
		o.wantSaid(said{"T-1", "response", 75, 15*time.Minute + moment}, said{"T-1", "response", 100, 20*time.Minute + moment})
	})
}
