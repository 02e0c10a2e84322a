package call

import (
	"context"
	"time"
)

// Pause lets d pass, unless ctx ends first, and reports whether ctx still lives.
func Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
