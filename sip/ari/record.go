package ari

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// recordFormat is raw 16-bit audio of 8 kHz: it has no header that a crash of
// Asterisk would leave wrong, and needs no decoding. Asterisk writes in blocks of
// 32 kB, so that its own crash costs the last two seconds.
const recordFormat = "sln"

// recording is both sides of a bridge, each recorded by Asterisk from a snoop
// channel of its own. It becomes one file when it is stopped.
type recording struct {
	id    call.RecordingID
	node  *node
	file  string // relative to the recordings folder
	sides [2]*side
	life  context.Context //nolint:containedctx // ends with the bridge's legs, and the recording with it
	stop  func()          // lets life go

	mu       sync.Mutex // guards the rest
	pauses   []span
	stopping bool
	told     bool          // Config.OnRecording is, or will be
	done     chan struct{} // closed when result and err are there
	result   call.Recorded
	err      error
}

// side is one of the two.
type side struct {
	snoop string // the channel
	name  string // of the live recording

	mu      sync.Mutex    // guards the rest
	began   time.Time     // by Asterisk's clock; zero when not known
	ended   time.Time     // by Asterisk's clock
	here    time.Time     // when it began, by ours
	started chan struct{} // closed when it runs
	over    chan struct{} // closed when it has ended
}

// span is a stretch of time by our clock; to is zero while it lasts.
type span struct{ from, to time.Time }

func (n *node) newRecording(id call.RecordingID, file string, b *bridge) *recording {
	r := &recording{id: id, node: n, file: file, done: make(chan struct{})}
	for i, suffix := range []string{callerSide, agentSide} {
		r.sides[i] = &side{
			snoop: string(id) + suffix, name: storedName(n.cfg.Application, id, suffix),
			started: make(chan struct{}), over: make(chan struct{}),
		}
	}
	r.life, r.stop = b.life()
	return r
}

// recordingFile is where a recording's audio belongs.
func (f *FrontEnd) recordingFile(id call.RecordingID) (string, error) {
	if !isUUID(string(id)) {
		return "", fmt.Errorf("recording id %q is no UUID", id)
	}
	file, err := f.cfg.RecordingPath(id)
	if err != nil {
		return "", err
	}
	if !filepath.IsLocal(file) {
		return "", fmt.Errorf("recording file %q leaves the recordings folder", file)
	}
	return file, nil
}

// Record starts a recording of both sides.
func (b *bridge) Record(ctx context.Context, id call.RecordingID) (call.Recording, error) {
	if b.node.front.cfg.RecordingsDir == "" {
		return nil, call.ErrUnsupported
	}
	file, err := b.node.front.recordingFile(id)
	if err != nil {
		return nil, fmt.Errorf("ari: record %s: %w", id, err)
	}
	b.mu.Lock()
	old, ended := b.recordings[id], b.ended
	b.mu.Unlock()
	switch {
	case old != nil:
		return old, nil
	case ended:
		return nil, fmt.Errorf("ari: record %s: %w", id, call.ErrState)
	}
	r := b.node.newRecording(id, file, b)
	b.takeRecording(r)
	if err := r.begin(ctx, b); err != nil {
		b.dropRecording(r)
		r.abandon()
		return nil, fmt.Errorf("ari: record %s: %w", id, b.why(ctx, err))
	}
	r.watch()
	return r, nil
}

func (b *bridge) takeRecording(r *recording) {
	b.mu.Lock()
	b.recordings[r.id] = r
	b.mu.Unlock()
	b.node.mu.Lock()
	b.node.recordings[r.id] = r
	b.node.mu.Unlock()
}

func (b *bridge) dropRecording(r *recording) {
	b.mu.Lock()
	delete(b.recordings, r.id)
	b.mu.Unlock()
	b.node.forgetRecording(r)
}

func (n *node) forgetRecording(r *recording) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.recordings[r.id] == r {
		delete(n.recordings, r.id)
	}
}

// begin listens to both legs first, so that the two recordings begin together.
func (r *recording) begin(ctx context.Context, b *bridge) error {
	for i, l := range b.legs() {
		if err := r.node.spy(ctx, r.life, spying{l.channel, r.sides[i].snoop, "in", ""}); err != nil {
			return err
		}
	}
	for _, s := range r.sides {
		err := r.node.do(ctx, r.life, func(ctx context.Context, again bool) error {
			if again {
				if _, err := r.node.pbx.LiveRecording(ctx, s.name); err == nil || !errors.Is(err, asterisk.ErrNotFound) {
					return err
				}
			}
			_, err := r.node.pbx.RecordChannel(ctx, s.snoop, asterisk.Record{Name: s.name, Format: recordFormat, IfExists: "append"})
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, s := range r.sides {
		err := r.node.await(ctx, r.life, s.started, func(ctx context.Context) error {
			l, err := r.node.pbx.LiveRecording(ctx, s.name)
			s.is(l.State, time.Time{})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// abandon takes back what there may be of a recording that did not begin.
func (r *recording) abandon() {
	r.stop()
	r.node.front.spawn(func() {
		ctx := r.node.front.life
		for _, s := range r.sides {
			if err := r.end(ctx, s); err != nil && ctx.Err() == nil {
				r.node.log.Warn("not tidied up", zap.String("recording", s.name), zap.Error(err))
			}
			r.node.oweChannel(s.snoop)
		}
		r.node.oweStored(r.sides)
	})
}

// unstopped is how long a recording whose talk is over waits to be stopped, before
// it stops itself.
const unstopped = time.Minute

// watch stops a recording that nobody stops: the journey that should is gone.
func (r *recording) watch() {
	context.AfterFunc(r.life, func() {
		if r.isStopping() {
			return
		}
		r.node.front.spawn(func() {
			if call.Pause(r.node.front.life, unstopped) && r.startStopping() {
				r.unawaited()
			}
		})
	})
}

func (r *recording) isStopping() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopping
}

// startStopping reports whether it is the first to stop the recording.
func (r *recording) startStopping() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopping {
		return false
	}
	r.stopping = true
	r.node.front.spawn(r.finish)
	return true
}

func (r *recording) ID() call.RecordingID { return r.id }
func (r *recording) File() string         { return r.file }

// Pause makes Asterisk record silence. The same stretch is silenced once more when
// the file is made, and a little beyond it: what was spoken during the pause may be
// on its way through Asterisk when it ends.
func (r *recording) Pause(ctx context.Context) error {
	r.mu.Lock()
	if !r.isPaused() {
		r.pauses = append(r.pauses, span{from: time.Now()})
	}
	r.mu.Unlock()
	for _, s := range r.sides { // what an earlier failure left to be undone
		r.node.debts.paid("muted " + s.name)
	}
	if err := r.mute(ctx, r.node.pbx.MuteRecording); err != nil {
		r.resumed()
		for _, s := range r.sides { // one of them may be muted
			r.node.debts.owe("muted "+s.name, func(ctx context.Context) error {
				return ignoreNotFound(r.node.pbx.UnmuteRecording(ctx, s.name))
			})
		}
		return fmt.Errorf("ari: pause recording %s: %w", r.id, err)
	}
	return nil
}

// Resume ends a pause.
func (r *recording) Resume(ctx context.Context) error {
	if err := r.mute(ctx, r.node.pbx.UnmuteRecording); err != nil {
		return fmt.Errorf("ari: resume recording %s: %w", r.id, err)
	}
	r.resumed()
	return nil
}

func (r *recording) resumed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isPaused() {
		r.pauses[len(r.pauses)-1].to = time.Now()
	}
}

func (r *recording) isPaused() bool {
	n := len(r.pauses)
	return n > 0 && r.pauses[n-1].to.IsZero()
}

// mute mutes or unmutes both sides. A side that has ended needs neither.
func (r *recording) mute(ctx context.Context, do func(context.Context, string) error) error {
	for _, s := range r.sides {
		err := r.node.do(ctx, r.node.front.life, func(ctx context.Context, _ bool) error { return do(ctx, s.name) })
		if err != nil && !errors.Is(err, asterisk.ErrNotFound) {
			return err
		}
	}
	return nil
}

// Stop ends the recording and returns when its file is there. When ctx ends first,
// because the node is away for example, the file is made as soon as that can be
// done, and Config.OnRecording is told.
func (r *recording) Stop(ctx context.Context) (call.Recorded, error) {
	r.startStopping()
	select {
	case <-r.done:
	case <-ctx.Done():
		r.unawaited()
		return call.Recorded{}, fmt.Errorf("ari: recording %s is not fetched yet: %w", r.id, context.Cause(ctx))
	case <-r.node.front.life.Done():
		return call.Recorded{}, fmt.Errorf("ari: recording %s: %w", r.id, call.ErrHandedOver)
	}
	if r.err != nil && (r.node.front.life.Err() != nil || r.node.front.isLeft() != nil) {
		return call.Recorded{}, fmt.Errorf("ari: recording %s: %w", r.id, call.ErrHandedOver)
	}
	return r.result, r.err
}

// unawaited has Config.OnRecording told when the file is there, once.
func (r *recording) unawaited() {
	r.mu.Lock()
	told := r.told
	r.told = true
	r.mu.Unlock()
	if told {
		return
	}
	r.node.front.spawn(func() {
		select {
		case <-r.done:
			if r.err == nil {
				r.node.front.cfg.OnRecording(r.id, r.result)
			}
		case <-r.node.front.life.Done():
		}
	})
}

// finish stops both sides, fetches them and makes the file.
func (r *recording) finish() {
	defer r.stop()
	defer r.node.forgetRecording(r)
	ctx := r.node.front.life
	var err error
	for _, s := range r.sides {
		if err = r.end(ctx, s); err != nil {
			break
		}
	}
	for _, s := range r.sides {
		r.node.oweChannel(s.snoop)
	}
	if err == nil {
		r.mu.Lock()
		pauses := append([]span(nil), r.pauses...)
		r.mu.Unlock()
		r.result, err = r.node.collect(ctx, r.id, r.file, cut{sides: r.sides, pauses: pauses})
	}
	if err != nil && ctx.Err() == nil && r.node.front.isLeft() == nil {
		r.node.log.Error("recording not made", zap.String("recording", string(r.id)), zap.Error(err))
	}
	r.err = err
	close(r.done)
}

// end stops one side and waits until Asterisk has closed its file.
func (r *recording) end(ctx context.Context, s *side) error {
	err := r.node.do(ctx, ctx, func(ctx context.Context, _ bool) error { return r.node.pbx.StopRecording(ctx, s.name) })
	if err == nil {
		err = r.node.await(ctx, ctx, s.over, func(ctx context.Context) error {
			_, err := r.node.pbx.LiveRecording(ctx, s.name)
			return err
		})
	}
	return ignoreNotFound(err)
}

// recordingIs takes what Asterisk says of a live recording.
func (n *node) recordingIs(l *asterisk.LiveRecording, at time.Time) {
	id, suffix, ok := storedOf(n.cfg.Application, l.Name)
	n.mu.Lock()
	r := n.recordings[id]
	n.mu.Unlock()
	if !ok || r == nil {
		return
	}
	s := r.sides[0]
	if suffix == agentSide {
		s = r.sides[1]
	}
	s.is(l.State, at)
}

func (s *side) is(state string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case "recording":
		if isOpen(s.started) {
			s.began, s.here = at, time.Now()
			close(s.started)
		}
	case "done", "failed", "canceled":
		if isOpen(s.over) {
			s.ended = at
			close(s.over)
		}
	}
}

func isOpen(c chan struct{}) bool {
	select {
	case <-c:
		return false
	default:
		return true
	}
}
