//go:build e2e

package ari_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip/ari"
	"firstline/sip/media"
	"firstline/sip/siptest"
)

// served has the exchange hand its calls to the test.
func (x *exchange) served(t *testing.T) <-chan *call.Call {
	t.Helper()
	calls := make(chan *call.Call, 16)
	x.Serve(handler(func(_ context.Context, c *call.Call) {
		calls <- c
		<-c.Leg.Context().Done()
	}))
	return calls
}

type handler func(context.Context, *call.Call)

func (h handler) ServeCall(ctx context.Context, c *call.Call) { h(ctx, c) }

// answered is a caller whom we have answered.
func (x *exchange) answered(t *testing.T, calls <-chan *call.Call) (*siptest.Far, *call.Call) {
	t.Helper()
	far := siptest.Dial(t, siptest.Phone(t, x.pbx.phone("4930123")), ariNumber)
	c := soon(t, "the call comes in", calls)
	must(t, c.Leg.Answer(t.Context()))
	return far, c
}

// rung has the call ring a phone.
func (x *exchange) rung(t *testing.T, c *call.Call, offer int) (*siptest.Desk, call.Leg) {
	t.Helper()
	desk := x.desk(t)
	l, err := x.Originate(t.Context(), call.Originate{
		ID: c.ID.Entry(1).Offer(offer).AgentLeg(), To: call.Endpoint{Device: desk.Device()}, From: c.From,
		Headers: map[string]string{"X-Firstline-Ticket": "T-100001"},
	})
	must(t, err)
	eventually(t, "the phone rings", desk.Ringing)
	return desk, l
}

func (x *exchange) picksUp(t *testing.T, c *call.Call, offer int) (*siptest.Desk, call.Leg) {
	t.Helper()
	desk, l := x.rung(t, c, offer)
	desk.Answer()
	must(t, call.AwaitAnswer(t.Context(), l, nil))
	return desk, l
}

// conversation is a caller and an agent who hear each other.
type conversation struct {
	far    *siptest.Far
	call   *call.Call
	desk   *siptest.Desk
	agent  call.Leg
	bridge call.Bridge
}

func (x *exchange) talk(t *testing.T, calls <-chan *call.Call) conversation {
	t.Helper()
	far, c := x.answered(t, calls)
	desk, agent := x.picksUp(t, c, 1)
	b, err := x.Bridge(t.Context(), call.BridgeSpec{ID: c.ID.Bridge(1), Caller: c.Leg, Agent: agent, Music: "music:default"})
	must(t, err)
	eventually(t, "they hear each other", func() bool { return far.Hears("talk") && desk.Hears("talk") })
	return conversation{far, c, desk, agent, b}
}

// heardFor lets so much audio come in at the far end.
func heardFor(t *testing.T, d time.Duration) {
	t.Helper()
	began := time.Now()
	eventually(t, "time passes", func() bool { return time.Since(began) > d })
}

func TestARecordingHasTheCallerLeftTheAgentRightAndSilencePaused(t *testing.T) {
	x := startPBX(t).frontEnd(t, nil).run(t)
	k := x.talk(t, x.served(t))
	r, err := k.bridge.Record(t.Context(), call.NewRecordingID(time.Now()))
	must(t, err)
	heardFor(t, 2*time.Second)
	must(t, r.Pause(t.Context()))
	heardFor(t, 2*time.Second)
	must(t, r.Resume(t.Context()))
	heardFor(t, 2*time.Second)
	must(t, k.agent.Hangup(t.Context(), call.Cause{Reason: call.Completed}))
	got, err := r.Stop(t.Context())
	must(t, err)
	if got.Duration < 5500*time.Millisecond || got.Duration > 20*time.Second {
		t.Errorf("recorded %v of a talk of six seconds", got.Duration)
	}
	left, right := x.recorded(t, got)
	wantVoices(t, left, right, 3*time.Second)
	for name, side := range map[string][]int16{"caller": left, "agent": right} {
		quiet := longestSilence(side)
		if quiet < 2*time.Second || quiet > 3500*time.Millisecond {
			t.Errorf("the %s's side is silent for %v, want the two seconds of the pause and a little more", name, quiet)
		}
	}
	if names := x.stored(t); len(names) > 0 {
		t.Errorf("Asterisk keeps %v", names)
	}
}

// recorded reads a finished recording.
func (x *exchange) recorded(t *testing.T, r call.Recorded) (left, right []int16) {
	t.Helper()
	f, err := os.Open(filepath.Join(x.recordings, r.File))
	must(t, err)
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != r.Bytes {
		t.Errorf("the file has %d bytes, said to be %d: %v", info.Size(), r.Bytes, err)
	}
	sides, err := media.ReadWAV(f)
	must(t, err)
	if len(sides) != 2 {
		t.Fatalf("%d channels, want two", len(sides))
	}
	return sides[0], sides[1]
}

// wantVoices wants each voice on its own side for at least so long, and at no time
// on the other.
func wantVoices(t *testing.T, left, right []int16, least time.Duration) {
	t.Helper()
	for _, v := range []struct {
		who   string
		hz    float64
		there bool
		side  []int16
	}{
		{"caller left", siptest.CallerVoice, true, left},
		{"caller right", siptest.CallerVoice, false, right},
		{"agent right", siptest.AgentVoice, true, right},
		{"agent left", siptest.AgentVoice, false, left},
	} {
		d := media.Heard(v.side, v.hz, 0.05)
		if v.there && d < least || !v.there && d > 0 {
			t.Errorf("%s is heard for %v", v.who, d)
		}
	}
}

// longestSilence is the longest stretch of samples that are exactly zero.
func longestSilence(samples []int16) time.Duration {
	longest, now := 0, 0
	for _, s := range samples {
		if now++; s != 0 {
			now = 0
		}
		longest = max(longest, now)
	}
	return time.Duration(longest) * time.Second / 8000
}

// stored are the recordings that Asterisk still has.
func (x *exchange) stored(t *testing.T) []string {
	t.Helper()
	var names []string
	eventually(t, "Asterisk has deleted its copies", func() bool {
		entries, err := os.ReadDir(filepath.Join(x.pbx.Folder, "spool/recording"))
		must(t, err)
		names = nil
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return len(names) == 0
	})
	return names
}

func TestASupervisorListensWhispersAndBarges(t *testing.T) {
	x := startPBX(t).frontEnd(t, nil).run(t)
	k := x.talk(t, x.served(t))
	boss, l := x.picksUp(t, k.call, 2)
	boss.Say(440)
	for _, step := range []struct {
		mode         call.TapMode
		agent, other bool // hears the supervisor
	}{
		{call.Listen, false, false}, {call.Whisper, true, false}, {call.Barge, true, true}, {call.Listen, false, false},
	} {
		must(t, k.bridge.Tap(t.Context(), l, step.mode))
		eventually(t, string(step.mode)+": the supervisor hears both", func() bool {
			return boss.HearsTone(siptest.CallerVoice) && boss.HearsTone(siptest.AgentVoice)
		})
		eventually(t, string(step.mode)+": who is to hear the supervisor does, and nobody else", func() bool {
			return k.desk.HearsTone(440) == step.agent && k.far.HearsTone(440) == step.other
		})
		eventually(t, string(step.mode)+": the two still hear each other", func() bool {
			return k.desk.HearsTone(siptest.CallerVoice) && k.far.HearsTone(siptest.AgentVoice)
		})
	}
	must(t, k.agent.Hangup(t.Context(), call.Cause{Reason: call.Completed}))
	must(t, l.Play(t.Context(), "prompt:short")) // the supervisor's leg stays up
}

func TestACallGoesOnInTheDialplan(t *testing.T) {
	x := startPBX(t).frontEnd(t, nil).run(t)
	far, c := x.answered(t, x.served(t))
	if !x.Caps().Continue {
		t.Fatal("the ability is not declared")
	}
	must(t, c.Leg.(call.Continuer).Continue(t.Context(), call.Dialplan{Context: "from-trunk", Exten: "800"}))
	if got := call.CauseOf(c.Leg.Context()); got.Reason != call.Completed {
		t.Errorf("the leg ended as %v", got)
	}
	eventually(t, "the caller hears himself: 800 is an echo", func() bool { return far.HearsTone(siptest.CallerVoice) })
	name, _, _ := strings.Cut(x.pbx.CLI("core show channels concise"), "!")
	if about := x.pbx.CLI("core show channel " + name); !strings.Contains(about, "FIRSTLINE_CALL="+string(c.ID)) {
		t.Errorf("the dialplan does not know call %s:\n%s", c.ID, about)
	}
}

func TestTheFarEndIsSentToAnotherNumber(t *testing.T) {
	p := startPBX(t)
	x := p.frontEnd(t, func(c *ari.Config) { c.Nodes[0].Refer = "PJSIP/sip:{number}@127.0.0.1" }).run(t)
	far, c := x.answered(t, x.served(t))
	must(t, c.Leg.Transfer(t.Context(), call.Endpoint{Number: "+49301234"}))
	for {
		e := soon(t, "the caller's phone is referred", far.Call().Events())
		if e.Kind == call.LegTransfer {
			if e.Target != "+49301234" {
				t.Errorf("sent to %q", e.Target)
			}
			return
		}
	}
}

func TestALegsQualityIsKnownAtItsEnd(t *testing.T) {
	x := startPBX(t).frontEnd(t, nil).run(t)
	k := x.talk(t, x.served(t))
	heardFor(t, time.Second)
	k.far.Hangup()
	q := soonQuality(t, k.call.Leg)
	if q.Received < 40 || q.Sent < 40 || q.Lost > q.Received/2 {
		t.Errorf("the caller's leg had %+v", q)
	}
	must(t, k.agent.Hangup(t.Context(), call.Cause{Reason: call.Completed}))
	if q := soonQuality(t, k.agent); q.Received < 40 {
		t.Errorf("the agent's leg had %+v", q)
	}
}

func soonQuality(t *testing.T, l call.Leg) call.Quality {
	t.Helper()
	for {
		if e := soon(t, "the quality is told", l.Events()); e.Kind == call.LegQuality {
			if got := l.(interface{ Quality() call.Quality }).Quality(); got != e.Quality {
				t.Errorf("the leg says %+v and its event %+v", got, e.Quality)
			}
			return e.Quality
		}
	}
}

func TestPhonesAreKnownToBeThere(t *testing.T) {
	p := startPBX(t)
	type news struct {
		device call.DeviceID
		there  bool
	}
	told := make(chan news, 64)
	x := p.frontEnd(t, func(c *ari.Config) {
		c.OnReachable = func(d call.DeviceID, there bool) { told <- news{d, there} }
	}).run(t)
	until := func(want news) {
		t.Helper()
		for soon(t, "news of "+string(want.device), told) != want {
		}
	}
	until(news{"desk1", false}) // as it is when we connect
	cfg := p.phone("desk1")
	phone, leave := siptest.Leaving(t, cfg)
	must(t, phone.Register(t.Context()))
	until(news{"desk1", true})
	if !x.Reachable("desk1") || x.Reachable("desk2") {
		t.Error("desk1 is there and desk2 is not, and it is said otherwise")
	}
	leave()
	until(news{"desk1", false})
}

func TestAPhoneIsShownTheCallerAndTheTicket(t *testing.T) {
	x := startPBX(t).frontEnd(t, nil).run(t)
	_, c := x.answered(t, x.served(t))
	desk, _ := x.rung(t, c, 1)
	if got := desk.Call().Header("X-Firstline-Ticket"); got != "T-100001" {
		t.Errorf("the ticket is shown as %q", got)
	}
	if got := desk.Call().Remote(); got.Number != "4930123" {
		t.Errorf("the caller is shown as %+v", got)
	}
}
