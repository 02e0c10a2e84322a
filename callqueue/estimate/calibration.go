package estimate

import (
	"time"

	"firstline/call"
)

// Calibration holds what was announced against what came of it, per queue. It is
// for one goroutine. The zero value is not ready; use NewCalibration.
type Calibration struct {
	open   map[call.EntryID][]announced
	queues map[call.QueueID]*Score
}

type announced struct {
	at time.Time
	r  Range
}

// Score is how good a queue's estimates were. A sound one has about half of the
// answered within the median, nine in ten within P90, and a Bias near 1.
type Score struct {
	Announced int     // estimates said
	Realised  int     // whose caller was answered, so that the wait is known
	Unknown   int     // whose caller left otherwise
	WithinP50 int     // of Realised: answered within the median
	WithinP90 int     //
	WithinTop int     // within the announced High
	Bias      float64 // realised waits by estimated means, 0 when there are none
	realised  time.Duration
	expected  time.Duration
}

// NewCalibration returns a Calibration without anything announced.
func NewCalibration() *Calibration {
	return &Calibration{open: make(map[call.EntryID][]announced), queues: make(map[call.QueueID]*Score)}
}

// Announced notes that an entry was told an estimate.
func (c *Calibration) Announced(at time.Time, queue call.QueueID, entry call.EntryID, r Range) {
	c.score(queue).Announced++
	c.open[entry] = append(c.open[entry], announced{at, r})
}

// Left notes that an entry left its queue, answered or otherwise.
func (c *Calibration) Left(at time.Time, queue call.QueueID, entry call.EntryID, out call.Outcome) {
	said := c.open[entry]
	delete(c.open, entry)
	s := c.score(queue)
	for _, a := range said {
		if out != call.OutcomeAnswered {
			s.Unknown++
			continue
		}
		s.Realised++
		wait := at.Sub(a.at)
		s.realised += wait
		s.expected += a.r.Mean
		count(&s.WithinP50, wait <= a.r.P50)
		count(&s.WithinP90, wait <= a.r.P90)
		count(&s.WithinTop, wait <= a.r.High)
	}
	if s.expected > 0 {
		s.Bias = float64(s.realised) / float64(s.expected)
	}
}

func count(n *int, yes bool) {
	if yes {
		*n++
	}
}

func (c *Calibration) score(id call.QueueID) *Score {
	s, ok := c.queues[id]
	if !ok {
		s = &Score{}
		c.queues[id] = s
	}
	return s
}

// Score returns a queue's score so far.
func (c *Calibration) Score(id call.QueueID) Score { return *c.score(id) }
