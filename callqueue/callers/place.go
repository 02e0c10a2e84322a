package callers

import (
	"time"

	"firstline/call"
)

// Place is where a caller stood in a queue who is no longer on the line.
type Place struct {
	Call   call.ID // that stood there
	Queue  call.QueueID
	Joined time.Time // the arrival by which it is served
	Left   time.Time
}

// standing keeps what a call's last entry is.
func (b *Book) standing(id call.ID, e call.QueueJoined) {
	c, ok := b.open[id]
	if !ok {
		return
	}
	c.queue, c.joined = e.Queue, e.Joined
	b.open[id] = c
}

// lost keeps the place of a caller who hung up, or whom we lost, while waiting.
func (b *Book) lost(id call.ID, c open, out call.Outcome, at time.Time) {
	switch out {
	case call.OutcomeAbandoned, call.OutcomeAbandonedShort, call.OutcomeSystemFailed:
		if p := b.of(c.number, at); p != nil {
			p.place = Place{id, c.queue, c.joined, at}
		}
	}
}

// Dropped is the place in a queue that a number left since an instant, without having
// been answered there or taken it again.
func (b *Book) Dropped(number string, q call.QueueID, since time.Time) (Place, bool) {
	p := b.past[number]
	if number == "" || p == nil || p.place.Call == "" || p.place.Queue != q || p.place.Left.Before(since) {
		return Place{}, false
	}
	return p.place, true
}

// resumed forgets a place that somebody stands at again.
func (b *Book) resumed(id call.ID) {
	if p := b.past[b.open[id].number]; p != nil {
		p.place = Place{}
	}
}
