package sip

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// wire puts CRLF at the line ends of a readable message.
func wire(text string) []byte {
	return []byte(strings.ReplaceAll(strings.TrimLeft(text, "\n"), "\n", "\r\n"))
}

const goodInvite = `
INVITE sip:1000@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKabc
Max-Forwards: 70
From: "Ana" <sip:2001@127.0.0.1>;tag=1
To: <sip:1000@127.0.0.1>
Call-ID: a@127.0.0.1
CSeq: 1 INVITE
Contact: <sip:2001@127.0.0.1:5070>
Content-Length: 0

`

func parseRequest(t testing.TB, text string) *sip.Request {
	t.Helper()
	msg, err := sip.NewParser().ParseSIP(wire(text))
	if err != nil {
		t.Fatalf("parse: %v\n%s", err, text)
	}
	return msg.(*sip.Request)
}

func TestWellFormedInvitePasses(t *testing.T) {
	if rej := validate(parseRequest(t, goodInvite)); rej != nil {
		t.Fatalf("refused: %+v", rej)
	}
}

func TestFaultyRequestIsRefusedWithTheRightStatus(t *testing.T) {
	replace := func(old, with string) string {
		if !strings.Contains(goodInvite, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(goodInvite, old, with, 1)
	}
	tests := []struct {
		rule, text string
		want       int // 0: passes, -1: dropped
	}{
		{"lower case version", replace(" SIP/2.0\nVia", " sip/2.0\nVia"), 0},
		{"no Max-Forwards", replace("Max-Forwards: 70\n", ""), 0},
		{"Max-Forwards 0 is for proxies", replace("Max-Forwards: 70", "Max-Forwards: 0"), 0},
		{"Max-Forwards 256", replace("Max-Forwards: 70", "Max-Forwards: 256"), 400},
		{"no From tag", replace(";tag=1", ""), 400},
		{"no Call-ID", replace("Call-ID: a@127.0.0.1\n", ""), 400},
		{"two To", replace("To: <sip:1000@127.0.0.1>", "To: <sip:1000@127.0.0.1>\nt: <sip:1001@127.0.0.1>"), 400},
		{"two Call-ID by compact form", replace("Call-ID: a@127.0.0.1", "Call-ID: a@127.0.0.1\ni: b"), 400},
		{"two Content-Length", replace("Content-Length: 0", "Content-Length: 0\nl: 0"), 400},
		{"CSeq of another method", replace("1 INVITE", "1 BYE"), 400},
		{"CSeq with more blanks", replace("1 INVITE", "1   INVITE"), 0},
		{"no Contact", replace("Contact: <sip:2001@127.0.0.1:5070>\n", ""), 400},
		{"two Contacts", replace("Contact: <sip:2001@127.0.0.1:5070>", "Contact: <sip:a@b>, <sip:c@d>"), 400},
		{"Contact *", replace("Contact: <sip:2001@127.0.0.1:5070>", "Contact: *"), 400},
		{"Contact mailto", replace("Contact: <sip:2001@127.0.0.1:5070>", "Contact: <mailto:a@b>"), 400},
		{"scheme mailto", replace("INVITE sip:1000@127.0.0.1", "INVITE mailto:1000@127.0.0.1"), 416},
		{"sips is known", replace("INVITE sip:1000@127.0.0.1", "INVITE sips:1000@127.0.0.1"), 0},
		{"no host", replace("INVITE sip:1000@127.0.0.1", "INVITE sip:1000@"), 400},
		{"port too high", replace("INVITE sip:1000@127.0.0.1", "INVITE sip:1000@127.0.0.1:70000"), 400},
		{"port negative", replace("INVITE sip:1000@127.0.0.1", "INVITE sip:1000@127.0.0.1:-1"), 400},
		{"escape cut off", replace("INVITE sip:1000@127.0.0.1", "INVITE sip:10%4@127.0.0.1"), 400},
		{"escape in From", replace("<sip:2001@127.0.0.1>;tag", "<sip:20%zz@127.0.0.1>;tag"), 400},
		{"header in Request-URI", replace("INVITE sip:1000@127.0.0.1", "INVITE sip:1000@127.0.0.1?Subject=x"), 400},
		{"long Request-URI", replace("INVITE sip:1000", "INVITE sip:"+strings.Repeat("1", 2000)), 414},
		{"Require", replace("Max-Forwards: 70", "Require: 100rel"), 420},
		{"Proxy-Require is not for us", replace("Max-Forwards: 70", "Proxy-Require: foo"), 0},
		{"long header", replace("Max-Forwards: 70", "Subject: "+strings.Repeat("x", 5000)), 513},
		{"long From gets no echo", replace(`"Ana"`, `"`+strings.Repeat("x", 20000)+`"`), -1},
		{"line feed in From gets no echo", replace(`"Ana"`, "\"An\x01a\""), -1},
		{"control character elsewhere", replace("Max-Forwards: 70", "Subject: a\x1b[2Jb"), 400},
		{"tab is a blank", replace("Max-Forwards: 70", "Subject: a\tb"), 0},
		{"many header fields", replace("Max-Forwards: 70", strings.Repeat("X: y\n", 300)+"Max-Forwards: 70"), -1},
		{"body without type", replace("Content-Length: 0\n\n", "Content-Length: 3\n\nv=0"), 400},
		{"body of text", replace("Content-Length: 0\n\n", "Content-Type: text/plain\nContent-Length: 3\n\nv=0"), 415},
		{"SDP in other case", replace("Content-Length: 0\n\n", "c: Application/SDP;charset=utf-8\nContent-Length: 3\n\nv=0"), 0},
		{"SDP packed", replace("Content-Length: 0\n\n", "c: application/sdp\ne: gzip\nContent-Length: 3\n\nv=0"), 415},
		{"cookie alone", replace("z9hG4bKabc", "z9hG4bK"), 400},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			rej := validate(parseRequest(t, tt.text))
			got := 0
			if rej != nil {
				if got = rej.Status; rej.Drop {
					got = -1
				}
			}
			if got != tt.want {
				t.Errorf("status %d (%+v), want %d", got, rej, tt.want)
			}
		})
	}
}

func TestBareLineFeedNeverReachesAnAnswer(t *testing.T) {
	raw := strings.Replace(string(wire(goodInvite)), `"Ana"`, "\"A\nX: y\"", 1)
	msg, err := sip.NewParser().ParseSIP([]byte(raw))
	if err != nil {
		return // refused even earlier
	}
	req := msg.(*sip.Request)
	if rej := validate(req); rej == nil || rej.response(req) != nil {
		t.Fatalf("%+v", rej)
	}
}

func TestAckIsNeverAnswered(t *testing.T) {
	text := strings.NewReplacer("INVITE sip", "ACK sip", "1 INVITE", "1 BYE").Replace(goodInvite)
	req := parseRequest(t, text)
	rej := validate(req)
	if rej == nil || rej.response(req) != nil {
		t.Fatalf("%+v", rej)
	}
}

func TestCancelIsNotRefusedForRequire(t *testing.T) {
	text := strings.NewReplacer("INVITE sip", "CANCEL sip", "1 INVITE", "1 CANCEL", "Max-Forwards: 70", "Require: foo").Replace(goodInvite)
	if rej := validate(parseRequest(t, text)); rej != nil {
		t.Fatalf("%+v", rej)
	}
}

func TestHarmfulResponseIsIgnored(t *testing.T) {
	good := `
SIP/2.0 200 OK
Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKabc
From: <sip:1000@127.0.0.1>;tag=1
To: <sip:2001@127.0.0.1>;tag=2
Call-ID: a@127.0.0.1
CSeq: 1 INVITE
Content-Length: 0

`
	tests := []struct{ rule, old, with, want string }{
		{"good", "", "", ""},
		{"version", "SIP/2.0 200", "SIP/3.0 200", "version"},
		{"status 99", " 200 ", " 99 ", "status"},
		{"status 700", " 200 ", " 700 ", "status"},
		{"status 65000", " 200 ", " 65000 ", "status"},
		{"two Via", "From:", "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\nFrom:", "somebody else"},
		{"two CSeq", "CSeq: 1 INVITE", "CSeq: 1 INVITE\nCSeq: 2 INVITE", "more than one CSeq"},
		{"no From tag", ";tag=1", "", "From tag"},
		{"2xx without To tag", ";tag=2", "", "To tag"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			msg, err := sip.NewParser().ParseSIP(wire(strings.Replace(good, tt.old, tt.with, 1)))
			if err != nil {
				t.Fatal(err)
			}
			err = validateResponse(msg.(*sip.Response))
			if got := fmt.Sprint(err); (err == nil) != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzValidate feeds whole messages: nothing may panic, and no answer may hold a
// line that the answer's author did not write.
func FuzzValidate(f *testing.F) {
	for _, name := range []string{"wsinv", "intmeth", "longreq", "escnull", "multi01", "mcl01", "bcast", "insuf", "cparam01"} {
		f.Add(tortureMessage(f, name))
	}
	f.Add(wire(goodInvite))
	f.Fuzz(func(t *testing.T, data []byte) {
		looksLikeSIP(data)
		msg, err := sip.NewParser().ParseSIP(data)
		if err != nil {
			return
		}
		switch msg := msg.(type) {
		case *sip.Response:
			_ = validateResponse(msg)
		case *sip.Request:
			rej := validate(msg)
			if rej == nil {
				partyOf(msg, true)
				return
			}
			if res := rej.response(msg); res != nil {
				for _, h := range res.Headers() {
					if strings.ContainsAny(h.Value(), "\r\n") {
						t.Fatalf("line end in %q", h.Value())
					}
				}
			}
		}
	})
}
