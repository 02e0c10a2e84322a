package calltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"firstline/call"
)

// Exchange is a switch under the contract: the switch itself, and far ends that
// the suite drives. Sounds "prompt:one" (two seconds), "prompt:short" (a quarter
// of a second) and "music:default" must be playable.
type Exchange interface {
	call.Switch
	// Serve sets who serves calls that come in.
	Serve(h call.Handler)
	// Phone in; returns at once.
	PhoneIn(t *testing.T) Far
	// Desk is a registered phone of an agent.
	Desk(t *testing.T) DeskPhone
}

// Far is the far end of a leg.
type Far interface {
	Press(digits string)
	Hangup()
	// Ended is how the far end saw the call end: the reason, and whether it did.
	Ended() (call.Reason, bool)
	// Hears reports whether m is what the far end hears now; "talk" is the other
	// side of a bridge, "" is silence.
	Hears(m call.Media) bool
	// HearsVoice reports whether the voice of another far end of this exchange
	// reaches this one now. Each far end speaks with a voice of its own from the
	// answer on.
	HearsVoice(of Far) bool
}

// DeskPhone is an agent's phone. A new one rings until Answer.
type DeskPhone interface {
	Far
	Device() call.DeviceID
	Ringing() bool
	Answer()
	Refuse() // 486
	Hold()
	Unhold()
}

// patience is how long the suite waits for what has to come; it fails a broken
// switch, it measures nothing.
const patience = 20 * time.Second

// until waits for what has to come.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// serving is one call served by the test itself.
type serving struct {
	far  Far
	leg  call.Leg
	ctx  context.Context //nolint:containedctx // the leg's, for the one rule that runs
	done func()          // lets ServeCall return
}

func serve(t *testing.T, x Exchange, answer bool) serving {
	t.Helper()
	calls, release := make(chan *call.Call, 1), make(chan struct{})
	x.Serve(handlerFunc(func(_ context.Context, c *call.Call) {
		calls <- c
		<-release
	}))
	s := serving{far: x.PhoneIn(t)}
	s.done = func() { close(release) }
	t.Cleanup(s.done)
	select {
	case c := <-calls:
		s.leg, s.ctx = c.Leg, c.Leg.Context()
	case <-time.After(patience):
		t.Fatal("the call did not come in")
	}
	if answer {
		must(t, s.leg.Answer(s.ctx))
	}
	t.Cleanup(func() { _ = s.leg.Hangup(context.Background(), call.Cause{Reason: call.Completed}) })
	return s
}

type handlerFunc func(context.Context, *call.Call)

func (f handlerFunc) ServeCall(ctx context.Context, c *call.Call) { f(ctx, c) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantReason(t *testing.T, err error, want call.Reason) {
	t.Helper()
	if !errors.Is(err, call.Cause{Reason: want}) {
		t.Fatalf("got %v, want %s", err, want)
	}
}

func ended(t *testing.T, l call.Leg, want call.Reason) {
	t.Helper()
	select {
	case <-l.Context().Done():
		wantReason(t, context.Cause(l.Context()), want)
	case <-time.After(patience):
		t.Fatalf("leg %s does not end", l.ID())
	}
}

func refused(t *testing.T, x Exchange) {
	s := serve(t, x, false)
	must(t, s.leg.Hangup(s.ctx, call.Cause{Reason: call.Busy}))
	until(t, "the caller hears busy", func() bool { r, ok := s.far.Ended(); return ok && r == call.Busy })
}

func cancelledEarly(t *testing.T, x Exchange) {
	s := serve(t, x, false)
	must(t, s.leg.Ring(s.ctx))
	s.far.Hangup()
	ended(t, s.leg, call.Cancelled)
}

func answeredTwice(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	must(t, s.leg.Answer(s.ctx))
	must(t, s.leg.Play(s.ctx, "prompt:short"))
}

func playsToTheEnd(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	done := make(chan error, 1)
	go func() { done <- s.leg.Play(s.ctx, "prompt:one", "prompt:short") }()
	until(t, "the caller hears the prompt", func() bool { return s.far.Hears("prompt:one") })
	must(t, <-done)
	until(t, "silence afterwards", func() bool { return s.far.Hears("") })
}

func playCutShort(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	done := make(chan error, 1)
	go func() { done <- s.leg.Play(s.ctx, "prompt:one", "prompt:one", "prompt:one") }()
	until(t, "the caller hears the prompt", func() bool { return s.far.Hears("prompt:one") })
	s.far.Hangup()
	wantReason(t, <-done, call.Hangup)
	wantReason(t, s.leg.Play(context.Background(), "prompt:one"), call.Hangup)
}

func unknownMedia(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	if err := s.leg.Play(s.ctx, "prompt:no-such-thing"); !errors.Is(err, call.ErrNoMedia) {
		t.Fatalf("got %v, want ErrNoMedia", err)
	}
	must(t, s.leg.Play(s.ctx, "prompt:short"))
}

func typeAhead(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	done := make(chan error, 1)
	go func() { done <- s.leg.Play(s.ctx, "prompt:one") }()
	until(t, "the caller hears the prompt", func() bool { return s.far.Hears("prompt:one") })
	s.far.Press("12")
	must(t, <-done)
	got, err := s.leg.Collect(s.ctx, call.Collect{Max: 2})
	must(t, err)
	if got.Digits != "12" || got.TimedOut {
		t.Errorf("collected %+v, want 12", got)
	}
}

func bargeIn(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	type result struct {
		c   call.Collected
		err error
	}
	done := make(chan result, 1)
	go func() {
		c, err := s.leg.Collect(s.ctx, call.Collect{Prompts: []call.Media{"prompt:one", "prompt:one", "prompt:one"}, Fresh: true})
		done <- result{c, err}
	}()
	until(t, "the caller hears the prompt", func() bool { return s.far.Hears("prompt:one") })
	s.far.Press("7")
	r := <-done
	must(t, r.err)
	if r.c.Digits != "7" {
		t.Errorf("collected %+v, want 7", r.c)
	}
	until(t, "silence afterwards", func() bool { return s.far.Hears("") })
}

func terminated(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	s.far.Press("123#9")
	got, err := s.leg.Collect(s.ctx, call.Collect{Max: 10, Terminator: '#'})
	must(t, err)
	if got.Digits != "123" || got.TimedOut {
		t.Errorf("collected %+v, want 123", got)
	}
	got, err = s.leg.Collect(s.ctx, call.Collect{})
	must(t, err)
	if got.Digits != "9" {
		t.Errorf("collected %+v afterwards, want 9", got)
	}
}

func timedOut(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	got, err := s.leg.Collect(s.ctx, call.Collect{First: 100 * time.Millisecond})
	must(t, err)
	if !got.TimedOut || got.Digits != "" {
		t.Errorf("collected %+v, want nothing and a timeout", got)
	}
}

func hungUpTwice(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	must(t, s.leg.Hangup(s.ctx, call.Cause{Reason: call.Completed}))
	must(t, s.leg.Hangup(context.Background(), call.Cause{Reason: call.Completed}))
	ended(t, s.leg, call.Completed)
	until(t, "the caller is hung up", func() bool { _, ok := s.far.Ended(); return ok })
}

// ring originates a leg to a desk phone and waits until it rings.
func ring(t *testing.T, x Exchange, ringFor time.Duration) (DeskPhone, call.Leg) {
	t.Helper()
	p := x.Desk(t)
	l := originate(t, x, p.Device(), ringFor)
	until(t, "the phone rings", p.Ringing)
	return p, l
}

func originate(t *testing.T, x Exchange, d call.DeviceID, ringFor time.Duration) call.Leg {
	t.Helper()
	id := call.NewID(time.Now()).Entry(1).Offer(1).AgentLeg()
	l, err := x.Originate(t.Context(), call.Originate{
		ID: id, To: call.Endpoint{Device: d}, From: call.Party{Number: "+4930123"}, Ring: ringFor,
	})
	must(t, err)
	t.Cleanup(func() { _ = l.Hangup(context.Background(), call.Cause{Reason: call.Completed}) })
	return l
}

func ringsAndAnswers(t *testing.T, x Exchange) {
	p, l := ring(t, x, time.Minute)
	p.Answer()
	rang := false
	must(t, call.AwaitAnswer(t.Context(), l, func(time.Time) { rang = true }))
	if !rang {
		t.Error("no ringing was reported")
	}
	must(t, l.Play(t.Context(), "prompt:short"))
	p.Hangup()
	ended(t, l, call.Hangup)
}

func busyPhone(t *testing.T, x Exchange) {
	p, l := ring(t, x, time.Minute)
	p.Refuse()
	wantReason(t, call.AwaitAnswer(t.Context(), l, nil), call.Busy)
}

func noAnswer(t *testing.T, x Exchange) {
	p, l := ring(t, x, time.Second)
	wantReason(t, call.AwaitAnswer(t.Context(), l, nil), call.NoAnswer)
	until(t, "the phone stops ringing", func() bool { return !p.Ringing() })
}

func unknownDevice(t *testing.T, x Exchange) {
	id := call.NewID(time.Now()).Entry(1).Offer(1).AgentLeg()
	_, err := x.Originate(t.Context(), call.Originate{ID: id, To: call.Endpoint{Device: "nobody"}})
	wantReason(t, err, call.Unreachable)
}

func withdrawn(t *testing.T, x Exchange) {
	p, l := ring(t, x, time.Minute)
	must(t, l.Hangup(t.Context(), call.Cause{Reason: call.Cancelled}))
	ended(t, l, call.Cancelled)
	until(t, "the phone stops ringing", func() bool { return !p.Ringing() })
}

// talking is a caller and an agent in a bridge.
func talking(t *testing.T, x Exchange) (serving, DeskPhone, call.Leg, call.BridgeSpec, call.Bridge) {
	t.Helper()
	s := serve(t, x, true)
	p, l := ring(t, x, time.Minute)
	p.Answer()
	must(t, call.AwaitAnswer(t.Context(), l, nil))
	spec := call.BridgeSpec{ID: s.leg.ID().Call().Bridge(1), Caller: s.leg, Agent: l, Music: "music:default"}
	b, err := x.Bridge(t.Context(), spec)
	must(t, err)
	until(t, "they hear each other", func() bool { return s.far.Hears("talk") && p.Hears("talk") })
	return s, p, l, spec, b
}

func bridged(t *testing.T, x Exchange) {
	s, p, l, _, _ := talking(t, x)
	p.Hangup()
	ended(t, l, call.Hangup)
	until(t, "the caller hears silence", func() bool { return s.far.Hears("") })
	must(t, s.leg.Play(s.ctx, "prompt:short"))
}

func bridgedTwice(t *testing.T, x Exchange) {
	_, _, _, spec, b := talking(t, x)
	again, err := x.Bridge(t.Context(), spec)
	must(t, err)
	if again.ID() != b.ID() {
		t.Errorf("a second bridge %s beside %s", again.ID(), b.ID())
	}
}

func held(t *testing.T, x Exchange) {
	s, p, l, _, _ := talking(t, x)
	p.Hold()
	wantEvent(t, l, call.LegHeld)
	until(t, "the caller hears music", func() bool { return s.far.Hears("music:default") })
	p.Unhold()
	wantEvent(t, l, call.LegUnheld)
	until(t, "they hear each other again", func() bool { return s.far.Hears("talk") && p.Hears("talk") })
}

func wantEvent(t *testing.T, l call.Leg, kind call.LegEventKind) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-l.Events():
			if e.Kind == kind {
				return
			}
		case <-late:
			t.Fatalf("no %s on %s", kind, l.ID())
		}
	}
}

func recorded(t *testing.T, x Exchange) {
	_, _, _, _, b := talking(t, x)
	id := call.NewRecordingID(time.Now())
	if !x.Caps().Record {
		if _, err := b.Record(t.Context(), id); !errors.Is(err, call.ErrUnsupported) {
			t.Fatalf("got %v, want ErrUnsupported", err)
		}
		return
	}
	r, err := b.Record(t.Context(), id)
	must(t, err)
	again, err := b.Record(t.Context(), id)
	must(t, err)
	if again.ID() != id || r.ID() != id || again.File() != r.File() {
		t.Errorf("two recordings: %s %s", r.File(), again.File())
	}
	for range 2 {
		must(t, r.Pause(t.Context()))
		must(t, r.Resume(t.Context()))
	}
	first, err := r.Stop(t.Context())
	must(t, err)
	second, err := r.Stop(t.Context())
	must(t, err)
	if first != second || first.File == "" {
		t.Errorf("stopped as %+v and as %+v", first, second)
	}
}

// message records what a caller says to nobody.
func message(t *testing.T, x Exchange) {
	s := serve(t, x, true)
	id := call.NewRecordingID(time.Now())
	to, can := s.leg.(call.Recorder)
	if can != x.Caps().Message {
		t.Fatalf("legs are recorders: %v; declared: %v", can, x.Caps().Message)
	}
	if !can {
		return
	}
	r, err := to.Record(t.Context(), id)
	must(t, err)
	again, err := to.Record(t.Context(), id)
	must(t, err)
	if again != r || r.ID() != id {
		t.Errorf("two recordings: %s %s", r.File(), again.File())
	}
	if _, attentive := r.(call.Attentive); !attentive {
		t.Error("nobody could say when the message is over")
	}
	first, err := r.Stop(t.Context())
	must(t, err)
	if second, err := r.Stop(t.Context()); err != nil || first != second || first.File == "" {
		t.Errorf("stopped as %+v and as %+v: %v", first, second, err)
	}
}
