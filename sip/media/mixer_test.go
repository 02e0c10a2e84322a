package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const bossTone, guestTone = 1300, 1700

func TestATapHearsBothAndIsHeardByWhomItsModeSays(t *testing.T) {
	for _, laws := range [][3]Codec{{PCMU, PCMU, PCMU}, {PCMU, PCMA, PCMU}, {PCMA, PCMU, PCMA}} {
		t.Run(fmt.Sprint(laws), func(t *testing.T) {
			c := newConference(t, laws[0], laws[1])
			boss := c.phone(laws[2], bossTone)
			for _, mode := range []TapMode{Listen, Whisper, Barge, Listen, Barge, Whisper} {
				c.tap(boss, mode)
				c.runs(time.Second)
				c.hears("the caller", c.caller, map[float64]bool{callerTone: false, agentTone: true, bossTone: mode == Barge})
				c.hears("the agent", c.agent, map[float64]bool{callerTone: true, agentTone: false, bossTone: mode != Listen})
				c.hears("the tap", boss, map[float64]bool{callerTone: true, agentTone: true, bossTone: false})
			}
			c.bridge.Untap(boss.stream)
			c.runs(time.Second)
			c.hears("the caller", c.caller, map[float64]bool{agentTone: true, bossTone: false})
			c.hears("the agent", c.agent, map[float64]bool{callerTone: true, bossTone: false})
		})
	}
}

func TestTwoTapsHearEachOthersBargingButNotWhispers(t *testing.T) {
	c := newConference(t, PCMU, PCMA)
	boss, guest := c.phone(PCMU, bossTone), c.phone(PCMA, guestTone)
	for _, modes := range [][2]TapMode{{Listen, Listen}, {Whisper, Listen}, {Whisper, Whisper}, {Barge, Whisper}, {Barge, Barge}} {
		c.tap(boss, modes[0])
		c.tap(guest, modes[1])
		c.runs(time.Second)
		c.hears("the caller", c.caller, map[float64]bool{callerTone: false, agentTone: true, bossTone: modes[0] == Barge, guestTone: modes[1] == Barge})
		c.hears("the agent", c.agent, map[float64]bool{callerTone: true, agentTone: false, bossTone: modes[0] != Listen, guestTone: modes[1] != Listen})
		c.hears("the first tap", boss, map[float64]bool{callerTone: true, agentTone: true, bossTone: false, guestTone: modes[1] == Barge})
		c.hears("the second tap", guest, map[float64]bool{callerTone: true, agentTone: true, bossTone: modes[0] == Barge, guestTone: false})
	}
	if err := boss.stream.Close(); err != nil {
		t.Fatal(err)
	}
	c.runs(time.Second)
	c.hears("the caller", c.caller, map[float64]bool{agentTone: true, bossTone: false, guestTone: true})
	c.hears("the second tap", guest, map[float64]bool{callerTone: true, agentTone: true, bossTone: false})
}

// The tap says another tone in each mode, changing it in the instant in which its mode changes, while packets are on
// their way and in buffers.
func TestWhatIsWhisperedNeverReachesTheCallerOrTheRecording(t *testing.T) {
	tones := map[TapMode]float64{Listen: 1300, Whisper: 2100, Barge: 2900}
	for seed := range uint64(5) {
		c := newConference(t, PCMU, PCMA)
		rec, path := c.record()
		boss := c.phone(PCMU, 0)
		boss.delay = uneven(seed, 80*time.Millisecond)
		r := rand.New(rand.NewPCG(seed, 3))
		for range 40 {
			mode := TapMode(r.IntN(3))
			c.tap(boss, mode)
			boss.freq = tones[mode]
			c.runs(time.Duration(r.Int64N(100)) * slotTime)
			if r.IntN(8) == 0 {
				c.bridge.Untap(boss.stream)
				c.runs(time.Duration(r.Int64N(20)) * slotTime)
			}
			rec.flush(c.now, make([]byte, renderBytes))
		}
		if _, err := rec.closeAt(c.now); err != nil {
			t.Fatal(err)
		}
		left, right := readStereo(t, path)
		for what, heard := range map[string][]int16{"the caller": c.caller.heard, "the caller's recording": left, "the agent's recording": right} {
			if l := loudest(heard, tones[Whisper]); l > 0.03 {
				t.Errorf("seed %d: %s has the whisper at %.3f", seed, what, l)
			}
			if l := loudest(heard, tones[Listen]); l > 0.03 {
				t.Errorf("seed %d: %s has what was said while listening at %.3f", seed, what, l)
			}
			if Heard(heard, tones[Barge], 0.1) == 0 {
				t.Errorf("seed %d: %s has no barging", seed, what)
			}
		}
		if loudest(c.agent.heard, tones[Listen]) > 0.03 || Heard(c.agent.heard, tones[Whisper], 0.1) == 0 {
			t.Errorf("seed %d: the agent hears the listener, or no whisper", seed)
		}
	}
}

func TestRecordingKeepsTheSidesApartAndHasTheBargingOnBoth(t *testing.T) {
	c := newConference(t, PCMU, PCMA)
	rec, path := c.record()
	c.runs(time.Second)
	boss := c.phone(PCMA, bossTone)
	c.tap(boss, Listen)
	c.runs(time.Second)
	c.tap(boss, Barge)
	c.runs(time.Second)
	rec.Pause(c.now)
	c.runs(time.Second)
	rec.Resume(c.now)
	c.runs(time.Second)
	c.bridge.Untap(boss.stream)
	c.runs(time.Second)
	if _, err := rec.closeAt(c.now); err != nil {
		t.Fatal(err)
	}
	left, right := readStereo(t, path)
	for second, want := range []struct{ voices, barged bool }{{true, false}, {true, false}, {true, true}, {false, false}, {true, true}, {true, false}} {
		for i, side := range [][]int16{left, right} {
			own, other := []float64{callerTone, agentTone}[i], []float64{agentTone, callerTone}[i]
			part := side[second*sampleRate+sampleRate/2:][:sampleRate/4]
			for freq, heard := range map[float64]bool{own: want.voices, other: false, bossTone: want.barged} {
				if level := Goertzel(part, freq); heard && level < 0.2 || !heard && level > 0.01 {
					t.Errorf("second %d, channel %d has %v Hz at %.3f", second, i, freq, level)
				}
			}
		}
	}
}

func TestTheSwitchFromRelayToMixerAndBackLosesAtMostTwoFrames(t *testing.T) {
	c := newConference(t, PCMU, PCMU)
	boss := c.phone(PCMU, 0)
	heard := func() (at, ag time.Duration) {
		return Heard(c.caller.heard, agentTone, 0.05), Heard(c.agent.heard, callerTone, 0.05)
	}
	c.runs(time.Second)
	for range 10 {
		for _, switches := range []func(){func() { c.tap(boss, Listen) }, func() { c.bridge.Untap(boss.stream) }} {
			c.runs(5 * slotTime) // so that each switch is at another moment of the frame
			a0, b0 := heard()
			switches()
			c.runs(time.Second)
			a1, b1 := heard()
			if lost := time.Second - min(a1-a0, b1-b0); lost > 2*frameTime {
				t.Errorf("at %v: %v were lost", c.now.Sub(c.start), lost)
			}
		}
	}
}

func TestHoldPlaysMusicToEverybodyElseAndSilencesATap(t *testing.T) {
	const musicTone = 2100
	for _, early := range []bool{false, true} { // the hold begins before the tap, or after it
		c := newConference(t, PCMU, PCMU)
		boss := c.phone(PCMU, bossTone)
		hold := func() { c.bridge.Hold(c.agent.stream, Tone(time.Second, musicTone)) }
		if early {
			hold()
			c.runs(time.Second)
			c.hears("the caller", c.caller, map[float64]bool{musicTone: true, agentTone: false})
		}
		c.tap(boss, Barge)
		if !early {
			hold()
		}
		c.runs(time.Second)
		c.hears("the caller", c.caller, map[float64]bool{musicTone: true, agentTone: false, bossTone: true})
		c.hears("the tap", boss, map[float64]bool{musicTone: true, agentTone: false, callerTone: true})

		c.bridge.Hold(boss.stream, Tone(time.Second, musicTone))
		c.bridge.Unhold(c.agent.stream)
		c.runs(time.Second)
		c.hears("the caller", c.caller, map[float64]bool{musicTone: false, agentTone: true, bossTone: false})
		c.hears("the agent", c.agent, map[float64]bool{callerTone: true, bossTone: false})
		c.bridge.Unhold(boss.stream)
		c.runs(time.Second)
		c.hears("the caller", c.caller, map[float64]bool{bossTone: true})

		c.bridge.Hold(c.caller.stream, Tone(time.Second, musicTone))
		c.bridge.Untap(boss.stream)
		c.runs(time.Second)
		c.hears("the agent", c.agent, map[float64]bool{musicTone: true, callerTone: false, bossTone: false})
		c.bridge.Unhold(c.caller.stream)
		c.runs(time.Second)
		c.hears("the agent", c.agent, map[float64]bool{musicTone: false, callerTone: true})
	}
}

func TestLegGoneInTheMiddleLeavesTheTapUpAndUnheard(t *testing.T) {
	c := newConference(t, PCMU, PCMU)
	boss := c.phone(PCMU, bossTone)
	c.tap(boss, Barge)
	c.runs(time.Second)
	if err := c.caller.stream.Close(); err != nil {
		t.Fatal(err)
	}
	sent := boss.stream.Stats().PacketsSent
	c.all = c.all[1:]
	c.runs(time.Second)
	if now := boss.stream.Stats().PacketsSent; now != sent {
		t.Errorf("%d packets to the tap of no bridge", now-sent)
	}
	if !c.engine.shards[0].off() {
		t.Error("the mixer is still on the wheel")
	}
	boss.stream.Silence()
	c.runs(time.Second)
	if level := boss.level(callerTone, 200*time.Millisecond); level > 0.01 {
		t.Errorf("the tap hears the caller at %.3f", level)
	}
	other, err := c.engine.Bridge(c.agent.stream, boss.stream, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.bridge = other
	boss.stream.Stop()
	c.runs(time.Second)
	c.hears("the agent", c.agent, map[float64]bool{bossTone: true})
}

// off reports whether the wheel is empty.
func (p *shard) off() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count == 0
}

func TestDigitsPassFromLegToLegWhileMixedAndATapsGoNowhere(t *testing.T) {
	c := newConference(t, PCMU, PCMA)
	boss := c.phone(PCMU, bossTone)
	c.tap(boss, Barge)
	c.runs(time.Second)
	press := func(p *speaker) {
		ts := p.peer.next.Timestamp
		p.mute = true
		for i := range uint16(5) {
			p.keys(c, ts, false, (i+1)*frameSamples)
			c.runs(frameTime)
		}
		for range digitEnds {
			p.keys(c, ts, true, 5*frameSamples)
		}
		c.runs(frameTime)
		p.mute = false
		c.runs(time.Second)
	}
	press(c.caller)
	press(boss)
	var want []telephoneEvent
	for i := range uint16(8) {
		want = append(want, telephoneEvent{code: 5, end: i >= 5, volume: 10, duration: min(i+1, 5) * frameSamples})
	}
	if diff := cmp.Diff(want, c.agent.digits, cmp.AllowUnexported(telephoneEvent{})); diff != "" {
		t.Error(diff)
	}
	if len(c.caller.digits)+len(boss.digits) > 0 {
		t.Errorf("the caller got %v, the tap %v", c.caller.digits, boss.digits)
	}
	for _, s := range []*Stream{c.caller.stream, boss.stream} {
		if e := nextEvent(t, s); e.Kind != DigitStart || e.Digit != '5' {
			t.Errorf("event %+v", e)
		}
	}
	c.hears("the agent", c.agent, map[float64]bool{callerTone: true, bossTone: true})
}

func TestAPassedPressKeepsItsSegmentsTogetherAndStragglersStayOut(t *testing.T) {
	c := newConference(t, PCMU, PCMU)
	c.tap(c.phone(PCMU, 0), Listen)
	c.runs(time.Second)
	c.caller.mute = true
	ts := c.caller.peer.next.Timestamp
	for _, p := range []struct {
		ts       uint32
		end      bool
		duration uint16
	}{
		{ts, false, 160},
		{ts, false, maxEventTime},
		{ts + maxEventTime, false, 320}, // held for longer than a packet can say
		{ts, false, maxEventTime},       // reordered
		{ts + maxEventTime, true, 480},
		{ts + maxEventTime + 4000, true, 160}, // the next press
	} {
		c.caller.keys(c, p.ts, p.end, p.duration)
		c.runs(frameTime)
	}
	got := c.agent.stamps
	if len(got) != 5 || got[1] != got[0] || got[2] != got[0]+maxEventTime || got[3] != got[2] || int32(got[4]-got[3]) <= 0 {
		t.Errorf("timestamps %v", got)
	}
}

func TestLoudVoicesSaturateInsteadOfWrapping(t *testing.T) {
	c := newConference(t, PCMU, PCMU)
	boss, guest := c.phone(PCMU, callerTone), c.phone(PCMU, callerTone)
	for _, p := range c.all {
		p.freq = callerTone
	}
	c.tap(boss, Barge)
	c.tap(guest, Barge)
	loud := make([]int16, frameSamples)
	for i := range loud {
		loud[i] = 30000
	}
	c.runs(time.Second)
	for _, x := range c.bridge.mixer.seats {
		copy(x.frame[:], loud)
	}
	c.bridge.mixer.mixFor(c.bridge.mixer.seats[0])
	if v := c.bridge.mixer.mix[0]; v != 32767 {
		t.Errorf("three times 30000 is %d", v)
	}
}

func TestTapRefusesWhatItCannotSeat(t *testing.T) {
	c := newConference(t, PCMU, PCMU)
	other := newConference(t, PCMU, PCMU)
	boss := c.phone(PCMU, 0)
	for what, err := range map[string]error{
		"a leg of the bridge":  c.bridge.Tap(c.caller.stream, Listen),
		"a leg of another one": c.bridge.Tap(other.caller.stream, Listen),
	} {
		if !errors.Is(err, ErrBridged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := c.bridge.Tap(boss.stream, Barge+1); !errors.Is(err, ErrParams) {
		t.Errorf("an unknown mode: %v", err)
	}
	c.tap(boss, Listen)
	if err := other.bridge.Tap(boss.stream, Listen); !errors.Is(err, ErrBridged) {
		t.Errorf("a tap of another bridge: %v", err)
	}
	c.bridge.Close()
	if err := c.bridge.Tap(boss.stream, Listen); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed bridge: %v", err)
	}
	if err := other.bridge.Tap(boss.stream, Listen); err != nil {
		t.Errorf("after the bridge was closed: %v", err)
	}
	if err := boss.stream.Close(); err != nil {
		t.Fatal(err)
	}
	if err := other.bridge.Tap(boss.stream, Listen); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed stream: %v", err)
	}
}

func TestMixingDoesNotAllocate(t *testing.T) {
	c := newConference(t, PCMU, PCMA)
	rec, _ := c.record()
	for range 32 {
		c.engine.writers.recycle(new(chunk))
	}
	boss := c.phone(PCMA, bossTone)
	c.tap(boss, Barge)
	c.runs(time.Second)
	var buf [headerSize + frameSamples]byte
	packets := make([][]byte, len(c.all))
	heads := make([]header, len(c.all))
	for i, p := range c.all {
		packets[i] = p.peer.marshal(p.frame())
		heads[i].parse(packets[i])
	}
	if n := testing.AllocsPerRun(100, func() {
		c.now = c.now.Add(frameTime)
		for i, p := range c.all {
			heads[i].seq++
			heads[i].ts += frameSamples
			heads[i].put(packets[i])
			p.stream.receive(c.now, p.peer.addr(), packets[i])
		}
		c.bridge.mixer.tick(c.now, buf[:])
	}); n != 0 {
		t.Errorf("%v allocations per mixed frame", n)
	}
	if _, err := rec.closeAt(c.now); err != nil {
		t.Fatal(err)
	}
}

// A minute of talk in which one phone has everything against it: packets are lost and come unevenly, its clock is
// wrong. It says a tone in the first half of each second of its own clock.
func TestAMinuteOfLossJitterAndAWrongClockStaysInTime(t *testing.T) {
	const minute = 60
	for _, skew := range []float64{0, 0.001, -0.001} {
		c := newConference(t, PCMU, PCMA)
		c.caller.lost, c.caller.skew = lossy(7, 0.05), skew
		c.caller.delay, c.caller.pulse = uneven(7, 40*time.Millisecond), true
		boss := c.phone(PCMU, 0)
		c.tap(boss, Listen)
		c.runs(minute * time.Second)
		for who, p := range map[string]*speaker{"the agent": c.agent, "the tap": boss} {
			delays := onsets(p.heard, callerTone)
			if len(delays) != minute {
				t.Fatalf("skew %v: %s heard %d of %d tones", skew, who, len(delays), minute)
			}
			for second, at := range delays {
				said := float64(second) * (1 + skew)
				if d := at.Seconds() - said; d < 0.02 || d > 0.12 {
					t.Errorf("skew %v, second %d: heard by %s %.0f ms after it was said", skew, second, who, d*1000)
				}
			}
			if got, want := Heard(p.heard, callerTone, 0.05), minute*time.Second/2*95/100; got < want {
				t.Errorf("skew %v: %s heard %v of 30 s of tones", skew, who, got)
			}
			if got := samplesIn(minute * time.Second); int64(len(p.heard)) < got-3*frameSamples || int64(len(p.heard)) > got+frameSamples {
				t.Errorf("skew %v: %s heard %v", skew, who, durationOf(int64(len(p.heard))))
			}
		}
	}
}

// onsets are the instants at which freq begins after at least a fifth of a second without it.
func onsets(samples []int16, freq float64) (at []time.Duration) {
	const step = frameSamples / 4
	quiet := sampleRate
	for from := 0; from+frameSamples <= len(samples); from += step {
		if Goertzel(samples[from:from+frameSamples], freq) < 0.125 {
			quiet += step
			continue
		}
		if quiet >= sampleRate/5 {
			at = append(at, durationOf(int64(from)))
		}
		quiet = 0
	}
	return at
}
