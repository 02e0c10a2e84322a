//go:build !linux

package media

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// socket is a stream's RTP socket.
type socket struct {
	conn    *net.UDPConn
	local   netip.AddrPort
	closing sync.Once
	reader  sync.WaitGroup
}

func openSocket(at netip.AddrPort) (*socket, error) {
	network := "udp6"
	if at.Addr().Is4() {
		network = "udp4"
	}
	lc := net.ListenConfig{Control: prepareSocket}
	conn, err := lc.ListenPacket(context.Background(), network, at.String())
	if err != nil {
		return nil, err
	}
	return &socket{conn: conn.(*net.UDPConn), local: at}, nil
}

func (s *socket) send(b []byte, to netip.AddrPort) error {
	_, err := s.conn.WriteToUDPAddrPort(b, to)
	return err
}

// Close gives the port back and waits for the reader.
func (s *socket) Close() error {
	var err error
	s.closing.Do(func() { err = s.conn.Close() })
	s.reader.Wait()
	return err
}

const maxFaults = 100 // read errors in a row

// receiver is the portable form: one reader for each stream.
type receiver struct{}

func newReceiver() (*receiver, error) { return &receiver{}, nil }

func (r *receiver) join(s *Stream) error {
	s.conn.reader.Go(func() { r.read(s) })
	return nil
}

func (r *receiver) leave(s *Stream) { _ = s.conn.Close() }

func (r *receiver) empty() bool { return true }

func (r *receiver) look() {}

func (r *receiver) close() error { return nil }

func (r *receiver) read(s *Stream) {
	b := make([]byte, maxPacket)
	for faults := 0; faults < maxFaults; {
		n, from, err := s.conn.conn.ReadFromUDPAddrPort(b)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // an ICMP error of a former send passes, a broken socket does not
			faults++
		case n == len(b):
			s.drop(DropMalformed) // cut off, or never ours
		default:
			faults = 0
			s.receive(time.Now(), netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), b[:n])
		}
	}
	s.engine.log.Error(fmt.Sprintf("media socket %s cannot be read", s.local))
}
