package media

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// marshalReport makes a compound RTCP packet.
func marshalReport(t testing.TB, packets ...rtcp.Packet) []byte {
	t.Helper()
	b, err := rtcp.Marshal(packets)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReportsGiveRoundTripLossAndJitterFromTheLockedSourceOnly(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	wall := time.Unix(1_790_000_000, 250_000_000)
	host, ssrc := d.peerA.addr().Addr(), d.peerA.next.SSRC
	about := func(lost uint32) *rtcp.SenderReport {
		return &rtcp.SenderReport{SSRC: ssrc, NTPTime: ntpTime(wall), Reports: []rtcp.ReceptionReport{{
			SSRC: d.a.SSRC(), TotalLost: lost, Jitter: 80, LastSenderReport: uint32(ntpTime(wall.Add(-time.Second)) >> 16),
			Delay: 65536 * 9 / 10,
		}}}
	}
	d.a.receiveReport(wall, host, marshalReport(t, about(5)))
	if st := d.a.Stats(); st.RTT != 0 || st.Foreign != 1 {
		t.Errorf("before the lock: %+v", st)
	}
	d.says(audio(1))
	d.a.receiveReport(wall, netip.MustParseAddr("203.0.113.66"), marshalReport(t, about(6)))
	forged := about(7)
	forged.SSRC++
	d.a.receiveReport(wall, host, marshalReport(t, forged))
	if st := d.a.Stats(); st.RemoteLost != 0 || st.Foreign != 3 {
		t.Errorf("from others: %+v", st)
	}
	d.a.receiveReport(wall, host, marshalReport(t, about(8), &rtcp.Goodbye{Sources: []uint32{ssrc}}))
	st := d.a.Stats()
	if st.RemoteLost != 8 || st.RemoteJitter != 10*time.Millisecond || (st.RTT-100*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("%+v", st)
	}
	d.bridge(nil)
	d.says(audio(2)) // BYE ended nothing
	if p := d.peerB.read(); p.Payload[0] != 2 {
		t.Errorf("%v", p)
	}
}

func TestMalformedReportsAreCountedAndDoNothing(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	d.says(audio(1))
	host := d.peerA.addr().Addr()
	good := marshalReport(t, &rtcp.SenderReport{SSRC: d.peerA.next.SSRC})
	for i, b := range [][]byte{
		{},
		{0x80, 200, 0, 0},
		{0x80, 200, 0, 1, 0, 0, 0, 1},
		good[:len(good)-1], append([]byte{0x9F}, good[1:]...),
		{0x80, 200, 0xFF, 0xFF},
		append(append([]byte{}, good...), 1, 2, 3),
		{0, 200, 0, 0},
	} {
		d.a.receiveReport(time.Now(), host, b)
		if got := d.a.Stats().Malformed; got != uint64(i+1) {
			t.Errorf("packet %d % x: %d malformed", i, b, got)
		}
	}
}

func TestOurReportIsACompoundWithCountsAndReception(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	if to, b := d.b.report(d.now, true); to.IsValid() {
		t.Errorf("BYE without a packet: % x", b)
	}
	d.bridge(nil)
	for range 4 {
		d.says(audio(1))
	}
	d.peerA.next.SequenceNumber += 2 // two lost
	d.says(audio(1))
	to, b := d.b.report(d.now, false)
	packets, err := rtcp.Unmarshal(b)
	if err != nil || len(packets) != 2 || to != netip.AddrPortFrom(d.peerB.addr().Addr(), d.peerB.addr().Port()+1) {
		t.Fatalf("%v to %s, %v", packets, to, err)
	}
	sr, ok := packets[0].(*rtcp.SenderReport)
	if !ok || sr.PacketCount != 5 || sr.OctetCount != 5*frameSamples || sr.SSRC != d.b.SSRC() || len(sr.Reports) != 0 {
		t.Errorf("%+v", packets[0])
	}
	_, b = d.a.report(d.now, true)
	packets, err = rtcp.Unmarshal(b)
	if err != nil || len(packets) != 3 {
		t.Fatalf("%v, %v", packets, err)
	}
	rr, ok := packets[0].(*rtcp.ReceiverReport)
	if !ok || len(rr.Reports) != 1 || rr.Reports[0].TotalLost != 2 || rr.Reports[0].FractionLost != 2*256/7 ||
		rr.Reports[0].SSRC != d.peerA.next.SSRC || rr.Reports[0].LastSequenceNumber != 1<<16 {
		t.Errorf("%+v", packets[0])
	}
}

func TestReportIsReadFromTheSocketWithTheKernelsTime(t *testing.T) {
	d := newDesk(t, PCMU, PCMU)
	d.says(audio(1))
	b := marshalReport(t, &rtcp.SenderReport{SSRC: d.peerA.next.SSRC, NTPTime: 1 << 40})
	before := time.Now().Round(0)
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(d.a.RTCPAddr()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(b); err != nil { // loopback delivers before Write returns
		t.Fatal(err)
	}
	after := time.Now().Round(0)
	r := newReportReader()
	r.drain(d.a)
	r.drain(d.a) // an empty socket does not block
	got := d.a.in.reports
	if got.senderReport != 1<<24 || got.senderAt.Before(before.Add(-time.Millisecond)) || got.senderAt.After(after.Add(time.Millisecond)) {
		t.Errorf("%+v, sent between %v and %v", got, before, after)
	}
}
