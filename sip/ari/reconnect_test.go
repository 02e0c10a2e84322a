package ari

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// served is a process that serves calls by handing them to the test.
func served(t *testing.T, f *fakePBX, change func(*Config)) (*process, <-chan *call.Call) {
	t.Helper()
	p := startProcess(t, f, change).run()
	calls := make(chan *call.Call, 16)
	p.Serve(handler(func(_ context.Context, c *call.Call) {
		calls <- c
		<-c.Leg.Context().Done()
	}))
	time.Sleep(time.Second)
	return p, calls
}

// answered is a caller whom we have answered.
func answered(t *testing.T, f *fakePBX, calls <-chan *call.Call) (*fakeFar, *call.Call) {
	t.Helper()
	far := f.dialIn("1000")
	c := soon(t, "the call comes in", calls)
	must(t, c.Leg.Answer(t.Context()))
	return far, c
}

// rung is an agent's phone that rings.
func rung(t *testing.T, p *process, c *call.Call) (*fakePhone, call.Leg) {
	t.Helper()
	desk := p.pbx.phone("2001")
	l, err := p.Originate(t.Context(), call.Originate{ID: c.ID.Entry(1).Offer(1).AgentLeg(), To: call.Endpoint{Device: "2001"}})
	must(t, err)
	wait(t, "the phone rings", desk.Ringing)
	return desk, l
}

func joined(t *testing.T, p *process, calls <-chan *call.Call) (*fakeFar, *call.Call, *fakePhone, call.Leg, call.Bridge) {
	t.Helper()
	far, c := answered(t, p.pbx, calls)
	desk, l := rung(t, p, c)
	desk.Answer()
	must(t, call.AwaitAnswer(t.Context(), l, nil))
	b, err := p.Bridge(t.Context(), call.BridgeSpec{ID: c.ID.Bridge(1), Caller: c.Leg, Agent: l})
	must(t, err)
	return far, c, desk, l, b
}

func TestVerbsWaitWhileTheNodeIsAway(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		_, calls := served(t, f, nil)
		_, c := answered(t, f, calls)
		go f.cut(time.Minute)
		time.Sleep(time.Second)
		began := time.Now()
		must(t, c.Leg.Play(t.Context(), "prompt:short"))
		if took := time.Since(began); took < 58*time.Second || took > 70*time.Second {
			t.Errorf("the prompt was over after %v, want just after the cut", took)
		}
	})
}

func TestAVerbEndsWithItsLegAlsoWhenTheHangUpWasMissed(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		far, c := answered(t, f, calls)
		failed := make(chan error, 1)
		go func() { failed <- c.Leg.Play(t.Context(), "prompt:one", "prompt:one", "prompt:one") }()
		time.Sleep(time.Second)
		go f.cut(20 * time.Second)
		time.Sleep(time.Second)
		far.Hangup()
		if err := soon(t, "play returns", failed); !errors.Is(err, call.Cause{Reason: call.Hangup}) {
			t.Errorf("play ended with %v, want the hang-up", err)
		}
		clean(t, p)
	})
}

func TestAPromptThatEndedDuringACutIsOver(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		_, calls := served(t, f, nil)
		_, c := answered(t, f, calls)
		began := time.Now()
		go func() { time.Sleep(time.Second); f.cut(10 * time.Second) }()
		must(t, c.Leg.Play(t.Context(), "prompt:one"))
		if took := time.Since(began); took > 13*time.Second {
			t.Errorf("the prompt was over after %v, want when the node was back", took)
		}
	})
}

func TestAHangUpWhileTheNodeIsAwayIsMadeGoodLater(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		far, c := answered(t, f, calls)
		go f.cut(time.Minute)
		time.Sleep(time.Second)
		began := time.Now()
		must(t, c.Leg.Hangup(t.Context(), call.Cause{Reason: call.Completed}))
		if took := time.Since(began); took > goodbye {
			t.Errorf("the hang-up took %v", took)
		}
		if got := soonEnded(t, c.Leg); got.Reason != call.Completed {
			t.Errorf("ended as %v", got)
		}
		wait(t, "the caller is hung up", func() bool { _, over := far.Ended(); return over })
		clean(t, p)
	})
}

func TestNoPhoneRingsOnWhenAnOfferIsGivenUpAtAnyInstant(t *testing.T) {
	for d := time.Duration(0); d < 40*time.Millisecond; d += time.Millisecond {
		t.Run(d.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, f *fakePBX) {
				p, calls := served(t, f, nil)
				_, c := answered(t, f, calls)
				desk := f.phone("2001")
				ctx, cancel := context.WithTimeout(t.Context(), d)
				defer cancel()
				l, err := p.Originate(ctx, call.Originate{ID: c.ID.Entry(1).Offer(1).AgentLeg(), To: call.Endpoint{Device: "2001"}})
				if err == nil {
					<-ctx.Done()
					must(t, l.Hangup(t.Context(), call.Cause{Reason: call.Cancelled}))
				}
				time.Sleep(10 * time.Second)
				if desk.Ringing() {
					t.Error("the phone rings on")
				}
				must(t, c.Leg.Hangup(t.Context(), call.Cause{Reason: call.Completed}))
				clean(t, p)
			})
		})
	}
}

func TestWhatAPhoneDidDuringACutIsKnownAfterwards(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		_, c := answered(t, f, calls)
		desk, l := rung(t, p, c)
		go f.cut(5 * time.Second)
		time.Sleep(time.Second)
		desk.Answer()
		must(t, call.AwaitAnswer(t.Context(), l, nil))
		b, err := p.Bridge(t.Context(), call.BridgeSpec{ID: c.ID.Bridge(1), Caller: c.Leg, Agent: l})
		must(t, err)
		go f.cut(5 * time.Second)
		time.Sleep(time.Second)
		desk.Hold()
		if e := soon(t, "the hold is known", l.Events()); e.Kind != call.LegHeld {
			t.Errorf("%s is told, want %s", e.Kind, call.LegHeld)
		}
		must(t, b.Close(t.Context()))
	})
}

func TestWhatTheLastProcessPlayedIsStopped(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		far, c := answered(t, f, calls)
		go func() { _ = c.Leg.Play(t.Context(), "prompt:one", "prompt:one", "prompt:one") }()
		time.Sleep(time.Second)
		p.die()
		next := startProcess(t, f, nil)
		found, err := next.Adopt(t.Context())
		must(t, err)
		l, ok := found.Leg(c.Leg.ID())
		if !ok || !far.Hears("prompt:one") {
			t.Fatal("the call, or what it plays, did not outlive its process")
		}
		must(t, l.Play(t.Context(), "prompt:short")) // the fake refuses a second one beside the first
	})
}

func TestASupervisorInATalkIsNotTakenForItsAgent(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		_, c, _, l, b := joined(t, p, calls)
		boss := f.phone("2009")
		s, err := p.Originate(t.Context(), call.Originate{ID: c.ID.TapLeg(1), To: call.Endpoint{Device: "2009"}})
		must(t, err)
		wait(t, "the supervisor's phone rings", boss.Ringing)
		boss.Answer()
		must(t, call.AwaitAnswer(t.Context(), s, nil))
		must(t, b.Tap(t.Context(), s, call.Barge))
		p.die()
		next := startProcess(t, f, nil)
		found, err := next.Adopt(t.Context())
		must(t, err)
		again, ok := found.Bridge(b.ID())
		if !ok {
			t.Fatal("the bridge is not among the survivors")
		}
		if got := again.(*bridge); got.agent.id != l.ID() || got.caller.id != c.Leg.ID() {
			t.Errorf("it joins %s and %s", got.caller.id, got.agent.id)
		}
	})
}

func TestARestartOfAsteriskEndsItsLegs(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		_, c, _, l, b := joined(t, p, calls)
		r, err := b.Record(t.Context(), call.NewRecordingID(time.Now()))
		must(t, err)
		time.Sleep(10 * time.Second)
		f.restart(5 * time.Second)
		for _, leg := range []call.Leg{c.Leg, l} {
			if got := soonEnded(t, leg); got.Reason != call.SwitchGone {
				t.Errorf("leg %s ended as %v", leg.ID(), got)
			}
		}
		got, err := r.Stop(t.Context())
		must(t, err)
		if got.Duration < 9*time.Second {
			t.Errorf("of ten seconds before the restart %v are kept", got.Duration)
		}
		answered(t, f, calls) // life goes on
	})
}

func TestANodeThatStaysAwayLosesItsLegs(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		far, c := answered(t, f, calls)
		done := make(chan error, 1)
		go func() { time.Sleep(time.Second); done <- c.Leg.Play(t.Context(), "prompt:one") }()
		go f.cut(time.Hour)
		if err := <-done; !errors.Is(err, call.Cause{Reason: call.SwitchGone}) {
			t.Errorf("play ended with %v", err)
		}
		if s := p.Nodes()[0]; s.Up || s.Fault == "" || s.Legs != 0 {
			t.Errorf("the node is said to be %+v", s)
		}
		time.Sleep(time.Hour)
		if _, over := far.Ended(); over || len(f.fellBack) != 1 {
			t.Errorf("the caller is not in the fallback: %v", f.fellBack)
		}
		clean(t, p)
	})
}

func TestCallsThatComeInBeforeRunAreServedOnceAndNotSwept(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p := startProcess(t, f, nil)
		time.Sleep(100 * time.Millisecond)
		f.dialIn("1000", "1000", "test")
		found, err := p.Adopt(t.Context())
		must(t, err)
		if len(found.Legs) != 0 {
			t.Errorf("adopted %d legs, want none: the call is new", len(found.Legs))
		}
		calls := make(chan *call.Call, 4)
		p.Serve(handler(func(_ context.Context, c *call.Call) { calls <- c }))
		p.run()
		c := soon(t, "the call is served", calls)
		if c.To.Number != "1000" || !c.Test || c.Trunk != "trunk" {
			t.Errorf("served %+v", c)
		}
		clean(t, p)
		if len(calls) > 0 || len(f.fellBack) > 0 {
			t.Errorf("served again, or fell back: %d %v", len(calls), f.fellBack)
		}
	})
}

func TestWhatNobodyAdoptsIsSwept(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		far, _ := answered(t, f, calls)
		_, c := answered(t, f, calls)
		desk, _ := rung(t, p, c)
		p.die()
		next := startProcess(t, f, nil).run()
		clean(t, next)
		if len(f.fellBack) != 2 {
			t.Errorf("%d callers are in the fallback, want 2", len(f.fellBack))
		}
		if _, over := far.Ended(); over || desk.Ringing() {
			t.Error("a caller was hung up, or a phone rings on")
		}
	})
}

func TestACallerWhoIsAdoptedAndUnknownFallsBack(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		far, c := answered(t, f, calls)
		p.die()
		next := startProcess(t, f, nil)
		found, err := next.Adopt(t.Context())
		must(t, err)
		l, ok := found.Leg(c.Leg.ID())
		if !ok {
			t.Fatalf("adopted %v, want %s", found.Legs, c.Leg.ID())
		}
		must(t, l.Hangup(t.Context(), call.Cause{Reason: call.SwitchGone}))
		if _, over := far.Ended(); over || len(f.fellBack) != 1 {
			t.Errorf("in the fallback: %v", f.fellBack)
		}
		clean(t, next)
	})
}

func TestACallWhoseArrivalWasMissedIsServed(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		f.losing(func(e asterisk.Event) int {
			if _, ok := e.(asterisk.StasisStart); ok {
				return 0
			}
			return 1
		})
		far := f.dialIn("1000", "1000")
		c := soon(t, "the call is served", calls)
		far.Hangup()
		if got := soonEnded(t, c.Leg); got.Reason != call.Cancelled {
			t.Errorf("ended as %v", got)
		}
		f.losing(nil)
		clean(t, p)
	})
}

func TestALegEndsAlsoWhenNoEventSaysSoAndNoVerbAsks(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		_, calls := served(t, f, nil)
		far, c := answered(t, f, calls)
		f.losing(func(asterisk.Event) int { return 0 })
		far.Hangup()
		time.Sleep(2 * auditEvery)
		if got := soonEnded(t, c.Leg); got.Reason != call.Hangup {
			t.Errorf("ended as %v", got)
		}
	})
}

func TestWhoIsReplacedDoesNothingMore(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		fe, err := New(fakeConfig(t, f))
		must(t, err)
		connected, ran := make(chan error, 1), make(chan error, 1)
		go func() { connected <- fe.Connect(t.Context()) }()
		calls := make(chan *call.Call, 1)
		go func() {
			ran <- fe.Run(t.Context(), handler(func(_ context.Context, c *call.Call) { calls <- c; <-c.Leg.Context().Done() }))
		}()
		time.Sleep(time.Second)
		far := f.dialIn("1000")
		c := soon(t, "the call comes in", calls)
		f.replace()
		if err := <-connected; !errors.Is(err, ErrReplaced) {
			t.Errorf("connect ended with %v", err)
		}
		if err := c.Leg.Answer(t.Context()); err == nil {
			t.Error("a verb was carried out")
		}
		if err := <-ran; !errors.Is(err, ErrReplaced) {
			t.Errorf("run ended with %v", err)
		}
		if _, over := far.Ended(); over {
			t.Error("the caller was hung up")
		}
	})
}

func TestAudioOfACallThatEndedWhileNobodyWasThereIsFetched(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, nil)
		far, _, _, _, b := joined(t, p, calls)
		id := call.NewRecordingID(time.Now())
		_, err := b.Record(t.Context(), id)
		must(t, err)
		time.Sleep(10 * time.Second)
		p.die()
		far.Hangup()
		late := make(chan call.Recorded, 1)
		next := startProcess(t, f, func(c *Config) {
			c.RecordingsDir = p.cfg.RecordingsDir
			c.OnRecording = func(got call.RecordingID, r call.Recorded) {
				if got == id {
					late <- r
				}
			}
		})
		found, err := next.Adopt(t.Context())
		must(t, err)
		if len(found.Recordings) != 0 || len(found.Legs) != 1 {
			t.Errorf("adopted %+v, want the agent's leg alone", found)
		}
		must(t, found.Legs[0].Hangup(t.Context(), call.Cause{Reason: call.SwitchGone}))
		r := soon(t, "the audio is told of", late)
		if _, err := os.Stat(filepath.Join(p.cfg.RecordingsDir, r.File)); err != nil || r.Duration < 9*time.Second {
			t.Errorf("fetched %+v: %v", r, err)
		}
		next.run()
		clean(t, next)
	})
}

func TestARecordingIsFetchedWhenTheNodeIsBack(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		late := make(chan call.RecordingID, 1)
		p, calls := served(t, f, func(c *Config) {
			c.OnRecording = func(id call.RecordingID, _ call.Recorded) { late <- id }
		})
		_, _, _, l, b := joined(t, p, calls)
		r, err := b.Record(t.Context(), call.NewRecordingID(time.Now()))
		must(t, err)
		go f.cut(time.Minute)
		time.Sleep(time.Second)
		must(t, l.Hangup(t.Context(), call.Cause{Reason: call.Completed}))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := r.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop ended with %v", err)
		}
		if id := soon(t, "the audio is told of", late); id != r.ID() {
			t.Errorf("audio of %s", id)
		}
		if _, err := r.Stop(t.Context()); err != nil {
			t.Errorf("stopping again: %v", err)
		}
	})
}

func TestMoreCallsThanAllowedGoBackToTheDialplan(t *testing.T) {
	bubble(t, func(t *testing.T, f *fakePBX) {
		p, calls := served(t, f, func(c *Config) { c.Nodes[0].MaxCalls = 1 })
		_, c := answered(t, f, calls)
		f.dialIn("1000")
		wait(t, "the second is handed back", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.fellBack) == 1 })
		must(t, c.Leg.Hangup(t.Context(), call.Cause{Reason: call.Completed}))
		_, c = answered(t, f, calls) // there is room again
		must(t, p.Drain("one", true))
		f.dialIn("1000")
		wait(t, "a call at a node that drains is handed back", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.fellBack) == 2 })
		must(t, c.Leg.(call.Continuer).Continue(t.Context(), call.Dialplan{Context: "elsewhere", Exten: "7"}))
		if got := soonEnded(t, c.Leg); got.Reason != call.Completed {
			t.Errorf("a call that goes on in the dialplan ended as %v", got)
		}
		if err := p.Drain("two", true); err == nil {
			t.Error("a node that is not there drains")
		}
		synctest.Wait()
	})
}
