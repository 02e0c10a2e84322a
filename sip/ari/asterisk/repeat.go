package asterisk

import (
	"errors"
	"maps"
	"sync"
	"time"
)

// An operation that got no answer may have been done. Most can simply be repeated,
// since the ids are ours: Asterisk says that the channel is there already, or hangs
// up what is hung up. Two cannot: it plays the same playback again, and it takes a
// channel out of a bridge to put it back in. Of those the client remembers that the
// answer was lost, and looks before it does them again.

const (
	unsureFor = 10 * time.Minute // nobody repeats an operation after that
	unsureMax = 10000
)

// unsure are operations whose answer was lost.
type unsure struct {
	mu    sync.Mutex // guards since
	since map[string]time.Time
}

func newUnsure() *unsure { return &unsure{since: make(map[string]time.Time)} }

func (u *unsure) has(key string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, ok := u.since[key]
	return ok
}

// note keeps in mind how an operation went. Asterisk's answer settles it, also a no.
func (u *unsure) note(now time.Time, key string, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, said := errors.AsType[*StatusError](err); err == nil || said {
		delete(u.since, key)
		return
	}
	if len(u.since) >= unsureMax {
		u.thin(now)
	}
	u.since[key] = now
}

// thin makes room: of what is old, and else of any half.
func (u *unsure) thin(now time.Time) {
	maps.DeleteFunc(u.since, func(_ string, at time.Time) bool { return now.Sub(at) > unsureFor })
	for key := range u.since {
		if len(u.since) <= unsureMax/2 {
			return
		}
		delete(u.since, key)
	}
}
