package media

import (
	"net/netip"
	"time"

	"github.com/pion/rtcp"
)

const (
	reportSeconds   = 5 // RFC 3550 section 6.2's minimum
	ntpEpochOffset  = 2208988800
	maxReports      = 8 // datagrams per stream and second; more is not RTCP
	maxReportPacket = 1500
)

// reports is what the peer's RTCP told; the stream's in.mu guards it.
type reports struct {
	senderReport uint32    // middle 32 bits of the NTP time of the last SR
	senderAt     time.Time // when it came, by the wall clock
	rtt          time.Duration
	lost         int64
	jitter       time.Duration
	received     uint32
}

// reportReader reads RTCP without a goroutine per socket: once a second, with the kernel's arrival times.
type reportReader struct {
	buf [maxReportPacket]byte
	oob [128]byte
}

func newReportReader() *reportReader { return &reportReader{} }

// drain takes what waits in the stream's RTCP socket.
func (r *reportReader) drain(s *Stream) {
	raw, err := s.rtcp.SyscallConn()
	if err != nil {
		return // closed
	}
	for range maxReports {
		var (
			n    int
			from netip.Addr
			at   time.Time
			ok   bool
		)
		err := raw.Read(func(fd uintptr) bool {
			n, from, at, ok = receiveNow(fd, r.buf[:], r.oob[:])
			return true // never wait
		})
		if err != nil || !ok {
			return
		}
		if at.IsZero() {
			at = time.Now()
		}
		s.receiveReport(at, from, r.buf[:n])
	}
}

// receiveReport takes one RTCP datagram that came at the wall-clock time at. Only the host of the locked source
// is heard. BYE changes nothing: only SIP ends a call.
func (s *Stream) receiveReport(at time.Time, from netip.Addr, b []byte) {
	in := &s.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.lock.locked || from != in.lock.addr.Addr() {
		s.count(DropForeign)
		return
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		s.count(DropMalformed)
		return
	}
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			if p.SSRC != in.lock.ssrc {
				s.count(DropForeign)
				return
			}
			in.reports.senderReport, in.reports.senderAt = uint32(p.NTPTime>>16), at
			s.quality(at, p.Reports)
		case *rtcp.ReceiverReport:
			s.quality(at, p.Reports)
		}
	}
}

// roundTrip is what the peer's last report about us says, 0 when it says nothing.
func (s *Stream) roundTrip() time.Duration {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	return s.in.reports.rtt
}

// quality takes what the peer says about our packets; in.mu is held.
func (s *Stream) quality(at time.Time, blocks []rtcp.ReceptionReport) {
	q := &s.in.reports
	for _, r := range blocks {
		if r.SSRC != s.out.ssrc {
			continue
		}
		q.received++
		q.lost = int64(int32(r.TotalLost<<8) >> 8)
		q.jitter = durationOf(int64(r.Jitter))
		if r.LastSenderReport == 0 {
			continue
		}
		rtt := int32(uint32(ntpTime(at)>>16) - r.LastSenderReport - r.Delay)
		if d := time.Duration(rtt) * time.Second >> 16; d >= 0 && d < time.Minute {
			q.rtt = d
		}
	}
}

// sendReport sends SR or RR with SDES, and BYE at the end of the stream (RFC 3550 section 6.1).
func (s *Stream) sendReport(now time.Time, bye bool) {
	to, b := s.report(now, bye)
	if !to.IsValid() || b == nil {
		return
	}
	if _, err := s.rtcp.WriteToUDPAddrPort(b, to); err != nil {
		s.out.mu.Lock()
		s.out.errors++
		s.out.mu.Unlock()
	}
}

// report makes the compound packet and says where it goes; zero when nothing is to be sent.
func (s *Stream) report(now time.Time, bye bool) (to netip.AddrPort, b []byte) {
	in, o := &s.in, &s.out
	in.mu.Lock()
	defer in.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !in.configured || !o.rtcpDest.IsValid() || in.params.Remote.Addr().IsUnspecified() || o.closed {
		return to, nil
	}
	if bye && o.packets == 0 && in.packets == 0 {
		return to, nil // nobody there has heard of us
	}
	var blocks []rtcp.ReceptionReport
	if in.lock.locked {
		blocks = []rtcp.ReceptionReport{in.receptionReport(now)}
	}
	var first rtcp.Packet = &rtcp.ReceiverReport{SSRC: o.ssrc, Reports: blocks}
	if o.packets > o.reported {
		first = &rtcp.SenderReport{
			SSRC: o.ssrc, NTPTime: ntpTime(now), RTPTime: o.ts + uint32(samplesIn(now.Sub(o.at))),
			PacketCount: uint32(o.packets), OctetCount: uint32(o.octets), Reports: blocks,
		}
	}
	o.reported = o.packets
	compound := []rtcp.Packet{first, rtcp.NewCNAMESourceDescription(o.ssrc, s.engine.cname)}
	if bye {
		compound = append(compound, &rtcp.Goodbye{Sources: []uint32{o.ssrc}})
	}
	b, err := rtcp.Marshal(compound)
	if err != nil {
		return to, nil
	}
	return o.rtcpDest, b
}

func (in *inbound) receptionReport(now time.Time) rtcp.ReceptionReport {
	a := &in.arrivals
	r := rtcp.ReceptionReport{
		SSRC: in.lock.ssrc, FractionLost: a.fractionLost(), LastSequenceNumber: a.extendedMax(), Jitter: a.jitter >> 4,
		TotalLost: uint32(min(max(a.lost(), 0), 0x7FFFFF)), LastSenderReport: in.reports.senderReport,
	}
	if in.reports.senderReport != 0 {
		since := max(0, now.Round(0).Sub(in.reports.senderAt)) // both by the wall clock
		r.Delay = uint32(since * (1 << 16) / time.Second)
	}
	return r
}

// ntpTime is the 64-bit NTP timestamp of t (RFC 3550 section 4).
func ntpTime(t time.Time) uint64 {
	seconds := uint64(t.Unix() + ntpEpochOffset)
	return seconds<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
