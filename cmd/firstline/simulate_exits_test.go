package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// overflowing is a centre whose first queue sends on whoever waits a minute.
func overflowing(t *testing.T, dir string) string {
	t.Helper()
	centre := filepath.Join(dir, "overflowing")
	if err := os.Mkdir(centre, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"numbers.yaml": "1: {queue: service-desk}\n",
		"skills.yaml":  "desk: Desk\nback: Back office\n",
		"agents.yaml":  "a0: {skills: {desk: 1}}\na1: {skills: {desk: 1}}\nb0: {skills: {back: 1}}\nb1: {skills: {back: 1}}\n",
		"queues.yaml": "service-desk: {need: {skills: {desk: 1}}, max-wait: 1m, exits: {timeout: {queue: back-office}}}\n" +
			"back-office: {need: {skills: {back: 1}}}\n" +
			"other: {need: {skills: {desk: 1}}}\n",
	} {
		if err := os.WriteFile(filepath.Join(centre, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return centre
}

func TestSimulateFollowsExitsAndPrintsTheQueuesBehindThem(t *testing.T) {
	dir := emptyFolder(t)
	args := []string{
		"simulate", "--centre", overflowing(t, dir), "--queue", "service-desk", "--calls", "40", "--hours", "4", "--runs", "4",
		"--wrap-up", "10s", "--settle", "0s", "--patience", "20m",
	}
	text, _ := firstline(t, 0, args...)
	for _, want := range []string{"its exits lead to 1 more queues, with 2 more agents", "by exits in queue back-office", "left otherwise, by an exit too"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "queue other") || strings.Contains(text, "circle") {
		t.Error(text)
	}
	out, _ := firstline(t, 0, append(args, "--json")...)
	type figures []struct {
		Name string
		Mean float64
	}
	var report struct {
		Queue   string
		Figures figures
		Further []struct {
			Queue   string
			Figures figures
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Further) != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	value := func(of figures, name string) float64 {
		for _, f := range of {
			if f.Name == name {
				return f.Mean
			}
		}
		t.Fatalf("no %q in %+v", name, of)
		return 0
	}
	moved, back := value(report.Figures, "left otherwise, by an exit too"), report.Further[0].Figures
	if moved < 10 || value(back, "offered") != moved || value(back, "ASA") < 60 || value(back, "longest wait") < 60 {
		t.Errorf("%v moved\n%s", moved, out)
	}
	sum := value(report.Figures, "answered") + value(report.Figures, "abandoned, short ones too") + moved
	if offered := value(report.Figures, "offered"); sum < offered-1e-6 || sum > offered+1e-6 {
		t.Errorf("%v offered, %v came of them", offered, sum)
	}
}

func TestSimulateSaysThatExitsLeadInACircle(t *testing.T) {
	dir := emptyFolder(t)
	centre := overflowing(t, dir)
	queues := "service-desk: {need: {skills: {desk: 1}}, max-wait: 1m, exits: {timeout: {queue: back-office}}}\n" +
		"back-office: {need: {skills: {back: 1}}, max-wait: 30s, exits: {timeout: {queue: service-desk}}}\n"
	if err := os.WriteFile(filepath.Join(centre, "queues.yaml"), []byte(queues), 0o600); err != nil {
		t.Fatal(err)
	}
	text, _ := firstline(t, 0, "simulate", "--centre", centre, "--queue", "service-desk", "--calls", "60", "--hours", "1", "--runs", "1", "--settle", "0s", "--patience", "0")
	if !strings.Contains(text, "its exits lead in a circle") {
		t.Error(text)
	}
}

// The recorded day had one queue; the changed centre has one more behind it.
func TestReplayPrintsTheQueueToWhichAChangedCentreSendsCallers(t *testing.T) {
	dir := emptyFolder(t)
	from, to := recordDay(t, dir)
	text, _ := firstline(t, 0, "replay", "--from", from.Format(time.RFC3339), "--to", to.Format(time.RFC3339), "--centre", overflowing(t, dir))
	first, second, ok := strings.Cut(text, "queue back-office")
	if !ok || !strings.Contains(first, "queue service-desk") || !strings.Contains(second, "answered") {
		t.Errorf("no queue behind the exit in\n%s", text)
	}
	t.Log(text)
}
