//go:build bench

package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/icholy/digest"
	"go.uber.org/zap"

	"firstline/call"
	"firstline/e2e/peer"
	"firstline/store"
)

// The numbers are those of deploy/dev/asterisk, so that both get the same calls.
const (
	plainNumber    = "600"
	recordedNumber = "601"
)

// subject is who is measured.
type subject interface {
	name() string
	// start brings up a fresh server with so many agents, all reached at one port.
	start(t *testing.T, b *bench, agents int) *server
}

// server is a running subject.
type server struct {
	pid       int
	sip       string // host:port
	agentPort int
	audio     string // where recordings lie
	pprof     string // URL, or empty
	profiles  string
}

func (s *server) read(t *testing.T) reading { t.Helper(); return readProcess(t, s.pid) }

// settled is read once the calls before are forgotten as far as they ever are soon.
func (s *server) settled(t *testing.T) reading {
	t.Helper()
	time.Sleep(3 * time.Second)
	return s.read(t)
}

// recorded counts recordings with audio in them.
func (s *server) recorded(t *testing.T) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(s.audio, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".wav") {
			if i, err := d.Info(); err == nil && i.Size() > 10_000 {
				n++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// profile begins a CPU profile and returns what waits for its end and takes the
// heap's. Without BENCH_PROFILE it does nothing.
func (s *server) profile(t *testing.T, d time.Duration) func() {
	t.Helper()
	if s.pprof == "" {
		return func() {}
	}
	done := make(chan error, 1)
	base := filepath.Join(s.profiles, strings.ReplaceAll(t.Name(), "/", "-"))
	go func() {
		done <- fetch(s.pprof+"/debug/pprof/profile?seconds="+strconv.Itoa(int(d.Seconds())), base+".cpu")
	}()
	return func() {
		for _, what := range []string{"heap", "goroutine", "allocs", "heap?debug=1", "goroutine?debug=1"} {
			if err := fetch(s.pprof+"/debug/pprof/"+what, base+"."+strings.ReplaceAll(what, "?debug=1", ".txt")); err != nil {
				t.Error(err)
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func fetch(url, file string) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, resp.Body)
	return err
}

// profiler is laid over the program when BENCH_PROFILE names a folder, so that
// the program itself opens no such door.
const profiler = `package main

import (
	"net/http"
	_ "net/http/pprof"
	"os"
)

func init() { go http.ListenAndServe(os.Getenv("BENCH_PPROF"), nil) }
`

func newBench(t *testing.T) *bench {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{root: root, work: t.TempDir(), pprof: os.Getenv("BENCH_PROFILE")}
	b.binary = filepath.Join(b.work, "firstline")
	build := []string{"build", "-trimpath", "-o", b.binary}
	if b.pprof != "" {
		file, list := filepath.Join(b.work, "profiler.go"), filepath.Join(b.work, "overlay.json")
		overlay, _ := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "cmd/firstline/profiler.go"): file}})
		write(t, file, profiler)
		write(t, list, string(overlay))
		build = append(build, "-overlay", list)
	}
	command(t, root, nil, "go", append(build, "./cmd/firstline")...)
	command(t, root, nil, filepath.Join(root, "deploy/dev/media.sh"), filepath.Join(b.work, "media"))
	return b
}

func command(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// freePort is a UDP and TCP port that nobody has now, below those that the
// kernel hands out, so that nobody gets it before it is used.
func freePort(t *testing.T) int {
	t.Helper()
	for range 200 {
		port := 20000 + rand.IntN(10000)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		u, err := net.ListenPacket("udp", address)
		l.Close()
		if err == nil {
			u.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// asteriskAlone is the peer.
type asteriskAlone struct{}

func (asteriskAlone) name() string { return "asterisk" }

func (asteriskAlone) start(t *testing.T, _ *bench, agents int) *server {
	t.Helper()
	srv, _ := peerWith(t, agents)
	return srv
}

// peerWith is an Asterisk with so many agents, all reached at one port.
func peerWith(t *testing.T, agents int) (*server, *peer.Asterisk) {
	t.Helper()
	port := freePort(t)
	p := peer.Start(t, peer.Settings{Agents: cmp.Or(agents, peer.None), AgentPort: port, OnePort: true, Ports: 2000})
	return &server{pid: p.PID(), sip: p.SIP.String(), agentPort: port, audio: filepath.Join(p.Folder, "spool/monitor")}, p
}

// firstline is us.
type firstline struct{}

func (firstline) name() string { return "firstline" }

const (
	benchToken    = "bench-token-0123456789abcdef"
	benchPassword = "bench"
	benchRealm    = "firstline.local"
)

func (firstline) start(t *testing.T, b *bench, agents int) *server {
	t.Helper()
	dir := t.TempDir()
	port, web := freePort(t), freePort(t)
	srv := &server{sip: fmt.Sprint("127.0.0.1:", port), agentPort: freePort(t), audio: filepath.Join(dir, "var/recordings"), profiles: b.pprof}
	write(t, filepath.Join(dir, "firstline.yaml"), fmt.Sprintf(`
sip:
  listen: [%s]
  domain: %s
  rtp: {ports: 16000-19999}
  trunks: {loopback: {allow: [127.0.0.0/8]}}
http: {listen: "127.0.0.1:%d"}
data-dir: var
centre: centre
sign-in: {token: %s}
`, srv.sip, benchRealm, web, benchToken))
	write(t, filepath.Join(dir, "centre/numbers.yaml"), plainNumber+": {queue: support}\n"+recordedNumber+": {queue: recorded}\n")
	write(t, filepath.Join(dir, "centre/queues.yaml"), "support: {wrap-up: 0s, record: false}\nrecorded: {wrap-up: 0s, record: true}\n")
	writeAgents(t, dir, agents)
	seedDevices(t, filepath.Join(dir, "var"), users(agents))

	b.serve(t, dir, srv)
	registerAll(t, srv, users(agents))
	for _, user := range users(agents) {
		goToWork(t, web, user)
	}
	return srv
}

// serve runs the program in a folder, until the test ends.
func (b *bench) serve(t *testing.T, dir string, srv *server) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), b.binary, "serve")
	cmd.Dir = dir
	if b.pprof != "" {
		address := fmt.Sprint("127.0.0.1:", freePort(t))
		cmd.Env, srv.pprof = append(os.Environ(), "BENCH_PPROF="+address), "http://"+address
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{}, 1)
	gone := make(chan error, 1)
	go func() { // ends with the process, which the clean-up ends
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.Contains(lines.Text(), "is up") {
				up <- struct{}{}
			}
		}
		gone <- cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-gone:
			_ = err // asked to end, and judged elsewhere
		case <-time.After(20 * time.Second):
			t.Error("firstline does not end")
			_ = cmd.Process.Kill()
		}
		if t.Failed() {
			t.Logf("firstline's log ends:\n%s", last(log.String(), 60))
		}
	})
	select {
	case <-up:
	case err := <-gone:
		gone <- err
		t.Fatalf("firstline did not start: %v\n%s", err, log.String())
	}
	srv.pid = cmd.Process.Pid
}

// writeAgents has every phone be somebody's.
func writeAgents(t *testing.T, dir string, n int) {
	t.Helper()
	var people strings.Builder
	for _, user := range users(n) {
		fmt.Fprintf(&people, "%s: {device: %s}\n", user, user)
	}
	write(t, filepath.Join(dir, "centre/agents.yaml"), people.String())
}

func users(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprint("agent", i+1))
	}
	return all
}

// seedDevices gives the phones their passwords before the server starts.
func seedDevices(t *testing.T, dir string, users []string) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{DataDir: dir}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range users {
		sum := md5.Sum([]byte(user + ":" + benchRealm + ":" + benchPassword))
		c := call.Credential{User: user, Realm: benchRealm, HA1MD5: hex.EncodeToString(sum[:])}
		if err := st.Devices().PutDevice(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

// registerAll registers every phone from the port that the agents' sipp will have:
// phones are reached where they registered from.
func registerAll(t *testing.T, srv *server, users []string) {
	t.Helper()
	to, err := net.ResolveUDPAddr("udp", srv.sip)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: srv.agentPort})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, user := range users {
		answer := register(t, conn, to, user, 1, "")
		chal, err := digest.ParseChallenge(headerOf(answer, "WWW-Authenticate"))
		if err != nil {
			t.Fatalf("register %s: %v in\n%s", user, err, answer)
		}
		cred, err := digest.Digest(chal, digest.Options{Method: "REGISTER", URI: "sip:" + benchRealm, Username: user, Password: benchPassword})
		if err != nil {
			t.Fatal(err)
		}
		if answer = register(t, conn, to, user, 2, "Authorization: "+cred.String()+"\r\n"); !strings.HasPrefix(answer, "SIP/2.0 200 ") {
			t.Fatalf("register %s:\n%s", user, answer)
		}
	}
}

func register(t *testing.T, conn *net.UDPConn, to *net.UDPAddr, user string, seq int, more string) string {
	t.Helper()
	local := conn.LocalAddr().String()
	req := fmt.Sprintf("REGISTER sip:%[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bK%[3]s-%[4]d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%[3]s@%[1]s>;tag=%[3]s\r\nTo: <sip:%[3]s@%[1]s>\r\nCall-ID: %[3]s@bench\r\nCSeq: %[4]d REGISTER\r\n"+
		"Contact: <sip:%[3]s@%[2]s>\r\nExpires: 3600\r\n%[5]sContent-Length: 0\r\n\r\n", benchRealm, local, user, seq, more)
	if _, err := conn.WriteToUDP([]byte(req), to); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8192)
	for {
		n, _, err := conn.ReadFromUDP(b)
		if err != nil {
			t.Fatalf("register %s: %v", user, err)
		}
		answer := string(b[:n])
		if strings.Contains(answer, fmt.Sprintf("%d REGISTER", seq)) && strings.Contains(answer, user+"@bench") {
			return answer
		}
	}
}

// headerOf returns the last header of a name: the challenges come strongest first.
func headerOf(message, name string) string {
	value := ""
	for line := range strings.SplitSeq(message, "\r\n") {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(k, name) {
			value = strings.TrimSpace(v)
		}
	}
	return value
}

func goToWork(t *testing.T, web int, agent string) {
	t.Helper()
	url := fmt.Sprintf("http://127.0.0.1:%d/api/v1/agents/%s/presence", web, agent)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(`{"presence":"available"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+benchToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("presence of %s: %s %s", agent, resp.Status, body)
	}
}
