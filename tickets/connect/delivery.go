package connect

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"firstline/call"
)

// State is how a delivery stands.
type State string

// The states of a delivery. Only Waiting is not an end.
const (
	Waiting   State = "waiting"
	Delivered State = "delivered"
	Dead      State = "dead"    // given up: a person may send it again
	Expired   State = "expired" // it was about a call, and came too late to be of use
)

// Delivery is one message for one endpoint.
type Delivery struct {
	ID       string          `json:"id"` // the same on every try
	Endpoint call.EndpointID `json:"endpoint"`
	Key      string          `json:"key"`    // a ticket, a call, a person: those of one key go one after the other
	Global   int64           `json:"global"` // of the event that it tells of: the order within a key
	Type     Type            `json:"type"`
	State    State           `json:"state"`
	Made     time.Time       `json:"made"` // from when on it is given up or expires: of the first try; of the event when it is about a call
	Due      time.Time       `json:"due"`  // of the next try
	Attempts int             `json:"attempts"`
	Last     string          `json:"last,omitempty"` // what the last try met
	Ended    time.Time       `json:"ended,omitzero"`
	Payload  json.RawMessage `json:"payload"`
}

// aboutCall reports whether it tells of a call as it goes, and of use only then.
func (d *Delivery) aboutCall() bool {
	return d.Type == CallReceived || d.Type == CallAnswered || d.Type == CallEnded
}

// ErrNoDelivery means that there is no such delivery.
var ErrNoDelivery = errors.New("connect: no such delivery")

// Batch is what an endpoint's owner keeps at once: all of it or nothing. It may be
// kept twice.
type Batch struct {
	Cursor  int64      // every event up to it is planned; 0 leaves it
	New     []Delivery // a delivery that is there already is left alone
	Changed []Delivery
	Refs    []Ref
}

func (b *Batch) empty() bool {
	return b.Cursor == 0 && len(b.New) == 0 && len(b.Changed) == 0 && len(b.Refs) == 0
}

// Ref says under which id an endpoint's system keeps a ticket, for what it tells us.
type Ref struct {
	Endpoint call.EndpointID
	Remote   string
	Ticket   call.TicketID
}

// Store keeps deliveries and cursors.
type Store interface {
	// Cursor is how far an endpoint has planned; 0 when it has not begun.
	Cursor(ctx context.Context, endpoint call.EndpointID) (int64, error)
	// PendingDeliveries are those of an endpoint that wait, in the order of their events.
	PendingDeliveries(ctx context.Context, endpoint call.EndpointID, limit int) ([]Delivery, error)
	KeepDeliveries(ctx context.Context, endpoint call.EndpointID, b Batch) error
	// Delivery is one of them, or ErrNoDelivery.
	Delivery(ctx context.Context, id string) (Delivery, error)
	Deliveries(ctx context.Context, f DeliveryFilter) ([]Delivery, error)
	// TicketOfRef is the ticket that an endpoint's system keeps under an id, or ErrNoDelivery.
	TicketOfRef(ctx context.Context, endpoint call.EndpointID, remote string) (call.TicketID, error)
	// TidyDeliveries forgets those that were delivered or expired before an instant.
	TidyDeliveries(ctx context.Context, before time.Time) error
}

// DeliveryFilter narrows a list of deliveries, newest first; a zero field does not narrow.
type DeliveryFilter struct {
	Endpoint call.EndpointID
	State    State
	Key      string
	Before   string // only those behind this one in the list
	Limit    int    // 100 when 0
}
