package sip

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"firstline/call"
	"firstline/sip/media"
)

// bridge joins two legs in the media; the signalling of neither is touched.
type bridge struct {
	id            call.BridgeID
	srv           *Server
	caller, agent *leg
	music         *media.Audio // nil: silence

	mu         sync.Mutex // guards the rest
	relay      *media.Bridge
	taps       []*leg
	ended      bool
	recordings map[call.RecordingID]*recording
}

// Bridge joins two answered legs of this server. Joining the same two under the same id again returns the
// bridge that is there.
func (s *Server) Bridge(_ context.Context, spec call.BridgeSpec) (call.Bridge, error) {
	caller, ok1 := spec.Caller.(*leg)
	agent, ok2 := spec.Agent.(*leg)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("sip: bridge %s: not two legs of this server", spec.ID)
	}
	for _, l := range []*leg{caller, agent} {
		if err := l.ready(); err != nil {
			return nil, fmt.Errorf("sip: bridge %s: leg %s: %w", spec.ID, l.id, err)
		}
	}
	b := &bridge{id: spec.ID, srv: s, caller: caller, agent: agent, recordings: make(map[call.RecordingID]*recording)}
	if spec.Music != "" {
		music, err := s.cfg.Sounds(spec.Music)
		if err != nil {
			return nil, fmt.Errorf("sip: bridge %s: music %s: %w", spec.ID, spec.Music, err)
		}
		b.music = music
	}
	if old := sameBridge(caller, agent, spec.ID); old != nil {
		return old, nil
	}
	if err := b.join(); err != nil {
		return nil, fmt.Errorf("sip: bridge %s: %w", spec.ID, err)
	}
	return b, nil
}

func sameBridge(caller, agent *leg, id call.BridgeID) *bridge {
	caller.mu.Lock()
	defer caller.mu.Unlock()
	if b := caller.bridge; b != nil && b.id == id && b.caller == caller && b.agent == agent {
		return b
	}
	return nil
}

func (b *bridge) join() error {
	relay, err := b.srv.cfg.Media.Bridge(b.caller.stream, b.agent.stream, nil)
	if err != nil {
		return err
	}
	b.relay = relay
	for _, l := range b.legs() {
		l.mu.Lock()
		gone, held := l.released, l.held
		if !gone {
			l.bridge = b
		}
		l.mu.Unlock()
		if gone {
			b.part()
			return context.Cause(l.ctx)
		}
		if held {
			b.hold(l, true)
		}
	}
	return nil
}

func (b *bridge) legs() []*leg { return []*leg{b.caller, b.agent} }

// hold is for a leg whose phone put the other side on hold, or for a tap's.
func (b *bridge) hold(l *leg, held bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.ended:
	case held:
		b.relay.Hold(l.stream, b.music)
	default:
		b.relay.Unhold(l.stream)
	}
}

func (b *bridge) ID() call.BridgeID { return b.id }

// Close parts the legs, lets go of the taps and leaves all up. Recordings go on with silence until they are stopped.
func (b *bridge) Close(context.Context) error {
	b.part()
	return nil
}

func (b *bridge) part() {
	b.mu.Lock()
	if b.ended {
		b.mu.Unlock()
		return
	}
	b.ended = true
	b.relay.Close()
	taps := b.taps
	b.taps = nil
	b.mu.Unlock()
	for _, l := range append(b.legs(), taps...) {
		l.mu.Lock()
		was := l.bridge == b
		if was {
			l.bridge = nil
		}
		alive := was && !l.released
		l.mu.Unlock()
		if alive {
			l.stream.Silence()
		}
	}
}

// recording is one stereo WAV under way.
type recording struct {
	id   call.RecordingID
	file string
	rec  *media.Recorder

	mu     sync.Mutex // guards the rest
	done   bool
	result call.Recorded
	err    error
}

// Record starts a recording of both sides.
func (b *bridge) Record(_ context.Context, id call.RecordingID) (call.Recording, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.recordings[id]; r != nil {
		return r, nil
	}
	if b.ended {
		return nil, fmt.Errorf("sip: record %s: %w", id, call.ErrState)
	}
	r, err := b.srv.newRecording(id)
	if err != nil {
		return nil, err
	}
	b.caller.stream.Record(r.rec, media.Left)
	b.agent.stream.Record(r.rec, media.Right)
	b.recordings[id] = r
	return r, nil
}

// newRecording makes the file of a recording that is fed from now on.
func (s *Server) newRecording(id call.RecordingID) (*recording, error) {
	if s.cfg.RecordingsDir == "" {
		return nil, call.ErrUnsupported
	}
	file, err := s.cfg.RecordingPath(id)
	if err != nil {
		return nil, err
	}
	if !filepath.IsLocal(file) {
		return nil, fmt.Errorf("sip: recording file %q leaves the recordings folder", file)
	}
	path := filepath.Join(s.cfg.RecordingsDir, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("sip: record %s: %w", id, err)
	}
	rec, err := s.cfg.Media.NewRecorder(path, media.RecorderOptions{Start: time.Now()})
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("sip: recording %s exists already", id)
	}
	if err != nil {
		return nil, fmt.Errorf("sip: record %s: %w", id, err)
	}
	return &recording{id: id, file: file, rec: rec}, nil
}

// Record starts a recording of what comes from this leg alone.
func (l *leg) Record(_ context.Context, id call.RecordingID) (call.Recording, error) {
	if l.record == nil {
		return nil, call.ErrUnsupported
	}
	if err := l.ready(); err != nil {
		return nil, fmt.Errorf("sip: record %s: %w", id, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.messages[id]; r != nil {
		return r, nil
	}
	r, err := l.record(id)
	if err != nil {
		return nil, err
	}
	if l.messages == nil {
		l.messages = make(map[call.RecordingID]*recording)
	}
	l.messages[id] = r
	l.stream.Record(r.rec, media.Left)
	return r, nil
}

var _ call.Recorder = (*leg)(nil)

func (r *recording) ID() call.RecordingID { return r.id }
func (r *recording) File() string         { return r.file }

// Said implements call.Attentive.
func (r *recording) Said() (last time.Duration, ever bool) { return r.rec.Said() }

func (r *recording) Pause(context.Context) error {
	r.rec.Pause(time.Now())
	return nil
}

func (r *recording) Resume(context.Context) error {
	r.rec.Resume(time.Now())
	return nil
}

// Stop closes the file. The result stands even when the error says that the disk was full before the end.
func (r *recording) Stop(context.Context) (call.Recorded, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return r.result, r.err
	}
	r.done = true
	got, err := r.rec.Close()
	r.result = call.Recorded{File: r.file, Duration: got.Duration, Bytes: got.Bytes}
	if err != nil {
		r.err = fmt.Errorf("sip: recording %s: %w", r.id, err)
	}
	return r.result, r.err
}
