package calltest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"firstline/call"
)

// ErrDropped is what a verb of a dropped process returns; it has no effect.
var ErrDropped = errors.New("calltest: this process was dropped")

// Switch is a fake telephone exchange. The zero value is not ready: use New.
type Switch struct {
	// Length says how long a prompt plays, negative that there is none; nil means
	// one second each.
	Length func(call.Media) time.Duration

	mu      sync.Mutex // guards what follows and every line
	gen     int        // which process lives
	nobody  bool       // none does: one was dropped, and the next has adopted nothing yet
	handler call.Handler
	lines   map[call.LegID]*line
	bridges map[call.BridgeID]*Bridge
	records map[call.RecordingID]*Recording // that run
	phones  map[call.DeviceID]*Phone
	rings   int // Originate calls so far

	wg sync.WaitGroup // ServeCalls and phones' timers
}

// New returns a switch whose calls go to h, which may be set later by Serve.
func New(h call.Handler) *Switch {
	return &Switch{
		handler: h,
		lines:   map[call.LegID]*line{},
		bridges: map[call.BridgeID]*Bridge{},
		records: map[call.RecordingID]*Recording{},
		phones:  map[call.DeviceID]*Phone{},
	}
}

// Serve sets who serves new calls.
func (s *Switch) Serve(h call.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

// Wait returns when every ServeCall has returned.
func (s *Switch) Wait() { s.wg.Wait() }

// Drop ends the process as kill -9 does: its handles do nothing from now on and
// their contexts end, so that its goroutines unwind; the lines stay as they are.
func (s *Switch) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gen++
	s.nobody = true
	for _, l := range s.lines {
		if l.leg != nil {
			l.leg.cancel(ErrDropped)
			l.leg = nil
		}
	}
	s.handler = nil
}

// Crash ends every leg, as the crash of an exchange does while our process lives.
func (s *Switch) Crash() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		s.end(l, call.Cause{Reason: call.SwitchGone, Text: "the exchange stopped"})
	}
}

// Adopt gives the living process handles on what survived.
func (s *Switch) Adopt(context.Context) (call.Survivors, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nobody = false
	var out call.Survivors
	for _, l := range s.lines {
		if l.leg == nil {
			out.Legs = append(out.Legs, s.newLeg(l))
			state := call.LegUnheld
			if l.held {
				state = call.LegHeld
			}
			l.happen(call.LegEvent{Kind: state})
		}
	}
	for _, b := range s.bridges {
		h := &Bridge{s: s, b: b.b, gen: s.gen}
		s.bridges[b.b.id] = h
		b.b.handle = h
		out.Bridges = append(out.Bridges, h)
	}
	for _, r := range s.records {
		r.gen = s.gen
		out.Recordings = append(out.Recordings, r)
	}
	return out, nil
}

// Caps declares everything but a transfer by us.
func (s *Switch) Caps() call.Caps {
	return call.Caps{Record: true, RecordGrows: true, Tap: true, Adopt: true, DTMFStart: true, ReferByPhone: true, Message: true}
}

func (s *Switch) length(m call.Media) time.Duration {
	if s.Length == nil {
		return time.Second
	}
	return s.Length(m)
}

// Originate rings a phone; its script decides what comes of it.
func (s *Switch) Originate(_ context.Context, o call.Originate) (call.Leg, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	device := o.To.Device
	if device == "" {
		device = call.NumberDevice(o.To.Number) // a phone far away, reached through a trunk
	}
	p := s.phones[device]
	switch {
	case s.nobody:
		return nil, ErrDropped
	case p == nil || !p.registered:
		return nil, call.Cause{Reason: call.Unreachable, SIP: 480, Text: "no registration"}
	case s.lines[o.ID] != nil:
		return nil, fmt.Errorf("calltest: leg %s exists", o.ID)
	}
	s.rings++
	l := &line{id: o.ID, remote: call.Party{Number: cmp.Or(string(o.To.Device), o.To.Number)}, phone: p, headers: o.Headers, keyed: make(chan struct{}, 1), over: make(chan struct{})}
	s.lines[o.ID] = l
	g := s.newLeg(l)
	p.offers++
	if p.line != nil {
		p.doubled = true // two calls at once at one phone: a test's WantNeverDoubled sees it
	}
	p.line = l
	s.wg.Go(func() { p.ring(s, l, orDefault(o.Ring, time.Minute)) })
	return g, nil
}

// Rings is how many legs were originated so far.
func (s *Switch) Rings() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rings
}

// Lines is how many legs are up or ringing; 0 when nothing is left behind.
func (s *Switch) Lines() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lines)
}

// Bridges is how many bridges there are.
func (s *Switch) Bridges() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bridges)
}

var _ call.Switch = (*Switch)(nil)
