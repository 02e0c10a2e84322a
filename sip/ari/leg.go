package ari

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// eventsKept bounds what a reader of Events may lag behind; digits are dropped first.
const (
	eventsKept = 16
	eventsSpan = 6 // places that digits do not take
)

// legState is how far a leg has come.
type legState uint8

const (
	dialling legState = iota // ours: made, or being made, and not ringing yet
	ringing                  // ours: the phone rings
	waiting                  // a caller's: not answered
	up                       // answered
	gone
)

func (s legState) next(to legState) (legState, error) {
	ok := false
	switch s {
	case dialling:
		ok = to == ringing || to == up || to == gone
	case ringing, waiting:
		ok = to == up || to == gone
	case up:
		ok = to == gone
	}
	if !ok {
		return s, fmt.Errorf("ari: leg state %d to %d", s, to)
	}
	return to, nil
}

// leg is one channel. It implements call.Leg.
type leg struct {
	id      call.LegID
	channel string // its id at Asterisk: our own for a leg that we originated
	remote  call.Party
	caller  bool   // the call came in on it
	adopted bool   // a process before us had it
	exten   string // of a caller: where he was in the dialplan
	node    *node
	log     *zap.Logger

	ctx    context.Context //nolint:containedctx // the leg's life, as call.Leg promises it
	cancel context.CancelCauseFunc
	events chan call.LegEvent
	keys   *call.Keys

	mu       sync.Mutex // guards the rest
	state    legState
	held     bool
	holds    int           // how often held changed: a question that was on its way meanwhile is worth nothing
	entered  chan struct{} // closed when the channel is in our application, so that verbs are taken
	dialled  bool          // Asterisk has sent the INVITE
	name     string        // of the channel that we made, at Asterisk
	dead     []string      // names of channels that were made for the leg before it
	handed   bool          // to the dialplan
	asked    *call.Cause   // we are hanging up, or giving the leg back, and this is why
	said     *call.Cause   // Asterisk said that the far end is hanging up, and why
	bridge   *bridge
	parting  chan struct{} // closed when Asterisk has taken the last bridge down
	music    string        // class that plays; empty: none
	tap      *tap          // through which it hears others
	plays    int           // playbacks so far
	taps     int           // taps so far
	inherits bool          // what the last process played may still play
	patience *time.Timer   // until an originated leg is given up
	silence  silence
	quality  call.Quality
}

var (
	_ call.Leg       = (*leg)(nil)
	_ call.Continuer = (*leg)(nil)
)

// newLeg makes a leg in a state; nobody knows it yet.
func (n *node) newLeg(id call.LegID, channel string, remote call.Party, s legState) *leg {
	l := &leg{
		id: id, channel: channel, remote: remote, node: n, state: s,
		log:    n.log.With(zap.String("leg", string(id))),
		events: make(chan call.LegEvent, eventsKept), keys: call.NewKeys(),
		entered: make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	return l
}

func (l *leg) ID() call.LegID               { return l.id }
func (l *leg) Remote() call.Party           { return l.remote }
func (l *leg) Context() context.Context     { return l.ctx }
func (l *leg) Events() <-chan call.LegEvent { return l.events }

// Quality is what is known of the leg's media, at its end or when it was last looked at.
func (l *leg) Quality() call.Quality {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.quality
}

// Ring tells the caller that it rings.
func (l *leg) Ring(ctx context.Context) error {
	if l.is(up) {
		return fmt.Errorf("%w: answered", call.ErrState)
	}
	return l.verb(ctx, func(ctx context.Context, _ bool) error { return l.node.pbx.Ring(ctx, l.channel) })
}

// Answer takes an incoming call.
func (l *leg) Answer(ctx context.Context) error {
	if l.is(up) {
		return nil
	}
	if !l.caller {
		return fmt.Errorf("%w: not a call that came in", call.ErrState)
	}
	err := l.verb(ctx, func(ctx context.Context, _ bool) error { return l.node.pbx.Answer(ctx, l.channel) })
	if err != nil {
		return err
	}
	l.move(up)
	return nil
}

// verb carries something out on the leg's channel. The leg's own end is the reason
// why something did not work, whenever there is one.
func (l *leg) verb(ctx context.Context, do func(ctx context.Context, again bool) error) error {
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	err := l.node.do(ctx, l.ctx, do)
	switch {
	case err == nil:
		return nil
	case l.ctx.Err() != nil:
		return context.Cause(l.ctx)
	case errors.Is(err, asterisk.ErrNotFound), errors.Is(err, asterisk.ErrState):
		return l.lookFor(ctx, err)
	}
	return err
}

// lookFor finds out what became of the channel on which a verb failed with err. A
// channel that is gone ends the leg, also when the event that says so is lost.
func (l *leg) lookFor(ctx context.Context, err error) error {
	var ch asterisk.Channel
	look := l.node.do(ctx, l.ctx, func(ctx context.Context, _ bool) error {
		var err error
		ch, err = l.node.pbx.Channel(ctx, l.channel)
		return err
	})
	switch {
	case errors.Is(look, asterisk.ErrNotFound):
		l.lost(ctx)
	case look == nil && !inApp(&ch, l.node.cfg.Application) && l.hasEntered():
		l.end(l.leftCause())
	case look == nil:
		return fmt.Errorf("%w: %w", call.ErrState, err)
	}
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	return err
}

// eventDelay is how long after a request has found nothing the event that explains
// it may take.
const eventDelay = time.Second

// lost ends a leg whose channel is not there, by what an event says within a moment.
func (l *leg) lost(ctx context.Context) {
	t := time.NewTimer(eventDelay)
	defer t.Stop()
	select {
	case <-l.ctx.Done():
	case <-t.C:
		l.end(l.goneCause())
	case <-ctx.Done():
	}
}

// goneCause is why a leg ended of which only the end is known.
func (l *leg) goneCause() call.Cause {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.asked != nil:
		return *l.asked
	case l.said != nil:
		return *l.said
	case l.caller || l.state == up:
		return hungUp(0, l.state == up)
	}
	return unanswered(0, 0, l.state == ringing)
}

// leftCause is why a leg ended whose channel went on somewhere else.
func (l *leg) leftCause() call.Cause {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked != nil {
		return *l.asked
	}
	return call.Cause{Reason: call.Completed, Text: "went on in the dialplan"}
}

// ready is the state that all media verbs need.
func (l *leg) ready() error {
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	if !l.is(up) {
		return fmt.Errorf("%w: not answered", call.ErrState)
	}
	return nil
}

func (l *leg) is(s legState) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == s
}

// move reports whether the leg got into the state just now.
func (l *leg) move(to legState) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := l.state.next(to)
	if err != nil {
		return false // an event that comes twice, or late
	}
	l.state = s
	if s != ringing && l.patience != nil {
		l.patience.Stop()
	}
	return true
}

func (l *leg) hasEntered() bool {
	select {
	case <-l.enteredNow():
		return true
	default:
		return false
	}
}

func (l *leg) enteredNow() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.entered
}

func (l *leg) push(e call.LegEvent) {
	if e.Kind == call.LegDigit && len(l.events) >= eventsKept-eventsSpan {
		return
	}
	e.At = time.Now()
	select {
	case l.events <- e:
	default:
	}
}
