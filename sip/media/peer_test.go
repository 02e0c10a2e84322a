package media

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// within bounds every wait for a real socket; it is never what a test asserts.
const within = 10 * time.Second

// newEngine runs an engine for the length of the test.
func newEngine(t testing.TB, cfg Config) *Engine {
	t.Helper()
	e, err := New(cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		if n := e.PortsInUse(); n != 0 {
			t.Errorf("%d ports in use after the end", n)
		}
	})
	return e
}

func open(t testing.TB, e *Engine) *Stream {
	t.Helper()
	s, err := e.Open()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func configure(t testing.TB, s *Stream, p Params) {
	t.Helper()
	if err := s.Configure(p); err != nil {
		t.Fatal(err)
	}
}

// peer is a phone made of a bare socket and pion/rtp, which is not our parser.
type peer struct {
	t    testing.TB
	conn *net.UDPConn
	next rtp.Header
}

func newPeer(t testing.TB) *peer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &peer{t: t, conn: conn, next: rtp.Header{Version: 2, SSRC: 0x1000, SequenceNumber: 65530, Timestamp: 1<<32 - 500}}
}

func (p *peer) addr() netip.AddrPort { return p.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// marshal makes the peer's next packet and steps seq and timestamp.
func (p *peer) marshal(payload []byte) []byte {
	b, err := (&rtp.Packet{Header: p.next, Payload: payload}).Marshal()
	if err != nil {
		p.t.Fatal(err)
	}
	p.next.SequenceNumber++
	p.next.Timestamp += frameSamples
	return b
}

// read returns the next packet from the engine.
func (p *peer) read() *rtp.Packet {
	p.t.Helper()
	b := make([]byte, 2048)
	if err := p.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		p.t.Fatal(err)
	}
	n, _, err := p.conn.ReadFromUDPAddrPort(b)
	if err != nil {
		p.t.Fatal(err)
	}
	var out rtp.Packet
	if err := out.Unmarshal(b[:n]); err != nil {
		p.t.Fatal(err)
	}
	return &out
}

// quiet reports whether nothing is waiting for the peer, after everything before was handled synchronously.
func (p *peer) quiet() bool {
	b := make([]byte, 2048)
	if err := p.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		p.t.Fatal(err)
	}
	_, _, err := p.conn.ReadFromUDPAddrPort(b)
	return err != nil
}

// audio is a payload of 160 equal bytes.
func audio(v byte) []byte {
	b := make([]byte, frameSamples)
	for i := range b {
		b[i] = v
	}
	return b
}

// event is a telephone-event payload.
func eventPayload(code uint8, end bool, duration uint16) []byte {
	b := make([]byte, 4)
	(&telephoneEvent{code: code, end: end, volume: 10, duration: duration}).put(b)
	return b
}

// nextEvent waits for the stream's next event.
func nextEvent(t testing.TB, s *Stream) Event {
	t.Helper()
	select {
	case e := <-s.Events():
		return e
	case <-time.After(within):
		t.Fatal("no event")
		return Event{}
	}
}

func done(t testing.TB, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(within):
		t.Fatal(what + " did not end")
	}
}
