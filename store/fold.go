package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/recordings"
	"firstline/tickets"
)

// folds turns events into rows. It keeps open calls, running recordings and all
// agents at hand and loads others when they are touched. The committer owns it.
type folds struct {
	db         *database
	log        *zap.Logger
	calls      map[string]*folded[call.Record]
	tickets    map[string]*folded[tickets.Ticket]
	recordings map[string]*folded[recordings.Recording]
	agents     map[string]*folded[Agent]
	callbacks  map[string]*folded[call.Callback]
	care       careFolds
	said       said
	directory  directoryFolds
}

// folded is one thing and where it began.
type folded[T any] struct {
	thing  T
	opened int64
}

func newFolds(db *database, log *zap.Logger) *folds {
	return &folds{
		db: db, log: log,
		calls:      make(map[string]*folded[call.Record]),
		tickets:    make(map[string]*folded[tickets.Ticket]),
		recordings: make(map[string]*folded[recordings.Recording]),
		agents:     make(map[string]*folded[Agent]),
		callbacks:  make(map[string]*folded[call.Callback]),
		care:       newCareFolds(),
		said:       newSaid(),
		directory:  make(directoryFolds),
	}
}

const (
	openCalls         = `SELECT id, opened, record FROM calls WHERE ended = 0`
	runningRecordings = `SELECT id, opened, recording FROM recordings WHERE finished = 0`
	allAgents         = `SELECT id, 0, agent FROM agents`
	oneCall           = `SELECT id, opened, record FROM calls WHERE id = $1`
	oneTicket         = `SELECT id, opened, ticket FROM tickets WHERE id = $1`
	oneAgent          = `SELECT id, 0, agent FROM agents WHERE id = $1`
	oneRecording      = `SELECT id, opened, recording FROM recordings WHERE id = $1`
)

func (f *folds) loadOpen(ctx context.Context) error {
	return errors.Join(
		loadFolded(ctx, f.db, f.calls, openCalls),
		loadFolded(ctx, f.db, f.recordings, runningRecordings),
		loadFolded(ctx, f.db, f.agents, allAgents),
	)
}

func loadFolded[T any](ctx context.Context, db *database, into map[string]*folded[T], query string, args ...any) error {
	rows, err := db.query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%.40s: %w", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, text string
		x := &folded[T]{}
		if err := rows.Scan(&id, &x.opened, &text); err != nil {
			return fmt.Errorf("%.40s: %w", query, err)
		}
		if err := json.Unmarshal([]byte(text), &x.thing); err != nil {
			return fmt.Errorf("%.40s: row %s: %w", query, id, err)
		}
		into[id] = x
	}
	return rows.Err()
}

// fold applies events and returns the rows of everything that they touched, each
// once. An error means that something could not be loaded, and changes nothing.
func (f *folds) fold(ctx context.Context, items []item) ([]write, error) {
	for _, it := range items {
		if err := f.load(ctx, it); err != nil {
			return nil, err
		}
	}
	t := newTouched()
	for _, it := range items {
		if err := f.apply(it, t); err != nil {
			f.log.Error("event is kept, but does not fit", zap.Int64("global", it.Global), zap.Error(err))
		}
	}
	return t.rows(f)
}

// load brings in what an event goes on with. The first event of a stream needs nothing.
func (f *folds) load(ctx context.Context, it item) error {
	switch it.Stream.Kind {
	case call.StreamCall:
		return find(ctx, f.db, f.calls, it, oneCall)
	case call.StreamTicket:
		return errors.Join(find(ctx, f.db, f.tickets, it, oneTicket), f.said.load(ctx, f.db, it))
	case call.StreamRecording:
		return find(ctx, f.db, f.recordings, it, oneRecording)
	case call.StreamAgent:
		return find(ctx, f.db, f.agents, it, oneAgent)
	case call.StreamCallback:
		return find(ctx, f.db, f.callbacks, it, oneCallback)
	case call.StreamBlock, call.StreamLost:
		return f.care.load(ctx, f.db, it)
	case call.StreamCustomer, call.StreamCompany, call.StreamService, call.StreamAsset:
		return f.directory.load(ctx, f.db, it)
	}
	return nil
}

func find[T any](ctx context.Context, db *database, in map[string]*folded[T], it item, query string) error {
	id := it.Stream.ID
	if in[id] != nil {
		return nil
	}
	if it.Seq > 1 {
		if err := loadFolded(ctx, db, in, query, id); err != nil {
			return err
		}
	}
	if in[id] == nil {
		in[id] = &folded[T]{opened: it.Global}
	}
	return nil
}

func (f *folds) apply(it item, t *touched) error {
	id := it.Stream.ID
	switch it.Stream.Kind {
	case call.StreamCall:
		t.touch(it.Stream)
		if lost, ok := it.Body.(call.CallerLost); ok {
			t.lost.row(it.Global, it.At.UnixMicro(), id, key(string(lost.Queue)), key(lost.Number), micros(lost.Joined), clean(lost.Reason))
		}
		return f.calls[id].thing.Apply(it.Event)
	case call.StreamTicket:
		t.touch(it.Stream)
		x := f.tickets[id]
		if err := x.thing.Apply(it.Event); err != nil {
			return err
		}
		f.said.heed(it)
		return t.note(id, it, &x.thing)
	case call.StreamRecording:
		t.touch(it.Stream)
		return f.recordings[id].thing.Apply(it.Event)
	case call.StreamAgent:
		t.touch(it.Stream)
		return f.agents[id].thing.Apply(it.Event)
	case call.StreamCallback:
		t.touch(it.Stream)
		return f.callbacks[id].thing.Apply(it.Event)
	case call.StreamBlock, call.StreamLost:
		t.touch(it.Stream)
		return f.care.apply(it)
	case call.StreamCustomer, call.StreamCompany, call.StreamService, call.StreamAsset:
		t.touch(it.Stream)
		return f.directory[it.Stream].thing.Apply(it.Event)
	}
	return nil
}

// settle forgets what is closed, once its rows are stored.
func (f *folds) settle(items []item) {
	for _, it := range items {
		id := it.Stream.ID
		switch it.Stream.Kind {
		case call.StreamTicket:
			delete(f.tickets, id)
			f.said.forget(id)
		case call.StreamCallback:
			delete(f.callbacks, id)
		case call.StreamBlock, call.StreamLost:
			f.care.forget(id)
		case call.StreamCustomer, call.StreamCompany, call.StreamService, call.StreamAsset:
			delete(f.directory, it.Stream)
		case call.StreamCall:
			if x := f.calls[id]; x != nil && !x.thing.Open() {
				delete(f.calls, id)
			}
		case call.StreamRecording:
			if x := f.recordings[id]; x != nil && !x.thing.Finished.IsZero() {
				delete(f.recordings, id)
			}
		}
	}
}

// forget drops what events have touched that were never stored; it is loaded again
// when it is needed.
func (f *folds) forget(items []item) {
	for _, it := range items {
		delete(f.calls, it.Stream.ID)
		delete(f.tickets, it.Stream.ID)
		f.said.forget(it.Stream.ID)
		delete(f.recordings, it.Stream.ID)
		delete(f.callbacks, it.Stream.ID)
		f.care.forget(it.Stream.ID)
		delete(f.directory, it.Stream)
		if it.Stream.Kind == call.StreamAgent {
			delete(f.agents, it.Stream.ID)
		}
	}
}
