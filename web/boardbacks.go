package web

import (
	"time"

	"firstline/call"
)

// place is where who asked to be called back stands.
type place struct {
	queue  call.QueueID
	joined time.Time // the original arrival
}

// applyCallback keeps who asked to be called back and was not yet.
func (b *Board) applyCallback(e call.Event) {
	id := call.CallbackID(e.Stream.ID)
	switch body := e.Body.(type) {
	case call.CallbackAsked:
		if !body.Test {
			b.backs[id] = place{body.Queue, body.Joined}
		}
	case call.CallbackClosed:
		delete(b.backs, id)
	}
}

// askedBack is who asked a queue to be called back; any queue when none is named.
func (b *Board) askedBack(q call.QueueID) (w waiting) {
	for _, p := range b.backs {
		if q == "" || p.queue == q {
			w.add(p.joined)
		}
	}
	return w
}
