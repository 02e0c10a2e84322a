package connect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/connect/sign"
)

// InboundSecret is by which an endpoint's system proves who it is when it tells us.
const InboundSecret = "inbound"

// Inbound takes what other systems tell us of tickets that they keep.
type Inbound struct {
	List   *List
	Vault  Vault
	Store  Store
	Change func(ctx context.Context, id call.TicketID, to tickets.State, by, why string) error
}

// Known is the endpoint behind a request, when that is signed. Else sign.ErrSignature
// or sign.ErrStale: who is not known learns nothing of what there is.
func (in *Inbound) Known(ctx context.Context, id call.EndpointID, h http.Header, body []byte) (Endpoint, error) {
	p, err := in.List.Endpoint(id)
	if err != nil || p.Paused {
		return p, sign.ErrSignature
	}
	secrets, err := in.Vault.Secrets(ctx, id)
	if err != nil {
		return p, err
	}
	return p, sign.Inbound(h, body, time.Now(), secrets[InboundSecret])
}

// news is what is told: a ticket's remote id, and the state that it is in.
type news struct {
	ID    json.RawMessage `json:"id"` // a text or a number
	State string          `json:"state"`
	Why   string          `json:"why"`
}

// Tell takes a state in. One that the ticket has already changes nothing, so that two
// systems that tell each other by us come to rest; and an endpoint is not told what it
// told us. ErrInvalid, tickets.ErrNotFound.
func (in *Inbound) Tell(ctx context.Context, p Endpoint, body []byte) error {
	var n news
	if err := json.Unmarshal(body, &n); err != nil {
		return fmt.Errorf("%w: the body is no JSON with id and state", ErrInvalid)
	}
	var remote string
	if json.Unmarshal(n.ID, &remote) != nil {
		remote = string(n.ID)
	}
	id, err := in.Store.TicketOfRef(ctx, p.ID, remote)
	switch {
	case errors.Is(err, ErrNoDelivery):
		return fmt.Errorf("%w: %s keeps no ticket of ours as %q", tickets.ErrNotFound, p.ID, Trim(remote))
	case err != nil:
		return err
	}
	to, ok := states()[n.State]
	if !ok {
		return fmt.Errorf("%w: %q is no state", ErrInvalid, Trim(n.State))
	}
	why := Trim(n.Why)
	if why == "" {
		why = "told by " + p.Name
	}
	return in.Change(ctx, id, to, origin(p.ID), why)
}

// states are ours, and the words that others have for them.
func states() map[string]tickets.State {
	all := map[string]tickets.State{
		"pending": tickets.WaitingCustomer, "pending reminder": tickets.WaitingCustomer, "hold": tickets.WaitingThird, "on hold": tickets.WaitingThird,
		"solved": tickets.Resolved, "done": tickets.Resolved, "Done": tickets.Resolved, "Resolved": tickets.Resolved, "6": tickets.Resolved,
		"in progress": tickets.Open, "In Progress": tickets.Open, "reopened": tickets.Open, "2": tickets.Open,
	}
	for _, s := range tickets.States() {
		if s != tickets.New {
			all[string(s)] = s
		}
	}
	return all
}
