package ari

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// node is one Asterisk and what is ours there. It implements asterisk.Handler: the
// client hands it the events of its Asterisk in order, on one goroutine.
type node struct {
	cfg   Node
	front *FrontEnd
	pbx   PBX
	log   *zap.Logger
	debts *debts

	mu         sync.Mutex    // guards the rest
	back       chan struct{} // closed while the node is connected and looked through
	since      time.Time     // of that; zero before the first time
	lost       error         // why it is away
	refused    time.Time     // since when it refuses connections; zero: it does not
	absent     chan struct{} // closed when it was seen not to run, once
	away       *time.Timer   // until its legs are given up
	started    time.Time     // when this Asterisk started
	legs       map[string]*leg
	bridges    map[call.BridgeID]*bridge
	plays      map[string]*playback
	snoops     map[string]*snoop
	recordings map[call.RecordingID]*recording
	phones     map[call.DeviceID]bool
	ended      map[string]time.Time // channels of callers that are over, until when that matters
	elders     map[string]bool      // channels that were outside the application at the first connection
	adopted    bool                 // what the last process left has been seen to: what is unknown from now on is new, or a ghost
	calls      int                  // incoming, for MaxCalls
	draining   bool
}

var _ asterisk.Handler = (*node)(nil)

func newNode(f *FrontEnd, cfg Node) (*node, error) {
	log := f.cfg.Log.With(zap.String("node", cfg.Name))
	pbx, err := f.cfg.Connect(cfg, log)
	if err != nil {
		return nil, err
	}
	return &node{
		cfg: cfg, front: f, pbx: pbx, log: log, debts: newDebts(),
		back: make(chan struct{}), absent: make(chan struct{}), lost: errNotYet,
		legs: map[string]*leg{}, bridges: map[call.BridgeID]*bridge{}, plays: map[string]*playback{},
		snoops: map[string]*snoop{}, recordings: map[call.RecordingID]*recording{}, phones: map[call.DeviceID]bool{},
		ended: map[string]time.Time{},
	}, nil
}

var errNotYet = errors.New("not connected yet")

// do carries a verb out at Asterisk. While the node is away it waits, until ctx
// ends, or the life of what the verb is about. A verb whose answer was lost is
// tried again, and told so: it must not do its work twice then.
func (n *node) do(ctx, life context.Context, verb func(ctx context.Context, again bool) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(life, func() { cancel(context.Cause(life)) })
	defer stop()
	for again := false; ; again = true {
		if err := n.connected(ctx); err != nil {
			return err
		}
		err := verb(ctx, again)
		switch {
		case ctx.Err() != nil && err != nil:
			return context.Cause(ctx)
		case errors.Is(err, asterisk.ErrReplaced):
			return ErrReplaced
		case !errors.Is(err, asterisk.ErrAway):
			return err
		}
		n.log.Warn("no answer, trying again", zap.Error(err))
		if !call.Pause(ctx, retryPause) {
			return context.Cause(ctx)
		}
	}
}

// await waits for what an event is going to tell, by closing a channel. The event
// may be lost: from time to time look finds out whether it has happened.
func (n *node) await(ctx, life context.Context, told <-chan struct{}, look func(context.Context) error) error {
	tick := time.NewTicker(eventDelay)
	defer tick.Stop()
	for {
		select {
		case <-told:
			return nil
		case <-life.Done():
			return context.Cause(life)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		err := n.do(ctx, life, func(ctx context.Context, _ bool) error { return look(ctx) })
		if err != nil {
			return err
		}
	}
}

// retryPause is between two attempts while the event socket lives although
// requests get no answer.
const retryPause = 200 * time.Millisecond

// connected waits until the node is there.
func (n *node) connected(ctx context.Context) error {
	n.mu.Lock()
	back := n.back
	n.mu.Unlock()
	if err := n.front.isLeft(); err != nil {
		return err
	}
	select {
	case <-back:
		return nil
	case <-n.front.replaced:
		return ErrReplaced
	case <-n.front.life.Done():
		return errClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// isBack reports whether the node is there now.
func (n *node) isBack() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.back:
		return true
	default:
		return false
	}
}

// run keeps the node connected and pays its debts, until ctx ends or somebody
// else has taken the application over.
func (n *node) run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() { n.payDebts(ctx) })
	wg.Go(func() { n.audit(ctx) })
	if n.front.cfg.Sample > 0 {
		wg.Go(func() { n.sample(ctx) })
	}
	err := n.pbx.Run(ctx, n)
	if errors.Is(err, asterisk.ErrReplaced) {
		return ErrReplaced
	}
	return err
}

// Disconnected stops the verbs until the node is back.
func (n *node) Disconnected(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lost = err
	select {
	case <-n.back:
		n.back = make(chan struct{})
	default: // it went before it had been looked through
	}
	if n.away == nil {
		n.away = time.AfterFunc(n.front.cfg.Patience, func() { n.front.spawn(n.giveUp) })
	}
	if !errors.Is(err, context.Canceled) { // by ourselves
		n.log.Warn("node away", zap.Error(err), zap.Int("legs", len(n.legs)))
	}
}

// refusedFor is how long an Asterisk has to refuse connections until it counts as not
// running: there is nothing of ours that it could have.
const refusedFor = 2 * time.Second

// Unreached keeps why the node is away.
func (n *node) Unreached(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lost = err
	switch {
	case !errors.Is(err, syscall.ECONNREFUSED):
		n.refused = time.Time{}
	case n.refused.IsZero():
		n.refused = time.Now()
	case time.Since(n.refused) >= refusedFor && isOpen(n.absent):
		close(n.absent)
	}
}

// stopWaiting stops the patience with a node that is away.
func (n *node) stopWaiting() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.away != nil {
		n.away.Stop()
		n.away = nil
	}
}

// giveUp ends what has been on a node that is away for too long. What of it lives
// is swept when the node comes back.
func (n *node) giveUp() {
	if n.isBack() {
		return
	}
	n.log.Error("node away for too long, its legs are given up", zap.Duration("patience", n.front.cfg.Patience))
	n.endAll(call.Cause{Reason: call.SwitchGone, Text: "no connection to Asterisk"}, true)
	n.mu.Lock()
	phones := n.phones
	n.phones = map[call.DeviceID]bool{}
	n.mu.Unlock()
	for d, up := range phones {
		if up {
			n.front.reachable(d)
		}
	}
}

// endAll ends all legs of the node for one reason. owe says that they may live, and
// have to be hung up when the node is back.
func (n *node) endAll(c call.Cause, owe bool) {
	for _, l := range n.allLegs() {
		if owe {
			n.oweHangup(l, c)
		}
		l.end(c)
	}
}

func (n *node) allLegs() []*leg {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]*leg, 0, len(n.legs))
	for _, l := range n.legs {
		all = append(all, l)
	}
	return all
}

func (n *node) leg(channel string) *leg {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.legs[channel]
}

// isOver says whether a call on that channel has ended here, not long ago.
func (n *node) isOver(channel string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.ended[channel].IsZero()
}

// mattersFor is how long it matters that a call is over: a list that was asked for
// before may still have its channel. One that went on in the dialplan may come back
// from there, and would be a second call of the same id.
func (l *leg) mattersFor() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handed {
		return 24 * time.Hour
	}
	return 2 * auditEvery
}

// keep takes a leg in, unless its channel has one.
func (n *node) keep(l *leg) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.legs[l.channel] != nil {
		return false
	}
	n.legs[l.channel] = l
	if l.caller {
		n.calls++
	}
	return true
}

func (n *node) forget(l *leg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.legs[l.channel] != l {
		return
	}
	delete(n.legs, l.channel)
	if l.caller {
		n.calls--
		n.ended[l.channel] = time.Now().Add(l.mattersFor())
	}
}
