package sip

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/sip/media"
)

// TestNativeFrontEndKeepsTheContract runs the suite that every switch owes, over real sockets.
func TestNativeFrontEndKeepsTheContract(t *testing.T) {
	calltest.Contract(t, func(t *testing.T) calltest.Exchange {
		x := &exchange{}
		x.center = newCenter(t, handlerFunc(func(ctx context.Context, c *call.Call) { x.handler.Load().(call.Handler).ServeCall(ctx, c) }), nil)
		x.Server = x.center.srv
		return x
	})
}

// exchange is a server with phones around it, for the contract.
type exchange struct {
	*Server
	center  *center
	handler atomic.Value // of call.Handler
}

func (x *exchange) Serve(h call.Handler) { x.handler.Store(handlerFunc(h.ServeCall)) }

func (x *exchange) PhoneIn(t *testing.T) calltest.Far {
	t.Helper()
	c, err := x.center.phone(PhoneConfig{}).Dial(t.Context(), "1000", nil)
	must(t, err)
	f := &farEnd{t: t}
	f.take(c)
	return f
}

func (x *exchange) Desk(t *testing.T) calltest.DeskPhone {
	t.Helper()
	d := &desk{device: "2001", do: make(chan call.Cause, 1)}
	d.t = t
	p := x.center.phone(PhoneConfig{User: "2001", Password: "one", Incoming: d.rung})
	must(t, p.Register(within(t)))
	return d
}

// farEnd is a phone in a call. What it says is its own tone, which the other side hears as "talk".
type farEnd struct {
	t *testing.T

	mu   sync.Mutex // guards the rest
	c    *PhoneCall
	last []int16 // the last 200 ms heard
}

// talkTone is far from every other tone of these tests.
const talkTone = 2000

func (f *farEnd) take(c *PhoneCall) {
	f.mu.Lock()
	f.c = c
	f.mu.Unlock()
	c.ua.goSafe(func() { // answered at some time
		if call.AwaitAnswer(c.Context(), c, nil) == nil {
			f.talk(c)
		}
	})
}

func (f *farEnd) talk(c *PhoneCall) {
	c.Hear(func(s []int16, _ uint32) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.last = append(f.last, s...)
		if n := len(f.last) - 1600; n > 0 {
			f.last = append(f.last[:0], f.last[n:]...)
		}
	})
	c.Loop(media.Tone(time.Second, talkTone))
}

func (f *farEnd) call() *PhoneCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.c
}

func (f *farEnd) Press(digits string) {
	c := f.call()
	eventually(f.t, "the phone is answered", func() bool { return c.ready() == nil })
	must(f.t, c.SendDTMF(within(f.t), digits))
}

func (f *farEnd) Hangup() {
	must(f.t, f.call().Hangup(within(f.t), call.Cause{Reason: call.Completed}))
}

func (f *farEnd) Ended() (call.Reason, bool) {
	c := f.call()
	if c == nil || c.Context().Err() == nil {
		return "", false
	}
	return call.CauseOf(c.Context()).Reason, true
}

func (f *farEnd) Hears(m call.Media) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.last) < 1600 {
		return false
	}
	freq := testTones[m]
	switch m {
	case "talk":
		freq = talkTone
	case "":
		for _, s := range f.last {
			if s > 400 || s < -400 {
				return false
			}
		}
		return true
	}
	return media.Goertzel(f.last, freq) > 0.1
}

// desk is a registered phone that does what the suite says.
type desk struct {
	farEnd
	device  call.DeviceID
	ringing atomic.Bool
	do      chan call.Cause // the zero Cause answers
}

func (d *desk) rung(c *PhoneCall) {
	d.mu.Lock()
	d.c = c
	d.mu.Unlock()
	ctx := c.Context()
	if c.Ring(ctx) != nil {
		return
	}
	d.ringing.Store(true)
	defer d.ringing.Store(false)
	select {
	case why := <-d.do:
		d.ringing.Store(false)
		if why.Reason != "" {
			_ = c.Hangup(context.WithoutCancel(ctx), why)
			return
		}
		if c.Answer(ctx) == nil {
			d.talk(c)
			<-ctx.Done()
		}
	case <-ctx.Done():
	}
}

func (d *desk) Device() call.DeviceID { return d.device }
func (d *desk) Ringing() bool         { return d.ringing.Load() }
func (d *desk) Answer()               { d.do <- call.Cause{} }
func (d *desk) Refuse()               { d.do <- call.Cause{Reason: call.Busy} }
func (d *desk) Hold()                 { must(d.t, d.call().PutOnHold(within(d.t))) }
func (d *desk) Unhold()               { must(d.t, d.call().TakeBack(within(d.t))) }
