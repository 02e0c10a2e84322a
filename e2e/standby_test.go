//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// standby starts a server that stands by for s, with a data folder of its own.
func (s *office) standby() *office {
	s.t.Helper()
	b := &office{t: s.t, dir: s.t.TempDir(), env: map[string]string{
		"FIRSTLINE_SIP_LISTEN": "127.0.0.1:0", "FIRSTLINE_HTTP_LISTEN": "127.0.0.1:0",
		"FIRSTLINE_DATABASE": s.env["FIRSTLINE_DATABASE"], "FIRSTLINE_STANDBY": "true", "FIRSTLINE_TAKEOVER_AFTER": "5s",
	}}
	// The demo's passwords are made by each server; a pair has the same.
	secrets, err := os.ReadFile(s.credentialsFile())
	must(s.t, err)
	must(s.t, os.Mkdir(filepath.Dir(b.credentialsFile()), 0o700))
	must(s.t, os.WriteFile(b.credentialsFile(), secrets, 0o600))
	b.standsBy(s.creds.APIToken)
	return b
}

// standsBy starts the process and waits until it stands by.
func (s *office) standsBy(token string) {
	s.t.Helper()
	s.launch()
	s.process.says("firstline stands by.")
	s.api = newAPI(s.t, credentials{HTTP: strings.TrimSuffix(s.greeted("state "), "/readyz"), APIToken: token})
}

// takesOver waits until a standby serves.
func (s *office) takesOver() {
	s.t.Helper()
	at := s.api.base
	s.process.says("firstline is up.")
	s.process.says("sign in once")
	b, err := os.ReadFile(s.credentialsFile())
	must(s.t, err)
	must(s.t, json.Unmarshal(b, &s.creds))
	s.tcp = s.greeted("tcp ")
	s.api = newAPI(s.t, s.creds)
	if s.creds.HTTP != at {
		s.t.Errorf("it stood by at %s and serves at %s", at, s.creds.HTTP)
	}
	eventually(s.t, "/readyz says that it is ready", func() bool { return s.api.ready() == http.StatusOK })
}

// name is how the process is called in the lease.
func (s *office) name() string {
	s.t.Helper()
	host, err := os.Hostname()
	must(s.t, err)
	return fmt.Sprintf("%s:%d", host, s.process.cmd.Process.Pid)
}

func (s *office) problem(path string, want int, says string) {
	s.t.Helper()
	status, b, err := s.api.ask(http.MethodGet, path, nil)
	must(s.t, err)
	var p struct{ Detail string }
	if err := json.Unmarshal(b, &p); status != want || err != nil || !strings.Contains(p.Detail, says) {
		s.t.Errorf("GET %s: %d %s (%v), want %d and %q", path, status, b, err, want, says)
	}
}

const talkedNumber, waitedNumber = "+15550100721", "+15550100722"

// twoCalls has one caller talk and one wait.
func (s *office) twoCalls() {
	s.t.Helper()
	s.softphone("2001", "auto")
	s.phoneIn(talkedNumber, "1000", "1")
	s.api.awaitCall(talkedNumber, "talks", func(c callRecord) bool { return c.State == "talking" && c.TalkMs > 2000 })
	s.phoneIn(waitedNumber, "1009", "")
	s.api.awaitCall(waitedNumber, "waits", func(c callRecord) bool { return c.State == "waiting" })
}

// tellsOfTwoCalls checks what a new owner knows of the calls that died with the old one.
func (s *office) tellsOfTwoCalls() {
	s.t.Helper()
	talked, waited := s.api.awaitEnd(talkedNumber), s.api.awaitEnd(waitedNumber)
	if !talked.Restored || talked.Outcome != "answered" || len(talked.Talks) != 1 || talked.TalkMs < 2000 {
		s.t.Errorf("the call that was answered: %+v", talked)
	}
	if !waited.Restored || waited.Outcome != "system-failed" || len(waited.Entries) != 1 || waited.WaitMs <= 0 {
		s.t.Errorf("the call that waited: %+v", waited)
	}
	type lost struct {
		Call string `json:"call"`
	}
	callers := list[lost](s.api, "/api/v1/lost-callers", "callers")
	if len(callers) != 1 || callers[0].Call != waited.ID {
		s.t.Errorf("the lost callers are %+v, want call %s", callers, waited.ID)
	}
	if n := len(s.api.tickets()); n != 2 {
		s.t.Errorf("%d tickets for two calls", n)
	}
	wholeJournal(s.t, s)
}

func TestOfTwoServersOnOnePostgreSQLOneHasTheCalls(t *testing.T) {
	t.Parallel()
	cluster := startPostgres(t)
	for rule, test := range map[string]func(t *testing.T, database string){
		"a standby takes over from an owner that was killed":              takesOverFromTheKilled,
		"an owner that was frozen is replaced, and writes nothing more":   frozenIsReplaced,
		"a standby ends when it is asked to, and the owner minds nothing": endsWhenAsked,
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			test(t, cluster.Database(t))
		})
	}
}

func takesOverFromTheKilled(t *testing.T, database string) {
	a := serve(t, setting{database: database})
	b := a.standby()
	b.problem("/readyz", http.StatusServiceUnavailable, "standby, owner is "+a.name()+" since ")
	b.problem("/api/v1/calls", http.StatusServiceUnavailable, "stands by")
	if status, body, err := b.api.ask(http.MethodGet, "/healthz", nil); err != nil || status != http.StatusOK {
		t.Errorf("/healthz of the standby: %d %s %v", status, body, err)
	}
	for s, want := range map[*office]float64{a: 0, b: 1} {
		if v, ok := s.api.metric(`firstline_role{role="standby"}`); !ok || v != want {
			t.Errorf("the role of %s: %v, %v, want %v", s.name(), v, ok, want)
		}
	}
	a.twoCalls()
	a.kill()
	b.takesOver()
	b.tellsOfTwoCalls()
	if v, ok := b.api.metric(`firstline_role{role="owner"}`); !ok || v != 1 {
		t.Errorf("the role of the new owner: %v, %v", v, ok)
	}
	b.tool("phone", "--user", "2002", "--json").says(`"registered"`)
	if caller := b.tool("call", "1009", "--talk", "1s", "--json"); caller.exit() != 0 {
		t.Error("the new owner takes no calls")
	}
}

func frozenIsReplaced(t *testing.T, database string) {
	a := serve(t, setting{database: database})
	b := a.standby()
	a.twoCalls()
	must(t, a.process.cmd.Process.Signal(syscall.SIGSTOP))
	t.Cleanup(func() { _ = a.process.cmd.Process.Signal(syscall.SIGCONT) }) // has ended, when all is well
	b.takesOver()
	b.tellsOfTwoCalls()
	before := b.api.journal()

	must(t, a.process.cmd.Process.Signal(syscall.SIGCONT))
	if code := a.process.exit(); code == 0 {
		t.Error("a former owner ends with exit code 0")
	}
	sentence(t, a.process.out.String(), "owned by another firstline", b.name())
	for _, e := range b.api.journal()[len(before):] {
		if slices.Contains([]string{"call", "ticket", "recording", "system"}, e.Stream.Kind) {
			t.Errorf("after its return the former owner wrote %+v", e)
		}
	}
	b.tellsOfTwoCalls()

	a.env["FIRSTLINE_STANDBY"] = "true"
	a.standsBy(a.creds.APIToken)
	a.problem("/readyz", http.StatusServiceUnavailable, "standby, owner is "+b.name())
	b.process.stop(syscall.SIGTERM)
	a.takesOver()
	a.tellsOfTwoCalls()
}

func endsWhenAsked(t *testing.T, database string) {
	a := serve(t, setting{database: database})
	b := a.standby()
	must(t, b.process.cmd.Process.Signal(syscall.SIGHUP)) // reads the files again when it takes over
	b.problem("/readyz", http.StatusServiceUnavailable, "standby, owner is "+a.name())
	must(t, b.process.cmd.Process.Signal(syscall.SIGTERM))
	if code := b.process.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if a.api.ready() != http.StatusOK {
		t.Error("the owner is not ready any more")
	}
}
