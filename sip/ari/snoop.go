package ari

import (
	"context"
	"errors"

	"firstline/sip/ari/asterisk"
)

// snoop is a channel that listens to another one.
type snoop struct {
	entered chan struct{} // closed when it takes verbs
}

// spying says who listens to whom.
type spying struct {
	channel, snoop string
	spy, whisper   string // "in", "out", "both"; empty: not at all
}

// spy makes a snoop and waits until it takes verbs.
func (n *node) spy(ctx, life context.Context, s spying) error {
	h := n.keepSnoop(s.snoop)
	err := n.do(ctx, life, func(ctx context.Context, again bool) error {
		if again { // a second one of that name is refused
			if c, err := n.pbx.Channel(ctx, s.snoop); err == nil || !errors.Is(err, asterisk.ErrNotFound) {
				if err == nil && inApp(&c, n.cfg.Application) {
					n.snoopEntered(s.snoop)
				}
				return err
			}
		}
		_, err := n.pbx.Snoop(ctx, s.channel, s.snoop, s.spy, s.whisper, "snoop")
		return err
	})
	if err != nil {
		n.forgetSnoop(s.snoop)
		return err
	}
	return n.await(ctx, life, h.entered, func(ctx context.Context) error {
		c, err := n.pbx.Channel(ctx, s.snoop)
		if err == nil && inApp(&c, n.cfg.Application) {
			n.snoopEntered(s.snoop)
		}
		return err
	})
}

func (n *node) keepSnoop(id string) *snoop {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := &snoop{entered: make(chan struct{})}
	n.snoops[id] = h
	return h
}

func (n *node) forgetSnoop(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.snoops, id)
}

// snoopEntered reports whether the channel is a snoop of ours, which takes verbs now.
func (n *node) snoopEntered(id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.snoops[id]
	if h != nil && isOpen(h.entered) {
		close(h.entered)
	}
	return h != nil
}

func (n *node) snoopLeft(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.snoops, id)
}

// reviewSnoops lets go of snoops that are no longer there, and of the recordings
// that they made. One that is not there yet finds out for itself.
func (n *node) reviewSnoops(p present) {
	n.mu.Lock()
	var missing, here []string
	for id, h := range n.snoops {
		switch c := p.channels[id]; {
		case c == nil && !isOpen(h.entered):
			missing = append(missing, id)
		case c != nil && inApp(c, n.cfg.Application):
			here = append(here, id)
		}
	}
	n.mu.Unlock()
	for _, id := range here {
		n.snoopEntered(id)
	}
	for _, id := range missing {
		n.snoopLeft(id)
	}
}
