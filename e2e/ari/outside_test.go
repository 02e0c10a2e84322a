//go:build e2e

package ari_test

import (
	"cmp"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"firstline/call"
	"firstline/e2e/peer"
	"firstline/sip/ari"
	"firstline/sip/media"
	"firstline/sip/siptest"
)

// softphone is baresip as a desk phone: it answers by itself, and does what its
// control port is told.
func (p *pbx) softphone(t *testing.T, user string) (tell func(command, params string)) {
	t.Helper()
	dir, control := t.TempDir(), peer.FreePort(t)
	config := fmt.Sprintf(`sip_listen 127.0.0.1:%d
net_interface 127.0.0.1
module_path /usr/lib/baresip/modules
module g711.so
module aubridge.so
audio_source aubridge,a
audio_player aubridge,b
module ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:%d
module_app account.so
module_app menu.so
`, peer.FreePort(t), control)
	must(t, os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600))
	account := fmt.Sprintf("<sip:%s@%s>;auth_user=%s;auth_pass=firstline-test;answermode=auto;regint=60;audio_codecs=PCMU/8000/1\n", user, p.SIP, user)
	must(t, os.WriteFile(filepath.Join(dir, "accounts"), []byte(account), 0o600))
	cmd := exec.Command("baresip", "-f", dir)
	cmd.Dir = dir
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var conn net.Conn
	eventually(t, "baresip's control port answers", func() (ok bool) {
		var err error
		conn, err = net.Dial("tcp", fmt.Sprint("127.0.0.1:", control))
		return err == nil
	})
	t.Cleanup(func() { conn.Close() })
	return func(command, params string) {
		t.Helper()
		text := fmt.Sprintf(`{"command":%q,"params":%q}`, command, params)
		_, err := fmt.Fprintf(conn, "%d:%s,", len(text), text)
		must(t, err)
	}
}

func TestAPhoneAsksForATransfer(t *testing.T) {
	p := startPBX(t)
	x := p.frontEnd(t, nil).run(t)
	_, c := x.answered(t, x.served(t))
	tell := p.softphone(t, "desk1")
	eventually(t, "baresip is registered", func() bool { return x.Reachable("desk1") })
	l, err := x.Originate(t.Context(), call.Originate{ID: c.ID.Entry(1).Offer(1).AgentLeg(), To: call.Endpoint{Device: "desk1"}})
	must(t, err)
	must(t, call.AwaitAnswer(t.Context(), l, nil))
	_, err = x.Bridge(t.Context(), call.BridgeSpec{ID: c.ID.Bridge(1), Caller: c.Leg, Agent: l})
	must(t, err)
	if !x.Caps().ReferByPhone {
		t.Fatal("the ability is not declared")
	}
	tell("transfer", "sip:2002@127.0.0.1")
	for {
		if e := soon(t, "the wish is told", l.Events()); e.Kind == call.LegTransfer {
			if e.Target != "2002" {
				t.Errorf("wants to go to %q", e.Target)
			}
			break
		}
	}
	must(t, c.Leg.Context().Err()) // it is up to us what becomes of it
}

func TestPromptsAreFetchedOverHTTP(t *testing.T) {
	p := startPBX(t)
	srv := httptest.NewUnstartedServer(nil)
	sounds := ari.NewServer("http://" + srv.Listener.Addr().String() + "/sounds")
	srv.Config.Handler = sounds
	srv.Start()
	t.Cleanup(srv.Close)
	for _, m := range []call.Media{"prompt:one", "prompt:short"} {
		hz, d := siptest.Tone(m)
		sounds.Publish(m, media.Tone(d, hz).Samples())
	}
	x := p.frontEnd(t, func(c *ari.Config) { c.Sounds = sounds }).run(t)
	far, c := x.answered(t, x.served(t))
	done := make(chan error, 1)
	go func() { done <- c.Leg.Play(t.Context(), "prompt:short", "prompt:one") }()
	eventually(t, "the caller hears the prompt", func() bool { return far.Hears("prompt:one") })
	must(t, <-done)
}

// hostile is what a caller may say of himself.
var hostile = []string{
	`"; rm -rf /`, "${SHELL(id)}", "$[1+1]", "a,b,c", "PJSIP/desk2&PJSIP/desk3", "../../../etc/passwd", `\"><script>alert(1)</script>`,
	"line\r\nX-Injected: yes", "\x00\x07\x1b[31m", strings.Repeat("x", 4096), "\xff\xfe\xfd", "\u202egnp.exe", "sip:a@b;c=d?e=f", "%0d%0aX: y",
}

// Whatever a caller says of himself, it gets nowhere but into the places for what
// people say of themselves, and there it is clean.
func TestHostileTextOfCallersIsHarmless(t *testing.T) {
	p := startPBX(t)
	core, logged := observer.New(zapcore.DebugLevel)
	x := p.frontEnd(t, func(c *ari.Config) { c.Log = zap.New(core) }).run(t)
	calls, desk := x.served(t), x.desk(t)
	for i, text := range hostile {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			p.invite(t, text)
			c := soon(t, "the call comes in", calls)
			clean(t, c.From.Name)
			clean(t, c.From.Number)
			must(t, c.Leg.Answer(t.Context()))
			l, err := x.Originate(t.Context(), call.Originate{
				ID: c.ID.Entry(1).Offer(1).AgentLeg(), To: call.Endpoint{Device: desk.Device()}, From: c.From,
				Headers: map[string]string{"X-Firstline-Caller": text},
			})
			must(t, err)
			eventually(t, "the phone rings", desk.Ringing)
			clean(t, desk.Call().Remote().Name)
			clean(t, desk.Call().Remote().Number)
			if h := desk.Call().Header("X-Firstline-Caller"); len(h) > 200 || strings.ContainsAny(h, "\x00\x07\x1b\r\n") {
				t.Errorf("a header with the caller's text reached the phone as %q", h)
			}
			if h := desk.Call().Header("X-Injected"); h != "" {
				t.Errorf("a header of the caller's own reached the phone: %q", h)
			}
			must(t, l.Hangup(t.Context(), call.Cause{Reason: call.Cancelled}))
			must(t, c.Leg.Hangup(t.Context(), call.Cause{Reason: call.Completed}))
		})
	}
	for _, e := range logged.All() {
		for k, v := range e.ContextMap() {
			text := fmt.Sprint(v)
			for _, h := range []string{"rm -rf", "SHELL", "script", "Injected", "passwd", "xxxxxxxx", "\x1b"} {
				if strings.Contains(text, h) || strings.Contains(e.Message, h) {
					t.Errorf("logged: %s %s=%s", e.Message, k, text)
				}
			}
		}
	}
}

func clean(t *testing.T, text string) {
	t.Helper()
	if len([]rune(text)) > 64 {
		t.Errorf("%d runes of text", len([]rune(text)))
	}
	for _, r := range text {
		if r < ' ' || r == 0x7f || r == '\ufffd' || r == '\u202e' {
			t.Errorf("%q is not clean", text)
			return
		}
	}
}

// invite sends an INVITE whose From says what a caller may say: no phone of ours
// would. Its call is hung up by the other side, or when Asterisk misses the ACK.
func (p *pbx) invite(t *testing.T, text string) {
	t.Helper()
	conn, err := net.Dial("udp", p.SIP.String())
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	name := strings.NewReplacer("\\", "\\\\", `"`, `\"`, "\r", "", "\n", "", "\x00", "").Replace(text)
	user := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,;?/%", r) {
			return r
		}
		return -1
	}, text)
	user = cmp.Or(user, "4711")
	body := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", peer.FreePort(t)&^1)
	id := call.NewUUID(time.Now())
	_, err = fmt.Fprintf(conn, "INVITE sip:%s@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"+
		"From: \"%s\" <sip:%s@127.0.0.1>;tag=%s\r\nTo: <sip:%s@%s>\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:x@%s>\r\n"+
		"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		ariNumber, p.SIP, conn.LocalAddr(), id, name, user, id[:8], ariNumber, p.SIP, id, conn.LocalAddr(), len(body), body)
	must(t, err)
}
