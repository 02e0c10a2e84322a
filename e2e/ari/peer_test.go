//go:build e2e

package ari_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/e2e/peer"
	"firstline/sip"
	"firstline/sip/ari"
	"firstline/sip/media"
	"firstline/sip/siptest"
)

// pbx is a real Asterisk, started for the test.
type pbx struct {
	*peer.Asterisk
	t   *testing.T
	far *media.Engine
}

// ariNumber is the number that Asterisk's dialplan hands to the application.
const ariNumber = "710"

func startPBX(t *testing.T) *pbx {
	t.Helper()
	root, err := filepath.Abs("../..")
	must(t, err)
	a := peer.Start(t, peer.Settings{Conf: pbxConfig(t, root)})
	return &pbx{Asterisk: a, t: t, far: siptest.Engine(t, uint16(a.RTP+400))}
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

// published is the folder from which this Asterisk plays.
func (p *pbx) published() *ari.Folder {
	p.t.Helper()
	f, err := ari.NewFolder(filepath.Join(p.Folder, "sounds/firstline"), "firstline/")
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
		Name: "one", URL: "http://" + p.ARI + "/ari", User: "firstline", Password: "firstline-test",
		Fallback: call.Dialplan{Context: "firstline-fallback"},
	}
}

func (p *pbx) phone(user string) sip.PhoneConfig {
	return sip.PhoneConfig{User: user, Password: "firstline-test", Registrar: p.SIP, Media: p.far}
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
