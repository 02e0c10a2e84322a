//go:build e2e

package e2e

import (
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/icholy/digest"
)

// A server that cannot start says why in one sentence, and its exit code is not 0.
func TestAServerThatCannotStartSaysWhyInOneSentence(t *testing.T) {
	t.Parallel()
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	web, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer web.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	nobody := closed.Addr().String()
	closed.Close()
	for name, c := range map[string]struct {
		env  func(t *testing.T, dir string) map[string]string
		says []string // in the sentence
	}{
		"SIP port in use":      {env: env("FIRSTLINE_SIP_LISTEN", taken.LocalAddr().String()), says: []string{taken.LocalAddr().String()}},
		"HTTP port in use":     {env: env("FIRSTLINE_HTTP_LISTEN", web.Addr().String()), says: []string{web.Addr().String()}},
		"database unreachable": {env: env("FIRSTLINE_DATABASE", "postgres://firstline:hush@"+nobody+"/firstline"), says: []string{nobody}},
		"data folder is a file": {env: func(t *testing.T, dir string) map[string]string {
			file := filepath.Join(dir, "occupied")
			must(t, os.WriteFile(file, nil, 0o600))
			return map[string]string{"FIRSTLINE_DATA_DIR": file}
		}, says: []string{"occupied"}},
		"disk full": {env: func(t *testing.T, dir string) map[string]string {
			full := filepath.Join(dir, "full")
			must(t, os.Mkdir(full, 0o700))
			if err := syscall.Mount("tmpfs", full, "tmpfs", 0, "size=64k"); err != nil {
				t.Fatalf("a full disk needs root: %v", err)
			}
			t.Cleanup(func() { must(t, syscall.Unmount(full, syscall.MNT_DETACH)) })
			return map[string]string{"FIRSTLINE_DATA_DIR": full}
		}, says: []string{"full"}},
		"no such centre":     {env: env("FIRSTLINE_CENTRE", "/nowhere/at/all"), says: []string{"/nowhere/at/all"}},
		"unknown variable":   {env: env("FIRSTLINE_SIP_LISTNE", "127.0.0.1:0"), says: []string{"FIRSTLINE_SIP_LISTNE", "FIRSTLINE_SIP_LISTEN"}},
		"not an address":     {env: env("FIRSTLINE_SIP_LISTEN", "all over"), says: []string{"FIRSTLINE_SIP_LISTEN"}},
		"second of its kind": {env: nil, says: []string{"var"}},
	} {
		t.Run(name, func(t *testing.T) {
			var s *office
			if c.env == nil { // another server has this data folder
				s = serve(t, setting{})
				s.env["FIRSTLINE_SIP_LISTEN"], s.env["FIRSTLINE_HTTP_LISTEN"] = "127.0.0.1:0", "127.0.0.1:0"
			} else {
				s = &office{t: t, dir: t.TempDir(), env: map[string]string{
					"FIRSTLINE_SIP_LISTEN": "127.0.0.1:0", "FIRSTLINE_HTTP_LISTEN": "127.0.0.1:0",
				}}
				maps.Copy(s.env, c.env(t, s.dir))
			}
			s.launch()
			if code := s.process.exit(); code == 0 {
				t.Errorf("exit code %d", code)
			}
			sentence(t, s.process.out.String(), c.says...)
		})
	}
}

func env(k, v string) func(*testing.T, string) map[string]string {
	return func(*testing.T, string) map[string]string { return map[string]string{k: v} }
}

// sentence checks that the program ended with one line that is for people.
func sentence(t *testing.T, out string, says ...string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(line, "firstline: "); ok {
			lines = append(lines, strings.TrimSpace(rest))
		}
	}
	if len(lines) != 1 || strings.Contains(out, "goroutine ") || !strings.HasSuffix(strings.TrimSpace(out), lines[0]) {
		t.Fatalf("not one sentence at the end:\n%s", out)
	}
	for _, s := range says {
		if !strings.Contains(lines[0], s) {
			t.Errorf("the sentence does not name %q: %s", s, lines[0])
		}
	}
	if strings.Contains(out, "hush") {
		t.Errorf("the sentence tells the password: %s", out)
	}
}

// wire speaks SIP by hand.
type wire struct {
	t    *testing.T
	conn net.Conn
}

func (s *office) wire(network string) *wire {
	s.t.Helper()
	at := s.creds.SIP
	if network == "tcp" {
		at = s.tcp
	}
	conn, err := net.Dial(network, at)
	must(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	return &wire{t: s.t, conn: conn}
}

// final sends a request and returns the final response. Over UDP it is sent again when nothing comes, as RFC 3261 has it.
func (w *wire) final(msg string) string {
	w.t.Helper()
	buf, heard := make([]byte, 65536), ""
	for range 20 {
		_, err := w.conn.Write([]byte(msg))
		must(w.t, err)
		must(w.t, w.conn.SetReadDeadline(time.Now().Add(4*time.Second)))
		for {
			n, err := w.conn.Read(buf)
			if err != nil {
				break
			}
			heard += string(buf[:n])
			for heard != "" { // TCP may bring two at once; none of these has a body
				one, rest, whole := strings.Cut(heard, "\r\n\r\n")
				if !whole {
					break
				}
				if !strings.HasPrefix(one, "SIP/2.0 1") {
					return one + "\r\n"
				}
				heard = rest
			}
		}
	}
	w.t.Fatalf("no final response to\n%s", msg)
	return ""
}

// request builds a request from a line, headers and a body.
func (w *wire) request(method, uri, from, extra, body string) string {
	branch := hex.EncodeToString([]byte(fmt.Sprintf("%d", time.Now().UnixNano())))
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%s@127.0.0.1>;tag=%s\r\nTo: <%s>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\nContact: <sip:%s@%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		method, uri, strings.ToUpper(w.conn.LocalAddr().Network()), w.conn.LocalAddr(), branch, from, branch[:8],
		toOf(method, uri, from), branch, method, from, w.conn.LocalAddr(), extra, len(body), body)
}

func toOf(method, uri, from string) string {
	if method == "REGISTER" {
		return "sip:" + from + "@127.0.0.1"
	}
	return uri
}

func status(response string) string {
	line, _, _ := strings.Cut(response, "\r\n")
	_, rest, _ := strings.Cut(line, " ")
	return rest
}

func TestAWrongPasswordAndAnUnknownUserGetTheSame401(t *testing.T) {
	t.Parallel()
	s := serve(t, setting{})
	w := s.wire("udp")
	uri := "sip:" + s.creds.SIP
	var seen []string
	for _, user := range []string{"2001", "7777"} {
		challenged := w.final(w.request("REGISTER", uri, user, "Expires: 60\r\n", ""))
		answer := regexp.MustCompile(`(?m)^WWW-Authenticate: (.*)\r$`).FindStringSubmatch(challenged)
		if !strings.HasPrefix(challenged, "SIP/2.0 401 ") || answer == nil {
			t.Fatalf("without a password: %s", challenged)
		}
		chal, err := digest.ParseChallenge(answer[1])
		must(t, err)
		cred, err := digest.Digest(chal, digest.Options{Method: "REGISTER", URI: uri, Count: 1, Username: user, Password: "wrong"})
		must(t, err)
		refused := w.final(w.request("REGISTER", uri, user, "Expires: 60\r\nAuthorization: "+cred.String()+"\r\n", ""))
		if !strings.HasPrefix(refused, "SIP/2.0 401 ") {
			t.Errorf("with a wrong password: %s", refused)
		}
		seen = append(seen, sameFor(challenged, user)+sameFor(refused, user))
	}
	if seen[0] != seen[1] {
		t.Errorf("a user that is there is answered\n%s\none that is not\n%s", seen[0], seen[1])
	}
	if phone := s.tool("phone", "--user", "2001", "--password", "wrong"); phone.exit() != 1 {
		t.Error("firstline phone registers with a wrong password")
	}
}

// sameFor takes out of a response what is different each time.
func sameFor(response, user string) string {
	for _, each := range []string{`nonce="[^"]*"`, `opaque="[^"]*"`, `tag=[^;\r]*`, `branch=[^;\r]*`, `Call-ID: [^\r]*`, `Date: [^\r]*`} {
		response = regexp.MustCompile(each).ReplaceAllString(response, "#")
	}
	return strings.ReplaceAll(response, user, "USER")
}

const (
	offerPCMU = "v=0\r\no=t 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
	offerG729 = "v=0\r\no=t 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n"
	typeSDP   = "Content-Type: application/sdp\r\n"
)

func TestAnUnknownNumberIs404AndNoCommonCodec488AndNeitherIsACall(t *testing.T) {
	t.Parallel()
	s := serve(t, setting{})
	for _, network := range []string{"udp", "tcp"} {
		for _, c := range []struct{ number, sdp, want string }{
			{"4711", offerPCMU, "404 Not Found"},
			{"1000", offerG729, "488 Not Acceptable Here"},
		} {
			w := s.wire(network) // a new one each: a refusal is repeated until it is acknowledged
			if got := status(w.final(w.request("INVITE", "sip:"+c.number+"@"+s.creds.SIP, "caller", typeSDP, c.sdp))); got != c.want {
				t.Errorf("%s, %s: %s, want %s", network, c.number, got, c.want)
			}
		}
	}
	if n := len(s.api.calls()) + len(s.api.tickets()); n != 0 {
		t.Errorf("%d calls and tickets of calls that were none", n)
	}
}

func TestMalformedSIPDoesNotStopTheNextCall(t *testing.T) {
	t.Parallel()
	s := serve(t, setting{})
	for _, network := range []string{"udp", "tcp"} {
		for _, msg := range torture(t) {
			w := s.wire(network) // the server may close a stream that it cannot make out
			_, err := w.conn.Write(msg)
			must(t, err)
			w.conn.Close()
		}
	}
	w := s.wire("udp")
	if got := status(w.final(w.request("OPTIONS", "sip:"+s.creds.SIP, "test", "", ""))); got != "200 OK" {
		t.Errorf("OPTIONS afterwards: %s", got)
	}
	s.tool("phone", "--user", "2001", "--json").says(`"registered"`)
	if caller := s.tool("call", "1009", "--talk", "1s", "--json"); caller.exit() != 0 {
		t.Error("the call afterwards does not work")
	}
	if s.process.ended() || strings.Contains(s.process.out.String(), "panic") {
		t.Error("the server did not stand it")
	}
	if status, b, err := s.api.ask(http.MethodGet, "/healthz", nil); err != nil || status != http.StatusOK {
		t.Errorf("/healthz: %d %s %v", status, b, err)
	}
}

// torture is the messages of RFC 4475, cut off at several places too, and noise.
func torture(t *testing.T) [][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(the.root, "sip", "testdata", "rfc4475", "*.txt"))
	must(t, err)
	if len(files) < 20 {
		t.Fatalf("only %d messages of RFC 4475", len(files))
	}
	all := [][]byte{
		nil,
		{0},
		[]byte("\r\n\r\n"), []byte(strings.Repeat("\xff\x00", 2000)), []byte("INVITE sip:1000@x SIP/2.0\r\n"),
		[]byte("INVITE sip:1000@x SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n"),
		[]byte("INVITE sip:1000@x SIP/2.0\r\nContent-Length: -1\r\n\r\n"),
		[]byte("SIP/2.0 200 OK\r\n\r\n"), []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), []byte(strings.Repeat("A", 60000)),
	}
	hexed := regexp.MustCompile(`<hex>([0-9a-fA-F]*)</hex>`)
	for _, name := range files {
		b, err := os.ReadFile(name)
		must(t, err)
		msg := hexed.ReplaceAllFunc([]byte(strings.ReplaceAll(string(b), "\n", "\r\n")), func(m []byte) []byte {
			raw, err := hex.DecodeString(string(hexed.FindSubmatch(m)[1]))
			must(t, err)
			return raw
		})
		all = append(all, msg, msg[:len(msg)/2], msg[:len(msg)/3], msg[len(msg)/3:])
	}
	return all
}
