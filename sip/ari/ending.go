package ari

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// goodbye is how long a hang-up waits for Asterisk to say what the call was like,
// and how long an unanswering node may take before the hang-up becomes a debt.
const goodbye = 2 * time.Second

// Hangup ends the leg and returns when its context has ended. When the node is
// away the channel is ended as soon as it is back; nobody waits for that.
func (l *leg) Hangup(ctx context.Context, c call.Cause) error {
	if l.ctx.Err() != nil {
		return nil
	}
	if why := l.node.front.isLeft(); why != nil {
		l.end(call.Cause{Reason: call.SwitchGone, Text: why.Error()})
		return why
	}
	// The verb is carried out even when who asks for it is in a hurry himself.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	first := l.ask(c)
	if first && (!l.node.isBack() || l.node.dismiss(ctx, l, c) != nil) {
		l.node.oweHangup(l, c)
		l.end(c)
		return nil
	}
	select { // what the media were like comes before the end
	case <-l.ctx.Done():
		return nil
	case <-ctx.Done():
	}
	if !first { // who was at it has not done it
		l.node.oweHangup(l, c)
	}
	l.end(c)
	return nil
}

// ask notes why we end the leg, and reports whether we are the first.
func (l *leg) ask(c call.Cause) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked != nil {
		return false
	}
	l.asked = &c
	return true
}

// dismiss ends a leg's channel at Asterisk. A caller whom nobody here knows any
// more, after a restart of ours or a long cut, is not hung up on: the dialplan has
// a place for him.
func (n *node) dismiss(ctx context.Context, l *leg, c call.Cause) error {
	if l.caller && c.Reason == call.SwitchGone && n.cfg.Fallback.Context != "" {
		l.hand()
		return n.fallBack(ctx, l.channel, l.exten, l.id.Call())
	}
	return n.pbx.Hangup(ctx, l.channel, causeFor(c), "")
}

// hand notes that the leg's channel goes on in the dialplan.
func (l *leg) hand() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handed = true
}

// end ends the leg here, once. It says nothing to Asterisk.
func (l *leg) end(c call.Cause) {
	l.mu.Lock()
	if l.state == gone {
		l.mu.Unlock()
		return
	}
	was := l.state
	l.state = gone
	b, t, q := l.bridge, l.tap, l.quality
	if l.patience != nil {
		l.patience.Stop()
	}
	l.mu.Unlock()
	l.cancel(c)
	l.node.forget(l)
	l.node.front.forget(l)
	if b != nil {
		b.part()
	}
	t.end()
	if was == up {
		l.push(call.LegEvent{Kind: call.LegQuality, Quality: q})
	}
	l.log.Info("leg ended", zap.String("cause", c.Error()))
}

// Continue hands the call back to Asterisk's dialplan; the leg ends as completed.
func (l *leg) Continue(ctx context.Context, to call.Dialplan) error {
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	if err := checkDialplan(to); err != nil {
		return err
	}
	c := call.Cause{Reason: call.Completed, Text: "handed to the dialplan"}
	if err := l.hush(ctx); err != nil {
		return err
	}
	if !l.ask(c) {
		<-l.ctx.Done()
		return context.Cause(l.ctx)
	}
	l.hand()
	err := l.verb(ctx, func(ctx context.Context, _ bool) error {
		if err := l.node.pbx.SetVariable(ctx, l.channel, knownAs, string(l.id.Call())); err != nil {
			return err
		}
		return l.node.pbx.Continue(ctx, l.channel, to.Context, cmp.Or(to.Exten, l.exten), max(to.Priority, 1), "")
	})
	if err != nil && !errors.Is(err, c) { // Asterisk's event may be faster than its answer
		l.mu.Lock()
		l.asked = nil
		l.mu.Unlock()
		return err
	}
	l.end(c)
	return nil
}
