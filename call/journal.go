package call

import (
	"context"
	"errors"
)

// ErrHandedOver means that another process goes on with what is open here: what
// unwinds is no change, and nothing of it is kept.
var ErrHandedOver = errors.New("call: the journal is handed over")

// Journal orders and keeps events. One writer commits them in groups.
type Journal interface {
	// Append returns when the events are durable: committed, or fsynced in the
	// local spool when the database has not answered within 250 ms. The events
	// stay together and in order. An error means that they are not durable and
	// will not appear.
	Append(ctx context.Context, evs ...Event) error
	// Post hands events over in order, behind everything appended or posted
	// before, and does not wait for the disk.
	Post(evs ...Event)
}
