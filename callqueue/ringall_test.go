package callqueue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
)

// asterisk#176: two agents answer within milliseconds, and both have the caller.
func TestTwoAgentsAnsweringTogetherGiveOneTalkAndOneHangUp(t *testing.T) {
	for _, apart := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond} {
		for _, slow := range []time.Duration{0, 50 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				f := newFloor(t, callqueue.Queue{ID: "q", Strategy: callqueue.RingAll})
				f.sw.slow = slow
				f.sw.set("ada", answering)
				f.sw.set("bob", phone{rings: answering.rings, answers: answering.answers + apart})
				f.sw.set("cem", phone{rings: answering.rings})
				f.agents("ada", "bob", "cem")
				got := <-f.dial(t.Context(), "c1", "q")
				if got.err != nil || got.Outcome != call.OutcomeAnswered {
					t.Fatalf("%+v", got)
				}
				time.Sleep(time.Second)
				if up := f.sw.up(); len(up) != 1 || up[0] != got.Leg {
					t.Fatalf("%v apart: %d legs are up", apart, len(up))
				}
				talks := 0
				for _, id := range []call.AgentID{"ada", "bob", "cem"} {
					want := call.Idle
					if id == got.Agent {
						want, talks = call.Talking, talks+1
					}
					f.wantAgent(id, call.Available, want)
				}
				results := map[call.OfferResult]int{}
				for _, o := range f.entry("c1").Offers {
					results[o.Result]++
				}
				if diff := cmp.Diff(map[call.OfferResult]int{call.OfferAnswered: 1, call.OfferWithdrawn: 2}, results); diff != "" || talks != 1 {
					t.Errorf("%v apart: %d talks, %s", apart, talks, diff)
				}
				f.end()
			})
		}
	}
}

// asterisk#1557: the one who answered hangs up before the bridge, and everybody
// else was let go. The talk is over then, but nobody else stays reserved.
func TestAnswererWhoHangsUpAtOnceLeavesNobodyReserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, callqueue.Queue{ID: "q", Strategy: callqueue.RingAll, WrapUp: -1})
		f.sw.set("ada", answering)
		f.sw.set("bob", phone{rings: answering.rings})
		f.agents("ada", "bob")
		got := <-f.dial(t.Context(), "c1", "q")
		_ = got.Leg.Hangup(t.Context(), call.Cause{Reason: call.Hangup})
		f.wantAgent("ada", call.Available, call.Idle)
		f.wantAgent("bob", call.Available, call.Idle)
		got = <-f.dial(t.Context(), "c2", "q")
		if got.err != nil || len(f.entry("c2").Offers) != 2 {
			t.Errorf("%+v", got)
		}
	})
}

// The caller hangs up at every millisecond while two phones ring, of which one
// answers: nothing rings on, and nobody stays reserved.
func TestNoGhostCallWhileSeveralPhonesRing(t *testing.T) {
	for _, s := range []callqueue.Strategy{callqueue.RingAll, callqueue.RingProgressively} {
		for ms := range 320 {
			synctest.Test(t, func(t *testing.T) {
				f := newFloor(t, callqueue.Queue{ID: "q", Strategy: s, RingStep: time.Second})
				f.sw.set("ada", phone{rings: 50 * time.Millisecond})
				f.sw.set("bob", answering)
				f.agents("ada", "bob")
				ctx, hangUp := context.WithCancelCause(t.Context())
				c := f.dial(ctx, "c1", "q")
				if s == callqueue.RingProgressively { // the second phone starts after a second
					time.Sleep(time.Second)
				}
				time.Sleep(time.Duration(ms) * time.Millisecond)
				hangUp(call.Cause{Reason: call.Hangup})
				got := <-c
				synctest.Wait()
				up, want := f.sw.up(), 0
				if got.err == nil {
					want = 1
				} else if !errors.Is(got.err, call.Cause{Reason: call.Hangup}) {
					t.Fatal(got.err)
				}
				if len(up) != want || (got.Leg != nil) != (want == 1) {
					t.Fatalf("%s, %d ms: %d legs are up for %+v", s, ms, len(up), got)
				}
				for _, o := range f.entry("c1").Offers {
					if o.Ended.IsZero() {
						t.Fatalf("%s, %d ms: offer %s is open", s, ms, o.ID)
					}
				}
				f.wantAgent("ada", call.Available, call.Idle)
				f.end()
			})
		}
	}
}

func TestConnectReturnsTheExitThatARuleChose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := callqueue.Exit{To: callqueue.Destination{Kind: callqueue.ToVoicemail, Name: "desk"}, Prompt: "leave-a-message"}
		f := newFloor(t, callqueue.Queue{ID: "q", MaxWait: time.Minute, Keys: map[string]callqueue.Exit{"5": key}})
		c := f.dial(t.Context(), "c1", "q")
		time.Sleep(time.Second)
		if err := f.Press(t.Context(), "c1.q1", "6"); !errors.Is(err, callqueue.ErrUnknownKey) {
			t.Errorf("key 6: %v", err)
		}
		if err := f.Press(t.Context(), "c1.q1", "5"); err != nil {
			t.Error(err)
		}
		got := <-c
		key.Outcome = call.OutcomeVoicemail
		if got.err != nil || got.Outcome != call.OutcomeVoicemail || !cmp.Equal(got.Exit, &key) {
			t.Errorf("%+v, exit %+v", got, got.Exit)
		}
		if e := f.entry("c1"); e.Exit == nil || *e.Exit != (call.EntryExit{Rule: "key", Key: "5", To: "voicemail:desk"}) {
			t.Errorf("journal: %+v", e.Exit)
		}
		got = <-f.dial(t.Context(), "c2", "q")
		if got.Outcome != call.OutcomeTimeoutOverflow || got.Exit == nil || got.Exit.To.Kind != callqueue.ToHangup {
			t.Errorf("%+v, exit %+v", got, got.Exit)
		}
	})
}

func TestPriorityIsChangedWhileTheCallWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, callqueue.Queue{ID: "q"})
		f.sw.set("ada", answering)
		first, second := f.dial(t.Context(), "c1", "q"), f.dial(t.Context(), "c2", "q")
		synctest.Wait()
		if err := f.SetPriority(t.Context(), "c2.q1", 7, "supervisor:sue", "outage"); err != nil {
			t.Fatal(err)
		}
		f.agents("ada")
		if got := <-second; got.err != nil || got.Agent != "ada" {
			t.Errorf("%+v", got)
		}
		if e := f.entry("c2"); e.Priority != 7 || len(e.Raised) != 1 || e.Raised[0].Reason != "outage" {
			t.Errorf("journal: %+v", e)
		}
		f.stop()
		<-first
	})
}
