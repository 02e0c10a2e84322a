//go:build e2e || load

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what has to come. It fails a broken
// program; it measures nothing.
const patience = 90 * time.Second

// house is what all tests of a run share.
type house struct {
	program string // the built firstline
	root    string // of the repository
}

var the house // written once by TestMain, before any test

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

// runTests builds the program as users do, but with the race detector where the tests have it.
func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "firstline-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	the = house{program: filepath.Join(dir, "firstline")}
	if the.root, err = filepath.Abs(".."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	args := []string{"build", "-o", the.program}
	if raced {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "./cmd/firstline")...)
	build.Dir = the.root
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// need is the path of a program of others; that it is missing is a failure.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed and not installed (deploy/dev/deps.sh test): %v", name, err)
	}
	return path
}

// process is a program that a test started. It ends with the test, or, when the
// test binary is killed, with that.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	out  *output
	done chan struct{} // closed when it has ended; then err holds
	err  error
}

// start runs a program until it ends by itself or the test does.
func start(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: cmd, out: newOutput(), done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 5 * time.Second // for the pipes of children that outlive it
	started := make(chan error, 1)
	go func() { // Pdeathsig is sent when the starting thread ends, so this one stays to the end
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(func() {
		p.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("%s said:\n%s", name, tail(p.out.String(), 12000))
		}
		if s := p.out.String(); strings.Contains(s, "WARNING: DATA RACE") {
			t.Errorf("%s has a data race:\n%s", name, tail(s[strings.Index(s, "WARNING: DATA RACE"):], 6000))
		}
	})
	return p
}

// program is firstline's command line, ready to start in dir.
func program(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(the.program, args...)
	cmd.Dir = dir
	cmd.Env = environment(nil)
	return cmd
}

// environment is ours without settings of firstline, and with those given.
func environment(with map[string]string) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "FIRSTLINE_") || strings.HasPrefix(kv, "FL_")
	})
	for k, v := range with {
		env = append(env, k+"="+v)
	}
	return env
}

// stop asks the process to end, and makes it end when it does not listen.
func (p *process) stop(sig syscall.Signal) {
	if p.ended() {
		return
	}
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
		return
	case <-time.After(patience):
	}
	p.t.Errorf("%s does not end after %v", p.name, sig)
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// exit waits for the process to end by itself, and returns its exit code.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end", p.name)
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		p.t.Fatalf("%s: %v", p.name, p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// says waits until the process has printed text.
func (p *process) says(text string) { p.saysFor(text, patience) }

func (p *process) saysFor(text string, within time.Duration) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), within)
	defer cancel()
	for {
		grew, has := p.out.has(text)
		if has {
			return
		}
		select {
		case <-grew:
		case <-p.done:
			if _, has := p.out.has(text); has {
				return
			}
			p.t.Fatalf("%s ended (%v) without saying %q", p.name, p.err, text)
		case <-ctx.Done():
			p.t.Fatalf("%s does not say %q", p.name, text)
		}
	}
}

// output keeps what a process prints.
type output struct {
	mu   sync.Mutex // guards the rest
	text bytes.Buffer
	grew chan struct{} // closed at the next Write
}

func newOutput() *output { return &output{grew: make(chan struct{})} }

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.grew)
	o.grew = make(chan struct{})
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// has reports whether text was printed, and gives what to wait for when it was not.
func (o *output) has(text string) (<-chan struct{}, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.grew, bytes.Contains(o.text.Bytes(), []byte(text))
}

func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "…" + s[len(s)-n:]
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("the test ended before: %s", what)
		case <-deadline.C:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
