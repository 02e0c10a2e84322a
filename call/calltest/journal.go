package calltest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"firstline/call"
)

// Journal keeps events in memory: durable across Switch.Drop, not across the test.
type Journal struct {
	mu      sync.Mutex // guards what follows
	events  []call.Event
	seqs    map[call.Stream]int64
	records map[call.ID]*call.Record
	kept    map[call.ID]call.Record // copies of records, until an event changes them
	backs   map[call.CallbackID]*call.Callback
	faults  []error
	broken  error
	config  string
}

// NewJournal returns an empty journal.
func NewJournal() *Journal {
	return &Journal{seqs: map[call.Stream]int64{}, records: map[call.ID]*call.Record{}, kept: map[call.ID]call.Record{}, backs: map[call.CallbackID]*call.Callback{}}
}

// Break makes every Append fail with err until Break(nil).
func (j *Journal) Break(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = err
}

// SetConfig says under which centre events are decided from now on.
func (j *Journal) SetConfig(hash string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.config = hash
}

func (j *Journal) append(evs []call.Event) {
	for _, e := range evs {
		j.seqs[e.Stream]++
		e.Config = cmp.Or(e.Config, j.config)
		e.Global, e.Seq = int64(len(j.events)+1), j.seqs[e.Stream]
		j.events = append(j.events, e)
		if err := j.fold(e); err != nil {
			j.faults = append(j.faults, fmt.Errorf("event %d: %w", e.Global, err))
		}
	}
}

func (j *Journal) fold(e call.Event) error {
	switch e.Stream.Kind {
	case call.StreamCall:
		delete(j.kept, call.ID(e.Stream.ID))
		return of(j.records, call.ID(e.Stream.ID)).Apply(e)
	case call.StreamCallback:
		return of(j.backs, call.CallbackID(e.Stream.ID)).Apply(e)
	}
	return nil
}

// of is the thing with an id, made when it is new.
func of[K comparable, T any](all map[K]*T, id K) *T {
	x := all[id]
	if x == nil {
		x = new(T)
		all[id] = x
	}
	return x
}

// Callbacks is every request to be called back, in order of asking.
func (j *Journal) Callbacks() []call.Callback {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []call.Callback
	for _, c := range j.backs {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b call.Callback) int { return a.At.Compare(b.At) })
	return out
}

// Events is everything so far, in order.
func (j *Journal) Events() []call.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.events)
}

// Records is every call's record, by arrival.
func (j *Journal) Records() []call.Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []call.Record
	for id := range j.records {
		out = append(out, j.record(id))
	}
	slices.SortFunc(out, func(a, b call.Record) int { return a.Arrived.Compare(b.Arrived) })
	return out
}

// Record is one call's record, zero when there is none.
func (j *Journal) Record(id call.ID) call.Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.record(id)
}

// record is what a call's record is now. Tests look at them over and over, and a
// copy is dear.
func (j *Journal) record(id call.ID) call.Record {
	r := j.records[id]
	if r == nil {
		return call.Record{}
	}
	kept, ok := j.kept[id]
	if !ok {
		kept = copyOf(r)
		j.kept[id] = kept
	}
	return kept
}

// copyOf shares nothing with a record that goes on: it is what the store would keep.
func copyOf(r *call.Record) call.Record {
	b, err := json.Marshal(r)
	var out call.Record
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(err) // a record is made of what the journal keeps
	}
	return out
}

// Faults are the events that did not fit the story of their call. A test ends by
// wanting none.
func (j *Journal) Faults() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.faults...)
}

// Process is one process's access to the journal: dead after Close, as the
// process is, so nothing that unwinds after Switch.Drop is written.
type Process struct {
	j      *Journal
	mu     sync.Mutex // guards closed
	closed bool
}

// Process opens an access.
func (j *Journal) Process() *Process { return &Process{j: j} }

// Close cuts the access.
func (p *Process) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

func (p *Process) Append(_ context.Context, evs ...call.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrDropped
	}
	p.j.mu.Lock()
	defer p.j.mu.Unlock()
	if p.j.broken != nil {
		return p.j.broken
	}
	p.j.append(evs)
	return nil
}

func (p *Process) Post(evs ...call.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.j.mu.Lock()
	defer p.j.mu.Unlock()
	p.j.append(evs)
}

var _ call.Journal = (*Process)(nil)
