package media

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"
	"go.uber.org/zap"
)

// desk is two bare peers on two streams of an engine whose clock the test is: nothing runs, packets are handed to
// receive and frames to tick.
type desk struct {
	t            *testing.T
	engine       *Engine
	a, b         *Stream
	peerA, peerB *peer
	now          time.Time
}

func newDesk(t *testing.T, codecA, codecB Codec) *desk {
	t.Helper()
	e, err := New(Config{}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, engine: e, peerA: newPeer(t), peerB: newPeer(t), now: time.Now()}
	d.a, d.b = open(t, e), open(t, e)
	t.Cleanup(func() { d.a.Close(); d.b.Close() })
	configure(t, d.a, Params{Remote: d.peerA.addr(), Codec: codecA, DTMFPayload: 101})
	configure(t, d.b, Params{Remote: d.peerB.addr(), Codec: codecB, DTMFPayload: 126})
	d.peerA.next.PayloadType, d.peerB.next.PayloadType = uint8(codecA), uint8(codecB)
	return d
}

func (d *desk) bridge(rec *Recorder) *Bridge {
	d.t.Helper()
	br, err := d.engine.Bridge(d.a, d.b, rec)
	if err != nil {
		d.t.Fatal(err)
	}
	return br
}

// says hands a packet of peer A to its stream; 20 ms pass.
func (d *desk) says(payload []byte) {
	d.a.receive(d.now, d.peerA.addr(), d.peerA.marshal(payload))
	d.now = d.now.Add(frameTime)
}

// ticks gives stream b n frames of the pacer.
func (d *desk) ticks(n int) {
	var buf [headerSize + frameSamples]byte
	for range n {
		d.b.tick(d.now, buf[:])
		d.now = d.now.Add(frameTime)
	}
}

// hears reads n packets at peer B and checks that they are one unbroken run since the last.
func (d *desk) hears(last *rtp.Packet, n int, markers ...int) *rtp.Packet {
	d.t.Helper()
	for i := range n {
		p := d.peerB.read()
		want := false
		for _, m := range markers {
			want = want || m == i
		}
		if p.Marker != want {
			d.t.Errorf("packet %d: marker %v", i, p.Marker)
		}
		if last != nil && (p.SSRC != last.SSRC || p.SequenceNumber != last.SequenceNumber+1) {
			d.t.Errorf("packet %d: %v after %v", i, p.Header, last.Header)
		}
		if last != nil && !want && p.Timestamp != last.Timestamp+frameSamples {
			d.t.Errorf("packet %d: timestamp +%d", i, p.Timestamp-last.Timestamp)
		}
		last = p
	}
	return last
}

func TestOneLegIsContinuousFromPromptToMusicToBridgeAndBack(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	d.b.Play(Tone(60*time.Millisecond, 500))
	d.ticks(3)
	last := d.hears(nil, 3, 0)
	first := last.Timestamp - 2*frameSamples
	begin := d.now.Add(-3 * frameTime)
	onTime := func(p *rtp.Packet, at time.Time) {
		t.Helper()
		if got, want := durationOf(int64(p.Timestamp-first)), at.Sub(begin); got != want {
			t.Errorf("timestamp at %v, wall clock at %v", got, want)
		}
	}
	d.b.Music(Tone(time.Second, 900))
	d.ticks(3)
	last = d.hears(last, 3)

	d.now = d.now.Add(time.Second) // nothing is sent for a second
	br := d.bridge(nil)
	d.says(audio(1))
	last = d.hears(last, 1, 0)
	onTime(last, d.now.Add(-frameTime))
	d.says(audio(2))
	d.says(audio(3))
	last = d.hears(last, 2)

	br.Hold(d.a, Tone(time.Second, 900))
	d.now = d.now.Add(time.Second)
	d.ticks(2)
	last = d.hears(last, 2, 0)
	onTime(last, d.now.Add(-frameTime))
	br.Unhold(d.a)
	d.ticks(1) // takes it off the wheel
	d.says(audio(4))
	last = d.hears(last, 1, 0)
	onTime(last, d.now.Add(-frameTime))

	d.peerA.next.SSRC, d.peerA.next.SequenceNumber, d.peerA.next.Timestamp = 0x2000, 77, 5
	d.now = d.now.Add(time.Second)
	for range probation { // the first three are on probation
		d.says(audio(5))
	}
	last = d.hears(last, 1, 0)
	onTime(last, d.now.Add(-frameTime))
	br.Close()
	d.b.Silence()
	d.ticks(1)
	d.hears(last, 1, 0)
}

func TestRelayKeepsLossAndReorderAndDropsWhatIsFromBeforeTheSwitch(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	d.says(audio(9)) // locks the source; nobody listens yet
	var packets [][]byte
	for i := range 6 {
		packets = append(packets, d.peerA.marshal(audio(byte(i))))
	}
	d.bridge(nil)
	for _, i := range []int{1, 0, 3, 2, 5} { // 0 is before the anchor, 4 is lost
		d.a.receive(d.now, d.peerA.addr(), packets[i])
		d.now = d.now.Add(frameTime)
	}
	var got [][3]int
	first := d.peerB.read()
	for p := first; ; p = d.peerB.read() {
		got = append(got, [3]int{int(p.Payload[0]), int(int16(p.SequenceNumber - first.SequenceNumber)), int(p.Timestamp - first.Timestamp)})
		if len(got) == 4 {
			break
		}
	}
	want := [][3]int{{1, 0, 0}, {3, 2, 320}, {2, 1, 160}, {5, 4, 640}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !d.peerB.quiet() {
		t.Error("the packet from before the switch was sent")
	}
}

func TestRelayTranscodesWhenTheLawsDiffer(t *testing.T) {
	d := newDesk(t, PCMU, PCMA)
	d.bridge(nil)
	in := Tone(20*time.Millisecond, 600).frame(PCMU, 0)
	d.says(bytes.Clone(in))
	p := d.peerB.read()
	if p.PayloadType != uint8(PCMA) {
		t.Errorf("payload type %d", p.PayloadType)
	}
	want := bytes.Clone(in)
	transcode(want, PCMU, PCMA)
	if diff := cmp.Diff(want, p.Payload); diff != "" {
		t.Error(diff)
	}
}

func TestRelayPassesDigitsWithPayloadTypeAndTimestampMapped(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	d.bridge(nil)
	d.says(audio(1))
	begin := d.peerB.read()
	event := func(end bool, duration uint16, ts uint32) {
		h := d.peerA.next
		d.peerA.next.PayloadType, d.peerA.next.Timestamp = 101, ts
		d.says(eventPayload(5, end, duration))
		d.peerA.next.PayloadType, d.peerA.next.Timestamp = 0, h.Timestamp+frameSamples
	}
	ts := d.peerA.next.Timestamp
	event(false, 160, ts)
	event(false, 320, ts)
	event(true, 480, ts)
	d.says(audio(2))
	for i := range 3 {
		p := d.peerB.read()
		var e telephoneEvent
		e.parse(p.Payload)
		if p.PayloadType != 126 || p.SequenceNumber != begin.SequenceNumber+uint16(i)+1 || p.Timestamp != begin.Timestamp+160 ||
			e.code != 5 || e.end != (i == 2) {
			t.Errorf("event %d: %v %+v", i, p.Header, e)
		}
	}
	if p := d.peerB.read(); p.PayloadType != 0 || p.Timestamp != begin.Timestamp+4*160 || p.Marker {
		t.Errorf("audio after the digit: %v", p.Header)
	}
	if e := nextEvent(t, d.a); e.Kind != DigitStart || e.Digit != '5' {
		t.Errorf("event %+v", e)
	}
}

func TestDigitsThatTheOtherLegDidNotNegotiateLeaveNoHole(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	configure(t, d.b, Params{Remote: d.peerB.addr()})
	d.bridge(nil)
	d.says(audio(1))
	d.peerA.next.PayloadType = 101
	d.says(eventPayload(5, false, 160))
	d.says(eventPayload(5, true, 320))
	d.peerA.next.PayloadType = 0
	d.says(audio(2))
	a, b := d.peerB.read(), d.peerB.read()
	if b.SequenceNumber != a.SequenceNumber+1 || b.Timestamp != a.Timestamp+3*frameSamples {
		t.Errorf("%v then %v", a.Header, b.Header)
	}
}

func TestNothingIsSentWhileTheDirectionForbidsIt(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	d.bridge(nil)
	d.says(audio(1))
	begin := d.peerB.read()
	for _, dir := range []Direction{RecvOnly, Inactive} {
		configure(t, d.b, Params{Remote: d.peerB.addr(), Direction: dir})
		d.says(audio(2))
		d.b.Silence()
		d.ticks(2)
		d.b.Stop()
		d.ticks(1)
	}
	configure(t, d.b, Params{Remote: d.peerB.addr()})
	d.says(audio(3))
	p := d.peerB.read()
	if p.Payload[0] != 3 || p.SequenceNumber != begin.SequenceNumber+1 || p.Timestamp != begin.Timestamp+9*frameSamples {
		t.Errorf("%v then %v", begin.Header, p.Header)
	}
	configure(t, d.a, Params{Remote: d.peerA.addr(), Direction: SendOnly})
	d.says(audio(4)) // we do not listen
	if !d.peerB.quiet() {
		t.Error("audio passed against the direction")
	}
}

func TestSentDigitHasOneTimestampGrowingDurationAndThreeEnds(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	d.b.Silence()
	d.ticks(1)
	d.hears(nil, 1, 0)
	job, err := d.b.queueDigits("1*")
	if err != nil {
		t.Fatal(err)
	}
	d.ticks(2*(digitFrames+digitEnds-1+digitGapFrames) + 1)
	done(t, "digits", job.done)
	type sent struct {
		code     uint8
		end      bool
		duration uint16
		marker   bool
	}
	var got, want []sent
	for _, code := range []uint8{1, 10} {
		for i := range digitFrames + digitEnds - 1 {
			want = append(want, sent{code, i >= 4, uint16(min(i+1, 5) * 160), i == 0})
		}
	}
	stamps := map[uint32]bool{}
	for range want {
		p := d.peerB.read()
		if p.PayloadType != 126 {
			t.Fatalf("audio in a digit: %v", p.Header)
		}
		var e telephoneEvent
		e.parse(p.Payload)
		got = append(got, sent{e.code, e.end, e.duration, p.Marker})
		stamps[p.Timestamp] = true
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sent{})); diff != "" {
		t.Error(diff)
	}
	if len(stamps) != 2 {
		t.Errorf("%d timestamps for two digits", len(stamps))
	}
	if p := d.peerB.read(); p.PayloadType != 0 || !p.Marker {
		t.Errorf("after the digits: %v", p.Header)
	}
}

func TestDroppedPacketsAreCountedByReasonAndGoNowhere(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	drops := map[Drop]int{}
	d.engine.cfg.OnDrop = func(why Drop) { drops[why]++ }
	d.bridge(nil)
	d.says(audio(1))
	d.peerB.read()
	good := d.peerA.next

	foreign := newPeer(t)
	foreign.next = good
	for range 10 {
		d.a.receive(d.now.Add(time.Second), foreign.addr(), foreign.marshal(audio(66)))
	}
	d.peerA.next.SSRC = 0xBAD
	for range 10 {
		d.a.receive(d.now, d.peerA.addr(), d.peerA.marshal(audio(66)))
	}
	d.peerA.next = good
	d.peerA.next.PayloadType = 18
	d.says(audio(66))
	d.peerA.next = good
	d.peerA.next.SequenceNumber += 20000
	d.says(audio(66))
	d.a.receive(d.now, d.peerA.addr(), []byte{0x80, 0, 1})
	early := open(t, d.engine)
	defer early.Close()
	early.receive(d.now, d.peerA.addr(), d.peerA.marshal(audio(66)))

	d.peerA.next = good
	d.says(audio(2))
	if p := d.peerB.read(); p.Payload[0] != 2 {
		t.Errorf("an injected packet was relayed: %v", p)
	}
	want := map[Drop]int{DropForeign: 20, DropPayload: 1, DropSequence: 1, DropMalformed: 1, DropEarly: 1}
	if diff := cmp.Diff(want, drops); diff != "" {
		t.Error(diff)
	}
	if st := d.a.Stats(); st.Foreign != 20 || st.UnknownPayload != 1 || st.OutOfWindow != 1 || st.Malformed != 1 {
		t.Errorf("%+v", st)
	}
}

func TestSendingFollowsTheLockedSourceAndANewOffer(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	nat := newPeer(t)
	for range probation {
		d.b.receive(d.now, nat.addr(), nat.marshal(audio(1)))
	}
	d.b.Silence()
	d.ticks(1)
	nat.read()
	other := newPeer(t)
	configure(t, d.b, Params{Remote: other.addr()})
	if d.b.Stats().Locked {
		t.Error("still locked after a new address was offered")
	}
	d.ticks(1)
	other.read()
}

func TestMediaLossIsReportedOnceAndOnlyWhileAudioIsExpected(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	sweep := func(after time.Duration) {
		d.now = d.now.Add(after)
		d.a.sweep(d.now)
	}
	d.says(audio(1))
	sweep(10 * time.Second)
	sweep(5 * time.Second)
	sweep(time.Second)
	d.says(audio(1))
	if e := nextEvent(t, d.a); e.Kind != MediaLost {
		t.Errorf("%+v", e)
	}
	if e := nextEvent(t, d.a); e.Kind != MediaBack || e.Duration < 15*time.Second {
		t.Errorf("%+v", e)
	}
	configure(t, d.a, Params{Remote: d.peerA.addr(), Direction: SendOnly})
	sweep(time.Hour)
	select {
	case e := <-d.a.Events():
		t.Errorf("on hold: %+v", e)
	default:
	}
}

func TestReceiveAndRelayDoNotAllocate(t *testing.T) {
	d := newDesk(t, PCMU, PCMA)
	rec, err := d.engine.NewRecorder(t.TempDir()+"/a.wav", RecorderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	d.bridge(rec)
	for range 8 { // the first packets make chunks that later ones reuse
		d.engine.writers.recycle(new(chunk))
	}
	b, from := d.peerA.marshal(audio(1)), d.peerA.addr()
	var h header
	h.parse(b)
	if n := testing.AllocsPerRun(200, func() {
		h.seq++
		h.ts += frameSamples
		h.payloadType, h.ssrc = 0, d.peerA.next.SSRC
		h.put(b)
		d.now = d.now.Add(frameTime)
		d.a.receive(d.now, from, b)
	}); n != 0 {
		t.Errorf("%v allocations per relayed and recorded packet", n)
	}
	d.b.Music(Tone(time.Second, 400))
	var buf [headerSize + frameSamples]byte
	if n := testing.AllocsPerRun(200, func() {
		d.now = d.now.Add(frameTime)
		d.b.tick(d.now, buf[:])
	}); n != 0 {
		t.Errorf("%v allocations per paced frame", n)
	}
	if sent := d.b.Stats().PacketsSent; sent < 400 {
		t.Errorf("only %d packets sent", sent)
	}
}

func TestUnansweredStreamStopsAndGoesOnWithTheFirstPacket(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	d.engine.cfg.Unanswered = time.Second
	d.b.Silence()
	d.ticks(100)
	if sent := d.b.Stats().PacketsSent; sent != 50 {
		t.Errorf("%d packets to a silent address, want 50", sent)
	}
	d.b.receive(d.now, d.peerB.addr(), d.peerB.marshal(audio(1)))
	d.ticks(100)
	if sent := d.b.Stats().PacketsSent; sent != 150 {
		t.Errorf("%d packets, want 150", sent)
	}
}

func TestPeerThatSignalledForItselfMayListenWithoutSending(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	d.engine.cfg.Unanswered = time.Second
	d.engine.cfg.FirstTimeout = time.Hour
	configure(t, d.b, Params{Remote: netip.AddrPortFrom(d.peerB.addr().Addr(), 9), SignallingSource: d.peerB.addr().Addr()})
	d.b.Silence()
	d.ticks(100)
	if sent := d.b.Stats().PacketsSent; sent != 100 {
		t.Errorf("%d packets to a listener, want 100", sent)
	}
	d.b.sweep(d.now.Add(time.Minute))
	select {
	case e := <-d.b.Events():
		t.Errorf("a listener was reported: %+v", e)
	default:
	}
}

func TestPeerMaySwitchLawsWhenBothWereAgreedOn(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	configure(t, d.a, Params{Remote: d.peerA.addr(), OtherLaw: true})
	d.bridge(nil)
	tone := Tone(20*time.Millisecond, 600)
	d.says(bytes.Clone(tone.frame(PCMU, 0)))
	d.peerA.next.PayloadType = uint8(PCMA)
	in := bytes.Clone(tone.frame(PCMA, 0))
	d.says(in)
	transcode(in, PCMA, PCMU)
	d.peerB.read()
	if p := d.peerB.read(); p.PayloadType != 0 || !bytes.Equal(p.Payload, in) || p.Marker {
		t.Errorf("%v", p.Header)
	}
}
