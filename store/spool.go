package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// The spool holds, in order, what is durable but not yet in the database. Each
// file is a row of frames; a frame is one group of events, all or nothing:
//
//	length  4 bytes, big endian, of the JSON
//	CRC32C  4 bytes, big endian, of the JSON
//	JSON    an array of events
//
// A file is named after its first event's global sequence, so names sort by age.
const (
	frameHead    = 8
	longestFrame = 64 << 20
	fullFile     = 64 << 20 // begin another file
)

// spoolFile is what the spool needs of an *os.File.
type spoolFile interface {
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

func createSpoolFile(path string) (spoolFile, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// errSpoolUncertain means that a frame could neither be made durable nor taken back.
var errSpoolUncertain = errors.New("the spool could not take back what it could not keep")

// spool is owned by the journal's writer.
type spool struct {
	dir  string
	open func(path string) (spoolFile, error)
	file spoolFile
	size int64    // of the good frames in file
	used []string // files that hold something
}

func openSpool(dir string, open func(string) (spoolFile, error)) (*spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool folder: %w", err)
	}
	names, err := spoolFiles(dir)
	if err != nil {
		return nil, err
	}
	return &spool{dir: dir, open: open, used: names}, nil
}

// read hands every group to each, oldest first, and returns how many bytes at the
// very end were no whole frame. Damage anywhere else is an error.
func (s *spool) read(each func([]item) error) (torn int64, err error) {
	for i, name := range s.used {
		data, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		rest := data
		for len(rest) > 0 {
			items, n, err := readFrame(rest)
			if err != nil && i == len(s.used)-1 {
				return int64(len(rest)), nil
			}
			if err != nil {
				return 0, fmt.Errorf("%s is damaged at byte %d (move it away to start without its events): %w", name, len(data)-len(rest), err)
			}
			if err := each(items); err != nil {
				return 0, err
			}
			rest = rest[n:]
		}
	}
	return 0, nil
}

// readFrame decodes the frame at the start of b and returns its length with it.
func readFrame(b []byte) ([]item, int, error) {
	if len(b) < frameHead {
		return nil, 0, io.ErrUnexpectedEOF
	}
	n := binary.BigEndian.Uint32(b)
	if n > longestFrame || int(n) > len(b)-frameHead {
		return nil, 0, io.ErrUnexpectedEOF
	}
	payload := b[frameHead : frameHead+int(n)]
	if crc32.Checksum(payload, castagnoli()) != binary.BigEndian.Uint32(b[4:]) {
		return nil, 0, errors.New("checksum does not match")
	}
	var items []item
	if err := json.Unmarshal(payload, &items); err != nil {
		return nil, 0, err
	}
	return items, frameHead + int(n), nil
}

// castagnoli is the table of CRC32C, which package crc32 makes once.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func frame(items []item) ([]byte, error) {
	payload, err := json.Marshal(items)
	if err != nil {
		return nil, err
	}
	if len(payload) > longestFrame {
		return nil, fmt.Errorf("a group of %d bytes is too long for the spool", len(payload))
	}
	b := make([]byte, frameHead, frameHead+len(payload))
	binary.BigEndian.PutUint32(b, uint32(len(payload)))
	binary.BigEndian.PutUint32(b[4:], crc32.Checksum(payload, castagnoli()))
	return append(b, payload...), nil
}

// append makes a group durable. After an error nothing of it is left, except
// after errSpoolUncertain.
func (s *spool) append(items []item) error {
	b, err := frame(items)
	if err != nil {
		return err
	}
	if s.file != nil && s.size >= fullFile {
		if err := s.file.Close(); err != nil {
			return err
		}
		s.file = nil
	}
	if s.file == nil {
		if err := s.begin(items[0].Global); err != nil {
			return err
		}
	}
	_, err = s.file.WriteAt(b, s.size)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		return errors.Join(err, s.takeBack())
	}
	s.size += int64(len(b))
	return nil
}

// begin opens a file and makes its name durable.
func (s *spool) begin(global int64) error {
	name := filepath.Join(s.dir, fmt.Sprintf("%020d.log", global))
	f, err := s.open(name)
	if errors.Is(err, os.ErrExist) { // left by an attempt that could not be kept
		if err = os.Remove(name); err == nil {
			f, err = s.open(name)
		}
	}
	if err != nil {
		return err
	}
	if err := syncFolder(s.dir); err != nil {
		return errors.Join(err, f.Close(), os.Remove(name))
	}
	s.file, s.size = f, 0
	if !slices.Contains(s.used, name) {
		s.used = append(s.used, name)
	}
	return nil
}

// takeBack removes a frame that may be there in part.
func (s *spool) takeBack() error {
	err := s.file.Truncate(s.size)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		return errors.Join(errSpoolUncertain, err)
	}
	return nil
}

// clear deletes everything: it is in the database.
func (s *spool) clear() error {
	if len(s.used) == 0 {
		return nil
	}
	faults := []error{s.close()}
	for _, name := range s.used {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			faults = append(faults, err)
		}
	}
	s.used = nil
	return errors.Join(append(faults, syncFolder(s.dir))...)
}

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
