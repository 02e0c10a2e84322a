package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func from(addr string, transport string) sip.TransportReadProps {
	ap := netip.MustParseAddrPort(addr)
	if transport == "UDP" {
		return sip.TransportReadProps{Transport: transport, RemoteAddr: net.UDPAddrFromAddrPort(ap)}
	}
	return sip.TransportReadProps{Transport: transport, RemoteAddr: net.TCPAddrFromAddrPort(ap)}
}

func TestOnlySIPPassesOverUDP(t *testing.T) {
	g := newReadFilter(guardConfig{})
	for _, tt := range []struct {
		rule, data string
		want       bool
	}{
		{"request", string(wire(goodInvite)), true},
		{"response", "SIP/2.0 200 OK\r\nVia: x\r\n\r\n", true},
		{"odd method", string(tortureMessage(t, "intmeth")), true},
		{"keep-alive", "\r\n\r\n", false},
		{"keep-alive of Cisco", "\x00\x00\x00\x00", false},
		{"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false},
		{"STUN", "\x00\x01\x00\x00\x21\x12\xa4\x42aaaaaaaaaaaa", false},
		{"TLS", "\x16\x03\x01\x02\x00\x01", false},
		{"no end of header", "INVITE sip:a@b SIP/2.0\r\nVia: x\r\n", false},
		{"start line too long", "INVITE sip:" + strings.Repeat("a", 3000) + " SIP/2.0\r\n\r\n", false},
		{"control character in the method", "INV\x1bITE sip:a@b SIP/2.0\r\n\r\n", false},
		{"nothing", "", false},
	} {
		out, err := g.Filter(from("192.0.2.1:5060", "UDP"), []byte(tt.data))
		if err != nil {
			t.Errorf("%s: an error would end the listener: %v", tt.rule, err)
		}
		if (len(out) > 0) != tt.want {
			t.Errorf("%s: passed %v, want %v", tt.rule, len(out) > 0, tt.want)
		}
	}
	if n, _ := g.Dropped(); n != 6 {
		t.Errorf("%d counted as not SIP, want 6", n)
	}
}

func TestSourceIsHeldToItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newReadFilter(guardConfig{Rate: 10, Burst: 20})
		send := func(addr string, n int) (passed int) {
			for range n {
				out, err := g.Filter(from(addr, "UDP"), wire(goodInvite))
				if err != nil {
					t.Fatal(err)
				}
				if len(out) > 0 {
					passed++
				}
			}
			return passed
		}
		if n := send("192.0.2.1:5060", 100); n != 20 {
			t.Errorf("%d at once, want 20", n)
		}
		if n := send("192.0.2.1:9999", 100); n != 0 { // another port is the same source
			t.Errorf("%d from another port", n)
		}
		if n := send("192.0.2.2:5060", 100); n != 20 {
			t.Errorf("%d from another source, want 20", n)
		}
		send("[2001:db8::1]:5060", 20)
		if n := send("[2001:db8::2]:5060", 100); n != 0 {
			t.Errorf("%d from the same /64", n)
		}
		time.Sleep(time.Second)
		if n := send("192.0.2.1:5060", 100); n != 10 {
			t.Errorf("%d after a second, want 10", n)
		}
		if _, n := g.Dropped(); n != 80+100+80+100+90 {
			t.Errorf("%d counted", n)
		}
	})
}

func TestTrunkIsNotHeldToARate(t *testing.T) {
	trunk := netip.MustParseAddr("192.0.2.1")
	g := newReadFilter(guardConfig{Rate: 1, Burst: 1, Exempt: func(a netip.Addr) bool { return a == trunk }})
	for i := range 100 {
		if out, _ := g.Filter(from("192.0.2.1:5060", "UDP"), wire(goodInvite)); len(out) == 0 {
			t.Fatalf("datagram %d dropped", i)
		}
	}
}

func TestFloodingStreamIsClosed(t *testing.T) {
	g := newReadFilter(guardConfig{Rate: 1, Burst: 3})
	var err error
	for range 4 {
		_, err = g.Filter(from("192.0.2.1:5060", "TCP"), []byte("part of a message"))
	}
	if !errors.Is(err, errFlood) {
		t.Errorf("%v", err)
	}
}

func TestStreamWithTwoLengthsIsClosed(t *testing.T) {
	g := newReadFilter(guardConfig{})
	for text, want := range map[string]error{
		goodInvite: nil,
		strings.Replace(goodInvite, "Content-Length: 0", "Content-Length: 0\nl : 10", 1):            errLengths,
		strings.Replace(goodInvite, "Content-Length: 0\n\n", "l: 20\n\nContent-Length: 0\nl: 5", 1): nil, // in the body
	} {
		if _, err := g.Filter(from("192.0.2.1:5060", "TCP"), wire(text)); !errors.Is(err, want) {
			t.Errorf("%v, want %v for\n%s", err, want, text)
		}
	}
}

func TestLengthBeyondTheMessageIsRefusedUnread(t *testing.T) {
	for _, length := range []string{"4294967295", "4294967306", "18446744073709551617", "-1", "65536", "1e3", "0x10"} {
		data := wire(strings.Replace(goodInvite, "Content-Length: 0", "Content-Length: "+length, 1))
		if _, err := sip.NewParser().ParseSIP(data); err == nil {
			t.Errorf("%s as a datagram is taken", length)
		}
		stream := sip.NewParser().NewSIPStream()
		if err := stream.ParseSIPStream(data, func(sip.Message) { t.Errorf("%s on a stream is taken", length) }); err == nil {
			t.Errorf("%s on a stream is no error", length)
		}
	}
}

func TestGuardRemembersABoundedNumberOfSources(t *testing.T) {
	g := newReadFilter(guardConfig{Sources: 100})
	for i := range 10_000 {
		_, _ = g.Filter(from(fmt.Sprintf("10.0.%d.%d:5060", i/250, i%250+1), "UDP"), []byte("noise"))
	}
	if n := g.sources.len(); n != 100 || len(g.sources.at) != 100 {
		t.Errorf("%d sources", n)
	}
}

func TestOneShortLineForEachSourceAndMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		g := newReadFilter(guardConfig{Log: zap.New(core)})
		noise := []byte("\x1b[31m\r\nfake line\xff" + strings.Repeat("x", 60_000))
		for range 100 {
			_, _ = g.Filter(from("192.0.2.1:5060", "UDP"), noise)
		}
		time.Sleep(warnEvery)
		_, _ = g.Filter(from("192.0.2.1:5060", "UDP"), noise)
		all := logs.All()
		if len(all) != 2 {
			t.Fatalf("%d lines, want 2", len(all))
		}
		for i, want := range []uint64{1, 100} {
			f := all[i].ContextMap()
			if f["dropped"] != want {
				t.Errorf("line %d: %v dropped, want %d", i, f["dropped"], want)
			}
			if s := f["begins"].(string); strings.ContainsAny(s, "\x1b\r\n") || !utf8.ValidString(s) || len(s) > 200 {
				t.Errorf("%q", s)
			}
		}
		logs.TakeAll()
		for i := range 1000 {
			_, _ = g.Filter(from(fmt.Sprintf("10.0.%d.%d:5060", i/250, i%250+1), "UDP"), noise)
		}
		if n := logs.Len(); n > maxWarnings {
			t.Errorf("%d lines for a thousand sources", n)
		}
	})
}

// The filter in its place: a listener that got noise still takes the next request.
func TestListenerOutlivesNoise(t *testing.T) {
	g := newReadFilter(guardConfig{})
	ua, err := sipgo.NewUA(sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerReadFilter(g.Filter)))
	if err != nil {
		t.Fatal(err)
	}
	srv, err := sipgo.NewServer(ua)
	if err != nil {
		t.Fatal(err)
	}
	srv.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) {
		status, reason := 200, "OK"
		if rej := validate(req); rej != nil {
			status, reason = rej.Status, rej.Reason
		}
		_ = tx.Respond(sip.NewResponseFromRequest(req, status, reason, nil))
	})
	pc, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.ServeUDP(pc) })
	defer wg.Wait()
	defer ua.Close()
	defer pc.Close()

	conn, err := (&net.Dialer{}).DialContext(context.Background(), "udp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, noise := range []string{"noise", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x00\x01\x02", "INVITE x SIP/2.0\r\n\r\n"} {
		if _, err := conn.Write([]byte(noise)); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.NewReplacer("INVITE", "OPTIONS", "127.0.0.1:5070;branch", conn.LocalAddr().String()+";rport;branch").Replace(goodInvite)
	if _, err := conn.Write(wire(text)); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 2000)
	n, err := conn.Read(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), "SIP/2.0 200") {
		t.Fatalf("%v %q", err, buf[:n])
	}
}
