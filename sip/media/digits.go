package media

import (
	"encoding/binary"
	"slices"
	"time"
)

const (
	digitNames = "0123456789*#ABCD" // by event code, RFC 4733 table 3

	digitExpiry  = 500 * time.Millisecond // without a packet an event counts as ended: all its end packets were lost
	staleEvents  = 5 * sampleRate         // an event this far behind the newest is a straggler, further is a new clock
	maxEventTime = 0xFFFF                 // longest duration in one segment (RFC 4733 section 2.5.1.3)
)

// telephoneEvent is the payload of RFC 4733 section 2.3.
type telephoneEvent struct {
	code     uint8
	end      bool
	volume   uint8
	duration uint16 // in timestamp units of 125 us
}

func (t *telephoneEvent) parse(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	t.code, t.end, t.volume, t.duration = b[0], b[1]&0x80 != 0, b[1]&0x3F, binary.BigEndian.Uint16(b[2:])
	return true
}

func (t *telephoneEvent) put(b []byte) {
	b[0], b[1] = t.code, t.volume
	if t.end {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], t.duration)
}

// eventKey is what makes two packets the same key press. A marker bit or a sequence number would not do: the first
// packet may be lost, and the end is sent three times.
type eventKey struct {
	ssrc, ts uint32
	code     uint8
}

// digitDetector turns telephone-event packets into one start and one end per key press.
type digitDetector struct {
	current  eventKey
	seen     bool // current is valid
	active   bool // current has not ended
	base     uint32
	duration uint32 // of current, over all its segments
	last     time.Time
	past     [4]eventKey // ended events, against packets that were reordered past the next press
	pastLen  uint8
	pastNext uint8
}

// digitReport is at most the end of the former press, the start and the end of this one.
type digitReport struct {
	events [3]Event
	n      int
}

func (r *digitReport) add(e Event) { r.events[r.n] = e; r.n++ }

func (r digitReport) list() []Event { return r.events[:r.n] }

// packet takes one telephone-event packet.
func (d *digitDetector) packet(now time.Time, h *header, t telephoneEvent) (r digitReport) {
	if int(t.code) >= len(digitNames) {
		return r // flash and tones are no digits
	}
	key := eventKey{ssrc: h.ssrc, ts: h.ts, code: t.code}
	switch {
	case d.seen && key == d.current:
	case d.continues(key):
		d.remember(d.current) // a straggler of the former segment must not be a new press
		d.current = key
	case d.stale(key):
		return r
	default:
		d.end(now, &r)
		d.current, d.seen, d.active, d.base, d.duration = key, true, true, key.ts, 0
		r.add(Event{Kind: DigitStart, Digit: digitNames[key.code], At: now})
	}
	if !d.active {
		return r
	}
	d.last = now
	d.duration = max(d.duration, key.ts-d.base+uint32(t.duration))
	if t.end {
		d.end(now, &r)
	}
	return r
}

// expire ends an event whose packets stopped coming.
func (d *digitDetector) expire(now time.Time) (r digitReport) {
	if d.active && now.Sub(d.last) >= digitExpiry {
		d.end(now, &r)
	}
	return r
}

func (d *digitDetector) end(now time.Time, r *digitReport) {
	if !d.active {
		return
	}
	d.active = false
	d.remember(d.current)
	r.add(Event{
		Kind: DigitEnd, Digit: digitNames[d.current.code], Duration: durationOf(int64(d.duration)), At: now,
	})
}

// continues reports whether key is the next segment of a press that is longer than 8.19 s.
func (d *digitDetector) continues(key eventKey) bool {
	return d.active && key.ssrc == d.current.ssrc && key.code == d.current.code &&
		key.ts == d.current.ts+maxEventTime
}

func (d *digitDetector) stale(key eventKey) bool {
	if slices.Contains(d.past[:d.pastLen], key) {
		return true
	}
	behind := d.current.ts - key.ts
	return d.seen && key.ssrc == d.current.ssrc && behind > 0 && behind < staleEvents
}

func (d *digitDetector) remember(key eventKey) {
	d.past[d.pastNext] = key
	d.pastNext = (d.pastNext + 1) % uint8(len(d.past))
	d.pastLen = min(d.pastLen+1, uint8(len(d.past)))
}
