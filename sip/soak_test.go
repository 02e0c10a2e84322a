package sip

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firstline/call"
)

// Every one of many calls ends once, whoever hangs up and when; nothing is left behind.
func TestHangUpsAtRandomMomentsLeaveNothing(t *testing.T) {
	const calls = 60
	var served atomic.Int64
	var srv atomic.Pointer[Server]
	c := newCenter(t, handlerFunc(func(ctx context.Context, cl *call.Call) {
		served.Add(1)
		talk(ctx, srv.Load(), cl)
	}), nil)
	srv.Store(c.srv)
	agent := c.phone(PhoneConfig{User: "2001", Password: "one", Incoming: func(p *PhoneCall) {
		if p.Ring(p.Context()) == nil && p.Answer(p.Context()) == nil {
			<-p.Context().Done()
		}
	}})
	must(t, agent.Register(within(t)))
	caller := c.phone(PhoneConfig{})
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() {
			out, err := caller.Dial(context.Background(), "1000", nil)
			if err != nil {
				t.Error(err)
				return
			}
			moment := time.NewTimer(time.Duration(rand.IntN(400)) * time.Millisecond)
			defer moment.Stop()
			select {
			case <-moment.C:
			case <-out.Context().Done():
			}
			if err := out.Hangup(context.Background(), call.Cause{Reason: call.Completed}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	eventually(t, "no leg is left", func() bool { return c.srv.Legs() == 0 })
	eventually(t, "no port is in use", func() bool { return c.engine.PortsInUse()+c.far.PortsInUse() == 0 })
	if n := served.Load(); n > calls {
		t.Errorf("%d calls served of %d", n, calls)
	}
}

// talk is a small journey: answer, play, ring the agent, join the two, until somebody leaves.
func talk(ctx context.Context, srv *Server, cl *call.Call) {
	if cl.Leg.Ring(ctx) != nil || cl.Leg.Answer(ctx) != nil || cl.Leg.Play(ctx, "prompt:short") != nil {
		return
	}
	out, err := srv.Originate(ctx, call.Originate{ID: cl.ID.Entry(1).Offer(1).AgentLeg(), To: call.Endpoint{Device: "2001"}})
	if err != nil {
		return
	}
	defer func() { _ = out.Hangup(context.WithoutCancel(ctx), call.Cause{Reason: call.Completed}) }()
	if call.AwaitAnswer(ctx, out, nil) != nil {
		return
	}
	if _, err := srv.Bridge(ctx, call.BridgeSpec{ID: cl.ID.Bridge(1), Caller: cl.Leg, Agent: out}); err != nil {
		return
	}
	select {
	case <-ctx.Done():
	case <-out.Context().Done():
	}
}
