package media

import (
	"slices"
	"sync"
	"time"
)

// Ear collects what a stream hears, to be measured. Gaps of up to
// two seconds become silence, late packets are dropped.
type Ear struct {
	limit int64 // samples

	mu      sync.Mutex // guards all below
	samples []int16
	next    uint32 // timestamp after the last sample
}

// NewEar listens to s, which was configured with codec c, until limit is collected. It takes the stream's OnAudio.
func NewEar(s *Stream, c Codec, limit time.Duration) *Ear {
	e := &Ear{limit: samplesIn(limit)}
	s.OnAudio(func(payload []byte, ts uint32) { e.hear(c, payload, ts) })
	return e
}

func (e *Ear) hear(c Codec, payload []byte, ts uint32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if int64(len(e.samples)+len(payload)) > e.limit {
		return
	}
	gap := int32(ts - e.next)
	switch late := gap < 0 && gap > -relayJump; {
	case len(e.samples) == 0:
	case late:
		return
	case gap > 0 && gap <= relayJump:
		e.samples = append(e.samples, make([]int16, min(int64(gap), e.limit-int64(len(e.samples))))...)
	}
	e.samples = c.decode(e.samples, payload)
	e.next = ts + uint32(len(payload))
}

// Samples returns a copy of what was heard, 8 kHz.
func (e *Ear) Samples() []int16 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.samples)
}

// Heard returns how long freq Hz was heard so far, as the function Heard with a threshold of 0.05.
func (e *Ear) Heard(freq float64) time.Duration { return Heard(e.Samples(), freq, 0.05) }

// decode appends the samples of a payload in codec c to dst.
func (c Codec) decode(dst []int16, payload []byte) []int16 {
	if c == PCMA {
		return DecodePCMA(dst, payload)
	}
	return DecodePCMU(dst, payload)
}
