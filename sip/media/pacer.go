package media

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	wheelSlots = 4                      // a shard's streams are spread over the 20 ms
	slotTime   = frameTime / wheelSlots // 5 ms
	maxCatchUp = 3 * frameTime          // a shard that is later skips frames instead of sending a burst
)

// paced is a stream that plays, or a mixer: what does something every 20 ms. buf is for one packet.
type paced interface {
	tick(at time.Time, buf []byte)
}

// shard is one goroutine that reads its streams' sockets every 5 ms and paces what is sent by a 20 ms wheel. Only
// those that have something to send are on the wheel.
type shard struct {
	mu    sync.Mutex // guards slots and count; taken inside a stream's out.mu, never the other way round
	slots [wheelSlots][]paced
	count int

	sockets *receiver

	wake chan struct{} // capacity 1: there is something to do again
}

func newShard() (*shard, error) {
	r, err := newReceiver()
	if err != nil {
		return nil, err
	}
	return &shard{sockets: r, wake: make(chan struct{}, 1)}, nil
}

// listen begins to read s.
func (p *shard) listen(s *Stream) error {
	if err := p.sockets.join(s); err != nil {
		return err
	}
	p.nudge()
	return nil
}

func (p *shard) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// add puts x on the wheel; x is not on it.
func (p *shard) add(x paced, at uint8) {
	p.mu.Lock()
	p.slots[at] = append(p.slots[at], x)
	p.count++
	p.mu.Unlock()
	p.nudge()
}

// remove takes x off the wheel.
func (p *shard) remove(x paced, at uint8) {
	p.mu.Lock()
	defer p.mu.Unlock()
	slot := p.slots[at]
	if i := slices.Index(slot, x); i >= 0 {
		slot[i] = slot[len(slot)-1]
		slot[len(slot)-1] = nil
		p.slots[at] = slot[:len(slot)-1]
		p.count--
	}
}

// due copies what is in a slot, so that the wheel is not locked while it sends.
func (p *shard) due(into []paced, slot int64) []paced {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(into[:0], p.slots[slot]...)
}

func (p *shard) empty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count == 0 && p.sockets.empty()
}

// run turns the wheel until ctx ends. Deadlines are absolute, so lateness does not add up.
func (p *shard) run(ctx context.Context) {
	var (
		base  = time.Now()
		timer = time.NewTimer(time.Hour)
		frame [headerSize + frameSamples]byte
		due   []paced
	)
	defer timer.Stop()
	for tick := int64(0); ; tick++ {
		if p.empty() {
			select {
			case <-ctx.Done():
				return
			case <-p.wake:
			}
			tick = resync(tick, time.Since(base), 0)
		}
		deadline := base.Add(time.Duration(tick) * slotTime)
		if wait := time.Until(deadline); wait > 0 {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
		} else if tick2 := resync(tick, time.Since(base), maxCatchUp); tick2 != tick {
			tick = tick2
			deadline = base.Add(time.Duration(tick) * slotTime)
		}
		if ctx.Err() != nil {
			return
		}
		p.sockets.look()
		due = p.due(due, tick%wheelSlots)
		for _, x := range due {
			x.tick(deadline, frame[:])
		}
		clear(due)
	}
}

// resync returns the tick to do at elapsed: tick itself if it is at most catchUp late, else the latest tick of
// the same slot that is due.
func resync(tick int64, elapsed, catchUp time.Duration) int64 {
	late := elapsed - time.Duration(tick)*slotTime
	if late <= catchUp {
		return tick
	}
	return tick + int64(late/frameTime)*wheelSlots
}
