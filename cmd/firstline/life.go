package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.uber.org/zap"
)

// life starts parts one after the other and ends them in reverse: whoever uses a
// part is gone before the part goes. The first part that fails ends them all.
type life struct {
	log    *zap.Logger
	ctx    context.Context //nolint:containedctx // the program's own; it ends when a part failed, or when asked to
	cancel context.CancelCauseFunc
	parts  []*part

	mu     sync.Mutex // guards faults
	faults []error
}

type part struct {
	name   string
	cancel context.CancelCauseFunc
	done   chan struct{}
	undo   func() error // in place of the three above
}

func newLife(ctx context.Context, log *zap.Logger) *life {
	ctx, cancel := context.WithCancelCause(ctx)
	return &life{log: log, ctx: ctx, cancel: cancel}
}

// start runs a part until end is called, or what it returns, which ends this part
// alone. A part's context is its own: it does not end because another part did.
// Its cause is what ends them all: store.ErrOwned when the calls are another's.
func (l *life) start(name string, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(l.ctx))
	p := &part{name: name, cancel: cancel, done: make(chan struct{})}
	l.parts = append(l.parts, p)
	go func() { // end waits for it
		defer close(p.done)
		err := run(ctx)
		if err == nil && ctx.Err() == nil {
			err = errors.New("ended by itself")
		}
		told := ctx.Err() != nil && errors.Is(err, context.Cause(ctx))
		if err != nil && !told && !errors.Is(err, context.Canceled) {
			l.fail(fmt.Errorf("%s: %w", name, err))
		}
	}()
	return p.stop
}

func (p *part) stop() { p.end(nil) }

func (p *part) end(cause error) {
	p.cancel(cause)
	<-p.done
}

// onEnd registers what undoes a step.
func (l *life) onEnd(name string, undo func() error) {
	l.parts = append(l.parts, &part{name: name, undo: undo})
}

func (l *life) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, err)
	l.cancel(err)
}

// endAfter is end for a start that did not work. That it was interrupted, by a
// signal or by a part that failed, is no fault of its own.
func (l *life) endAfter(err error) error {
	interrupted := l.ctx.Err() != nil && errors.Is(err, context.Canceled)
	ended := l.end()
	if interrupted {
		return ended
	}
	return errors.Join(err, ended)
}

// end ends every part, the last started first, and returns what went wrong.
func (l *life) end() error {
	for len(l.parts) > 0 {
		p := l.parts[len(l.parts)-1]
		l.parts = l.parts[:len(l.parts)-1]
		if p.undo != nil {
			if err := p.undo(); err != nil {
				l.fail(fmt.Errorf("%s: %w", p.name, err))
			}
			continue
		}
		l.log.Debug("ending", zap.String("part", p.name))
		p.end(context.Cause(l.ctx))
	}
	l.cancel(nil)
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.faults...)
}
