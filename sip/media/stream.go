package media

import (
	"context"
	"net/netip"
)

// Stream is one leg's RTP and RTCP for life.
type Stream struct{}

// LocalAddr is the bound RTP address (even port).
func (s *Stream) LocalAddr() netip.AddrPort { return netip.AddrPort{} }

// RTCPAddr is the bound RTCP address (LocalAddr's port + 1).
func (s *Stream) RTCPAddr() netip.AddrPort { return netip.AddrPort{} }

// SSRC of everything this stream sends.
func (s *Stream) SSRC() uint32 { return 0 }

// Configure applies an offer/answer result, and again on every re-INVITE; SSRC, sequence and timestamp go on.
// A changed Remote re-arms the source lock. ErrRemote, ErrParams or ErrClosed leave the former state as it was.
func (s *Stream) Configure(p Params) error { return ErrClosed }

// Play sends the prompts one after the other and replaces a running Play. Music or Silence goes on behind it
// and is heard again at its end; relayed audio is not sent meanwhile. Time passes also while the direction
// forbids sending.
func (s *Stream) Play(src ...*Audio) *Playback { return nil }

// Music loops src at a position given by one clock for all streams, until Stop, Silence or Bridge. While
// bridged it covers the relayed audio.
func (s *Stream) Music(src *Audio) {}

// Silence sends silent frames, which keeps NAT bindings and the peer's media timeout content.
func (s *Stream) Silence() {}

// Stop ends Play, Music and Silence; a bridge is heard again.
func (s *Stream) Stop() {}

// Events gives digits and media loss; it is closed by Close. Events that nobody reads are dropped after 32.
func (s *Stream) Events() <-chan Event { return nil }

// OnAudio sets a tap that runs in the reader for every accepted audio packet: payload in the negotiated codec,
// valid only during the call, and its RTP timestamp. It must not block. nil removes it.
func (s *Stream) OnAudio(tap func(payload []byte, ts uint32)) {}

// Record feeds what this stream receives to one channel of rec until rec is closed or nil is given. Bridge does it for
// both legs.
func (s *Stream) Record(rec *Recorder, ch Channel) {}

// SendDTMF sends RFC 4733 digits ('0'-'9', '*', '#', 'A'-'D'), 100 ms each with 80 ms between, and returns when
// the last is out. Other audio is suppressed meanwhile. ErrNoDTMF, ErrDigit, ErrNotSends, ErrClosed, or ctx's cause.
func (s *Stream) SendDTMF(ctx context.Context, digits string) error { return ErrClosed }

// Stats returns the counters up to now.
func (s *Stream) Stats() Stats { return Stats{} }

// Close ends playback and bridge, sends an RTCP BYE, waits for the reader and puts the ports in quarantine.
// Calling it again does nothing.
func (s *Stream) Close() error { return nil }

// Playback is one Play.
type Playback struct{}

// Done is closed when the last frame has had its 20 ms, or when the playback was stopped or replaced.
func (p *Playback) Done() <-chan struct{} { return nil }

// Completed reports whether every frame was played; meaningful after Done.
func (p *Playback) Completed() bool { return false }

// Stop ends the playback now.
func (p *Playback) Stop() {}
