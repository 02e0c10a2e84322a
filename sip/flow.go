package sip

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/emiago/sipgo/sip"
)

// socket is one bound listener.
type socket struct {
	network string // "UDP" or "TCP", as in Via
	packet  net.PacketConn
	stream  net.Listener
}

func (s *socket) addr() netip.AddrPort {
	var a net.Addr
	if s.packet != nil {
		a = s.packet.LocalAddr()
	} else {
		a = s.stream.Addr()
	}
	ap, _ := netip.ParseAddrPort(a.String())
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// flow is how a peer is reached (RFC 5626's word): from which socket of ours, and where to.
type flow struct {
	sock *socket
	peer netip.AddrPort
	dial bool // a stream that is not there may be opened; else it must be the one that the peer opened
}

// bind opens a listener's socket. The error says in one sentence what is in the way.
func bind(ctx context.Context, l Listener) (*socket, error) {
	var lc net.ListenConfig
	s := &socket{network: strings.ToUpper(l.Network)}
	var err error
	if l.Network == "udp" {
		s.packet, err = lc.ListenPacket(ctx, "udp", l.Addr)
	} else {
		s.stream, err = lc.Listen(ctx, "tcp", l.Addr)
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("sip: %s %s is in use by another program", l.Network, l.Addr)
	case err != nil:
		return nil, fmt.Errorf("sip: listen on %s %s: %w", l.Network, l.Addr, err)
	}
	return s, nil
}

func bindAll(ctx context.Context, ls []Listener) ([]*socket, error) {
	var socks []*socket
	for _, l := range ls {
		s, err := bind(ctx, l)
		if err != nil {
			for _, s := range socks {
				s.close()
			}
			return nil, err
		}
		socks = append(socks, s)
	}
	return socks, nil
}

// quietConn can stop hearing before it is closed. A message that is still on its way through sipgo when its
// socket is gone makes sipgo open another one, which nobody closes.
type quietConn struct {
	net.PacketConn
	deaf atomic.Bool
}

func (c *quietConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil || !c.deaf.Load() {
			return n, from, err
		}
	}
}

// settling is how long messages that were read before the end may take through sipgo.
const settling = 50 * time.Millisecond

func (s *socket) close() {
	if s.packet != nil {
		s.packet.Close()
	} else {
		s.stream.Close()
	}
}

// flowOf is the way back to who sent req.
func (u *userAgent) flowOf(req *sip.Request, conn sip.Connection) flow {
	f := flow{peer: addrPortOf(req.Source())}
	var local netip.AddrPort
	if conn != nil {
		local = addrPortOf(conn.LocalAddr().String())
	}
	f.sock = u.socketFor(req.Transport(), local)
	return f
}

// socketFor is the socket of that network bound to local, else the first of the network, else nil.
func (u *userAgent) socketFor(network string, local netip.AddrPort) *socket {
	var first *socket
	for _, s := range u.sockets {
		if !strings.EqualFold(s.network, network) {
			continue
		}
		if s.addr() == local || s.addr().Port() == local.Port() && s.addr().Addr().IsUnspecified() {
			return s
		}
		if first == nil {
			first = s
		}
	}
	return first
}

// host is the address of ours that peer should use to reach f's socket.
func (u *userAgent) host(f flow) netip.AddrPort {
	a := f.sock.addr()
	return netip.AddrPortFrom(reachable(u.advertise, a.Addr(), f.peer), a.Port())
}

// reachable is advertise when set, bound when it is specified, else the source address of the route to peer.
func reachable(advertise, bound netip.Addr, peer netip.AddrPort) netip.Addr {
	if advertise.IsValid() && !peer.Addr().IsLoopback() {
		return advertise
	}
	if !bound.IsUnspecified() {
		return bound
	}
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(peer)) // sends nothing
	if err != nil {
		return bound
	}
	defer c.Close()
	ap, _ := netip.ParseAddrPort(c.LocalAddr().String())
	return ap.Addr().Unmap()
}

// stamp makes req leave by f: Via with a fresh branch, destination, local address.
func (u *userAgent) stamp(req *sip.Request, f flow) {
	h := u.host(f)
	via := &sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: f.sock.network,
		Host: h.Addr().String(), Port: int(h.Port()),
	}
	via.Params.Add("branch", sip.RFC3261BranchMagicCookie+rand.Text())
	via.Params.Add("rport", "")
	req.PrependHeader(via)
	u.address(req, f)
}

// address is stamp for a request that has its Via already.
func (u *userAgent) address(req *sip.Request, f flow) {
	req.SetTransport(f.sock.network)
	req.SetDestination(f.peer.String())
	if f.sock.packet != nil {
		// sipgo looks its socket up by this string; another one would leave from a port of its own.
		a := f.sock.addr()
		req.Laddr = sip.Addr{IP: net.IP(a.Addr().AsSlice()), Port: int(a.Port())}
	}
	if req.ContentLength() == nil {
		req.SetBody(req.Body())
	}
}

var errFlowGone = errors.New("sip: the connection that the peer opened is gone")

// usable says whether something can be sent by f at all.
func (u *userAgent) usable(f flow) error {
	if u.ctx.Err() != nil {
		return net.ErrClosed // a socket that sipgo does not find it would open anew
	}
	if f.sock == nil || !f.peer.IsValid() || f.peer.Port() == 0 {
		return fmt.Errorf("sip: no way to %s", f.peer)
	}
	if f.sock.packet != nil || f.dial {
		return nil
	}
	c, err := u.tpl.GetConnection("tcp", f.peer.String())
	if err != nil {
		return errFlowGone
	}
	_, _ = c.TryClose() // GetConnection took a reference
	return nil
}
