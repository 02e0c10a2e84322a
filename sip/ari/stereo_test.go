package ari

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// raw is a side of so many samples, each of one value.
func raw(t *testing.T, value int16, samples int) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "side")
	must(t, err)
	t.Cleanup(func() { f.Close() })
	var b []byte
	for range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(value))
	}
	_, err = f.Write(b)
	must(t, err)
	_, err = f.Seek(0, 0)
	must(t, err)
	return f
}

// stereo makes a file of two sides and reads it again.
func stereo(t *testing.T, sides [2]*os.File, c cut) (left, right []int16) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "r.wav")
	must(t, writeStereo(path, t.TempDir(), sides, c))
	b, err := os.ReadFile(path)
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v", info.Mode())
	}
	head, audio := b[:wavHeaderSize], b[wavHeaderSize:]
	if !bytes.Equal(head, wavHeader(2, int64(len(audio)))) {
		t.Errorf("the header is %q", head)
	}
	for at := 0; at+stereoFrame <= len(audio); at += stereoFrame {
		left = append(left, int16(binary.LittleEndian.Uint16(audio[at:])))
		right = append(right, int16(binary.LittleEndian.Uint16(audio[at+2:])))
	}
	return left, right
}

// begins and ends are the first sample with a value, and the first without one after it.
func begins(samples []int16) (from, to int) {
	for from < len(samples) && samples[from] == 0 {
		from++
	}
	for to = from; to < len(samples) && samples[to] != 0; {
		to++
	}
	return from, to
}

func TestSidesLieWhereTheyBegan(t *testing.T) {
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	began := func(d time.Duration) *side { return &side{began: at.Add(d)} }
	ended := func(d time.Duration) *side { return &side{ended: at.Add(d)} }
	for name, c := range map[string]struct {
		cut                     cut
		samples                 [2]int
		left, right, rightEnd   int
		leftEnd, length, silent int
	}{
		"together":            {cut: cut{sides: [2]*side{began(0), began(0)}}, samples: [2]int{9000, 9000}, leftEnd: 9000, rightEnd: 9000, length: 9000},
		"the right later":     {cut: cut{sides: [2]*side{began(0), began(time.Second)}}, samples: [2]int{9000, 9000}, leftEnd: 9000, right: 8000, rightEnd: 17000, length: 17000},
		"the left later":      {cut: cut{sides: [2]*side{began(20 * time.Millisecond), began(0)}}, samples: [2]int{9000, 4000}, left: 160, leftEnd: 9160, rightEnd: 4000, length: 9160},
		"by their ends":       {cut: cut{sides: [2]*side{ended(0), ended(0)}}, samples: [2]int{9000, 8000}, leftEnd: 9000, right: 1000, rightEnd: 9000, length: 9000},
		"nothing known":       {cut: cut{sides: [2]*side{{}, {}}}, samples: [2]int{9000, 8000}, leftEnd: 9000, rightEnd: 8000, length: 9000},
		"a side that is long": {cut: cut{sides: [2]*side{began(0), began(0)}}, samples: [2]int{1, 20001}, leftEnd: 1, rightEnd: 20001, length: 20001},
	} {
		t.Run(name, func(t *testing.T) {
			left, right := stereo(t, [2]*os.File{raw(t, 7, c.samples[0]), raw(t, -9, c.samples[1])}, c.cut)
			if from, to := begins(left); from != c.left || to != c.leftEnd || len(left) != c.length {
				t.Errorf("left from %d to %d of %d, want %d to %d of %d", from, to, len(left), c.left, c.leftEnd, c.length)
			}
			if from, to := begins(right); from != c.right || to != c.rightEnd {
				t.Errorf("right from %d to %d, want %d to %d", from, to, c.right, c.rightEnd)
			}
		})
	}
}

func TestAPauseIsSilentOnBothSidesAndALittleLonger(t *testing.T) {
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	c := cut{
		sides:  [2]*side{{here: at}, {here: at.Add(10 * time.Millisecond)}},
		pauses: []span{{at.Add(time.Second), at.Add(2 * time.Second)}, {from: at.Add(4 * time.Second)}},
	}
	left, right := stereo(t, [2]*os.File{raw(t, 7, 40000), raw(t, 9, 40000)}, c)
	for i := range left {
		tail := int(samplesIn(pauseTail))
		silent := i >= 8000 && i < 16000+tail || i >= 32000
		if (left[i] == 0) != silent || (right[i] == 0) != silent {
			t.Fatalf("sample %d is %d and %d, silent %v", i, left[i], right[i], silent)
		}
	}
}

func TestASideThatAsteriskLostIsSilent(t *testing.T) {
	left, right := stereo(t, [2]*os.File{nil, raw(t, 9, 9000)}, cut{sides: [2]*side{{}, {}}})
	if from, _ := begins(left); from != 9000 || len(right) != 9000 {
		t.Errorf("left begins at %d of %d", from, len(right))
	}
}

func TestAnOddByteAtTheEndOfARawFileIsLeftOut(t *testing.T) {
	f := raw(t, 7, 100)
	_, err := f.WriteAt([]byte{1}, 200) // Asterisk died in the middle of a sample
	must(t, err)
	left, _ := stereo(t, [2]*os.File{f, raw(t, 9, 100)}, cut{sides: [2]*side{{}, {}}})
	if len(left) != 100 {
		t.Errorf("%d samples, want 100", len(left))
	}
}
