package recordings

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// Rows looks recordings up. It returns ErrNotFound for one that is not there.
type Rows interface {
	Recording(ctx context.Context, id call.RecordingID) (Recording, error)
}

// Config says what a catalogue works on.
type Config struct {
	Dir     string // the recordings folder; made when missing, closed to others
	Journal call.Journal
	Rows    Rows
	// Repair sets the header of a file that was never closed right (an absolute
	// path) and says how long and how big the audio is.
	Repair func(path string) (time.Duration, int64, error)
}

// ErrClosed means that the catalogue takes nothing more.
var ErrClosed = errors.New("the recordings catalogue is closed")

// Catalogue keeps the books of the recordings folder.
type Catalogue struct {
	cfg  Config
	root *os.Root
	log  *zap.Logger

	mu      sync.Mutex // guards what follows
	running map[call.RecordingID]Start
	ended   []finished    // to be hashed, oldest first
	late    []finished    // whose rows are to be looked up first
	wake    chan struct{} // has room for one; filled when ended or late grows
	closed  bool

	recovered bool // what a crash left open is closed
}

// finished is a recording whose audio has ended and whose row is still open.
type finished struct {
	id    call.RecordingID
	of    call.ID
	at    time.Time
	audio call.Recorded
	fault string
}

// New opens the recordings folder. Run must run for recordings to be finished,
// and Close gives the folder back.
func New(cfg Config, log *zap.Logger) (*Catalogue, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("recordings folder: %w", err)
	}
	root, err := os.OpenRoot(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("recordings folder: %w", err)
	}
	return &Catalogue{
		cfg: cfg, root: root, log: log,
		running: make(map[call.RecordingID]Start), wake: make(chan struct{}, 1),
	}, nil
}

// Close gives the folder back. Run must have returned.
func (c *Catalogue) Close() error { return c.root.Close() }

// Path is where the audio of a recording begun at the instant at belongs,
// relative to the recordings folder: "YYYY/MM/DD/<id>.wav", by the UTC day. An
// id that is no UUID in lower case is refused: it would become a file's name.
func Path(id call.RecordingID, at time.Time) (string, error) {
	if !isUUID(string(id)) {
		return "", fmt.Errorf("recording id %q is no UUID", id)
	}
	return at.UTC().Format("2006/01/02/") + string(id) + ".wav", nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hexDigit := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
		if dash != (c == '-') || !dash && !hexDigit {
			return false
		}
	}
	return true
}

// Create makes the file for a recording begun at the instant at, readable by the
// owner only, and returns it with its path relative to the folder.
func (c *Catalogue) Create(id call.RecordingID, at time.Time) (*os.File, string, error) {
	name, err := Path(id, at)
	if err != nil {
		return nil, "", err
	}
	if err := c.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return nil, "", fmt.Errorf("folder of recording %s: %w", id, err)
	}
	f, err := c.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, "", fmt.Errorf("file of recording %s: %w", id, err)
	}
	return f, name, nil
}

// Start is what is known when a recording begins. File is as the front end's
// call.Recording names it.
type Start struct {
	ID     call.RecordingID
	Call   call.ID
	Ticket call.TicketID
	Agent  call.AgentID
	File   string
	At     time.Time
}

// Begin takes note of a recording and returns its first event, for the caller to
// append. A file outside the recordings folder is refused.
func (c *Catalogue) Begin(s Start) (call.Event, error) {
	if !isUUID(string(s.ID)) {
		return call.Event{}, fmt.Errorf("recording id %q is no UUID", s.ID)
	}
	if !filepath.IsLocal(filepath.FromSlash(s.File)) {
		return call.Event{}, fmt.Errorf("recording %s: file %q is not inside the recordings folder", s.ID, s.File)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[s.ID] = s
	return call.RecordingEvent(s.At, s.ID, call.RecordingStarted{
		Call: s.Call, Ticket: s.Ticket, Agent: s.Agent, File: s.File,
	}), nil
}

// Finish hands in the audio of a recording that has ended; fault says why it is
// incomplete, if it is. It does not wait: Run takes size and SHA-256 of the file
// and appends RecordingFinished, away from the call. ErrNotFound means that it was
// not begun here, or was handed in before.
func (c *Catalogue) Finish(_ context.Context, id call.RecordingID, audio call.Recorded, fault string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.running[id]
	switch {
	case c.closed:
		return fmt.Errorf("finish recording %s: %w", id, ErrClosed)
	case !ok:
		return fmt.Errorf("finish recording %s: %w", id, ErrNotFound)
	}
	delete(c.running, id)
	if audio.File == "" {
		audio.File = s.File
	}
	c.ended = append(c.ended, finished{id: id, of: s.Call, at: time.Now(), audio: audio, fault: fault})
	c.look()
	return nil
}

// look wakes Run; the mutex is held.
func (c *Catalogue) look() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run finishes recordings one after the other until ctx ends, and then those that
// were handed in before, within five seconds. What is left is found by Recover.
func (c *Catalogue) Run(ctx context.Context) error {
	for {
		c.finishAll(ctx)
		c.settleLate(ctx)
		select {
		case <-c.wake:
		case <-ctx.Done():
			c.mu.Lock()
			c.closed = true
			c.mu.Unlock()
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			c.finishAll(last)
			c.settleLate(last)
			return nil
		}
	}
}

func (c *Catalogue) finishAll(ctx context.Context) {
	for ctx.Err() == nil {
		f, ok := c.next()
		if !ok {
			return
		}
		if err := c.finish(ctx, f); err != nil && !errors.Is(err, call.ErrHandedOver) {
			c.log.Error("recording stays open until the next start",
				zap.String("recording", string(f.id)), zap.String("call", string(f.of)), zap.Error(err))
		}
	}
}

func (c *Catalogue) next() (finished, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ended) == 0 {
		return finished{}, false
	}
	f := c.ended[0]
	c.ended = c.ended[1:]
	return f, true
}

func (c *Catalogue) finish(ctx context.Context, f finished) error {
	body := call.RecordingFinished{Call: f.of, Duration: f.audio.Duration, Fault: f.fault}
	var err error
	if body.SHA256, body.Bytes, err = c.sum(f.audio.File); err != nil {
		body.Fault = orFault(body.Fault, err)
	}
	return c.cfg.Journal.Append(ctx, call.RecordingEvent(f.at, f.id, body))
}

// Recover finishes what a crash left open: the header is set right, the file
// hashed, the row closed as interrupted. A file that is missing or beyond repair
// closes its row with a fault. The first error of the journal ends it.
func (c *Catalogue) Recover(ctx context.Context, unfinished []Recording) error {
	for _, r := range unfinished {
		body := call.RecordingFinished{Call: r.Call, Interrupted: true}
		var err error
		if body.Duration, err = c.repair(r.File); err == nil {
			body.SHA256, body.Bytes, err = c.sum(r.File)
		}
		if err != nil {
			body.Fault = orFault("", err)
			c.log.Warn("recording cannot be repaired", zap.String("recording", string(r.ID)),
				zap.String("call", string(r.Call)), zap.Error(err))
		}
		if err := c.cfg.Journal.Append(ctx, call.RecordingEvent(time.Now(), r.ID, body)); err != nil {
			return fmt.Errorf("close recording %s: %w", r.ID, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recovered = true
	c.look()
	return nil
}

// repair lets Config.Repair at a file of the folder, once the folder's own root
// has said that it is one: a link that leads elsewhere is not opened.
func (c *Catalogue) repair(file string) (time.Duration, error) {
	info, err := c.root.Lstat(filepath.FromSlash(file))
	switch {
	case err != nil:
		return 0, err
	case !info.Mode().IsRegular():
		return 0, fmt.Errorf("%s is no regular file", file)
	}
	d, _, err := c.cfg.Repair(filepath.Join(c.root.Name(), filepath.FromSlash(file)))
	return d, err
}

// sum is the SHA-256 in hex and the size of a file of the folder.
func (c *Catalogue) sum(file string) (string, int64, error) {
	f, err := c.root.Open(filepath.FromSlash(file))
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}

// orFault keeps the first fault; of a missing file it says so without the path.
func orFault(fault string, err error) string {
	switch {
	case fault != "":
		return fault
	case errors.Is(err, fs.ErrNotExist):
		return "file missing"
	default:
		return err.Error()
	}
}

// Open returns a recording and its audio, which the caller closes; while the
// recording runs the file still grows. ErrNotFound means that row or file is not there.
func (c *Catalogue) Open(ctx context.Context, id call.RecordingID) (*os.File, Recording, error) {
	r, err := c.cfg.Rows.Recording(ctx, id)
	if err != nil {
		return nil, Recording{}, err
	}
	f, err := c.root.Open(filepath.FromSlash(r.File))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, r, fmt.Errorf("audio of recording %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, r, fmt.Errorf("audio of recording %s: %w", id, err)
	}
	return f, r, nil
}
