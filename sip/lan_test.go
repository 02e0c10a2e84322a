package sip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"

	"firstline/call"
)

// lan is a network in memory, for bubbles: real sockets hold their clock still.
type lan struct {
	mu    sync.Mutex // guards conns
	conns map[string]*lanConn
}

type datagram struct {
	from net.Addr
	data []byte
	at   time.Time
}

// lanConn is a net.PacketConn on a lan.
type lanConn struct {
	w      *lan
	addr   *net.UDPAddr
	in     chan datagram
	closed chan struct{}
	once   sync.Once
}

func newLAN() *lan { return &lan{conns: make(map[string]*lanConn)} }

func (w *lan) listen(addr string) *lanConn {
	c := &lanConn{
		w: w, addr: net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr)),
		in: make(chan datagram, 256), closed: make(chan struct{}),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[addr] = c
	return c
}

func (c *lanConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-c.in:
		return copy(b, d.data), d.from, nil
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
}

func (c *lanConn) WriteTo(b []byte, to net.Addr) (int, error) {
	ap := netip.MustParseAddrPort(to.String())
	c.w.mu.Lock()
	dst := c.w.conns[netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()).String()]
	c.w.mu.Unlock()
	if dst != nil {
		select {
		case dst.in <- datagram{c.addr, append([]byte(nil), b...), time.Now()}:
		default: // the network may lose things
		}
	}
	return len(b), nil
}

func (c *lanConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *lanConn) LocalAddr() net.Addr              { return c.addr }
func (c *lanConn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *lanConn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *lanConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

const (
	ourAddr  = "192.0.2.1:5060"
	peerAddr = "192.0.2.9:5070"
)

// peer is a far end that says literal messages.
type peer struct {
	t    *testing.T
	conn *lanConn
	addr string
}

// say sends a message; {me} and {us} stand for the addresses.
func (p *peer) say(msg string) {
	p.t.Helper()
	msg = strings.TrimLeft(msg, "\n")
	head, body, _ := strings.Cut(msg, "\n\n")
	head = strings.ReplaceAll(strings.ReplaceAll(head, "{me}", p.addr), "{us}", ourAddr)
	body = strings.ReplaceAll(body, "\n", "\r\n")
	head = strings.ReplaceAll(strings.TrimRight(head, "\n"), "\n", "\r\n")
	text := head + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	if _, err := p.conn.WriteTo([]byte(text), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(ourAddr))); err != nil {
		p.t.Fatal(err)
	}
}

// heardMsg is a message that a peer got.
type heardMsg struct {
	at   time.Time
	from string
	text string
}

// first is the first line, without the version: "200 OK", "BYE".
func (m heardMsg) first() string {
	line, _, _ := strings.Cut(m.text, "\r\n")
	if rest, ok := strings.CutPrefix(line, "SIP/2.0 "); ok {
		return rest
	}
	method, _, _ := strings.Cut(line, " ")
	return method
}

func (m heardMsg) header(name string) string {
	for line := range strings.SplitSeq(m.text, "\r\n") {
		n, v, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(n, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func (m heardMsg) tag(name string) string {
	_, tag, _ := strings.Cut(m.header(name), ";tag=")
	return tag
}

// hear waits for the next message, two minutes at most; the zero message when there is none.
func (p *peer) hear() heardMsg { return p.hearFor(2 * time.Minute) }

func (p *peer) hearFor(d time.Duration) heardMsg {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case g := <-p.conn.in:
		return heardMsg{at: g.at, from: g.from.String(), text: string(g.data)}
	case <-timer.C:
		return heardMsg{}
	}
}

// want waits for a message that begins so, and fails on another one. Repeats of skip are passed over.
func (p *peer) want(first string, skip ...string) heardMsg {
	p.t.Helper()
next:
	for {
		m := p.hear()
		for _, s := range skip {
			if m.text != "" && strings.HasPrefix(m.first(), s) {
				continue next
			}
		}
		if m.text == "" || !strings.HasPrefix(m.first(), first) {
			p.t.Fatalf("wanted %q, got %q", first, m.text)
		}
		return m
	}
}

// quiet fails when something arrives within d.
func (p *peer) quiet(d time.Duration) {
	p.t.Helper()
	if m := p.hearFor(d); m.text != "" {
		p.t.Fatalf("wanted nothing, got %q", m.text)
	}
}

// answer responds to a request: status line, To tag, further headers and body.
func (p *peer) answer(req heardMsg, status, tag, rest string) {
	p.t.Helper()
	to := req.header("To")
	if tag != "" && !strings.Contains(to, ";tag=") {
		to += ";tag=" + tag
	}
	msg := "SIP/2.0 " + status + "\nVia: " + req.header("Via") + "\nFrom: " + req.header("From") + "\nTo: " + to +
		"\nCall-ID: " + req.header("Call-ID") + "\nCSeq: " + req.header("CSeq") + "\n" + rest
	p.say(msg)
}

// invite says an INVITE with an SDP.
func (p *peer) invite(callID, branch string, extra ...string) {
	p.t.Helper()
	p.say(fmt.Sprintf(`
INVITE sip:1000@{us} SIP/2.0
Via: SIP/2.0/UDP {me};branch=z9hG4bK%s;rport
Max-Forwards: 70
From: "Ann" <sip:4930@{me}>;tag=far
To: <sip:1000@{us}>
Call-ID: %s
CSeq: 1 INVITE
Contact: <sip:4930@{me}>
Content-Type: application/sdp
%s

v=0
`, branch, callID, strings.Join(extra, "\n")))
}

// inside says a request in a dialog that our side answered with res.
func (p *peer) inside(method string, seq int, res heardMsg, extra ...string) {
	p.t.Helper()
	p.say(fmt.Sprintf(`
%s sip:firstline@{us} SIP/2.0
Via: SIP/2.0/UDP {me};branch=z9hG4bK%s%d;rport
Max-Forwards: 70
From: %s
To: %s
Call-ID: %s
CSeq: %d %s
Contact: <sip:4930@{me}>
%s
`, method, strings.ToLower(method), seq, res.header("From"), res.header("To"), res.header("Call-ID"), seq, method, strings.Join(extra, "\n")))
}

// scripted is a dialogUser that notes what it is told.
type scripted struct {
	mu     sync.Mutex // guards the rest
	log    []string
	cause  call.Cause
	left   bool
	answer func(sdp []byte) ([]byte, error) // of offered
}

func (s *scripted) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

func (s *scripted) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, " ")
}

func (s *scripted) end() call.Cause {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

func (s *scripted) isGone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left
}

func (s *scripted) ringing()                 { s.note("ringing") }
func (s *scripted) answered(b []byte) error  { s.note("answered"); return nil }
func (s *scripted) confirmed(b []byte) error { s.note("confirmed"); return nil }
func (s *scripted) offered(b []byte) ([]byte, error) {
	s.note("offered")
	if s.answer != nil {
		return s.answer(b)
	}
	return []byte("v=0\r\n"), nil
}
func (s *scripted) digit(b byte, _ time.Duration) { s.note("digit:%c", b) }
func (s *scripted) referred(to string, _ *dialog) { s.note("refer:%s", to) }
func (s *scripted) ended(c call.Cause) {
	s.note("ended:%s", c.Reason)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cause = c
}

func (s *scripted) gone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = true
}

// rig is a user agent on a lan with one peer.
type rig struct {
	*userAgent
	lan   *lan
	peer  *peer
	calls chan rigCall
}

type rigCall struct {
	*dialog
	user *scripted
	in   *invite
}

func newRig(t *testing.T) *rig {
	t.Helper()
	w := newLAN()
	us := &socket{network: "UDP", packet: w.listen(ourAddr)}
	u, err := newUserAgent([]*socket{us}, netip.Addr{}, nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{userAgent: u, lan: w, peer: &peer{t, w.listen(peerAddr), peerAddr}, calls: make(chan rigCall, 64)}
	u.incoming = func(_ context.Context, in *invite) {
		user := &scripted{}
		in.refuse(100, "Trying")
		d := u.newCallee(in, user, false, zap.NewNop())
		if err := d.start(); err != nil {
			in.refuse(482, "Loop Detected")
			return
		}
		r.calls <- rigCall{d, user, in}
		in.wait(d)
	}
	u.serve()
	t.Cleanup(u.close)
	return r
}

// ring lets the peer call and gives the dialog, unanswered.
func (r *rig) ring(callID string) rigCall {
	r.peer.t.Helper()
	r.peer.invite(callID, callID)
	r.peer.want("100")
	return <-r.calls
}

// talk is ring, answered and acknowledged.
func (r *rig) talk(callID string) (rigCall, heardMsg) {
	r.peer.t.Helper()
	c := r.ring(callID)
	c.do200(r.peer.t)
	res := r.peer.want("200")
	r.peer.inside("ACK", 1, res)
	eventuallyInBubble(r.peer.t, "the ACK arrives", func() bool { return strings.Contains(c.user.said(), "confirmed") })
	return c, res
}

func (c rigCall) do200(t *testing.T) {
	t.Helper()
	if err := c.do(t.Context(), func() error { return c.dialog.answer([]byte("v=0\r\n"), false) }); err != nil {
		t.Fatal(err)
	}
}

// dial sends an INVITE of ours to the peer.
func (r *rig) dial() (rigCall, heardMsg) {
	t := r.peer.t
	t.Helper()
	inv := invitation{
		flow:   flow{sock: r.sockets[0], peer: netip.MustParseAddrPort(peerAddr)},
		local:  identity{uri: sip.Uri{Scheme: "sip", User: "1000", Host: "192.0.2.1"}},
		remote: identity{uri: sip.Uri{Scheme: "sip", User: "2001", Host: "192.0.2.9"}},
		target: sip.Uri{Scheme: "sip", User: "2001", Host: "192.0.2.9", Port: 5070},
		offer:  []byte("v=0\r\n"),
	}
	user := &scripted{}
	d := r.newCaller(inv, user, zap.NewNop())
	if err := d.open(inv); err != nil {
		t.Fatal(err)
	}
	return rigCall{d, user, nil}, r.peer.want("INVITE")
}

func (c rigCall) hang(t *testing.T) {
	t.Helper()
	if !c.call(func() { c.hangup(call.Cause{Reason: call.Completed}) }) {
		t.Fatal("the dialog was gone before we hung up")
	}
}

func eventuallyInBubble(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

const accepted = "Contact: <sip:2001@{me}>\nContent-Type: application/sdp\n\nv=0\n"
