package media

import (
	"fmt"
	"slices"
	"time"
)

// Bridge joins two streams: by a relay, or by a mixer while others tap it.
type Bridge struct {
	engine *Engine
	legs   [2]*Stream // caller, agent
	rec    *Recorder

	held   [2]bool   // the leg put the other on hold; guarded by engine.joins, as is all below
	music  [2]*Audio // that is heard in place of the leg, nil: silence
	taps   []*Stream
	mixer  *mixer // nil while there are no taps
	closed bool
}

// Bridge relays between a (the caller, left channel) and b (the agent, right channel), which must be of this
// engine. It ends music and silence on both; a prompt is played to its end. rec may be nil. ErrBridged if
// either leg is in another bridge, ErrClosed if either is closed.
func (e *Engine) Bridge(a, b *Stream, rec *Recorder) (*Bridge, error) {
	e.joins.Lock()
	defer e.joins.Unlock()
	if a.leaving || b.leaving {
		return nil, ErrClosed
	}
	if a.bridge != nil || b.bridge != nil || a == b {
		return nil, ErrBridged
	}
	br := &Bridge{engine: e, legs: [2]*Stream{a, b}, rec: rec}
	for i, s := range br.legs {
		if rec != nil {
			s.rec, s.ch = rec, Channel(i)
		}
		s.join(br)
	}
	br.rewire()
	return br, nil
}

// join ends what s sends by itself, but for a prompt; engine.joins is held.
func (s *Stream) join(b *Bridge) {
	s.bridge = b
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.last, s.out.back, s.out.music = nobody, backNone, nil
}

// Tap lets s hear both legs, and be heard as the mode says; on a stream that taps already it sets the mode. While
// there are taps both legs hear what a mixer makes, 20 to 60 ms later than from the relay; digits still pass from leg
// to leg, and those of a tap go nowhere. It ends music and silence on s. The first 200 ms of a mode, and a round trip
// more, s is not heard. ErrBridged if s is in another bridge or a leg of this one, ErrClosed, ErrParams.
func (b *Bridge) Tap(s *Stream, mode TapMode) error { return b.tapAt(time.Now(), s, mode) }

func (b *Bridge) tapAt(now time.Time, s *Stream, mode TapMode) error {
	b.engine.joins.Lock()
	defer b.engine.joins.Unlock()
	switch {
	case mode > Barge:
		return fmt.Errorf("%w: %v", ErrParams, mode)
	case b.closed, s.leaving:
		return ErrClosed
	case s.bridge == nil:
		s.join(b)
		b.taps = append(b.taps, s)
	case !slices.Contains(b.taps, s):
		return ErrBridged
	}
	if b.mixer == nil {
		b.mix()
	}
	b.mixer.tap(now.Add(tapGuard+s.roundTrip()), s, mode)
	b.rewire()
	return nil
}

// Untap lets s go; it sends nothing until told. Without a tap left the legs are relayed again.
func (b *Bridge) Untap(s *Stream) {
	b.engine.joins.Lock()
	defer b.engine.joins.Unlock()
	b.untap(s)
}

// untap is Untap with engine.joins held.
func (b *Bridge) untap(s *Stream) {
	i := slices.Index(b.taps, s)
	if i < 0 {
		return
	}
	b.taps = slices.Delete(b.taps, i, i+1)
	b.mixer.leave(s)
	s.bridge = nil
	s.rewire()
	if len(b.taps) == 0 {
		b.unmix()
		b.rewire()
	}
}

// mix puts a mixer in the relay's place.
func (b *Bridge) mix() {
	b.mixer = newMixer(b)
	for i := range b.legs {
		b.cover(i)
		if b.held[i] {
			b.legs[1-i].setBackground(backNone, nil) // the mixer plays it from now on
		}
	}
	b.mixer.start()
}

// unmix puts the relay back.
func (b *Bridge) unmix() {
	b.mixer.stop()
	b.mixer = nil
	for i := range b.legs {
		if b.held[i] {
			b.cover(i)
		}
	}
}

// Hold is for a leg that put the other on hold: its audio goes nowhere and is not recorded, and all who hear it hear
// music (nil: silence) instead. The other's audio is still recorded. A tap on hold is not heard.
func (b *Bridge) Hold(leg *Stream, music *Audio) { b.setHeld(leg, true, music) }

// Unhold lets the leg be heard again.
func (b *Bridge) Unhold(leg *Stream) { b.setHeld(leg, false, nil) }

func (b *Bridge) setHeld(leg *Stream, held bool, music *Audio) {
	b.engine.joins.Lock()
	defer b.engine.joins.Unlock()
	if music != nil && music.frames() == 0 {
		music = nil
	}
	i := b.index(leg)
	switch {
	case b.closed:
	case slices.Contains(b.taps, leg):
		b.mixer.seat(leg).hold(held, nil)
		leg.rewire()
	case i >= 0 && (held || b.held[i]):
		b.held[i], b.music[i] = held, music
		b.cover(i)
		b.rewire()
	}
}

// cover plays what is heard in place of leg i while it holds, and ends that when it does not.
func (b *Bridge) cover(i int) {
	switch other := b.legs[1-i]; {
	case b.mixer != nil:
		b.mixer.seat(b.legs[i]).hold(b.held[i], b.music[i])
	case b.held[i]:
		other.Music(b.music[i])
	default:
		other.setBackground(backNone, nil)
	}
}

// Close parts the legs and lets go of the taps; all streams stay open and send nothing until told. A recorder goes on
// with silence and may be given to another bridge. Calling it again does nothing.
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
	mixed := b.mixer != nil
	if mixed {
		b.mixer.stop()
		b.mixer = nil
	}
	for _, s := range slices.Concat(b.legs[:], b.taps) {
		s.bridge = nil
		if b.rec != nil && s.rec == b.rec {
			s.rec = nil
		}
		if i := b.index(s); !mixed && i >= 0 && b.held[1-i] {
			s.setBackground(backNone, nil)
		}
		s.rewire()
	}
	b.taps = nil
}

// leave is for a stream that closes: without a leg there is no bridge; engine.joins is held.
func (b *Bridge) leave(s *Stream) {
	if b.index(s) >= 0 {
		b.part()
		return
	}
	b.untap(s)
}

func (b *Bridge) rewire() {
	for _, s := range b.legs {
		s.rewire()
	}
	for _, s := range b.taps {
		s.rewire()
	}
}

// wire says where the audio and the digits of s go; engine.joins is held.
func (b *Bridge) wire(s *Stream, k *sink) {
	i := b.index(s)
	if i >= 0 && !b.held[0] && !b.held[1] {
		k.peer = b.legs[1-i]
	}
	if b.mixer != nil {
		seat := b.mixer.seat(s)
		seat.recordTo(s.rec)
		if k.mixed = true; seat.heard() {
			k.seat = seat
		}
	}
	if i >= 0 && b.held[i] {
		k.rec = nil // a phone's own hold music is no part of the talk
	}
}

func (b *Bridge) index(s *Stream) int { return slices.Index(b.legs[:], s) }
