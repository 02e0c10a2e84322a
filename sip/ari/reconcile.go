package ari

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// present is what is at an Asterisk now.
type present struct {
	started  time.Time
	legs     []*leg // that we know of, and knew before we looked
	channels map[string]*asterisk.Channel
	bridges  map[string]*asterisk.Bridge
	phones   []asterisk.Endpoint
}

// Connected looks through the node and lets the verbs go on. Events from here on
// are kept by the client until it returns.
func (n *node) Connected(ctx context.Context) {
	for {
		p, err := n.look(ctx)
		if err == nil {
			n.reconcile(ctx, p)
			return
		}
		if ctx.Err() != nil {
			return // the connection has ended again
		}
		n.log.Warn("cannot look through the node", zap.Error(err))
		if !call.Pause(ctx, time.Second) {
			return
		}
	}
}

func (n *node) look(ctx context.Context) (present, error) {
	info, err := n.pbx.Info(ctx)
	if err != nil {
		return present{}, err
	}
	if err := n.pbx.Subscribe(ctx, allDevices); err != nil && !errors.Is(err, asterisk.ErrNotFound) {
		return present{}, err
	}
	p := present{started: info.Status.Started.Time, legs: n.enteredLegs(), channels: map[string]*asterisk.Channel{}, bridges: map[string]*asterisk.Bridge{}}
	channels, err := n.pbx.Channels(ctx)
	if err != nil {
		return p, err
	}
	for i := range channels {
		p.channels[channels[i].ID] = &channels[i]
	}
	bridges, err := n.pbx.Bridges(ctx)
	if err != nil {
		return p, err
	}
	for i := range bridges {
		p.bridges[bridges[i].ID] = &bridges[i]
	}
	p.phones, err = n.pbx.Endpoints(ctx, "PJSIP")
	if errors.Is(err, asterisk.ErrNotFound) {
		err = nil
	}
	return p, err
}

// reconcile brings what we know of the node together with what is there.
func (n *node) reconcile(ctx context.Context, p present) {
	first, restarted := n.cameUp(p.started)
	if restarted {
		n.log.Error("Asterisk was restarted, its calls are gone")
		n.endAll(call.Cause{Reason: call.SwitchGone, Text: "Asterisk was restarted"}, false)
	}
	if first {
		n.keepElders(p)
	}
	n.reviewLegs(p)
	n.reviewSnoops(p)
	n.reviewBridges(p)
	if n.isAdopted() {
		n.reviewStrangers(p, first)
	}
	n.reviewPhones(p.phones)
	n.stopWaiting()
	plays := n.cameBack()
	n.debts.look()
	n.log.Info("node there", zap.Int("legs", len(n.allLegs())), zap.Int("channels", len(p.channels)))
	for _, pb := range plays {
		n.resync(ctx, pb)
	}
	n.front.spawn(func() { n.askHolds(ctx) })
	if first && n.isAdopted() { // it comes too late to be adopted from
		n.front.spawn(func() { n.fetchLeft(n.front.life) })
	}
}

func (n *node) keepElders(p present) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.elders = map[string]bool{}
	for id, c := range p.channels {
		if !inApp(c, n.cfg.Application) {
			n.elders[id] = true
		}
	}
}

// cameUp notes since when this Asterisk runs, and says whether that is news.
func (n *node) cameUp(started time.Time) (first, restarted bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	first = n.started.IsZero()
	restarted = !first && !started.Equal(n.started)
	n.started = started
	return first, restarted
}

// cameBack lets the verbs go on, and returns what played when the node went.
func (n *node) cameBack() []*playback {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lost, n.since = nil, time.Now()
	close(n.back)
	plays := make([]*playback, 0, len(n.plays))
	for _, p := range n.plays {
		plays = append(plays, p)
	}
	return plays
}

// enteredLegs are the legs whose channels are at Asterisk, as far as is known.
func (n *node) enteredLegs() []*leg {
	return slices.DeleteFunc(n.allLegs(), func(l *leg) bool { return !l.hasEntered() })
}

// reviewLegs corrects what we know of the legs by what their channels are.
func (n *node) reviewLegs(p present) {
	for _, l := range p.legs {
		switch c := p.channels[l.channel]; {
		case c == nil:
			l.end(l.goneCause())
		case !inApp(c, n.cfg.Application):
			l.end(l.leftCause())
		}
	}
	for _, l := range n.allLegs() {
		if c := p.channels[l.channel]; c != nil && !l.isDead(c.Name) && inApp(c, n.cfg.Application) {
			l.enter()
			l.inState(c.State)
		}
	}
}

// auditEvery is how often what we know is compared with what is there although the
// node is connected: an event that is lost for whatever reason must not leave a
// leg without an end.
const auditEvery = time.Minute

func (n *node) audit(ctx context.Context) {
	tick := time.NewTicker(auditEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		n.forgetEnded()
		if !n.isBack() || !n.isAdopted() {
			continue
		}
		if p, err := n.look(ctx); err == nil {
			n.reviewLegs(p)
			n.reviewStrangers(p, false)
			n.reviewPhones(p.phones)
		}
	}
}

// forgetEnded forgets calls of which it no longer matters that they are over.
func (n *node) forgetEnded() {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.ended, func(_ string, at time.Time) bool { return time.Now().After(at) })
}

// reviewStrangers sees to channels that nobody here knows. A leg or a snoop for
// which nobody waits any more is ended. A call whose arrival we missed is served;
// but on the first connection, when it is too late to adopt, it is a call of the
// process before us, and goes back to the dialplan.
func (n *node) reviewStrangers(p present, first bool) {
	for id, c := range p.channels {
		switch {
		case !inApp(c, n.cfg.Application), n.knows(id):
		case isOurLeg(id), isMade(c):
			n.oweChannel(id)
		case first:
			n.handBack(c, errStranger)
		default:
			n.incoming(c, appArgs(c))
		}
	}
	for id, b := range p.bridges {
		if isOurBridge(b, n.cfg.Application) && len(b.Channels) == 0 && !n.knowsBridge(call.BridgeID(id)) {
			n.oweBridge(id)
		}
	}
}

// knows says whether a channel is, or was a moment ago, one that somebody here
// sees to.
func (n *node) knows(id string) bool {
	if n.debts.owes(channelDebt(id)) {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.legs[id] != nil || n.snoops[id] != nil || !n.ended[id].IsZero()
}

func (n *node) isAdopted() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.adopted
}

// askHolds asks whether the phones of legs in bridges hold: what they did while the
// node was away is not told.
func (n *node) askHolds(ctx context.Context) {
	for _, l := range n.allLegs() {
		l.mu.Lock()
		talking, holds := l.bridge != nil && l.state == up, l.holds
		l.mu.Unlock()
		if !talking {
			continue
		}
		held, err := l.asksHeld(ctx)
		if err != nil {
			continue
		}
		l.mu.Lock()
		news := l.holds != holds // an event was faster
		l.mu.Unlock()
		if !news {
			l.setHeld(held)
		}
	}
}

// asksHeld asks Asterisk whether the leg's phone holds.
func (l *leg) asksHeld(ctx context.Context) (bool, error) {
	v, err := l.node.pbx.Variable(ctx, l.channel, "CHANNEL(rtp,hold,audio)")
	return v == "1", err
}
