//go:build e2e

package ari_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/sip"
	"firstline/sip/ari"
	"firstline/sip/media"
	"firstline/sip/siptest"
)

// pbx is a real Asterisk, started for the test.
type pbx struct {
	t      *testing.T
	env    []string
	folder string // what it writes
	sip    netip.AddrPort
	ari    string // host:port
	far    *media.Engine
}

// ariRule is the number that Asterisk's dialplan hands to the application.
const ariNumber = "710"

func startPBX(t *testing.T) *pbx {
	t.Helper()
	root, err := filepath.Abs("../..")
	must(t, err)
	sipPort, ariPort, rtp := freeTCP(t), freeTCP(t), freeRTP()
	p := &pbx{
		t: t, sip: netip.MustParseAddrPort(fmt.Sprintf("127.0.0.1:%d", sipPort)), ari: fmt.Sprintf("127.0.0.1:%d", ariPort),
		env: []string{
			fmt.Sprint("PEER_SIP_PORT=", sipPort), fmt.Sprint("PEER_ARI_PORT=", ariPort), fmt.Sprint("PEER_NAME=ari-", sipPort),
			fmt.Sprint("PEER_RTP_START=", rtp), fmt.Sprint("PEER_RTP_END=", rtp+399),
			"PEER_AGENTS=1", fmt.Sprint("PEER_AGENT_PORT=", sipPort+1), // the fallback's queue needs somebody to wait for
			"ASTERISK_CONF=" + pbxConfig(t, root),
		},
	}
	p.script("start")
	t.Cleanup(func() {
		p.script("stop")
		if p.folder != "" {
			os.RemoveAll(p.folder)
		}
	})
	p.folder = regexp.MustCompile(`folder (\S+)`).FindStringSubmatch(p.script("status"))[1]
	p.far = siptest.Engine(t, uint16(rtp+400))
	return p
}

// pbxConfig is the peers' own configuration with music that a test can tell from
// all else.
func pbxConfig(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(filepath.Join(root, "deploy/dev/asterisk"))))
	must(t, os.WriteFile(filepath.Join(dir, "musiconhold.conf"), []byte("[default]\nmode = files\ndirectory = @INST@/sounds/music\n"), 0o644))
	must(t, os.MkdirAll(filepath.Join(dir, "sounds/music"), 0o755))
	hz, _ := siptest.Tone("music:default")
	f, err := os.Create(filepath.Join(dir, "sounds/music/tone.wav"))
	must(t, err)
	must(t, media.EncodeWAV(f, media.Tone(2*time.Second, hz).Samples()))
	must(t, f.Close())
	return dir
}

// script runs deploy/dev/asterisk.sh for this instance.
func (p *pbx) script(args ...string) string {
	p.t.Helper()
	cmd := exec.Command("../../deploy/dev/asterisk.sh", args...)
	cmd.Env = append(os.Environ(), p.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("asterisk.sh %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// patience is how long a test waits for what has to come. It fails what is broken;
// it measures nothing.
const patience = 60 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// soon is what comes on a channel.
func soon[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("not within %v: %s", patience, what)
		panic("unreachable")
	}
}

// freeTCP is a port that nobody listens on.
func freeTCP(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// rtp is the first of 2,400 ports for audio that nobody else in this process has:
// 400 of Asterisk, the rest of phones. They lie above what the kernel gives away.
var rtp atomic.Int64

func freeRTP() int { return 42000 + 2400*int((rtp.Add(1)-1)%9) }

// published is the folder from which this Asterisk plays.
func (p *pbx) published() *ari.Folder {
	p.t.Helper()
	f, err := ari.NewFolder(filepath.Join(p.folder, "sounds/firstline"), "firstline/")
	must(p.t, err)
	for _, m := range []call.Media{"prompt:one", "prompt:short"} {
		hz, d := siptest.Tone(m)
		must(p.t, f.Publish(m, media.Tone(d, hz).Samples()))
	}
	must(p.t, f.Music("music:default", "default"))
	return f
}

// node is this Asterisk as the front end knows it.
func (p *pbx) node() ari.Node {
	return ari.Node{
		Name: "one", URL: "http://" + p.ari + "/ari", User: "firstline", Password: "firstline-test",
		Fallback: call.Dialplan{Context: "firstline-fallback"},
	}
}

func (p *pbx) phone(user string) sip.PhoneConfig {
	return sip.PhoneConfig{User: user, Password: "firstline-test", Registrar: p.sip, Media: p.far}
}

// exchange is the front end on that Asterisk, with softphones around it.
type exchange struct {
	*ari.FrontEnd
	pbx   *pbx
	inbox *inbox
	desks int

	recordings string // folder
	vanish     func() // the process is gone: its connections, and no goodbye
}

// inbox hands calls to whoever serves them now.
type inbox struct {
	mu sync.Mutex // guards h
	h  call.Handler
}

func (i *inbox) ServeCall(ctx context.Context, c *call.Call) {
	i.mu.Lock()
	h := i.h
	i.mu.Unlock()
	if h != nil {
		h.ServeCall(ctx, c)
	}
}

// Serve sets who serves calls that come in.
func (x *exchange) Serve(h call.Handler) {
	x.inbox.mu.Lock()
	defer x.inbox.mu.Unlock()
	x.inbox.h = h
}

// frontEnd is a front end that is connected, and runs when run is called.
func (p *pbx) frontEnd(t *testing.T, change func(*ari.Config)) *exchange {
	t.Helper()
	cfg := ari.Config{
		Nodes: []ari.Node{p.node()}, Sounds: p.published(), RecordingsDir: t.TempDir(), Ending: 3 * time.Second,
		Log: zaptest.NewLogger(t, zaptest.Level(zapcore.InfoLevel)),
	}
	if change != nil {
		change(&cfg)
	}
	f, err := ari.New(cfg)
	must(t, err)
	ctx, vanish := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.Connect(ctx); err != nil {
			t.Errorf("connect: %v", err)
		}
	})
	x := &exchange{FrontEnd: f, pbx: p, inbox: &inbox{}, recordings: cfg.RecordingsDir, vanish: func() { vanish(); wg.Wait() }}
	t.Cleanup(x.vanish)
	eventually(t, "the front end is connected", func() bool { return f.Nodes()[0].Up })
	return x
}

func (x *exchange) run(t *testing.T) *exchange {
	t.Helper()
	siptest.Runs(t, "front end", func(ctx context.Context) error { return x.Run(ctx, x.inbox) })
	return x
}

// Die ends the process; the next one finds the same Asterisk and the same folder.
func (x *exchange) Die(t *testing.T) calltest.Exchange {
	x.vanish()
	return x.pbx.frontEnd(t, func(c *ari.Config) { c.RecordingsDir = x.recordings })
}

// PhoneIn dials through the trunk.
func (x *exchange) PhoneIn(t *testing.T) calltest.Far {
	return siptest.Dial(t, siptest.Phone(t, x.pbx.phone("4930123")), ariNumber)
}

// Desk registers a phone at Asterisk.
func (x *exchange) Desk(t *testing.T) calltest.DeskPhone { return x.desk(t) }

func (x *exchange) desk(t *testing.T) *siptest.Desk {
	x.desks++
	return siptest.NewDesk(t, x.pbx.phone("desk"+strconv.Itoa(x.desks)))
}
