package callqueue_test

import (
	"context"
	"sync"
	"time"

	"firstline/call"
)

// phone is how a fake phone behaves from the INVITE on. A zero time means never.
type phone struct {
	rings   time.Duration
	answers time.Duration
	fails   time.Duration
	with    call.Cause // of the failure
	gone    bool       // no registration: nothing is sent
}

// fakeSwitch makes legs towards fake phones, enough of a switch for the queue.
type fakeSwitch struct {
	call.Switch // whatever else is asked is a nil dereference

	wg   sync.WaitGroup // the phones
	slow time.Duration  // how long a hang-up takes

	mu     sync.Mutex // guards the rest
	phones map[call.DeviceID]phone
	legs   []*fakeLeg
}

func (s *fakeSwitch) set(id call.DeviceID, p phone) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phones == nil {
		s.phones = make(map[call.DeviceID]phone)
	}
	s.phones[id] = p
}

func (s *fakeSwitch) Originate(_ context.Context, o call.Originate) (call.Leg, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.phones[o.To.Device]
	if p.gone {
		return nil, call.Cause{Reason: call.Unreachable}
	}
	l := &fakeLeg{asked: o, slow: s.slow, events: make(chan call.LegEvent, 4)}
	l.ctx, l.end = context.WithCancelCause(context.Background())
	s.legs = append(s.legs, l)
	s.wg.Go(func() { l.live(p) })
	return l, nil
}

// up is the legs that are not gone.
func (s *fakeSwitch) up() (up []*fakeLeg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.legs {
		if l.ctx.Err() == nil {
			up = append(up, l)
		}
	}
	return up
}

func (s *fakeSwitch) made() []*fakeLeg {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*fakeLeg(nil), s.legs...)
}

// hangUpAll ends the phones' goroutines.
func (s *fakeSwitch) hangUpAll() {
	for _, l := range s.up() {
		l.end(call.Cause{Reason: call.Completed})
	}
	s.wg.Wait()
}

type fakeLeg struct {
	call.Leg

	asked  call.Originate
	slow   time.Duration
	events chan call.LegEvent
	ctx    context.Context
	end    context.CancelCauseFunc
}

func (l *fakeLeg) live(p phone) {
	steps := []struct {
		at time.Duration
		do func()
	}{
		{p.rings, func() { l.events <- call.LegEvent{At: time.Now(), Kind: call.LegRinging} }},
		{p.answers, func() { l.events <- call.LegEvent{At: time.Now(), Kind: call.LegUp} }},
		{p.fails, func() { l.end(p.with) }},
	}
	began := time.Now()
	for _, s := range steps {
		if s.at == 0 {
			continue
		}
		select {
		case <-time.After(s.at - time.Since(began)):
			s.do()
		case <-l.ctx.Done():
			return
		}
	}
	<-l.ctx.Done()
}

func (l *fakeLeg) ID() call.LegID               { return l.asked.ID }
func (l *fakeLeg) Context() context.Context     { return l.ctx }
func (l *fakeLeg) Events() <-chan call.LegEvent { return l.events }

func (l *fakeLeg) Hangup(_ context.Context, c call.Cause) error {
	if l.slow > 0 {
		time.Sleep(l.slow)
	}
	l.end(c)
	return nil
}

// memory is a journal that forgets nothing.
type memory struct {
	mu     sync.Mutex // guards events
	events []call.Event
}

func (m *memory) Append(_ context.Context, evs ...call.Event) error {
	m.Post(evs...)
	return nil
}

func (m *memory) Post(evs ...call.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, evs...)
}

func (m *memory) all() []call.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]call.Event(nil), m.events...)
}
