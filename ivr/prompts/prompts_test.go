package prompts

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEveryTextOfTheProgramHasItsCurrentRecording(t *testing.T) {
	for _, lang := range Languages() {
		faults, err := Check(Files(), lang)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range faults {
			t.Errorf("%v; run firstline prompts build --language %s", f, lang)
		}
	}
}

// Whatever is said in English by one prompt is said so in every language. Numbers
// are pieced together in each language's own way, which package say's tests hold.
func TestEveryLanguageHasEverySentence(t *testing.T) {
	sentences := func(lang string) []string {
		c, err := Load(Files(), lang)
		if err != nil {
			t.Fatal(err)
		}
		keys := slices.DeleteFunc(c.Keys(), isPiece)
		slices.Sort(keys)
		return keys
	}
	for _, lang := range Languages() {
		if diff := cmp.Diff(sentences(Fallback), sentences(lang)); diff != "" {
			t.Errorf("%s (-en +%s):\n%s", lang, lang, diff)
		}
	}
}

// isPiece reports whether a key is of a number or a date.
func isPiece(key string) bool {
	switch what, _, _ := strings.Cut(key, "-"); what {
	case "digit", "number", "one", "and", "y", "the", "of", "day":
		return true
	}
	return false
}

func TestEveryRecordingIsTelephoneAudioWithinTheSizeBudget(t *testing.T) {
	for _, lang := range Languages() {
		t.Run(lang, func(t *testing.T) { telephoneAudio(t, lang) })
	}
}

func telephoneAudio(t *testing.T, lang string) {
	c, err := Load(Files(), lang)
	if err != nil {
		t.Fatal(err)
	}
	var speech int
	for _, key := range append(c.Keys(), Music, Beep) {
		b, err := c.WAV(key)
		if err != nil {
			t.Error(err)
			continue
		}
		s, err := decodeWAV(b)
		if err != nil || s.rate != Rate {
			t.Errorf("%s: %d Hz, %v; want %d Hz", key, s.rate, err, Rate)
		}
		if peak := decibels(maxAbs(s.samples)); peak > -3 {
			t.Errorf("%s: peak %.1f dBFS, want below -3", key, peak)
		}
		if key == Music || key == Beep {
			continue
		}
		speech += len(b)
		if l := decibels(speechLevel(s.samples)); l < loudness-1.5 || l > loudness+0.5 {
			t.Errorf("%s: speech at %.1f dBFS, want about %v", key, l, loudness)
		}
		if d := c.Duration(key); d != s.duration().Truncate(time.Millisecond) {
			t.Errorf("%s: the manifest says %v, the recording lasts %v", key, d, s.duration())
		}
	}
	if speech > 2_000_000 {
		t.Errorf("the speech takes %d bytes, want below 2 MB", speech)
	}
}

func TestMusicLoopsWithoutAStep(t *testing.T) {
	m := music()
	x := m.samples
	var step float64
	for i := 1; i < len(x); i++ {
		step = max(step, math.Abs(x[i]-x[i-1]))
	}
	if seam := math.Abs(x[0] - x[len(x)-1]); seam > step {
		t.Errorf("step at the seam %.4f, largest elsewhere %.4f", seam, step)
	}
	if d := m.duration(); d < 30*time.Second || d > 40*time.Second {
		t.Errorf("lasts %v", d)
	}
}

func TestUnknownPromptIsNamed(t *testing.T) {
	c, err := Load(Files(), "en")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WAV("../en/welcome"); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	if c.Has("no-such-thing") || c.Text("no-such-thing") != "" {
		t.Error("an unknown key has a text")
	}
}

func TestFaultyTextsAreAllReported(t *testing.T) {
	_, err := Load(fstest.MapFS{"en.yaml": {Data: []byte("../x: a\nfine: b\nempty: \"\"\nmusic: c\nnumber: 1\n")}}, "en")
	for _, want := range []string{`"../x"`, "empty", "music", "number"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestCheckNamesWhatDoesNotFit(t *testing.T) {
	dir := catalogue(t, "same: one\nchanged: two\nswapped: three\nmissing: four\ngone: five\n")
	if err := Build(t.Context(), dir, "en", toneSynth(t)); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "en.yaml", "same: one\nchanged: TWO\nswapped: three\nmissing: four\nnew: six\n")
	write(t, dir, "en/swapped.wav", "something else")
	if err := os.Remove(filepath.Join(dir, "en", "missing.wav")); err != nil {
		t.Fatal(err)
	}
	faults, err := Check(os.DirFS(dir), "en")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, f := range faults {
		keys = append(keys, f.Key)
	}
	if diff := cmp.Diff([]string{"changed", "swapped", "missing", "new", "gone"}, keys); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestBuildMakesOnlyWhatIsStale(t *testing.T) {
	dir := catalogue(t, "same: one\nchanged: two\ngone: three\n")
	if err := Build(t.Context(), dir, "en", toneSynth(t)); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "en.yaml", "same: one\nchanged: TWO\n")
	log := filepath.Join(t.TempDir(), "spoken")
	synth := Command{"sh", "-c", `tee -a "$0" >/dev/null; cat "$1"`, log, toneFile(t)}
	if err := Build(t.Context(), dir, "en", synth); err != nil {
		t.Fatal(err)
	}
	if spoken, err := os.ReadFile(log); err != nil || string(spoken) != "TWO\n" {
		t.Errorf("spoken %q, %v; want only the changed text", spoken, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "en", "gone.wav")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the recording without a text is still there: %v", err)
	}
	if faults, err := Check(os.DirFS(dir), "en"); err != nil || len(faults) > 0 {
		t.Errorf("after the build: %v, %v", faults, err)
	}
}

func TestBuildGoesOnWhereItFailed(t *testing.T) {
	dir := catalogue(t, "first: one\nsecond: two\n")
	synth := Command{"sh", "-c", `read -r t; [ "$t" = one ] || { echo no voice >&2; exit 3; }; cat "$0"`, toneFile(t)}
	err := Build(t.Context(), dir, "en", synth)
	if err == nil || !strings.Contains(err.Error(), `"second"`) || !strings.Contains(err.Error(), "no voice") {
		t.Fatalf("got %v, want the prompt and what the synthesiser said", err)
	}
	faults, err := Check(os.DirFS(dir), "en")
	if err != nil || len(faults) != 1 || faults[0].Key != "second" {
		t.Errorf("after the failure: %v, %v; want only the second missing", faults, err)
	}
}

func TestBuildEndsWithItsContext(t *testing.T) {
	dir := catalogue(t, "first: one\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Build(ctx, dir, "en", toneSynth(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestSilenceIsNoRecording(t *testing.T) {
	dir := catalogue(t, "first: one\n")
	name := filepath.Join(t.TempDir(), "silence.wav")
	write(t, filepath.Dir(name), "silence.wav", string(encodeWAV(sound{rate: Rate, samples: make([]float64, Rate)})))
	err := Build(t.Context(), dir, "en", Command{"cat", name})
	if err == nil || !strings.Contains(err.Error(), "silence") {
		t.Errorf("got %v", err)
	}
}

func TestResamplingKeepsToneAndRemovesWhatCannotBeHeard(t *testing.T) {
	for _, from := range []int{16_000, 22_050, 32_000, 44_100, 8000, 11_025} {
		kept := middle(resample(sine(from, 1000), from, Rate))
		if l := decibels(rms(kept)); math.Abs(l-decibels(math.Sqrt(0.5))) > 0.1 {
			t.Errorf("%d Hz: a tone of 1,000 Hz comes out at %.2f dBFS, want -3.01", from, l)
		}
		if zero := crossings(kept); math.Abs(zero-1000) > 2 {
			t.Errorf("%d Hz: a tone of 1,000 Hz comes out as %.0f Hz", from, zero)
		}
		if from > 10_000 {
			gone := middle(resample(sine(from, 5000), from, Rate))
			if l := decibels(rms(gone)); l > -60 {
				t.Errorf("%d Hz: a tone of 5,000 Hz folds back at %.1f dBFS", from, l)
			}
		}
	}
}

func TestShapingTrimsSilenceAndSetsLoudness(t *testing.T) {
	x := slices.Concat(make([]float64, 16_000), sine(16_000, 500), make([]float64, 8000))
	s := forTelephone(sound{rate: 16_000, samples: x})
	if d, want := s.duration(), time.Second+80*time.Millisecond; (d - want).Abs() > 20*time.Millisecond {
		t.Errorf("lasts %v, want %v", d, want)
	}
	if l := decibels(speechLevel(s.samples)); math.Abs(l-loudness) > 0.5 {
		t.Errorf("loudness %.1f dBFS, want %v", l, loudness)
	}
	if s.samples[0] != 0 {
		t.Errorf("begins with a click of %v", s.samples[0])
	}
}

func TestAPauseIsNoLongerThanABreath(t *testing.T) {
	tone := sine(8000, 500)
	s := forTelephone(sound{rate: 8000, samples: slices.Concat(tone, make([]float64, 8000), tone, make([]float64, 1600), tone)})
	if d, want := s.duration(), 3*time.Second+280*time.Millisecond+200*time.Millisecond; (d - want).Abs() > 40*time.Millisecond {
		t.Errorf("lasts %v, want %v", d, want)
	}
}

func TestTiltLiftsTheConsonants(t *testing.T) {
	low, high := rms(middle(tilt(sine(Rate, 300), presence))), rms(middle(tilt(sine(Rate, 3400), presence)))
	if d := decibels(high / low); d < 14 || d > 17 {
		t.Errorf("3,400 Hz is %.1f dB above 300 Hz, want about 15", d)
	}
}

func TestWAVIsReadAsWritten(t *testing.T) {
	want := sound{rate: Rate}
	for code := range 256 {
		want.samples = append(want.samples, float64(fromMulaw(byte(code)))/32768)
	}
	got, err := decodeWAV(encodeWAV(want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.samples, got.samples); diff != "" || got.rate != want.rate {
		t.Errorf("rate %d, samples (-want +got):\n%s", got.rate, diff)
	}
}

func TestWAVFromAPipeEndsWithTheFile(t *testing.T) {
	b := encodeWAV(sound{rate: Rate, samples: make([]float64, 100)})
	binary.LittleEndian.PutUint32(b[40:], 0x7ffff000) // what espeak-ng writes
	if s, err := decodeWAV(b); err != nil || len(s.samples) != 100 {
		t.Errorf("%d samples, %v; want 100", len(s.samples), err)
	}
}

func TestWhatIsNoWAVIsRefused(t *testing.T) {
	good := encodeWAV(sound{rate: Rate, samples: make([]float64, 4)})
	mutate := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("Usage: say TEXT"), "no data": good[:36],
		"float samples": mutate(20, 3), "16 bits of mu-law": mutate(34, 16), "no channels": mutate(22, 0),
	} {
		if _, err := decodeWAV(b); !errors.Is(err, ErrNotWAV) {
			t.Errorf("%s: got %v, want ErrNotWAV", name, err)
		}
	}
}

func FuzzDecodeWAV(f *testing.F) {
	f.Add(encodeWAV(sound{rate: Rate, samples: []float64{0, 1, -1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeWAV(b)
		if err != nil && !errors.Is(err, ErrNotWAV) {
			t.Errorf("%v is no ErrNotWAV", err)
		}
		if len(s.samples) > len(b) {
			t.Errorf("%d samples from %d bytes", len(s.samples), len(b))
		}
	})
}

// toneSynth says everything as a tone of one second.
func toneSynth(t *testing.T) Command { return Command{"cat", toneFile(t)} }

func toneFile(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "tone.wav", string(encodeWAV(sound{rate: 16_000, samples: sine(16_000, 440)})))
	return filepath.Join(dir, "tone.wav")
}

func catalogue(t *testing.T, texts string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "en.yaml", texts)
	return dir
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func sine(rate int, hz float64) []float64 {
	x := make([]float64, rate)
	for i := range x {
		x[i] = math.Sin(2 * math.Pi * hz * float64(i) / float64(rate))
	}
	return x
}

// middle leaves out the edges, where a filter has not settled.
func middle(x []float64) []float64 { return x[len(x)/10 : len(x)*9/10] }

func rms(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum / float64(len(x)))
}

// crossings is the frequency by upward zero crossings, in Hz.
func crossings(x []float64) float64 {
	first, last, n := -1, 0, 0
	for i := 1; i < len(x); i++ {
		if x[i-1] < 0 && x[i] >= 0 {
			if first < 0 {
				first = i
			}
			last, n = i, n+1
		}
	}
	return float64(n-1) / float64(last-first) * Rate
}

func maxAbs(x []float64) float64 {
	var m float64
	for _, v := range x {
		m = max(m, math.Abs(v))
	}
	return m
}

func decibels(v float64) float64 { return 20 * math.Log10(v) }
