package queuelog

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Place is how far a queue_log was read. A file is known by how it begins, not by
// its name or inode: it may be renamed, compressed or copied meanwhile. The zero
// Place is the beginning of all there is.
type Place struct {
	Head   string    `json:"head,omitempty"` // SHA-256 of the first line
	Offset int64     `json:"offset"`         // behind the last line read, in bytes of the uncompressed file
	At     time.Time `json:"at,omitzero"`    // of the last line read
}

// Batch is what one Read found.
type Batch struct {
	Lines  []Line
	Faults []error // lines that are none, each with its file; they were passed over
	Place  Place   // behind Lines
	More   bool    // there may be more at once
}

// largestBatch is how many bytes one Read takes.
const largestBatch = 1 << 20

// Tail reads a queue_log that grows and is rotated: by Asterisk's `logger rotate`
// in any of its ways, or by logrotate, also compressed. It is for one goroutine.
type Tail struct {
	path  string
	place Place
	seen  fs.FileInfo // the current file when nothing was left to read in it
}

// NewTail returns a tail that goes on at a place.
func NewTail(path string, from Place) *Tail { return &Tail{path: path, place: from} }

// End is the place behind everything that a queue_log holds now; the zero Place when
// there is no file.
func End(path string) (Place, error) {
	p := Place{}
	for {
		b, err := NewTail(path, p).fromCurrent()
		if err != nil || !b.More {
			return b.Place, err
		}
		p = b.Place
	}
}

// fromCurrent reads on in the file of today alone.
func (t *Tail) fromCurrent() (Batch, error) {
	r, err := look(t.path)
	if err != nil || r == nil {
		return Batch{Place: t.place}, err
	}
	from := int64(0)
	if r.head == t.place.Head {
		from = t.place.Offset
	}
	return r.read(from, t.place)
}

// Read returns the next lines. A batch without lines and without More means that
// there is nothing new. After an error the place is where it was.
func (t *Tail) Read() (Batch, error) {
	info, err := os.Stat(t.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Batch{Place: t.place}, fmt.Errorf("queue_log: %w", err)
	}
	if err == nil && t.seen != nil && os.SameFile(info, t.seen) && info.Size() == t.seen.Size() && info.ModTime().Equal(t.seen.ModTime()) {
		return Batch{Place: t.place}, nil
	}
	b, err := t.next()
	if err != nil {
		return Batch{Place: t.place}, fmt.Errorf("queue_log: %w", err)
	}
	t.place, t.seen = b.Place, nil
	if len(b.Lines) == 0 && !b.More {
		t.seen = info
	}
	return b, nil
}

// next reads on in the file of the place and, when that is at its end, in the one
// that followed it.
func (t *Tail) next() (Batch, error) {
	if now, err := look(t.path); err == nil && now != nil && now.head == t.place.Head && now.size >= t.place.Offset {
		return now.read(t.place.Offset, t.place) // as nearly always
	}
	files, err := t.files()
	if err != nil || len(files) == 0 {
		return Batch{Place: t.place}, err
	}
	at := slices.IndexFunc(files, func(r *rotated) bool { return t.place.Head != "" && r.head == t.place.Head && r.size >= t.place.Offset })
	b := Batch{Place: t.place}
	if at >= 0 {
		if b, err = files[at].read(t.place.Offset, t.place); err != nil || len(b.Lines) > 0 || b.More {
			return b, err
		}
	} else {
		at = t.firstUnread(files) - 1
		if t.place.Head != "" {
			b.Faults = append(b.Faults, fmt.Errorf("%s: the file that was read up to %s is gone: lines may be missing", t.path, t.place.At.Format(time.RFC3339)))
		}
	}
	if at+1 >= len(files) {
		return b, nil
	}
	next, err := files[at+1].read(0, t.place)
	next.Faults = append(b.Faults, next.Faults...)
	next.More = next.More || at+2 < len(files)
	return next, err
}

// firstUnread is the first file that may hold lines behind the place, whose own
// file is gone: the last one that begins before it, since lines of the same second
// may be on both sides. To read a line twice does no harm.
func (t *Tail) firstUnread(files []*rotated) int {
	n := 0
	for i, r := range files {
		if !t.place.At.IsZero() && r.began.Before(t.place.At) {
			n = i
		}
	}
	return n
}

// rotated is one file of a log.
type rotated struct {
	name  string
	head  string
	began time.Time // of the first line
	size  int64     // of what is compressed: unknown, and taken as endless
}

// files are the log's files that have a first line, the oldest first.
func (t *Tail) files() ([]*rotated, error) {
	names, err := filepath.Glob(escaped(t.path) + "*")
	if err != nil {
		return nil, err
	}
	var files []*rotated
	for _, name := range names {
		if name != t.path && !isRotation(strings.TrimPrefix(name, t.path)) {
			continue
		}
		r, err := look(name)
		if err != nil {
			return nil, err
		}
		if r == nil || slices.ContainsFunc(files, func(o *rotated) bool { return o.head == r.head }) && strings.HasSuffix(name, ".gz") {
			continue // just being compressed: the other one is whole
		}
		files = append(files, r)
	}
	slices.SortStableFunc(files, func(a, b *rotated) int {
		return cmp.Or(a.began.Compare(b.began), cmp.Compare(len(b.name), len(a.name))) // the plain name is the youngest
	})
	return files, nil
}

// escaped makes a path that Glob takes literally.
func escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// isRotation reports whether a suffix is of a rotated file: ".0", ".1795507623",
// "-20261124", ".1.gz".
func isRotation(suffix string) bool {
	suffix = strings.TrimSuffix(suffix, ".gz")
	return len(suffix) > 1 && (suffix[0] == '.' || suffix[0] == '-') && strings.Trim(suffix[1:], "0123456789-.") == ""
}

// look reads how a file begins; nil when it is not there or has no first line yet.
func look(name string) (*rotated, error) {
	f, err := open(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	first, err := bufio.NewReaderSize(f, longestLine).ReadSlice('\n')
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: first line: %w", name, err)
	}
	sum := sha256.Sum256(first)
	r := &rotated{name: name, head: hex.EncodeToString(sum[:16]), size: f.size}
	if l, err := Parse(strings.TrimSuffix(string(first), "\n")); err == nil {
		r.began = l.At
	}
	return r, nil
}

// read takes lines from an offset on.
func (r *rotated) read(from int64, was Place) (Batch, error) {
	b := Batch{Place: was}
	f, err := open(r.name)
	if err != nil {
		return b, err
	}
	defer f.Close()
	if err := f.skip(from); err != nil {
		return b, fmt.Errorf("%s: %w", r.name, err)
	}
	data := make([]byte, largestBatch)
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return b, fmt.Errorf("%s: %w", r.name, err)
	}
	b.More = n == len(data)
	end := bytes.LastIndexByte(data[:n], '\n') + 1
	if end == 0 && b.More { // no end of line in all of it
		end = n
		b.Faults = append(b.Faults, fmt.Errorf("%s at byte %d: %w: no end of line", r.name, from, ErrNoLine))
		data = nil
	}
	b.Place.Head, b.Place.Offset = r.head, from+int64(end)
	if data != nil {
		b.take(r.name, data[:end], from)
	}
	return b, nil
}

func (b *Batch) take(name string, data []byte, at int64) {
	for text := range bytes.Lines(data) {
		l, err := Parse(string(bytes.TrimSuffix(text, []byte("\n"))))
		switch {
		case len(bytes.TrimSpace(text)) == 0:
		case err != nil:
			b.Faults = append(b.Faults, fmt.Errorf("%s at byte %d: %w", name, at, err))
		default:
			b.Lines = append(b.Lines, l)
			b.Place.At = l.At
		}
		at += int64(len(text))
	}
}

// logFile is a file of a log, uncompressed.
type logFile struct {
	io.Reader
	file *os.File
	zip  *gzip.Reader // nil when it is not compressed
	size int64
}

func open(name string) (*logFile, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
		}
		return &logFile{Reader: z, file: f, zip: z, size: 1<<63 - 1}, nil
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &logFile{Reader: f, file: f, size: info.Size()}, nil
}

func (f *logFile) skip(n int64) error {
	if f.zip == nil {
		_, err := f.file.Seek(n, io.SeekStart)
		return err
	}
	_, err := io.CopyN(io.Discard, f.zip, n)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (f *logFile) Close() error { return f.file.Close() }
