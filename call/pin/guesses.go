package pin

import (
	"sync"
	"time"
)

// Window is how long a wrong guess counts.
const Window = 15 * time.Minute

// Guesses counts wrong ones within Window, by whoever they are held against. They
// are of the process: a restart forgets them. The zero value is ready.
type Guesses struct {
	mu    sync.Mutex // guards wrong
	wrong map[string][]time.Time
}

// Reached reports whether so many were wrong.
func (g *Guesses) Reached(now time.Time, who string, limit int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(now)
	return len(g.wrong[who]) >= limit
}

// Wrong counts one for each.
func (g *Guesses) Wrong(now time.Time, who ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.wrong == nil {
		g.wrong = make(map[string][]time.Time)
	}
	for _, w := range who {
		g.wrong[w] = append(g.wrong[w], now)
	}
}

// Clear forgets those held against somebody.
func (g *Guesses) Clear(who string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.wrong, who)
}

// forget drops wrong guesses that are too old to count.
func (g *Guesses) forget(now time.Time) {
	for who, times := range g.wrong {
		for len(times) > 0 && now.Sub(times[0]) >= Window {
			times = times[1:]
		}
		if len(times) == 0 {
			delete(g.wrong, who)
			continue
		}
		g.wrong[who] = times
	}
}
