package web

import (
	"time"

	"firstline/call"
)

// applyLost keeps who is owed a call, by the arrival in the queue.
func (b *Board) applyLost(e call.Event) {
	id := call.LostID(e.Stream.ID)
	switch body := e.Body.(type) {
	case call.LostOpened:
		b.owed[id] = body.Joined
	case call.LostEnded:
		delete(b.owed, id)
	}
}

// oldestOwed is the first arrival of those who are owed a call; nil when nobody is.
func (b *Board) oldestOwed() *time.Time {
	var oldest time.Time
	for _, joined := range b.owed {
		if oldest.IsZero() || joined.Before(oldest) {
			oldest = joined
		}
	}
	return instant(oldest)
}
