package ari

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// bridge joins two legs at one node.
type bridge struct {
	id            call.BridgeID
	node          *node
	caller, agent *leg

	mu         sync.Mutex // guards the rest
	ended      bool
	recordings map[call.RecordingID]*recording
	taps       map[*leg]*tap
}

// Bridge joins two answered legs of one node. Joining the same two under the same
// id again returns the bridge that is there.
func (f *FrontEnd) Bridge(ctx context.Context, spec call.BridgeSpec) (call.Bridge, error) {
	b, err := f.bridge(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("ari: bridge %s: %w", spec.ID, err)
	}
	return b, nil
}

func (f *FrontEnd) bridge(ctx context.Context, spec call.BridgeSpec) (*bridge, error) {
	caller, ok1 := spec.Caller.(*leg)
	agent, ok2 := spec.Agent.(*leg)
	if !ok1 || !ok2 {
		return nil, errors.New("not two legs of this front end")
	}
	if caller.node != agent.node {
		return nil, fmt.Errorf("one leg is at node %s and one at %s", caller.node.cfg.Name, agent.node.cfg.Name)
	}
	for _, l := range []*leg{caller, agent} {
		if err := l.ready(); err != nil {
			return nil, fmt.Errorf("leg %s: %w", l.id, err)
		}
	}
	class := ""
	if spec.Music != "" {
		var err error
		if class, err = f.class(spec.Music); err != nil {
			return nil, err
		}
	}
	b, isNew := caller.node.keepBridge(&bridge{id: spec.ID, node: caller.node, caller: caller, agent: agent})
	if !isNew {
		if b.caller != caller || b.agent != agent {
			return nil, errors.New("it joins others")
		}
		return b, nil
	}
	if err := b.join(ctx, class); err != nil {
		b.part()
		return nil, err
	}
	return b, nil
}

// keepBridge takes a bridge in, or returns the one that has its id.
func (n *node) keepBridge(b *bridge) (_ *bridge, isNew bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if old := n.bridges[b.id]; old != nil {
		return old, false
	}
	b.recordings, b.taps = map[call.RecordingID]*recording{}, map[*leg]*tap{}
	n.bridges[b.id] = b
	return b, true
}

func (b *bridge) legs() []*leg { return []*leg{b.caller, b.agent} }

// join makes the bridge and puts both legs into it. Who is held hears music of the
// class, which Asterisk plays by itself.
func (b *bridge) join(ctx context.Context, class string) error {
	for _, l := range b.legs() {
		if err := l.hush(ctx); err != nil {
			return fmt.Errorf("leg %s: %w", l.id, err)
		}
		if class == "" {
			continue
		}
		err := l.verb(ctx, func(ctx context.Context, _ bool) error {
			return b.node.pbx.SetVariable(ctx, l.channel, "CHANNEL(musicclass)", class)
		})
		if err != nil {
			return fmt.Errorf("leg %s: %w", l.id, err)
		}
	}
	both, stop := b.life()
	defer stop()
	err := b.node.do(ctx, both, func(ctx context.Context, _ bool) error {
		at, err := b.node.pbx.CreateBridge(ctx, string(b.id), "mixing,dtmf_events", b.node.cfg.Application)
		if err != nil {
			return err
		}
		// A channel that is put into its own bridge again leaves it for a moment.
		missing := slices.DeleteFunc([]string{b.caller.channel, b.agent.channel}, func(c string) bool { return slices.Contains(at.Channels, c) })
		if len(missing) == 0 {
			return nil
		}
		return b.node.pbx.AddChannel(ctx, string(b.id), missing...)
	})
	if err != nil {
		return b.why(ctx, err)
	}
	return b.settle()
}

// life is a context that ends with either leg; its cause is the leg's.
func (b *bridge) life() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(b.caller.ctx))
	stop1 := context.AfterFunc(b.caller.ctx, func() { cancel(context.Cause(b.caller.ctx)) })
	stop2 := context.AfterFunc(b.agent.ctx, func() { cancel(context.Cause(b.agent.ctx)) })
	return ctx, func() { stop1(); stop2(); cancel(nil) }
}

// why prefers the end of a leg as the reason why something did not work.
func (b *bridge) why(ctx context.Context, err error) error {
	for _, l := range b.legs() {
		if l.ctx.Err() == nil && (errors.Is(err, asterisk.ErrNotFound) || errors.Is(err, asterisk.ErrState)) {
			_ = l.lookFor(ctx, err) // it ends a leg that is gone
		}
		if l.ctx.Err() != nil {
			return fmt.Errorf("leg %s: %w", l.id, context.Cause(l.ctx))
		}
	}
	return err
}

// settle tells the legs that they are joined.
func (b *bridge) settle() error {
	for _, l := range b.legs() {
		l.mu.Lock()
		ended := l.state == gone
		if !ended {
			l.bridge = b
		}
		l.mu.Unlock()
		if ended {
			return fmt.Errorf("leg %s: %w", l.id, context.Cause(l.ctx))
		}
	}
	return nil
}

func (b *bridge) ID() call.BridgeID { return b.id }

// Close parts the legs and leaves both up.
func (b *bridge) Close(ctx context.Context) error {
	b.part()
	for _, l := range b.legs() {
		if err := l.parted(ctx); err != nil && l.ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// part ends the bridge, once. A leg that lives on can be played to when Asterisk
// has let it go.
func (b *bridge) part() {
	b.mu.Lock()
	if b.ended {
		b.mu.Unlock()
		return
	}
	b.ended = true
	b.mu.Unlock()
	b.node.mu.Lock()
	if b.node.bridges[b.id] == b {
		delete(b.node.bridges, b.id)
	}
	b.node.mu.Unlock()
	down := make(chan struct{})
	for _, l := range b.legs() {
		l.mu.Lock()
		if l.bridge == b || l.bridge == nil {
			l.bridge, l.parting = nil, down
		}
		l.mu.Unlock()
	}
	b.endTaps()
	b.node.front.spawn(func() { // Connect ends with it or not at all
		defer close(down)
		ctx, cancel := context.WithTimeout(context.Background(), goodbye)
		defer cancel()
		if b.node.front.isLeft() != nil {
			return
		}
		if !b.node.isBack() || b.node.pbx.DestroyBridge(ctx, string(b.id)) != nil {
			b.node.oweBridge(string(b.id))
		}
	})
}

// parted waits until the leg's last bridge is taken down.
func (l *leg) parted(ctx context.Context) error {
	l.mu.Lock()
	down := l.parting
	l.mu.Unlock()
	if down == nil {
		return nil
	}
	select {
	case <-down:
		return nil
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (n *node) knowsBridge(id call.BridgeID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.bridges[id] != nil
}

// reviewBridges looks for bridges that are gone, or have lost a leg, while nobody
// was told: the two are joined again.
func (n *node) reviewBridges(p present) {
	n.mu.Lock()
	all := make([]*bridge, 0, len(n.bridges))
	for _, b := range n.bridges {
		all = append(all, b)
	}
	n.mu.Unlock()
	for _, b := range all {
		at := p.bridges[string(b.id)]
		if at != nil && slices.Contains(at.Channels, b.caller.channel) && slices.Contains(at.Channels, b.agent.channel) || !b.isJoined() {
			continue
		}
		n.log.Warn("bridge is not what it was, joining again", zap.String("bridge", string(b.id)))
		n.front.spawn(func() {
			if err := b.join(b.caller.ctx, ""); err != nil {
				n.log.Error("bridge lost", zap.String("bridge", string(b.id)), zap.Error(err))
				b.part()
			}
		})
	}
}

// isJoined says whether both legs have been told; before that its making is under way.
func (b *bridge) isJoined() bool {
	for _, l := range b.legs() {
		l.mu.Lock()
		is := l.bridge == b
		l.mu.Unlock()
		if !is {
			return false
		}
	}
	return true
}
