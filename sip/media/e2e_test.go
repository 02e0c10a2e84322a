package media

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// ear collects what a stream hears.
type ear struct {
	mu      sync.Mutex
	samples []int16
}

func listen(s *Stream, c Codec) *ear {
	e := &ear{}
	s.OnAudio(func(payload []byte, _ uint32) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.samples = c.decode(e.samples, payload)
	})
	return e
}

func (e *ear) heard(freq float64) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Heard(e.samples, freq, 0.05)
}

// await polls the ear until it heard freq for d; the poll is a bounded wait, not a clock that is asserted on.
func (e *ear) await(t *testing.T, freq float64, d time.Duration) {
	t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for end := time.After(within); e.heard(freq) < d; {
		select {
		case <-poll.C:
		case <-end:
			t.Fatalf("heard %v Hz for %v, want %v", freq, e.heard(freq), d)
		}
	}
}

// connect makes a call's leg: a stream of the server and one of a phone that know each other.
func connect(t *testing.T, server, phone *Engine, c Codec) (leg, far *Stream) {
	t.Helper()
	leg, far = open(t, server), open(t, phone)
	configure(t, leg, Params{Remote: far.LocalAddr(), RemoteRTCP: far.RTCPAddr(), Codec: c, DTMFPayload: 101})
	configure(t, far, Params{Remote: leg.LocalAddr(), RemoteRTCP: leg.RTCPAddr(), Codec: c, DTMFPayload: 101})
	return leg, far
}

func TestCallWithPromptMusicBridgeHoldDigitsAndRecordingOverRealSockets(t *testing.T) {
	server, phones := newEngine(t, Config{}), newEngine(t, Config{PortMin: 40000, PortMax: 44999})
	caller, callerPhone := connect(t, server, phones, PCMU)
	agent, agentPhone := connect(t, server, phones, PCMA)
	atCaller, atAgent := listen(callerPhone, PCMU), listen(agentPhone, PCMA)

	prompt := caller.Play(Tone(100*time.Millisecond, 500), Tone(100*time.Millisecond, 700))
	done(t, "prompt", prompt.Done())
	if !prompt.Completed() {
		t.Error("prompt was not completed")
	}
	atCaller.await(t, 500, 100*time.Millisecond)
	atCaller.await(t, 700, 100*time.Millisecond)

	if err := callerPhone.SendDTMF(context.Background(), "1#"); err != nil {
		t.Fatal(err)
	}
	var digits []byte
	for range 2 {
		start, end := nextEvent(t, caller), nextEvent(t, caller)
		if start.Kind != DigitStart || end.Kind != DigitEnd || end.Duration != 100*time.Millisecond {
			t.Errorf("events %+v %+v", start, end)
		}
		digits = append(digits, start.Digit)
	}
	if string(digits) != "1#" {
		t.Errorf("digits %q", digits)
	}

	music := Tone(time.Second, 900)
	caller.Music(music)
	atCaller.await(t, 900, 100*time.Millisecond)

	path := filepath.Join(t.TempDir(), "call.wav")
	rec, err := server.NewRecorder(path, RecorderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bridge, err := server.Bridge(caller, agent, rec)
	if err != nil {
		t.Fatal(err)
	}
	callerPhone.Music(Tone(time.Second, 1100))
	agentPhone.Music(Tone(time.Second, 1300))
	atCaller.await(t, 1300, 300*time.Millisecond)
	atAgent.await(t, 1100, 300*time.Millisecond)

	bridge.Hold(agent, music)
	before := atCaller.heard(900)
	atCaller.await(t, 900, before+100*time.Millisecond)
	bridge.Unhold(agent)
	before = atCaller.heard(1300)
	atCaller.await(t, 1300, before+100*time.Millisecond)

	if err := agentPhone.SendDTMF(context.Background(), "9"); err != nil {
		t.Fatal(err)
	}
	if e := nextEvent(t, callerPhone); e.Kind != DigitStart || e.Digit != '9' {
		t.Errorf("the caller's phone got %+v", e)
	}

	bridge.Close()
	recorded, err := rec.Close()
	if err != nil {
		t.Fatal(err)
	}
	left, right := readStereo(t, path)
	if durationOf(int64(len(left))) != recorded.Duration {
		t.Errorf("file of %v, recorded %v", durationOf(int64(len(left))), recorded.Duration)
	}
	if l, r := Heard(left, 1100, 0.05), Heard(right, 1300, 0.05); l < 300*time.Millisecond || r < 300*time.Millisecond {
		t.Errorf("recorded left %v, right %v of %v", l, r, recorded.Duration)
	}
	if l, r := Heard(left, 1300, 0.05), Heard(right, 1100, 0.05); l != 0 || r != 0 {
		t.Errorf("channels mixed: %v, %v", l, r)
	}
	want := Stats{Locked: true, Source: callerPhone.LocalAddr()}
	got := caller.Stats()
	ignore := cmpopts.IgnoreFields(Stats{}, "PacketsSent", "BytesSent", "PacketsReceived", "BytesReceived", "Jitter", "MOS")
	same := cmpopts.EquateComparable(Stats{}.Source)
	if diff := cmp.Diff(want, got, ignore, same); diff != "" {
		t.Error(diff)
	}
	if got.MOS < 4 {
		t.Errorf("MOS %v without loss", got.MOS)
	}
}

func readStereo(t *testing.T, path string) (left, right []int16) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	channels, err := ReadWAV(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(channels) != 2 {
		t.Fatalf("%d channels", len(channels))
	}
	return channels[0], channels[1]
}
