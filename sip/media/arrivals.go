package media

import "time"

const (
	maxDropout  = 3000 // RFC 3550 A.1: a jump further ahead is not the same stream
	maxMisorder = 100
)

// arrivals keeps the reception statistics of one source (RFC 3550 A.1, A.3, A.8).
type arrivals struct {
	started  bool
	maxSeq   uint16
	cycles   uint32 // multiples of 65536
	baseSeq  uint32
	badSeq   uint32 // the number that would confirm a jump; 1<<16 | … is none
	received uint32
	before   int64 // lost by former sources of this stream

	transit int32
	jitter  uint32 // in timestamp units, scaled by 16

	expectedPrior, receivedPrior uint32
}

// next says what a sequence number means for the stream.
type next uint8

const (
	outside   next = iota // drop it
	inside                // in order, late or duplicate: pass it on
	restarted             // the sender jumped, twice in a row: a new beginning
)

// restart begins the statistics of a new source; what was lost before stays counted.
func (a *arrivals) restart(seq uint16) {
	lost := a.before + a.lost()
	if !a.started {
		lost = 0
	}
	*a = arrivals{started: true, maxSeq: seq, baseSeq: uint32(seq), badSeq: 1 << 16, before: lost, jitter: a.jitter}
}

// sequence judges seq; an inside or restarted packet is counted.
func (a *arrivals) sequence(seq uint16) next {
	delta := seq - a.maxSeq
	switch {
	case delta < maxDropout:
		if seq < a.maxSeq {
			a.cycles += 1 << 16
		}
		a.maxSeq = seq
	case delta <= 1<<16-maxMisorder:
		if uint32(seq) != a.badSeq {
			a.badSeq = uint32(seq + 1)
			return outside
		}
		a.restart(seq)
		a.received++
		return restarted
	}
	a.received++
	return inside
}

// measure updates the jitter with an audio packet.
func (a *arrivals) measure(now time.Time, epoch time.Time, ts uint32) {
	transit := int32(uint32(samplesIn(now.Sub(epoch))) - ts)
	d := transit - a.transit
	first := a.transit == 0
	a.transit = transit
	if d < 0 {
		d = -d
	}
	if first || d > sampleRate { // a jump of the sender's clock is not jitter
		return
	}
	a.jitter += uint32(d) - (a.jitter+8)>>4
}

func (a *arrivals) extendedMax() uint32 { return a.cycles + uint32(a.maxSeq) }

func (a *arrivals) expected() uint32 {
	if !a.started {
		return 0
	}
	return a.extendedMax() - a.baseSeq + 1
}

// lost of the present source.
func (a *arrivals) lost() int64 { return int64(a.expected()) - int64(a.received) }

// fractionLost since the last call, in 1/256 (RFC 3550 A.3).
func (a *arrivals) fractionLost() uint8 {
	expected, received := a.expected()-a.expectedPrior, a.received-a.receivedPrior
	a.expectedPrior, a.receivedPrior = a.expected(), a.received
	if expected == 0 || received >= expected {
		return 0
	}
	return uint8(min(255, uint64(expected-received)<<8/uint64(expected)))
}
