package web

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// capped is a listener that keeps at most so many connections, in all and from
// one address (T23). One too many is closed at once: it must not make others wait.
type capped struct {
	net.Listener
	total, perIP int

	mu   sync.Mutex // guards all and from
	all  int
	from map[string]int
}

func newCapped(l net.Listener, total, perIP int) *capped {
	return &capped{Listener: l, total: total, perIP: perIP, from: make(map[string]int)}
}

// Accept implements net.Listener.
func (l *capped) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		ip := addressOf(c)
		if !l.take(ip) {
			c.Close()
			continue
		}
		return &cappedConn{Conn: c, give: sync.OnceFunc(func() { l.give(ip) })}, nil
	}
}

// until has Accept fail at an instant; the zero time is never.
func (l *capped) until(t time.Time) error {
	tcp, ok := l.Listener.(*net.TCPListener)
	if !ok {
		return fmt.Errorf("web: a listener of type %T has no deadline", l.Listener)
	}
	return tcp.SetDeadline(t)
}

// emptied waits until no connection is left, or within has passed.
func (l *capped) emptied(within time.Duration) {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for l.open() > 0 {
		select {
		case <-tick.C:
		case <-deadline.C:
			return
		}
	}
}

func (l *capped) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all
}

func (l *capped) take(ip string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.total || l.from[ip] >= l.perIP {
		return false
	}
	l.all++
	l.from[ip]++
	return true
}

func (l *capped) give(ip string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.from[ip]--; l.from[ip] == 0 {
		delete(l.from, ip)
	}
}

type cappedConn struct {
	net.Conn
	give func()
}

// Close implements net.Conn.
func (c *cappedConn) Close() error {
	c.give()
	return c.Conn.Close()
}

func addressOf(c net.Conn) string {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.IP.String()
	}
	return c.RemoteAddr().String()
}
