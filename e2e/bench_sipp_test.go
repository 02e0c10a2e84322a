//go:build bench

package e2e

import (
	"bytes"
	"context"
	"encoding/csv"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// echoMedia is the agents' media port. The callers' begin at 8192, sipp's own
// choice; the servers' lie from 12000 to 19999.
const echoMedia = 31800

// bench is what all scenarios share.
type bench struct {
	root   string // of the repository
	work   string // where sipp finds media/tone.ul
	binary string // firstline
	pprof  string // folder for profiles, or empty
}

// sipp is one running sipp.
type sipp struct {
	cmd    *exec.Cmd
	stats  string
	output bytes.Buffer
	done   chan error
}

// load is what callers do.
type load struct {
	calls, rate int
	length      time.Duration
	audio       bool
}

// callers starts calls to a number.
func (b *bench) callers(t *testing.T, srv *server, number string, l load) *sipp {
	t.Helper()
	args := []string{
		srv.sip, "-sf", b.scenario("caller.xml"), "-s", number, "-r", strconv.Itoa(l.rate), "-m", strconv.Itoa(l.calls),
		"-l", strconv.Itoa(l.calls), "-d", strconv.FormatInt(l.length.Milliseconds(), 10),
		"-timeout", "150s",
	}
	if l.audio {
		args = append(args, "-set", "rtp", "1")
	}
	return b.sipp(t, args...)
}

// warmUp makes a server's first calls, which pay for what later ones find.
func (b *bench) warmUp(t *testing.T, srv *server, number string, length time.Duration) {
	t.Helper()
	b.callers(t, srv, number, load{calls: warmUpCalls, rate: 10, length: length}).wait(t)
}

// agents starts the one sipp that is every agent's phone.
func (b *bench) agents(t *testing.T, srv *server, more ...string) *sipp {
	t.Helper()
	args := append([]string{"-sf", b.scenario("agent.xml"), "-p", strconv.Itoa(srv.agentPort), "-d", "0", "-rtp_echo", "-mp", strconv.Itoa(echoMedia)}, more...)
	s := b.sipp(t, args...)
	awaitBound(t, srv.agentPort)
	return s
}

func (b *bench) scenario(name string) string {
	return filepath.Join(b.root, "deploy", "dev", "sipp", name)
}

func (b *bench) sipp(t *testing.T, args ...string) *sipp {
	t.Helper()
	s := &sipp{stats: filepath.Join(t.TempDir(), "stats.csv"), done: make(chan error, 1)}
	args = append(args, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin", "-trace_stat", "-stf", s.stats, "-fd", "1")
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "sipp", args...)
	s.cmd.Dir = b.work
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }() // wait or the clean-up takes it
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		select {
		case err := <-s.done:
			_ = err // killed: how it ended says nothing
		case <-time.After(5 * time.Second):
			t.Error("sipp does not end")
		}
	})
	return s
}

// wait returns when all calls are over; each must have gone as the scenario says.
func (s *sipp) wait(t *testing.T) {
	t.Helper()
	err := <-s.done
	s.done <- err
	if err != nil {
		t.Fatalf("sipp: %v: not every call worked\n%s", err, last(s.output.String(), 40))
	}
}

// want ends the agents' sipp and compares how many calls it took.
func (s *sipp) want(t *testing.T, calls int) {
	t.Helper()
	time.Sleep(1500 * time.Millisecond) // the last goodbyes, and the statistics' second
	_ = s.cmd.Process.Signal(syscall.SIGUSR1)
	var err error
	select {
	case err = <-s.done:
		s.done <- err
	case <-time.After(10 * time.Second):
		t.Error("the agents' calls do not end")
	}
	got, failed := s.count(t)
	if got != calls || failed != 0 {
		t.Fatalf("agents: %d calls worked and %d failed, want %d and 0", got, failed, calls)
	}
}

// count reads sipp's own statistics.
func (s *sipp) count(t *testing.T) (worked, failed int) {
	t.Helper()
	f, err := os.Open(s.stats)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord = ';', -1
	lines, err := r.ReadAll()
	if err != nil || len(lines) < 2 {
		t.Fatalf("statistics of sipp: %v", err)
	}
	end := lines[len(lines)-1]
	for i, name := range lines[0] {
		switch name {
		case "SuccessfulCall(C)":
			worked, err = strconv.Atoi(end[i])
		case "FailedCall(C)":
			failed, err = strconv.Atoi(end[i])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return worked, failed
}

// goodbyeToInvite reads sipp's trace: from each BYE that it sent to the next INVITE that came.
func goodbyeToInvite(t *testing.T, trace string) []time.Duration {
	t.Helper()
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	var gaps []time.Duration
	var bye time.Time
	for _, part := range strings.Split(string(text), "----------------------------------------------- ")[1:] {
		head, message, _ := strings.Cut(part, "\n\n")
		stamp, how, _ := strings.Cut(head, "\n")
		at, err := time.ParseInLocation("2006-01-02 15:04:05.000000", strings.TrimSpace(stamp), time.Local)
		if err != nil {
			t.Fatalf("trace of sipp: %v", err)
		}
		switch {
		case strings.Contains(how, "sent") && strings.HasPrefix(message, "BYE ") && bye.IsZero():
			bye = at
		case strings.Contains(how, "received") && strings.HasPrefix(message, "INVITE ") && !bye.IsZero():
			gaps = append(gaps, at.Sub(bye))
			bye = time.Time{}
		}
	}
	return gaps
}

// awaitBound returns when somebody listens on the UDP port.
func awaitBound(t *testing.T, port int) {
	t.Helper()
	for range 200 {
		c, err := net.ListenPacket("udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return
		}
		c.Close()
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("nobody listens on port %d", port)
}

func last(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
