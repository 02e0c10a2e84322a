// Package siptest is real phones as far ends for tests: they speak SIP and RTP with
// whatever exchange is under test, and know each other by their voices. Each says
// what calltest.Far and calltest.DeskPhone ask of a far end.
package siptest

import (
	"context"
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

// Who speaks, each by its own tone in Hz.
const (
	CallerVoice = 1000
	AgentVoice  = 1400 // of a desk whose name ends with 1; each of the further ones speaks 400 Hz higher
)

// Tone is what plays for the media of the contract, each by its own tone in Hz; 0
// for a key that it does not know.
func Tone(m call.Media) (hz float64, d time.Duration) {
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

// Engine is a media engine on ports from first on, which runs until the test ends.
func Engine(t *testing.T, first uint16) *media.Engine {
	t.Helper()
	e, err := media.New(media.Config{PortMin: first, PortMax: first + 1999, Quarantine: time.Millisecond, MediaTimeout: -1}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	Runs(t, "media", e.Run)
	return e
}

// Runs keeps a part going until the test ends, or until it is stopped.
func Runs(t *testing.T, what string, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := run(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("%s: %v", what, err)
		}
	})
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

// Phone is a phone that runs until the test ends.
func Phone(t *testing.T, cfg sip.PhoneConfig) *sip.Phone {
	t.Helper()
	p, _ := Leaving(t, cfg)
	return p
}

// Leaving is a phone that can be made to say goodbye before the test ends.
func Leaving(t *testing.T, cfg sip.PhoneConfig) (p *sip.Phone, leave func()) {
	t.Helper()
	p, err := sip.NewPhone(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p, Runs(t, "phone "+cfg.User, p.Run)
}

// Dial has a phone call a number; the caller speaks from the answer on.
func Dial(t *testing.T, p *sip.Phone, number string) *Far {
	t.Helper()
	c, err := p.Dial(t.Context(), number, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &Far{t: t, voice: CallerVoice, other: AgentVoice, up: make(chan struct{})}
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

// Far is the other end of one leg: a call on a phone.
type Far struct {
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

func (f *Far) take(c *sip.PhoneCall) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.call != nil { // another call on the same phone
		f.up = make(chan struct{})
	}
	f.call = c
}

func (f *Far) isUp() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.up
}

// Call is the call on the phone; nil before there is one.
func (f *Far) Call() *sip.PhoneCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.call
}

func (f *Far) speak() {
	c := f.Call()
	c.Hear(func(samples []int16, _ uint32) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.heard = append(f.heard, samples...)
		f.heard = f.heard[max(0, len(f.heard)-int(span*8000/time.Second)):]
		f.last = time.Now()
	})
	c.Loop(media.Tone(time.Second, f.voice))
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.up)
}

// Say changes the voice, once the call is up.
func (f *Far) Say(hz float64) {
	select {
	case <-f.isUp():
		f.Call().Loop(media.Tone(time.Second, hz))
	case <-f.t.Context().Done():
	}
}

// Press keys digits once the call is up.
func (f *Far) Press(digits string) {
	select {
	case <-f.isUp():
	case <-f.t.Context().Done():
		return
	}
	if err := f.Call().SendDTMF(f.t.Context(), digits); err != nil {
		f.t.Errorf("press %s: %v", digits, err)
	}
}

// Hangup ends the call, if there is one.
func (f *Far) Hangup() {
	if c := f.Call(); c != nil {
		_ = c.Hangup(context.Background(), call.Cause{Reason: call.Cancelled})
	}
}

// SentTo is where this end was asked to go (REFER) since it was looked at before.
// Nobody else reads the events of its call then.
func (f *Far) SentTo() string {
	for {
		select {
		case e := <-f.Call().Events():
			if e.Kind == call.LegTransfer {
				return e.Target
			}
		default:
			return ""
		}
	}
}

// Ended is how this end saw the call end.
func (f *Far) Ended() (call.Reason, bool) {
	c := f.Call()
	if c == nil || c.Context().Err() == nil {
		return "", false
	}
	return call.CauseOf(c.Context()).Reason, true
}

// Hears goes by what came in over the last 200 ms. No packets are silence too.
func (f *Far) Hears(m call.Media) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	hz, _ := Tone(m)
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

// HearsVoice reports whether the voice of another phone of this package is among what comes in now.
func (f *Far) HearsVoice(of calltest.Far) bool {
	return f.HearsTone(of.(interface{ Voice() float64 }).Voice())
}

// Voice is this end's own tone in Hz.
func (f *Far) Voice() float64 { return f.voice }

// HearsTone reports whether a tone is among what comes in now.
func (f *Far) HearsTone(hz float64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Since(f.last) <= 2*span && f.hears(hz)
}

// hears reports whether a tone fills more than half of the span; f.mu is held.
func (f *Far) hears(hz float64) bool { return media.Heard(f.heard, hz, 0.05) > span/2 }

// Desk is an agent's phone. It rings until it is told to do something.
type Desk struct {
	*Far
	device call.DeviceID
	orders chan func(*sip.PhoneCall)
}

// NewDesk registers a desk phone. cfg.User is the device; what it does with calls is set here.
func NewDesk(t *testing.T, cfg sip.PhoneConfig) *Desk {
	t.Helper()
	d, p := newDesk(t, cfg)
	if err := p.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// Outside is a phone that is registered nowhere, and the address at which a trunk reaches it.
func Outside(t *testing.T, cfg sip.PhoneConfig) (*Desk, netip.AddrPort) {
	t.Helper()
	d, p := newDesk(t, cfg)
	return d, p.Addr()
}

func newDesk(t *testing.T, cfg sip.PhoneConfig) (*Desk, *sip.Phone) {
	t.Helper()
	d := &Desk{
		Far:    &Far{t: t, voice: deskVoice(cfg.User), other: CallerVoice, up: make(chan struct{})},
		device: call.DeviceID(cfg.User), orders: make(chan func(*sip.PhoneCall)),
	}
	cfg.Incoming = d.ring
	return d, Phone(t, cfg)
}

// deskVoice tells up to five desks apart by the last digit of their names.
func deskVoice(name string) float64 {
	last := name[len(name)-1]
	if last < '1' || last > '5' {
		return AgentVoice
	}
	return AgentVoice + 400*float64(last-'1')
}

// ring does what it is told, until the call is over.
func (d *Desk) ring(c *sip.PhoneCall) {
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
func (d *Desk) order(do func(*sip.PhoneCall)) {
	done := make(chan struct{})
	select {
	case d.orders <- func(c *sip.PhoneCall) { defer close(done); do(c) }:
		<-done
	case <-d.t.Context().Done():
	}
}

// Device is the phone's name at the exchange.
func (d *Desk) Device() call.DeviceID { return d.device }

// Ringing reports whether it rings now.
func (d *Desk) Ringing() bool {
	c := d.Call()
	if c == nil || c.Context().Err() != nil {
		return false
	}
	select {
	case <-d.isUp():
		return false
	default:
		return true
	}
}

// Answer picks up.
func (d *Desk) Answer() {
	d.order(func(c *sip.PhoneCall) {
		if err := c.Answer(c.Context()); err != nil {
			d.t.Errorf("answer: %v", err)
			return
		}
		d.speak()
	})
}

// Refer hands the far end on to a number, as the transfer key does.
func (d *Desk) Refer(number string) {
	d.order(func(c *sip.PhoneCall) {
		if err := c.Refer(c.Context(), number, nil); err != nil {
			d.t.Errorf("refer to %s: %v", number, err)
		}
	})
}

// Refuse answers 486.
func (d *Desk) Refuse() {
	d.order(func(c *sip.PhoneCall) { _ = c.Hangup(c.Context(), call.Cause{Reason: call.Busy}) })
}

// Hold puts the far end on hold.
func (d *Desk) Hold() {
	d.order(func(c *sip.PhoneCall) {
		if err := c.PutOnHold(c.Context()); err != nil {
			d.t.Errorf("hold: %v", err)
		}
	})
}

// Unhold takes it back.
func (d *Desk) Unhold() {
	d.order(func(c *sip.PhoneCall) {
		if err := c.TakeBack(c.Context()); err != nil {
			d.t.Errorf("take back: %v", err)
		}
	})
}
