package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
)

func TestPartsEndInReverseOrderAndKnowWhy(t *testing.T) {
	l := newLife(t.Context(), zap.NewNop())
	var ended []string // one part ends after the other
	errGone := errors.New("gone")
	part := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			<-ctx.Done()
			ended = append(ended, name)
			if !errors.Is(context.Cause(ctx), errGone) {
				t.Errorf("%s ends by %v", name, context.Cause(ctx))
			}
			return context.Cause(ctx)
		}
	}
	l.start("first", part("first"))
	l.start("second", part("second"))
	l.fail(errGone)
	if err := l.end(); err == nil || err.Error() != errGone.Error() {
		t.Errorf("the end: %v; a part that ends as it was told has no fault of its own", err)
	}
	if !slices.Equal(ended, []string{"second", "first"}) {
		t.Errorf("ended: %v", ended)
	}
}

func TestAPartThatIsStoppedLeavesTheOthersAlone(t *testing.T) {
	l := newLife(t.Context(), zap.NewNop())
	stopped := make(chan struct{})
	stop := l.start("one", func(ctx context.Context) error {
		defer close(stopped)
		<-ctx.Done()
		return nil
	})
	l.start("other", func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	})
	stop()
	<-stopped
	if l.ctx.Err() != nil {
		t.Error("all have ended")
	}
	if err := l.end(); err != nil {
		t.Error(err)
	}
}

func TestAnInterruptedStartIsNoFault(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := newLife(ctx, zap.NewNop())
	cancel()
	if err := l.endAfter(context.Cause(l.ctx)); err != nil {
		t.Errorf("asked to end: %v", err)
	}
	l = newLife(t.Context(), zap.NewNop())
	l.fail(errors.New("store: gone"))
	if err := l.endAfter(context.Canceled); err == nil || strings.Contains(err.Error(), "canceled") {
		t.Errorf("a part failed: %v", err)
	}
	l = newLife(t.Context(), zap.NewNop())
	if err := l.endAfter(errors.New("no port")); err == nil || err.Error() != "no port" {
		t.Errorf("the start failed: %v", err)
	}
}
