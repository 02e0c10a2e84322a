package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"firstline/call"
)

// every is how often the sign of life is written: half of the second of wait and
// hold time that a crash may cost.
const every = 500 * time.Millisecond

// heartbeat is a small file with the instant of the last sign of life, in
// microseconds since 1970.
type heartbeat struct {
	file   *os.File
	before time.Time // of the process before this one
}

func openHeartbeat(path string) (*heartbeat, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sign of life: %w", err)
	}
	h := &heartbeat{file: f}
	text := make([]byte, 64)
	n, _ := f.ReadAt(text, 0) // a short or foreign text is no sign of life
	if us, err := strconv.ParseInt(strings.TrimSpace(string(text[:n])), 10, 64); err == nil && us > 0 {
		h.before = time.UnixMicro(us).UTC()
	}
	return h, nil
}

func (h *heartbeat) run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		// Always 20 characters, so that a shorter text never leaves digits of a longer one.
		// A write that does not work leaves the older sign, which is all it can do.
		_, _ = fmt.Fprintf(at0{h.file}, "%019d\n", time.Now().UnixMicro())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// at0 writes at the start of a file.
type at0 struct{ f *os.File }

func (w at0) Write(b []byte) (int, error) { return w.f.WriteAt(b, 0) }

// lockFolder makes sure that one process uses the folder: the spool has one writer.
// The lock goes with the process, however it ends. The lock's file holds the
// folder's id, which is made once.
func lockFolder(dir string) (f *os.File, id string, err error) {
	f, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, "", fmt.Errorf("data folder is not writable: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, "", fmt.Errorf("data folder %s: %w", dir, ErrOwned)
		}
		return nil, "", fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	if id, err = folderID(f); err != nil {
		f.Close()
		return nil, "", fmt.Errorf("data folder %s is not writable: %w", dir, err)
	}
	return f, id, nil
}

func folderID(f *os.File) (string, error) {
	text := make([]byte, 36)
	if n, _ := f.ReadAt(text, 0); n == len(text) { // a short one was torn by a crash before anybody knew it
		if _, err := call.UUIDTime(string(text)); err == nil {
			return string(text), nil
		}
	}
	id := call.NewUUID(time.Now())
	if _, err := f.WriteAt([]byte(id+"\n"), 0); err != nil {
		return "", err
	}
	return id, f.Sync()
}
