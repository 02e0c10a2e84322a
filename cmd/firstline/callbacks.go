package main

import (
	"context"

	"firstline/call"
	"firstline/store"
	"firstline/web"
)

// openCallbacks has the requests served that the last process left, and those
// that come. It is after the desk's Restore, which may ask for some itself.
func (s *server) openCallbacks(ctx context.Context) error {
	open, err := s.store.OpenCallbacks(ctx)
	if err != nil {
		return err
	}
	s.life.start("callbacks", func(ctx context.Context) error { return s.desk.CallBack(ctx, open) })
	return nil
}

// webCallbacks reads requests from the store and has the desk change them.
type webCallbacks struct{ s *server }

func (w webCallbacks) Callback(ctx context.Context, id call.CallbackID) (call.Callback, error) {
	c, err := w.s.store.Callback(ctx, id)
	return c, away(err)
}

func (w webCallbacks) Callbacks(ctx context.Context, f web.CallbackFilter) ([]call.Callback, error) {
	before, err := w.s.store.Position(ctx, call.StreamCallback, string(f.Before))
	if err != nil {
		return nil, away(err)
	}
	p, err := w.s.store.Callbacks(ctx, store.CallbackFilter{Open: f.Open, Queue: f.Queue, Ticket: f.Ticket, Before: before, Limit: f.Limit})
	return p.Items, away(err)
}

func (w webCallbacks) ChangeCallback(ctx context.Context, id call.CallbackID, to call.CallbackChanged) error {
	if _, err := w.Callback(ctx, id); err != nil {
		return err
	}
	return away(w.s.desk.ChangeCallback(ctx, id, to))
}

func (w webCallbacks) WithdrawCallback(ctx context.Context, id call.CallbackID, by, reason string) error {
	if _, err := w.Callback(ctx, id); err != nil {
		return err
	}
	return away(w.s.desk.WithdrawCallback(ctx, id, by, reason))
}

func (w webCallbacks) SettleCallback(ctx context.Context, id call.CallbackID, by, note string) error {
	if _, err := w.Callback(ctx, id); err != nil {
		return err
	}
	return away(w.s.desk.SettleCallback(ctx, id, by, note))
}
