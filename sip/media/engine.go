package media

import (
	"context"
	"net/netip"

	"go.uber.org/zap"
)

// Engine owns the ports, the pacer, the RTCP clock and the recording writers.
type Engine struct {
	cfg Config
	log *zap.Logger
}

// New returns an engine that does nothing until Run. The error holds all faults of cfg.
func New(cfg Config, log *zap.Logger) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Engine{cfg: cfg.withDefaults(), log: log}, nil
}

// Run paces, reports and writes until ctx ends, then closes every stream and recorder and waits for them.
func (e *Engine) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Open binds an even/odd port pair and starts its reader. ErrNoPorts when the range is used up or in
// quarantine, ErrClosed after Run ended.
func (e *Engine) Open() (*Stream, error) { return nil, ErrNoPorts }

// PortsInUse counts the pairs of open streams, without those in quarantine.
func (e *Engine) PortsInUse() int { return 0 }

// CheckRemote returns an ErrRemote when nothing may be sent to addr: multicast, broadcast, port 0, one of our
// own RTP sockets, or Config.Forbidden. Use it to refuse an SDP before answering.
func (e *Engine) CheckRemote(addr netip.AddrPort) error { return nil }

// Bridge relays between a (the caller, left channel) and b (the agent, right channel), which must be of this
// engine. It ends prompts' background music on both. rec may be nil. ErrBridged if either leg is in another
// bridge, ErrClosed if either is closed.
func (e *Engine) Bridge(a, b *Stream, rec *Recorder) (*Bridge, error) { return nil, ErrClosed }

// NewRecorder creates the file (mode 0600, it must not exist) and starts the time line. Recording begins when
// the recorder is given to Bridge or Stream.Record.
func (e *Engine) NewRecorder(path string, opts RecorderOptions) (*Recorder, error) {
	return nil, ErrClosed
}
