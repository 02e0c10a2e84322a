package store

import (
	"context"

	"firstline/call"
)

// CallbackFilter says which requests to be called back are listed; zero fields do
// not filter.
type CallbackFilter struct {
	Open   *bool // true: only those that have not ended; false: only those that have
	Queue  call.QueueID
	Ticket call.TicketID
	Before int64 // a Page's Next
	Limit  int   // 100 when 0; at most 1,000
}

const (
	putCallbacks = `INSERT INTO callbacks (id, opened, ended, queue, ticket_id, callback) VALUES {rows}
ON CONFLICT (id) DO UPDATE SET ended = excluded.ended, queue = excluded.queue,
ticket_id = excluded.ticket_id, callback = excluded.callback`

	oneCallback      = `SELECT id, opened, callback FROM callbacks WHERE id = $1`
	callbackByID     = `SELECT callback FROM callbacks WHERE id = $1`
	selectCallbacks  = `SELECT opened, callback FROM callbacks`
	callbacksInOrder = `SELECT opened, callback FROM callbacks WHERE ended = 0 ORDER BY opened`
)

// Callback returns a request to be called back, or ErrNotFound.
func (s *Store) Callback(ctx context.Context, id call.CallbackID) (call.Callback, error) {
	return one[call.Callback](ctx, s, "callback "+string(id), nil, callbackByID, key(string(id)))
}

// Callbacks lists requests, those asked for last first.
func (s *Store) Callbacks(ctx context.Context, f CallbackFilter) (Page[call.Callback], error) {
	var w where
	if f.Open != nil {
		w.conditions = append(w.conditions, map[bool]string{true: "ended = 0", false: "ended > 0"}[*f.Open])
	}
	w.is("queue", key(string(f.Queue)))
	w.is("ticket_id", key(string(f.Ticket)))
	return page[call.Callback](ctx, s, "callbacks", selectCallbacks, w, f.Before, f.Limit)
}

// OpenCallbacks returns every request that has not ended, in order of asking.
func (s *Store) OpenCallbacks(ctx context.Context) ([]call.Callback, error) {
	all, _, err := list[call.Callback](ctx, s, "open callbacks", callbacksInOrder)
	return all, err
}

// callbackRow files a request under its queue and its ticket.
func callbackRow(w *write, id string, x *folded[call.Callback]) error {
	c := &x.thing
	return put(w, c, id, x.opened, micros(c.Ended), key(string(c.Queue)), key(string(c.Ticket)))
}
