//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// proxy is Kamailio with the sample of deploy/kamailio in front of nodes.
func proxy(t *testing.T, nodes ...*node) (port int, p *process) {
	t.Helper()
	dir := t.TempDir()
	list := ""
	for _, n := range nodes {
		list += fmt.Sprintf("1 sip:127.0.0.1:%d 0 0\n", n.sip)
	}
	must(t, os.WriteFile(filepath.Join(dir, "dispatcher.list"), []byte(list), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "address.list"), []byte("1 127.0.0.1 32 0 sipp\n"), 0o600))
	port = quietPorts(t, 1)
	program, err := exec.LookPath("kamailio")
	if err != nil {
		program = "/usr/sbin/kamailio" // a user's PATH may not name it
	}
	p = start(t, "kamailio", exec.Command(program, "-DD", "-E", "-f", filepath.Join(the.root, "deploy/kamailio/kamailio.cfg"),
		"-m", "64", "-M", "8", "-P", filepath.Join(dir, "pid"), "-A", fmt.Sprintf("LISTEN=udp:127.0.0.1:%d", port), "-A", "PING=1",
		"-A", fmt.Sprintf("NODES=%q", filepath.Join(dir, "dispatcher.list")), "-A", fmt.Sprintf("CARRIERS=%q", filepath.Join(dir, "address.list"))))
	eventually(t, "kamailio listens", func() bool { return !allFree(port, 1) })
	return port, p
}

// calls has sipp place n calls through the proxy, of which each must be answered.
func calls(t *testing.T, port, n int) {
	t.Helper()
	went(t, sippScenario(t, fmt.Sprint(n, " callers"), "caller.xml", fmt.Sprint("127.0.0.1:", port), "-p", strconv.Itoa(freePorts(t)),
		"-s", "1000", "-m", strconv.Itoa(n), "-r", "10", "-l", strconv.Itoa(n), "-d", "200"))
}

// took is how many calls a node has taken since it started.
func (p *node) took() int { return strings.Count(p.queueLog(), "|DID|1000|") }

// kill is kill -9.
func (p *node) kill() {
	p.t.Helper()
	pid, err := strconv.Atoi(regexp.MustCompile(`running, pid (\d+)`).FindStringSubmatch(p.must("status"))[1])
	must(p.t, err)
	must(p.t, syscall.Kill(pid, syscall.SIGKILL))
	eventually(p.t, "Asterisk is gone", func() bool { return syscall.Kill(pid, 0) != nil })
}

// Two nodes share the calls. One is killed: each new call goes to the other. It is
// back: it has its share again.
func TestProxySpreadsCallsOverTheNodesThatAnswer(t *testing.T) {
	a, b := limping(t), limping(t)
	port, kamailio := proxy(t, a, b)
	calls(t, port, 6)
	if a.took() != 3 || b.took() != 3 {
		t.Errorf("of 6 calls one node took %d, the other %d", a.took(), b.took())
	}

	a.kill()
	calls(t, port, 4)
	if b.took() != 7 {
		t.Errorf("with one node gone the other took %d calls of 4", b.took()-3)
	}

	a.start() // with an empty log
	eventually(t, "the node that is back is called", func() bool {
		calls(t, port, 1)
		return a.took() > 0
	})
	strangers(t, port)
	if kamailio.ended() {
		t.Error("kamailio has ended")
	}
}

// strangers wants silence for who is no carrier: 127.0.0.2 is none.
func strangers(t *testing.T, port int) {
	t.Helper()
	from := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}
	conn, err := net.DialUDP("udp", from, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	must(t, err)
	defer conn.Close()
	for _, method := range []string{"OPTIONS", "INVITE", "REGISTER"} {
		_, err = fmt.Fprintf(conn, "%[1]s sip:1000@127.0.0.1:%[2]d SIP/2.0\r\nVia: SIP/2.0/UDP %[3]s;branch=z9hG4bK%[1]s\r\nMax-Forwards: 70\r\n"+
			"From: <sip:x@127.0.0.2>;tag=1\r\nTo: <sip:1000@127.0.0.1>\r\nCall-ID: %[1]s\r\nCSeq: 1 %[1]s\r\nContact: <sip:x@%[3]s>\r\nContent-Length: 0\r\n\r\n",
			method, port, conn.LocalAddr())
		must(t, err)
	}
	must(t, conn.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
	if n, err := conn.Read(make([]byte, 4096)); err == nil {
		t.Errorf("a stranger was answered with %d bytes", n)
	}
}
