package callqueue

import "errors"

// Errors that callers of the Dispatcher and readers of Refused can match.
var (
	ErrUnknownQueue = errors.New("callqueue: no such queue")
	ErrUnknownEntry = errors.New("callqueue: no such call waits")
	ErrUnknownAgent = errors.New("callqueue: no such agent")
	ErrUnknownOffer = errors.New("callqueue: no such offer")
	ErrFull         = errors.New("callqueue: queue is full")
	ErrBusy         = errors.New("callqueue: in use")        // a queue with callers, a device with somebody at it, an entry that waits already
	ErrTalking      = errors.New("callqueue: agent talks")   // until the talk has ended
	ErrNotTalking   = errors.New("callqueue: no such talk")  // or no such wrap-up
	ErrInvalid      = errors.New("callqueue: not valid")     // the input itself
	ErrClosed       = errors.New("callqueue: queue is shut") // the dispatcher has ended
)
