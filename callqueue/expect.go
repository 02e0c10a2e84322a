package callqueue

import (
	"context"
	"time"

	"firstline/call"
)

// Expect says which entries waited before a restart and will join again: until they
// have, nobody is offered a call, so that who is heard of first is not served first.
// After Within they are waited for no more.
type Expect struct {
	Entries []call.EntryID
	Within  time.Duration
}

func (Expect) input() {}

// expected is who is waited for after a restart.
type expected struct {
	entries map[call.EntryID]bool
	limit   timer
	stirred []*line // meanwhile
}

func (e *Engine) expect(now time.Time, in Expect) {
	e.awaited.entries = make(map[call.EntryID]bool)
	for _, id := range in.Entries {
		if e.entries[id] == nil {
			e.awaited.entries[id] = true
		}
	}
	e.awaited.limit.due = func(time.Time) {
		clear(e.awaited.entries)
		e.allBack()
	}
	if len(e.awaited.entries) > 0 {
		e.arm(&e.awaited.limit, now.Add(in.Within))
	}
}

// came takes note of an entry that joined, or whose call has no more to say.
func (e *Engine) came(id call.EntryID) {
	if !e.awaited.entries[id] {
		return
	}
	delete(e.awaited.entries, id)
	if len(e.awaited.entries) == 0 {
		e.disarm(&e.awaited.limit)
		e.allBack()
	}
}

// allBack has the lines looked at that stirred while somebody was waited for.
func (e *Engine) allBack() {
	e.stirred = append(e.stirred, e.awaited.stirred...)
	e.awaited.stirred = nil
}

// awaiting reports whether offers have to wait, and puts off what stirs.
func (e *Engine) awaiting() bool {
	if len(e.awaited.entries) == 0 {
		return false
	}
	e.awaited.stirred = append(e.awaited.stirred, e.stirred...)
	e.stirred = nil
	return true
}

// comeBack is how long who waited before a restart has to join again.
const comeBack = 3 * time.Second

// Expect has offers wait until entries of before a restart have joined again, for a
// few seconds at most. It is called before they do.
func (d *Dispatcher) Expect(ctx context.Context, entries []call.EntryID) error {
	return d.ask(ctx, func(now time.Time) error { return d.apply(now, Expect{entries, comeBack}) })
}
