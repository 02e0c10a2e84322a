// Package connecttest is a journal and a store in memory, on which deliveries are
// tested in a bubble: they outlive an engine that is cut off, as after kill -9.
package connecttest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"firstline/call"
	"firstline/tickets/connect"
)

// World implements what connect.EngineConfig asks for.
type World struct {
	mu      sync.Mutex // guards all below
	events  []call.Event
	streams map[call.Stream][]call.Event
	more    chan struct{} // closed when events come
	cursors map[call.EndpointID]int64
	rows    map[string]connect.Delivery
	refs    map[string]call.TicketID
	secrets map[call.EndpointID]map[string]string
	away    error
	keeps   int
	outs    map[string]bool
}

// New returns an empty world.
func New() *World {
	return &World{
		streams: map[call.Stream][]call.Event{}, more: make(chan struct{}), cursors: map[call.EndpointID]int64{}, rows: map[string]connect.Delivery{},
		refs: map[string]call.TicketID{}, secrets: map[call.EndpointID]map[string]string{}, outs: map[string]bool{},
	}
}

// ErrAway is what the store answers while it is away.
var ErrAway = errors.New("the store is away")

// SetAway makes the store answer nothing, or answer again.
func (w *World) SetAway(is bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = nil
	if is {
		w.away = ErrAway
	}
}

// Append implements call.Journal.
func (w *World) Append(_ context.Context, evs ...call.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range evs {
		e.Global, e.Seq, e.At = int64(len(w.events)+1), int64(len(w.streams[e.Stream])+1), call.Instant(e.At)
		w.events = append(w.events, e)
		w.streams[e.Stream] = append(w.streams[e.Stream], e)
	}
	close(w.more)
	w.more = make(chan struct{})
	return nil
}

// Post implements call.Journal.
func (w *World) Post(evs ...call.Event) { _ = w.Append(context.Background(), evs...) } // never fails

// Last is the journal's end.
func (w *World) Last() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return int64(len(w.events))
}

// Events is the whole journal.
func (w *World) Events() []call.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

// Read implements connect.Journal.
func (w *World) Read(after int64) connect.Reader { return &reader{w, after} }

type reader struct {
	w     *World
	after int64
}

// Next implements connect.Reader.
func (r *reader) Next(ctx context.Context) ([]call.Event, error) {
	for {
		r.w.mu.Lock()
		evs, more := slices.Clone(r.w.events[min(r.after, int64(len(r.w.events))):]), r.w.more
		r.w.mu.Unlock()
		if len(evs) > 0 {
			r.after = evs[len(evs)-1].Global
			return evs, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Story implements connect.Stories.
func (w *World) Story(_ context.Context, of call.Stream, after int64, limit int) ([]call.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	evs := w.streams[of]
	evs = evs[min(after, int64(len(evs))):]
	return slices.Clone(evs[:min(limit, len(evs))]), w.away
}

// Cursor implements connect.Store.
func (w *World) Cursor(_ context.Context, id call.EndpointID) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cursors[id], w.away
}

// PendingDeliveries implements connect.Store.
func (w *World) PendingDeliveries(_ context.Context, id call.EndpointID, limit int) ([]connect.Delivery, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.sorted(func(d connect.Delivery) bool { return d.Endpoint == id && d.State == connect.Waiting })
	return out[:min(limit, len(out))], w.away
}

func (w *World) sorted(is func(connect.Delivery) bool) []connect.Delivery {
	var out []connect.Delivery
	for d := range maps.Values(w.rows) {
		if is(d) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b connect.Delivery) int {
		return cmp.Or(cmp.Compare(a.Global, b.Global), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// KeepDeliveries implements connect.Store.
func (w *World) KeepDeliveries(ctx context.Context, id call.EndpointID, b connect.Batch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := errors.Join(w.away, ctx.Err()); err != nil {
		return err
	}
	w.keeps++
	w.cursors[id] = max(w.cursors[id], b.Cursor)
	for _, d := range b.New {
		if _, ok := w.rows[d.ID]; !ok {
			w.rows[d.ID] = d
		}
	}
	for _, d := range b.Changed {
		was := w.rows[d.ID]
		d.Payload = was.Payload
		w.rows[d.ID] = d
	}
	for _, r := range b.Refs {
		w.refs[string(r.Endpoint)+"\x00"+r.Remote] = r.Ticket
	}
	return nil
}

// Keeps counts the transactions.
func (w *World) Keeps() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.keeps
}

// Delivery implements connect.Store.
func (w *World) Delivery(_ context.Context, id string) (connect.Delivery, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d, ok := w.rows[id]; ok {
		return d, w.away
	}
	return connect.Delivery{}, cmp.Or(w.away, connect.ErrNoDelivery)
}

// Deliveries implements connect.Store.
func (w *World) Deliveries(_ context.Context, f connect.DeliveryFilter) ([]connect.Delivery, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.sorted(func(d connect.Delivery) bool {
		return (f.Endpoint == "" || f.Endpoint == d.Endpoint) && (f.State == "" || f.State == d.State) && (f.Key == "" || f.Key == d.Key)
	})
	slices.Reverse(out)
	return out[:min(cmp.Or(f.Limit, 100), len(out))], w.away
}

// TicketOfRef implements connect.Store.
func (w *World) TicketOfRef(_ context.Context, id call.EndpointID, remote string) (call.TicketID, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t, ok := w.refs[string(id)+"\x00"+remote]; ok {
		return t, nil
	}
	return "", connect.ErrNoDelivery
}

// TidyDeliveries implements connect.Store.
func (w *World) TidyDeliveries(_ context.Context, before time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.rows, func(_ string, d connect.Delivery) bool {
		return !d.Ended.IsZero() && d.Ended.Before(before) && d.State != connect.Dead
	})
	return w.away
}

// PutSecret implements connect.Vault.
func (w *World) PutSecret(_ context.Context, id call.EndpointID, name, value string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.secrets[id] == nil {
		w.secrets[id] = map[string]string{}
	}
	w.secrets[id][name] = value
	return w.away
}

// Secrets implements connect.Vault.
func (w *World) Secrets(_ context.Context, id call.EndpointID) (map[string]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.secrets[id]), w.away
}

// Read decodes a delivery's message.
func Read(d connect.Delivery) (m connect.Message) {
	if err := json.Unmarshal(d.Payload, &m); err != nil {
		panic(err) // the engine wrote it
	}
	return m
}

// OptOut implements connect.People.
func (w *World) OptOut(_ context.Context, address, _ string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outs[address] = true
	return w.away
}

// OptedOut implements connect.People.
func (w *World) OptedOut(_ context.Context, address string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.outs[address], w.away
}
