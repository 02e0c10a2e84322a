package media

import (
	"net/netip"
	"time"
)

const (
	probation   = 4                      // consecutive packets of one SSRC that a source other than the SDP address must show
	ssrcSilence = 250 * time.Millisecond // the locked address may begin a new SSRC when the old one has been silent this long
)

// trust ranks a source address: how likely it is the peer.
type trust uint8

const (
	stranger trust = iota
	likely         // the host of the SDP address or of the SIP message: a NAT that rewrote the port
	expected       // the SDP address itself
)

// sourceLock decides whose packets count, against RTP Bleed and injection (AST-2017-005, rtpengine ES2025-01).
// The SDP address is taken at once; another source must prove itself, a stranger only within the window after
// Configure. Once locked, only that address and SSRC pass, until the window's SDP address turns up or silence.
type sourceLock struct {
	sdp        netip.AddrPort
	signalling netip.Addr
	armed      time.Time // last change of sdp
	window     time.Duration
	silence    time.Duration

	locked bool
	addr   netip.AddrPort
	ssrc   uint32
	last   time.Time // last admitted packet

	candidates [3]candidate
}

// candidate is a source on probation.
type candidate struct {
	addr  netip.AddrPort
	ssrc  uint32
	next  uint16
	count uint8
	at    time.Time
}

// verdict of the lock on one packet.
type verdict uint8

const (
	refused verdict = iota
	admitted
	relocked // admitted, and from now on this address and SSRC are the source
)

// arm forgets the source: the SDP address changed.
func (l *sourceLock) arm(now time.Time, sdp netip.AddrPort) {
	*l = sourceLock{sdp: sdp, signalling: l.signalling, armed: now, last: now, window: l.window, silence: l.silence}
}

// admit judges a packet with a negotiated payload type that came from addr.
func (l *sourceLock) admit(now time.Time, addr netip.AddrPort, h *header) verdict {
	if l.locked && addr == l.addr && h.ssrc == l.ssrc {
		l.last = now
		return admitted
	}
	if l.locked && addr == l.addr { // the peer's own new stream, after hold for example
		if now.Sub(l.last) >= ssrcSilence && l.proven(now, addr, h) {
			return l.take(now, addr, h)
		}
		return refused
	}
	rank := l.rank(addr)
	inWindow := now.Sub(l.armed) <= l.window
	if quiet := now.Sub(l.last) >= l.silence; l.locked && !inWindow && !quiet {
		return refused
	}
	switch {
	case rank == expected:
		return l.take(now, addr, h)
	case l.locked && inWindow && l.rank(l.addr) >= rank && now.Sub(l.last) < l.silence:
		return refused // a source of this trust was already there
	case rank == stranger && !inWindow:
		return refused
	case l.proven(now, addr, h):
		return l.take(now, addr, h)
	}
	return refused
}

func (l *sourceLock) rank(addr netip.AddrPort) trust {
	switch {
	case addr == l.sdp:
		return expected
	case addr.Addr() == l.sdp.Addr(), addr.Addr() == l.signalling:
		return likely
	}
	return stranger
}

func (l *sourceLock) take(now time.Time, addr netip.AddrPort, h *header) verdict {
	l.locked, l.addr, l.ssrc, l.last = true, addr, h.ssrc, now
	l.candidates = [len(l.candidates)]candidate{}
	return relocked
}

// proven counts a packet of a source on probation and reports whether it has shown enough.
func (l *sourceLock) proven(now time.Time, addr netip.AddrPort, h *header) bool {
	oldest := 0
	for i := range l.candidates {
		c := &l.candidates[i]
		if c.addr != addr || c.ssrc != h.ssrc {
			if c.at.Before(l.candidates[oldest].at) {
				oldest = i
			}
			continue
		}
		if h.seq == c.next {
			c.count++
		} else {
			c.count = 1
		}
		c.next, c.at = h.seq+1, now
		return c.count >= probation
	}
	l.candidates[oldest] = candidate{addr: addr, ssrc: h.ssrc, next: h.seq + 1, count: 1, at: now}
	return false
}
