package media

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	writerCount = 2   // so that one slow file does not hold up all
	flushSlots  = 10  // recordings are spread over the flush interval
	maxFree     = 512 // chunks kept for reuse, 3 MB
)

// writers flush the open recordings in turn.
type writers struct {
	every time.Duration

	mu     sync.Mutex // guards all below; nothing is locked inside it
	slots  [flushSlots][]*Recorder
	next   int
	free   []*chunk
	closed bool
}

func newWriters(every time.Duration) *writers { return &writers{every: every} }

// add registers r; false after the end of the engine.
func (w *writers) add(r *Recorder) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	r.slot = w.next
	w.next = (w.next + 1) % flushSlots
	w.slots[r.slot] = append(w.slots[r.slot], r)
	return true
}

func (w *writers) remove(r *Recorder) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slots[r.slot] = slices.DeleteFunc(w.slots[r.slot], func(x *Recorder) bool { return x == r })
}

func (w *writers) chunk() *chunk {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.free)
	if n == 0 {
		return new(chunk)
	}
	c := w.free[n-1]
	w.free[n-1] = nil
	w.free = w.free[:n-1]
	return c
}

func (w *writers) recycle(c *chunk) {
	c.n = 0
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.free) < maxFree {
		w.free = append(w.free, c)
	}
}

// run flushes until ctx ends.
func (w *writers) run(ctx context.Context) {
	var wg sync.WaitGroup
	for i := range writerCount {
		wg.Go(func() { w.work(ctx, i) })
	}
	wg.Wait()
}

func (w *writers) work(ctx context.Context, first int) {
	ticker := time.NewTicker(w.every * writerCount / flushSlots)
	defer ticker.Stop()
	scratch := make([]byte, renderBytes)
	var due []*Recorder
	for i := first; ; i = (i + writerCount) % flushSlots {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		w.mu.Lock()
		due = append(due[:0], w.slots[i]...)
		w.mu.Unlock()
		for _, r := range due {
			r.flush(time.Now(), scratch)
		}
		clear(due)
	}
}

// closeAll ends the recordings that are still open.
func (w *writers) closeAll() error {
	w.mu.Lock()
	w.closed = true
	rest := slices.Concat(w.slots[:]...)
	w.mu.Unlock()
	var faults []error
	for _, r := range rest {
		_, err := r.Close()
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// Repair sets the header sizes of a file that a crash left behind from the file's length. ErrFormat when it is not
// a recording of ours.
func Repair(path string) (Recorded, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return Recorded{}, fmt.Errorf("repair recording: %w", err)
	}
	rec, err := repair(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return Recorded{}, fmt.Errorf("repair recording %s: %w", path, err)
	}
	return rec, nil
}

func repair(f *os.File) (Recorded, error) {
	var h [wavHeaderSize]byte
	if n, err := f.ReadAt(h[:], 0); err != nil {
		return Recorded{}, fmt.Errorf("%w: header of %d bytes: %w", ErrFormat, n, err)
	}
	want := wavHeader(2, 0)
	binary.LittleEndian.PutUint32(want[4:], binary.LittleEndian.Uint32(h[4:]))
	binary.LittleEndian.PutUint32(want[40:], binary.LittleEndian.Uint32(h[40:]))
	if h != want {
		return Recorded{}, fmt.Errorf("%w: not an 8 kHz stereo 16-bit recording", ErrFormat)
	}
	info, err := f.Stat()
	if err != nil {
		return Recorded{}, fmt.Errorf("stat: %w", err)
	}
	samples := min((info.Size()-wavHeaderSize)/stereoFrame, maxSamples)
	size := wavHeaderSize + samples*stereoFrame
	h = wavHeader(2, uint32(samples*stereoFrame))
	if _, err := f.WriteAt(h[:], 0); err != nil {
		return Recorded{}, fmt.Errorf("write header: %w", err)
	}
	if err := errors.Join(f.Truncate(size), f.Sync()); err != nil {
		return Recorded{}, err
	}
	return Recorded{Duration: durationOf(samples), Bytes: size}, nil
}
