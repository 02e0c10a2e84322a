package calltest

import (
	"context"
	"fmt"
	"time"

	"firstline/call"
)

// joined is the far end of a bridge: what stays when our process goes away.
type joined struct {
	id     call.BridgeID
	caller *line
	agent  *line
	music  call.Media
	taps   map[*line]call.TapMode
	handle *Bridge
}

func (b *joined) other(l *line) *line {
	if l == b.caller {
		return b.agent
	}
	return b.caller
}

// Bridge is a process's handle on two joined lines.
type Bridge struct {
	s   *Switch
	b   *joined
	gen int
}

// Bridge joins two answered legs.
func (s *Switch) Bridge(_ context.Context, spec call.BridgeSpec) (call.Bridge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	caller, agent := spec.Caller.(*Leg), spec.Agent.(*Leg)
	for _, g := range []*Leg{caller, agent} {
		switch {
		case g.gen != s.gen:
			return nil, ErrDropped
		case g.l.gone:
			return nil, g.l.cause
		case !g.l.up:
			return nil, call.ErrState
		}
	}
	if b := s.bridges[spec.ID]; b != nil {
		return b, nil
	}
	if caller.l.joined() != nil || agent.l.joined() != nil {
		return nil, fmt.Errorf("calltest: bridge %s: a leg is in another bridge", spec.ID)
	}
	b := &joined{
		id: spec.ID, caller: caller.l, agent: agent.l, music: spec.Music,
		taps: map[*line]call.TapMode{},
	}
	h := &Bridge{s: s, b: b, gen: s.gen}
	b.handle = h
	s.bridges[spec.ID] = h
	for _, l := range []*line{b.caller, b.agent} {
		l.playing, l.bridge = "", h
	}
	return h, nil
}

func (h *Bridge) ID() call.BridgeID { return h.b.id }

func (h *Bridge) Record(_ context.Context, id call.RecordingID) (call.Recording, error) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if h.gen != h.s.gen {
		return nil, ErrDropped
	}
	if r := h.s.records[id]; r != nil {
		return r, nil
	}
	r := &Recording{s: h.s, id: id, began: time.Now(), gen: h.gen, of: []*line{h.b.caller, h.b.agent}}
	h.s.records[id] = r
	return r, nil
}

// joined is the bridge that the line is a leg or a tap of, nil for none; the mutex is held.
func (l *line) joined() *joined {
	if l.bridge != nil {
		return l.bridge.b
	}
	return l.tapping
}

// Tap puts a third leg on the bridge; what it hears is told by Phone.Hears: the
// mode. Who hears it is told by HearsVoice.
func (h *Bridge) Tap(_ context.Context, who call.Leg, mode call.TapMode) error {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	g := who.(*Leg)
	switch {
	case h.gen != h.s.gen:
		return ErrDropped
	case g.l.gone:
		return g.l.cause
	case !g.l.up, h.s.bridges[h.b.id] == nil:
		return call.ErrState
	case g.l.joined() != nil && g.l.tapping != h.b:
		return fmt.Errorf("calltest: tap of bridge %s: leg %s is in another bridge", h.b.id, g.l.id)
	}
	g.l.playing, g.l.tapping = "", h.b
	h.b.taps[g.l] = mode
	return nil
}

// hearsVoice reports whether what is said on other is heard on l.
func (s *Switch) hearsVoice(l, other *line) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l == nil || other == nil || l == other || l.joined() == nil || l.joined() != other.joined() || l.held || other.held {
		return false
	}
	b := l.joined()
	switch mode, taps := b.taps[other]; {
	case taps && mode == call.Listen:
		return false
	case taps && mode == call.Whisper:
		return l == b.agent
	}
	return true
}

func (h *Bridge) Close(context.Context) error {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if h.gen != h.s.gen {
		return ErrDropped
	}
	h.part()
	return nil
}

// part ends the bridge; the mutex is held.
func (h *Bridge) part() {
	h.b.caller.bridge, h.b.agent.bridge = nil, nil
	for l := range h.b.taps {
		l.tapping = nil
	}
	clear(h.b.taps)
	delete(h.s.bridges, h.b.id)
}

// Recording is a fake recording: no audio, true times.
type Recording struct {
	s      *Switch
	gen    int
	id     call.RecordingID
	of     []*line // it goes on while they are there, in a bridge or in none
	began  time.Time
	paused bool
	done   *call.Recorded
	says   *line // whose message it is; nil: a talk
}

// Record records a message: what the caller says (Caller.Speaks) is known by its time.
func (g *Leg) Record(ctx context.Context, id call.RecordingID) (call.Recording, error) {
	err := g.live(ctx)
	defer g.s.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case !g.l.up:
		return nil, call.ErrState
	case g.l.message != nil && g.l.message.id == id:
		return g.l.message, nil
	}
	g.l.message = &Recording{s: g.s, id: id, began: time.Now(), gen: g.gen, of: []*line{g.l}, says: g.l}
	g.l.spoke = time.Time{}
	return g.l.message, nil
}

// Said implements call.Attentive: of a bridge's recording that there is talk all the time.
func (r *Recording) Said() (last time.Duration, ever bool) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	switch {
	case r.says == nil:
		return time.Since(r.began), true
	case r.says.spoke.IsZero():
		return 0, false
	}
	return r.says.spoke.Sub(r.began), true
}

var _ call.Recorder = (*Leg)(nil)

func (r *Recording) ID() call.RecordingID { return r.id }
func (r *Recording) File() string         { return string(r.id) + ".wav" }

func (r *Recording) Pause(context.Context) error  { return r.set(true) }
func (r *Recording) Resume(context.Context) error { return r.set(false) }

func (r *Recording) set(paused bool) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.gen != r.s.gen {
		return ErrDropped
	}
	r.paused = paused
	return nil
}

// Paused reports whether the recording is paused.
func (r *Recording) Paused() bool {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.paused
}

func (r *Recording) Stop(context.Context) (call.Recorded, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.gen != r.s.gen {
		return call.Recorded{}, ErrDropped
	}
	r.stop()
	return *r.done, nil
}

func (r *Recording) stop() {
	if r.done == nil {
		d := time.Since(r.began)
		delete(r.s.records, r.id)
		r.done = &call.Recorded{File: r.File(), Duration: d, Bytes: 44 + int64(d/time.Millisecond)*32}
	}
}

var (
	_ call.Bridge    = (*Bridge)(nil)
	_ call.Recording = (*Recording)(nil)
)
