//go:build load

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"firstline/e2e/audit"
)

// loadReport is what the test reads of firstline load's.
type loadReport struct {
	TookMs      int64          `json:"took_ms"`
	CallsPerSec float64        `json:"calls_per_second"`
	MostAtOnce  int            `json:"most_at_once"`
	Placed      int            `json:"placed"`
	Answered    int            `json:"answered"`
	Reached     int            `json:"reached"`
	Completed   int            `json:"completed"`
	CutOff      int            `json:"cut_off"`
	Abandoned   map[string]int `json:"abandoned"`
	Refused     map[string]int `json:"refused"`
	TurnedAway  map[string]int `json:"turned_away"`
	Errors      map[string]int `json:"errors"`
	SetupMs     spread         `json:"setup_ms"`
	WaitMs      spread         `json:"wait_ms"`
	Agents      struct {
		Offers, Answered, Missed, Withdrawn int
	} `json:"agents"`
	Audio map[string]int `json:"audio"`
}

type spread struct{ P50, P90, P99, Max int64 }

// theLoad is two minutes of more calls than 200 agents can take.
func theLoad(s *office) []string {
	return []string{
		"load", "--json", "--seed", "20260302", "--credentials", s.credentialsFile(), "--server", s.creds.SIP, "--api", s.creds.HTTP,
		"--agents", "200", "--callers", "500", "--rate", "25", "--duration", "2m", "--drain", "20s",
		"--talk", "20s", "--patience", "60s", "--answer", "2s", "--miss", "0.05", "--hangup", "0.2",
	}
}

func TestTwoHundredAgentsAndFiveHundredCallersKeepEveryPromise(t *testing.T) {
	s := serveBench(t, 200)
	began, cpu := time.Now(), cpuOf(t, s.process)
	p := start(t, "firstline load", program(s.dir, theLoad(s)...))
	look := audit.API{Base: s.creds.HTTP, Token: s.creds.APIToken}
	auditWhile(t, look, p)
	ran, used := time.Since(began).Seconds(), cpuOf(t, s.process)-cpu
	callers := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()

	var r loadReport
	must(t, json.Unmarshal(jsonOf(p), &r))
	if code := p.exit(); code != 0 {
		t.Errorf("firstline load: exit code %d", code)
	}
	if r.Placed == 0 || r.MostAtOnce != 500 || r.Reached == 0 || len(r.Refused)+len(r.TurnedAway)+len(r.Errors) > 0 {
		t.Errorf("the callers: %+v", r)
	}
	for _, stage := range []string{"ring", "menu", "queue", "offer", "talk"} {
		if r.Abandoned[stage] == 0 {
			t.Errorf("nobody hung up in the %s: %v", stage, r.Abandoned)
		}
	}
	var found *audit.Report
	eventually(t, "the server knows that all calls are over", func() bool {
		var err error
		found, err = look.Run(t.Context(), audit.Config{})
		must(t, err)
		return found.OpenCalls == 0
	})
	kept(t, found)
	// Who hung up before the answer may have been gone before the call was one.
	if early := r.Abandoned["ring"]; found.Calls > r.Placed || found.Calls < r.Placed-early || found.Tickets != found.Calls {
		t.Errorf("%d calls and %d tickets in the journal, %d placed, %d of them given up in ring", found.Calls, found.Tickets, r.Placed, early)
	}
	t.Logf("%d calls, %.1f a second, at most %d at once; %d reached an agent, abandoned %v; %d offers, %d missed",
		r.Placed, r.CallsPerSec, r.MostAtOnce, r.Reached, r.Abandoned, r.Agents.Offers, r.Agents.Missed)
	t.Logf("setup %+v ms, wait %+v ms; %d events, deadlines kept at most %v late; the server used %.2f cores, the load %.2f",
		r.SetupMs, r.WaitMs, found.Events, found.Latest, used.Seconds()/ran, callers.Seconds()/ran)
}

// auditWhile audits again and again while the load runs: the board and the
// journal are compared with hundreds of calls up.
func auditWhile(t *testing.T, look audit.API, p *process) {
	t.Helper()
	tick := time.NewTicker(20 * time.Second)
	defer tick.Stop()
	limit := time.NewTimer(6 * time.Minute)
	defer limit.Stop()
	busiest := 0
	for {
		select {
		case <-tick.C:
			r, err := look.Run(t.Context(), audit.Config{})
			must(t, err)
			kept(t, r)
			busiest = max(busiest, r.OpenCalls)
		case <-p.done:
			t.Logf("audited with up to %d calls up", busiest)
			return
		case <-limit.C:
			t.Fatalf("%s does not end:\n%s", p.name, tail(p.out.String(), 2000))
		}
	}
}

func kept(t *testing.T, r *audit.Report) {
	t.Helper()
	for _, v := range r.Violations {
		t.Error(v)
	}
	if !r.OK() {
		t.Fatalf("broken: %v", r.Broken)
	}
}

// jsonOf is the report among the progress that a process printed.
func jsonOf(p *process) []byte {
	text := p.out.String()
	if i := strings.Index(text, "\n{"); i >= 0 {
		text = text[i+1:]
	}
	if i := strings.Index(text, "\n}"); i >= 0 {
		text = text[:i+2]
	}
	return []byte(text)
}

// serveBench serves a centre that firstline load made, on free ports.
func serveBench(t *testing.T, agents int) *office {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bench")
	centre := start(t, "firstline load --make-centre", program(the.root, "load", "--make-centre", dir, "--agents", strconv.Itoa(agents), "--seed", "7"))
	if code := centre.exit(); code != 0 {
		t.Fatalf("--make-centre: exit code %d", code)
	}
	s := &office{t: t, dir: dir, env: map[string]string{"FIRSTLINE_SIP_LISTEN": "127.0.0.1:0", "FIRSTLINE_HTTP_LISTEN": "127.0.0.1:0"}}
	s.up()
	s.creds.SIP, s.creds.HTTP = s.greeted("udp "), s.greeted("board ") // the file says where it will be served by default
	s.api = newAPI(t, s.creds)
	return s
}

// cpuOf is the processor time of a process so far (proc_pid_stat(5)).
func cpuOf(t *testing.T, p *process) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	must(t, err)
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		must(t, err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on
}
