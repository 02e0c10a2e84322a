package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/config"
	"firstline/sip"
	"firstline/sip/ari"
	"firstline/web"
)

// exchange is both front ends as one switch. What belongs to a call is made where
// the call is: legs meet in one exchange.
type exchange struct {
	native   *sip.Server
	asterisk *ari.FrontEnd // nil: there is none
}

// of is the front end on which a call's next leg has to be: where the call is
// already, else where the phone or the number can be reached.
func (x exchange) of(id call.ID, to call.Endpoint) call.Switch {
	switch {
	case x.asterisk == nil:
		return x.native
	case x.asterisk.Holds(id):
		return x.asterisk
	case x.native.Holds(id):
		return x.native
	case to.Device != "" && x.asterisk.Reachable(to.Device), to.Device == "" && !x.native.Dials(to.Number):
		return x.asterisk
	}
	return x.native
}

// Originate starts a leg beside the others of its call.
func (x exchange) Originate(ctx context.Context, o call.Originate) (call.Leg, error) {
	return x.of(o.ID.Call(), o.To).Originate(ctx, o)
}

// Bridge joins two legs of one front end.
func (x exchange) Bridge(ctx context.Context, b call.BridgeSpec) (call.Bridge, error) {
	return x.of(b.Caller.ID().Call(), call.Endpoint{}).Bridge(ctx, b)
}

// Adopt lists what survived in both.
func (x exchange) Adopt(ctx context.Context) (call.Survivors, error) {
	found, err := x.native.Adopt(ctx)
	if err != nil || x.asterisk == nil {
		return found, err
	}
	more, err := x.asterisk.Adopt(ctx)
	return call.Survivors{
		Legs: slices.Concat(found.Legs, more.Legs), Bridges: slices.Concat(found.Bridges, more.Bridges),
		Recordings: slices.Concat(found.Recordings, more.Recordings),
	}, err
}

// Caps is what either can do: a verb says so where the call's own cannot.
func (x exchange) Caps() call.Caps {
	c := x.native.Caps()
	if x.asterisk == nil {
		return c
	}
	a := x.asterisk.Caps()
	c.Record, c.Tap, c.Adopt = c.Record || a.Record, c.Tap || a.Tap, c.Adopt || a.Adopt
	c.EarlyMedia, c.ReferByPhone, c.Continue = c.EarlyMedia || a.EarlyMedia, c.ReferByPhone || a.ReferByPhone, c.Continue || a.Continue
	c.Message = c.Message || a.Message
	c.Transfer = c.Transfer || a.Transfer
	return c
}

// Dials reports whether number policy lets a number be called by any front end.
func (x exchange) Dials(number string) bool {
	return x.native.Dials(number) || x.asterisk != nil && x.asterisk.Dials(number)
}

// Reachable reports whether a phone is registered anywhere.
func (x exchange) Reachable(registrar *sip.Registrar, d call.DeviceID) bool {
	return registrar.Reachable(d) || x.asterisk != nil && x.asterisk.Reachable(d)
}

// publisher is how the nodes come by our prompts.
type publisher interface {
	ari.Sounds
	Music(m call.Media, class string) error
}

// openAsterisk connects to the nodes; calls are taken at the very end.
func (s *server) openAsterisk(context.Context) error {
	s.exchange = exchange{native: s.sip}
	if len(s.cfg.Asterisk.Nodes) == 0 {
		return nil
	}
	sounds, err := s.publish()
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(s.cfg.Recordings.Dir)
	if err != nil {
		return err
	}
	cfg := ari.Config{
		Sounds: sounds, RecordingsDir: dir, RecordingPath: recordingPath, OnRecording: s.lateRecording,
		Known: s.known, Devices: s.isDevice, Contacts: contacts{s.registrar}, OnReachable: func(d call.DeviceID, _ bool) { s.tellReachable(d) },
		Patience: s.cfg.Asterisk.Patience, Log: s.log.Named("asterisk"),
	}
	for _, n := range s.cfg.Asterisk.Nodes {
		cfg.Nodes = append(cfg.Nodes, nodeOf(n, s.cfg.Asterisk.Trunks))
	}
	if s.exchange.asterisk, err = ari.New(cfg); err != nil {
		return err
	}
	s.asterisk.Store(s.exchange.asterisk)
	s.life.start("asterisk", s.exchange.asterisk.Connect)
	return nil
}

func nodeOf(n config.Node, trunks []config.DialTrunk) ari.Node {
	to := ari.Node{
		Name: n.Name, URL: n.URL, User: n.User, Password: n.Password, Application: n.Application,
		Dial: n.Dial, Registered: n.Registered, Refer: n.Refer, MaxCalls: n.MaxCalls, Fallback: call.Dialplan{Context: n.Fallback.Context, Exten: n.Fallback.Extension},
	}
	for _, t := range trunks {
		to.Trunks = append(to.Trunks, ari.Trunk{Name: t.Name, Dial: t.Dial, Allow: t.Allow, Strip: t.Strip, Add: t.Add, From: t.From})
	}
	return to
}

// publish makes every sound playable at the nodes. Music is their own.
func (s *server) publish() (ari.Sounds, error) {
	var to publisher
	var put func(call.Media, []int16) error
	if at := s.cfg.Asterisk.Sounds; at.URL != "" {
		server := ari.NewServer(at.URL + soundsPath)
		s.soundFiles = server
		to, put = server, func(m call.Media, samples []int16) error { server.Publish(m, samples); return nil }
	} else {
		folder, err := ari.NewFolder(at.Dir, at.Seen)
		if err != nil {
			return nil, err
		}
		to, put = folder, folder.Publish
	}
	for m, a := range s.sounds.sound {
		if err := put(m, a.Samples()); err != nil {
			return nil, err
		}
	}
	s.publishSound = put
	return to, to.Music("music:default", "default")
}

// soundsPath is where the nodes fetch prompts from our HTTP port.
const soundsPath = "/sounds"

// lateRecording gives a recording its audio, which came after its call was closed.
func (s *server) lateRecording(id call.RecordingID, r call.Recorded) {
	s.log.Info("recording fetched late", zap.String("recording", string(id)), zap.Duration("length", r.Duration))
	if err := s.recordings.Late(id, r); err != nil {
		s.log.Error("recording not catalogued", zap.String("recording", string(id)), zap.Error(err))
	}
}

// isDevice reports whether an endpoint of a node is a phone of ours.
func (s *server) isDevice(d call.DeviceID) bool {
	_, err := s.store.Devices().Device(context.Background(), string(d)) // from memory
	return err == nil
}

// contacts are the phones that register here, for nodes that dial them.
type contacts struct{ registrar *sip.Registrar }

func (c contacts) Contact(d call.DeviceID) (string, bool) { return c.registrar.Contact(d) }

// tellHere is told by the registrar whether a phone is registered here.
func (s *server) tellHere(d call.DeviceID, here bool) {
	s.phones.Lock()
	defer s.phones.Unlock()
	if s.phones.here == nil {
		s.phones.here = map[call.DeviceID]bool{}
	}
	s.phones.here[d] = here
	s.tellQueue(d)
}

// tellReachable tells the queue whether a phone can be reached by either front end.
func (s *server) tellReachable(d call.DeviceID) {
	s.phones.Lock()
	defer s.phones.Unlock()
	s.tellQueue(d)
}

// tellQueue is tellReachable with the lock of phones held.
func (s *server) tellQueue(d call.DeviceID) {
	if s.queue != nil {
		s.queue.Reachable(d, s.phones.here[d] || s.exchange.asterisk != nil && s.exchange.asterisk.Reachable(d))
	}
}

// tellSeen tells the queue that a phone has proved to be there.
func (s *server) tellSeen(d call.DeviceID) {
	s.phones.Lock()
	defer s.phones.Unlock()
	if s.queue != nil {
		s.queue.Seen(d)
	}
}

// takeAsteriskCalls serves calls that the nodes hand to the application.
func (s *server) takeAsteriskCalls() {
	front := s.exchange.asterisk
	if front == nil {
		return
	}
	s.life.start("asterisk calls", func(ctx context.Context) error {
		err := front.Run(ctx, s.features)
		if errors.Is(err, ari.ErrReplaced) {
			return fmt.Errorf("another firstline has taken the calls over: %w", err)
		}
		return err
	})
	s.life.onEnd("calls at asterisk", s.leaveCalls)
}

// leaveCalls leaves the calls of the nodes where they are, for the next process.
func (s *server) leaveCalls() error {
	if n := s.exchange.asterisk.Legs(); n > 0 {
		s.log.Info("leaving calls to the next process", zap.Int("legs", n))
	}
	err := s.sayStopped()
	s.exchange.asterisk.Release(s.journal.HandOver)
	return err
}

// fence is told that another firstline owns the database: the calls of the nodes are
// that one's, and a journey that cannot write any more must not hang up any.
func (s *server) fence() {
	if front := s.asterisk.Load(); front != nil {
		front.Fence()
	}
}

var _ call.Switch = exchange{}

// webNodes shows and drains the nodes.
type webNodes struct{ s *server }

func (w webNodes) Nodes() []web.Node {
	var out []web.Node
	for _, n := range w.s.exchange.asterisk.Nodes() {
		v := web.Node{
			Name: n.Name, Up: n.Up, Fault: n.Fault, Draining: n.Draining, Calls: n.Calls, Legs: n.Legs, Recordings: n.Recordings,
		}
		if !n.Since.IsZero() {
			v.Since = &n.Since
		}
		out = append(out, v)
	}
	return out
}

func (w webNodes) Drain(_ context.Context, name string, drain bool, by string) error {
	if err := w.s.exchange.asterisk.Drain(name, drain); err != nil {
		return fmt.Errorf("%w: %w", web.ErrNotFound, err)
	}
	w.s.log.Info("node drained", zap.String("node", name), zap.Bool("drain", drain), zap.String("by", by))
	return nil
}

// nodesAreWell fails while a node is away: its callers hear nothing from us.
func (s *server) nodesAreWell(context.Context) error {
	var faults []error
	for _, n := range s.exchange.asterisk.Nodes() {
		if !n.Up {
			faults = append(faults, fmt.Errorf("node %s is away: %s", n.Name, n.Fault))
		}
	}
	return errors.Join(faults...)
}

// phones guards what is known of phones from being told out of order. The registrar
// tells under its own lock and must not be asked then, so what it said is kept.
type phones struct {
	sync.Mutex
	here map[call.DeviceID]bool // registered here
}
