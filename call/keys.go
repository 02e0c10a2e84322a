package call

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// keysKept bounds what is keyed ahead of the question.
const keysKept = 64

// Keys are the digits that came on a leg and that nobody has taken yet, in their
// order. A front end puts them in, Collect takes them out.
type Keys struct {
	mu   sync.Mutex // guards kept
	kept []byte
	came chan struct{} // holds one when a digit was put in since it was last looked at
}

// NewKeys returns an empty store of digits.
func NewKeys() *Keys { return &Keys{came: make(chan struct{}, 1)} }

// Put keeps a digit, unless more are kept than anybody keys on purpose.
func (k *Keys) Put(b byte) {
	k.mu.Lock()
	if len(k.kept) < keysKept {
		k.kept = append(k.kept, b)
	}
	k.mu.Unlock()
	select {
	case k.came <- struct{}{}:
	default:
	}
}

// Clear forgets what was keyed ahead.
func (k *Keys) Clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = nil
}

// Len is how many digits wait to be taken.
func (k *Keys) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.kept)
}

// Came yields after a digit was put in. It can yield once more after all were
// taken: ask Len.
func (k *Keys) Came() <-chan struct{} { return k.came }

// Gather takes digits as c says, without playing anything: until its terminator, its
// greatest number, or the end of its patience. It fails with the cause of ctx or of
// gone, the context of the leg.
func (k *Keys) Gather(ctx, gone context.Context, c Collect) (Collected, error) {
	var got []byte
	timer := time.NewTimer(cmp.Or(c.First, 5*time.Second))
	defer timer.Stop()
	for {
		for b, ok := k.take(); ok; b, ok = k.take() {
			if c.Terminator != 0 && b == c.Terminator {
				return Collected{Digits: string(got)}, nil
			}
			if got = append(got, b); len(got) >= max(c.Max, 1) {
				return Collected{Digits: string(got)}, nil
			}
			timer.Reset(cmp.Or(c.Between, 3*time.Second))
		}
		select {
		case <-k.came:
		case <-timer.C:
			return Collected{Digits: string(got), TimedOut: true}, nil
		case <-ctx.Done():
			return Collected{}, context.Cause(ctx)
		case <-gone.Done():
			return Collected{}, context.Cause(gone)
		}
	}
}

func (k *Keys) take() (byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.kept) == 0 {
		return 0, false
	}
	b := k.kept[0]
	k.kept = k.kept[1:]
	return b, true
}
