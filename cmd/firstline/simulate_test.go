package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/sim"
	"firstline/config"
	"firstline/store"
)

// firstline runs the program and returns what it printed.
func firstline(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), args, &out, &errs); code != want {
		t.Fatalf("firstline %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, &out, &errs)
	}
	return out.String(), errs.String()
}

// emptyFolder gives the program a folder of its own: no configuration, no server.
func emptyFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("FIRSTLINE_DATA_DIR", dir)
	return dir
}

func TestSimulateIsTheSameForTheSameSeed(t *testing.T) {
	emptyFolder(t)
	args := []string{"simulate", "--calls", "60", "--agents", "7", "--hours", "2", "--runs", "3", "--json"}
	first, _ := firstline(t, 0, args...)
	again, _ := firstline(t, 0, args...)
	other, _ := firstline(t, 0, append(args, "--seed", "99")...)
	if first != again || first == other {
		t.Error("the seed does not decide")
	}
	var report struct {
		Figures []struct {
			Name string
			Mean float64
			Half *float64 `json:"half_99"`
		}
	}
	if err := json.Unmarshal([]byte(first), &report); err != nil || len(report.Figures) < 10 {
		t.Errorf("%v: %s", err, first)
	}
}

func TestSimulateByTable(t *testing.T) {
	dir := emptyFolder(t)
	table := filepath.Join(dir, "day.csv")
	if err := os.WriteFile(table, []byte("from,calls,agents\n# the morning\n08:00, 40, 6\n09:00,200,4\n10:00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := firstline(t, 0, "simulate", "--table", table, "--runs", "2", "--patience", "0", "--settle", "0s")
	if !strings.Contains(out, "overload") || !strings.Contains(out, "2 days of 240 calls in 2h0m0s") {
		t.Error(out)
	}
	for _, bad := range []string{"08:00,1,1\n", "08:00,1\n09:00\n", "09:00,1,1\n08:00\n", "late,1,1\n10:00\n", "08:00,many,1\n10:00\n"} {
		if err := os.WriteFile(table, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, errs := firstline(t, exitFailed, "simulate", "--table", table); !strings.Contains(errs, "day.csv") {
			t.Errorf("%q: %s", bad, errs)
		}
	}
}

func TestImportWritesACentreThatChecks(t *testing.T) {
	dir := emptyFolder(t)
	file := filepath.Join(dir, "queues.conf")
	if err := os.WriteFile(file, []byte("[help]\nstrategy=linear\nannounce=x\nmember => PJSIP/1,0,Ana\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := firstline(t, 0, "import", file, "--out", "new")
	for _, want := range []string{"1 queues and 1 agents are in", "queues.conf:3:1: [help] announce = x: "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	if _, err := config.LoadCentre(os.DirFS(filepath.Join(dir, "new")), nil); err != nil {
		t.Error(err)
	}
	if _, errs := firstline(t, exitFailed, "import", file, "--out", "new"); !strings.Contains(errs, "is there already") {
		t.Error(errs)
	}
	if err := os.WriteFile(file, []byte("[help]\n#include more.conf\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ = firstline(t, exitFailed, "import", file, "--out", "other")
	if _, err := os.Stat("other"); err == nil || !strings.Contains(out, "#include is not followed") {
		t.Error(out, err)
	}
}

// recordDay puts a simulated day into a real journal, as if it had been served.
func recordDay(t *testing.T, dir string) (from, to time.Time) {
	t.Helper()
	from = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	to = from.Add(3 * time.Hour)
	st, err := store.Open(t.Context(), store.Config{DataDir: dir}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- st.Run(ctx) }()
	keep := func(evs ...call.Event) {
		if err := st.Journal().Append(t.Context(), evs...); err != nil {
			t.Fatal(err)
		}
	}
	var roster []agents.Agent
	var ids []call.AgentID
	for i := range 4 {
		a := agents.Agent{ID: call.AgentID(fmt.Sprint("a", i)), Name: fmt.Sprint("Agent ", i), Level: 1, Skills: map[string]int{"desk": 5}}
		roster, ids = append(roster, a), append(ids, a.ID)
		keep(call.AgentEvent(from.Add(-time.Hour), a.ID, call.AgentSet{Name: a.Name, Level: 1, Skills: a.Skills}))
	}
	shifts, err := sim.Shifts(ids, []sim.Staffed{{From: from.Add(-time.Minute), Agents: 4}})
	if err != nil {
		t.Fatal(err)
	}
	var evs []call.Event
	_, err = sim.Run(t.Context(), sim.Scenario{
		Queues: []callqueue.Queue{{ID: "service-desk", Need: call.Requirement{Skills: map[string]int{"desk": 1}}}}, Agents: roster, Shifts: shifts,
		Arrivals: sim.Generate(5, []sim.Demand{{
			Queue: "service-desk", Talk: sim.Exponential(3 * time.Minute), Patience: sim.Exponential(3 * time.Minute),
			Loads: []sim.Load{{From: from, To: to, Calls: 150}},
		}}),
		Tap: func(ev call.Event) {
			if a, ok := ev.Body.(call.Arrived); ok {
				a.Ticket = call.TicketID("T-" + ev.Stream.ID)
				ev.Body = a
			}
			ev.Global = 0
			evs = append(evs, ev)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	keep(evs...)
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return from, to
}

func TestExportAndReplayReadTheJournal(t *testing.T) {
	dir := emptyFolder(t)
	from, to := recordDay(t, dir)
	span := []string{"--from", from.Format(time.RFC3339), "--to", to.Format(time.RFC3339)}

	log, _ := firstline(t, 0, append([]string{"export", "queue-log"}, span...)...)
	entered, connected := strings.Count(log, "|ENTERQUEUE|"), strings.Count(log, "|CONNECT|")
	if entered < 100 || connected == 0 || connected >= entered || !strings.Contains(log, "|service-desk|Agent 0|CONNECT|") {
		t.Errorf("%d entered, %d connected:\n%.500s", entered, connected, log)
	}
	if strings.Contains(log, "ADDMEMBER") {
		t.Error("what was before the period is in it")
	}
	out := filepath.Join(dir, "queue_log")
	firstline(t, 0, append([]string{"export", "queue-log", "--out", out}, span...)...)
	if b, err := os.ReadFile(out); err != nil || string(b) != log {
		t.Errorf("the file differs from what is printed: %v", err)
	}

	report, _ := firstline(t, 0, append([]string{"replay", "--json"}, span...)...)
	var columns []replayColumn
	if err := json.Unmarshal([]byte(report), &columns); err != nil || len(columns) != 2 {
		t.Fatalf("%v\n%s", err, report)
	}
	was, is := columns[0].Queues[0], columns[1].Queues[0]
	if was.Offered != entered || is.Offered != was.Offered || *was.ASA == 0 {
		t.Errorf("recorded %d, replayed %d, in the log %d", was.Offered, is.Offered, entered)
	}
	if d := (*was.ASA - *is.ASA).Abs(); d > time.Millisecond {
		t.Errorf("ASA was %v, replayed %v", *was.ASA, *is.ASA)
	}

	// A centre that lets nobody wait longer than 20 s.
	short := filepath.Join(dir, "short")
	if err := os.CopyFS(short, config.DemoCentre()); err != nil {
		t.Fatal(err)
	}
	queues, err := os.ReadFile(filepath.Join(short, "queues.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(short, "queues.yaml"), bytes.Replace(queues, []byte("misses: 2"), []byte("max-wait: 20s"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	text, _ := firstline(t, 0, append([]string{"replay", "--centre", short}, span...)...)
	for _, want := range []string{"recorded", "replayed", "changed", "difference", "occupancy of all agents"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	t.Log(text)
}

// A file that is followed goes on where it ended, and what a crash left half
// written is written again.
func TestFollowedFileGoesOnWhereItEnded(t *testing.T) {
	dir := emptyFolder(t)
	from, _ := recordDay(t, dir)
	out := filepath.Join(dir, "queue_log")
	follow := func() string {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var watcher sync.WaitGroup
		watcher.Go(func() { stopWhenWritten(ctx, out, stop) })
		defer watcher.Wait()
		var errs bytes.Buffer
		if code := run(ctx, []string{"export", "queue-log", "--from", from.Format(time.RFC3339), "--follow", "--out", out}, &errs, &errs); code != 0 {
			t.Fatalf("exit code %d: %s", code, &errs)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := follow()
	f, err := os.OpenFile(out, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("1772442000|half a li"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if again := follow(); again != first || strings.Count(first, "ENTERQUEUE") < 100 {
		t.Errorf("%d bytes first, %d then", len(first), len(again))
	}
}

// stopWhenWritten stops once all that there is has been written: the file is as
// long as its place says.
func stopWhenWritten(ctx context.Context, out string, stop func()) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		var at place
		b, err := os.ReadFile(out + ".position")
		if err != nil || json.Unmarshal(b, &at) != nil {
			continue
		}
		if info, err := os.Stat(out); err == nil && info.Size() == at.Size {
			stop()
			return
		}
	}
}

func TestInstantsOnTheCommandLine(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-02T09:00:00Z": "2026-03-02T09:00:00Z", "2026-03-02T09:00:00+01:00": "2026-03-02T08:00:00Z",
	} {
		var m moment
		if err := m.UnmarshalText([]byte(text)); err != nil || m.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: %v, %v", text, m, err)
		}
	}
	var today, yesterday, bad moment
	if today.UnmarshalText([]byte("today")) != nil || yesterday.UnmarshalText([]byte("yesterday")) != nil || !yesterday.Before(today.Time) {
		t.Error(today, yesterday)
	}
	if err := bad.UnmarshalText([]byte("soon")); err == nil {
		t.Error("soon is an instant")
	}
}
