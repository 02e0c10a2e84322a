//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// pbx is a real Asterisk of a test's own (deploy/dev/asterisk.sh).
type pbx struct {
	t        *testing.T
	env      []string
	sip, ari string // host:port
	folder   string // of the instance
}

// startPBX starts an Asterisk on free ports.
func startPBX(t *testing.T) *pbx {
	t.Helper()
	sip, ari := freePorts(t), freeTCP(t)
	rtp := 30000 + 400*rand.IntN(25) // sparse: each instance has its own range
	p := &pbx{
		t: t, sip: fmt.Sprint("127.0.0.1:", sip), ari: fmt.Sprint("127.0.0.1:", ari),
		env: []string{
			fmt.Sprint("PEER_SIP_PORT=", sip), fmt.Sprint("PEER_ARI_PORT=", ari), fmt.Sprint("PEER_RTP_START=", rtp), fmt.Sprint("PEER_RTP_END=", rtp+399),
			"PEER_AGENTS=1", fmt.Sprint("PEER_AGENT_PORT=", freePorts(t)), fmt.Sprint("PEER_NAME=e2e-", sip),
		},
	}
	p.start()
	t.Cleanup(func() {
		p.script("stop")
		if t.Failed() {
			if b, err := os.ReadFile(filepath.Join(p.folder, "log", "full")); err == nil {
				t.Logf("Asterisk noted:\n%s", tail(string(b), 6000))
			}
		}
		os.RemoveAll(p.folder)
	})
	return p
}

func freeTCP(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 20100 + rand.IntN(1900)
		if l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func (p *pbx) script(args ...string) string {
	p.t.Helper()
	cmd := exec.Command(filepath.Join(the.root, "deploy", "dev", "asterisk.sh"), args...)
	cmd.Env = append(os.Environ(), p.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Errorf("asterisk.sh %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// start starts it, or starts it again after kill.
func (p *pbx) start() {
	p.t.Helper()
	p.script("start")
	p.folder = regexp.MustCompile(`folder (\S+)`).FindStringSubmatch(p.script("status"))[1]
}

// kill is kill -9.
func (p *pbx) kill() {
	p.t.Helper()
	pid, err := strconv.Atoi(regexp.MustCompile(`running, pid (\d+)`).FindStringSubmatch(p.script("status"))[1])
	must(p.t, err)
	must(p.t, syscall.Kill(pid, syscall.SIGKILL))
	eventually(p.t, "Asterisk is gone", func() bool { return syscall.Kill(pid, 0) != nil })
}

// cli is what Asterisk's console answers.
func (p *pbx) cli(command string) string {
	p.t.Helper()
	return p.script("cli", command)
}
