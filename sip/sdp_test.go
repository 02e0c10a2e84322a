package sip

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/sip/media"
)

var rewriteGolden = flag.Bool("rewrite", false, "write the golden answers anew") // a flag of the test binary

// testLocal describes our side with an id that does not change.
func testLocal() *localMedia {
	l := newLocalMedia(netip.MustParseAddrPort("198.51.100.1:20000"))
	l.id = 7
	return l
}

func readOffer(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "sdp", name+".offer"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
}

// reading is the exported part of remoteMedia, for comparison.
type reading struct {
	Addr, RTCP netip.AddrPort
	Codecs     []audioCodec
	DTMF       uint8
	PTime      time.Duration
	Direction  media.Direction
	Held       bool
	Version    uint64
}

func readingOf(r *remoteMedia) reading {
	return reading{r.Addr, r.RTCP, r.Codecs, r.DTMF, r.PTime, r.Direction, r.Held(), r.Version}
}

var byString = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }) // an option of go-cmp

func TestOffersOfRealPhonesAreReadAndAnswered(t *testing.T) {
	u, a := media.PCMU, media.PCMA
	ap := netip.MustParseAddrPort
	for name, want := range map[string]reading{
		"baresip":        {ap("192.0.2.10:10042"), ap("192.0.2.10:10043"), []audioCodec{{u, 0}, {a, 8}}, 97, 20 * time.Millisecond, media.SendRecv, false, 1046733290},
		"linphone":       {ap("192.0.2.11:7078"), ap("192.0.2.11:51903"), []audioCodec{{a, 8}, {u, 0}}, 100, 0, media.SendRecv, false, 3162},
		"asterisk":       {ap("192.0.2.13:17524"), netip.AddrPort{}, []audioCodec{{a, 8}, {u, 0}}, 101, 20 * time.Millisecond, media.SendRecv, false, 1622481538},
		"asterisk-hold":  {ap("192.0.2.13:17524"), netip.AddrPort{}, []audioCodec{{a, 8}}, 101, 0, media.SendOnly, true, 1622481539},
		"old-phone-hold": {ap("0.0.0.0:5004"), netip.AddrPort{}, []audioCodec{{u, 0}}, 0, 0, media.SendOnly, true, 8001},
		"savp-and-avp":   {ap("192.0.2.16:4002"), netip.AddrPort{}, []audioCodec{{u, 0}}, 127, 0, media.RecvOnly, false, 1},
		"ipv6":           {ap("[2001:db8::1]:4000"), netip.AddrPort{}, []audioCodec{{a, 118}}, 0, 30 * time.Millisecond, media.Inactive, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := parseOffer(readOffer(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, readingOf(r), byString); diff != "" {
				t.Error(diff)
			}
			answer := bytes.ReplaceAll(testLocal().answer(r), []byte("\r\n"), []byte("\n"))
			file := filepath.Join("testdata", "sdp", name+".answer")
			if *rewriteGolden {
				if err := os.WriteFile(file, answer, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			golden, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(golden), string(answer)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOfferWithoutCommonGroundIs488(t *testing.T) {
	for _, name := range []string{"chrome", "savp", "g729-only"} {
		_, err := parseOffer(readOffer(t, name))
		if status, _ := statusOfError(err); !errors.Is(err, errNoCodec) || status != 488 {
			t.Errorf("%s: %v, %d", name, err, status)
		}
	}
}

func TestMediaNeverGoesWhereItMustNot(t *testing.T) {
	base := string(readOffer(t, "asterisk"))
	for _, c := range []string{
		"IN IP4 224.0.0.1", "IN IP4 224.0.0.1/127", "IN IP4 239.1.2.3/15/2", "IN IP4 255.255.255.255", "IN IP4 240.0.0.1",
		"IN IP4 0.1.2.3", "IN IP6 ff02::1", "IN IP6 fe80::1%eth0", "IN IP6 ::ffff:224.0.0.1", "IN IP4 phone.example.com",
		"IN IP4 2001:db8::1", "IN IP6 192.0.2.1", "ATM NSAP 47", "IN IP4 127.1",
	} {
		_, err := parseOffer([]byte(strings.Replace(base, "c=IN IP4 192.0.2.13", "c="+c, 1)))
		if status, _ := statusOfError(err); err == nil || status != 488 && status != 400 {
			t.Errorf("%s: %v, %d", c, err, status)
		}
	}
	for _, port := range []string{"0", "65536", "-1", "99999999999"} {
		if r, err := parseOffer([]byte(strings.Replace(base, "17524", port, 1))); err == nil {
			t.Errorf("port %s: %v", port, r.Addr)
		}
	}
}

func TestLoopbackIsRefusedFromElsewhere(t *testing.T) {
	r, err := parseOffer([]byte(strings.Replace(string(readOffer(t, "asterisk")), "c=IN IP4 192.0.2.13", "c=IN IP4 127.0.0.1", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.sendableFrom(netip.MustParseAddr("198.51.100.1")); !errors.Is(err, errAddress) {
		t.Error(err)
	}
	if err := r.sendableFrom(netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Error(err)
	}
}

func TestReportsGoToTheHostOfTheMedia(t *testing.T) {
	base := string(readOffer(t, "asterisk"))
	for attr, want := range map[string]string{
		"rtcp:4001":                   "192.0.2.13:4001",
		"rtcp:4001 IN IP4 192.0.2.13": "192.0.2.13:4001",
		"rtcp:4001 IN IP4 192.0.2.99": "invalid AddrPort",
		"rtcp:0":                      "invalid AddrPort",
		"rtcp:x":                      "invalid AddrPort",
		"rtcp:":                       "invalid AddrPort",
	} {
		r, err := parseOffer([]byte(strings.Replace(base, "a=ptime:20", "a="+attr, 1)))
		if err != nil || r.RTCP.String() != want {
			t.Errorf("%s: %v, %v", attr, r, err)
		}
	}
}

func TestOddButReadableDescriptionsAreRead(t *testing.T) {
	base := string(readOffer(t, "asterisk"))
	for rule, text := range map[string]string{
		"no last line end":   strings.TrimSuffix(base, "\r\n"),
		"line feeds only":    strings.ReplaceAll(base, "\r\n", "\n"),
		"carriage returns":   strings.ReplaceAll(base, "\r\n", "\r"),
		"b without colon":    strings.Replace(base, "t=0 0", "b=AS64\r\nt=0 0", 1),
		"blank at line ends": strings.ReplaceAll(base, "\r\n", " \r\n"),
		"empty lines":        strings.ReplaceAll(base, "\r\n", "\r\n\r\n"),
		"unknown line":       base + "x=what\r\n",
		"half a line":        base + "a",
		"bare attribute":     base + "a=\r\na=:\r\na=rtpmap\r\na=rtpmap:\r\n",
		"upper case names":   strings.ReplaceAll(base, "telephone-event", "TELEPHONE-EVENT"),
	} {
		t.Run(rule, func(t *testing.T) {
			r, err := parseOffer([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if r.Addr.String() != "192.0.2.13:17524" || len(r.Codecs) != 2 || r.DTMF != 101 {
				t.Errorf("%+v", readingOf(r))
			}
		})
	}
}

func TestUnreadableDescriptionIsABadRequest(t *testing.T) {
	for _, text := range []string{
		"", "x", "v=0", "v=0\r\no=\r\n", strings.Repeat("a", maxBodyBytes+1), strings.Repeat("a=x\r\n", maxLines+1),
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n",
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n", // no c=
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" + strings.Repeat("m=audio 4000 RTP/AVP 0\r\n", 17),
	} {
		_, err := parseOffer([]byte(text))
		if status, _ := statusOfError(err); !errors.Is(err, errSDP) || status != 400 {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

func TestVersionGrowsOnlyWhenTheDescriptionChanges(t *testing.T) {
	l := testLocal()
	version := func(b []byte) uint64 {
		t.Helper()
		sd, err := readSDP(b)
		if err != nil {
			t.Fatal(err)
		}
		return sd.Origin.SessionVersion
	}
	r, err := parseOffer(readOffer(t, "asterisk"))
	if err != nil {
		t.Fatal(err)
	}
	hold, err := parseOffer(readOffer(t, "asterisk-hold"))
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, b := range [][]byte{l.answer(r), l.answer(r), l.answer(hold), l.answer(hold), l.answer(r), l.offer(media.SendOnly), l.offer(media.SendOnly)} {
		got = append(got, version(b))
	}
	if diff := cmp.Diff([]uint64{0, 0, 1, 1, 2, 3, 3}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCodecInUseIsKeptThroughReInvite(t *testing.T) {
	l := testLocal()
	first, err := parseOffer(readOffer(t, "asterisk")) // PCMA first
	if err != nil {
		t.Fatal(err)
	}
	l.answer(first)
	second, err := parseOffer(readOffer(t, "baresip")) // PCMU first
	if err != nil {
		t.Fatal(err)
	}
	l.answer(second)
	if p := second.params(netip.Addr{}); p.Codec != media.PCMA || p.PayloadType != 8 || p.DTMFPayload != 97 {
		t.Errorf("%+v", p)
	}
}

func TestOurOfferAndItsAnswer(t *testing.T) {
	l := testLocal()
	offer := l.offer(media.SendRecv)
	r, err := parseOffer(offer)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(reading{
		Addr: l.addr, Codecs: []audioCodec{{media.PCMU, 0}, {media.PCMA, 8}}, DTMF: 101, PTime: 20 * time.Millisecond,
	}, readingOf(r), byString); diff != "" {
		t.Error(diff)
	}
	peer := newLocalMedia(netip.MustParseAddrPort("192.0.2.20:4000"))
	got, err := l.parseAnswer(peer.answer(r))
	if err != nil {
		t.Fatal(err)
	}
	signalling := netip.MustParseAddr("192.0.2.20")
	want := media.Params{Remote: peer.addr, Codec: media.PCMU, DTMFPayload: 101, SignallingSource: signalling}
	if p := got.params(signalling); p != want {
		t.Errorf("%+v, want %+v", p, want)
	}
	back, err := parseOffer(l.offer(media.SendOnly)) // we hold
	if err != nil || !back.Held() {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestAnswerWithoutOurStreamIsRefused(t *testing.T) {
	for rule, text := range map[string]string{
		"port 0":      strings.Replace(string(readOffer(t, "asterisk")), "17524", "0", 1),
		"other codec": string(readOffer(t, "g729-only")),
		"no stream":   "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n",
		"nothing":     "",
	} {
		l := testLocal()
		l.offer(media.SendRecv)
		if r, err := l.parseAnswer([]byte(text)); err == nil {
			t.Errorf("%s: %+v", rule, r)
		}
	}
}

func TestReOfferKeepsStreamsAndPayloadTypes(t *testing.T) {
	l := testLocal()
	r, err := parseOffer(readOffer(t, "savp-and-avp"))
	if err != nil {
		t.Fatal(err)
	}
	l.answer(r)
	sd, err := readSDP(l.offer(media.SendOnly))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range sd.streams {
		lines = append(lines, fmt.Sprintf("%s %d %s %s", m.media, m.port, m.proto, strings.Join(m.formats, " ")))
	}
	want := []string{"audio 0 RTP/SAVP 0", "audio 20000 RTP/AVP 0 8 127", "image 0 udptl t38"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}

// FuzzSDP feeds bodies: nothing may panic, and what is taken may be sent to and answered.
func FuzzSDP(f *testing.F) {
	files, _ := filepath.Glob("testdata/sdp/*.offer")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		l := testLocal()
		l.offer(media.SendRecv)
		if r, err := l.parseAnswer(body); err == nil {
			_ = r.params(netip.Addr{})
		}
		r, err := parseOffer(body)
		if err != nil {
			if status, _ := statusOfError(err); status != 400 && status != 488 {
				t.Fatalf("%v is %d", err, status)
			}
			return
		}
		if ip := r.Addr.Addr(); ip.IsMulticast() || r.Addr.Port() == 0 || ip.Is4In6() {
			t.Fatalf("took %v", r.Addr)
		}
		answer := l.answer(r)
		sd, err := readSDP(answer)
		if err != nil {
			t.Fatalf("our answer is not readable: %v\n%q", err, answer)
		}
		if len(sd.streams) != len(r.streams) {
			t.Fatalf("%d streams answered, %d offered", len(sd.streams), len(r.streams))
		}
	})
}
