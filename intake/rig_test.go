package intake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/intake/block"
	"firstline/intake/incident"
	"firstline/intake/lost"
	"firstline/ivr"
	"firstline/recordings"
	"firstline/tickets"
)

// rig is a desk on the fake switch, whose process can be dropped and started again.
type rig struct {
	t       *testing.T
	sw      *calltest.Switch
	journal *calltest.Journal
	phone   *calltest.Phone
	tickets *numbered
	mine    *tickets.Desk // where callers are known
	records *shelf
	alive   time.Time
	staff   map[call.AgentID]call.DeviceID // beside ana
	tune    func(*Centre)                  // changes the centre of the processes that start from now on
	version func(context.Context, string) (*Centre, error)
	log     *zap.Logger

	// the living process
	process *calltest.Process
	desk    *Desk
	queue   *callqueue.Dispatcher
	lost    *lost.List
	blocks  *block.List
	known   *incident.List
	stop    func()
	hush    func() // ends the attempts to call back
}

// bubble runs f with a desk in a synctest bubble, and wants nothing left behind.
func bubble(t *testing.T, f func(r *rig)) {
	t.Helper()
	tuned(t, nil, f)
}

// tuned is bubble with a changed centre.
func tuned(t *testing.T, tune func(*Centre), f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{
			t: t, sw: calltest.New(nil), journal: calltest.NewJournal(), tickets: &numbered{}, records: &shelf{done: map[call.RecordingID]bool{}},
			tune: tune, staff: map[call.AgentID]call.DeviceID{}, log: zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel)),
		}
		r.phone = r.sw.Phone("2001").AnswersAfter(3 * time.Second)
		r.start()
		f(r)
		r.quiet()
		r.stop()
	})
}

// quiet waits for every call to end and wants nothing left: no leg, no bridge,
// no event out of order, every call with one ticket and one outcome.
func (r *rig) quiet() {
	r.t.Helper()
	r.hush()
	r.sw.Wait()
	r.desk.Close()
	time.Sleep(2 * time.Minute) // wrap-up passes
	synctest.Wait()
	if n, b := r.sw.Lines(), r.sw.Bridges(); n != 0 || b != 0 {
		r.t.Errorf("%d legs and %d bridges left", n, b)
	}
	if err := r.journal.Faults(); err != nil {
		r.t.Error(err)
	}
	if r.phone.Doubled() {
		r.t.Error("the agent was offered two calls at once")
	}
	for _, rec := range r.journal.Records() {
		if rec.Open() || rec.Outcome == "" || rec.Ticket == "" {
			r.t.Errorf("call %s: ended %v, outcome %q, ticket %q", rec.ID, rec.Ended, rec.Outcome, rec.Ticket)
		}
	}
	r.wantListed()
	for id, done := range r.records.all() {
		if !done {
			r.t.Errorf("recording %s was begun and never finished", id)
		}
	}
}

const flowYAML = `
start: notice
nodes:
  notice: {type: notice, play: recording-notice, next: main}
  main:
    type: menu
    play: menu-main
    digits: {"1": desk}
    retries: 1
    timeout: 5s
    default: desk
  desk: {type: queue, queue: service-desk}
`

func centre(t *testing.T) *Centre {
	flow, faults := ivr.Parse("support.yaml", "support", []byte(flowYAML))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	q := callqueue.Queue{ID: "service-desk", Record: true, Ring: 15 * time.Second}.Defaults()
	return &Centre{
		Hash:    "h1",
		Numbers: map[string]Number{"1000": {Flow: "support"}, "1009": {Queue: q.ID}},
		Flows:   map[string]*ivr.Flow{"support": flow},
		Queues:  map[call.QueueID]callqueue.Queue{q.ID: q},
		Notice:  "recording-notice", Language: "en",
	}
}

// start starts a process and takes up what the last one left.
func (r *rig) start() {
	r.t.Helper()
	r.process = r.journal.Process()
	c := centre(r.t)
	if r.tune != nil {
		r.tune(c)
	}
	r.queue = callqueue.New(callqueue.Config{Switch: r.sw, Journal: r.process, Log: r.log})
	r.openCare()
	r.desk = New(Config{
		Journal: r.process, Switch: r.sw, Tickets: r.tickets, Queue: r.queue, Recordings: r.records.open(r.process), Log: r.log,
		Lost: r.lost, Blocks: r.blocks, Incidents: r.known, Version: r.version,
		MayCall: func(number string) bool { return strings.HasPrefix(number, "+49") },
	}, c)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.queue.Run(ctx); err != nil && ctx.Err() == nil {
			r.t.Errorf("dispatcher: %v", err)
		}
	})
	r.stop = func() { cancel(); wg.Wait() }
	r.seat(ctx, c)
	var open []call.Record
	for _, rec := range r.journal.Records() {
		if rec.Open() {
			open = append(open, rec)
		}
	}
	r.desk.RestoreOutside(r.journal.Events())
	did, err := r.desk.Restore(ctx, open, r.alive)
	if err != nil {
		r.t.Fatal(err)
	}
	r.records.recover(did.Recordings)
	r.queue.Reachable("2001", true)
	var backs []call.Callback
	for _, b := range r.journal.Callbacks() {
		if b.Open() {
			backs = append(backs, b)
		}
	}
	calling, hush := context.WithCancel(ctx)
	called := make(chan struct{})
	wg.Go(func() {
		defer close(called)
		_ = r.desk.CallBack(calling, backs)
	})
	r.hush = func() { hush(); <-called }
	r.sw.Serve(r.desk)
}

// openCare takes up the lists that the last process left.
func (r *rig) openCare() {
	r.t.Helper()
	var open []lost.Item
	for _, it := range r.items() {
		if it.Open() {
			open = append(open, it)
		}
	}
	r.lost = lost.New(lost.Config{Journal: r.process, Log: r.log}, open)
	var live []block.Block
	for _, b := range foldAll[block.Block](r, call.StreamBlock) {
		if !b.Over(time.Now()) {
			live = append(live, b)
		}
	}
	var story []call.Event
	for _, e := range r.journal.Events() {
		if e.Stream.Kind == call.StreamIncident {
			story = append(story, e)
		}
	}
	r.known = incident.New(incident.Config{Journal: r.process, Ticket: func() (call.TicketID, error) { return "T-900001", nil }, Log: r.log}, story)
	r.blocks = block.New(block.Config{Journal: r.process, Log: r.log}, live)
}

// wantListed wants every call that says that its caller was lost in exactly one
// item, no other call in any, and one open item at most for a number.
func (r *rig) wantListed() {
	r.t.Helper()
	in, open := map[call.ID]int{}, map[string]int{}
	for _, it := range r.items() {
		for _, c := range it.Calls {
			in[c.ID]++
		}
		if it.Open() && it.Number != "" {
			open[it.Number]++
		}
	}
	for _, rec := range r.journal.Records() {
		if want := map[bool]int{true: 1}[rec.Lost != nil]; in[rec.ID] != want {
			r.t.Errorf("call %s (%s, lost %+v) is in %d items", rec.ID, rec.Outcome, rec.Lost, in[rec.ID])
		}
		if last := len(rec.Entries) - 1; last >= 0 && rec.Entries[last].Outcome == call.OutcomeAbandoned && !rec.Test && !rec.Out && rec.Lost == nil {
			r.t.Errorf("call %s was abandoned, and is not on the list", rec.ID)
		}
	}
	for number, n := range open {
		if n > 1 {
			r.t.Errorf("%s has %d open items", number, n)
		}
	}
}

// items is the list of lost callers by the journal's word, in the order in which
// they came to it.
func (r *rig) items() []lost.Item { return foldAll[lost.Item](r, call.StreamLost) }

// foldAll folds every stream of a kind, in the order in which they began.
func foldAll[T any, P interface {
	*T
	Apply(e call.Event) error
}](r *rig, kind call.StreamKind) []T {
	r.t.Helper()
	var order []string
	things := map[string]*T{}
	for _, e := range r.journal.Events() {
		if e.Stream.Kind != kind {
			continue
		}
		if things[e.Stream.ID] == nil {
			things[e.Stream.ID], order = new(T), append(order, e.Stream.ID)
		}
		if err := P(things[e.Stream.ID]).Apply(e); err != nil {
			r.t.Error(err)
		}
	}
	var out []T
	for _, id := range order {
		out = append(out, *things[id])
	}
	return out
}

// drop ends the process as kill -9 does.
func (r *rig) drop() {
	r.alive = time.Now()
	r.process.Close()
	r.sw.Drop()
	r.stop()
	synctest.Wait()
}

// only is the one call's record.
func (r *rig) only() call.Record {
	r.t.Helper()
	recs := r.journal.Records()
	if len(recs) != 1 {
		r.t.Fatalf("%d calls, want 1", len(recs))
	}
	return recs[0]
}

// recordOf is the record of a call that is over.
func (r *rig) recordOf(id call.ID) call.Record {
	r.t.Helper()
	rec := r.journal.Record(id)
	if rec.ID == "" || rec.Open() {
		r.t.Fatalf("call %q is not over: %+v", id, rec)
	}
	return rec
}

// hire adds somebody who is at work at a phone.
func (r *rig) hire(id call.AgentID, device call.DeviceID) {
	r.t.Helper()
	r.staff[id] = device
	err := errors.Join(
		r.queue.SetAgents(r.t.Context(), r.roster()),
		r.queue.SetPresence(r.t.Context(), id, call.Available, "", "self"))
	if err != nil {
		r.t.Fatal(err)
	}
}

// numbered numbers tickets; it is outside the process, as the store is.
type numbered struct {
	mu sync.Mutex
	n  int
}

func (n *numbered) Opening(at time.Time, c *call.Call, _ string) (call.TicketID, []call.Event, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.n++
	id := call.TicketID(fmt.Sprintf("T-%d", 100000+n.n))
	return id, []call.Event{call.TicketEvent(at, id, call.TicketOpened{Call: c.ID, Caller: c.From})}, nil
}

// shelf is a catalogue without audio.
type shelf struct {
	mu   sync.Mutex
	done map[call.RecordingID]bool
}

func (s *shelf) all() map[call.RecordingID]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// recover closes what the last process left open, but for those that go on, as
// the catalogue does at a start.
func (s *shelf) recover(running []call.RecordingID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.done {
		s.done[id] = s.done[id] || !slices.Contains(running, id)
	}
}

func (s *shelf) open(j call.Journal) *shelfOf { return &shelfOf{s, j} }

type shelfOf struct {
	*shelf
	j call.Journal
}

func (s *shelfOf) Begin(b recordings.Start) (call.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[b.ID] = false
	return call.RecordingEvent(b.At, b.ID, call.RecordingStarted{Call: b.Call, Ticket: b.Ticket, Agent: b.Agent, File: b.File}), nil
}

func (s *shelfOf) Finish(ctx context.Context, id call.RecordingID, r call.Recorded, fault string) error {
	err := s.j.Append(ctx, call.RecordingEvent(time.Now(), id, call.RecordingFinished{Duration: r.Duration, Bytes: r.Bytes, Fault: fault}))
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.done[id] = true
	}
	return err
}

// seat sets up the queue and its agent as the last process left them.
func (r *rig) seat(ctx context.Context, c *Centre) {
	r.t.Helper()
	if err := r.queue.SetQueues(ctx, slices.Collect(maps.Values(c.Queues))); err != nil {
		r.t.Fatal(err)
	}
	if err := r.queue.SetAgents(ctx, r.roster()); err != nil {
		r.t.Fatal(err)
	}
	for id := range r.staff {
		r.seatOne(ctx, id)
	}
	r.seatOne(ctx, "ana")
}

// roster is ana and all who were hired.
func (r *rig) roster() []agents.Agent {
	all := []agents.Agent{{ID: "ana", Name: "Ana", Device: "2001", Level: 1}}
	for id, device := range r.staff {
		all = append(all, agents.Agent{ID: id, Device: device, Level: 1})
	}
	return all
}

func (r *rig) seatOne(ctx context.Context, id call.AgentID) {
	r.t.Helper()
	was := agents.Record{ID: id, Presence: call.Available, Activity: call.Idle}
	for _, e := range r.journal.Events() {
		if e.Stream == (call.Stream{Kind: call.StreamAgent, ID: string(id)}) {
			if err := was.Apply(e); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	was.Presence = call.Available
	if err := r.queue.Restore(ctx, []agents.Record{was}); err != nil {
		r.t.Fatal(err)
	}
}

// made is the tickets so far.
func (n *numbered) made() []int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return make([]int, n.n)
}
