package ari

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// cut says how the two sides of a recording lie on one time line.
type cut struct {
	sides  [2]*side
	pauses []span
}

// collect fetches both sides of a stopped recording and makes the file of them.
// Asterisk's copies are deleted when the file is on the disk, and not before. A
// side that Asterisk does not have is silent; that it has neither is an error.
func (n *node) collect(ctx context.Context, id call.RecordingID, file string, c cut) (call.Recorded, error) {
	path := filepath.Join(n.front.cfg.RecordingsDir, file)
	if _, err := os.Stat(path); err == nil { // made by the process before us, which died before it deleted them
		n.oweStored(c.sides)
		return n.recorded(file, path)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.MkdirAll(n.front.fetching(), 0o700)); err != nil {
		return call.Recorded{}, fmt.Errorf("ari: recording %s: %w", id, err)
	}
	var raw [2]*os.File
	for i, s := range c.sides {
		f, err := n.fetch(ctx, s.name, n.front.fetching())
		if f != nil {
			defer os.Remove(f.Name())
			defer f.Close()
		}
		if err != nil {
			return call.Recorded{}, fmt.Errorf("ari: recording %s: %w", id, err)
		}
		raw[i] = f
	}
	if raw[0] == nil && raw[1] == nil {
		return call.Recorded{}, fmt.Errorf("ari: recording %s: Asterisk has no audio of it", id)
	}
	if err := writeStereo(path, n.front.fetching(), raw, c); err != nil {
		return call.Recorded{}, fmt.Errorf("ari: recording %s: %w", id, err)
	}
	n.oweStored(c.sides)
	return n.recorded(file, path)
}

func (n *node) recorded(file, path string) (call.Recorded, error) {
	info, err := os.Stat(path)
	if err != nil {
		return call.Recorded{}, err
	}
	samples := max(info.Size()-wavHeaderSize, 0) / stereoFrame
	return call.Recorded{File: file, Duration: time.Duration(samples) * time.Second / sampleRate, Bytes: info.Size()}, nil
}

// fetch copies a stored recording into a file without a name to speak of; nil when
// Asterisk has none.
func (n *node) fetch(ctx context.Context, name, dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "side-*")
	if err != nil {
		return nil, err
	}
	err = n.do(ctx, ctx, func(ctx context.Context, _ bool) error {
		if err := f.Truncate(0); err != nil {
			return err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err := n.pbx.StoredFile(ctx, name, f)
		return err
	})
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
		return f, err
	}
	err = errors.Join(ignoreNotFound(err), f.Close(), os.Remove(f.Name()))
	return nil, err
}

func ignoreNotFound(err error) error {
	if errors.Is(err, asterisk.ErrNotFound) {
		return nil
	}
	return err
}

func (n *node) oweStored(sides [2]*side) {
	for _, s := range sides {
		n.debts.owe("stored "+s.name, func(ctx context.Context) error { return n.pbx.DeleteStored(ctx, s.name) })
	}
}

// fetchLeft makes the files of recordings that ended while nobody was there. It
// waits until ctx ends at most; what is not done by then goes on.
func (n *node) fetchLeft(ctx context.Context) {
	if n.front.cfg.RecordingsDir == "" {
		return
	}
	done := make(chan struct{})
	n.front.spawn(func() {
		defer close(done)
		for id := range n.storedLeft(n.front.life) {
			if n.front.life.Err() == nil {
				n.fetchOne(id)
			}
		}
	})
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// storedLeft are the recordings that Asterisk has stored for nobody here.
func (n *node) storedLeft(ctx context.Context) map[call.RecordingID]bool {
	var names []string
	err := n.do(ctx, ctx, func(ctx context.Context, _ bool) (err error) {
		names, err = n.pbx.StoredRecordings(ctx)
		return err
	})
	if err != nil && ctx.Err() == nil {
		n.log.Error("recordings of the last process not looked for", zap.Error(err))
	}
	left := map[call.RecordingID]bool{}
	for _, name := range names {
		if id, _, ok := storedOf(n.cfg.Application, name); ok && !n.knowsRecording(id) {
			left[id] = true
		}
	}
	if len(left) > 0 {
		n.log.Warn("recordings ended while nobody was there", zap.Int("count", len(left)))
	}
	return left
}

func (n *node) fetchOne(id call.RecordingID) {
	file, err := n.front.recordingFile(id)
	var got call.Recorded
	if err == nil {
		var c cut
		for i, suffix := range []string{callerSide, agentSide} {
			c.sides[i] = &side{name: storedName(n.cfg.Application, id, suffix)}
		}
		got, err = n.collect(n.front.life, id, file, c)
	}
	if err != nil {
		n.log.Error("recording of the last process not made", zap.String("recording", string(id)), zap.Error(err))
		return
	}
	n.front.cfg.OnRecording(id, got)
}

func (n *node) knowsRecording(id call.RecordingID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.recordings[id] != nil
}

// adoptRecordings takes up recordings that go on. Whether one is paused cannot be
// asked; unless somebody says so it is taken to be no longer after pauseLimit.
func (n *node) adoptRecordings(ctx context.Context, snoops []*asterisk.Channel) []call.Recording {
	var all []call.Recording
	for _, c := range snoops {
		id, _, ok := recordingOf(c.ID)
		l := n.leg(spied(c))
		if !ok || l == nil || n.front.cfg.RecordingsDir == "" {
			n.oweChannel(c.ID)
			continue
		}
		l.mu.Lock()
		b := l.bridge
		l.mu.Unlock()
		if b == nil {
			n.oweChannel(c.ID) // its audio is found among what is stored
			continue
		}
		if r, isNew := n.adoptRecording(ctx, b, id); isNew {
			all = append(all, r)
		}
		n.keepSnoop(c.ID)
		n.snoopEntered(c.ID)
	}
	return all
}

// pauseLimit is the longest pause that a desk allows.
const pauseLimit = 2 * time.Minute

func (n *node) adoptRecording(ctx context.Context, b *bridge, id call.RecordingID) (r *recording, isNew bool) {
	b.mu.Lock()
	r = b.recordings[id]
	b.mu.Unlock()
	if r != nil {
		return r, false // by its other side
	}
	file, err := n.front.recordingFile(id)
	if err != nil {
		n.log.Error("recording not adopted", zap.String("recording", string(id)), zap.Error(err))
		return nil, false
	}
	r = n.newRecording(id, file, b)
	b.takeRecording(r)
	for _, s := range r.sides {
		close(s.started)
		if _, err := n.pbx.LiveRecording(ctx, s.name); errors.Is(err, asterisk.ErrNotFound) {
			close(s.over)
		}
	}
	r.watch()
	n.front.spawn(func() {
		t := time.NewTimer(pauseLimit)
		defer t.Stop()
		select {
		case <-t.C:
			r.mu.Lock()
			touched := len(r.pauses) > 0
			r.mu.Unlock()
			if !touched {
				_ = r.mute(r.life, n.pbx.UnmuteRecording) // it ends with the legs
			}
		case <-r.life.Done():
		case <-n.front.life.Done():
		}
	})
	return r, true
}
