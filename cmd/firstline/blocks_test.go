package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"firstline/call"
	"firstline/web"
	"firstline/web/webtest"
)

// tool runs the program against an API on a desk in memory.
type tool struct {
	t     *testing.T
	world *webtest.World
	url   string
}

func newTool(t *testing.T) *tool {
	t.Helper()
	w := webtest.New()
	for _, r := range []web.Role{web.Agent, web.Supervisor} {
		sum := sha256.Sum256([]byte(string(r) + "-token"))
		w.Roles[hex.EncodeToString(sum[:])] = r
	}
	s, err := web.New(w.Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	return &tool{t, w, s.URL()}
}

// run returns what the program says, and its exit code.
func (x *tool) run(role web.Role, args ...string) (string, int) {
	x.t.Helper()
	var out bytes.Buffer
	code := run(x.t.Context(), append(args, "--api", x.url, "--token", string(role)+"-token"), &out, &out)
	return out.String(), code
}

// says runs the program, wants it to work, and returns what it says.
func (x *tool) says(role web.Role, args ...string) string {
	x.t.Helper()
	out, code := x.run(role, args...)
	if code != 0 {
		x.t.Errorf("%v: exit code %d: %s", args, code, out)
	}
	return out
}

func TestBlocksAreMadeAndEndedOnTheCommandLine(t *testing.T) {
	x := newTool(t)
	if out, code := x.run(web.Supervisor, "blocks", "add", "030123456", "--reason", "threats"); code == 0 || !strings.Contains(out, "for how long") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if out, code := x.run(web.Agent, "blocks", "add", "030123456", "--reason", "threats", "--forever"); code == 0 || !strings.Contains(out, "supervisor") {
		t.Errorf("exit code %d: %s", code, out)
	}
	proposed := x.says(web.Agent, "blocks", "add", "030 123456", "--reason", "threats", "--for", "24h")
	id := regexp.MustCompile(`^[0-9a-f-]{36}`).FindString(proposed)
	if !strings.Contains(proposed, "+4930123456 is proposed") || id == "" {
		t.Fatalf("said: %s", proposed)
	}
	if out, code := x.run(web.Agent, "blocks", "approve", id); code == 0 {
		t.Errorf("an agent approves: %s", out)
	}
	if out := x.says(web.Supervisor, "blocks", "approve", id, "--until", "2126-01-02T15:04"); !strings.Contains(out, "is in-force, until: 2126-01-02 15:04:00") {
		t.Errorf("said: %s", out)
	}
	if out := x.says(web.Agent, "blocks"); !strings.Contains(out, id) || !strings.Contains(out, "threats") {
		t.Errorf("said: %s", out)
	}
	x.says(web.Supervisor, "blocks", "lift", id, "--reason", "they apologised")
	if live, all := x.says(web.Agent, "blocks", "list"), x.says(web.Agent, "blocks", "list", "--all"); strings.Contains(live, id) || !strings.Contains(all, "lifted") {
		t.Errorf("live: %s\nall: %s", live, all)
	}
	other := regexp.MustCompile(`^[0-9a-f-]{36}`).FindString(x.says(web.Agent, "blocks", "add", "+4930999*", "--reason", "pranks", "--for", "1h"))
	if out := x.says(web.Supervisor, "blocks", "decline", other, "--reason", "one prank"); !strings.Contains(out, "declined") {
		t.Errorf("said: %s", out)
	}
}

func TestLostCallersAreListedOnTheCommandLine(t *testing.T) {
	x := newTool(t)
	now := time.Now()
	x.world.Lose(now, x.world.Arrive(now, "T-100001", call.Party{Number: "+4930123"}), call.Party{Number: "+4930123"})
	x.world.Lose(now, x.world.Arrive(now, "T-100002", call.Party{}), call.Party{})
	out := x.says(web.Agent, "lost")
	if !strings.Contains(out, "+4930123") || !strings.Contains(out, "withheld") || !strings.Contains(out, "T-100002") {
		t.Errorf("said: %s", out)
	}
	if out := x.says(web.Agent, "lost", "--state", "ended"); strings.Contains(out, "T-1") {
		t.Errorf("said: %s", out)
	}
}
