package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

func TestConfigNamesAllItsFaultsAtOnce(t *testing.T) {
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("zero value: %v", err)
	}
	err := Config{
		IP: netip.MustParseAddr("224.0.0.1"), PortMin: 80, PortMax: 79, Shards: -1, Quarantine: -1, FlushEvery: time.Hour,
	}.Validate()
	for _, want := range []string{"224.0.0.1", "80-79", "below 1024", "-1 pacer shards", "quarantine", "1h0m0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestG711RoundTripStaysWithinItsStep(t *testing.T) {
	for v := math.MinInt16; v <= math.MaxInt16; v++ {
		s := int16(v)
		u, a := pcmuToLinear(linearToPCMU(s)), pcmaToLinear(linearToPCMA(s))
		// half a step of the segment is at most 1/32 of the value, and 16 near zero; mu-law clips at 32635.
		limit := math.Abs(float64(v))/32 + 16
		if math.Abs(float64(v)-float64(a)) > limit || math.Abs(float64(v)-float64(u)) > limit+132 {
			t.Fatalf("%d became %d by mu-law, %d by A-law", v, u, a)
		}
	}
	// ITU-T G.711: the ends and the middle of both laws.
	for code, want := range map[byte]int16{0x00: -32124, 0x80: 32124, 0xFF: 0, 0x7F: 0} {
		if got := pcmuToLinear(code); got != want {
			t.Errorf("mu-law %#x is %d, want %d", code, got, want)
		}
	}
	for code, want := range map[byte]int16{0x2A: -32256, 0xAA: 32256, 0xD5: 8, 0x55: -8} {
		if got := pcmaToLinear(code); got != want {
			t.Errorf("A-law %#x is %d, want %d", code, got, want)
		}
	}
}

func TestTranscodingTablesAreTheLawsIntoEachOther(t *testing.T) {
	for i := range 256 {
		b := []byte{byte(i)}
		transcode(b, PCMU, PCMA)
		if want := linearToPCMA(pcmuToLinear(byte(i))); b[0] != want {
			t.Errorf("mu-law %#x became %#x, want %#x", i, b[0], want)
		}
		b[0] = byte(i)
		transcode(b, PCMA, PCMU)
		if want := linearToPCMU(pcmaToLinear(byte(i))); b[0] != want {
			t.Errorf("A-law %#x became %#x, want %#x", i, b[0], want)
		}
	}
}

func TestGoertzelMeasuresAmplitudeAtItsFrequencyOnly(t *testing.T) {
	samples := Tone(200*time.Millisecond, 440).Samples()
	if a := Goertzel(samples, 440); math.Abs(a-0.25) > 0.01 {
		t.Errorf("amplitude %v, want 0.25", a)
	}
	if a := Goertzel(samples, 1000); a > 0.01 {
		t.Errorf("1000 Hz in a 440 Hz tone: %v", a)
	}
	if a := Goertzel(nil, 440); a != 0 {
		t.Errorf("in nothing: %v", a)
	}
}

func TestWAVRoundTripAndClearRefusals(t *testing.T) {
	var b bytes.Buffer
	in := []int16{0, 1, -1, math.MaxInt16, math.MinInt16}
	if err := EncodeWAV(&b, in); err != nil {
		t.Fatal(err)
	}
	good := b.Bytes()
	out, err := ReadWAV(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]int16{in}, out); diff != "" {
		t.Error(diff)
	}
	a, err := DecodeWAV(bytes.NewReader(good))
	if err != nil || a.Duration() != frameTime {
		t.Errorf("%v, %v", a, err)
	}
	change := func(at int, v uint16) []byte {
		c := bytes.Clone(good)
		binary.LittleEndian.PutUint16(c[at:], v)
		return c
	}
	for want, bad := range map[string][]byte{
		"no RIFF":      []byte("hello"),
		"encoding 6":   change(20, 6),
		"3 channels":   change(22, 3),
		"16000 Hz":     change(24, 16000),
		"8 bit":        change(34, 8),
		"no data":      good[:36],
		"2 channels":   change(22, 2),
		"no audio":     good[:44],
		"fmt chunk of": append(change(16, 4)[:20:20], good[36:]...),
	} {
		if _, err := DecodeWAV(bytes.NewReader(bad)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}

func TestPairsAreEvenOddQuarantinedAndRunOut(t *testing.T) {
	const first = 12344 // below the ephemeral range, where other tests are
	p := newPorts(Config{PortMin: first - 1, PortMax: first + 6, Quarantine: 8 * time.Second}.withDefaults())
	now := time.Now()
	taken := map[int]bool{}
	for range 3 {
		pair, rtp, rtcp, err := p.take(now)
		if err != nil {
			t.Fatal(err)
		}
		defer rtp.Close()
		defer rtcp.Close()
		a, b := rtp.local.String(), rtcp.LocalAddr().String()
		if port := first + 2*pair; taken[pair] || !strings.HasSuffix(a, strconv.Itoa(port)) || !strings.HasSuffix(b, strconv.Itoa(port+1)) {
			t.Errorf("pair %d: %s, %s", pair, a, b)
		}
		taken[pair] = true
	}
	if _, _, _, err := p.take(now); !errors.Is(err, ErrNoPorts) {
		t.Errorf("fourth of three: %v", err)
	}
	p.release(now, 1)
	if _, _, _, err := p.take(now.Add(8*time.Second - 1)); !errors.Is(err, ErrNoPorts) {
		t.Errorf("in quarantine: %v", err)
	}
	if p.inUse() != 2 {
		t.Errorf("%d in use, want 2", p.inUse())
	}
	// After the quarantine the pair is tried again; its sockets are still bound here, as by another program.
	if _, _, _, err := p.take(now.Add(8 * time.Second)); !errors.Is(err, ErrNoPorts) {
		t.Errorf("bound elsewhere: %v", err)
	}
}

func TestLateWheelCatchesUpThreeFramesThenSkips(t *testing.T) {
	for _, c := range []struct {
		late time.Duration
		want int64 // ticks further
	}{{0, 0}, {slotTime, 0}, {60 * time.Millisecond, 0}, {61 * time.Millisecond, 12}, {500 * time.Millisecond, 100}} {
		const tick = 7
		if got := resync(tick, tick*slotTime+c.late, maxCatchUp); got != tick+c.want {
			t.Errorf("%v late: tick %d, want %d", c.late, got, tick+c.want)
		}
	}
}

func TestWheelSleepsWhenEmptyAndEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := newShard()
		if err != nil {
			t.Fatal(err)
		}
		defer p.sockets.close()
		ended := make(chan struct{})
		ctx := t.Context()
		go func() { p.run(ctx); close(ended) }()
		time.Sleep(time.Hour)
		s := &Stream{shard: p}
		s.out.mu.Lock()
		s.pace()
		s.out.mu.Unlock()
		time.Sleep(25 * time.Millisecond) // a tick finds nothing to send and takes the stream off
		synctest.Wait()
		if !p.empty() || s.out.paced {
			t.Error("a stream with nothing to send is still on the wheel")
		}
		t.Cleanup(func() { <-ended })
	})
}

func TestRemotesThatMustNotBeSentTo(t *testing.T) {
	e := newEngine(t, Config{Forbidden: func(a netip.AddrPort) bool { return a.Port() == 5432 }})
	s := open(t, e)
	defer s.Close()
	for _, a := range []string{
		"224.0.0.1:4000", "255.255.255.255:4000", "0.0.0.0:4000", "127.0.0.1:0", "127.0.0.1:5432", "[::1]:4000",
		s.LocalAddr().String(), s.RTCPAddr().String(),
	} {
		if err := e.CheckRemote(netip.MustParseAddrPort(a)); !errors.Is(err, ErrRemote) {
			t.Errorf("%s: %v", a, err)
		}
	}
	if err := s.Configure(Params{Remote: netip.MustParseAddrPort("224.0.0.1:4000")}); !errors.Is(err, ErrRemote) {
		t.Errorf("configure: %v", err)
	}
	for _, p := range []Params{
		{}, {Codec: 3}, {PayloadType: 72}, {DTMFPayload: 8}, {PayloadType: 101, DTMFPayload: 101}, {Direction: 9},
	} {
		if p != (Params{}) {
			p.Remote = netip.MustParseAddrPort("127.0.0.1:4000")
		}
		if err := s.Configure(p); !errors.Is(err, ErrParams) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestClosedStreamAndEngineSaySo(t *testing.T) {
	e, err := New(Config{}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, e)
	p := s.Play(Tone(time.Second, 400))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	done(t, "playback", p.Done())
	if p.Completed() {
		t.Error("a prompt that was cut off counts as completed")
	}
	if err := s.Configure(Params{Remote: netip.MustParseAddrPort("127.0.0.1:4000")}); !errors.Is(err, ErrClosed) {
		t.Errorf("configure: %v", err)
	}
	if err := s.SendDTMF(t.Context(), "1"); !errors.Is(err, ErrClosed) {
		t.Errorf("digits: %v", err)
	}
	done(t, "late playback", s.Play(Tone(time.Second, 400)).Done())
	if _, ok := <-s.Events(); ok {
		t.Error("events are not closed")
	}
	if _, err := e.Bridge(s, s, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("bridge: %v", err)
	}
}
