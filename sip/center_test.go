package sip

import (
	"cmp"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"firstline/call"
	"firstline/sip/media"
)

// center is a server on loopback with what it needs, and the phones around it.
type center struct {
	t       *testing.T
	srv     *Server
	addr    netip.AddrPort
	tcp     netip.AddrPort
	engine  *media.Engine // the server's
	far     *media.Engine // the phones'
	handler chan *served
}

// served is a call that waits for the test to say what to do with it.
type served struct {
	*call.Call
	ctx  context.Context
	done chan struct{}
}

// handlerFunc is a call.Handler.
type handlerFunc func(ctx context.Context, c *call.Call)

func (f handlerFunc) ServeCall(ctx context.Context, c *call.Call) { f(ctx, c) }

const centerRealm = "firstline.test"

type centerCredentials map[string]string

func (c centerCredentials) Credential(_ context.Context, user string) (call.Credential, error) {
	pw, ok := c[user]
	if !ok {
		return call.Credential{}, nil
	}
	s := user + ":" + centerRealm + ":" + pw
	m, h := md5.Sum([]byte(s)), sha256.Sum256([]byte(s))
	return call.Credential{User: user, Realm: centerRealm, HA1MD5: hex.EncodeToString(m[:]), HA1SHA256: hex.EncodeToString(h[:])}, nil
}

type noBindings struct{}

func (noBindings) SaveBinding(context.Context, call.Binding) error            { return nil }
func (noBindings) DeleteBinding(context.Context, call.DeviceID, string) error { return nil }
func (noBindings) Bindings(context.Context) ([]call.Binding, error)           { return nil, nil }

func testLog(t *testing.T) *zap.Logger {
	return zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))
}

func testEngine(t *testing.T, from uint16, timeout time.Duration) *media.Engine {
	t.Helper()
	e, err := media.New(media.Config{PortMin: from, PortMax: from + 1999, Quarantine: time.Millisecond, MediaTimeout: timeout}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Errorf("media engine: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		if n := e.PortsInUse(); n != 0 {
			t.Errorf("%d port pairs left in use", n)
		}
	})
	return e
}

var testTones = map[call.Media]float64{"prompt:one": 440, "prompt:short": 480, "music:default": 620, "tone:caller": 1000, "tone:agent": 1400}

func testSounds(m call.Media) (*media.Audio, error) {
	f, ok := testTones[m]
	if !ok {
		return nil, call.ErrNoMedia
	}
	d := 2 * time.Second
	if m == "prompt:short" {
		d = 240 * time.Millisecond
	}
	return media.Tone(d, f), nil
}

// newCenter starts a server; change may alter its configuration. Without a handler calls go to handler's channel.
func newCenter(t *testing.T, h call.Handler, change func(*Config)) *center {
	t.Helper()
	c := &center{t: t, engine: testEngine(t, 21000, -1), far: testEngine(t, 23000, -1), handler: make(chan *served, 64)}
	log := testLog(t)
	auth := NewAuthenticator(centerRealm, centerCredentials{"2001": "one", "2002": "two"}, log)
	reg := NewRegistrar(RegistrarConfig{Auth: auth, Store: noBindings{}, Log: log})
	cfg := Config{
		Listen: []Listener{{"udp", "127.0.0.1:0"}, {"tcp", "127.0.0.1:0"}},
		Trunks: []Trunk{{Name: "carrier", Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}},
		Known:  func(n string) bool { return n == "1000" },
		Media:  c.engine, Sounds: testSounds, RecordingsDir: t.TempDir(),
		Auth: auth, Registrar: reg, Log: log, Ending: 300 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	c.srv, err = New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range c.srv.Addrs() {
		ap := netip.MustParseAddrPort(a.String())
		if cfg.Listen[i].Network == "udp" {
			c.addr = ap
		} else {
			c.tcp = ap
		}
	}
	if h == nil {
		h = handlerFunc(func(ctx context.Context, cl *call.Call) {
			s := &served{cl, ctx, make(chan struct{})}
			c.handler <- s
			select {
			case <-s.done:
			case <-ctx.Done():
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = reg.Run(ctx) })
	wg.Go(func() {
		if err := c.srv.Run(ctx, h); err != nil {
			t.Errorf("server: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		if n := c.srv.Legs(); n != 0 {
			t.Errorf("%d legs left", n)
		}
	})
	return c
}

// phone starts a phone; user "" is a caller out on the trunk.
func (c *center) phone(cfg PhoneConfig) *Phone {
	c.t.Helper()
	cfg.User = cmp.Or(cfg.User, "4930123")
	cfg.Registrar = c.addr
	if cfg.Transport == "tcp" {
		cfg.Registrar = c.tcp
	}
	cfg.Media, cfg.Sounds, cfg.Log = c.far, testSounds, testLog(c.t)
	p, err := NewPhone(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.Run(ctx); err != nil {
			c.t.Errorf("phone %s: %v", cfg.User, err)
		}
	})
	c.t.Cleanup(func() { cancel(); wg.Wait() })
	return p
}

func (c *center) next() *served {
	c.t.Helper()
	select {
	case s := <-c.handler:
		return s
	case <-time.After(patience):
		c.t.Fatal("no call came in")
		return nil
	}
}

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ear keeps what a phone hears.
type ear struct {
	mu      sync.Mutex
	samples []int16
}

func listen(c *PhoneCall) *ear {
	e := &ear{}
	c.Hear(func(s []int16, _ uint32) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.samples = append(e.samples, s...)
	})
	return e
}

// until waits until freq was heard for d.
func (e *ear) until(t *testing.T, freq float64, d time.Duration) {
	t.Helper()
	eventually(t, fmt.Sprintf("%.0f Hz is heard for %v", freq, d), func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return media.Heard(e.samples, freq, 0.05) >= d
	})
}

func (e *ear) clear() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.samples = nil
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("never: %s", what)
		}
	}
}

func waitEvent(t *testing.T, l call.Leg, kind call.LegEventKind) call.LegEvent {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		select {
		case e := <-l.Events():
			if e.Kind == kind {
				return e
			}
		case <-deadline.C:
			t.Fatalf("no %s event", kind)
		}
	}
}

func waitEnd(ctx context.Context, t *testing.T) call.Cause {
	t.Helper()
	select {
	case <-ctx.Done():
		return call.CauseOf(ctx)
	case <-time.After(patience):
		t.Fatal("the leg does not end")
		return call.Cause{}
	}
}
