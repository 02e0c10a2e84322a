package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// StandbyConfig is what a Standby needs.
type StandbyConfig struct {
	Listen  string      // as in Config
	TLS     *tls.Config // as in Config
	Log     *zap.Logger
	Metrics *prometheus.Registry
	Status  func() string // why this process does not serve; a sentence for /readyz
}

// Standby answers on the port of a Server that is not there yet, because another
// process has the calls: /healthz is well, /readyz says why it is not ready,
// /metrics has what there is, and everything else is 503. The Server takes over
// the port without closing it.
type Standby struct {
	cfg  StandbyConfig
	port *capped
	http *http.Server
}

// NewStandby opens the port, or says in one sentence why not.
func NewStandby(c StandbyConfig) (*Standby, error) {
	s := &Standby{cfg: c}
	var err error
	if s.http, err = newHTTP(s.handler(), c.TLS, c.Log); err != nil {
		return nil, err
	}
	if s.port, err = listen(c.Listen); err != nil {
		return nil, err
	}
	return s, nil
}

// Addr is where it listens, with the real port.
func (s *Standby) Addr() string { return s.port.Addr().String() }

// yieldWithin is how long a client that has connected may take to ask, before the
// port is handed on without it.
const yieldWithin = time.Second

// Run answers until ctx ends. The port stays open: connections wait for whoever
// has Listener.
func (s *Standby) Run(ctx context.Context) error {
	port := &lent{capped: s.port}
	served := make(chan error, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { served <- serveOn(s.http, port) })
	select {
	case err := <-served:
		return fmt.Errorf("web: %w", err)
	case <-ctx.Done():
	}
	// net/http's own end drops requests that it has just read: those who came have their answer first.
	faults := []error{port.Close()}
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		faults = append(faults, err)
	}
	s.http.SetKeepAlivesEnabled(false)
	s.port.emptied(yieldWithin)
	return errors.Join(append(faults, s.http.Close())...)
}

// Listener is the port for Config.Listener, once Run has returned.
func (s *Standby) Listener() (net.Listener, error) {
	return s.port, s.port.until(time.Time{})
}

// Close gives the port back; that a Server has done so is no error.
func (s *Standby) Close() error {
	if err := s.port.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (s *Standby) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusServiceUnavailable, s.cfg.Status())
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.cfg.Metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "10")
		writeProblem(w, http.StatusServiceUnavailable, "this firstline stands by for another one, which has the calls: ask that one (/readyz says who it is)")
	})
	return armour(mux)
}

// lent is a port whose Close ends Accept and leaves it open.
type lent struct {
	*capped
	back atomic.Bool // given back
}

// Accept implements net.Listener.
func (l *lent) Accept() (net.Conn, error) {
	c, err := l.capped.Accept()
	if err != nil && l.back.Load() {
		return nil, net.ErrClosed
	}
	return c, err
}

// Close implements net.Listener.
func (l *lent) Close() error {
	l.back.Store(true)
	return l.capped.until(time.Unix(1, 0))
}
