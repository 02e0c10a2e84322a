package ari

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// settling is how long after a connection a call may be in Asterisk's list before
// the event of its arrival is here: longer than any of them takes. What came in
// since we are connected is a new call and must not pass for one that survived.
const settling = 500 * time.Millisecond

// Adopt takes up what the process before us left in Asterisk. It waits for nodes
// that do not answer, for Config.AdoptWait at most, and hardly for one that does not run. Audio of recordings that ended
// while nobody was there is fetched first, within the same time.
func (f *FrontEnd) Adopt(ctx context.Context) (call.Survivors, error) {
	var all call.Survivors
	var mu sync.Mutex // guards all
	var wg sync.WaitGroup
	limited, cancel := context.WithTimeout(ctx, f.cfg.AdoptWait)
	defer cancel()
	for _, n := range f.nodes {
		wg.Go(func() {
			got, err := n.adopt(limited)
			if err != nil {
				n.log.Error("nothing adopted", zap.Error(err))
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all.Legs = append(all.Legs, got.Legs...)
			all.Bridges = append(all.Bridges, got.Bridges...)
			all.Recordings = append(all.Recordings, got.Recordings...)
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return call.Survivors{}, fmt.Errorf("ari: adopt: %w", context.Cause(ctx))
	}
	return all, nil
}

// sweep ends what a process before us left and nobody has adopted.
func (f *FrontEnd) sweep(ctx context.Context) {
	for _, n := range f.nodes {
		if n.seeTo() {
			continue
		}
		f.spawn(func() {
			if n.settled(ctx) != nil {
				return
			}
			if p, err := n.lookAgain(ctx); err == nil {
				n.reviewStrangers(p, true)
			}
		})
	}
}

// seeTo notes that what the last process left is being seen to, and reports
// whether it was before.
func (n *node) seeTo() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	was := n.adopted
	n.adopted = true
	return was
}

// settled waits until the node is there and all that came in before is known.
func (n *node) settled(ctx context.Context) error {
	if err := n.connected(ctx); err != nil {
		return err
	}
	n.mu.Lock()
	since := n.since
	n.mu.Unlock()
	if !call.Pause(ctx, time.Until(since.Add(settling))) {
		return context.Cause(ctx)
	}
	return nil
}

// appears is settled, but does not wait for an Asterisk that does not run.
func (n *node) appears(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over := make(chan struct{})
	defer close(over)
	n.front.spawn(func() {
		select {
		case <-n.absent:
			cancel(errors.New("nobody listens there: Asterisk does not run"))
		case <-over:
		}
	})
	return n.settled(ctx)
}

// lookAgain is look for as long as it takes.
func (n *node) lookAgain(ctx context.Context) (p present, err error) {
	err = n.do(ctx, n.front.life, func(ctx context.Context, _ bool) (err error) {
		p, err = n.look(ctx)
		return err
	})
	return p, err
}

func (n *node) adopt(ctx context.Context) (call.Survivors, error) {
	var all call.Survivors
	if err := n.appears(ctx); err != nil {
		n.seeTo()
		return all, err
	}
	if n.seeTo() {
		return all, nil // the same verb again
	}
	p, err := n.lookAgain(ctx)
	if err != nil {
		return all, err
	}
	var snoops []*asterisk.Channel
	for id, c := range p.channels {
		switch {
		case !inApp(c, n.cfg.Application), n.knows(id):
		case isSnoopName(id):
			snoops = append(snoops, c)
		case isMade(c):
			n.oweChannel(id)
		default:
			all.Legs = append(all.Legs, n.adoptLeg(ctx, c))
		}
	}
	for _, b := range p.bridges {
		if !isOurBridge(b, n.cfg.Application) {
			continue
		}
		if h := n.adoptBridge(b); h != nil {
			all.Bridges = append(all.Bridges, h)
		} else {
			n.oweBridge(b.ID)
		}
	}
	all.Recordings = n.adoptRecordings(ctx, snoops)
	n.fetchLeft(ctx)
	return all, nil
}

// adoptLeg makes the handle of a surviving channel. Its first event says whether
// its phone holds.
func (n *node) adoptLeg(ctx context.Context, c *asterisk.Channel) *leg {
	l := n.callerLeg(c)
	if isOurLeg(c.ID) {
		s := dialling
		switch c.State {
		case "Ringing":
			s = ringing
		case "Up":
			s = up
		}
		d, _ := n.deviceOf(c.Name)
		l = n.newLeg(call.LegID(c.ID), c.ID, call.Party{Number: string(d)}, s)
		l.name, l.dialled = c.Name, true
	}
	l.adopted, l.inherits = true, true
	l.enter()
	n.keep(l)
	n.front.keep(l)
	held := false
	if l.is(up) {
		held, _ = l.asksHeld(ctx) // not known is not held
	}
	kind := call.LegUnheld
	if held {
		kind = call.LegHeld
	}
	l.mu.Lock()
	l.held = held
	l.mu.Unlock()
	l.push(call.LegEvent{Kind: kind})
	return l
}

// adoptBridge makes the handle of a surviving bridge; nil when it no longer joins
// two.
func (n *node) adoptBridge(b *asterisk.Bridge) *bridge {
	h := &bridge{id: call.BridgeID(b.ID), node: n}
	of := call.LegID(b.ID).Call()
	for _, id := range b.Channels {
		switch l := n.leg(id); {
		case l == nil, isTapLeg(l.id): // a supervisor who barges in
		case l.id == of.CallerLeg():
			h.caller = l
		case h.agent == nil || l.id.Call() == of:
			h.agent = l
		}
	}
	if h.caller == nil || h.agent == nil {
		return nil
	}
	h, isNew := n.keepBridge(h)
	if !isNew || h.settle() != nil {
		return nil
	}
	return h
}
