//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"firstline/sip/media"
)

// node is a real Asterisk with a configuration of deploy/. It ends with the test.
type node struct {
	t        *testing.T
	conf     string // folder of the configuration
	sip, ari int    // ports on loopback
	agents   int    // SIP port on which all agents' contacts are
	rtp      [2]int
	folder   string // of what it writes: log, spool
}

// nodeOf is an Asterisk that is to be configured by the files of a folder.
func nodeOf(t *testing.T, conf string) *node {
	t.Helper()
	p := &node{t: t, conf: conf, sip: quietPorts(t, 4), agents: quietPorts(t, 4)}
	p.ari = p.sip + 1
	p.rtp[0] = quietPorts(t, 60)
	p.rtp[1] = p.rtp[0] + 59
	return p
}

// quietPorts is the first of n ports that nobody has, for UDP and TCP, below those
// that the kernel and the server take.
func quietPorts(t *testing.T, n int) int {
	t.Helper()
	for range 1000 {
		first := 10000 + 4*rand.IntN(2400)
		if allFree(first, n) && allFreeTCP(first, n) {
			return first
		}
	}
	t.Fatalf("no %d free ports", n)
	return 0
}

func allFreeTCP(first, n int) bool {
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		defer l.Close()
	}
	return true
}

// script runs deploy/dev/asterisk.sh for this instance.
func (p *node) script(args ...string) (string, error) {
	p.t.Helper()
	cmd := exec.Command(filepath.Join(the.root, "deploy/dev/asterisk.sh"), args...)
	cmd.Env = append(os.Environ(), "ASTERISK_CONF="+p.conf,
		fmt.Sprint("PEER_SIP_PORT=", p.sip), fmt.Sprint("PEER_ARI_PORT=", p.ari), fmt.Sprint("PEER_NAME=e2e-", p.sip),
		fmt.Sprint("PEER_RTP_START=", p.rtp[0]), fmt.Sprint("PEER_RTP_END=", p.rtp[1]),
		"PEER_AGENTS=1", fmt.Sprint("PEER_AGENT_PORT=", p.agents), "PEER_AGENT_STEP=0")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (p *node) must(args ...string) string {
	p.t.Helper()
	out, err := p.script(args...)
	if err != nil {
		p.t.Fatalf("asterisk.sh %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// start starts it, or starts it again.
func (p *node) start() *node {
	p.t.Helper()
	again := p.folder != ""
	p.must("start")
	if again {
		return p
	}
	is := regexp.MustCompile(`(?m)^folder (\S+)$`).FindStringSubmatch(p.must("status"))
	if is == nil {
		p.t.Fatal("asterisk.sh does not say in which folder it runs")
	}
	p.folder = is[1]
	p.t.Cleanup(func() {
		if p.t.Failed() {
			p.t.Logf("Asterisk on %d logged:\n%s", p.sip, tail(p.text("log/messages")+p.text("log/full"), 6000))
		}
		p.must("stop")
		must(p.t, os.RemoveAll(p.folder))
	})
	return p
}

// cli asks the running Asterisk.
func (p *node) cli(command string) string { return p.must("cli", command) }

// text is a file of the instance, empty when there is none.
func (p *node) text(name string) string {
	b, err := os.ReadFile(filepath.Join(p.folder, name))
	if err != nil && !os.IsNotExist(err) {
		p.t.Fatal(err)
	}
	return string(b)
}

func (p *node) queueLog() string { return p.text("log/queue_log") }

// complaints are the warnings and errors of the log but for those that a pattern
// expects.
func (p *node) complaints(expected string) []string {
	var all []string
	known := regexp.MustCompile(expected)
	for line := range strings.Lines(p.text("log/messages") + p.text("log/full")) {
		if (strings.Contains(line, "WARNING[") || strings.Contains(line, "ERROR[")) && (expected == "" || !known.MatchString(line)) {
			all = append(all, line)
		}
	}
	return all
}

// get asks ARI as a user and returns the status and the answer.
func (p *node) get(path, user, password string) (int, string) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/ari%s", p.ari, path), nil)
	must(p.t, err)
	req.SetBasicAuth(user, password)
	resp, err := http.DefaultClient.Do(req)
	must(p.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(p.t, err)
	return resp.StatusCode, string(body)
}

// sippScenario runs a scenario of deploy/dev/sipp beside a tone to play.
func sippScenario(t *testing.T, name, scenario string, args ...string) *process {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "media"), 0o700))
	tone := media.EncodePCMU(nil, media.Tone(3*time.Second, callerTone).Samples())
	must(t, os.WriteFile(filepath.Join(dir, "media/tone.ul"), tone, 0o600))
	args = append([]string{
		"-sf", filepath.Join(the.root, "deploy/dev/sipp", scenario), "-i", "127.0.0.1", "-mi", "127.0.0.1",
		"-mp", strconv.Itoa(freePorts(t)), "-nostdin", "-timeout", "90s", "-trace_err", "-error_file", filepath.Join(dir, "errors.log"),
	}, args...)
	cmd := exec.Command(need(t, "sipp"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TERM=dumb")
	t.Cleanup(func() {
		if b, err := os.ReadFile(filepath.Join(dir, "errors.log")); err == nil && t.Failed() {
			t.Logf("sipp %s noted:\n%s", name, tail(string(b), 4000))
		}
	})
	return start(t, "sipp "+name, cmd)
}

// answering is a sipp that answers what the agents' contacts are sent, one call at
// a time.
func (p *node) answering(calls int) *process {
	p.t.Helper()
	a := sippScenario(p.t, "agent", "agent.xml", "-p", strconv.Itoa(p.agents), "-d", "100", "-m", strconv.Itoa(calls), "-rtp_echo")
	eventually(p.t, "the agent's phone listens", func() bool { return !allFree(p.agents, 1) })
	return a
}

// phoneIn is a sipp that dials a number, talks for a while and hangs up.
func (p *node) phoneIn(from, number string, talk time.Duration) *process {
	p.t.Helper()
	return sippScenario(p.t, "caller "+from, "caller.xml", fmt.Sprint("127.0.0.1:", p.sip), "-p", strconv.Itoa(freePorts(p.t)),
		"-s", number, "-m", "1", "-d", strconv.FormatInt(talk.Milliseconds(), 10), "-set", "from", from, "-set", "rtp", "1")
}
