package callqueue

import "time"

// timer is one deadline; due is called when it has passed.
type timer struct {
	at    time.Time
	seq   uint64 // ties go to who was set first
	place int
	due   func(now time.Time)
}

func (a *timer) before(b *timer) bool {
	if c := a.at.Compare(b.at); c != 0 {
		return c < 0
	}
	return a.seq < b.seq
}

func (e *Engine) arm(t *timer, at time.Time) {
	e.timers.remove(t)
	e.armed++
	t.at, t.seq = at, e.armed
	e.timers.push(t)
}

func (e *Engine) disarm(t *timer) { e.timers.remove(t) }
