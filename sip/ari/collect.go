package ari

import (
	"cmp"
	"context"
	"time"

	"firstline/call"
)

// key takes a digit that Asterisk has heard.
func (l *leg) key(b byte, press time.Duration) {
	l.keys.Put(b)
	l.push(call.LegEvent{Kind: call.LegDigit, Digit: b, Press: press})
}

// Collect plays prompts and gathers digits.
func (l *leg) Collect(ctx context.Context, c call.Collect) (call.Collected, error) {
	if err := l.ready(); err != nil {
		return call.Collected{}, err
	}
	if c.Fresh {
		l.keys.Clear()
	}
	if err := l.prompt(ctx, c); err != nil {
		return call.Collected{}, err
	}
	got, err := l.keys.Gather(ctx, l.ctx, c)
	if err != nil {
		return call.Collected{}, cmp.Or(l.cause(), err)
	}
	return got, nil
}

// prompt plays a Collect's prompts until a digit is there, or to their end when
// they are not to be interrupted.
func (l *leg) prompt(ctx context.Context, c call.Collect) error {
	if len(c.Prompts) == 0 || !c.Uninterrupted && l.keys.Len() > 0 {
		return nil
	}
	p, err := l.play(ctx, c.Prompts)
	if err != nil {
		return err
	}
	if c.Uninterrupted {
		return l.await(ctx, p, nil)
	}
	return l.await(ctx, p, l.keys.Came())
}
