package media

import (
	"net/netip"
	"testing"
	"time"
)

// attack is a sequence of packets and what became of the last one.
type shot struct {
	at   time.Duration
	from netip.AddrPort
	ssrc uint32
	seq  uint16
	want verdict
}

func TestSourceLock(t *testing.T) {
	sdp := netip.MustParseAddrPort("192.0.2.1:4000")
	nat := netip.MustParseAddrPort("192.0.2.1:61000")  // the SDP's host, another port
	sip := netip.MustParseAddrPort("192.0.2.77:61000") // where the INVITE came from
	evil := netip.MustParseAddrPort("203.0.113.66:666")
	const s, ms = time.Second, time.Millisecond
	for name, shots := range map[string][]shot{
		"the SDP address is taken at once, a foreign source after the lock never": {
			{0, sdp, 1, 10, relocked},
			{20 * ms, sdp, 1, 11, admitted},
			{1 * s, evil, 1, 12, refused},
			{1 * s, evil, 1, 13, refused},
			{1 * s, evil, 1, 14, refused},
			{1 * s, evil, 1, 15, refused},
			{1 * s, evil, 1, 16, refused},
			{1 * s, sdp, 1, 12, admitted},
		},
		"a foreign source before the lock needs four packets in sequence": {
			{0, evil, 7, 65534, refused}, {0, evil, 7, 65535, refused}, {0, evil, 7, 0, refused}, {0, evil, 7, 1, relocked},
		},
		"and loses to the SDP address within the window": {
			{0, evil, 7, 1, refused},
			{0, evil, 7, 2, refused},
			{0, evil, 7, 3, refused},
			{0, evil, 7, 4, relocked},
			{1 * s, sdp, 1, 10, relocked},
			{1 * s, evil, 7, 5, refused},
		},
		"a gap or another SSRC starts the probation again": {
			{0, nat, 7, 1, refused},
			{0, nat, 7, 2, refused},
			{0, nat, 7, 4, refused},
			{0, nat, 7, 5, refused},
			{0, nat, 8, 6, refused},
			{0, nat, 7, 6, refused},
			{0, nat, 7, 7, relocked},
		},
		"random packets never prove anything": {
			{0, evil, 1, 100, refused},
			{0, evil, 2, 101, refused},
			{0, evil, 3, 102, refused},
			{0, evil, 4, 103, refused},
			{0, evil, 5, 104, refused},
		},
		"after the window a stranger stays outside, even of a silent call": {
			{6 * s, evil, 7, 1, refused},
			{6 * s, evil, 7, 2, refused},
			{6 * s, evil, 7, 3, refused},
			{6 * s, evil, 7, 4, refused},
			{60 * s, evil, 7, 5, refused},
		},
		"the SIP source beats a stranger within the window": {
			{0, evil, 7, 1, refused},
			{0, evil, 7, 2, refused},
			{0, evil, 7, 3, refused},
			{0, evil, 7, 4, relocked},
			{1 * s, sip, 9, 1, refused},
			{1 * s, sip, 9, 2, refused},
			{1 * s, sip, 9, 3, refused},
			{1 * s, sip, 9, 4, relocked},
			{1 * s, evil, 7, 5, refused},
		},
		"the SDP's host with another port only after long silence": {
			{0, sdp, 1, 1, relocked},
			{9 * s, nat, 7, 1, refused},
			{9 * s, nat, 7, 2, refused},
			{9 * s, nat, 7, 3, refused},
			{9 * s, nat, 7, 4, refused},
			{10 * s, nat, 7, 5, refused},
			{10 * s, nat, 7, 6, refused},
			{10 * s, nat, 7, 7, refused},
			{10 * s, nat, 7, 8, relocked},
		},
		"another SSRC of the locked address is refused while the first one talks": {
			{0, sdp, 1, 1, relocked},
			{20 * ms, sdp, 2, 50, refused},
			{20 * ms, sdp, 1, 2, admitted},
			{40 * ms, sdp, 2, 51, refused},
			{40 * ms, sdp, 1, 3, admitted},
			{60 * ms, sdp, 2, 52, refused},
			{60 * ms, sdp, 1, 4, admitted},
			{80 * ms, sdp, 2, 53, refused},
		},
		"and taken after a pause and four packets, as after hold": {
			{0, sdp, 1, 1, relocked},
			{300 * ms, sdp, 2, 50, refused},
			{320 * ms, sdp, 2, 51, refused},
			{340 * ms, sdp, 2, 52, refused},
			{360 * ms, sdp, 2, 53, relocked},
			{360 * ms, sdp, 1, 2, refused},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := sourceLock{window: 5 * time.Second, silence: 10 * time.Second, signalling: sip.Addr()}
			start := time.Now()
			l.arm(start, sdp)
			for i, shot := range shots {
				h := header{ssrc: shot.ssrc, seq: shot.seq}
				if got := l.admit(start.Add(shot.at), shot.from, &h); got != shot.want {
					t.Fatalf("packet %d %+v: verdict %d", i, shot, got)
				}
			}
		})
	}
}

func TestArrivalsCountLossAcrossWrapAndRefuseJumps(t *testing.T) {
	var a arrivals
	a.restart(65530)
	a.received++
	for _, seq := range []uint16{65531, 65533, 65532, 65533, 65535, 0, 3} { // 65534, 1 and 2 lost; 65533 twice; 65532 late
		if got := a.sequence(seq); got != inside {
			t.Errorf("%d: %v", seq, got)
		}
	}
	if a.expected() != 10 || a.lost() != 2 { // 10 expected, 8 received with the duplicate
		t.Errorf("expected %d, lost %d", a.expected(), a.lost())
	}
	if got := a.sequence(30000); got != outside {
		t.Errorf("a jump: %v", got)
	}
	if got := a.sequence(4); got != inside {
		t.Errorf("after the jump: %v", got)
	}
	if a.sequence(40000) != outside || a.sequence(40001) != restarted || a.sequence(40002) != inside {
		t.Error("two in sequence after a jump are a restart")
	}
	if a.before != 2 {
		t.Errorf("%d lost before the restart, want 2", a.before)
	}
}
