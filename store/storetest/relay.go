package storetest

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Relay stands between a store and its PostgreSQL and makes the network fail.
type Relay struct {
	listener net.Listener
	server   string
	wg       sync.WaitGroup

	mu     sync.Mutex // guards what follows
	open   *sync.Cond // the state has changed
	state  relayState
	conns  map[net.Conn]bool
	closed bool
}

type relayState int

const (
	passing relayState = iota
	cut                // every connection is reset
	frozen             // connections stay, nothing passes
	mute               // the server hears us, we do not hear it
)

// NewRelay starts a relay and returns the URL that leads through it.
func NewRelay(t testing.TB, dsn string) (*Relay, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{listener: l, server: u.Host, conns: make(map[net.Conn]bool)}
	r.open = sync.NewCond(&r.mu)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // until the relay's own end
	r.wg.Go(func() { r.serve(ctx) })
	t.Cleanup(func() {
		cancel()
		r.close()
	})
	u.Host = l.Addr().String()
	return r, u.String()
}

// Cut resets all connections, and every new one.
func (r *Relay) Cut() { r.set(cut) }

// Freeze keeps connections and lets nothing pass.
func (r *Relay) Freeze() { r.set(frozen) }

// Mute lets the server hear what is sent, and nobody hear the server.
func (r *Relay) Mute() { r.set(mute) }

// Mend resets connections that were frozen or muted, and lets everything pass.
func (r *Relay) Mend() {
	r.set(cut)
	r.set(passing)
}

func (r *Relay) set(s relayState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = s
	if s == cut {
		for c := range r.conns {
			reset(c)
		}
		clear(r.conns)
	}
	r.open.Broadcast()
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // the close alone is what counts
	}
	c.Close()
}

func (r *Relay) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.set(cut)
	r.listener.Close()
	r.wg.Wait()
}

func (r *Relay) serve(ctx context.Context) {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() { r.connect(ctx, near) })
	}
}

func (r *Relay) connect(ctx context.Context, near net.Conn) {
	if !r.take(near) {
		return
	}
	var dialer net.Dialer
	far, err := dialer.DialContext(ctx, "tcp", r.server)
	if err != nil || !r.take(far) {
		reset(near)
		return
	}
	r.wg.Go(func() { r.copy(far, near, true) })
	r.copy(near, far, false)
}

// take counts a connection in, or resets it.
func (r *Relay) take(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == cut || r.closed {
		reset(c)
		return false
	}
	r.conns[c] = true
	return true
}

func (r *Relay) copy(to, from net.Conn, toServer bool) {
	defer reset(to)
	defer reset(from)
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil || !r.mayPass(from, toServer) {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// mayPass waits until bytes may pass; it is false when the connection was reset.
func (r *Relay) mayPass(c net.Conn, toServer bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.conns[c] && (r.state == frozen || r.state == mute && !toServer) {
		r.open.Wait()
	}
	return r.conns[c]
}
