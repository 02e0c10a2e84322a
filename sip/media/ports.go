package media

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// ports hands out even/odd pairs: random start against guessing, quarantine against late packets.
type ports struct {
	ip         netip.Addr
	first      int // first even port
	quarantine time.Duration

	mu    sync.Mutex
	pairs []pairState
	open  int
}

type pairState struct {
	taken bool
	until time.Time // end of quarantine
}

func newPorts(c Config) *ports {
	return &ports{ip: c.IP, first: c.firstPort(), quarantine: c.Quarantine, pairs: make([]pairState, c.pairs())}
}

// take binds a free pair. Pairs whose ports another program holds are passed over.
func (p *ports) take(now time.Time) (pair int, rtp *socket, rtcp *net.UDPConn, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	start := rand.IntN(len(p.pairs))
	for i := range p.pairs {
		pair = (start + i) % len(p.pairs)
		state := &p.pairs[pair]
		if state.taken || now.Before(state.until) {
			continue
		}
		rtp, rtcp, err = p.bind(p.first + 2*pair)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return 0, nil, nil, err
		}
		state.taken = true
		p.open++
		return pair, rtp, rtcp, nil
	}
	return 0, nil, nil, ErrNoPorts
}

func (p *ports) bind(port int) (rtp *socket, rtcp *net.UDPConn, err error) {
	at := netip.AddrPortFrom(p.ip, uint16(port))
	if rtp, err = openSocket(at); err != nil {
		return nil, nil, fmt.Errorf("bind media port %s: %w", at, err)
	}
	if rtcp, err = p.listen(port + 1); err != nil {
		return nil, nil, errors.Join(err, rtp.Close())
	}
	return rtp, rtcp, nil
}

func (p *ports) listen(port int) (*net.UDPConn, error) {
	network := "udp6"
	if p.ip.Is4() {
		network = "udp4"
	}
	lc := net.ListenConfig{Control: prepareSocket}
	at := netip.AddrPortFrom(p.ip, uint16(port))
	conn, err := lc.ListenPacket(context.Background(), network, at.String())
	if err != nil {
		return nil, fmt.Errorf("bind media port %s: %w", at, err)
	}
	return conn.(*net.UDPConn), nil
}

// release puts a pair into quarantine.
func (p *ports) release(now time.Time, pair int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pairs[pair] = pairState{until: now.Add(p.quarantine)}
	p.open--
}

func (p *ports) inUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}

// owns reports whether port is one of an open pair.
func (p *ports) owns(port uint16) bool {
	pair := (int(port) - p.first) / 2
	if int(port) < p.first || pair >= len(p.pairs) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pairs[pair].taken
}

// localAddrs lists the addresses of this host's interfaces.
func localAddrs() []netip.Addr {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil // then only loopback counts as ours
	}
	var addrs []netip.Addr
	for _, a := range list {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			addrs = append(addrs, prefix.Addr().Unmap())
		}
	}
	return addrs
}
