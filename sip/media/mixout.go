package media

import "time"

// pressPause is how long after a passed packet of a key press the press may go on: no audio is sent meanwhile, as no
// phone sends any.
const pressPause = 50 * time.Millisecond

// keyPress is the key press that is passed from one leg to the other while a mixer makes the audio.
type keyPress struct {
	epoch  uint32    // of the source
	source uint32    // its timestamp, which tells presses apart
	former uint32    // that of the press or segment before
	ts     uint32    // ours
	last   time.Time // when a packet of it was passed; zero: none ever was
}

// mixed sends a frame of a mixer. Digits, prompts and music of the stream's own come first.
func (s *Stream) mixed(at time.Time, samples *[frameSamples]int16, buf []byte) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.producing() || at.Sub(o.press.last) < pressPause {
		return
	}
	payload := buf[headerSize : headerSize+frameSamples]
	s.engine.laws.encode(o.codec, payload, samples)
	s.frame(at, payload, buf)
}

// pass sends a telephone-event packet of the other leg, which lies in b, between a mixer's frames. It changes b.
func (s *Stream) pass(now time.Time, p *packet, b []byte) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.producing() || o.closed || !o.sends || o.dtmfPayload == 0 || s.unanswered(now) {
		return
	}
	d := &o.press
	known := !d.last.IsZero() && d.epoch == p.epoch
	behind := int32(d.source - p.ts)
	begins := !known || behind != 0
	if known && begins && (p.ts == d.former || behind > 0 && behind < staleEvents) {
		return // a straggler of a former press would look like a new one
	}
	if begins {
		ts := o.stepped(now)
		if known && p.ts == d.source+maxEventTime { // the next segment of a long press
			ts = d.ts + maxEventTime
		}
		*d = keyPress{epoch: p.epoch, source: p.ts, former: d.source, ts: ts}
		o.ts, o.at, o.span = ts, now, frameSamples
	}
	d.last, o.last = now, nobody
	h := header{payloadType: o.dtmfPayload, marker: begins, ts: d.ts, ssrc: o.ssrc}
	s.write(&h, b[p.from-headerSize:p.to])
}
