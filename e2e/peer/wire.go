package peer

import (
	"net"
	"sync"
	"testing"
)

// Wire is a network between two programs which a test freezes: connections stay
// open and nothing passes, as when a cable is pulled or a firewall forgets.
type Wire struct {
	to     string
	listen net.Listener
	wg     sync.WaitGroup

	mu     sync.Mutex    // guards the rest
	thawed chan struct{} // closed while it is not frozen
	ends   []net.Conn
}

// NewWire listens in front of an address.
func NewWire(t *testing.T, to string) *Wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{to: to, listen: l, thawed: make(chan struct{})}
	close(w.thawed)
	w.wg.Go(w.accept)
	t.Cleanup(w.close)
	return w
}

// Addr is where it listens, host:port.
func (w *Wire) Addr() string { return w.listen.Addr().String() }

// Freeze lets nothing pass until Thaw.
func (w *Wire) Freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.thawed = make(chan struct{})
}

// Thaw lets pass what was held up.
func (w *Wire) Thaw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.thawed:
	default:
		close(w.thawed)
	}
}

func (w *Wire) flows() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.thawed
}

func (w *Wire) accept() {
	for {
		c, err := w.listen.Accept()
		if err != nil {
			return
		}
		w.wg.Go(func() { w.join(c) })
	}
}

func (w *Wire) join(c net.Conn) {
	defer c.Close()
	<-w.flows() // a SYN is answered by nobody either
	o, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer o.Close()
	w.mu.Lock()
	w.ends = append(w.ends, c, o)
	w.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { w.pass(c, o) })
	wg.Go(func() { w.pass(o, c) })
	wg.Wait()
}

func (w *Wire) pass(to, from net.Conn) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		<-w.flows()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (w *Wire) close() {
	w.Thaw()
	w.listen.Close()
	w.mu.Lock()
	for _, c := range w.ends {
		c.Close()
	}
	w.mu.Unlock()
	w.wg.Wait()
}
