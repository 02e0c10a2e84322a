package sip

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip/media"
)

// What a supervisor says in each mode, in Hz.
const (
	listening  = 1800
	whispering = 2200
	barging    = 2600
)

// supervised is a recorded talk with a supervisor's phone that is up.
type supervised struct {
	*center
	in, boss                 *PhoneCall // the caller's phone, the supervisor's
	agent                    *PhoneCall
	atCaller, atAgent, atTap *ear
	callerLeg, agentLeg      call.Leg
	leg                      call.Leg // the supervisor's
	bridge                   call.Bridge
	rec                      call.Recording
}

func newSupervised(ctx context.Context, t *testing.T) *supervised {
	t.Helper()
	s := &supervised{center: newCenter(t, nil, nil)}
	var err error
	s.in, err = s.phone(PhoneConfig{}).Dial(ctx, "1000", nil)
	must(t, err)
	in := s.next()
	t.Cleanup(func() { close(in.done) })
	s.callerLeg = in.Leg
	must(t, in.Leg.Answer(ctx))
	must(t, call.AwaitAnswer(ctx, s.in, nil))
	tone, err := testSounds("tone:caller")
	must(t, err)
	s.in.Loop(tone)
	s.agent, s.agentLeg = s.answers(ctx, "2001", "one", in.ID.Entry(1).Offer(1).AgentLeg())
	s.boss, s.leg = s.answers(ctx, "2002", "two", in.ID.TapLeg(1))
	s.atCaller, s.atAgent, s.atTap = listen(s.in), listen(s.agent), listen(s.boss)
	s.bridge, err = s.srv.Bridge(ctx, call.BridgeSpec{ID: in.ID.Bridge(1), Caller: in.Leg, Agent: s.agentLeg, Music: "music:default"})
	must(t, err)
	s.rec, err = s.bridge.Record(ctx, "rec-1")
	must(t, err)
	return s
}

// answers rings a phone that answers.
func (s *supervised) answers(ctx context.Context, user, password string, id call.LegID) (*PhoneCall, call.Leg) {
	s.t.Helper()
	taken := make(chan *PhoneCall, 1)
	p := s.phone(PhoneConfig{User: user, Password: password, Incoming: autoAnswer(taken, "tone:agent")})
	must(s.t, p.Register(ctx))
	l, err := s.srv.Originate(ctx, call.Originate{ID: id, To: call.Endpoint{Device: call.DeviceID(user)}, Ring: patience})
	must(s.t, err)
	must(s.t, call.AwaitAnswer(ctx, l, nil))
	return <-taken, l
}

// tap sets the mode and what the supervisor says in it: never the tone of a mode in one where more hear it.
func (s *supervised) tap(ctx context.Context, mode call.TapMode, hz float64) {
	s.t.Helper()
	tone := media.Tone(time.Second, hz)
	if mode != call.Listen {
		s.boss.Loop(tone)
	}
	must(s.t, s.bridge.Tap(ctx, s.leg, mode))
	s.boss.Loop(tone)
	s.atTap.clear()
	s.atTap.until(s.t, testTones["tone:caller"], 300*time.Millisecond)
	s.atTap.until(s.t, testTones["tone:agent"], 300*time.Millisecond)
}

// heard is how long the ear heard freq.
func (e *ear) heard(freq float64) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return media.Heard(e.samples, freq, 0.05)
}

func TestWhisperIsHeardByTheAgentAndNeitherByTheCallerNorInTheRecording(t *testing.T) {
	ctx := within(t)
	s := newSupervised(ctx, t)
	for range 2 {
		s.tap(ctx, call.Listen, listening)
		before := s.atAgent.heard(whispering)
		s.tap(ctx, call.Whisper, whispering)
		s.atAgent.until(t, whispering, before+200*time.Millisecond)
		before = s.atCaller.heard(barging)
		s.tap(ctx, call.Barge, barging)
		s.atCaller.until(t, barging, before+300*time.Millisecond)
		s.atAgent.until(t, barging, before+300*time.Millisecond)
	}
	done, err := s.rec.Stop(ctx)
	must(t, err)
	f, err := os.Open(filepath.Join(s.srv.cfg.RecordingsDir, done.File))
	must(t, err)
	defer f.Close()
	sides, err := media.ReadWAV(f)
	must(t, err)
	for i, own := range []call.Media{"tone:caller", "tone:agent"} {
		if d := media.Heard(sides[i], testTones[own], 0.05); d < time.Second {
			t.Errorf("channel %d holds %s for %v only", i, own, d)
		}
		if w, l := media.Heard(sides[i], whispering, 0.05), media.Heard(sides[i], listening, 0.05); w+l > 0 {
			t.Errorf("channel %d holds the whisper for %v, the listener for %v", i, w, l)
		}
		if d := media.Heard(sides[i], barging, 0.05); d < 400*time.Millisecond {
			t.Errorf("channel %d holds the barging for %v only", i, d)
		}
	}
	if w, l := s.atCaller.heard(whispering), s.atCaller.heard(listening); w+l > 0 {
		t.Errorf("the caller heard the whisper for %v, the listener for %v", w, l)
	}
	if d := s.atAgent.heard(listening); d > 0 {
		t.Errorf("the agent heard the listener for %v", d)
	}
}

func TestSupervisorHearsTheMusicOfAHoldAndIsMutedByTheirOwn(t *testing.T) {
	ctx := within(t)
	s := newSupervised(ctx, t)
	s.tap(ctx, call.Barge, barging)
	s.atCaller.until(t, barging, 200*time.Millisecond)
	must(t, s.agent.PutOnHold(ctx))
	waitEvent(t, s.agentLeg, call.LegHeld)
	s.atTap.clear()
	s.atCaller.clear()
	s.atTap.until(t, testTones["music:default"], 200*time.Millisecond)
	s.atCaller.until(t, testTones["music:default"], 200*time.Millisecond)
	must(t, s.agent.TakeBack(ctx))
	waitEvent(t, s.agentLeg, call.LegUnheld)

	must(t, s.boss.PutOnHold(ctx))
	waitEvent(t, s.leg, call.LegHeld)
	eventually(t, "while the supervisor holds the caller hears the agent alone", func() bool {
		s.atCaller.clear()
		s.atCaller.until(t, testTones["tone:agent"], 300*time.Millisecond)
		return s.atCaller.heard(testTones["music:default"]) == 0 && s.atCaller.heard(barging) == 0
	})
	must(t, s.boss.TakeBack(ctx))
	s.atCaller.clear()
	s.atCaller.until(t, barging, 200*time.Millisecond)
}

func TestSupervisorsDigitsAreTheirOwnAndOthersPass(t *testing.T) {
	ctx := within(t)
	s := newSupervised(ctx, t)
	s.tap(ctx, call.Barge, barging)
	must(t, s.boss.SendDTMF(ctx, "7"))
	if e := waitEvent(t, s.leg, call.LegDigit); e.Digit != '7' {
		t.Errorf("digit %c", e.Digit)
	}
	must(t, s.in.SendDTMF(ctx, "3"))
	if e := waitEvent(t, s.agent, call.LegDigit); e.Digit != '3' {
		t.Errorf("the agent's phone got %c, want the caller's 3 and nothing before it", e.Digit)
	}
}

func TestTapNamesWhatItCannotDo(t *testing.T) {
	ctx := within(t)
	s := newSupervised(ctx, t)
	if err := s.bridge.Tap(ctx, s.leg, "shout"); err == nil {
		t.Error("an unknown mode was taken")
	}
	if err := s.bridge.Tap(ctx, s.boss, call.Listen); err == nil {
		t.Error("a leg that is not the server's was taken")
	}
	if err := s.bridge.Tap(ctx, s.callerLeg, call.Listen); !errors.Is(err, media.ErrBridged) {
		t.Errorf("the caller's leg: %v", err)
	}
	must(t, s.boss.Hangup(ctx, call.Cause{Reason: call.Completed}))
	_ = waitEnd(s.leg.Context(), t)
	if err := s.bridge.Tap(ctx, s.leg, call.Listen); !errors.Is(err, call.Cause{Reason: call.Hangup}) {
		t.Errorf("a leg that is gone: %v", err)
	}
	must(t, s.in.Hangup(ctx, call.Cause{Reason: call.Completed}))
	_ = waitEnd(s.callerLeg.Context(), t)
	if err := s.bridge.Tap(ctx, s.leg, call.Listen); err == nil {
		t.Error("a bridge that is over was tapped")
	}
}
