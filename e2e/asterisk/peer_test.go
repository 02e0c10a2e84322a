//go:build e2e

package asterisk_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"firstline/e2e/peer"
	"firstline/sip/ari/asterisk"
)

// patience is how long a test waits for what has to come. It fails what is broken;
// it measures nothing.
const patience = 60 * time.Second

// shared is the one that most tests use, one after the other. It is written once,
// before any test.
var shared pbx

// pbx is a real Asterisk.
type pbx struct{ *peer.Asterisk }

func TestMain(m *testing.M) {
	os.Exit(func() int {
		p, err := peer.Up(peer.Settings{Agents: peer.None})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		shared = pbx{p}
		code := m.Run()
		if err := shared.Down(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}())
}

// client is one for p.
func (p pbx) client(t *testing.T, with func(*asterisk.Config)) *asterisk.Client {
	t.Helper()
	cfg := asterisk.Config{
		URL: "http://" + p.ARI + "/ari", User: "firstline", Password: "firstline-test", Application: "firstline",
		Log: zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel)),
	}
	if with != nil {
		with(&cfg)
	}
	c, err := asterisk.New(cfg)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

// ear keeps what Asterisk tells.
type ear struct {
	t *testing.T

	mu     sync.Mutex // guards the fields below
	events []asterisk.Event
	ups    int
	downs  []error
	more   chan struct{} // closed when something comes
}

// listen runs c until the test ends, and returns when it is connected.
func listen(t *testing.T, c *asterisk.Client) (h *ear, ended <-chan error) {
	t.Helper()
	h = &ear{t: t, more: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background()) // also of cleanups, which have calls to end
	done, over := make(chan error, 1), make(chan struct{})
	go func() { done <- c.Run(ctx, h); close(over) }()
	t.Cleanup(func() { cancel(); <-over })
	h.await("connected", func() bool { return h.ups > 0 })
	return h, done
}

func (h *ear) Connected(context.Context) { h.note(func() { h.ups++ }) }
func (h *ear) Unreached(error)           {}
func (h *ear) Disconnected(err error)    { h.note(func() { h.downs = append(h.downs, err) }) }
func (h *ear) Event(e asterisk.Event) {
	if u, ok := e.(asterisk.Unknown); ok && u.Err != nil {
		h.t.Errorf("not understood: %v\n%s", u.Err, u.Raw)
	}
	h.note(func() { h.events = append(h.events, e) })
}

func (h *ear) note(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	close(h.more)
	h.more = make(chan struct{})
}

// await waits until ok, which may look at h's fields.
func (h *ear) await(what string, ok func() bool) {
	h.t.Helper()
	limit := time.After(patience)
	for {
		h.mu.Lock()
		is, more := ok(), h.more
		h.mu.Unlock()
		if is {
			return
		}
		select {
		case <-more:
		case <-limit:
			h.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// wait waits for the first event of a type that fits, and returns it.
func wait[E asterisk.Event](h *ear, fits func(E) bool) E {
	h.t.Helper()
	var found E
	h.await(fmt.Sprintf("a fitting %T", found), func() bool {
		for _, e := range h.events {
			if e, ok := e.(E); ok && fits(e) {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

// count is how many events of a type fit so far.
func count[E asterisk.Event](h *ear, fits func(E) bool) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, e := range h.events {
		if e, ok := e.(E); ok && fits(e) {
			n++
		}
	}
	return n
}

// proxy stands between a client and an Asterisk, and can go silent.
type proxy struct {
	t    *testing.T
	addr string
	to   string
	ln   net.Listener
	wg   sync.WaitGroup

	mu    sync.Mutex // guards the fields below
	conns []net.Conn
	held  []net.Conn // in silence: open, and nothing passes
}

func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	x := &proxy{t: t, addr: ln.Addr().String(), to: to, ln: ln}
	x.wg.Go(x.accept)
	t.Cleanup(func() {
		ln.Close()
		x.mu.Lock()
		for _, c := range append(x.conns, x.held...) {
			c.Close()
		}
		x.mu.Unlock()
		x.wg.Wait()
	})
	return x
}

func (x *proxy) accept() {
	for {
		near, err := x.ln.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", x.to)
		if err != nil {
			near.Close()
			continue
		}
		x.mu.Lock()
		x.conns = append(x.conns, near, far)
		x.mu.Unlock()
		x.wg.Go(func() { x.carry(near, far) })
		x.wg.Go(func() { x.carry(far, near) })
	}
}

func (x *proxy) carry(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if x.holds(from) {
			return // in silence: neither bytes nor the end pass
		}
		if err != nil {
			to.Close()
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (x *proxy) holds(c net.Conn) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Contains(x.held, c)
}

// silence stops all connections there are without closing any; new ones pass.
func (x *proxy) silence() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.held, x.conns = append(x.held, x.conns...), nil
}

// eventually looks again and again.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
