package ari

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// A bad day: calls, phones, journeys, cuts, restarts of either side, requests,
// answers and events that get lost or come twice, all at random.
func TestWhateverHappensNoLegIsLeftAndNoVerbHangs(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, f *fakePBX) { badDay(t, f, seed) })
		})
	}
}

// dice are random, in one order for one seed and whoever throws them.
type dice struct{ *rand.Rand }

func (d dice) in(n int) bool { return d.IntN(n) == 0 }

func (d dice) upTo(most time.Duration) time.Duration { return time.Duration(d.Int64N(int64(most))) }

func throw(seed, who uint64) dice { return dice{rand.New(rand.NewPCG(seed, who))} }

func badDay(t *testing.T, f *fakePBX, seed uint64) {
	d := throw(seed, 0)
	var serving atomic.Int64
	serve := func(p *process) {
		p.Serve(handler(func(ctx context.Context, c *call.Call) {
			serving.Add(1)
			defer serving.Add(-1)
			wander(ctx, p, c, throw(seed, uint64(c.Arrived.UnixNano())))
		}))
	}
	if seed%3 > 0 {
		unreliable(f, throw(seed, 1), throw(seed, 2))
	}
	p := startProcess(t, f, nil).run()
	serve(p)
	phones := []*fakePhone{f.phone("2000"), f.phone("2001"), f.phone("2002")}
	for i, ph := range phones {
		go ph.lives(t.Context(), throw(seed, uint64(100+i)))
	}
	var callers []*fakeFar
	for range 8 + d.IntN(8) {
		far := f.dialIn("1000", "1000")
		callers = append(callers, far)
		if !d.in(4) {
			time.AfterFunc(d.upTo(2*time.Minute), far.Hangup)
		}
		switch {
		case d.in(4):
			f.cut(d.upTo(20 * time.Second))
		case d.in(12):
			f.restart(d.upTo(20 * time.Second))
		case d.in(8):
			p.die()
			p = startProcess(t, f, func(c *Config) { c.RecordingsDir = p.cfg.RecordingsDir })
			found, err := p.Adopt(t.Context())
			must(t, err)
			for _, l := range found.Legs {
				_ = l.Hangup(t.Context(), call.Cause{Reason: call.SwitchGone})
			}
			serve(p.run())
		default:
			time.Sleep(d.upTo(10 * time.Second))
		}
	}
	time.Sleep(2 * time.Minute)
	f.failing(nil)
	f.losing(nil)
	for _, far := range callers {
		far.Hangup()
	}
	clean(t, p)
	if n := serving.Load(); n > 0 {
		t.Errorf("%d journeys hang", n)
	}
	for _, ph := range phones {
		if ph.Ringing() {
			t.Errorf("phone %s rings on", ph.name)
		}
	}
}

// unreliable loses and doubles things now and then.
func unreliable(f *fakePBX, requests, events dice) {
	f.failing(func(string) fault {
		switch requests.IntN(40) {
		case 0:
			return requestLost
		case 1:
			return answerLost
		}
		return fine
	})
	f.losing(func(asterisk.Event) int {
		switch events.IntN(40) {
		case 0:
			return 0
		case 1:
			return 2
		}
		return 1
	})
}

// wander is a journey that does not know what it wants.
func wander(ctx context.Context, p *process, c *call.Call, d dice) {
	for offer := 1; ctx.Err() == nil; {
		step, cancel := context.WithTimeout(ctx, time.Second+d.upTo(20*time.Second))
		switch d.IntN(9) {
		case 0:
			_ = c.Leg.Ring(step)
		case 1, 2:
			_ = c.Leg.Answer(step)
		case 3:
			_ = c.Leg.Play(step, "prompt:one", "prompt:short")
		case 4:
			_, _ = c.Leg.Collect(step, call.Collect{Prompts: []call.Media{"prompt:short"}, First: time.Second})
		case 5:
			_ = c.Leg.Hold(step, "music:default")
		case 6, 7:
			converse(step, p, c, offer, d)
			offer++
		case 8:
			if d.in(4) {
				_ = c.Leg.Hangup(step, call.Cause{Reason: call.Completed})
			}
		}
		cancel()
	}
}

// converse rings a phone for the call and joins the two, as far as it gets.
func converse(ctx context.Context, p *process, c *call.Call, offer int, d dice) {
	l, err := p.Originate(ctx, call.Originate{
		ID: c.ID.Entry(1).Offer(offer).AgentLeg(), Ring: 10 * time.Second,
		To: call.Endpoint{Device: call.DeviceID(fmt.Sprintf("200%d", d.IntN(3)))},
	})
	if err != nil {
		return
	}
	defer func() { _ = l.Hangup(context.Background(), call.Cause{Reason: call.Completed}) }()
	if call.AwaitAnswer(ctx, l, nil) != nil || c.Leg.Answer(ctx) != nil {
		return
	}
	b, err := p.Bridge(ctx, call.BridgeSpec{ID: c.ID.Bridge(offer), Caller: c.Leg, Agent: l, Music: "music:default"})
	if err != nil {
		return
	}
	defer func() { _ = b.Close(context.Background()) }()
	if r, err := b.Record(ctx, call.NewRecordingID(time.Now())); err == nil {
		defer func() {
			stop, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			_, _ = r.Stop(stop)
		}()
		_ = r.Pause(ctx)
		_ = r.Resume(ctx)
	}
	select {
	case <-l.Context().Done():
	case <-ctx.Done():
	}
}

// lives is a phone with somebody in front of it.
func (p *fakePhone) lives(ctx context.Context, d dice) {
	for call.Pause(ctx, time.Second+d.upTo(3*time.Second)) {
		switch d.IntN(6) {
		case 0, 1, 2:
			p.Answer()
		case 3:
			p.Refuse()
		case 4:
			p.hold(d.in(2))
		case 5:
			p.hangUpCall()
		}
	}
}
