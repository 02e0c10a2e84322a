package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"

	"firstline/call"
	"firstline/store"
	"firstline/tickets/connect"
	"firstline/tickets/connect/outgoing"
	"firstline/tickets/connect/preset"
)

// openEndpoints takes up who is told of tickets; nobody is told yet.
func (s *server) openEndpoints(ctx context.Context) error {
	story, err := wholeStory(ctx, s.store, call.Stream{Kind: call.StreamEndpoint, ID: call.EndpointStream})
	if err != nil {
		return fmt.Errorf("endpoints: %w", err)
	}
	guard := outgoing.Guard{Allow: s.cfg.Connect.Allow}
	client := outgoing.New(outgoing.Config{Guard: guard})
	presets, err := preset.Load(s.cfg.Connect.Presets)
	if err != nil {
		return err
	}
	ways := &connect.Ways{
		Client: client, Guard: guard, Stories: s.store, URL: s.ticketURL, People: s.store, Alerts: checkAlerts,
		Presets: &preset.Book{All: presets, Client: client, Stories: s.store},
	}
	log := s.log.Named("connect")
	s.endpoints = connect.NewList(connect.ListConfig{
		Journal: s.journal, Vault: s.store, Check: ways.Check, Log: log,
		Last: func() int64 { return s.journal.Status().LastGlobal },
	}, story)
	s.deliveries = connect.NewEngine(connect.EngineConfig{
		Journal: connectJournal{s.journal}, Store: s.store, Vault: s.store, List: s.endpoints, Ways: ways.For, Log: log,
	})
	return nil
}

// deliver is after the pages are there, whose addresses messages hold.
func (s *server) deliver(context.Context) error {
	s.life.start("deliveries", s.deliveries.Run)
	return nil
}

// ticketURL is a ticket's page.
func (s *server) ticketURL(id call.TicketID) string {
	return cmp.Or(s.cfg.Connect.Links, s.web.URL()) + "/tickets/" + url.PathEscape(string(id))
}

type connectJournal struct{ *store.Journal }

func (j connectJournal) Read(after int64) connect.Reader { return j.Journal.Read(after) }

// webEndpoints joins the list, its deliveries and the store.
type webEndpoints struct{ s *server }

func (w webEndpoints) Endpoints() []connect.Endpoint { return w.s.endpoints.All() }

func (w webEndpoints) Endpoint(id call.EndpointID) (connect.Endpoint, error) {
	return w.s.endpoints.Endpoint(id)
}

func (w webEndpoints) Status(id call.EndpointID) connect.Status { return w.s.deliveries.Status(id) }

func (w webEndpoints) Add(ctx context.Context, set call.EndpointSet) (p connect.Endpoint, secret string, err error) {
	if err := w.s.mayEdit(); err != nil {
		return p, "", err
	}
	p, secret, err = w.s.endpoints.Add(ctx, set)
	return p, secret, away(err)
}

func (w webEndpoints) Change(ctx context.Context, set call.EndpointSet) (connect.Endpoint, error) {
	return edit(w.s, func() (connect.Endpoint, error) { return w.s.endpoints.Change(ctx, set) })
}

func (w webEndpoints) Remove(ctx context.Context, id call.EndpointID, by string) error {
	if err := w.s.mayEdit(); err != nil {
		return err
	}
	return away(w.s.endpoints.Remove(ctx, id, by))
}

func (w webEndpoints) PutSecret(ctx context.Context, id call.EndpointID, name, value, by string) error {
	if err := w.s.mayEdit(); err != nil {
		return err
	}
	return away(w.s.endpoints.PutSecret(ctx, id, name, value, by))
}

func (w webEndpoints) Try(ctx context.Context, id call.EndpointID, by string) (connect.Delivery, error) {
	return edit(w.s, func() (connect.Delivery, error) { return w.s.deliveries.Try(ctx, id, by) })
}

func (w webEndpoints) Deliveries(ctx context.Context, f connect.DeliveryFilter) ([]connect.Delivery, error) {
	ds, err := w.s.store.Deliveries(ctx, f)
	return ds, away(err)
}

func (w webEndpoints) Delivery(ctx context.Context, id string) (connect.Delivery, error) {
	d, err := w.s.store.Delivery(ctx, id)
	return d, away(err)
}

func (w webEndpoints) Replay(ctx context.Context, id string) (connect.Delivery, error) {
	return edit(w.s, func() (connect.Delivery, error) { return w.s.deliveries.Replay(ctx, id) })
}

func (w webEndpoints) ReplayAll(ctx context.Context, id call.EndpointID) (int, error) {
	return edit(w.s, func() (int, error) { return w.s.deliveries.ReplayAll(ctx, id) })
}
