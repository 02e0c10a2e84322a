//go:build e2e || load

package e2e

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// office is a firstline under test with its data.
type office struct {
	t       *testing.T
	dir     string // working directory; data is in dir/var
	env     map[string]string
	process *process
	creds   credentials
	tcp     string // where it speaks SIP over TCP
	api     *api
}

// credentials is the demo's file.
type credentials struct {
	SIP      string            `json:"sip"`
	HTTP     string            `json:"http"`
	Realm    string            `json:"realm"`
	APIToken string            `json:"api_token"`
	Devices  map[string]string `json:"devices"`
}

// setting is what differs from the demo.
type setting struct {
	database string            // a PostgreSQL URL; empty is SQLite
	centre   map[string]string // file to its text in place of the demo's; nil is the embedded demo
	rtp      string            // range of ports
	trunks   string            // of an Asterisk, as in firstline.yaml
}

// briefWrapUp gives agents back at once: tests have no notes to write.
func briefWrapUp(t *testing.T) map[string]string {
	return map[string]string{"queues.yaml": strings.Replace(demoFile(t, "queues.yaml"), "wrap-up: 60s", "wrap-up: 0s", 1)}
}

func demoFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(the.root, "config", "demo", "centre", name))
	must(t, err)
	return string(b)
}

// serve starts a server on free ports.
//
// Phones' passwords come only with the embedded demo. So a server with a centre of
// its own is started once without, which leaves roster and passwords in its data.
func serve(t *testing.T, with setting) *office {
	t.Helper()
	s := &office{t: t, dir: t.TempDir(), env: map[string]string{
		"FIRSTLINE_SIP_LISTEN": "127.0.0.1:0", "FIRSTLINE_HTTP_LISTEN": "127.0.0.1:0",
	}}
	if with.database != "" {
		s.env["FIRSTLINE_DATABASE"] = with.database
	}
	if with.rtp != "" {
		s.env["FIRSTLINE_SIP_RTP_PORTS"] = with.rtp
	}
	s.up()
	// From now on it comes back where the phones look for it.
	s.tcp = s.greeted("tcp ")
	s.env["FIRSTLINE_SIP_LISTEN"] = "udp:" + s.creds.SIP + ",tcp:" + s.tcp
	s.env["FIRSTLINE_HTTP_LISTEN"] = strings.TrimPrefix(s.creds.HTTP, "http://")
	if with.centre != nil {
		centre := filepath.Join(s.dir, "centre")
		must(t, os.CopyFS(centre, os.DirFS(filepath.Join(the.root, "config", "demo", "centre"))))
		for name, text := range with.centre {
			must(t, os.WriteFile(filepath.Join(centre, name), []byte(text), 0o600))
		}
		s.env["FIRSTLINE_CENTRE"] = centre
		s.process.stop(syscall.SIGTERM)
		s.up()
	}
	return s
}

// up starts the process and waits until it serves.
func (s *office) up() {
	s.t.Helper()
	s.launch()
	s.process.says("firstline is up.")
	s.process.says("sign in once") // the greeting is printed after the credentials are written
	if s.creds.APIToken == "" {
		b, err := os.ReadFile(s.credentialsFile())
		must(s.t, err)
		must(s.t, json.Unmarshal(b, &s.creds))
		s.api = newAPI(s.t, s.creds)
	}
}

func (s *office) launch() {
	s.t.Helper()
	cmd := program(s.dir, "serve")
	cmd.Env = environment(s.env)
	s.process = start(s.t, "firstline serve", cmd)
}

// kill is kill -9.
func (s *office) kill() {
	s.t.Helper()
	must(s.t, s.process.cmd.Process.Kill())
	<-s.process.done
}

func (s *office) credentialsFile() string {
	return filepath.Join(s.dir, "var", "demo-credentials.json")
}

// at is where it speaks SIP over UDP.
func (s *office) at() netip.AddrPort {
	s.t.Helper()
	a, err := netip.ParseAddrPort(s.creds.SIP)
	must(s.t, err)
	return a
}

// greeted is what the greeting says behind a word, up to the end of the line.
func (s *office) greeted(word string) string {
	s.t.Helper()
	for line := range strings.Lines(s.process.out.String()) {
		if _, rest, ok := strings.Cut(line, word); ok {
			return strings.TrimSpace(rest)
		}
	}
	s.t.Fatalf("the greeting has no %q", word)
	return ""
}

// link is the one-time sign-in link of the greeting.
func (s *office) link() string {
	s.t.Helper()
	return s.creds.HTTP + "/sign-in/" + s.greeted("/sign-in/")
}
