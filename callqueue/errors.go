package callqueue

import "errors"

// Errors that callers of the Dispatcher and readers of Refused can match.
var (
	ErrUnknownQueue = errors.New("callqueue: no such queue")
	ErrUnknownEntry = errors.New("callqueue: no such call waits")
	ErrUnknownAgent = errors.New("callqueue: no such agent")
	ErrUnknownOffer = errors.New("callqueue: no such offer")
	ErrUnknownKey   = errors.New("callqueue: no such key") // in the queue that the call waits in
	ErrFull         = errors.New("callqueue: queue is full")
	ErrLast         = errors.New("callqueue: callers wait whom nobody else could serve") // a log-out
	ErrBreakFull    = errors.New("callqueue: too many are on break")
	ErrBusy         = errors.New("callqueue: in use")        // a queue with callers, a device with somebody at it, an entry that waits already
	ErrTalking      = errors.New("callqueue: agent talks")   // until the talk has ended
	ErrNotTalking   = errors.New("callqueue: no such talk")  // or no such wrap-up
	ErrInvalid      = errors.New("callqueue: not valid")     // the input itself
	ErrClosed       = errors.New("callqueue: queue is shut") // the dispatcher has ended
)
