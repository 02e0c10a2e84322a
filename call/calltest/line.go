package calltest

import (
	"context"
	"slices"
	"time"

	"firstline/call"
)

// line is the far end of a leg: what stays when our process goes away. All
// fields are guarded by the switch's mutex.
type line struct {
	id      call.LegID
	remote  call.Party
	headers map[string]string // of Originate
	phone   *Phone            // nil for a caller
	ringing bool
	up      bool
	gone    bool
	over    chan struct{} // closed when it is gone
	cause   call.Cause
	playing call.Media    // "" is silence
	heard   []call.Media  // everything that began to play
	sent    string        // digits sent to the far end
	digits  []byte        // keyed and not yet collected
	keyed   chan struct{} // capacity 1: something was added to digits
	bridge  *Bridge       // of a caller or an agent
	tapping *joined       // of a supervisor
	held    bool
	message *Recording // that was begun last
	spoke   time.Time  // last
	leg     *Leg       // the live process's handle, nil between Drop and Adopt
}

// Leg is a process's handle on a line.
type Leg struct {
	s      *Switch
	l      *line
	gen    int             // process that the handle belongs to
	ctx    context.Context //nolint:containedctx // a leg is its context: call.Leg.Context
	cancel context.CancelCauseFunc
	events chan call.LegEvent
}

// newLeg makes the live process's handle; the mutex is held.
func (s *Switch) newLeg(l *line) *Leg {
	ctx, cancel := context.WithCancelCause(context.Background())
	g := &Leg{s: s, l: l, gen: s.gen, ctx: ctx, cancel: cancel, events: make(chan call.LegEvent, 256)}
	l.leg = g
	if l.gone {
		cancel(l.cause)
	}
	return g
}

func (g *Leg) ID() call.LegID               { return g.l.id }
func (g *Leg) Remote() call.Party           { return g.l.remote }
func (g *Leg) Context() context.Context     { return g.ctx }
func (g *Leg) Events() <-chan call.LegEvent { return g.events }

// Quality is the figures of a leg on which a packet was heard, unless its phone
// sends nothing.
func (g *Leg) Quality() call.Quality {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	if g.l.phone != nil && g.l.phone.mute {
		return call.Quality{Codec: "PCMA", Sent: 1}
	}
	return call.Quality{Codec: "PCMA", Sent: 1, Received: 1}
}

// live locks the switch and returns the line's cause when the verb has to fail.
// The caller unlocks whatever the result.
func (g *Leg) live(ctx context.Context) error {
	g.s.mu.Lock()
	switch {
	case g.gen != g.s.gen:
		return ErrDropped
	case g.l.gone:
		return g.l.cause
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return nil
}

func (g *Leg) Ring(ctx context.Context) error {
	err := g.live(ctx)
	defer g.s.mu.Unlock()
	if err == nil {
		g.l.ringing = true
	}
	return err
}

func (g *Leg) Answer(ctx context.Context) error {
	err := g.live(ctx)
	defer g.s.mu.Unlock()
	if err == nil {
		g.l.ringing, g.l.up = false, true
	}
	return err
}

// Play takes as long as Switch.Length says for each of the media.
func (g *Leg) Play(ctx context.Context, media ...call.Media) error {
	for _, m := range media {
		if err := g.play(ctx, m, nil); err != nil {
			return err
		}
	}
	return nil
}

// play plays one of the media; stop, when given, ends it early.
func (g *Leg) play(ctx context.Context, m call.Media, stop <-chan struct{}) error {
	err := g.live(ctx)
	if err == nil && !g.l.up {
		err = call.ErrState
	}
	length := g.s.length(m)
	if err == nil && length < 0 {
		err = call.ErrNoMedia
	}
	if err == nil {
		g.l.playing = m
		g.l.heard = append(g.l.heard, m)
		length = g.s.length(m)
	}
	g.s.mu.Unlock()
	if err != nil {
		return err
	}
	defer g.set(func(l *line) {
		if l.playing == m {
			l.playing = ""
		}
	})
	t := time.NewTimer(length)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-stop:
		return nil
	case <-g.ctx.Done():
		return context.Cause(g.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// set changes the line when the handle is still the live process's.
func (g *Leg) set(f func(*line)) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	if g.gen == g.s.gen && !g.l.gone {
		f(g.l)
	}
}

func (g *Leg) Collect(ctx context.Context, c call.Collect) (call.Collected, error) {
	err := g.live(ctx)
	if err == nil && !g.l.up {
		err = call.ErrState
	}
	if err == nil && c.Fresh {
		g.l.digits = nil
	}
	g.s.mu.Unlock()
	if err != nil {
		return call.Collected{}, err
	}
	if err := g.prompts(ctx, c); err != nil {
		return call.Collected{}, err
	}
	return g.gather(ctx, c)
}

// prompts plays c's prompts until a digit is there.
func (g *Leg) prompts(ctx context.Context, c call.Collect) error {
	for _, m := range c.Prompts {
		if c.Uninterrupted {
			if err := g.play(ctx, m, nil); err != nil {
				return err
			}
			continue
		}
		if g.typedAhead() {
			return nil
		}
		if err := g.play(ctx, m, g.l.keyed); err != nil {
			return err
		}
	}
	return nil
}

func (g *Leg) typedAhead() bool {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	select { // a stale note of digits that are already taken
	case <-g.l.keyed:
	default:
	}
	return len(g.l.digits) > 0
}

func (g *Leg) gather(ctx context.Context, c call.Collect) (call.Collected, error) {
	var got []byte
	for {
		digit, ok, err := g.nextDigit(ctx, wait(c, len(got)))
		switch {
		case err != nil:
			return call.Collected{}, err
		case !ok:
			return call.Collected{Digits: string(got), TimedOut: true}, nil
		case c.Terminator != 0 && digit == c.Terminator:
			return call.Collected{Digits: string(got)}, nil
		}
		if got = append(got, digit); len(got) >= max(c.Max, 1) {
			return call.Collected{Digits: string(got)}, nil
		}
	}
}

func wait(c call.Collect, have int) time.Duration {
	if have == 0 {
		return orDefault(c.First, 5*time.Second)
	}
	return orDefault(c.Between, 3*time.Second)
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

func (g *Leg) nextDigit(ctx context.Context, d time.Duration) (digit byte, ok bool, err error) {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		if digit, ok := g.takeDigit(); ok {
			return digit, true, nil
		}
		select {
		case <-g.l.keyed:
		case <-t.C:
			return 0, false, nil
		case <-g.ctx.Done():
			return 0, false, context.Cause(g.ctx)
		case <-ctx.Done():
			return 0, false, context.Cause(ctx)
		}
	}
}

func (g *Leg) takeDigit() (byte, bool) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	if g.gen != g.s.gen || len(g.l.digits) == 0 {
		return 0, false
	}
	d := g.l.digits[0]
	g.l.digits = g.l.digits[1:]
	return d, true
}

func (g *Leg) Hold(ctx context.Context, music call.Media) error {
	err := g.live(ctx)
	defer g.s.mu.Unlock()
	if err == nil && !g.l.up {
		err = call.ErrState
	}
	if err == nil {
		g.l.playing = music
		g.l.heard = append(g.l.heard, music)
	}
	return err
}

func (g *Leg) Quiet(ctx context.Context) error {
	err := g.live(ctx)
	defer g.s.mu.Unlock()
	if err == nil {
		g.l.playing = ""
	}
	return err
}

func (g *Leg) SendDTMF(ctx context.Context, digits string) error {
	err := g.live(ctx)
	defer g.s.mu.Unlock()
	if err == nil {
		g.l.sent += digits
	}
	return err
}

func (g *Leg) Transfer(ctx context.Context, _ call.Endpoint) error {
	err := g.live(ctx)
	defer g.s.mu.Unlock()
	if err == nil {
		err = call.ErrUnsupported
	}
	return err
}

func (g *Leg) Hangup(_ context.Context, c call.Cause) error {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	if g.gen != g.s.gen {
		return ErrDropped
	}
	g.s.end(g.l, c)
	return nil
}

// happen hands an event to the live process's handle; the mutex is held.
func (l *line) happen(e call.LegEvent) {
	if l.leg == nil {
		return // nobody there: Asterisk does not keep events either
	}
	e.At = time.Now()
	select {
	case l.leg.events <- e:
	default: // a reader that lags loses events, as documented
	}
}

// end ends a line and everything that hangs on it; the mutex is held.
func (s *Switch) end(l *line, c call.Cause) {
	if l.gone {
		return
	}
	l.gone, l.up, l.ringing, l.playing, l.cause = true, false, false, "", c
	close(l.over)
	if l.bridge != nil {
		l.bridge.part()
	}
	if l.tapping != nil {
		delete(l.tapping.taps, l)
		l.tapping = nil
	}
	if l.phone != nil && l.phone.line == l {
		l.phone.line = nil
	}
	for _, r := range s.records {
		if slices.Contains(r.both, l) {
			r.stop()
		}
	}
	if l.leg != nil {
		l.leg.cancel(c)
	}
	delete(s.lines, l.id)
}

// press keys digits at the far end.
func (s *Switch) press(l *line, digits string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range []byte(digits) {
		l.digits = append(l.digits, d)
		select {
		case l.keyed <- struct{}{}:
		default:
		}
		l.happen(call.LegEvent{Kind: call.LegDigit, Digit: d, Press: 100 * time.Millisecond})
	}
}

var _ call.Leg = (*Leg)(nil)
