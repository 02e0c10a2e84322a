package media

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Engine owns the ports, the pacer, the RTCP clock and the recording writers.
type Engine struct {
	cfg     Config
	log     *zap.Logger
	ports   *ports
	shards  []*shard
	writers *writers
	epoch   time.Time // position 0 of all music; the origin of arrival times
	silence *Audio    // one frame
	laws    *laws     // of G.711, for mixers
	cname   string    // RTCP's canonical name of all our streams
	ids     atomic.Uint32

	joins sync.Mutex // guards who is bridged with, recorded by and tapped by whom; taken before any mixer's and stream's mutexes

	mu      sync.Mutex // guards streams and closed
	streams map[*Stream]struct{}
	closed  bool
}

// New returns an engine that does nothing until Run. The error holds all faults of cfg.
func New(cfg Config, log *zap.Logger) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	e := &Engine{
		cfg: cfg, log: log, ports: newPorts(cfg), writers: newWriters(cfg.FlushEvery),
		epoch: time.Now(), silence: NewAudio(make([]int16, frameSamples)), laws: newLaws(),
		streams: make(map[*Stream]struct{}),
	}
	e.cname = "firstline-" + strconv.FormatInt(e.epoch.UnixNano(), 36)
	for range cfg.Shards {
		p, err := newShard()
		if err != nil {
			return nil, fmt.Errorf("media: %w", err)
		}
		e.shards = append(e.shards, p)
	}
	return e, nil
}

// Run paces, reports and writes until ctx ends, then closes every stream and recorder and waits for them. It
// returns what went wrong in closing, not the end of ctx.
func (e *Engine) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, p := range e.shards {
		wg.Go(func() { p.run(ctx) })
	}
	wg.Go(func() { e.attend(ctx) })
	wg.Go(func() { e.writers.run(ctx) })
	<-ctx.Done()
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	for _, s := range e.open(nil) {
		if err := s.Close(); err != nil {
			e.log.Warn("close stream", zap.Error(err))
		}
	}
	wg.Wait()
	var faults []error
	for _, p := range e.shards {
		faults = append(faults, p.sockets.close())
	}
	return errors.Join(append(faults, e.writers.closeAll())...)
}

// Open binds an even/odd port pair and begins to read. ErrNoPorts when the range is used up or in
// quarantine, ErrClosed after Run ended.
func (e *Engine) Open() (*Stream, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, ErrClosed
	}
	pair, rtp, rtcp, err := e.ports.take(time.Now())
	if err != nil {
		return nil, err
	}
	s, err := newStream(e, e.ids.Add(1), pair, rtp, rtcp)
	if err != nil {
		e.ports.release(time.Now(), pair)
		return nil, err
	}
	e.streams[s] = struct{}{}
	return s, nil
}

// forget is the end of Stream.Close.
func (e *Engine) forget(s *Stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.streams, s)
	e.ports.release(time.Now(), s.pair)
}

// open appends the open streams to into.
func (e *Engine) open(into []*Stream) []*Stream {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.streams {
		into = append(into, s)
	}
	return into
}

// PortsInUse counts the pairs of open streams, without those in quarantine.
func (e *Engine) PortsInUse() int { return e.ports.inUse() }

// CheckRemote returns an ErrRemote when nothing may be sent to addr: multicast, broadcast, unspecified, port 0, one
// of our own RTP sockets, or Config.Forbidden. Use it to refuse an SDP before answering. The broadcast address of a
// subnet is refused by the kernel when sending.
func (e *Engine) CheckRemote(addr netip.AddrPort) error {
	ip := addr.Addr().Unmap()
	why := ""
	switch {
	case !ip.IsValid() || ip.IsUnspecified():
		why = "unspecified address"
	case addr.Port() == 0:
		why = "port 0"
	case ip.IsMulticast():
		why = "multicast"
	case ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		why = "broadcast"
	case ip.Is4() != e.cfg.IP.Is4():
		why = "other address family than ours"
	case e.isLocal(ip) && e.ports.owns(addr.Port()):
		why = "our own media port"
	case e.cfg.Forbidden != nil && e.cfg.Forbidden(netip.AddrPortFrom(ip, addr.Port())):
		why = "forbidden"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s is %s", ErrRemote, addr, why)
}

// isLocal reports whether ip leads to our sockets.
func (e *Engine) isLocal(ip netip.Addr) bool {
	if ip == e.cfg.IP {
		return true
	}
	return e.cfg.IP.IsUnspecified() && (ip.IsLoopback() || slices.Contains(localAddrs(), ip))
}

// attend is the housekeeping second: timeouts, reading RTCP, and every fifth second of a stream's own a report.
func (e *Engine) attend(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var (
		streams []*Stream
		in      = newReportReader()
	)
	for second := uint32(0); ; second++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now()
		streams = e.open(streams[:0])
		for _, s := range streams {
			s.sweep(now)
			in.drain(s)
			if (second+s.id)%reportSeconds == 0 {
				s.sendReport(now, false)
			}
		}
		clear(streams)
	}
}
