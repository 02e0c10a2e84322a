package media

import (
	"sync"
	"sync/atomic"
)

// Playback is one Play.
type Playback struct {
	stream *Stream
	parts  []*Audio // what is left; guarded by the stream's out.mu, as is next
	next   int      // frame of parts[0]

	once      sync.Once
	done      chan struct{}
	completed atomic.Bool
}

// Done is closed when the last frame has had its 20 ms, or when the playback was stopped or replaced, or the stream
// closed.
func (p *Playback) Done() <-chan struct{} { return p.done }

// Completed reports whether every frame was played; meaningful after Done.
func (p *Playback) Completed() bool { return p.completed.Load() }

// Stop ends the playback now.
func (p *Playback) Stop() {
	o := &p.stream.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.play == p {
		o.play = nil
	}
	p.finish(false)
}

// frame returns the next 160 bytes, or nil at the end.
func (p *Playback) frame(c Codec) []byte {
	for len(p.parts) > 0 {
		if a := p.parts[0]; p.next < a.frames() {
			p.next++
			return a.frame(c, p.next-1)
		}
		p.parts, p.next = p.parts[1:], 0
	}
	return nil
}

func (p *Playback) finish(completed bool) {
	p.once.Do(func() {
		p.completed.Store(completed)
		close(p.done)
	})
}

// Play sends the prompts one after the other and replaces a running Play. Music or Silence goes on behind it
// and is heard again at its end; relayed audio is not sent meanwhile. Time passes also while the direction
// forbids sending. On a closed stream the playback is done at once, not completed.
func (s *Stream) Play(src ...*Audio) *Playback {
	p := &Playback{stream: s, parts: src, done: make(chan struct{})}
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	if s.out.play != nil {
		s.out.play.finish(false)
		s.out.play = nil
	}
	if s.out.closed {
		p.finish(false)
		return p
	}
	s.out.play = p
	s.pace()
	return p
}

// Music loops src at a position given by one clock for all streams, until Stop, Silence or Bridge. While
// bridged it covers the relayed audio. An empty src is silence.
func (s *Stream) Music(src *Audio) {
	if src == nil || src.frames() == 0 {
		s.Silence()
		return
	}
	s.setBackground(backMusic, src)
}

// Silence sends silent frames, which keeps NAT bindings and the peer's media timeout content.
func (s *Stream) Silence() { s.setBackground(backSilence, nil) }

// Stop ends Play, Music and Silence; a bridge is heard again.
func (s *Stream) Stop() {
	s.setBackground(backNone, nil)
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	if s.out.play != nil {
		s.out.play.finish(false)
		s.out.play = nil
	}
}

func (s *Stream) setBackground(kind background, music *Audio) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	if s.out.closed {
		return
	}
	s.out.back, s.out.music = kind, music
	if kind != backNone {
		s.pace()
	}
}

// pace puts the stream on its wheel; out.mu is held.
func (s *Stream) pace() {
	if !s.out.paced {
		s.out.paced = true
		s.shard.add(s, s.slot)
	}
}

// unpace takes it off; out.mu is held.
func (s *Stream) unpace() {
	if s.out.paced {
		s.out.paced = false
		s.shard.remove(s, s.slot)
	}
}
