//go:build e2e

package e2e

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip"
	"firstline/sip/media"
)

const secretPIN = "86421357"

// deskPhone runs f with a registered phone that can dial, which answers nothing.
func (s *office) deskPhone(user string, f func(ctx context.Context, p *sip.Phone)) {
	s.t.Helper()
	engine, err := media.New(media.Config{IP: s.at().Addr(), PortMin: 30000, PortMax: 39999}, zap.NewNop())
	must(s.t, err)
	p, err := sip.NewPhone(sip.PhoneConfig{User: user, Password: s.creds.Devices[user], Registrar: s.at(), Media: engine})
	must(s.t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { _ = engine.Run(ctx) })
	wg.Go(func() { _ = p.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	must(s.t, p.Register(ctx))
	f(ctx, p)
}

// dial calls a code, keys digits, and waits until the exchange hangs up.
func dial(ctx context.Context, t *testing.T, p *sip.Phone, code, digits string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := p.Dial(ctx, code, nil)
	if err != nil {
		return err
	}
	if err := call.AwaitAnswer(ctx, c, nil); err != nil {
		return err
	}
	if err := c.SendDTMF(ctx, digits); err != nil {
		return err
	}
	select {
	case <-c.Context().Done():
		return nil
	case <-ctx.Done():
		return errors.New("the exchange did not hang up")
	}
}

func (a *api) change(method, path string, body any, want int) {
	a.t.Helper()
	status, b, err := a.ask(method, path, body)
	if err != nil || status != want {
		a.t.Fatalf("%s %s: %d %s, %v; want %d", method, path, status, b, err, want)
	}
}

func (a *api) awaitSeat(id, device, presence string) {
	a.t.Helper()
	eventually(a.t, "agent "+id+" is "+presence+" at "+device, func() bool {
		r := a.agents()[id]
		return r.Device == device && r.Presence == presence
	})
}

func TestAnAgentSignsInAtAHotDeskAndTakesTheNextCallThere(t *testing.T) {
	t.Parallel()
	s := serve(t, setting{})
	s.api.change(http.MethodPut, "/api/v1/agents/2005/pin", map[string]string{"pin": secretPIN}, http.StatusNoContent)
	s.api.change(http.MethodPost, "/api/v1/agents/2003/sign-out", nil, http.StatusNoContent)

	s.deskPhone("2003", func(ctx context.Context, p *sip.Phone) {
		must(t, dial(ctx, t, p, "*11", "2005#00000000#"+"2005#"+secretPIN+"#")) // wrong, then right
		s.api.awaitSeat("2005", "2003", "available")
		must(t, dial(ctx, t, p, "*13", ""))
		s.api.awaitSeat("2005", "2003", "break")
		must(t, dial(ctx, t, p, "*14", ""))
		s.api.awaitSeat("2005", "2003", "available")
	})

	s.kill()
	s.up()
	s.api.awaitSeat("2005", "2003", "available")
	const number = "+15550100801"
	s.tool("phone", "--user", "2003", "--json").says(`"registered"`)
	caller := s.phoneIn(number, "1009", "")
	s.api.awaitCall(number, "talks to who sits at 2003", func(c callRecord) bool { return c.State == "talking" && c.Agent == "2005" })
	caller.hangup()
	caller.went()
	s.api.awaitEnd(number)

	if calls := s.api.calls(); len(calls) != 1 {
		t.Errorf("%d calls: feature codes are no calls", len(calls))
	}
	if tickets := s.api.tickets(); len(tickets) != 1 {
		t.Errorf("%d tickets: feature codes have none", len(tickets))
	}
	s.process.stop(syscall.SIGTERM)
	nowhere(t, secretPIN, filepath.Join(s.dir, "var"), s.process.out.String())
}

// nowhere wants a secret in no file of a folder, and not in a log.
func nowhere(t *testing.T, secret, dir, log string) {
	t.Helper()
	if strings.Contains(log, secret) {
		t.Error("the secret is in the log")
	}
	must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), secret) {
			t.Errorf("the secret is in %s", path)
		}
		return err
	}))
}

func TestARosterIsImportedIntoARunningServer(t *testing.T) {
	t.Parallel()
	s := serve(t, setting{})
	file := filepath.Join(s.dir, "people.csv")
	write := func(text string) { t.Helper(); must(t, os.WriteFile(file, []byte(text), 0o600)) }

	write("id,name,level,skills,pin\n2001,Ana,9,desk:8,\n3001,New,one,vpn:4,12\n")
	faulty := s.tool("roster", "import", "people.csv")
	if code := faulty.exit(); code != 1 {
		t.Errorf("a faulty roster: exit code %d", code)
	}
	for _, want := range []string{"4 mistakes", "line 2: level: 9", `line 3: level: "one"`, `line 3: skills: there is no skill "vpn"`, "line 3: pin:"} {
		faulty.says(want)
	}

	write("id,name,device,level,skills,pin\n3001,Nina Neu,,2,desk:4," + secretPIN + "\n")
	if code := s.tool("roster", "import", "people.csv", "--dry-run").exit(); code != 0 {
		t.Errorf("a dry run: exit code %d", code)
	}
	if _, there := s.api.agents()["3001"]; there {
		t.Error("a dry run took somebody on")
	}
	if code := s.tool("roster", "import", "people.csv").exit(); code != 0 {
		t.Errorf("an import: exit code %d", code)
	}
	s.api.awaitSeat("3001", "", "logged-out")
	s.api.change(http.MethodPost, "/api/v1/agents/2002/sign-out", nil, http.StatusNoContent)
	s.deskPhone("2002", func(ctx context.Context, p *sip.Phone) {
		must(t, dial(ctx, t, p, "*11", "3001#"+secretPIN+"#"))
		s.api.awaitSeat("3001", "2002", "available")
	})

	shifts := filepath.Join(s.dir, "3001.ics")
	day := time.Now().UTC().Add(-24 * time.Hour)
	must(t, os.WriteFile(shifts, []byte(strings.ReplaceAll("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\nBEGIN:VEVENT\nUID:a\nDTSTART:"+
		day.Format("20060102T150405Z")+"\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=1\nEND:VEVENT\nEND:VCALENDAR\n", "\n", "\r\n")), 0o600))
	if code := s.tool("roster", "shifts", "3001.ics").exit(); code != 0 {
		t.Errorf("shifts: exit code %d", code)
	}
	var time struct {
		Planned int64    `json:"planned_ms"`
		Out     int64    `json:"out_ms"`
		Percent *float64 `json:"percent"`
	}
	s.api.get("/api/v1/agents/3001/adherence?from="+day.Add(-1e9).Format("2006-01-02T15:04:05Z")+"&to=2100-01-01T00:00:00Z", &time)
	if time.Planned != 3_600_000 || time.Out != 3_600_000 || time.Percent == nil || *time.Percent != 0 {
		t.Errorf("a shift of yesterday, before the person was taken on: %+v", time)
	}
}
