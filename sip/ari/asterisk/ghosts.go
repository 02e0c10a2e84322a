package asterisk

import (
	"errors"
	"sync"
	"syscall"
	"time"
)

// errGhost ends a connection whose events went to an earlier attempt of ours.
var errGhost = errors.New("an attempt of ours that was given up came late and took the events")

// ghostLife is how long an attempt may still arrive that was given up without an
// answer: the system goes on sending what a closed socket was told to send.
const ghostLife = 15 * time.Minute

// ghosts are attempts to connect that were given up while nothing passed. When the
// network lets them through they take the application from the connection that was
// made meanwhile, and Asterisk says that somebody did. That is us, not another
// process; who really is another one has the lease, by which we end.
type ghosts struct {
	mu sync.Mutex
	at []time.Time // when each was given up
}

// note remembers an attempt by the error with which it ended. Who was refused, or
// answered, is no ghost.
func (g *ghosts) note(err error, now time.Time) {
	if !errors.Is(err, ErrAway) || errors.Is(err, syscall.ECONNREFUSED) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at = append(g.at, now)
}

// took says whether a replacement may be one's work. Each is believed once.
func (g *ghosts) took(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.at) > 0 {
		at := g.at[0]
		g.at = g.at[1:]
		if now.Sub(at) < ghostLife {
			return true
		}
	}
	return false
}
