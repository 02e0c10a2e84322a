package web

import (
	"context"
	"crypto/tls"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

//go:embed static
var static embed.FS

const (
	headerWithin   = 5 * time.Second // T23: a slow header holds a connection no longer
	readWithin     = 15 * time.Second
	answerWithin   = 30 * time.Second // audio and live streams set their own
	idleFor        = 2 * time.Minute
	shutdownWithin = 5 * time.Second
	maxHeader      = 32 << 10
	maxConns       = 4096
	maxConnsPerIP  = 512
)

// Server is the HTTP edge.
type Server struct {
	cfg      Config
	log      *zap.Logger
	listener net.Listener
	live     *live
	door     *door
	api      huma.API
	http     *http.Server
}

// New returns a server that listens already, so that a port in use is known
// before anything else starts, but serves nothing until Run.
func New(c Config) (*Server, error) {
	c = c.defaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	pages, err := template.ParseFS(static, "static/*.html")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	m := newMeters(time.Now())
	s := &Server{cfg: c, log: c.Log, live: newLive(c, m)}
	s.door = newDoor(c, s.live, pages)
	if err := m.register(c.Metrics, s.live); err != nil {
		return nil, fmt.Errorf("web: metrics: %w", err)
	}
	if s.http, err = newHTTP(s.handler(), c.TLS, c.Log); err != nil {
		return nil, err
	}
	if c.Listener != nil {
		s.listener = c.Listener
		return s, nil
	}
	if s.listener, err = listen(c.Listen); err != nil {
		return nil, err
	}
	return s, nil
}

// newHTTP holds clients to the limits above.
func newHTTP(h http.Handler, tls *tls.Config, log *zap.Logger) (*http.Server, error) {
	errorLog, err := zap.NewStdLogAt(log.Named("http"), zapcore.DebugLevel)
	if err != nil {
		return nil, fmt.Errorf("web: log: %w", err)
	}
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerWithin,
		ReadTimeout:       readWithin,
		WriteTimeout:      answerWithin,
		IdleTimeout:       idleFor,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         tls,
		ErrorLog:          errorLog,
	}, nil
}

// listen opens the port, or says in one sentence why not.
func listen(addr string) (*capped, error) {
	//nolint:noctx // opening a port does not wait
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("web: another program uses %s already; stop it or set another address (FIRSTLINE_HTTP_LISTEN)", addr)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("web: no permission to listen on %s; ports below 1024 need it", addr)
	case err != nil:
		return nil, fmt.Errorf("web: %w", err)
	}
	return newCapped(l, maxConns, maxConnsPerIP), nil
}

// Addr is where the server listens, with the real port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is what people open.
func (s *Server) URL() string {
	if s.cfg.PublicURL != "" {
		return strings.TrimSuffix(s.cfg.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(s.Addr())
	if err != nil {
		return "http://" + s.Addr()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if s.cfg.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// SignInLink is a fresh link that signs in one browser as admin, once, within 15
// minutes. Opening it shows a button; pressing the button uses it up.
func (s *Server) SignInLink() string { return s.URL() + "/sign-in/" + s.door.newLink(time.Now()) }

// Close gives the port back; for a server that is not to be run after all.
func (s *Server) Close() error { return s.listener.Close() }

// Run serves until ctx ends, then lets requests finish for up to 5 s, ends the
// live streams, and returns nil. Any other end is an error.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { s.live.follow(ctx, s.cfg.BoardSeed, s.cfg.BoardFrom) })
	wg.Go(func() { s.live.publish(ctx) })

	served := make(chan error, 1)
	wg.Go(func() { served <- serveOn(s.http, s.listener) })
	select {
	case err := <-served:
		return fmt.Errorf("web: %w", err)
	case <-ctx.Done():
	}
	late, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
	defer stop()
	if err := s.http.Shutdown(late); err != nil {
		s.log.Warn("requests were cut at shutdown", zap.Error(err))
		return s.http.Close()
	}
	return nil
}

func serveOn(h *http.Server, l net.Listener) error {
	if h.TLSConfig != nil {
		return h.ServeTLS(l, "", "")
	}
	return h.Serve(l)
}

// handler is everything, behind what holds for every answer.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	s.api = s.routes(mux)
	s.door.routes(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.cfg.Metrics, promhttp.HandlerOpts{}))
	if s.cfg.Sounds != nil {
		mux.Handle("GET /sounds/{name}", s.cfg.Sounds)
	}
	if s.cfg.Hooks != nil {
		mux.HandleFunc("POST /hooks/{endpoint}", s.takeHook)
	}
	mux.HandleFunc("/api/", s.unknownAPI(mux))
	mux.Handle("/", newPages(s.log))

	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusForbidden, "requests from other sites may not change anything here")
	}))
	return armour(cross.Handler(s.recovered(s.authenticated(mux))))
}

// armour sets the headers of every answer (T16): nothing from elsewhere, no
// inline script or style, no guessing of types, no framing.
func armour(next http.Handler) http.Handler {
	const policy = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; " +
		"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic into a 500 and a line in the log.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // net/http's own way to cut a response
			}
			s.log.Error("panic in a request", zap.String("pattern", r.Pattern), zap.Any("panic", p), zap.Stack("stack"))
			writeProblem(w, http.StatusInternalServerError, "a fault of the server; its log says more")
		}()
		next.ServeHTTP(w, r)
	})
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	status, text := http.StatusOK, ""
	for _, c := range s.cfg.Checks {
		if err := c.OK(ctx); err != nil {
			status = http.StatusServiceUnavailable
			s.log.Warn("not ready", zap.String("check", c.Name), zap.Error(err))
			text += c.Name + ": not ok\n" // why is in the log: this page is open to all
			continue
		}
		text += c.Name + ": ok\n"
	}
	writeText(w, status, text+map[bool]string{true: "ready\n", false: "not ready\n"}[status == http.StatusOK])
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}
