package ari

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// The file is what the native front end writes: 8 kHz, 16 bit, the caller on the
// left and the agent on the right.
const (
	sampleRate    = 8000
	stereoFrame   = 4 // bytes of one sample of both sides
	wavHeaderSize = 44
	wavLimit      = 1<<32 - 1 - wavHeaderSize
)

// pauseTail is how long after a pause its audio may still come out of Asterisk.
const pauseTail = 300 * time.Millisecond

// writeStereo makes the file of two raw sides, at once or not at all.
func writeStereo(path string, raw [2]*os.File, c cut) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".stereo-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already, when it has become the file
	t, err := newTimeline(raw, c)
	if err == nil {
		err = t.write(tmp)
	}
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// timeline is where each side begins, in samples, and what is to be silent.
type timeline struct {
	sides   [2]io.Reader
	begins  [2]int64
	samples int64
	silent  [][2]int64
}

// newTimeline lays the sides beside each other: by the instants at which they
// began, else by those at which they ended, else side by side; the two begin within
// a few milliseconds of each other in any case.
func newTimeline(raw [2]*os.File, c cut) (*timeline, error) {
	t := &timeline{}
	var lengths [2]int64
	for i, f := range raw {
		t.sides[i] = eof{}
		if f == nil {
			continue
		}
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		lengths[i] = info.Size() / 2
		t.sides[i] = bufio.NewReaderSize(f, 64<<10)
	}
	left, right := c.sides[0], c.sides[1]
	late := int64(0) // samples that the right side begins after the left
	switch {
	case raw[0] == nil || raw[1] == nil:
	case !left.began.IsZero() && !right.began.IsZero():
		late = samplesIn(right.began.Sub(left.began))
	case !left.ended.IsZero() && !right.ended.IsZero():
		late = samplesIn(right.ended.Sub(left.ended)) - (lengths[1] - lengths[0])
	}
	t.begins = [2]int64{max(-late, 0), max(late, 0)}
	t.samples = min(max(t.begins[0]+lengths[0], t.begins[1]+lengths[1]), wavLimit/stereoFrame)
	t.silence(c)
	return t, nil
}

func samplesIn(d time.Duration) int64 { return int64(d) * sampleRate / int64(time.Second) }

// silence places the pauses, as far as it is known when the recording began.
func (t *timeline) silence(c cut) {
	began := c.sides[0].begunHere
	if began.IsZero() {
		return // Asterisk has recorded silence then
	}
	for _, p := range c.pauses {
		to := t.samples
		if !p.to.IsZero() {
			to = samplesIn(p.to.Sub(began) + pauseTail)
		}
		t.silent = append(t.silent, [2]int64{samplesIn(p.from.Sub(began)), to})
	}
}

func (t *timeline) write(f *os.File) error {
	w := bufio.NewWriterSize(f, 128<<10)
	if _, err := w.Write(wavHeader(t.samples * stereoFrame)); err != nil {
		return err
	}
	frame := make([]byte, stereoFrame)
	for at := range t.samples {
		for i := range t.sides {
			b := frame[2*i : 2*i+2]
			if at < t.begins[i] {
				b[0], b[1] = 0, 0
				continue
			}
			if _, err := io.ReadFull(t.sides[i], b); err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
				b[0], b[1] = 0, 0 // this side ended before the other
			} else if err != nil {
				return err
			}
		}
		if t.isSilent(at) {
			clear(frame)
		}
		if _, err := w.Write(frame); err != nil {
			return err
		}
	}
	return w.Flush()
}

func (t *timeline) isSilent(at int64) bool {
	for _, s := range t.silent {
		if at >= s[0] && at < s[1] {
			return true
		}
	}
	return false
}

// wavHeader is the header of a stereo file with so many bytes of samples.
func wavHeader(size int64) []byte {
	b := make([]byte, 0, wavHeaderSize)
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, uint32(size+wavHeaderSize-8))
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1) // PCM
	b = le.AppendUint16(b, 2)
	b = le.AppendUint32(b, sampleRate)
	b = le.AppendUint32(b, sampleRate*stereoFrame)
	b = le.AppendUint16(b, stereoFrame)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	return le.AppendUint32(b, uint32(size))
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
