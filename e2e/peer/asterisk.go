// Package peer starts a real Asterisk for a test (deploy/dev/asterisk.sh), on free
// ports of the loopback, which is gone with the test.
package peer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

// Settings of an Asterisk; the zero value is the peers' own configuration with one
// static agent, for whom the fallback's queue waits.
type Settings struct {
	Conf      string // folder of the configuration
	Agents    int    // static agents agent1, agent2, …; None: not one
	AgentPort int    // where the first one's phone listens; the next ones follow
	OnePort   bool   // all phones are there
	Ports     int    // for audio, 2,000 at most; default 400
}

// None is no static agent at all.
const None = -1

// Asterisk is a running one.
type Asterisk struct {
	SIP    netip.AddrPort
	ARI    string // host:port
	Folder string // what it writes
	RTP    int    // the first of 2,400 ports that nobody else takes; it uses Settings.Ports of them

	t   *testing.T // nil: it is the whole binary's
	env []string
}

// ranges gives each Asterisk of a test binary its own ports for audio.
var ranges atomic.Int32

// Start starts one for a test.
func Start(t *testing.T, with Settings) *Asterisk {
	t.Helper()
	a, err := Up(with)
	if err != nil {
		t.Fatal(err)
	}
	a.t = t
	t.Cleanup(a.end)
	return a
}

// Up starts one for all tests of a binary; Down ends it.
func Up(with Settings) (*Asterisk, error) {
	sip, errSIP := freePort()
	ari, errARI := freePort()
	rtp, errRTP := freeRTP()
	if err := errors.Join(errSIP, errARI, errRTP); err != nil {
		return nil, err
	}
	a := &Asterisk{
		SIP: netip.MustParseAddrPort(fmt.Sprintf("127.0.0.1:%d", sip)), ARI: fmt.Sprintf("127.0.0.1:%d", ari), RTP: rtp,
	}
	step := 1
	if with.OnePort {
		step = 0
	}
	a.env = []string{
		fmt.Sprint("PEER_SIP_PORT=", sip), fmt.Sprint("PEER_ARI_PORT=", ari), fmt.Sprint("PEER_NAME=test-", sip),
		fmt.Sprint("PEER_RTP_START=", rtp), fmt.Sprint("PEER_RTP_END=", rtp+cmp.Or(with.Ports, 400)-1),
		fmt.Sprint("PEER_AGENTS=", max(0, cmp.Or(with.Agents, 1))), fmt.Sprint("PEER_AGENT_STEP=", step),
		fmt.Sprint("PEER_AGENT_PORT=", cmp.Or(with.AgentPort, sip+1)),
	}
	if with.Conf != "" {
		a.env = append(a.env, "ASTERISK_CONF="+with.Conf)
	}
	if _, err := a.run("start"); err != nil {
		return nil, err
	}
	status, err := a.run("status")
	is := regexp.MustCompile(`folder (\S+)`).FindStringSubmatch(status)
	if is == nil {
		return nil, errors.Join(fmt.Errorf("asterisk.sh does not say in which folder it runs: %s", status), err, a.Down())
	}
	a.Folder = is[1]
	return a, nil
}

// Down stops it and deletes what it wrote.
func (a *Asterisk) Down() error {
	_, err := a.run("stop")
	if a.Folder == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(a.Folder))
}

// end is Down, after what the log says of a test that failed.
func (a *Asterisk) end() {
	if a.t.Failed() {
		if b, err := os.ReadFile(filepath.Join(a.Folder, "log", "full")); err == nil {
			a.t.Logf("Asterisk noted:\n%s", b[max(0, len(b)-6000):])
		}
	}
	if err := a.Down(); err != nil {
		a.t.Error(err)
	}
}

// Stop stops it, Restart starts it again after that or after Kill.
func (a *Asterisk) Stop()    { a.t.Helper(); a.script("stop") }
func (a *Asterisk) Restart() { a.t.Helper(); a.script("start") }

// PID is its process.
func (a *Asterisk) PID() int {
	a.t.Helper()
	status := a.script("status")
	is := regexp.MustCompile(`running, pid (\d+)`).FindStringSubmatch(status)
	if is == nil {
		a.t.Fatalf("Asterisk does not run: %s", status)
	}
	pid, _ := strconv.Atoi(is[1])
	return pid
}

// Kill is kill -9.
func (a *Asterisk) Kill() {
	a.t.Helper()
	pid := a.PID()
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
	out, err := a.run(args...)
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

func (a *Asterisk) run(args ...string) (string, error) {
	_, file, _, _ := runtime.Caller(0)
	cmd := exec.CommandContext(context.Background(), filepath.Join(filepath.Dir(file), "../../deploy/dev/asterisk.sh"), args...)
	cmd.Env = append(os.Environ(), a.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("asterisk.sh %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// FreePort is a port of the loopback that nobody listens on, by TCP or UDP.
func FreePort(t *testing.T) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// freePort is below those that the kernel gives out, so that nobody gets it before it
// is used.
func freePort() (int, error) {
	for range 100 {
		port := 30000 + rand.IntN(2700)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		l.Close()
		if free(port) {
			return port, nil
		}
	}
	return 0, errors.New("no free port")
}

func free(port int) bool {
	c, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func freeRTP() (int, error) {
	for range 10 {
		if first := 40000 + 2400*(int(ranges.Add(1)-1)%10); free(first) && free(first+2) && free(first+400) {
			return first, nil
		}
	}
	return 0, errors.New("no ports for audio")
}
