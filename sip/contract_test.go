package sip_test

import (
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

	"firstline/call"
	"firstline/call/calltest"
	"firstline/sip"
	"firstline/sip/media"
)

func TestNativeFrontEndKeepsTheContract(t *testing.T) {
	calltest.Contract(t, func(t *testing.T) calltest.Exchange { return newExchange(t) })
}

const realm = "contract.test"

// What plays and who speaks, each by its own tone in Hz.
const (
	callerVoice = 1000
	agentVoice  = 1400 // of the first desk; each further one speaks higher
	deskStep    = 400
)

func toneOf(m call.Media) (hz float64, d time.Duration) {
	switch m {
	case "prompt:one":
		return 440, 2 * time.Second
	case "prompt:short":
		return 560, 240 * time.Millisecond // the pacer counts whole frames of 20 ms
	case "music:default":
		return 700, 2 * time.Second
	}
	return 0, 0
}

func sounds(m call.Media) (*media.Audio, error) {
	hz, d := toneOf(m)
	if hz == 0 {
		return nil, fmt.Errorf("%w: %q", call.ErrNoMedia, m)
	}
	return media.Tone(d, hz), nil
}

// exchange is the native front end with softphones around it.
type exchange struct {
	*sip.Server
	t     *testing.T
	at    netip.AddrPort
	far   *media.Engine // of the phones
	inbox *inbox
	desks int
}

// inbox hands calls to whoever serves them now.
type inbox struct {
	mu sync.Mutex // guards h
	h  call.Handler
}

func (i *inbox) ServeCall(ctx context.Context, c *call.Call) {
	i.mu.Lock()
	h := i.h
	i.mu.Unlock()
	if h != nil {
		h.ServeCall(ctx, c)
	}
}

// Serve sets who serves calls that come in.
func (x *exchange) Serve(h call.Handler) {
	x.inbox.mu.Lock()
	defer x.inbox.mu.Unlock()
	x.inbox.h = h
}

type passwords struct{}

// Credential is the same password for every device.
func (passwords) Credential(_ context.Context, user string) (call.Credential, error) {
	a1 := []byte(user + ":" + realm + ":secret")
	m, s := md5.Sum(a1), sha256.Sum256(a1)
	return call.Credential{User: user, Realm: realm, HA1MD5: hex.EncodeToString(m[:]), HA1SHA256: hex.EncodeToString(s[:])}, nil
}

type forgetful struct{}

func (forgetful) SaveBinding(context.Context, call.Binding) error            { return nil }
func (forgetful) DeleteBinding(context.Context, call.DeviceID, string) error { return nil }
func (forgetful) Bindings(context.Context) ([]call.Binding, error)           { return nil, nil }

func newExchange(t *testing.T) *exchange {
	t.Helper()
	x := &exchange{t: t, inbox: &inbox{}}
	ours := engine(t, 24000)
	x.far = engine(t, 26000)
	auth := sip.NewAuthenticator(realm, passwords{}, zap.NewNop())
	registrar := sip.NewRegistrar(sip.RegistrarConfig{Auth: auth, Store: forgetful{}, Log: zap.NewNop()})
	var err error
	x.Server, err = sip.New(sip.Config{
		Listen: []sip.Listener{{Network: "udp", Addr: "127.0.0.1:0"}},
		Trunks: []sip.Trunk{{Name: "carrier", Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}},
		Known:  func(string) bool { return true },
		Media:  ours, Sounds: sounds, RecordingsDir: t.TempDir(),
		Auth: auth, Registrar: registrar, Log: zap.NewNop(), Ending: 3 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	x.at = netip.MustParseAddrPort(x.Addrs()[0].String())
	runs(t, "registrar", registrar.Run)
	runs(t, "server", func(ctx context.Context) error { return x.Run(ctx, x.inbox) })
	return x
}

func engine(t *testing.T, from uint16) *media.Engine {
	t.Helper()
	e, err := media.New(media.Config{PortMin: from, PortMax: from + 1999, Quarantine: time.Millisecond, MediaTimeout: -1}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	runs(t, "media", e.Run)
	return e
}

// runs keeps a part going until the test ends.
func runs(t *testing.T, what string, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := run(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("%s: %v", what, err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func (x *exchange) phone(user string, incoming func(*sip.PhoneCall)) *sip.Phone {
	x.t.Helper()
	p, err := sip.NewPhone(sip.PhoneConfig{User: user, Password: "secret", Registrar: x.at, Media: x.far, Incoming: incoming})
	if err != nil {
		x.t.Fatal(err)
	}
	runs(x.t, "phone "+user, p.Run)
	return p
}

// PhoneIn dials; the caller speaks from the answer on.
func (x *exchange) PhoneIn(t *testing.T) calltest.Far {
	t.Helper()
	c, err := x.phone("4930123", nil).Dial(t.Context(), "1000", nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &far{t: t, voice: callerVoice, other: agentVoice, up: make(chan struct{})}
	f.take(c)
	var wg sync.WaitGroup
	wg.Go(func() {
		if call.AwaitAnswer(context.WithoutCancel(t.Context()), c, nil) == nil {
			f.speak()
		}
	})
	t.Cleanup(func() { f.Hangup(); wg.Wait() })
	return f
}

// far is the other end of one leg: a call on a softphone.
type far struct {
	t     *testing.T
	voice float64
	other float64       // the voice on the other side of a bridge
	up    chan struct{} // closed when the call is answered and the ear listens

	mu    sync.Mutex // guards the rest
	call  *sip.PhoneCall
	heard []int16 // the last span
	last  time.Time
}

const span = 200 * time.Millisecond

func (f *far) take(c *sip.PhoneCall) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call = c
}

func (f *far) taken() *sip.PhoneCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.call
}

func (f *far) speak() {
	c := f.taken()
	c.Hear(func(samples []int16, _ uint32) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.heard = append(f.heard, samples...)
		f.heard = f.heard[max(0, len(f.heard)-int(span*8000/time.Second)):]
		f.last = time.Now()
	})
	c.Loop(media.Tone(time.Second, f.voice))
	close(f.up)
}

// Press keys digits once the call is up.
func (f *far) Press(digits string) {
	select {
	case <-f.up:
	case <-f.t.Context().Done():
		return
	}
	if err := f.taken().SendDTMF(f.t.Context(), digits); err != nil {
		f.t.Errorf("press %s: %v", digits, err)
	}
}

// Hangup ends the call, if there is one.
func (f *far) Hangup() {
	if c := f.taken(); c != nil {
		_ = c.Hangup(context.Background(), call.Cause{Reason: call.Cancelled})
	}
}

// Ended is how this end saw the call end.
func (f *far) Ended() (call.Reason, bool) {
	c := f.taken()
	if c == nil || c.Context().Err() == nil {
		return "", false
	}
	return call.CauseOf(c.Context()).Reason, true
}

// Hears goes by what came in over the last 200 ms. No packets are silence too.
func (f *far) Hears(m call.Media) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	hz, _ := toneOf(m)
	switch m {
	case "":
		if time.Since(f.last) > 2*span {
			return true
		}
		return !f.hears(f.other) && !f.hears(440) && !f.hears(560) && !f.hears(700)
	case "talk":
		hz = f.other
	}
	return time.Since(f.last) <= 2*span && f.hears(hz)
}

// HearsVoice goes by the other end's tone over the last 200 ms.
func (f *far) HearsVoice(of calltest.Far) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Since(f.last) <= 2*span && f.hears(of.(interface{ tone() float64 }).tone())
}

func (f *far) tone() float64 { return f.voice }

// hears reports whether a tone fills more than half of the span; f.mu is held.
func (f *far) hears(hz float64) bool { return media.Heard(f.heard, hz, 0.05) > span/2 }

// Desk registers a phone that rings until it is told to do something.
func (x *exchange) Desk(t *testing.T) calltest.DeskPhone {
	t.Helper()
	x.desks++
	d := &deskPhone{
		far:    &far{t: t, voice: agentVoice + deskStep*float64(x.desks-1), other: callerVoice, up: make(chan struct{})},
		device: call.DeviceID(fmt.Sprintf("20%02d", x.desks)), orders: make(chan func(*sip.PhoneCall)),
	}
	p := x.phone(string(d.device), d.ring)
	if err := p.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

type deskPhone struct {
	*far
	device call.DeviceID
	orders chan func(*sip.PhoneCall)
}

// ring does what it is told, until the call is over.
func (d *deskPhone) ring(c *sip.PhoneCall) {
	if c.Ring(c.Context()) != nil {
		return
	}
	d.take(c)
	for {
		select {
		case do := <-d.orders:
			do(c)
		case <-c.Context().Done():
			return
		}
	}
}

// order has the phone do something, and waits until it is being done.
func (d *deskPhone) order(do func(*sip.PhoneCall)) {
	done := make(chan struct{})
	select {
	case d.orders <- func(c *sip.PhoneCall) { defer close(done); do(c) }:
		<-done
	case <-d.t.Context().Done():
	}
}

func (d *deskPhone) Device() call.DeviceID { return d.device }

func (d *deskPhone) Ringing() bool {
	c := d.taken()
	if c == nil || c.Context().Err() != nil {
		return false
	}
	select {
	case <-d.up:
		return false
	default:
		return true
	}
}

func (d *deskPhone) Answer() {
	d.order(func(c *sip.PhoneCall) {
		if err := c.Answer(c.Context()); err != nil {
			d.t.Errorf("answer: %v", err)
			return
		}
		d.speak()
	})
}

func (d *deskPhone) Refuse() {
	d.order(func(c *sip.PhoneCall) { _ = c.Hangup(c.Context(), call.Cause{Reason: call.Busy}) })
}

func (d *deskPhone) Hold() {
	d.order(func(c *sip.PhoneCall) {
		if err := c.PutOnHold(c.Context()); err != nil {
			d.t.Errorf("hold: %v", err)
		}
	})
}

func (d *deskPhone) Unhold() {
	d.order(func(c *sip.PhoneCall) {
		if err := c.TakeBack(c.Context()); err != nil {
			d.t.Errorf("take back: %v", err)
		}
	})
}
