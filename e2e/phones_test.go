//go:build e2e || load

package e2e

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip"
	"firstline/sip/media"
)

// phones is where the test's own softphones get their audio ports from.
type phones struct {
	t      *testing.T
	server netip.AddrPort
	engine *media.Engine
}

func newPhones(s *office) *phones {
	s.t.Helper()
	e, err := media.New(media.Config{PortMin: 40000, PortMax: 59999, Quarantine: time.Second, MediaTimeout: -1}, zap.NewNop())
	must(s.t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx); err != nil {
			s.t.Errorf("media of the test's phones: %v", err)
		}
	})
	s.t.Cleanup(func() { cancel(); wg.Wait() })
	return &phones{t: s.t, server: s.at(), engine: e}
}

// with runs f with a phone, and takes it down afterwards.
func (p *phones) with(user, password string, incoming func(*sip.PhoneCall), f func(context.Context, *sip.Phone)) {
	phone, err := sip.NewPhone(sip.PhoneConfig{
		User: user, Password: password, Registrar: p.server, Media: p.engine, Incoming: incoming,
	})
	if err != nil {
		p.t.Errorf("phone %s: %v", user, err)
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { _ = phone.Run(ctx) }) // a server that was killed answers no goodbye
	defer wg.Wait()
	defer cancel()
	f(ctx, phone)
}

// keep is with for a phone that stays until the test ends.
func (p *phones) keep(user, password string, incoming func(*sip.PhoneCall)) *sip.Phone {
	p.t.Helper()
	ready, done := make(chan *sip.Phone, 1), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(ready)
		p.with(user, password, incoming, func(_ context.Context, phone *sip.Phone) {
			ready <- phone
			<-done
		})
	})
	p.t.Cleanup(func() { close(done); wg.Wait() })
	phone := <-ready
	if phone == nil {
		p.t.FailNow()
	}
	return phone
}

// bye is how the test's phones hang up.
func bye(l call.Leg) { _ = l.Hangup(context.Background(), call.Cause{Reason: call.Completed}) }

// spell lets d pass, unless ctx ends first: how long a person talks, rings or waits.
func spell(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
