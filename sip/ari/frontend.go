package ari

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// ErrReplaced means that another process has taken the application over: the calls
// are its calls now, and this one must do nothing to them.
var ErrReplaced = errors.New("ari: another process has taken the calls over")

// FrontEnd drives Asterisk. It implements call.Switch.
type FrontEnd struct {
	cfg      Config
	log      *zap.Logger
	nodes    []*node
	replaced chan struct{}   // closed when another process has the calls
	life     context.Context //nolint:containedctx // ends with Connect: nothing can be done at Asterisk afterwards
	die      context.CancelCauseFunc
	stay     context.Context //nolint:containedctx // ends when Release asks Connect to end
	leave    context.CancelFunc
	left     chan struct{}  // closed when Connect sends nothing any more
	journeys sync.WaitGroup // Run waits for them
	jobs     sync.WaitGroup // what is done beside the verbs; Connect waits for them

	mu       sync.Mutex // guards the rest
	handler  call.Handler
	legs     map[call.LegID]*leg
	early    []*call.Call // that came in before Run
	draining bool         // no new calls
	leaving  bool         // nothing is hung up any more
	closed   bool         // no new jobs
}

var _ call.Switch = (*FrontEnd)(nil)

// New returns a front end that is not connected yet. The error holds all faults of cfg.
func New(cfg Config) (*FrontEnd, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	f := &FrontEnd{cfg: cfg, log: cfg.Log, replaced: make(chan struct{}), legs: map[call.LegID]*leg{}}
	f.life, f.die = context.WithCancelCause(context.Background())
	f.stay, f.leave = context.WithCancel(context.Background())
	f.left = make(chan struct{})
	for _, c := range cfg.Nodes {
		n, err := newNode(f, c)
		if err != nil {
			return nil, fmt.Errorf("ari: node %s: %w", c.Name, err)
		}
		f.nodes = append(f.nodes, n)
	}
	return f, nil
}

// Connect keeps all nodes connected until ctx ends (nil) or another process takes
// the calls over (ErrReplaced). It must run before Adopt and Run, and outlive them.
// Calls that come in meanwhile wait for Run. What is not hung up when it ends goes
// on in Asterisk; only its legs here end.
func (f *FrontEnd) Connect(ctx context.Context) error {
	asked := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(f.stay, func() { cancel(errClosed) })
	defer stop()
	f.tidy()
	failed := make(chan error, len(f.nodes))
	var wg sync.WaitGroup
	for _, n := range f.nodes {
		wg.Go(func() {
			if err := n.run(ctx); err != nil {
				f.fence(err)
				failed <- err
				cancel(err)
			}
		})
	}
	wg.Wait()
	f.close()
	close(f.left)
	select {
	case err := <-failed:
		return err
	default:
		<-asked.Done() // released before that, perhaps
		return nil
	}
}

// Release lets go of everything without a word to Asterisk: all calls stay there
// as they are, for the process that adopts them. Verbs fail from now on. handOver is
// called when nothing is hung up any more, and before any leg ends. It returns when
// Connect, which has to run, sends nothing any more.
func (f *FrontEnd) Release(handOver func()) {
	f.mu.Lock()
	f.leaving = true
	f.mu.Unlock()
	handOver()
	f.leave()
	<-f.left
}

// tidy deletes what a process before us was fetching when it died.
func (f *FrontEnd) tidy() {
	if f.cfg.RecordingsDir == "" {
		return
	}
	if err := os.RemoveAll(f.fetching()); err != nil {
		f.log.Warn("not tidied up", zap.Error(err))
	}
}

// fetching is where audio is while it comes from Asterisk.
func (f *FrontEnd) fetching() string { return filepath.Join(f.cfg.RecordingsDir, ".fetching") }

// errClosed is why verbs fail after Connect.
var errClosed = call.Cause{Reason: call.SwitchGone, Text: "the front end has closed its connections"}

// close ends what cannot go on without connections.
func (f *FrontEnd) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.die(errClosed)
	for _, n := range f.nodes {
		n.stopWaiting()
		n.endAll(errClosed, false)
	}
	f.jobs.Wait()
}

// spawn does something beside the verbs, unless it is too late for that.
func (f *FrontEnd) spawn(job func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.jobs.Go(job)
	}
}

// fence stops all verbs when another process has the calls.
func (f *FrontEnd) fence(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(err, ErrReplaced) && !f.isReplaced() {
		close(f.replaced)
	}
}

// Fence stops everything at once and without a word to Asterisk, where all calls stay
// as they are: they are another process's, as the caller has found out before
// Asterisk said so. Verbs, Run and Hangup return ErrReplaced from now on.
func (f *FrontEnd) Fence() { f.fence(ErrReplaced) }

func (f *FrontEnd) isReplaced() bool {
	select {
	case <-f.replaced:
		return true
	default:
		return false
	}
}

// Run serves calls with h until ctx ends, then hands new ones back to the dialplan,
// hangs up all legs and waits Config.Ending at most for the handlers. It returns
// ErrReplaced when another process takes the calls over; none is hung up then.
func (f *FrontEnd) Run(ctx context.Context, h call.Handler) error {
	f.mu.Lock()
	f.handler = h
	early := f.early
	f.early = nil
	f.mu.Unlock()
	f.sweep(ctx)
	for _, c := range early {
		f.serve(c)
	}
	select {
	case <-ctx.Done():
	case <-f.replaced:
	}
	f.end()
	if f.isReplaced() {
		return ErrReplaced
	}
	return nil
}

// end hangs everything up, unless it is another's, and waits for the journeys.
func (f *FrontEnd) end() {
	f.mu.Lock()
	f.draining = true
	all := make([]*leg, 0, len(f.legs))
	for _, l := range f.legs {
		all = append(all, l)
	}
	f.mu.Unlock()
	done := make(chan struct{})
	go func() { // it ends with the journeys, which end with their legs
		defer close(done)
		var wg sync.WaitGroup
		for _, l := range all {
			wg.Go(func() { _ = l.Hangup(context.Background(), call.Cause{Reason: call.Shutdown}) })
		}
		wg.Wait()
		f.journeys.Wait()
	}()
	deadline := time.NewTimer(f.cfg.Ending)
	defer deadline.Stop()
	select {
	case <-done:
	case <-deadline.C:
		f.log.Warn("calls left at the end of the drain", zap.Int("legs", f.Legs()))
	}
}

// serve starts the journey of a call. It is false when it is too late for that.
func (f *FrontEnd) serve(c *call.Call) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.draining:
		return false
	case f.handler == nil:
		f.early = append(f.early, c)
		return true
	}
	h := f.handler
	f.journeys.Go(func() {
		defer func() {
			_ = c.Leg.Hangup(context.Background(), call.Cause{Reason: call.Completed}) // gone already, as a rule
		}()
		h.ServeCall(c.Leg.Context(), c)
	})
	return true
}

// isLeft says why legs are left as they are, if they are.
func (f *FrontEnd) isLeft() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.isReplaced():
		return ErrReplaced
	case f.leaving:
		return errClosed
	}
	return nil
}

// Legs counts the legs there are.
func (f *FrontEnd) Legs() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.legs)
}

// Caps says what this front end can do.
func (f *FrontEnd) Caps() call.Caps {
	return call.Caps{
		Record: f.cfg.RecordingsDir != "", Tap: true, Adopt: true, ReferByPhone: true, Continue: true,
		Transfer: !slices.ContainsFunc(f.nodes, func(n *node) bool { return n.cfg.Refer == "" }),
	}
}

// keep takes a leg in under its id, unless there is one.
func (f *FrontEnd) keep(l *leg) (old *leg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.legs[l.id]; old != nil {
		return old
	}
	f.legs[l.id] = l
	return nil
}

func (f *FrontEnd) forget(l *leg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.legs[l.id] == l {
		delete(f.legs, l.id)
	}
}

func (f *FrontEnd) leg(id call.LegID) *leg {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.legs[id]
}

// nodeOf is the node on which a call's legs have to be: where the caller is, else
// the one with the fewest legs of those that are there.
func (f *FrontEnd) nodeOf(id call.ID) *node {
	if n := f.holder(id); n != nil {
		return n
	}
	var best *node
	least := 0
	for _, n := range f.nodes {
		s := n.status()
		if best == nil || s.usable() && (!best.status().usable() || s.Legs < least) {
			best, least = n, s.Legs
		}
	}
	return best
}
