package ari

import (
	"cmp"
	"context"
	"time"

	"firstline/call"
)

// key takes a digit that Asterisk has heard.
func (l *leg) key(b byte, press time.Duration) {
	l.mu.Lock()
	if len(l.keys) < keysKept {
		l.keys = append(l.keys, b)
	}
	l.mu.Unlock()
	select {
	case l.keyed <- struct{}{}:
	default:
	}
	l.push(call.LegEvent{Kind: call.LegDigit, Digit: b, Press: press})
}

// Collect plays prompts and gathers digits.
func (l *leg) Collect(ctx context.Context, c call.Collect) (call.Collected, error) {
	if err := l.ready(); err != nil {
		return call.Collected{}, err
	}
	if c.Fresh {
		l.mu.Lock()
		l.keys = nil
		l.mu.Unlock()
	}
	if err := l.prompt(ctx, c); err != nil {
		return call.Collected{}, err
	}
	var got []byte
	timer := time.NewTimer(cmp.Or(c.First, 5*time.Second))
	defer timer.Stop()
	for {
		for b, ok := l.takeKey(); ok; b, ok = l.takeKey() {
			if c.Terminator != 0 && b == c.Terminator {
				return call.Collected{Digits: string(got)}, nil
			}
			if got = append(got, b); len(got) >= max(c.Max, 1) {
				return call.Collected{Digits: string(got)}, nil
			}
			timer.Reset(cmp.Or(c.Between, 3*time.Second))
		}
		select {
		case <-l.keyed:
		case <-timer.C:
			return call.Collected{Digits: string(got), TimedOut: true}, nil
		case <-ctx.Done():
			return call.Collected{}, cmp.Or(l.cause(), context.Cause(ctx))
		case <-l.ctx.Done():
			return call.Collected{}, context.Cause(l.ctx)
		}
	}
}

// prompt plays a Collect's prompts until a digit is there, or to their end when
// they are not to be interrupted.
func (l *leg) prompt(ctx context.Context, c call.Collect) error {
	if len(c.Prompts) == 0 || !c.Uninterrupted && l.hasKeys() {
		return nil
	}
	p, err := l.play(ctx, c.Prompts)
	if err != nil {
		return err
	}
	if c.Uninterrupted {
		return l.await(ctx, p, nil)
	}
	return l.await(ctx, p, l.keyed)
}

func (l *leg) hasKeys() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.keys) > 0
}

func (l *leg) takeKey() (byte, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.keys) == 0 {
		return 0, false
	}
	b := l.keys[0]
	l.keys = l.keys[1:]
	return b, true
}
