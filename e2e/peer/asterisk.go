// Package peer starts a real Asterisk for a test (deploy/dev/asterisk.sh), on free
// ports of the loopback, which is gone with the test.
package peer

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Settings of an Asterisk; the zero value is the peers' own configuration without
// static agents.
type Settings struct {
	Conf      string // folder of the configuration
	Agents    int    // static agents agent1, agent2, …
	AgentPort int    // where the first one's phone listens; the next ones follow
}

// Asterisk is a running one.
type Asterisk struct {
	SIP    netip.AddrPort
	ARI    string // host:port
	Folder string // what it writes
	RTP    int    // the first of 2,400 ports that nobody else takes; it uses 400 of them

	t   *testing.T
	env []string
}

// ranges gives each Asterisk of a test binary its own ports for audio.
var ranges atomic.Int32

// Start starts one.
func Start(t *testing.T, with Settings) *Asterisk {
	t.Helper()
	sip, ari := FreePort(t), FreePort(t)
	a := &Asterisk{
		SIP: netip.MustParseAddrPort(fmt.Sprintf("127.0.0.1:%d", sip)), ARI: fmt.Sprintf("127.0.0.1:%d", ari), RTP: freeRTP(t), t: t,
	}
	agentPort := with.AgentPort
	if agentPort == 0 {
		agentPort = sip + 1
	}
	a.env = []string{
		fmt.Sprint("PEER_SIP_PORT=", sip), fmt.Sprint("PEER_ARI_PORT=", ari), fmt.Sprint("PEER_NAME=test-", sip),
		fmt.Sprint("PEER_RTP_START=", a.RTP), fmt.Sprint("PEER_RTP_END=", a.RTP+399),
		fmt.Sprint("PEER_AGENTS=", max(1, with.Agents)), fmt.Sprint("PEER_AGENT_PORT=", agentPort),
	}
	if with.Conf != "" {
		a.env = append(a.env, "ASTERISK_CONF="+with.Conf)
	}
	a.Restart()
	t.Cleanup(a.end)
	return a
}

func (a *Asterisk) end() {
	a.script("stop")
	if a.t.Failed() {
		if b, err := os.ReadFile(filepath.Join(a.Folder, "log", "full")); err == nil {
			a.t.Logf("Asterisk noted:\n%s", b[max(0, len(b)-6000):])
		}
	}
	if a.Folder != "" {
		os.RemoveAll(a.Folder)
	}
}

// Restart starts it again after Kill.
func (a *Asterisk) Restart() {
	a.t.Helper()
	a.script("start")
	a.Folder = regexp.MustCompile(`folder (\S+)`).FindStringSubmatch(a.script("status"))[1]
}

// Kill is kill -9.
func (a *Asterisk) Kill() {
	a.t.Helper()
	pid, err := strconv.Atoi(regexp.MustCompile(`running, pid (\d+)`).FindStringSubmatch(a.script("status"))[1])
	if err != nil {
		a.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		a.t.Fatal(err)
	}
	for syscall.Kill(pid, 0) == nil {
		time.Sleep(10 * time.Millisecond) // the process is init's: nobody to wait for
	}
}

// CLI is what its console answers.
func (a *Asterisk) CLI(command string) string {
	a.t.Helper()
	return a.script("cli", command)
}

func (a *Asterisk) script(args ...string) string {
	a.t.Helper()
	_, file, _, _ := runtime.Caller(0)
	cmd := exec.Command(filepath.Join(filepath.Dir(file), "../../deploy/dev/asterisk.sh"), args...)
	cmd.Env = append(os.Environ(), a.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		a.t.Fatalf("asterisk.sh %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// FreePort is a port of the loopback that nobody listens on, by TCP or UDP.
func FreePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if free(port) {
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func free(port int) bool {
	c, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func freeRTP(t *testing.T) int {
	t.Helper()
	for range 10 {
		if first := 40000 + 2400*(int(ranges.Add(1)-1)%10); free(first) && free(first+2) && free(first+400) {
			return first
		}
	}
	t.Fatal("no ports for audio")
	return 0
}
