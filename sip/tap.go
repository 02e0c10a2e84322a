package sip

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firstline/call"
	"firstline/sip/media"
)

// Tap lets an answered leg of this server, which is in no bridge, hear both legs and be heard as the mode says; on a
// leg that taps already it sets the mode.
func (b *bridge) Tap(_ context.Context, who call.Leg, mode call.TapMode) error {
	l, ok := who.(*leg)
	if !ok {
		return fmt.Errorf("sip: tap of bridge %s: not a leg of this server", b.id)
	}
	if err := b.tap(l, mode); err != nil {
		return fmt.Errorf("sip: tap of bridge %s: leg %s: %w", b.id, l.id, err)
	}
	return nil
}

func (b *bridge) tap(l *leg, mode call.TapMode) error {
	m, err := tapMode(mode)
	if err != nil {
		return err
	}
	if err := l.ready(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return call.ErrState
	}
	switch err := b.relay.Tap(l.stream, m); {
	case errors.Is(err, media.ErrClosed):
		return l.verb(fmt.Errorf("%w: %w", call.ErrState, err)) // the leg or one of the two is just going
	case err != nil:
		return err
	}
	l.mu.Lock()
	gone, held := l.released, l.held
	if !gone {
		l.bridge = b
	}
	l.mu.Unlock()
	switch {
	case gone:
		b.relay.Untap(l.stream)
		return context.Cause(l.ctx)
	case held:
		b.relay.Hold(l.stream, nil)
	}
	if !slices.Contains(b.taps, l) {
		b.taps = append(b.taps, l)
	}
	return nil
}

func tapMode(m call.TapMode) (media.TapMode, error) {
	switch m {
	case call.Listen:
		return media.Listen, nil
	case call.Whisper:
		return media.Whisper, nil
	case call.Barge:
		return media.Barge, nil
	}
	return 0, fmt.Errorf("%q is no way to tap", m)
}

// leave is for a leg that is gone: the bridge ends with either of the two, not with a tap.
func (b *bridge) leave(l *leg) {
	if l == b.caller || l == b.agent {
		b.part()
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.relay.Untap(l.stream)
	b.taps = slices.DeleteFunc(b.taps, func(t *leg) bool { return t == l })
}
