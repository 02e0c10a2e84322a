package media

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"go.uber.org/zap"
)

// conference is phones on the streams of an engine whose clock the test is: nothing runs, so a minute takes as long
// as its packets need.
type conference struct {
	t             *testing.T
	engine        *Engine
	start, now    time.Time
	caller, agent *speaker
	bridge        *Bridge
	all           []*speaker
}

// speaker is a phone: it says a tone, its packets travel, and what comes back is kept.
type speaker struct {
	t      *testing.T
	stream *Stream
	peer   *peer
	codec  Codec
	freq   float64 // 0: it sends silence
	pulse  bool    // it says the tone in the first half of each second only
	mute   bool    // it sends nothing
	skew   float64 // of its clock, parts of one
	delay  func() time.Duration
	lost   func() bool
	said   int64 // frames
	flying []flying
	read   uint64
	last   *rtp.Packet
	next   int64   // where the last packet began
	heard  []int16 // from the conference's start
	digits []telephoneEvent
	stamps []uint32 // of the digits' packets
}

// flying is a packet on its way to us.
type flying struct {
	at time.Time
	b  []byte
}

const callerTone, agentTone = 500, 900

func newConference(t *testing.T, codecCaller, codecAgent Codec) *conference {
	t.Helper()
	e, err := New(Config{Shards: 1}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	c := &conference{t: t, engine: e, start: time.Now()}
	c.now = c.start
	c.caller, c.agent = c.phone(codecCaller, callerTone), c.phone(codecAgent, agentTone)
	if c.bridge, err = e.Bridge(c.caller.stream, c.agent.stream, nil); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *conference) phone(codec Codec, freq float64) *speaker {
	c.t.Helper()
	p := &speaker{
		t: c.t, stream: open(c.t, c.engine), peer: newPeer(c.t), codec: codec, freq: freq,
		delay: func() time.Duration { return 0 }, lost: func() bool { return false },
	}
	c.t.Cleanup(func() { p.stream.Close() })
	configure(c.t, p.stream, Params{Remote: p.peer.addr(), Codec: codec, DTMFPayload: 101})
	p.peer.next.PayloadType = uint8(codec)
	p.said = int64(c.now.Sub(c.start) / frameTime)
	c.all = append(c.all, p)
	return p
}

func (c *conference) tap(p *speaker, mode TapMode) {
	c.t.Helper()
	if err := c.bridge.tapAt(c.now, p.stream, mode); err != nil {
		c.t.Fatal(err)
	}
}

// runs lets time pass: phones speak, sockets are read every 5 ms, the wheel turns.
func (c *conference) runs(d time.Duration) {
	c.t.Helper()
	var buf [headerSize + frameSamples]byte
	for end := c.now.Add(d); c.now.Before(end); {
		c.now = c.now.Add(slotTime)
		for _, p := range c.all {
			p.speak(c.start, c.now)
			p.arrive(c.now)
		}
		if c.now.Sub(c.start)%frameTime == 0 {
			for _, x := range c.engine.shards[0].due(nil, 0) {
				x.tick(c.now, buf[:])
			}
			for slot := int64(1); slot < wheelSlots; slot++ {
				for _, x := range c.engine.shards[0].due(nil, slot) {
					x.tick(c.now, buf[:])
				}
			}
		}
		for _, p := range c.all {
			p.listen(c.start, c.now)
		}
	}
}

// speak sends what the phone has said by now, by its own clock.
func (p *speaker) speak(start, now time.Time) {
	for {
		end := start.Add(time.Duration(float64(p.said+1) * float64(frameTime) * (1 + p.skew)))
		if end.After(now) {
			return
		}
		payload := p.frame()
		p.said++
		b := p.peer.marshal(payload)
		if p.mute || p.lost() {
			continue
		}
		p.flying = append(p.flying, flying{end.Add(p.delay()), b})
		slices.SortStableFunc(p.flying, func(a, b flying) int { return a.at.Compare(b.at) })
	}
}

func (p *speaker) frame() []byte {
	samples := make([]int16, frameSamples)
	for i := range samples {
		if p.pulse && p.said%50 >= 25 {
			break
		}
		samples[i] = int16(math.MaxInt16 / 4 * math.Sin(2*math.Pi*p.freq*float64(p.said*frameSamples+int64(i))/sampleRate))
	}
	if p.codec == PCMA {
		return EncodePCMA(nil, samples)
	}
	return EncodePCMU(nil, samples)
}

// arrive hands over what has come by now.
func (p *speaker) arrive(now time.Time) {
	for len(p.flying) > 0 && !p.flying[0].at.After(now) {
		f := p.flying[0]
		p.flying = p.flying[1:]
		p.stream.receive(f.at, p.peer.addr(), f.b)
	}
}

// keys sends one packet of a key press, in place of audio.
func (p *speaker) keys(c *conference, ts uint32, end bool, duration uint16) {
	h := p.peer.next
	p.peer.next.PayloadType, p.peer.next.Timestamp = 101, ts
	b := p.peer.marshal(eventPayload(5, end, duration))
	p.peer.next.PayloadType, p.peer.next.Timestamp = h.PayloadType, h.Timestamp
	p.stream.receive(c.now, p.peer.addr(), b)
}

// listen takes what was sent to the phone: one unbroken run of packets, in time with the wall clock.
func (p *speaker) listen(start, now time.Time) {
	p.t.Helper()
	for sent := p.stream.Stats().PacketsSent; p.read < sent; p.read++ {
		pk := p.peer.read()
		if l := p.last; l != nil && (pk.SSRC != l.SSRC || pk.SequenceNumber != l.SequenceNumber+1 || int32(pk.Timestamp-l.Timestamp) < 0) {
			p.t.Fatalf("at %v: %v after %v", now.Sub(start), pk.Header, l.Header)
		}
		at := samplesIn(now.Sub(start))
		if p.last != nil {
			at = p.next + int64(int32(pk.Timestamp-p.last.Timestamp))
		}
		p.last, p.next = pk, at
		if pk.PayloadType == 101 { // all packets of a press have the timestamp of its beginning
			var e telephoneEvent
			e.parse(pk.Payload)
			p.digits, p.stamps = append(p.digits, e), append(p.stamps, pk.Timestamp)
			continue
		}
		if off := at - samplesIn(now.Sub(start)); off < -3*frameSamples || off > 3*frameSamples {
			p.t.Fatalf("at %v: the timestamp is %v off", now.Sub(start), durationOf(off))
		}
		p.heard = append(p.heard, make([]int16, max(0, at-int64(len(p.heard))))...)
		if pk.PayloadType != uint8(p.codec) {
			p.t.Fatalf("payload type %d to a phone with %v", pk.PayloadType, p.codec)
		}
		p.heard = p.codec.decode(p.heard, pk.Payload)
	}
}

// level is the amplitude of freq in what the phone heard in the last d, or a little earlier.
func (p *speaker) level(freq float64, d time.Duration) float64 {
	n := int(samplesIn(d))
	return Goertzel(p.heard[max(0, len(p.heard)-n):], freq)
}

// loudest is the amplitude of freq in the frame where it is loudest.
func loudest(samples []int16, freq float64) float64 {
	most := 0.0
	for ; len(samples) >= frameSamples; samples = samples[frameSamples:] {
		most = max(most, Goertzel(samples[:frameSamples], freq))
	}
	return most
}

// hears checks which of the tones the phone heard in the last 200 ms.
func (c *conference) hears(who string, p *speaker, want map[float64]bool) {
	c.t.Helper()
	for freq, heard := range want {
		level := p.level(freq, 200*time.Millisecond)
		if heard && level < 0.2 || !heard && level > 0.01 {
			c.t.Errorf("at %v %s hears %v Hz at %.3f, want it heard: %v", c.now.Sub(c.start), who, freq, level, heard)
		}
	}
}

// record begins to record the two legs.
func (c *conference) record() (*Recorder, string) {
	c.t.Helper()
	path := filepath.Join(c.t.TempDir(), "talk.wav")
	rec, err := c.engine.NewRecorder(path, RecorderOptions{Start: c.now})
	if err != nil {
		c.t.Fatal(err)
	}
	c.caller.stream.Record(rec, Left)
	c.agent.stream.Record(rec, Right)
	return rec, path
}

// uneven is a way on which packets take up to most longer than the fastest.
func uneven(seed uint64, most time.Duration) func() time.Duration {
	r := rand.New(rand.NewPCG(seed, 1))
	return func() time.Duration { return time.Duration(r.Int64N(int64(most) + 1)) }
}

// lossy loses a share of the packets.
func lossy(seed uint64, share float64) func() bool {
	r := rand.New(rand.NewPCG(seed, 2))
	return func() bool { return r.Float64() < share }
}
