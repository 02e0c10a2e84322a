package spoken

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/ivr/prompts"
)

// ErrSilent means that nothing was said.
var ErrSilent = prompts.ErrSilent

// Take is a prompt that is being recorded. It ends by Keep or by Discard.
type Take struct {
	list   *List
	id     call.PromptID
	raw    call.Recording
	length time.Duration
}

// Record begins to record what a leg says. call.ErrUnsupported where its front end cannot.
func (l *List) Record(ctx context.Context, leg call.Leg) (*Take, error) {
	voice, can := leg.(call.Recorder)
	if !can {
		return nil, fmt.Errorf("spoken: %w", call.ErrUnsupported)
	}
	now := time.Now()
	raw, err := voice.Record(ctx, call.NewRecordingID(now))
	if err != nil {
		return nil, fmt.Errorf("spoken: %w", err)
	}
	t := &Take{list: l, id: call.PromptID(call.NewUUID(now)), raw: raw}
	// What is recorded is no recording of the catalogue: were we killed, nobody would know it.
	if err := l.write(note(t.id), []byte(raw.File())); err != nil {
		t.Discard(ctx)
		return nil, err
	}
	return t, nil
}

// Stop ends the recording, and returns the key by which the draft is played to whoever
// spoke. ErrSilent.
func (t *Take) Stop(ctx context.Context) (key string, err error) {
	done, err := t.raw.Stop(context.WithoutCancel(ctx))
	if err != nil {
		return "", fmt.Errorf("spoken: %w", err)
	}
	said, err := t.list.cfg.Recordings.ReadFile(done.File)
	if err != nil {
		return "", fmt.Errorf("spoken: %w", err)
	}
	wav, length, err := prompts.Spoken(said)
	if err != nil {
		return "", err
	}
	t.length = length
	t.list.mu.Lock()
	defer t.list.mu.Unlock()
	t.list.drafts[t.id] = wav
	return t.id.Key(), nil
}

// Discard forgets what was said.
func (t *Take) Discard(ctx context.Context) {
	done, err := t.raw.Stop(context.WithoutCancel(ctx))
	if err == nil {
		err = t.list.cfg.Recordings.Remove(done.File)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = t.list.dir.Remove(note(t.id))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // the note stays, and the next process sweeps
		t.list.log.Warn("what was recorded for a prompt is left", zap.String("prompt", string(t.id)), zap.Error(err))
	}
	t.list.mu.Lock()
	defer t.list.mu.Unlock()
	delete(t.list.drafts, t.id)
}

// Keep has callers hear the draft from now on, durably. After an error they hear what
// they heard before.
func (t *Take) Keep(ctx context.Context, u Use, by string, at call.DeviceID) error {
	defer t.Discard(ctx)
	l := t.list
	l.mu.Lock()
	defer l.mu.Unlock()
	wav := l.drafts[t.id]
	if err := l.write(file(t.id), wav); err != nil {
		return err
	}
	p := call.PromptRecorded{
		Prompt: t.id, By: by, Device: at, Incident: u.Incident, Calendar: u.Calendar,
		SHA256: digest(wav), Duration: t.length, Bytes: int64(len(wav)),
	}
	ev := call.PromptEvent(time.Now(), p)
	err := l.publish(t.id, wav)
	if err == nil {
		l.kept[t.id] = Prompt{PromptRecorded: p, At: ev.At} // before the first caller may ask for it
		err = l.cfg.Air.Hear(context.WithoutCancel(ctx), u, t.id.Key(), by, ev)
	}
	if err != nil {
		delete(l.kept, t.id)
		return errors.Join(fmt.Errorf("spoken: %w", err), l.dir.Remove(file(t.id)))
	}
	l.log.Info("prompt recorded", zap.String("prompt", string(t.id)), zap.String("incident", string(u.Incident)),
		zap.String("calendar", u.Calendar), zap.Duration("length", t.length), zap.String("by", by))
	return nil
}

func (l *List) publish(id call.PromptID, wav []byte) error {
	if l.cfg.Publish == nil {
		return nil
	}
	return l.cfg.Publish(id, wav)
}

// note names the file of what a take records, as long as nobody has kept or discarded it.
func note(id call.PromptID) string { return string(id) + noted }

const noted = ".recording"

// write puts a whole file on the disk under its name, or none.
func (l *List) write(name string, b []byte) (err error) {
	fresh := name + ".new"
	f, err := l.dir.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("spoken: %w", err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = l.dir.Rename(fresh, name)
	}
	if err == nil {
		err = l.syncDir()
	}
	if err != nil {
		return fmt.Errorf("spoken: write %s: %w", name, err)
	}
	return nil
}

// syncDir makes new names in the folder durable.
func (l *List) syncDir() error {
	d, err := l.dir.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// sweep removes what the last process was recording, and files that the journal does
// not name.
func (l *List) sweep() error {
	d, err := l.dir.Open(".")
	if err != nil {
		return fmt.Errorf("spoken: %w", err)
	}
	names, err := d.Readdirnames(-1)
	if err = errors.Join(err, d.Close()); err != nil {
		return fmt.Errorf("spoken: %w", err)
	}
	for _, name := range names {
		if id, wav := strings.CutSuffix(name, ".wav"); wav && l.kept[call.PromptID(id)].Prompt != "" {
			continue
		}
		if strings.HasSuffix(name, noted) {
			raw, err := l.dir.ReadFile(name)
			if err == nil {
				err = l.cfg.Recordings.Remove(string(raw))
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				l.log.Warn("what was recorded for a prompt is left", zap.Error(err))
			}
		}
		if err := l.dir.Remove(name); err != nil {
			return fmt.Errorf("spoken: %w", err)
		}
	}
	return nil
}
