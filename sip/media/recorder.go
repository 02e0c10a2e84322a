package media

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	stereoFrame = 4                                          // bytes of one sample in both channels
	holdBack    = 1600                                       // samples; what arrives this much late still finds its place
	maxQueue    = 64                                         // chunks a stalled disk may leave waiting: about 10 s of both channels
	renderStep  = 4000                                       // samples rendered and written at once
	maxSamples  = int64(1<<32-1-wavHeaderSize) / stereoFrame // 37 hours: the format's end
	renderBytes = renderStep * stereoFrame
)

// Channel of a stereo recording.
type Channel uint8

// The channels: the caller is on the left, the agent on the right.
const (
	Left Channel = iota
	Right
	overLeft // is added to what the channel holds
	overRight
)

// RecorderOptions of a recording; the zero value is right for a call.
type RecorderOptions struct {
	Start time.Time // position 0 of the time line; default now
}

// Recorded is what a finished file holds.
type Recorded struct {
	Duration time.Duration
	Bytes    int64 // size of the file
}

// file is what a recorder needs of an *os.File.
type file interface {
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Recorder writes an 8 kHz stereo 16-bit PCM WAV. The receivers only copy packets into its queue; a writer of the
// engine places, decodes and writes them. The header on disk is right after every flush.
type Recorder struct {
	path    string
	start   time.Time
	writers *writers
	slot    int

	mu       sync.Mutex // guards the queue and what the call sets
	queue    []*chunk
	overflow uint64 // packets dropped because the disk did not keep up
	pauses   []pause
	err      error
	closing  bool

	writing sync.Mutex // guards all below; taken before mu
	file    file
	tracks  [4]track // by channel
	waiting []*chunk // placed, but not all final
	written int64    // samples on disk, and final
	late    uint64   // packets that came after their place was final
	said    int64    // the last sample that was loud enough for speech, 0 for none
	done    bool
	result  Recorded
}

// pause is a span of the time line, in samples; open until Resume.
type pause struct {
	from, to int64
	open     bool
	seen     bool // by a flush: what was already written inside it is silent now
}

func (p *pause) end(now int64) int64 {
	if p.open {
		return max(now, p.from)
	}
	return p.to
}

// NewRecorder creates the file (mode 0600, it must not exist) and starts the time line. Recording begins when
// the recorder is given to Bridge or Stream.Record.
func (e *Engine) NewRecorder(path string, opts RecorderOptions) (*Recorder, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create recording: %w", err)
	}
	r, err := newRecorder(f, path, opts, e.writers)
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return r, nil
}

func newRecorder(f file, path string, opts RecorderOptions, w *writers) (*Recorder, error) {
	r := &Recorder{path: path, start: opts.Start, writers: w, file: f}
	if r.start.IsZero() {
		r.start = time.Now()
	}
	if err := r.patchHeader(); err != nil {
		return nil, err
	}
	if !w.add(r) {
		return nil, ErrClosed
	}
	return r, nil
}

// put queues a copy of a payload that arrived now. It runs on the receive path.
func (r *Recorder) put(now time.Time, ch Channel, source uint64, p *packet, payload []byte) {
	at, ts := samplesIn(now.Sub(r.start)), p.ts
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing || r.err != nil {
		return
	}
	for len(payload) > 0 {
		n := min(len(payload), frameSamples)
		c := r.room()
		if c == nil {
			r.overflow++
			return
		}
		s := &c.slots[c.n]
		c.n++
		s.at, s.source, s.ts, s.ch, s.codec, s.n = at, source, ts, ch, p.codec, uint8(n)
		copy(s.data[:], payload[:n])
		payload, ts = payload[n:], ts+uint32(n)
	}
}

// room returns a chunk with a free slot, nil when the disk is too far behind; mu is held.
func (r *Recorder) room() *chunk {
	if n := len(r.queue); n > 0 && r.queue[n-1].n < len(r.queue[n-1].slots) {
		return r.queue[n-1]
	}
	if len(r.queue) >= maxQueue {
		return nil
	}
	c := r.writers.chunk()
	r.queue = append(r.queue, c)
	return c
}

// Pause makes the time line exact digital silence on both channels from at until Resume, also where that was
// written already. A second Pause changes nothing.
func (r *Recorder) Pause(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.pauses); n > 0 && r.pauses[n-1].open {
		return
	}
	r.pauses = append(r.pauses, pause{from: max(0, samplesIn(at.Sub(r.start))), open: true})
}

// Resume ends the pause; without one it changes nothing.
func (r *Recorder) Resume(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.pauses); n > 0 && r.pauses[n-1].open {
		p := &r.pauses[n-1]
		p.open, p.to = false, max(p.from, samplesIn(at.Sub(r.start)))
	}
}

// Err is the first write error, such as a full disk; the call goes on, the file stays playable up to there.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Close writes the rest, patches the header and syncs. It returns Err as well, with what the file holds. Called
// again it returns the same.
func (r *Recorder) Close() (Recorded, error) { return r.closeAt(time.Now()) }

func (r *Recorder) closeAt(now time.Time) (Recorded, error) {
	r.writers.remove(r)
	r.writing.Lock()
	defer r.writing.Unlock()
	if r.done {
		return r.result, r.Err()
	}
	r.done = true
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	r.flushTo(samplesIn(now.Sub(r.start)), samplesIn(now.Sub(r.start)), make([]byte, renderBytes))
	for _, c := range r.waiting {
		r.writers.recycle(c)
	}
	r.waiting = nil
	size := wavHeaderSize + r.written*stereoFrame
	if r.Err() != nil {
		r.fail(r.file.Truncate(size)) // half a write behind the last good header
	}
	r.fail(r.file.Sync())
	r.fail(r.file.Close())
	r.result = Recorded{Duration: durationOf(r.written), Bytes: size}
	return r.result, r.Err()
}

// flush writes what is final by now; the engine's writers call it.
func (r *Recorder) flush(now time.Time, scratch []byte) {
	r.writing.Lock()
	defer r.writing.Unlock()
	if !r.done {
		at := samplesIn(now.Sub(r.start))
		r.flushTo(at-holdBack, at, scratch)
	}
}

// flushTo makes the time line final up to sample to; writing is held.
func (r *Recorder) flushTo(to, now int64, scratch []byte) {
	r.mu.Lock()
	taken, pauses, failed := r.queue, slices.Clone(r.pauses), r.err != nil
	r.queue = nil
	for i := range r.pauses {
		r.pauses[i].seen = true
	}
	r.mu.Unlock()
	if failed {
		return
	}
	for i := range pauses {
		if p := &pauses[i]; !p.seen && p.from < r.written {
			r.fail(r.silence(p.from, min(p.end(now), r.written), scratch))
		}
	}
	r.place(taken, pauses)
	if to = min(to, maxSamples); to <= r.written {
		return
	}
	for from := r.written; from < to; from += renderStep {
		n := min(renderStep, to-from)
		b := scratch[:n*stereoFrame]
		r.render(b, from, pauses, now)
		if last := lastSpoken(b); last >= 0 {
			r.said = from + last + 1
		}
		if _, err := r.file.WriteAt(b, wavHeaderSize+from*stereoFrame); err != nil {
			r.fail(fmt.Errorf("write recording %s: %w", r.path, err))
			break
		}
		r.written = from + n
	}
	r.fail(r.patchHeader())
	r.release()
}

// place gives every queued packet its position and drops what was said in a pause.
func (r *Recorder) place(taken []*chunk, pauses []pause) {
	for _, c := range taken {
		for i := range c.slots[:c.n] {
			s := &c.slots[i]
			s.pos = r.tracks[s.ch].place(s)
			switch {
			case slices.ContainsFunc(pauses, func(p pause) bool { return s.at >= p.from && (p.open || s.at < p.to) }):
				s.n = 0
			case s.pos+int64(s.n) <= r.written:
				s.n = 0
				r.late++
			}
		}
	}
	r.waiting = append(r.waiting, taken...)
}

// release recycles the chunks all of whose packets are on disk.
func (r *Recorder) release() {
	r.waiting = slices.DeleteFunc(r.waiting, func(c *chunk) bool {
		for i := range c.slots[:c.n] {
			if s := &c.slots[i]; s.n > 0 && s.pos+int64(s.n) > r.written {
				return false
			}
		}
		r.writers.recycle(c)
		return true
	})
}

// render fills b with the time line from sample from on.
func (r *Recorder) render(b []byte, from int64, pauses []pause, now int64) {
	clear(b)
	for _, over := range []bool{false, true} {
		for _, c := range r.waiting {
			for i := range c.slots[:c.n] {
				if s := &c.slots[i]; s.over() == over {
					s.render(b, from)
				}
			}
		}
	}
	to := from + int64(len(b)/stereoFrame)
	for _, p := range pauses {
		lo, hi := max(p.from, from), min(p.end(max(now, to)), to)
		if lo < hi {
			clear(b[(lo-from)*stereoFrame : (hi-from)*stereoFrame])
		}
	}
}

// silence overwrites what is on disk.
func (r *Recorder) silence(from, to int64, scratch []byte) error {
	clear(scratch)
	for ; from < to; from += renderStep {
		n := min(renderStep, to-from)
		if _, err := r.file.WriteAt(scratch[:n*stereoFrame], wavHeaderSize+from*stereoFrame); err != nil {
			return fmt.Errorf("silence recording %s: %w", r.path, err)
		}
	}
	return nil
}

func (r *Recorder) patchHeader() error {
	h := wavHeader(2, uint32(r.written*stereoFrame))
	if _, err := r.file.WriteAt(h[:], 0); err != nil {
		return fmt.Errorf("write recording header %s: %w", r.path, err)
	}
	return nil
}

// fail keeps the first error.
func (r *Recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}
