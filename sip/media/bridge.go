package media

// Bridge is a relay between two streams.
type Bridge struct {
	engine *Engine
	legs   [2]*Stream // caller, agent
	rec    *Recorder
	held   [2]bool // the leg put the other on hold; guarded by engine.joins, as is closed
	closed bool
}

// Bridge relays between a (the caller, left channel) and b (the agent, right channel), which must be of this
// engine. It ends music and silence on both; a prompt is played to its end. rec may be nil. ErrBridged if
// either leg is in another bridge, ErrClosed if either is closed.
func (e *Engine) Bridge(a, b *Stream, rec *Recorder) (*Bridge, error) {
	e.joins.Lock()
	defer e.joins.Unlock()
	if a.isClosed() || b.isClosed() {
		return nil, ErrClosed
	}
	if a.bridge != nil || b.bridge != nil || a == b {
		return nil, ErrBridged
	}
	br := &Bridge{engine: e, legs: [2]*Stream{a, b}, rec: rec}
	for i, s := range br.legs {
		s.bridge = br
		if rec != nil {
			s.rec, s.ch = rec, Channel(i)
		}
		s.out.mu.Lock()
		s.out.last, s.out.back, s.out.music = nobody, backNone, nil
		s.out.mu.Unlock()
	}
	br.rewire()
	return br, nil
}

// Hold is for a leg that put the other on hold: its audio goes nowhere and is not recorded, and the other leg hears
// music (nil: silence) instead. The other's audio is still recorded.
func (b *Bridge) Hold(leg *Stream, music *Audio) { b.setHeld(leg, true, music) }

// Unhold joins the two again.
func (b *Bridge) Unhold(leg *Stream) { b.setHeld(leg, false, nil) }

func (b *Bridge) setHeld(leg *Stream, held bool, music *Audio) {
	b.engine.joins.Lock()
	defer b.engine.joins.Unlock()
	i := b.index(leg)
	if b.closed || i < 0 || !held && !b.held[i] {
		return
	}
	b.held[i] = held
	if other := b.legs[1-i]; held {
		other.Music(music)
	} else {
		other.setBackground(backNone, nil)
	}
	b.rewire()
}

// Close parts the legs; both streams stay open and send nothing until told. A recorder goes on with silence and may
// be given to another bridge. Calling it again does nothing.
func (b *Bridge) Close() {
	b.engine.joins.Lock()
	defer b.engine.joins.Unlock()
	b.part()
}

// part is Close with engine.joins held.
func (b *Bridge) part() {
	if b.closed {
		return
	}
	b.closed = true
	for i, s := range b.legs {
		s.bridge = nil
		if b.rec != nil && s.rec == b.rec {
			s.rec = nil
		}
		if b.held[1-i] {
			s.setBackground(backNone, nil)
		}
		s.rewire()
	}
}

func (b *Bridge) rewire() {
	for _, s := range b.legs {
		s.rewire()
	}
}

// heardBy returns the leg that hears s, nil while either holds.
func (b *Bridge) heardBy(s *Stream) *Stream {
	if b.held[0] || b.held[1] {
		return nil
	}
	return b.legs[1-b.index(s)]
}

// holds reports whether s put the other leg on hold.
func (b *Bridge) holds(s *Stream) bool { return b.held[b.index(s)] }

func (b *Bridge) index(s *Stream) int {
	for i, leg := range b.legs {
		if leg == s {
			return i
		}
	}
	return -1
}
