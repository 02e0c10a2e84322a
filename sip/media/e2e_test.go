package media

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// await polls until the ear heard freq for d; the poll is a bounded wait, not a clock that is asserted on.
func await(t *testing.T, e *Ear, freq float64, d time.Duration) {
	t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for end := time.After(within); e.Heard(freq) < d; {
		select {
		case <-poll.C:
		case <-end:
			t.Fatalf("heard %v Hz for %v, want %v", freq, e.Heard(freq), d)
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
	atCaller, atAgent := NewEar(callerPhone, PCMU, time.Minute), NewEar(agentPhone, PCMA, time.Minute)

	prompt := caller.Play(Tone(100*time.Millisecond, 500), Tone(100*time.Millisecond, 700))
	done(t, "prompt", prompt.Done())
	if !prompt.Completed() {
		t.Error("prompt was not completed")
	}
	await(t, atCaller, 500, 100*time.Millisecond)
	await(t, atCaller, 700, 100*time.Millisecond)

	if err := callerPhone.SendDTMF(t.Context(), "1#"); err != nil {
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
	await(t, atCaller, 900, 100*time.Millisecond)

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
	await(t, atCaller, 1300, 300*time.Millisecond)
	await(t, atAgent, 1100, 300*time.Millisecond)

	bridge.Hold(agent, music)
	before := atCaller.Heard(900)
	await(t, atCaller, 900, before+100*time.Millisecond)
	bridge.Unhold(agent)
	before = atCaller.Heard(1300)
	await(t, atCaller, 1300, before+100*time.Millisecond)

	if err := agentPhone.SendDTMF(t.Context(), "9"); err != nil {
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
	ignore := cmpopts.IgnoreFields(Stats{}, "PacketsSent", "BytesSent", "PacketsReceived", "BytesReceived", "Jitter", "MOS", "RTT", "RemoteJitter")
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
