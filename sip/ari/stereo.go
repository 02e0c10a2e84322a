package ari

import (
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

// writeStereo makes the file of two raw sides, at once or not at all; it grows in
// the folder dir of the same disk.
func writeStereo(path, dir string, raw [2]*os.File, c cut) error {
	tmp, err := os.CreateTemp(dir, "stereo-*")
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
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// timeline is the two sides beside each other.
type timeline struct {
	sides   [2]track
	samples int64
	silent  [][2]int64 // from and to, in samples
}

// track is one side: its audio begins at a sample and is silent around it.
type track struct {
	audio  io.Reader // nil: there is none
	begins int64
}

// newTimeline lays the sides beside each other: by the instants at which they
// began, else by those at which they ended, else side by side; the two begin within
// a few milliseconds of each other in any case.
func newTimeline(raw [2]*os.File, c cut) (*timeline, error) {
	t := &timeline{}
	var lengths [2]int64
	for i, f := range raw {
		if f == nil {
			continue
		}
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		lengths[i] = info.Size() / 2
		t.sides[i].audio = f
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
	t.sides[0].begins, t.sides[1].begins = max(-late, 0), max(late, 0)
	for i := range t.sides {
		t.samples = max(t.samples, t.sides[i].begins+lengths[i])
	}
	t.samples = min(t.samples, wavLimit/stereoFrame)
	t.silence(c)
	return t, nil
}

func samplesIn(d time.Duration) int64 { return int64(d) * sampleRate / int64(time.Second) }

// silence places the pauses, when it is known here when the recording began; else
// Asterisk's own silence has to do.
func (t *timeline) silence(c cut) {
	var began time.Time
	for _, s := range c.sides {
		if began.IsZero() || !s.here.IsZero() && s.here.Before(began) {
			began = s.here
		}
	}
	if began.IsZero() {
		return
	}
	for _, p := range c.pauses {
		to := t.samples
		if !p.to.IsZero() {
			to = samplesIn(p.to.Sub(began) + pauseTail)
		}
		t.silent = append(t.silent, [2]int64{samplesIn(p.from.Sub(began)), to})
	}
}

const block = 4000 // samples read and written at once

func (t *timeline) write(f *os.File) error {
	if _, err := f.Write(wavHeader(2, t.samples*stereoFrame)); err != nil {
		return err
	}
	out, mono := make([]byte, block*stereoFrame), make([]byte, block*2)
	for at := int64(0); at < t.samples; at += block {
		n := min(block, t.samples-at)
		clear(out)
		for i := range t.sides {
			if err := t.sides[i].read(mono[:n*2], at); err != nil {
				return err
			}
			for k := range n {
				copy(out[k*stereoFrame+int64(i)*2:], mono[k*2:k*2+2])
			}
		}
		t.mute(out[:n*stereoFrame], at)
		if _, err := f.Write(out[:n*stereoFrame]); err != nil {
			return err
		}
	}
	return nil
}

// read fills b with the track's samples from at on; they are read in order.
func (t *track) read(b []byte, at int64) error {
	clear(b)
	lead := min(max(t.begins-at, 0)*2, int64(len(b)))
	if t.audio == nil || lead == int64(len(b)) {
		return nil
	}
	_, err := io.ReadFull(t.audio, b[lead:])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil // this side ended before the other
	}
	return err
}

// mute silences what of b, which begins at a sample, lies in a pause.
func (t *timeline) mute(b []byte, at int64) {
	n := int64(len(b)) / stereoFrame
	for _, s := range t.silent {
		from, to := max(s[0]-at, 0), min(s[1]-at, n)
		if from < to {
			clear(b[from*stereoFrame : to*stereoFrame])
		}
	}
}

// wavHeader is the header of a file with so many bytes of 16-bit samples.
func wavHeader(channels uint16, size int64) []byte {
	b := make([]byte, 0, wavHeaderSize)
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, uint32(size+wavHeaderSize-8))
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1) // PCM
	b = le.AppendUint16(b, channels)
	b = le.AppendUint32(b, sampleRate)
	b = le.AppendUint32(b, sampleRate*2*uint32(channels))
	b = le.AppendUint16(b, 2*channels)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	return le.AppendUint32(b, uint32(size))
}
