//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"firstline/config"
)

// production is deploy/asterisk as it is installed, with values of a site for the
// files that it names; where none is given, the sample's, on loopback.
func production(t *testing.T, site map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(filepath.Join(the.root, "deploy/asterisk"))))
	folders := section(t, "deploy/dev/asterisk/asterisk.conf", "[directories]")
	options := replaced(t, read(t, "deploy/asterisk/asterisk.conf"), "systemname = pbx1", "systemname = @NAME@")
	must(t, os.WriteFile(filepath.Join(dir, "asterisk.conf"), []byte(folders+options), 0o600))
	sample := func(name, old, now string) {
		if _, given := site[name]; !given {
			text := replaced(t, read(t, "deploy/asterisk/site/"+name), old, now)
			must(t, os.WriteFile(filepath.Join(dir, "site", name), []byte(text), 0o600))
		}
	}
	sample("pjsip.conf", "0.0.0.0:5060", "127.0.0.1:@SIP_PORT@")
	sample("http.conf", "bindport = 8088", "bindport = @ARI_PORT@")
	sample("rtp.conf", "rtpstart = 10000\nrtpend = 19999", "rtpstart = @RTP_START@\nrtpend = @RTP_END@")
	for name, text := range site {
		must(t, os.WriteFile(filepath.Join(dir, "site", name), []byte(text), 0o600))
	}
	return dir
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(the.root, name))
	must(t, err)
	return string(b)
}

// replaced fails the test when old is not there: the sample has changed.
func replaced(t *testing.T, text, old, now string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not in:\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, now)
}

// section is one section of a configuration file, up to the next.
func section(t *testing.T, file, head string) string {
	t.Helper()
	_, rest, found := strings.Cut(read(t, file), head+"\n")
	if !found {
		t.Fatalf("%s has no %s", file, head)
	}
	body, _, _ := strings.Cut(rest, "\n[")
	return head + "\n" + body + "\n"
}

// trunkAndAgent is a site whose carrier is loopback and whose one phone needs no
// registration.
func trunkAndAgent(p *node) map[string]string {
	return map[string]string{
		"pjsip.conf": fmt.Sprintf(`
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:@SIP_PORT@

[carrier](trunk)
transport = udp
aors = carrier

[carrier]
type = aor

[carrier]
type = identify
endpoint = carrier
match = 127.0.0.0/8

[2001](agent)
aors = 2001
[2001]
type = aor
contact = sip:2001@127.0.0.1:%d
`, p.agents),
		"ari.conf":        "[firstline]\ntype = user\npassword = e2e-password\n",
		"queues.conf":     "member => PJSIP/2001,0,Ana Silva,PJSIP/2001\n",
		"extensions.conf": "FALLBACK_WAIT = 2\n[emergency]\n",
	}
}

func limping(t *testing.T) *node {
	t.Helper()
	p := nodeOf(t, "")
	p.conf = production(t, trunkAndAgent(p))
	return p.start()
}

// away is what Asterisk says, rightly, about every call while nobody is connected.
const away = `Stasis app 'firstline' (doesn't exist|not active)|outbound websocket per-call config for app 'firstline'|[Ww]eb ?[Ss]ocket (closed abruptly|read error)`

func TestConfigurationsLoadWithoutAComplaint(t *testing.T) {
	for name, conf := range map[string]string{
		"of the test peers": filepath.Join(the.root, "deploy/dev/asterisk"),
		"for production":    production(t, map[string]string{"ari.conf": "[firstline]\ntype = user\npassword = e2e-password\n"}),
	} {
		t.Run(name, func(t *testing.T) {
			p := nodeOf(t, conf).start()
			if all := p.complaints(""); len(all) > 0 {
				t.Errorf("Asterisk complains:\n%s", strings.Join(all, ""))
			}
			p.knowsItsDialplan()
		})
	}
}

// knowsItsDialplan looks up every application and function that the dialplan names:
// Asterisk itself finds out when a call comes there.
func (p *node) knowsItsDialplan() {
	p.t.Helper()
	dialplan := p.text("etc/extensions.conf") + p.text("etc/firstline.conf") + p.text("etc/extensions_custom.conf")
	for _, of := range []struct{ kind, pattern string }{
		{"application", `(?m)^(?:exten => [^,]+,\d+|\s*same => n(?:\(\w+\))?),(\w+)\(`},
		{"function", `\$\{([A-Z_]+)\(`},
	} {
		names := map[string]bool{}
		for _, m := range regexp.MustCompile(of.pattern).FindAllStringSubmatch(dialplan, -1) {
			names[m[1]] = true
		}
		if len(names) == 0 {
			p.t.Errorf("no %s found in the dialplan", of.kind)
		}
		for name := range names {
			if answer := p.cli("core show " + of.kind + " " + name); !strings.Contains(answer, "Info about") {
				p.t.Errorf("%s %s: %s", of.kind, name, answer)
			}
		}
	}
}

func TestARIStaysClosedUntilItHasAPassword(t *testing.T) {
	p := nodeOf(t, production(t, nil)).start()
	for _, user := range []string{"", "firstline"} {
		if status, _ := p.get("/asterisk/info", user, ""); status != 401 {
			t.Errorf("user %q without a password: %d", user, status)
		}
	}
	if all := strings.Join(p.complaints(""), ""); !strings.Contains(all, "firstline: User missing password") {
		t.Errorf("nothing tells the operator: %s", all)
	}
	must(t, os.Remove(filepath.Join(p.conf, "site/ari.conf")))
	p.must("stop")
	p.start()
	if status, _ := p.get("/asterisk/info", "firstline", ""); status != 404 {
		t.Errorf("without site/ari.conf: %d", status)
	}
}

// follow makes the server read the node's queue_log from now on, and ends it.
func (s *office) follow(p *node) {
	s.t.Helper()
	s.process.stop(syscall.SIGTERM)
	must(s.t, os.WriteFile(filepath.Join(s.dir, "firstline.yaml"), fmt.Appendf(config.DemoServer(), `
asterisk:
  nodes:
    pbx1: {url: "http://127.0.0.1:%d/ari", password: e2e-password, queue-log: %s}
  sounds: {dir: %s, seen: firstline}
`, p.ari, filepath.Join(p.folder, "log/queue_log"), filepath.Join(p.folder, "sounds/firstline")), 0o600))
	s.up()
	s.process.says("queue_log is followed")
	s.process.stop(syscall.SIGTERM)
}

// limpCalls has one call answered by the queue, one given up, one left to voicemail.
func (p *node) limpCalls() {
	p.t.Helper()
	agent := p.answering(1)
	went(p.t, p.phoneIn("+4930111", "1000", 1500*time.Millisecond), agent)
	went(p.t, p.phoneIn("+4930222", "+49301000", 1000*time.Millisecond))
	went(p.t, p.phoneIn("+4930333", "1000", 14*time.Second)) // 2 s in the queue, 7 s of instructions, the message
	p.tells(p.t, `\|NONE\|DID\|1000\|$`, `ENTERQUEUE\|\|\+4930111\|1$`, `Ana Silva\|CONNECT\|`, `Ana Silva\|COMPLETECALLER\|`)
	p.tells(p.t, `\|NONE\|DID\|\+49301000\|$`, `ENTERQUEUE\|\|\+4930222\|1$`, `ABANDON\|1\|1\|`, `HANGUP\|`)
	p.tells(p.t, `ENTERQUEUE\|\|\+4930333\|1$`, `EXITWITHTIMEOUT\|1\|1\|2`, `VOICEMAIL\|`+regexp.QuoteMeta(strings.TrimPrefix(p.folder, p.root()))+`/spool/voicemail/firstline/100/INBOX/msg0000$`, `HANGUP\|TIMEOUT$`)
}

func went(t *testing.T, all ...*process) {
	t.Helper()
	for _, p := range all {
		if code := p.exit(); code != 0 {
			t.Errorf("%s: exit code %d", p.name, code)
		}
	}
}

// wantLimpCalls wants limpCalls in the journal, each once with a ticket of its own.
func (s *office) wantLimpCalls() {
	s.t.Helper()
	eventually(s.t, "three calls of limp mode", func() bool { return len(s.api.calls()) == 3 })
	var lost struct {
		Callers []json.RawMessage `json:"callers"`
	}
	s.api.get("/api/v1/lost-callers", &lost)
	if len(lost.Callers) != 1 { // who left a message; who gave up at once is owed nothing
		s.t.Errorf("%d lost callers: %s", len(lost.Callers), lost.Callers)
	}
	for number, want := range map[string]struct{ outcome, note string }{
		"+4930111": {"answered", "answered by Ana Silva after"},
		"+4930222": {"abandoned-short", "gave up after"},
		"+4930333": {"voicemail", "/voicemail/firstline/100/INBOX/msg0000.wav"},
	} {
		c, found := s.api.callFrom(number)
		if !found || c.Outcome != want.outcome || c.Queue != "firstline-fallback" || c.Open {
			s.t.Errorf("the call from %s: %+v", number, c)
		}
		var t ticket
		s.api.get("/api/v1/tickets/"+c.Ticket, &t)
		if t.Caller.Number != number || len(t.Notes) != 1 || !strings.Contains(t.Notes[0].Text, want.note) {
			s.t.Errorf("the ticket of %s: %+v", number, t)
		}
	}
	if n := len(s.api.tickets()); n != 3 {
		s.t.Errorf("%d tickets for 3 calls", n)
	}
}

// While firstline is away a plain queue and voicemail take the calls. Afterwards
// they are calls with tickets: where the log is followed, and where it is imported,
// on either database, and however often.
func TestCallsWhileFirstlineIsAwayAreServedAndBecomeTickets(t *testing.T) {
	p := limping(t)
	s := serve(t, setting{database: startPostgres(t).Database(t)})
	s.follow(p)
	p.limpCalls()
	if wav := p.text("spool/voicemail/firstline/100/INBOX/msg0000.wav"); len(wav) < 16000 {
		t.Errorf("the message has %d bytes", len(wav))
	}
	if all := p.complaints(away); len(all) > 0 {
		t.Errorf("Asterisk complains:\n%s", strings.Join(all, ""))
	}
	s.up()
	s.wantLimpCalls()
	s.kill()
	p.cli("logger rotate")
	s.up()
	s.process.says("queue_log is followed")
	s.wantLimpCalls()

	log := filepath.Join(t.TempDir(), "queue_log")
	must(t, os.WriteFile(log, []byte(p.text("log/queue_log.0")), 0o600))
	other := serve(t, setting{})
	for _, says := range []string{"3 calls are in now, 0 were before", "0 calls are in now, 3 were before"} {
		tool := other.tool("import", "queue-log", log, "--node", "pbx1")
		if tool.exit() != 0 {
			t.Errorf("import: %s", tool.out)
		}
		tool.says(says)
		other.wantLimpCalls()
	}
	if audit := other.tool("audit"); audit.exit() != 0 {
		t.Errorf("audit: %s", audit.out)
	}
}

// root is the installation, whose folders Asterisk sees without it.
func (p *node) root() string {
	root, _, _ := strings.Cut(p.folder, "/srv/")
	return root
}

// tells waits until queue_log has lines that match, in this order.
func (p *node) tells(t *testing.T, patterns ...string) {
	t.Helper()
	in := regexp.MustCompile(`(?ms)` + strings.Join(patterns, `.*`))
	eventually(t, "queue_log tells "+strings.Join(patterns, ", "), func() bool { return in.MatchString(p.queueLog()) })
}

// What a caller sends reaches applications, files and logs without what could mean
// something there; a name keeps its letters.
func TestCallersTextIsFilteredBeforeAnythingUsesIt(t *testing.T) {
	p := limping(t)
	conn, err := net.Dial("udp", fmt.Sprint("127.0.0.1:", p.sip))
	must(t, err)
	defer conn.Close()
	dialled := "1000" + url.PathEscape(",Local|${SHELL(id)}\n..")
	number := "+49" + url.PathEscape("|30${EXTEN},\n7")
	sdp := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
	_, err = fmt.Fprintf(conn, "INVITE sip:%[1]s@127.0.0.1:%[2]d SIP/2.0\r\nVia: SIP/2.0/UDP %[3]s;branch=z9hG4bKevil\r\nMax-Forwards: 70\r\n"+
		"From: \"Zoë d'A-b&${SHELL(id)}|../$[1+1]\" <sip:%[4]s@127.0.0.1>;tag=1\r\nTo: <sip:%[1]s@127.0.0.1>\r\nCall-ID: evil\r\nCSeq: 1 INVITE\r\n"+
		"Contact: <sip:x@%[3]s>\r\nContent-Type: application/sdp\r\nContent-Length: %[5]d\r\n\r\n%[6]s",
		dialled, p.sip, conn.LocalAddr(), number, len(sdp), sdp)
	must(t, err)
	p.tells(t, `\|NONE\|DID\|1000\|$`, `ENTERQUEUE\|\|\+4930EXTEN7\|1$`)
	_, channels := p.get("/channels", "firstline", "e2e-password")
	if !strings.Contains(channels, `"name":"Zoë dA-bSHELLid..11","number":"+4930EXTEN7"`) {
		t.Errorf("channels: %s", channels)
	}
	for _, text := range []string{channels, p.queueLog(), strings.Join(p.complaints(away), "")} {
		for _, evil := range []string{"SHELL(", "${", "$[", "|30", "Local|", "\n.."} {
			if strings.Contains(text, evil) {
				t.Errorf("%q is in %s", evil, text)
			}
		}
	}
	p.cli("channel request hangup all")
	p.tells(t, `ABANDON\|`)
}
