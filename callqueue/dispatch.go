package callqueue

import (
	"slices"
	"time"
)

// stir marks a line that may have gained a match.
func (e *Engine) stir(l *line) {
	if !l.stirred {
		l.stirred = true
		e.stirred = append(e.stirred, l)
	}
}

// dispatch makes every offer that can be made. Only stirred lines are looked at:
// all others had no match before and have gained neither a caller nor an agent.
// Who has no phone ringing comes before any second phone for somebody else.
func (e *Engine) dispatch(now time.Time) {
	if e.awaiting() {
		return
	}
	lines := e.stirred
	e.stirred = nil
	for _, l := range lines {
		l.stirred = false
	}
	if e.closed {
		return
	}
	e.serve(now, slices.Clone(lines))
	e.ringMore(now, lines)
	if e.stirred == nil {
		clear(lines)
		e.stirred = lines[:0]
	}
}

// serve offers agents to the first of all heads, until no head can be served.
// The lines are kept as a heap by their heads.
func (e *Engine) serve(now time.Time, lines []*line) {
	lines = slices.DeleteFunc(lines, func(l *line) bool { return l.waiting.len() == 0 })
	for i := len(lines)/2 - 1; i >= 0; i-- {
		sink(lines, i)
	}
	for len(lines) > 0 {
		l := lines[0]
		x := l.waiting.head()
		c := e.choose(now, l, x)
		if c.agent == nil || !e.makeOffer(now, x, c) || l.waiting.len() == 0 {
			last := len(lines) - 1
			lines[0] = lines[last]
			lines = lines[:last]
		}
		if len(lines) > 0 {
			sink(lines, 0)
		}
	}
}

// sink brings the line at i to its place among those below it.
func sink(lines []*line, i int) {
	for {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(lines); child++ {
			if lines[child].waiting.head().before(lines[first].waiting.head()) {
				first = child
			}
		}
		if first == i {
			return
		}
		lines[i], lines[first] = lines[first], lines[i]
		i = first
	}
}

// ringMore rings further phones for those who have some ringing: all that are
// free at once, or the next one after RingStep.
func (e *Engine) ringMore(now time.Time, lines []*line) {
	var rung []*entry
	for _, l := range lines {
		rung = append(rung, l.ringing.items...)
	}
	slices.SortFunc(rung, func(x, y *entry) int {
		if x.before(y) {
			return -1
		}
		return 1
	})
	for _, x := range rung {
		for !x.tooLong(now) && x.in != nil {
			if x.queue.Strategy == RingProgressively && now.Sub(x.ringing) < x.queue.RingStep {
				break
			}
			c := e.choose(now, x.line, x)
			if c.agent == nil || c.tier > x.tier || !e.makeOffer(now, x, c) {
				break
			}
		}
	}
}
