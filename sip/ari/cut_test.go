package ari

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firstline/call"
)

// talk is the whole life of a call, each step of which must succeed: it comes in,
// hears something, waits, is joined with an agent, recorded, and hung up.
func talk(t *testing.T, p *process) {
	t.Helper()
	calls := make(chan *call.Call, 4)
	p.Serve(handler(func(_ context.Context, c *call.Call) {
		calls <- c
		<-c.Leg.Context().Done()
	}))
	desk := p.pbx.phone("2001")
	far := p.pbx.dialIn("1000", "1000")
	c := soon(t, "the call comes in", calls)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, c.Leg.Answer(ctx))
	must(t, c.Leg.Play(ctx, "prompt:short"))
	must(t, c.Leg.Hold(ctx, "music:default"))
	id := c.ID.Entry(1).Offer(1).AgentLeg()
	agent, err := p.Originate(ctx, call.Originate{ID: id, To: call.Endpoint{Device: "2001"}})
	must(t, err)
	wait(t, "the phone rings", desk.Ringing)
	desk.Answer()
	must(t, call.AwaitAnswer(ctx, agent, nil))
	b, err := p.Bridge(ctx, call.BridgeSpec{ID: c.ID.Bridge(1), Caller: c.Leg, Agent: agent, Music: "music:default"})
	must(t, err)
	r, err := b.Record(ctx, call.NewRecordingID(time.Now()))
	must(t, err)
	wait(t, "they hear each other", func() bool { return far.Hears("talk") && desk.Hears("talk") })
	must(t, r.Pause(ctx))
	must(t, r.Resume(ctx))
	far.Hangup()
	if got := soonEnded(t, c.Leg); got.Reason != call.Hangup {
		t.Errorf("the caller's leg ended as %v", got)
	}
	must(t, agent.Hangup(ctx, call.Cause{Reason: call.Completed}))
	got, err := r.Stop(ctx)
	must(t, err)
	if info, err := os.Stat(filepath.Join(p.cfg.RecordingsDir, got.File)); err != nil || info.Size() != got.Bytes {
		t.Errorf("recording %+v: %v", got, err)
	}
}

// clean wants nothing left behind, here or at Asterisk.
func clean(t *testing.T, p *process) {
	t.Helper()
	time.Sleep(3 * time.Minute) // for what is tidied up by itself
	f := p.pbx
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, c := range f.channels {
		if inApp(&c.Channel, "firstline") {
			t.Errorf("channel %s %s is left", id, c.Name)
		}
	}
	for id := range f.bridges {
		t.Errorf("bridge %s is left", id)
	}
	if len(f.live) > 0 || len(f.stored) > 0 || len(f.plays) > 0 {
		t.Errorf("%d live and %d stored recordings and %d playbacks are left", len(f.live), len(f.stored), len(f.plays))
	}
	if s := p.Nodes()[0]; s.Legs+s.Calls+s.Bridges+s.Recordings > 0 || p.Legs() > 0 {
		t.Errorf("left here: %+v", s)
	}
	for what := range p.nodes[0].debts.all() {
		t.Errorf("still owed: %s", what)
	}
}

type handler func(context.Context, *call.Call)

func (h handler) ServeCall(ctx context.Context, c *call.Call) { h(ctx, c) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func soon[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("not within a minute: %s", what)
		panic("unreachable")
	}
}

func soonEnded(t *testing.T, l call.Leg) call.Cause {
	t.Helper()
	soon(t, "leg "+string(l.ID())+" ends", l.Context().Done())
	return call.CauseOf(l.Context())
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 60000 {
		if ok() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("not within a minute: %s", what)
}

func TestACallLivesThroughTheLossOfAnySingleRequestOrAnswer(t *testing.T) {
	total := requestsOf(t, talk)
	for k := range total {
		for _, verdict := range []fault{requestLost, answerLost} {
			t.Run(fmt.Sprintf("%d-%d", k, verdict), func(t *testing.T) {
				bubble(t, func(t *testing.T, f *fakePBX) {
					p := startProcess(t, f, nil).run()
					time.Sleep(time.Second)
					op := failNth(f, k, verdict, func() {})
					talk(t, p)
					clean(t, p)
					if t.Failed() {
						t.Logf("what was lost: %s", *op)
					}
				})
			})
		}
	}
}

func TestACallLivesThroughACutAtAnyRequest(t *testing.T) {
	total := requestsOf(t, talk)
	for k := range total {
		for _, verdict := range []fault{requestLost, answerLost} {
			t.Run(fmt.Sprintf("%d-%d", k, verdict), func(t *testing.T) {
				bubble(t, func(t *testing.T, f *fakePBX) {
					p := startProcess(t, f, nil).run()
					time.Sleep(time.Second)
					op := failNth(f, k, verdict, func() { go f.cut(2 * time.Second) })
					talk(t, p)
					clean(t, p)
					if t.Failed() {
						t.Logf("what was lost: %s", *op)
					}
				})
			})
		}
	}
}

// requestsOf counts the requests of something that goes well.
func requestsOf(t *testing.T, do func(*testing.T, *process)) int {
	t.Helper()
	n := 0
	bubble(t, func(t *testing.T, f *fakePBX) {
		p := startProcess(t, f, nil).run()
		time.Sleep(time.Second)
		f.failing(func(string) fault { n++; return fine })
		do(t, p)
		f.failing(nil)
		clean(t, p)
	})
	return n
}

// failNth has the kth request from now on fail, and something happen then. It
// says which one that was.
func failNth(f *fakePBX, k int, verdict fault, then func()) *string {
	n, which := 0, ""
	f.failing(func(op string) fault {
		if n++; n != k+1 {
			return fine
		}
		which = op
		then()
		return verdict
	})
	return &which
}
