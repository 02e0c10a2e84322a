package sip

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"firstline/call"
)

// serveRegistrar puts a registrar behind a real UDP socket until the test ends.
func serveRegistrar(t *testing.T, r *Registrar) net.Addr {
	t.Helper()
	ua, err := sipgo.NewUA()
	if err != nil {
		t.Fatal(err)
	}
	srv, err := sipgo.NewServer(ua)
	if err != nil {
		t.Fatal(err)
	}
	srv.OnRegister(func(req *sip.Request, tx sip.ServerTransaction) {
		if rej := validate(req); rej != nil {
			t.Errorf("refused: %+v", rej)
			return
		}
		r.Handle(context.Background(), req, tx)
	})
	pc, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.ServeUDP(pc) })
	t.Cleanup(func() { pc.Close(); ua.Close(); wg.Wait() })
	return pc.LocalAddr()
}

// baresip runs the softphone with one account until the test ends.
func baresip(t *testing.T, account string) {
	t.Helper()
	dir := t.TempDir()
	config := "poll_method poll\nsip_listen 127.0.0.1:0\nmodule_path /usr/lib/baresip/modules\nmodule g711.so\nmodule_app account.so\nmodule_app menu.so\n"
	for name, text := range map[string]string{"config": config, "accounts": account + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "baresip", "-f", dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatalf("baresip is needed: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		out.Close()
		if t.Failed() {
			text, _ := os.ReadFile(out.Name())
			t.Logf("baresip:\n%s", text)
		}
	})
}

func TestBaresipRegistersAndLeaves(t *testing.T) {
	changes := make(chan bool, 8)
	auth, _, _ := newTestAuth(t)
	r := NewRegistrar(RegistrarConfig{
		Auth: auth, Store: newShelf(), MinExpires: 10 * time.Second,
		OnChange: func(_ call.DeviceID, up bool) { changes <- up },
	})
	addr := serveRegistrar(t, r)
	t.Run("registers", func(t *testing.T) {
		baresip(t, fmt.Sprintf("<sip:2001@%s;transport=udp>;auth_pass=right;regint=60", addr))
		if up := awaitChange(t, changes); !up {
			t.Fatal("not reachable")
		}
		b := r.Contacts("2001")
		if len(b) != 1 || b[0].Transport != "udp" || b[0].Device != "2001" {
			t.Errorf("%+v", b)
		}
	})
	if up := awaitChange(t, changes); up { // it signs off when it ends
		t.Error("still reachable")
	}
}

func TestBaresipWithAWrongPasswordStaysOut(t *testing.T) {
	refused := make(chan struct{}, 8)
	log := zap.NewExample(zap.Hooks(func(e zapcore.Entry) error {
		if e.Message == "sip digest refused" {
			refused <- struct{}{}
		}
		return nil
	}))
	r := NewRegistrar(RegistrarConfig{
		Auth:  NewAuthenticator(testRealm, &phonebook{passwords: map[string]string{"2001": "right"}}, log),
		Store: newShelf(),
	})
	addr := serveRegistrar(t, r)
	baresip(t, fmt.Sprintf("<sip:2001@%s;transport=udp>;auth_pass=wrong;regint=60", addr))
	select {
	case <-refused:
	case <-time.After(20 * time.Second):
		t.Fatal("no attempt came")
	}
	if len(r.Contacts("2001")) != 0 {
		t.Error("registered")
	}
}

func awaitChange(t *testing.T, changes <-chan bool) bool {
	t.Helper()
	select {
	case up := <-changes:
		return up
	case <-time.After(20 * time.Second):
		t.Fatal("nothing happened within 20 s")
		return false
	}
}
