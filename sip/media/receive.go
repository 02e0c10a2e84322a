package media

import (
	"net/netip"
	"sync"
	"time"
)

const (
	comfortNoise = 13 // RFC 3389's static payload type: keeps the lock and the media timeout content, no more
)

// inbound is the receiving half of a stream.
type inbound struct {
	mu sync.Mutex // guards all below; taken before out.mu where both are needed

	configured bool
	params     Params
	since      time.Time // Configure, or the last accepted packet: what the media timeout counts from
	lost       bool      // MediaLost was reported

	lock     sourceLock
	arrivals arrivals
	digits   digitDetector
	epoch    uint32 // counts restarts of the source

	packets, octets uint64
	drops           [DropEarly + 1]uint64
	reports         reports
}

// receive takes one datagram from the RTP socket. It changes b.
func (s *Stream) receive(now time.Time, from netip.AddrPort, b []byte) {
	var p packet
	var ok bool
	if p.from, p.to, ok = p.parse(b); !ok {
		s.drop(DropMalformed)
		return
	}
	ok = s.accept(now, from, &p, b)
	k := s.sink.Load()
	if !ok || k == nil {
		return
	}
	if !p.event {
		payload := b[p.from:p.to]
		if k.rec != nil {
			k.rec.put(now, k.ch, uint64(s.id)<<32|uint64(p.epoch), &p, payload)
		}
		if k.tap != nil {
			k.tap(payload, p.ts)
		}
	}
	switch {
	case k.seat != nil && !p.event:
		k.seat.hear(now, &p, b[p.from:p.to])
	case k.peer == nil:
	case k.mixed:
		k.peer.pass(now, &p, b)
	default:
		k.peer.relay(now, &p, b)
	}
}

// accept judges a parsed packet and updates everything that only this leg knows. It reports whether it is audio or
// a digit for the sink.
func (s *Stream) accept(now time.Time, from netip.AddrPort, p *packet, b []byte) bool {
	in := &s.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.configured {
		s.count(DropEarly)
		return false
	}
	p.event = in.params.DTMFPayload != 0 && p.payloadType == in.params.DTMFPayload
	audio := p.payloadType == in.params.PayloadType
	if in.params.OtherLaw && p.payloadType == uint8(in.params.Codec.other()) {
		audio = true
		transcode(b[p.from:p.to], in.params.Codec.other(), in.params.Codec)
	}
	if !p.event && !audio && p.payloadType != comfortNoise {
		s.count(DropPayload)
		return false
	}
	if !s.trusted(now, from, &p.header) {
		return false
	}
	in.packets++
	in.octets += uint64(p.to - p.from)
	if in.lost {
		in.lost = false
		s.events.emit(Event{Kind: MediaBack, Duration: now.Sub(in.since), At: now})
	}
	in.since = now
	p.epoch, p.codec = in.epoch, in.params.Codec
	if p.event {
		var t telephoneEvent
		if !t.parse(b[p.from:p.to]) {
			s.count(DropMalformed)
			return false
		}
		s.events.emit(in.digits.packet(now, &p.header, t).list()...)
		return true
	}
	s.events.emit(in.digits.expire(now).list()...)
	if !audio || p.from == p.to {
		return false
	}
	in.arrivals.measure(now, s.engine.epoch, p.ts)
	return in.params.Direction.receives()
}

// trusted puts a packet through the source lock and the sequence window; in.mu is held.
func (s *Stream) trusted(now time.Time, from netip.AddrPort, h *header) bool {
	in := &s.in
	switch in.lock.admit(now, from, h) {
	case refused:
		s.count(DropForeign)
		return false
	case relocked:
		s.follow(from)
		in.arrivals.restart(h.seq)
		in.arrivals.received++
		in.epoch++
		return true
	case admitted:
	}
	switch in.arrivals.sequence(h.seq) {
	case outside:
		s.count(DropSequence)
		return false
	case restarted:
		in.epoch++
	case inside:
	}
	return true
}

// follow sends to where the locked source sends from (RFC 4961); in.mu is held.
func (s *Stream) follow(from netip.AddrPort) {
	p := &s.in.params
	rtcp := p.RemoteRTCP
	if from != p.Remote {
		rtcp = netip.AddrPortFrom(from.Addr(), from.Port()+1)
	}
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.answered = true
	if s.out.dest == from || s.engine.CheckRemote(from) != nil {
		return
	}
	s.out.dest, s.out.rtcpDest = from, rtcp
}

// drop counts a packet; count does so with in.mu held.
func (s *Stream) drop(why Drop) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.count(why)
}

func (s *Stream) count(why Drop) {
	s.in.drops[why]++
	if f := s.engine.cfg.OnDrop; f != nil {
		f(why)
	}
}

// sweep is the stream's second: media timeout and digits whose end never came.
func (s *Stream) sweep(now time.Time) {
	in := &s.in
	in.mu.Lock()
	defer in.mu.Unlock()
	s.events.emit(in.digits.expire(now).list()...)
	timeout := s.engine.cfg.MediaTimeout
	if in.packets == 0 && timeout > 0 && s.engine.cfg.FirstTimeout > 0 {
		timeout = s.engine.cfg.FirstTimeout
	}
	if in.configured && !in.lost && timeout > 0 && in.params.Direction.receives() && now.Sub(in.since) >= timeout {
		in.lost = true
		s.events.emit(Event{Kind: MediaLost, At: now})
	}
}
