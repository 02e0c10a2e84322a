package spoken

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// Errors that callers can match.
var (
	// ErrUnknown means that there is no such prompt.
	ErrUnknown = errors.New("spoken: no such prompt")
	// ErrHeard means that callers hear it now.
	ErrHeard = errors.New("spoken: callers hear this prompt")
	// ErrDamaged means that the file is not what was recorded.
	ErrDamaged = errors.New("spoken: the file is not what was recorded")
)

// Use is what a prompt is for: one of the two.
type Use struct {
	Incident call.IncidentID
	Calendar string
}

// Uses is what may be recorded now.
type Uses struct {
	Incidents []Known  // that are open, the oldest first
	Calendars []string // in order; callers key the place in it, from 1
}

// Known is an open incident, which is named on the phone by its ticket.
type Known struct {
	ID     call.IncidentID
	Ticket call.TicketID
}

// Air is where prompts are heard.
type Air interface {
	Uses() Uses
	// Hear has callers hear a prompt from now on; the event goes with what says so, in
	// one commit.
	Hear(ctx context.Context, u Use, key, by string, with call.Event) error
	// Hears reports whether callers hear a prompt now.
	Hears(key string) bool
}

// Files is a folder by the names of its files: os.Root.
type Files interface {
	ReadFile(name string) ([]byte, error)
	Remove(name string) error
}

// Config is what a List needs.
type Config struct {
	Dir        string // of the prompts; made when it is not there
	Recordings Files  // where a call.Recording's file is
	Air        Air
	Journal    call.Journal
	Publish    func(id call.PromptID, wav []byte) error // to exchanges that play files of their own; nil: there are none
	Log        *zap.Logger                              // nil means none
}

// Prompt is one that was kept.
type Prompt struct {
	call.PromptRecorded
	At time.Time
}

// List is the prompts that were recorded. Its methods are safe for use by many goroutines.
type List struct {
	cfg Config
	log *zap.Logger
	dir *os.Root

	mu     sync.Mutex // guards what follows
	kept   map[call.PromptID]Prompt
	drafts map[call.PromptID][]byte // heard by whoever records them alone
}

// New takes up what the stream holds, and sweeps what the last process had not kept.
// Close gives the folder back.
func New(cfg Config, story []call.Event) (*List, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("spoken: %w", err)
	}
	dir, err := os.OpenRoot(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("spoken: %w", err)
	}
	l := &List{cfg: cfg, log: cfg.Log, dir: dir, kept: map[call.PromptID]Prompt{}, drafts: map[call.PromptID][]byte{}}
	if l.log == nil {
		l.log = zap.NewNop()
	}
	for _, e := range story {
		l.apply(e)
	}
	if err := l.sweep(); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	l.publishAll()
	return l, nil
}

// Close gives the folder back.
func (l *List) Close() error { return l.dir.Close() }

func (l *List) apply(e call.Event) {
	switch b := e.Body.(type) {
	case call.PromptRecorded:
		l.kept[b.Prompt] = Prompt{PromptRecorded: b, At: e.At}
	case call.PromptDeleted:
		delete(l.kept, b.Prompt)
	}
}

// publishAll gives the exchanges what is kept. One that cannot be read is said, and its
// callers hear the built-in words.
func (l *List) publishAll() {
	for id := range l.kept {
		wav, err := l.read(id)
		if err == nil && l.cfg.Publish != nil {
			err = l.cfg.Publish(id, wav)
		}
		if err != nil {
			l.log.Error("spoken prompt", zap.String("prompt", string(id)), zap.Error(err))
		}
	}
}

// All is every prompt, the newest first.
func (l *List) All() []Prompt {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Prompt, 0, len(l.kept))
	for _, p := range l.kept {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Prompt) int { return cmp.Compare(b.Prompt, a.Prompt) })
	return out
}

// Heard reports whether callers hear a prompt now.
func (l *List) Heard(id call.PromptID) bool { return l.cfg.Air.Hears(id.Key()) }

// Uses is what may be recorded now.
func (l *List) Uses() Uses { return l.cfg.Air.Uses() }

// Of is the prompt that a key names, and whether it is the key of one.
func Of(key string) (call.PromptID, bool) {
	id, ok := strings.CutPrefix(key, call.PromptID("").Key())
	return call.PromptID(id), ok
}

// WAV is a prompt's audio, 8 kHz mono mu-law: one that was kept, or that somebody records
// just now. ErrUnknown, ErrDamaged.
func (l *List) WAV(id call.PromptID) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wav, ok := l.drafts[id]; ok {
		return wav, nil
	}
	return l.read(id)
}

// read is what was kept, by its checksum; mu is held, or nobody else knows l.
func (l *List) read(id call.PromptID) ([]byte, error) {
	p, ok := l.kept[id]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	wav, err := l.dir.ReadFile(file(id))
	if err != nil {
		return nil, fmt.Errorf("spoken: %w", err)
	}
	if digest(wav) != p.SHA256 {
		return nil, fmt.Errorf("%w: %s", ErrDamaged, id)
	}
	return wav, nil
}

// Play is WAV for one of the staff, who is noted.
func (l *List) Play(ctx context.Context, id call.PromptID, by string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wav, err := l.read(id)
	if err != nil {
		return nil, err
	}
	if err := l.cfg.Journal.Append(ctx, call.PromptEvent(time.Now(), call.PromptPlayed{Prompt: id, By: by})); err != nil {
		return nil, fmt.Errorf("spoken: %w", err)
	}
	return wav, nil
}

// Delete removes a prompt that callers do not hear. ErrUnknown, ErrHeard.
func (l *List) Delete(ctx context.Context, id call.PromptID, by string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.kept[id]; !ok {
		return fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	if l.Heard(id) {
		return fmt.Errorf("%w: %s", ErrHeard, id)
	}
	if err := l.cfg.Journal.Append(ctx, call.PromptEvent(time.Now(), call.PromptDeleted{Prompt: id, By: by})); err != nil {
		return fmt.Errorf("spoken: %w", err)
	}
	delete(l.kept, id)
	l.log.Info("spoken prompt deleted", zap.String("prompt", string(id)), zap.String("by", by))
	if err := l.dir.Remove(file(id)); err != nil { // which the next process sweeps
		l.log.Warn("spoken prompt", zap.Error(err))
	}
	return nil
}

func file(id call.PromptID) string { return string(id) + ".wav" }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
