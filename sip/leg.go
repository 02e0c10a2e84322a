package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/media"
)

// eventsKept bounds what a reader of Events may lag behind; digits are dropped first.
const (
	eventsKept = 16 // each leg pays for these from its beginning, 160 bytes apiece
	eventsSpan = 6  // places that digits do not take
)

// leg is one party: a dialog and a media stream. It implements call.Leg and dialogUser.
type leg struct {
	id     call.LegID
	remote call.Party
	log    *zap.Logger
	ua     *userAgent
	sounds func(call.Media) (*media.Audio, error)
	gives  time.Duration                              // from lost media to the hang-up; negative: never
	record func(call.RecordingID) (*recording, error) // nil: a phone's own leg

	dialog *dialog
	rang   bool // the dialog's goroutine only
	stream *media.Stream
	local  *localMedia

	ctx    context.Context //nolint:containedctx // the leg's life, as call.Leg promises it
	cancel context.CancelCauseFunc
	events chan call.LegEvent
	keys   *call.Keys

	mu       sync.Mutex // guards the rest
	up       bool
	held     bool         // by the phone
	asked    *remoteMedia // the offer in the INVITE that is to be answered; nil: delayed
	codec    media.Codec
	bridge   *bridge     // that it is one of the two of, or taps
	patience *time.Timer // until an originated leg is given up
	silent   *time.Timer // until media that was lost hangs up
	final    call.Quality
	released bool
	left     func() // told when the dialog's last message is exchanged
	messages map[call.RecordingID]*recording
}

var (
	_ call.Leg   = (*leg)(nil)
	_ dialogUser = (*leg)(nil)
)

// legConfig is what both kinds of legs need.
type legConfig struct {
	id     call.LegID
	remote call.Party
	ua     *userAgent
	engine *media.Engine
	sounds func(call.Media) (*media.Audio, error)
	gives  time.Duration
	peer   netip.AddrPort  // of the signalling
	parent context.Context //nolint:containedctx // an argument by name, used once
	log    *zap.Logger
}

// newLeg opens the leg's ports. Its dialog is still missing.
func newLeg(c legConfig) (*leg, error) {
	stream, err := c.engine.Open()
	if err != nil {
		return nil, fmt.Errorf("sip: leg %s: %w", c.id, err)
	}
	l := &leg{
		id: c.id, remote: c.remote, ua: c.ua, sounds: c.sounds, gives: c.gives, stream: stream,
		log:    c.log.With(zap.String("leg", string(c.id))),
		events: make(chan call.LegEvent, eventsKept), keys: call.NewKeys(),
	}
	a := stream.LocalAddr()
	l.local = newLocalMedia(netip.AddrPortFrom(reachable(c.ua.advertise, a.Addr(), c.peer), a.Port()))
	l.ctx, l.cancel = context.WithCancelCause(context.WithoutCancel(c.parent))
	if !c.ua.goSafe(l.listen) {
		l.release()
		return nil, errors.New("sip: shutting down")
	}
	return l, nil
}

func (l *leg) ID() call.LegID               { return l.id }
func (l *leg) Remote() call.Party           { return l.remote }
func (l *leg) Context() context.Context     { return l.ctx }
func (l *leg) Events() <-chan call.LegEvent { return l.events }

// listen takes what the peer does in the media until the stream closes.
func (l *leg) listen() {
	for e := range l.stream.Events() {
		switch e.Kind {
		case media.DigitStart:
			l.key(e.Digit, 0, e.At)
		case media.MediaLost:
			l.mediaLost(e.At)
		case media.MediaBack:
			l.mediaBack(e.At)
		}
	}
}

func (l *leg) key(b byte, press time.Duration, at time.Time) {
	l.keys.Put(b)
	l.push(call.LegEvent{At: at, Kind: call.LegDigit, Digit: b, Press: press})
}

func (l *leg) push(e call.LegEvent) {
	if e.Kind == call.LegDigit && len(l.events) >= eventsKept-eventsSpan {
		return
	}
	select {
	case l.events <- e:
	default:
	}
}

func (l *leg) mediaLost(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held || !l.up || l.released {
		return
	}
	l.push(call.LegEvent{At: at, Kind: call.LegMediaLost})
	if l.gives >= 0 {
		l.stopSilent()
		l.silent = l.dialog.after(l.gives, func() { l.dialog.hangup(call.Cause{Reason: call.MediaLost}) })
	}
}

func (l *leg) mediaBack(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopSilent()
	l.push(call.LegEvent{At: at, Kind: call.LegMediaBack})
}

func (l *leg) stopSilent() {
	if l.silent != nil {
		l.silent.Stop()
		l.silent = nil
	}
}

// Ring sends 180.
func (l *leg) Ring(ctx context.Context) error {
	return l.verb(l.dialog.do(ctx, l.dialog.ring))
}

// Answer sends 200 with our answer to the INVITE's offer, or with an offer when it had none.
func (l *leg) Answer(ctx context.Context) error {
	return l.verb(l.dialog.do(ctx, func() error {
		if l.isUp() {
			return nil
		}
		if l.asked == nil {
			if err := l.dialog.answer(l.local.offer(media.SendRecv), true); err != nil {
				return err
			}
			l.setUp()
			return nil
		}
		sdp := l.local.answer(l.asked) // settles the codec
		if err := l.configure(l.asked); err != nil {
			l.dialog.hangup(call.Cause{Reason: call.NoCodec, Text: err.Error()})
			return err
		}
		if err := l.dialog.answer(sdp, false); err != nil {
			return err
		}
		l.setUp()
		l.setHeld(l.asked.Held())
		return nil
	}))
}

// configure brings the stream in line with what the peer's description says.
func (l *leg) configure(r *remoteMedia) error {
	if err := r.sendableFrom(l.stream.LocalAddr().Addr()); err != nil {
		return err
	}
	p := r.params(l.dialog.route.flow.peer.Addr())
	if err := l.stream.Configure(p); err != nil {
		return fmt.Errorf("%w: %w", errAddress, err)
	}
	l.mu.Lock()
	l.codec = p.Codec
	l.mu.Unlock()
	return nil
}

func (l *leg) setUp() {
	l.mu.Lock()
	l.up = true
	if l.patience != nil {
		l.patience.Stop()
	}
	l.mu.Unlock()
	l.stream.Silence()
}

func (l *leg) isUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up
}

// ready is the state that all media verbs need.
func (l *leg) ready() error {
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	if !l.isUp() {
		return fmt.Errorf("%w: not answered", call.ErrState)
	}
	return nil
}

// verb prefers the leg's own end as the reason why something did not work.
func (l *leg) verb(err error) error {
	if err != nil && l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	return err
}

// Transfer is not offered yet; see Caps.
func (l *leg) Transfer(context.Context, call.Endpoint) error { return call.ErrUnsupported }

// Hangup ends the leg and returns when its context has ended.
func (l *leg) Hangup(ctx context.Context, c call.Cause) error {
	if l.ctx.Err() != nil {
		return nil
	}
	// The verb is carried out even when who asks for it is in a hurry himself.
	err := l.dialog.do(context.WithoutCancel(ctx), func() error { l.dialog.hangup(c); return nil })
	if err != nil && !errors.Is(err, errDialogGone) {
		return err
	}
	<-l.ctx.Done()
	return nil
}

// Quality is what is known of the leg's media up to now, or at its end.
func (l *leg) Quality() call.Quality {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released {
		return l.final
	}
	return l.measure()
}

func (l *leg) measure() call.Quality {
	s := l.stream.Stats()
	q := call.Quality{
		Sent: s.PacketsSent, Received: s.PacketsReceived, Lost: uint64(max(s.Lost, 0)), Foreign: s.Foreign,
		Jitter: s.Jitter, RTT: s.RTT,
	}
	if l.up {
		q.Codec = l.codec.String()
	}
	return q
}

// release closes the media, once.
func (l *leg) release() {
	l.mu.Lock()
	if l.released {
		l.mu.Unlock()
		return
	}
	l.final = l.measure()
	l.released = true
	b := l.bridge
	for _, t := range []*time.Timer{l.patience, l.silent} {
		if t != nil {
			t.Stop()
		}
	}
	l.mu.Unlock()
	if b != nil {
		b.leave(l)
	}
	_ = l.stream.Close()
	l.push(call.LegEvent{At: time.Now(), Kind: call.LegQuality, Quality: l.final})
}

// The dialog's side.

func (l *leg) ringing() {
	l.rang = true
	l.push(call.LegEvent{At: time.Now(), Kind: call.LegRinging})
}

func (l *leg) answered(sdp []byte) error {
	r, err := l.local.parseAnswer(sdp)
	if err != nil {
		return err
	}
	if err := l.configure(r); err != nil {
		return err
	}
	l.setUp()
	if !l.rang {
		l.ringing() // its 180 was overtaken by the 200, or left out: who counts ringing counts on it
	}
	l.push(call.LegEvent{At: time.Now(), Kind: call.LegUp})
	return nil
}

// confirmed brings the answer to an offer of ours in a 2xx.
func (l *leg) confirmed(sdp []byte) error {
	if sdp == nil {
		return nil
	}
	r, err := l.local.parseAnswer(sdp)
	if err != nil {
		return err
	}
	if err := l.configure(r); err != nil {
		return err
	}
	l.setHeld(r.Held())
	return nil
}

// offered answers a re-INVITE: hold, resume, or a new address or codec.
func (l *leg) offered(sdp []byte) ([]byte, error) {
	if len(sdp) == 0 {
		return l.local.offer(media.SendRecv), nil
	}
	r, err := parseOffer(sdp)
	if err != nil {
		return nil, err
	}
	answer := l.local.answer(r)
	if err := l.configure(r); err != nil {
		return nil, err
	}
	l.setHeld(r.Held())
	return answer, nil
}

func (l *leg) setHeld(held bool) {
	l.mu.Lock()
	if l.held == held {
		l.mu.Unlock()
		return
	}
	l.held = held
	l.stopSilent()
	b := l.bridge
	l.mu.Unlock()
	kind := call.LegUnheld
	if held {
		kind = call.LegHeld
	}
	if b != nil {
		b.hold(l, held)
	}
	l.push(call.LegEvent{At: time.Now(), Kind: kind})
}

func (l *leg) digit(b byte, press time.Duration) { l.key(b, press, time.Now()) }

func (l *leg) referred(target string, instead *dialog) {
	e := call.LegEvent{At: time.Now(), Kind: call.LegTransfer, Target: clean(target, 64)}
	if instead != nil {
		if other, ok := instead.user.(*leg); ok {
			e.Replaces = other.id
		}
	}
	l.push(e)
}

func (l *leg) ended(c call.Cause) {
	l.cancel(c)
	l.release()
	l.log.Info("leg ended", zap.String("cause", c.Error()))
}

func (l *leg) gone() {
	l.release()
	if l.left != nil {
		l.left()
	}
}

// redirect offers a direction by re-INVITE and waits until the far end has taken it.
func (l *leg) redirect(ctx context.Context, d media.Direction) error {
	if err := l.ready(); err != nil {
		return err
	}
	result := make(chan error, 1)
	err := l.dialog.do(ctx, func() error {
		return l.dialog.reinvite(l.local.offer(d), func(sdp []byte, err error) { result <- l.redirected(sdp, err) })
	})
	if err != nil {
		return l.verb(err)
	}
	select {
	case err := <-result:
		return l.verb(err)
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
}

func (l *leg) redirected(sdp []byte, err error) error {
	if err != nil {
		return err
	}
	r, err := l.local.parseAnswer(sdp)
	if err != nil {
		return err
	}
	return l.configure(r)
}
