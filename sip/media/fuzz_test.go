package media

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"go.uber.org/zap"
)

func FuzzHeaderAgreesWithPion(f *testing.F) {
	seed := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SSRC: 1, CSRC: []uint32{1, 2}}, Payload: []byte{1, 2}}
	b, err := seed.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{0xB0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var h header
		from, to, ok := h.parse(b)
		if !ok {
			return
		}
		if from < headerSize || to > len(b) || from > to {
			t.Fatalf("payload %d to %d of %d bytes", from, to, len(b))
		}
		var p rtp.Packet
		if err := p.Unmarshal(b); err != nil {
			return // pion also parses the extension's inside
		}
		if !bytes.Equal(p.Payload, b[from:to]) || p.SequenceNumber != h.seq || p.Timestamp != h.ts || p.SSRC != h.ssrc ||
			p.PayloadType != h.payloadType || p.Marker != h.marker {
			t.Fatalf("pion reads %v, we %+v", p, h)
		}
	})
}

func FuzzReceive(f *testing.F) {
	e, err := New(Config{}, zap.NewNop())
	if err != nil {
		f.Fatal(err)
	}
	sink := newPeer(f)
	a, b := open(f, e), open(f, e)
	f.Cleanup(func() { a.Close(); b.Close() })
	configure(f, a, Params{Remote: sink.addr(), Codec: PCMU, DTMFPayload: 101})
	configure(f, b, Params{Remote: sink.addr(), Codec: PCMA, DTMFPayload: 126})
	rec, err := e.NewRecorder(f.TempDir()+"/fuzz.wav", RecorderOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { rec.Close() })
	if _, err := e.Bridge(a, b, rec); err != nil {
		f.Fatal(err)
	}
	f.Add(sink.marshal(audio(1)))
	sink.next.PayloadType = 101
	f.Add(sink.marshal(eventPayload(1, true, 800)))
	now, scratch := time.Now(), make([]byte, renderBytes)
	f.Fuzz(func(_ *testing.T, packet []byte) {
		now = now.Add(frameTime)
		a.receive(now, sink.addr(), bytes.Clone(packet[:min(len(packet), maxPacket-1)]))
		a.receive(now, netip.MustParseAddrPort("203.0.113.66:666"), bytes.Clone(packet))
		rec.flush(time.Now(), scratch)
		for range len(a.Events()) {
			<-a.Events()
		}
	})
}

func FuzzMixer(f *testing.F) {
	e, err := New(Config{}, zap.NewNop())
	if err != nil {
		f.Fatal(err)
	}
	sink := newPeer(f)
	a, b, boss := open(f, e), open(f, e), open(f, e)
	f.Cleanup(func() { a.Close(); b.Close(); boss.Close() })
	for _, s := range []*Stream{a, b, boss} {
		configure(f, s, Params{Remote: sink.addr(), Codec: PCMA, OtherLaw: true, DTMFPayload: 101})
	}
	br, err := e.Bridge(a, b, nil)
	if err != nil {
		f.Fatal(err)
	}
	if err := br.Tap(boss, Barge); err != nil {
		f.Fatal(err)
	}
	f.Add(sink.marshal(audio(1)), 20)
	sink.next.PayloadType = 101
	f.Add(sink.marshal(eventPayload(1, true, 800)), 0)
	now, buf := time.Now(), make([]byte, headerSize+frameSamples)
	f.Fuzz(func(_ *testing.T, packet []byte, ms int) {
		packet = packet[:min(len(packet), maxPacket-1)]
		now = now.Add(time.Duration(ms&0xFFF) * time.Millisecond)
		for _, s := range []*Stream{a, boss} {
			s.receive(now, sink.addr(), bytes.Clone(packet))
		}
		br.mixer.tick(now, buf)
		for _, s := range []*Stream{a, boss} {
			for range len(s.Events()) {
				<-s.Events()
			}
		}
	})
}

func FuzzReport(f *testing.F) {
	e, err := New(Config{}, zap.NewNop())
	if err != nil {
		f.Fatal(err)
	}
	sink := newPeer(f)
	s := open(f, e)
	f.Cleanup(func() { s.Close() })
	configure(f, s, Params{Remote: sink.addr()})
	s.receive(time.Now(), sink.addr(), sink.marshal(audio(1)))
	f.Add(marshalReport(f, &rtcp.SenderReport{SSRC: sink.next.SSRC, Reports: []rtcp.ReceptionReport{{SSRC: s.SSRC(), LastSenderReport: 9}}},
		&rtcp.Goodbye{Sources: []uint32{1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s.receiveReport(time.Now(), sink.addr().Addr(), b)
		if rtt := s.Stats().RTT; rtt < 0 || rtt > time.Minute {
			t.Fatalf("round trip %v", rtt)
		}
	})
}

func FuzzDigits(f *testing.F) {
	f.Add([]byte{1, 5, 0x8A, 0, 160, 1, 5, 0x8A, 0, 160})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d digitDetector
		now, balance := time.Now(), 0
		count := func(r digitReport) {
			for _, e := range r.list() {
				if e.Kind == DigitStart {
					balance++
				} else {
					balance--
				}
				if balance < 0 || balance > 1 {
					t.Fatalf("digits overlap: %+v", e)
				}
			}
		}
		for ; len(b) >= 5; b = b[5:] { // a byte of timestamp, then the payload
			var e telephoneEvent
			e.parse(b[1:])
			now = now.Add(time.Duration(b[0]&7) * 100 * time.Millisecond)
			h := header{ssrc: uint32(b[0] & 1), ts: uint32(b[0]) * 1000}
			count(d.packet(now, &h, e))
		}
		count(d.expire(now.Add(time.Hour)))
		if balance != 0 {
			t.Fatal("a digit that never ended")
		}
	})
}

func FuzzWAV(f *testing.F) {
	var b bytes.Buffer
	if err := EncodeWAV(&b, make([]int16, 200)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeWAV(bytes.NewReader(b))
		if err == nil && a.frames() == 0 {
			t.Fatal("accepted without audio")
		}
	})
}
