package ari

import (
	"context"
	"errors"
	"fmt"

	"firstline/call"
)

// tap is a third leg on a bridge.
type tap struct {
	on     *bridge
	who    *leg
	mode   call.TapMode
	snoop  string // channel that hears the talk for it; empty when it is in the talk's bridge itself
	bridge string // in which it is
}

// Tap lets a third leg of the same node listen, whisper or barge; another mode than
// before takes its place. It ends with the bridge or with that leg, which stays up.
func (b *bridge) Tap(ctx context.Context, who call.Leg, mode call.TapMode) error {
	l, ok := who.(*leg)
	if !ok || l.node != b.node || l == b.caller || l == b.agent {
		return fmt.Errorf("ari: tap bridge %s: not a third leg of its node", b.id)
	}
	if err := l.ready(); err != nil {
		return fmt.Errorf("ari: tap bridge %s: leg %s: %w", b.id, l.id, err)
	}
	old := l.tapping()
	if old != nil && old.on == b && old.mode == mode {
		return nil
	}
	if err := l.hush(ctx); err != nil {
		return err
	}
	old.end()
	t, whisper, err := b.newTap(l, mode)
	if err != nil {
		return fmt.Errorf("ari: tap bridge %s: %w", b.id, err)
	}
	if err := t.begin(ctx, whisper); err != nil {
		t.end()
		return fmt.Errorf("ari: tap bridge %s: %w", b.id, b.why(ctx, err))
	}
	return nil
}

// newTap takes a tap in under a name that no earlier one of the leg has.
func (b *bridge) newTap(l *leg, mode call.TapMode) (t *tap, whisper string, err error) {
	l.mu.Lock()
	l.taps++
	name := fmt.Sprintf("%s.t%d", l.channel, l.taps)
	l.mu.Unlock()
	t = &tap{on: b, who: l, mode: mode, snoop: name + tapSuffix, bridge: name + tapBridge}
	switch mode {
	case call.Listen:
	case call.Whisper:
		whisper = "out" // towards the agent
	case call.Barge:
		t.snoop, t.bridge = "", string(b.id)
	default:
		return nil, "", fmt.Errorf("%w: mode %q", call.ErrUnsupported, mode)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return nil, "", call.ErrState
	}
	b.taps[l] = t
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tap = t
	return t, whisper, nil
}

// begin joins who taps with what is to be heard.
func (t *tap) begin(ctx context.Context, whisper string) error {
	n := t.on.node
	life, stop := t.on.life()
	defer stop()
	if t.snoop == "" {
		return n.do(ctx, life, func(ctx context.Context, _ bool) error {
			return n.pbx.AddChannel(ctx, t.bridge, t.who.channel)
		})
	}
	if err := n.spy(ctx, life, spying{t.on.agent.channel, t.snoop, "both", whisper}); err != nil {
		return err
	}
	return n.do(ctx, life, func(ctx context.Context, _ bool) error {
		if _, err := n.pbx.CreateBridge(ctx, t.bridge, "mixing", n.cfg.Application); err != nil {
			return err
		}
		return n.pbx.AddChannel(ctx, t.bridge, t.snoop, t.who.channel)
	})
}

// end takes who taps out of the talk. It waits for nothing.
func (t *tap) end() {
	if t == nil {
		return
	}
	b, n := t.on, t.on.node
	b.mu.Lock()
	mine := b.taps[t.who] == t
	if mine {
		delete(b.taps, t.who)
	}
	b.mu.Unlock()
	t.who.mu.Lock()
	if t.who.tap == t {
		t.who.tap = nil
	}
	t.who.mu.Unlock()
	switch {
	case !mine:
	case t.snoop == "":
		n.debts.owe("tap "+t.who.channel, func(ctx context.Context) error {
			return n.pbx.RemoveChannel(ctx, t.bridge, t.who.channel)
		})
	default:
		n.oweChannel(t.snoop)
		n.oweBridge(t.bridge)
	}
}

func (l *leg) tapping() *tap {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tap
}

func (b *bridge) endTaps() {
	b.mu.Lock()
	all := make([]*tap, 0, len(b.taps))
	for _, t := range b.taps {
		all = append(all, t)
	}
	b.mu.Unlock()
	for _, t := range all {
		t.end()
	}
}

// Transfer sends the far end to another number, blindly: Asterisk asks it to go
// there itself (REFER). Whether it did is seen when it hangs up.
func (l *leg) Transfer(ctx context.Context, to call.Endpoint) error {
	if l.node.cfg.Refer == "" {
		return call.ErrUnsupported
	}
	if err := l.ready(); err != nil {
		return err
	}
	number := to.Number
	if to.Device != "" {
		number = string(to.Device)
	}
	if number == "" || !only(number, deviceLetters) || to.Device != "" && to.Number != "" {
		return fmt.Errorf("ari: endpoint %+v is not exactly one device or number", to)
	}
	endpoint := parseTemplate(l.node.cfg.Refer).fill(number)
	err := l.verb(ctx, func(ctx context.Context, again bool) error {
		if again {
			return errAnswerLost // two REFERs could make two calls
		}
		return l.node.pbx.Redirect(ctx, l.channel, endpoint)
	})
	if err != nil && !errors.Is(err, errAnswerLost) {
		return fmt.Errorf("ari: transfer %s: %w", l.id, err)
	}
	return err
}
