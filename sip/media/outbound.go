package media

import (
	"net/netip"
	"sync"
	"time"
)

// background is what a stream sends when no prompt plays.
type background uint8

const (
	backNone background = iota
	backMusic
	backSilence
)

// producer is who made the last packet. A change sets the marker and steps the timestamp by the time gone by.
type producer uint8

const (
	nobody producer = iota
	pacer
	relayer
)

const (
	relayJump  = 2 * sampleRate  // timestamp and wall clock further apart than this: the source began a new clock
	relayPause = 2 * time.Second // after this long without a packet the numbers are tied anew
)

// outbound is the sending half of a stream: one SSRC, one run of sequence numbers, one clock.
type outbound struct {
	mu sync.Mutex // guards all below

	closed      bool
	sends       bool // direction and destination allow it
	dest        netip.AddrPort
	rtcpDest    netip.AddrPort
	codec       Codec
	payloadType uint8
	dtmfPayload uint8

	ssrc uint32
	seq  uint16    // last sent
	ts   uint32    // newest sent
	at   time.Time // when ts was sent; zero: nothing was
	span uint32    // how long ts lasts, in samples

	answered bool      // something came from dest
	first    time.Time // when the first packet went to dest

	last     producer
	relaying mapping
	press    keyPress

	paced bool // on the wheel
	play  *Playback
	back  background
	music *Audio
	jobs  []*digitJob

	packets, octets, errors uint64
	reported                uint64 // packets at the last sender report
}

// mapping carries a source's numbers over to ours.
type mapping struct {
	epoch uint32 // of the source; another epoch needs another mapping
	seq   uint16 // added to the source's
	ts    uint32
	depth uint16 // how far back from the newest sequence number the mapping reaches
	refTS uint32 // newest audio of the source and when it came
	refAt time.Time
	last  time.Time // last packet of any kind
}

// stepped returns the timestamp for a packet at the given time when what came before is not its source.
func (o *outbound) stepped(at time.Time) uint32 {
	if o.at.IsZero() {
		return o.ts // random from Open
	}
	return o.ts + max(o.span, uint32(max(0, samplesIn(at.Sub(o.at)))))
}

// producing reports whether the pacer has something to send, which covers a bridge.
func (o *outbound) producing() bool { return o.play != nil || o.back != backNone || len(o.jobs) > 0 }

// frame sends one paced frame of 160 bytes.
func (s *Stream) frame(at time.Time, payload, buf []byte) {
	o := &s.out
	if !o.sends || s.unanswered(at) {
		o.last = nobody
		return
	}
	h := header{payloadType: o.payloadType, ssrc: o.ssrc, marker: o.last != pacer}
	if gap := at.Sub(o.at); o.last == pacer && gap > frameTime/2 && gap < frameTime*3/2 {
		h.ts = o.ts + frameSamples
	} else {
		h.ts = o.stepped(at)
	}
	o.last, o.ts, o.at, o.span = pacer, h.ts, at, frameSamples
	s.write(&h, append(buf[:headerSize], payload...))
}

// unanswered reports whether dest has had its time to show that it wants our packets; out.mu is held.
func (s *Stream) unanswered(now time.Time) bool {
	o, limit := &s.out, s.engine.cfg.Unanswered
	if o.answered || limit == 0 {
		return false
	}
	if o.first.IsZero() {
		o.first = now
	}
	return now.Sub(o.first) >= limit
}

// write numbers and sends a packet whose header goes into the first 12 bytes of b.
func (s *Stream) write(h *header, b []byte) {
	o := &s.out
	o.seq++
	h.seq = o.seq
	s.emitPacket(h, b)
}

func (s *Stream) emitPacket(h *header, b []byte) {
	o := &s.out
	h.put(b)
	if err := s.conn.send(b, o.dest); err != nil {
		o.errors++ // no route, buffer full: the next frame may pass
		return
	}
	o.packets++
	o.octets += uint64(len(b) - headerSize)
}

// tick does the stream's 20 ms: digits before prompt before background.
func (s *Stream) tick(at time.Time, buf []byte) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.paced {
		return
	}
	if s.tickDigits(at, buf) {
		return
	}
	if o.play != nil {
		if payload := o.play.frame(o.codec); payload != nil {
			s.frame(at, payload, buf)
			return
		}
		o.play.finish(true)
		o.play = nil
	}
	switch o.back {
	case backMusic:
		s.frame(at, o.music.at(o.codec, at.Sub(s.engine.epoch)), buf)
	case backSilence:
		s.frame(at, s.engine.silence.frame(o.codec, 0), buf)
	case backNone:
		s.unpace()
	}
}

// packet is an accepted RTP packet on its way to the other leg.
type packet struct {
	header
	event    bool // telephone-event, else audio
	codec    Codec
	epoch    uint32 // counts the restarts of its source
	from, to int    // payload in the reader's buffer; from is at least 12
}

// relay sends p, which lies in b, with this stream's numbers. It changes b.
func (s *Stream) relay(now time.Time, p *packet, b []byte) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.producing() || o.closed || !o.sends || s.unanswered(now) {
		if o.last == relayer {
			o.last = nobody
		}
		return
	}
	m := &o.relaying
	anchor := o.last != relayer || m.epoch != p.epoch || now.Sub(m.last) > relayPause || !p.event && m.jumps(now, p.ts)
	if anchor {
		*m = mapping{epoch: p.epoch, seq: o.seq + 1 - p.seq, ts: o.stepped(now) - p.ts, refTS: p.ts, refAt: now}
	}
	m.last = now
	out := header{payloadType: o.payloadType, marker: p.marker || anchor, ssrc: o.ssrc}
	out.seq, out.ts = p.seq+m.seq, p.ts+m.ts
	ahead := int16(out.seq - o.seq)
	if p.event {
		if out.payloadType = o.dtmfPayload; out.payloadType == 0 {
			o.skip(ahead, anchor)
			return
		}
	} else {
		transcode(b[p.from:p.to], p.codec, o.codec)
	}
	if ahead <= 0 && uint16(-ahead) >= m.depth && !anchor {
		return // from before the switch: its number belongs to another packet
	}
	o.advance(now, &out, ahead, p)
	s.emitPacket(&out, b[p.from-headerSize:p.to])
}

// advance takes note of a relayed packet.
func (o *outbound) advance(now time.Time, out *header, ahead int16, p *packet) {
	m := &o.relaying
	if ahead > 0 {
		o.seq = out.seq
		m.depth = min(m.depth, 1000) + uint16(ahead)
	}
	if o.last != relayer || int32(out.ts-o.ts) > 0 {
		o.ts, o.at, o.span = out.ts, now, frameSamples
		if !p.event {
			o.span = uint32(p.to - p.from)
		}
	}
	if !p.event && int32(p.ts-m.refTS) >= 0 {
		m.refTS, m.refAt = p.ts, now
	}
	o.last = relayer
}

// skip closes the gap in the numbers that a packet leaves which the other leg did not negotiate.
func (o *outbound) skip(ahead int16, anchor bool) {
	if ahead > 0 && !anchor {
		o.relaying.seq--
	}
}

// jumps reports whether the source's clock left the wall clock.
func (m *mapping) jumps(now time.Time, ts uint32) bool {
	off := int64(int32(ts-m.refTS)) - samplesIn(now.Sub(m.refAt))
	return off > relayJump || off < -relayJump
}
