package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxPacket   = 1024 // 100 ms of G.711 with header is 812; longer ones are not for us
	eventBuffer = 32
)

// Stream is one leg's RTP and RTCP for life.
type Stream struct {
	engine *Engine
	conn   *socket
	rtcp   *net.UDPConn
	pair   int
	local  netip.AddrPort
	id     uint32
	shard  *shard
	slot   uint8

	in   inbound
	out  outbound
	sink atomic.Pointer[sink] // where accepted audio goes; replaced as a whole

	bridge  *Bridge   // that it is a leg or a tap of; guarded by engine.joins, as are the next four
	rec     *Recorder //
	ch      Channel   //
	tap     func(payload []byte, ts uint32)
	leaving bool // Close has begun

	events  events
	closing sync.Once
	closed  chan struct{} // closed when Close is done
}

// sink is what the reader does with accepted packets.
type sink struct {
	peer  *Stream // the other leg
	seat  *seat   // in the mixer, where audio goes in place of the peer
	mixed bool    // the peer gets a mix: only digits are for it
	rec   *Recorder
	ch    Channel
	tap   func(payload []byte, ts uint32)
}

// events hands over to the call without ever blocking the reader.
type events struct {
	mu      sync.Mutex // guards closed and dropped
	c       chan Event
	closed  bool
	dropped uint64
}

func (e *events) emit(list ...Event) {
	if len(list) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range list {
		if e.closed {
			return
		}
		select {
		case e.c <- ev:
		default:
			e.dropped++
		}
	}
}

func (e *events) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	close(e.c)
}

func newStream(e *Engine, id uint32, pair int, rtp *socket, rtcp *net.UDPConn) (*Stream, error) {
	s := &Stream{
		engine: e, conn: rtp, rtcp: rtcp, pair: pair, id: id,
		local: rtp.local, closed: make(chan struct{}),
		shard: e.shards[int(id)%len(e.shards)],
		slot:  uint8(int(id) / len(e.shards) % wheelSlots),
	}
	s.events.c = make(chan Event, eventBuffer)
	s.out.ssrc, s.out.seq, s.out.ts = rand.Uint32(), uint16(rand.Uint32()), rand.Uint32()
	s.in.lock.window, s.in.lock.silence = e.cfg.LockWindow, e.cfg.LockSilence
	if err := s.shard.listen(s); err != nil {
		return nil, errors.Join(fmt.Errorf("media port %s: %w", s.local, err), rtp.Close(), rtcp.Close())
	}
	return s, nil
}

// LocalAddr is the bound RTP address (even port).
func (s *Stream) LocalAddr() netip.AddrPort { return s.local }

// RTCPAddr is the bound RTCP address (LocalAddr's port + 1).
func (s *Stream) RTCPAddr() netip.AddrPort {
	return netip.AddrPortFrom(s.local.Addr(), s.local.Port()+1)
}

// SSRC of everything this stream sends.
func (s *Stream) SSRC() uint32 { return s.out.ssrc }

// Configure applies an offer/answer result, and again on every re-INVITE; SSRC, sequence and timestamp go on.
// A changed Remote re-arms the source lock. ErrRemote, ErrParams or ErrClosed leave the former state as it was.
func (s *Stream) Configure(p Params) error {
	p, err := p.complete()
	if err != nil {
		return err
	}
	held := p.Remote.Addr().IsUnspecified() // RFC 2543's way to hold
	if !held {
		if err := s.engine.CheckRemote(p.Remote); err != nil {
			return err
		}
		if s.engine.CheckRemote(p.RemoteRTCP) != nil {
			p.RemoteRTCP = netip.AddrPort{} // the call goes on without reports
		}
	}
	now := time.Now()
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	if s.out.closed {
		return ErrClosed
	}
	in, o := &s.in, &s.out
	rearm := !held && (!in.configured || in.lock.sdp != p.Remote)
	in.configured, in.params, in.since = true, p, now
	in.lock.signalling = p.SignallingSource
	if rearm {
		in.lock.arm(now, p.Remote)
		o.dest, o.first = p.Remote, time.Time{}
		o.answered = p.SignallingSource.IsValid() && p.SignallingSource == p.Remote.Addr()
	}
	if in.lock.addr == p.Remote || !in.lock.locked {
		o.rtcpDest = p.RemoteRTCP
	}
	o.codec, o.payloadType, o.dtmfPayload = p.Codec, p.PayloadType, p.DTMFPayload
	o.sends = p.Direction.sends() && !held && o.dest.IsValid()
	return nil
}

// complete fills in the defaults and checks what does not depend on the engine.
func (p Params) complete() (Params, error) {
	if !p.Remote.IsValid() {
		return p, fmt.Errorf("%w: no remote address", ErrParams)
	}
	p.Remote = netip.AddrPortFrom(p.Remote.Addr().Unmap(), p.Remote.Port())
	if !p.RemoteRTCP.IsValid() && p.Remote.Port() < 65535 {
		p.RemoteRTCP = netip.AddrPortFrom(p.Remote.Addr(), p.Remote.Port()+1)
	}
	p.RemoteRTCP = netip.AddrPortFrom(p.RemoteRTCP.Addr().Unmap(), p.RemoteRTCP.Port())
	p.SignallingSource = p.SignallingSource.Unmap()
	if p.Codec == PCMA && p.PayloadType == 0 {
		p.PayloadType = uint8(PCMA)
	}
	switch {
	case p.Codec != PCMU && p.Codec != PCMA:
		return p, fmt.Errorf("%w: %v", ErrParams, p.Codec)
	case p.PayloadType > 127 || p.PayloadType >= 64 && p.PayloadType < 96: // the latter would look like RTCP, RFC 5761
		return p, fmt.Errorf("%w: payload type %d", ErrParams, p.PayloadType)
	case p.DTMFPayload > 127 || p.DTMFPayload != 0 && p.DTMFPayload < 96:
		return p, fmt.Errorf("%w: telephone-event payload type %d is not dynamic", ErrParams, p.DTMFPayload)
	case p.DTMFPayload != 0 && p.DTMFPayload == p.PayloadType:
		return p, fmt.Errorf("%w: payload type %d for audio and digits", ErrParams, p.DTMFPayload)
	case p.Direction > Inactive:
		return p, fmt.Errorf("%w: %v", ErrParams, p.Direction)
	}
	return p, nil
}

// Events gives digits and media loss; it is closed by Close. Events that nobody reads are dropped after 32.
func (s *Stream) Events() <-chan Event { return s.events.c }

// OnAudio sets a tap that runs in the reader for every accepted audio packet: payload in the negotiated codec,
// valid only during the call, and its RTP timestamp. It must not block, nor close the stream.
// nil removes it.
func (s *Stream) OnAudio(tap func(payload []byte, ts uint32)) {
	s.engine.joins.Lock()
	defer s.engine.joins.Unlock()
	s.tap = tap
	s.rewire()
}

// Record feeds what this stream receives to one channel of rec until rec is closed or nil is given. Bridge does it for
// both legs.
func (s *Stream) Record(rec *Recorder, ch Channel) {
	s.engine.joins.Lock()
	defer s.engine.joins.Unlock()
	s.rec, s.ch = rec, ch
	s.rewire()
}

// rewire makes the sink anew; engine.joins is held.
func (s *Stream) rewire() {
	k := sink{rec: s.rec, ch: s.ch, tap: s.tap}
	if s.bridge != nil {
		s.bridge.wire(s, &k)
	}
	if k.peer == nil && k.seat == nil && k.rec == nil && k.tap == nil {
		s.sink.Store(nil)
		return
	}
	s.sink.Store(&k)
}

// Close ends playback and bridge, sends an RTCP BYE, waits for the reader and puts the ports in quarantine.
// Calling it again does nothing.
func (s *Stream) Close() error {
	var err error
	s.closing.Do(func() {
		err = s.close()
		close(s.closed)
	})
	<-s.closed
	return err
}

func (s *Stream) close() error {
	s.engine.joins.Lock()
	s.leaving = true
	if s.bridge != nil {
		s.bridge.leave(s)
	}
	s.rec, s.tap = nil, nil
	s.rewire()
	s.engine.joins.Unlock()

	s.sendReport(time.Now(), true)
	s.out.mu.Lock()
	s.out.closed = true
	if s.out.play != nil {
		s.out.play.finish(false)
		s.out.play = nil
	}
	for _, job := range s.out.jobs {
		job.err = ErrClosed
		close(job.done)
	}
	s.out.jobs, s.out.back, s.out.music = nil, backNone, nil
	s.unpace()
	s.out.mu.Unlock()

	s.shard.sockets.leave(s)
	err := errors.Join(s.conn.Close(), s.rtcp.Close())
	s.events.close()
	s.engine.forget(s)
	if err != nil {
		return fmt.Errorf("close media ports %s: %w", s.local, err)
	}
	return nil
}
