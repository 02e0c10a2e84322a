package asterisk

import (
	"context"
	"sync"
)

// keptLen is the room that an empty queue keeps; a burst's goes back.
const keptLen = 1024

// queue holds what has been received and not yet handled. The reader never waits:
// when the queue is full the connection has to go.
type queue struct {
	length, size int // limits: events, bytes

	mu     sync.Mutex // guards the fields below
	events [][]byte
	head   int // of events: those before it have been taken
	bytes  int
	closed bool

	some chan struct{} // holds a token when there may be something to take
}

func newQueue(length, size int) *queue {
	return &queue{length: length, size: size, some: make(chan struct{}, 1)}
}

// put says whether there was room. An event that is larger than the queue has
// room in an empty one.
func (q *queue) put(b []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events)-q.head >= q.length || q.bytes > 0 && q.bytes+len(b) > q.size {
		return false
	}
	q.events = append(q.events, b)
	q.bytes += len(b)
	q.wake()
	return true
}

// take waits for the next event. It is false when ctx has ended, or when the queue
// is closed and empty.
func (q *queue) take(ctx context.Context) ([]byte, bool) {
	for {
		if ctx.Err() != nil {
			return nil, false
		}
		b, ok, closed := q.next()
		if ok || closed {
			return b, ok
		}
		select {
		case <-q.some:
		case <-ctx.Done():
		}
	}
}

func (q *queue) next() (b []byte, ok, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.events) {
		return nil, false, q.closed
	}
	b, q.events[q.head] = q.events[q.head], nil
	q.head++
	switch left := len(q.events) - q.head; {
	case left == 0 && cap(q.events) > keptLen:
		q.head, q.events = 0, nil
	case left < q.head: // half of it is behind: what is left moves to the front
		copy(q.events, q.events[q.head:])
		clear(q.events[left:])
		q.head, q.events = 0, q.events[:left]
	}
	q.bytes -= len(b)
	return b, true, q.closed
}

// close says that nothing more comes; what is there can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.some <- struct{}{}:
	default:
	}
}
