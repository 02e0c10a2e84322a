package webtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"firstline/call"
	"firstline/web"
)

// AskBack is a caller who asked at an instant to be called back.
func (w *World) AskBack(at time.Time, from call.ID) call.CallbackID {
	id := call.NewCallbackID(at)
	w.Add(call.CallbackEvent(at, id, call.CallbackAsked{
		Call: from, Ticket: "T-100001", Customer: call.Party{Number: "+4930123456"}, Line: call.Party{Number: "1000"},
		Queue: "service-desk", Joined: at, First: call.AgentFirst, Expires: at.Add(time.Hour), By: "caller",
	}))
	return id
}

// OweBack is a caller whom a fault cut off at an instant: a supervisor has to release
// the call back.
func (w *World) OweBack(at time.Time, from call.ID, customer call.Party) call.CallbackID {
	id := call.NewCallbackID(at)
	w.Add(call.CallbackEvent(at, id, call.CallbackAsked{
		Call: from, Ticket: "T-100091", Customer: customer, Line: call.Party{Number: "1000"}, Queue: "service-desk", Joined: at,
		First: call.AgentFirst, Expires: at.Add(4 * time.Hour), Held: true, By: "system:system-failed",
	}))
	return id
}

// Callbacks implements web.Callbacks.
func (w *World) Callbacks(_ context.Context, f web.CallbackFilter) ([]call.Callback, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []call.Callback
	for _, c := range w.backs {
		if (f.Open == nil || *f.Open == c.Open()) && (f.Queue == "" || f.Queue == c.Queue) && (f.Before == "" || c.ID < f.Before) {
			out = append(out, *c)
		}
	}
	slices.SortFunc(out, func(a, b call.Callback) int { return b.At.Compare(a.At) })
	return out[:min(len(out), f.Limit)], nil
}

// Callback implements web.Callbacks.
func (w *World) Callback(_ context.Context, id call.CallbackID) (call.Callback, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.backs[id]; c != nil {
		return *c, nil
	}
	return call.Callback{}, web.ErrNotFound
}

// ChangeCallback implements web.Callbacks.
func (w *World) ChangeCallback(_ context.Context, id call.CallbackID, to call.CallbackChanged) error {
	return w.happenTo(id, to)
}

// WithdrawCallback implements web.Callbacks.
func (w *World) WithdrawCallback(_ context.Context, id call.CallbackID, by, reason string) error {
	return w.happenTo(id, call.CallbackClosed{End: call.CallbackWithdrawn, By: by, Reason: reason})
}

// SettleCallback implements web.Callbacks.
func (w *World) SettleCallback(_ context.Context, id call.CallbackID, by, note string) error {
	return w.happenTo(id, call.CallbackClosed{End: call.CallbackSettled, By: by, Reason: note})
}

func (w *World) happenTo(id call.CallbackID, body call.Body) error {
	w.mu.Lock()
	c := w.backs[id]
	open := c != nil && c.Open()
	w.mu.Unlock()
	switch {
	case c == nil:
		return web.ErrNotFound
	case !open:
		return fmt.Errorf("the callback has ended: %w", web.ErrConflict)
	}
	w.Add(call.CallbackEvent(time.Now(), id, body))
	return nil
}
