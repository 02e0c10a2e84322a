package sip

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"
)

// Why a stream is ended.
var (
	errFlood   = errors.New("sip: peer sends too fast")
	errLengths = errors.New("sip: message with two Content-Length")
)

const (
	warnEvery    = time.Minute
	maxWarnings  = 60   // lines in warnEvery over all sources
	maxStartLine = 2048 // bytes; the Request-URI is bounded again by validate
)

// guardConfig bounds what one source may send before anything is parsed. The
// zero value of a field means its default.
type guardConfig struct {
	Rate    float64                 // reads per second and source; default 500
	Burst   int                     // reads at once; default 1000
	Sources int                     // sources remembered; default 16384
	Exempt  func(a netip.Addr) bool // trunks are not rate-limited; nil: nobody is exempt
	Log     *zap.Logger             // default: silent
}

// guard filters raw reads before sipgo keeps anything about their source: sipgo
// remembers the address of every datagram that passes, parsed or not. Memory is
// bounded by Sources. A source is an IPv4 address or an IPv6 /64.
type guard struct {
	cfg guardConfig

	mu       sync.Mutex // guards the rest
	sources  *recent[netip.Prefix, source]
	notSIP   uint64
	overRate uint64
	warnings int       // lines since windowAt
	windowAt time.Time // start of the current minute of warnings
}

// source is a token bucket and what was dropped since the last line about it.
type source struct {
	tokens  float64
	filled  time.Time
	warned  time.Time
	dropped uint64
}

// newReadFilter makes the guard; its Filter goes into sip.WithTransportLayerReadFilter.
func newReadFilter(cfg guardConfig) *guard {
	cfg.Rate = cmp.Or(cfg.Rate, 500)
	cfg.Burst = cmp.Or(cfg.Burst, 1000)
	cfg.Sources = cmp.Or(cfg.Sources, 16384)
	if cfg.Exempt == nil {
		cfg.Exempt = func(netip.Addr) bool { return false }
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	return &guard{cfg: cfg, sources: newRecent[netip.Prefix, source](cfg.Sources)}
}

// Filter is a sip.TransportReadFilter. On UDP it answers with nothing instead of
// an error, because an error there ends the listener; on a stream, where a part
// cannot be left out, an error ends the connection.
func (g *guard) Filter(info sip.TransportReadProps, data []byte) ([]byte, error) {
	addr := remoteIP(info.RemoteAddr)
	datagram := info.Transport == "UDP"
	if datagram && len(bytes.Trim(data, "\r\n\x00")) == 0 {
		return nil, nil // keep-alive: nothing to do, and nothing to remember
	}
	if !g.take(addr) {
		g.refuse(addr, &g.overRate, "rate", data)
		if datagram {
			return nil, nil
		}
		return nil, errFlood
	}
	if datagram && !looksLikeSIP(data) {
		g.refuse(addr, &g.notSIP, "not SIP", data)
		return nil, nil
	}
	if !datagram && twoLengths(data) {
		g.refuse(addr, &g.notSIP, "two Content-Length", data)
		return nil, errLengths
	}
	return data, nil
}

// twoLengths reports a read that begins with a message whose end nobody can
// know. On a stream the next message could hide in its body, so the connection
// ends. A header section that comes in several reads is left to validate, which
// refuses the request but cannot close.
func twoLengths(data []byte) bool {
	if !looksLikeSIP(data) {
		return false
	}
	head, _, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	n := 0
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, _, _ := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if bytes.EqualFold(name, []byte("Content-Length")) || bytes.EqualFold(name, []byte("l")) {
			n++
		}
	}
	return n > 1
}

// Dropped counts reads dropped since the start.
func (g *guard) Dropped() (notSIP, overRate uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.notSIP, g.overRate
}

// take reports whether addr may send now.
func (g *guard) take(addr netip.Addr) bool {
	if g.cfg.Exempt(addr) {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	s := g.sources.make(sourceKey(addr))
	if s.filled.IsZero() {
		s.tokens = float64(g.cfg.Burst)
	} else {
		s.tokens = min(float64(g.cfg.Burst), s.tokens+now.Sub(s.filled).Seconds()*g.cfg.Rate)
	}
	s.filled = now
	if s.tokens < 1 {
		return false
	}
	s.tokens--
	return true
}

// refuse counts a drop and says so once a minute and source. What was sent is
// shown quoted and cut short: it is the stranger's text.
func (g *guard) refuse(addr netip.Addr, counter *uint64, why string, data []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	*counter++
	now := time.Now()
	s := g.sources.make(sourceKey(addr))
	s.dropped++
	if !s.warned.IsZero() && now.Sub(s.warned) < warnEvery {
		return
	}
	if now.Sub(g.windowAt) >= warnEvery {
		g.windowAt, g.warnings = now, 0
	}
	if g.warnings++; g.warnings > maxWarnings {
		return
	}
	g.cfg.Log.Warn("sip read dropped", zap.String("source", addr.String()), zap.String("why", why),
		zap.Uint64("dropped", s.dropped), zap.String("begins", fmt.Sprintf("%q", data[:min(len(data), 40)])))
	s.warned, s.dropped = now, 0
}

// looksLikeSIP reports whether a datagram has a SIP start line and an end of its
// header section: enough to keep strangers' noise out of the parser.
func looksLikeSIP(data []byte) bool {
	line, _, ok := bytes.Cut(data[:min(len(data), maxStartLine)], []byte("\r\n"))
	if !ok || !bytes.Contains(data, []byte("\r\n\r\n")) {
		return false
	}
	if bytes.HasPrefix(line, []byte("SIP/2.0 ")) {
		return true
	}
	method, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(method) == 0 || len(method) > 64 || bytes.IndexFunc(method, isNoToken) >= 0 {
		return false
	}
	return bytes.Contains(rest, []byte(" SIP/"))
}

// isNoToken reports bytes outside RFC 3261's token.
func isNoToken(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	case r < 0x80 && bytes.IndexByte([]byte("-.!%*_+`'~"), byte(r)) >= 0:
		return false
	}
	return true
}

func remoteIP(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap()
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap()
	case nil:
		return netip.Addr{}
	}
	ap, _ := netip.ParseAddrPort(a.String())
	return ap.Addr().Unmap()
}

// sourceKey is the network that is counted as one peer.
func sourceKey(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits)
	return p
}
