package media

import "encoding/binary"

const (
	driftLimit  = 1600            // samples; clocks further apart than this for driftTime are tied anew
	driftTime   = sampleRate      // one second of wall clock
	futureLimit = 2 * sampleRate  // no network delivers this far ahead of time: a new clock
	pastLimit   = 10 * sampleRate // nor holds back this long
	chunkSlots  = 32
)

// slot is one queued packet of a recording.
type slot struct {
	at     int64  // arrival, in samples since the recording's start
	pos    int64  // place on the time line, set by the writer
	source uint64 // stream and epoch: another one has another clock
	ts     uint32
	ch     Channel
	codec  Codec
	n      uint8 // samples; 0: dropped
	data   [frameSamples]byte
}

// chunk is the unit in which a recorder's queue grows.
type chunk struct {
	n     int
	slots [chunkSlots]slot
}

// track places the packets of one channel: by RTP timestamp, tied to the wall clock at the first packet of a source
// and again when the two have drifted apart.
type track struct {
	source uint64
	tied   bool
	pos    int64 // of ts
	ts     uint32
	off    bool  // outside the drift limit since offAt
	offAt  int64 // samples
}

// place returns the position of s. Packets come in order of arrival.
func (t *track) place(s *slot) int64 {
	wall := s.at - int64(s.n) // what just arrived was said in the time before
	if !t.tied || t.source != s.source {
		return t.tie(s, wall)
	}
	pos := t.pos + int64(int32(s.ts-t.ts))
	switch drift := pos - wall; {
	case drift > futureLimit || drift < -pastLimit:
		return t.tie(s, wall)
	case drift >= -driftLimit && drift <= driftLimit:
		t.off = false
	case !t.off:
		t.off, t.offAt = true, s.at
	case s.at-t.offAt >= driftTime:
		return t.tie(s, wall)
	}
	if pos > t.pos {
		t.pos, t.ts = pos, s.ts
	}
	return pos
}

func (t *track) tie(s *slot, wall int64) int64 {
	*t = track{source: s.source, tied: true, pos: wall, ts: s.ts}
	return wall
}

// over reports whether s is added to its channel.
func (s *slot) over() bool { return s.ch >= overLeft }

// render writes the part of s that lies in b, stereo frames from sample from on.
func (s *slot) render(b []byte, from int64) {
	lo, hi := max(s.pos, from), min(s.pos+int64(s.n), from+int64(len(b)/stereoFrame))
	for i := lo; i < hi; i++ {
		var v int16
		if c := s.data[i-s.pos]; s.codec == PCMA {
			v = pcmaToLinear(c)
		} else {
			v = pcmuToLinear(c)
		}
		at := b[(i-from)*stereoFrame+2*int64(s.ch%overLeft):]
		if s.over() {
			v = saturated(int32(v) + int32(int16(binary.LittleEndian.Uint16(at))))
		}
		binary.LittleEndian.PutUint16(at, uint16(v))
	}
}
