package sip

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip/media"
)

// autoAnswer is an Incoming that answers, plays its tone, and hands the call to the test.
func autoAnswer(calls chan<- *PhoneCall, tone call.Media) func(*PhoneCall) {
	return func(c *PhoneCall) {
		ctx := c.Context()
		if c.Ring(ctx) != nil || c.Answer(ctx) != nil {
			return
		}
		if a, err := testSounds(tone); err == nil {
			c.Loop(a)
		}
		calls <- c
		<-ctx.Done()
	}
}

func TestCallerAndAgentHearEachOtherAndTheRecordingHasBoth(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			c := newCenter(t, nil, nil)
			ctx := within(t)
			taken := make(chan *PhoneCall, 1)
			agent := c.phone(PhoneConfig{User: "2001", Password: "one", Transport: transport, Incoming: autoAnswer(taken, "tone:agent")})
			must(t, agent.Register(ctx))
			caller, err := c.phone(PhoneConfig{Transport: transport}).Dial(ctx, "1000", map[string]string{"X-Firstline-Test": "1"})
			must(t, err)

			in := c.next()
			if in.To.Number != "1000" || in.From.Number != "4930123" || !in.Test || in.Trunk != "carrier" {
				t.Errorf("call %+v", in.Call)
			}
			must(t, in.Leg.Ring(ctx))
			must(t, in.Leg.Answer(ctx))
			must(t, call.AwaitAnswer(ctx, caller, nil))
			heard := listen(caller)
			must(t, in.Leg.Play(ctx, "prompt:short"))
			heard.until(t, testTones["prompt:short"], 200*time.Millisecond)
			must(t, in.Leg.Hold(ctx, "music:default"))
			heard.until(t, testTones["music:default"], 200*time.Millisecond)

			out, err := c.srv.Originate(ctx, call.Originate{
				ID: in.ID.Entry(1).Offer(1).AgentLeg(), To: call.Endpoint{Device: "2001"},
				From: in.From, Ring: patience, Headers: map[string]string{"X-Firstline-Ticket": "T-1"},
			})
			must(t, err)
			must(t, call.AwaitAnswer(ctx, out, nil))
			far := <-taken
			if got := far.Header("X-Firstline-Ticket"); got != "T-1" {
				t.Errorf("ticket header %q", got)
			}
			agentEar := listen(far)
			b, err := c.srv.Bridge(ctx, call.BridgeSpec{ID: in.ID.Bridge(1), Caller: in.Leg, Agent: out, Music: "music:default"})
			must(t, err)
			rec, err := b.Record(ctx, "rec-1")
			must(t, err)
			tone, _ := testSounds("tone:caller")
			caller.Loop(tone)
			heard.until(t, testTones["tone:agent"], 500*time.Millisecond)
			agentEar.until(t, testTones["tone:caller"], 500*time.Millisecond)

			must(t, far.PutOnHold(ctx))
			waitEvent(t, out, call.LegHeld)
			heard.clear()
			heard.until(t, testTones["music:default"], 200*time.Millisecond)
			must(t, far.TakeBack(ctx))
			waitEvent(t, out, call.LegUnheld)
			heard.clear()
			heard.until(t, testTones["tone:agent"], 200*time.Millisecond)

			must(t, caller.Hangup(ctx, call.Cause{Reason: call.Completed}))
			if got := waitEnd(in.ctx, t); got.Reason != call.Hangup {
				t.Errorf("caller's leg ended with %v", got)
			}
			must(t, out.Hangup(ctx, call.Cause{Reason: call.Completed}))
			if got := waitEnd(far.Context(), t); got.Reason != call.Hangup {
				t.Errorf("agent's phone saw %v", got)
			}
			done, err := rec.Stop(ctx)
			must(t, err)
			f, err := os.Open(filepath.Join(c.srv.cfg.RecordingsDir, done.File))
			must(t, err)
			defer f.Close()
			sides, err := media.ReadWAV(f)
			must(t, err)
			for i, want := range []call.Media{"tone:caller", "tone:agent"} {
				if d := media.Heard(sides[i], testTones[want], 0.05); d < 400*time.Millisecond {
					t.Errorf("channel %d holds %s for %v only", i, want, d)
				}
			}
			q := in.Leg.(*leg).Quality()
			if q.Codec != "PCMU" || q.Received == 0 || q.Sent == 0 {
				t.Errorf("quality %+v", q)
			}
			close(in.done)
		})
	}
}

func TestDigitsAreCollectedWithTypeAheadAndBargeIn(t *testing.T) {
	c := newCenter(t, nil, nil)
	ctx := within(t)
	caller, err := c.phone(PhoneConfig{}).Dial(ctx, "1000", nil)
	must(t, err)
	in := c.next()
	must(t, in.Leg.Answer(ctx))
	must(t, call.AwaitAnswer(ctx, caller, nil))
	must(t, caller.SendDTMF(ctx, "12#"))
	eventually(t, "three digits are there", func() bool { return in.Leg.(*leg).keys.Len() == 3 })
	got, err := in.Leg.Collect(ctx, call.Collect{Prompts: []call.Media{"prompt:one"}, Max: 5, Terminator: '#'})
	if err != nil || got.Digits != "12" || got.TimedOut {
		t.Errorf("type-ahead: %+v, %v", got, err)
	}
	collected := make(chan call.Collected, 1)
	go func() {
		got, _ := in.Leg.Collect(ctx, call.Collect{Prompts: []call.Media{"prompt:one", "prompt:one", "prompt:one", "prompt:one", "prompt:one"}})
		collected <- got
	}()
	must(t, caller.SendDTMF(ctx, "7"))
	if got := <-collected; got.Digits != "7" {
		t.Errorf("barge-in: %+v", got)
	}
	got, err = in.Leg.Collect(ctx, call.Collect{First: 50 * time.Millisecond})
	if err != nil || !got.TimedOut || got.Digits != "" {
		t.Errorf("timeout: %+v, %v", got, err)
	}
	close(in.done)
	if got := waitEnd(caller.Context(), t); got.Reason != call.Hangup {
		t.Errorf("the caller saw %v", got)
	}
}

func TestRefusalsCarryTheRightStatus(t *testing.T) {
	reasons := map[call.Reason]call.Reason{call.Busy: call.Busy, call.Rejected: call.Rejected, call.NoAnswer: call.NoAnswer}
	for said, want := range reasons {
		t.Run(string(said), func(t *testing.T) {
			c := newCenter(t, handlerFunc(func(ctx context.Context, cl *call.Call) {
				_ = cl.Leg.Hangup(ctx, call.Cause{Reason: said})
			}), nil)
			out, err := c.phone(PhoneConfig{}).Dial(within(t), "1000", nil)
			must(t, err)
			if got := waitEnd(out.Context(), t); got.Reason != want {
				t.Errorf("the caller saw %v", got)
			}
		})
	}
}

func TestUnknownNumberIs404AndWrongPasswordIsRefused(t *testing.T) {
	c := newCenter(t, nil, nil)
	out, err := c.phone(PhoneConfig{}).Dial(within(t), "9999", nil)
	must(t, err)
	if got := waitEnd(out.Context(), t); got.SIP != 404 {
		t.Errorf("unknown number: %v", got)
	}
	if err := c.phone(PhoneConfig{User: "2001", Password: "wrong"}).Register(within(t)); err == nil {
		t.Error("registered with a wrong password")
	}
}
