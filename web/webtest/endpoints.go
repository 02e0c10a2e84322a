package webtest

import (
	"context"
	"net/netip"
	"time"

	"firstline/call"
	"firstline/tickets/connect"
	"firstline/tickets/connect/connecttest"
	"firstline/tickets/connect/outgoing"
)

// told is the domain's own list on a World's journal, with deliveries in memory
// that nobody delivers.
type told struct {
	*connecttest.World
	list   *connect.List
	engine *connect.Engine
}

func newEndpoints(w *World) *told {
	e := &told{World: connecttest.New()}
	guard := outgoing.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	ways := &connect.Ways{Guard: guard}
	e.list = connect.NewList(connect.ListConfig{Journal: w, Vault: e, Check: ways.Check, Last: func() int64 { return 0 }}, nil)
	e.engine = connect.NewEngine(connect.EngineConfig{Store: e, Vault: e, List: e.list})
	return e
}

// Deliver puts deliveries where the pages find them.
func (w *World) Deliver(ds ...connect.Delivery) {
	for _, d := range ds {
		_ = w.endpoints.KeepDeliveries(context.Background(), d.Endpoint, connect.Batch{New: []connect.Delivery{d}}) // never fails in memory
	}
}

// Tell makes an endpoint of its own for n, and returns its id.
func (w *World) Tell(n string) string {
	id := call.EndpointID("told" + n)
	set := call.EndpointSet{Endpoint: id, Kind: string(connect.Webhook), Name: "Told", URL: "https://told.example.com/in", By: "supervisor:sue"}
	if _, _, err := w.endpoints.list.Add(context.Background(), set); err != nil {
		panic(err) // it fits
	}
	return string(id)
}

// Dead is the id of a letter that an endpoint did not take.
func (w *World) Dead(at time.Time, endpoint string) string {
	id := "msg_" + endpoint
	w.Deliver(connect.Delivery{ID: id, Endpoint: call.EndpointID(endpoint), Key: "T-1", Type: connect.TicketNoted, State: connect.Dead, Made: at, Ended: at, Attempts: 4, Payload: []byte(`{}`)})
	return id
}

// Endpoints implements web.Endpoints, as the methods below do.
func (e *told) Endpoints() []connect.Endpoint { return e.list.All() }

// Endpoint is one of them.
func (e *told) Endpoint(id call.EndpointID) (connect.Endpoint, error) { return e.list.Endpoint(id) }

// Status is how it does.
func (e *told) Status(id call.EndpointID) connect.Status { return e.engine.Status(id) }

// Add makes one.
func (e *told) Add(ctx context.Context, s call.EndpointSet) (connect.Endpoint, string, error) {
	return e.list.Add(ctx, s)
}

// Change sets one anew.
func (e *told) Change(ctx context.Context, s call.EndpointSet) (connect.Endpoint, error) {
	return e.list.Change(ctx, s)
}

// Remove ends one.
func (e *told) Remove(ctx context.Context, id call.EndpointID, by string) error {
	return e.list.Remove(ctx, id, by)
}

// PutSecret is connect.List's: it hides that of the vault, which checks nothing.
func (s secretsOf) PutSecret(ctx context.Context, id call.EndpointID, name, value, by string) error {
	return s.list.PutSecret(ctx, id, name, value, by)
}

// Try sends a ping.
func (e *told) Try(ctx context.Context, id call.EndpointID, by string) (connect.Delivery, error) {
	return e.engine.Try(ctx, id, by)
}

// Replay sends a dead letter again.
func (e *told) Replay(ctx context.Context, id string) (connect.Delivery, error) {
	return e.engine.Replay(ctx, id)
}

// ReplayAll sends all of one again.
func (e *told) ReplayAll(ctx context.Context, id call.EndpointID) (int, error) {
	return e.engine.ReplayAll(ctx, id)
}

// secretsOf is the web's side of it.
type secretsOf struct{ *told }
