package media

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

// tape is a recorder whose clock is the test's.
type tape struct {
	t       *testing.T
	rec     *Recorder
	path    string
	start   time.Time
	scratch []byte
}

func newTape(t *testing.T) *tape {
	t.Helper()
	e, err := New(Config{}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	p := &tape{t: t, path: filepath.Join(t.TempDir(), "call.wav"), start: time.Now(), scratch: make([]byte, renderBytes)}
	if p.rec, err = e.NewRecorder(p.path, RecorderOptions{Start: p.start}); err != nil {
		t.Fatal(err)
	}
	return p
}

// frame i of a channel says i in PCMU: a value that is found again. Frame 0 arrives when it ends, at 20 ms.
func (p *tape) frame(ch Channel, i int, late time.Duration) {
	p.from(ch, 1, i, uint32(i), late)
}

func (p *tape) from(ch Channel, source uint64, i int, stamp uint32, late time.Duration) {
	at := p.start.Add(time.Duration(i+1)*frameTime + late)
	k := packet{header: header{ts: 0xFFFFFF00 + stamp*frameSamples}, codec: PCMU}
	p.rec.put(at, ch, source, &k, audio(mark(i)))
}

// mark is a PCMU code that is not silence and tells frames apart.
func mark(i int) byte { return byte(i%100 + 1) }

func (p *tape) flush(at time.Duration) { p.rec.flush(p.start.Add(at), p.scratch) }

// close ends the recording and returns what each frame of both channels holds: -1 for silence, -2 for a mixture.
func (p *tape) close(at time.Duration) (left, right []int) {
	p.t.Helper()
	rec, err := p.rec.closeAt(p.start.Add(at))
	if err != nil {
		p.t.Fatal(err)
	}
	if rec.Duration != at {
		p.t.Errorf("recorded %v, want %v", rec.Duration, at)
	}
	return p.frames()
}

func (p *tape) frames() (left, right []int) {
	p.t.Helper()
	l, r := readStereo(p.t, p.path)
	return frameMarks(l), frameMarks(r)
}

func frameMarks(samples []int16) (marks []int) {
	for ; len(samples) >= frameSamples; samples = samples[frameSamples:] {
		v := samples[0]
		m := -2
		switch {
		case strings.Trim(string(EncodePCMU(nil, samples[:frameSamples])), string(EncodePCMU(nil, samples[:1]))) != "":
		case v == 0:
			m = -1
		default:
			m = int(linearToPCMU(v)) - 1
		}
		marks = append(marks, m)
	}
	return marks
}

func want(n int, silent ...int) []int {
	marks := make([]int, n)
	for i := range marks {
		marks[i] = i % 100
	}
	for _, i := range silent {
		marks[i] = -1
	}
	return marks
}

func equal(t *testing.T, what string, want, got []int) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

func TestRecordingPlacesByTimestampWithLossReorderJitterAndDuplicates(t *testing.T) {
	p := newTape(t)
	p.frame(Left, 0, 0)
	p.frame(Right, 0, 0)
	for _, i := range []int{2, 1, 1, 4, 6, 5, 7, 8, 9} { // 3 is lost
		p.frame(Left, i, 30*time.Millisecond)
	}
	for i := range 9 {
		p.frame(Right, i+1, time.Duration(i*i%5)*30*time.Millisecond)
	}
	left, right := p.close(10 * frameTime)
	equal(t, "left", want(10, 3), left)
	equal(t, "right", want(10), right)
}

func TestRecordingIsReadableAfterEveryFlushAndLosesAtMostASecond(t *testing.T) {
	p := newTape(t)
	for i := range 100 {
		p.frame(Left, i, 0)
		p.frame(Right, i, 0)
		if i%25 == 24 {
			at := time.Duration(i+1) * frameTime
			p.flush(at)
			left, right := p.frames()
			n := int((at - durationOf(holdBack)) / frameTime)
			equal(t, "left", want(n), left)
			equal(t, "right", want(n), right)
		}
	}
	// What a kill -9 leaves: data that the header does not know of yet.
	b, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	crashed := filepath.Join(t.TempDir(), "crashed.wav")
	if err := os.WriteFile(crashed, append(b, 1, 2, 3, 4, 5), 0o600); err != nil {
		t.Fatal(err)
	}
	rec, err := Repair(crashed)
	if want := (Recorded{Duration: 1800*time.Millisecond + durationOf(1), Bytes: int64(len(b)) + 4}); err != nil || rec != want {
		t.Errorf("%+v, %v, want %+v", rec, err, want)
	}
	left, _ := readStereo(t, crashed)
	equal(t, "repaired", want(90), frameMarks(left))
	p.close(2 * time.Second)

	for _, bad := range []string{"", "RIFFxxxxWAVE", strings.Repeat("x", 100)} {
		if err := os.WriteFile(crashed, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Repair(crashed); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestPausedSpanIsExactSilenceInBothChannelsAndKeepsTheTimeLine(t *testing.T) {
	p := newTape(t)
	for i := range 100 {
		if i == 30 {
			p.rec.Pause(p.start.Add(30 * frameTime))
			p.rec.Pause(p.start.Add(35 * frameTime))
		}
		if i == 60 {
			p.rec.Resume(p.start.Add(60 * frameTime))
		}
		p.frame(Left, i, 0)
		p.frame(Right, i, 0)
		if i%25 == 24 {
			p.flush(time.Duration(i+1) * frameTime)
		}
	}
	left, right := p.close(2 * time.Second)
	var silent []int
	for i := range 30 {
		silent = append(silent, 30+i)
	}
	// Frame 29 arrives as the pause begins; what arrives in a pause is not kept.
	equal(t, "left", want(100, append(silent, 29)...), left)
	equal(t, "right", want(100, append(silent, 29)...), right)
}

func TestPauseInThePastSilencesWhatIsOnDisk(t *testing.T) {
	p := newTape(t)
	for i := range 100 {
		p.frame(Left, i, 0)
	}
	p.flush(2 * time.Second)
	p.rec.Pause(p.start.Add(10 * frameTime))
	p.rec.Resume(p.start.Add(12 * frameTime))
	p.flush(2100 * time.Millisecond)
	left, _ := p.frames()
	if left[9] != 9 || left[10] != -1 || left[11] != -1 || left[12] != 12 {
		t.Errorf("%v", left[8:14])
	}
	p.close(3 * time.Second)
}

func TestRecordingTiesAnewSourceJumpAndDriftToTheWallClock(t *testing.T) {
	p := newTape(t)
	for i := range 10 {
		p.frame(Left, i, 0)
	}
	for i := 20; i < 30; i++ { // after a hold: another source with its own clock
		p.from(Left, 2, i, uint32(i+7777), 0)
	}
	for i := 40; i < 50; i++ { // the same source, clock set far ahead
		p.from(Left, 2, i, uint32(i+900000), 0)
	}
	left, right := p.close(time.Second)
	var silent []int
	for i := range 10 {
		silent = append(silent, 10+i, 30+i)
	}
	equal(t, "left", want(50, silent...), left)
	for i, m := range right {
		if m != -1 {
			t.Errorf("right frame %d: %d", i, m)
		}
	}

	p = newTape(t) // a clock 2 percent fast for a minute
	for i := range 3000 {
		k := packet{header: header{ts: uint32(i * frameSamples * 102 / 100)}}
		at := p.start.Add(time.Duration(i+1) * frameTime)
		p.rec.put(at, Left, 1, &k, audio(mark(i)))
		if tr := &p.rec.tracks[Left]; i%25 == 24 {
			p.flush(time.Duration(i+1) * frameTime)
			if off := tr.pos - int64(i*frameSamples); off > driftLimit+driftTime/40+frameSamples || off < -driftLimit {
				t.Fatalf("frame %d is placed %d samples off", i, off)
			}
		}
	}
	p.close(time.Minute)
}

func TestLatePacketIsDiscardedAndCounted(t *testing.T) {
	p := newTape(t)
	for i := range 50 {
		if i != 10 {
			p.frame(Left, i, 0)
		}
	}
	p.flush(time.Second)
	p.frame(Left, 10, 800*time.Millisecond)
	left, _ := p.close(time.Second)
	equal(t, "left", want(50, 10), left)
	if p.rec.late != 1 {
		t.Errorf("%d late", p.rec.late)
	}
}

func TestRandomLossReorderAndJitterNeverMisplaceAFrame(t *testing.T) {
	for seed := range uint64(20) {
		p := newTape(t)
		rnd := rand.New(rand.NewPCG(seed, 1))
		lost := map[int]bool{}
		var silent []int
		p.frame(Left, 0, 0)
		for i := 1; i < 500; i++ {
			if rnd.IntN(20) == 0 {
				lost[i] = true
				silent = append(silent, i)
				continue
			}
			p.frame(Left, i, time.Duration(rnd.IntN(100))*time.Millisecond)
			if rnd.IntN(50) == 0 {
				p.frame(Left, i, 0)
			}
			if i%25 == 0 {
				p.flush(time.Duration(i) * frameTime)
			}
		}
		left, _ := p.close(10 * time.Second)
		equal(t, "left", want(500, silent...), left)
	}
}

// fullDisk takes a number of bytes, then no more.
type fullDisk struct {
	*os.File
	room int
}

func (d *fullDisk) WriteAt(b []byte, at int64) (int, error) {
	if at == 0 { // the header is overwritten in place
		return d.File.WriteAt(b, at)
	}
	n := min(len(b), d.room)
	d.room -= n
	if _, err := d.File.WriteAt(b[:n], at); err != nil {
		return 0, err
	}
	if n < len(b) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func TestFullDiskEndsTheRecordingAndLeavesTheFilePlayable(t *testing.T) {
	p := newTape(t)
	p.rec.file = &fullDisk{File: p.rec.file.(*os.File), room: 30 * frameSamples * stereoFrame}
	for i := range 100 {
		p.frame(Left, i, 0)
		if i%25 == 24 {
			p.flush(time.Duration(i+1) * frameTime)
		}
	}
	if err := p.rec.Err(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("err: %v", err)
	}
	rec, err := p.rec.closeAt(p.start.Add(2 * time.Second))
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("close: %v", err)
	}
	info, statErr := os.Stat(p.path)
	if statErr != nil || info.Size() != rec.Bytes {
		t.Errorf("file %v, recorded %+v, %v", info, rec, statErr)
	}
	left, _ := p.frames()
	equal(t, "left", want(len(left)), left)
	if len(left) < 15 {
		t.Errorf("%d frames", len(left))
	}
	if again, err2 := p.rec.Close(); again != rec || !errors.Is(err2, syscall.ENOSPC) {
		t.Errorf("second close: %+v, %v", again, err2)
	}
}

func TestRecordingIsPrivateAndNeverOverwritesAnother(t *testing.T) {
	p := newTape(t)
	info, err := os.Stat(p.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	e, err := New(Config{}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.NewRecorder(p.path, RecorderOptions{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("second recording: %v", err)
	}
	p.close(0)
}

func TestStalledDiskDropsPacketsInsteadOfGrowingForEver(t *testing.T) {
	p := newTape(t)
	const n = maxQueue*chunkSlots + 100
	for i := range n {
		p.frame(Left, i, 0)
	}
	if p.rec.overflow != 100 {
		t.Errorf("%d dropped, want 100", p.rec.overflow)
	}
	left, _ := p.close(n * frameTime)
	equal(t, "left", want(n-100), left[:n-100])
}
