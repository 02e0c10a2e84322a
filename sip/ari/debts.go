package ari

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// debts are what has to be ended at Asterisk and nobody waits for: channels that
// were hung up while the node was away, bridges whose legs are gone.
type debts struct {
	wake chan struct{} // has room for one

	mu   sync.Mutex // guards owed
	owed map[string]debt
}

type debt func(ctx context.Context) error

func newDebts() *debts {
	return &debts{wake: make(chan struct{}, 1), owed: map[string]debt{}}
}

// owe notes what is to be done, once, under a key.
func (d *debts) owe(key string, pay debt) {
	d.mu.Lock()
	d.owed[key] = pay
	d.mu.Unlock()
	d.look()
}

func (d *debts) look() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *debts) all() map[string]debt {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.owed)
}

func (d *debts) paid(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.owed, key)
}

// owes reports whether there is a debt of that key.
func (d *debts) owes(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.owed[key] != nil
}

// payDebts pays whenever there is something to pay and the node is there.
func (n *node) payDebts(ctx context.Context) {
	again := time.NewTicker(5 * time.Second) // for what got no answer while the node was there
	defer again.Stop()
	for {
		select {
		case <-n.debts.wake:
		case <-again.C:
		case <-ctx.Done():
			return
		}
		for key, pay := range n.debts.all() {
			if n.connected(ctx) != nil {
				return
			}
			err := pay(ctx)
			if errors.Is(err, asterisk.ErrAway) || ctx.Err() != nil {
				continue
			}
			if err != nil {
				n.log.Warn("not tidied up", zap.String("what", key), zap.Error(err))
			}
			n.debts.paid(key)
		}
	}
}

func channelDebt(id string) string { return "channel " + id }

// oweHangup ends a leg's channel when the node is back.
func (n *node) oweHangup(l *leg, c call.Cause) {
	n.debts.owe(channelDebt(l.channel), func(ctx context.Context) error { return n.dismiss(ctx, l, c) })
}

func (n *node) oweBridge(id string) {
	n.debts.owe("bridge "+id, func(ctx context.Context) error { return n.pbx.DestroyBridge(ctx, id) })
}

func (n *node) oweChannel(id string) {
	n.debts.owe(channelDebt(id), func(ctx context.Context) error { return n.pbx.Hangup(ctx, id, q850Normal, "") })
}
