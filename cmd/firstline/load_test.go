package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/config"
)

func TestLoadRefusesAServerThatIsNotOnThisMachine(t *testing.T) {
	var out, said bytes.Buffer
	code := run(t.Context(), []string{"load", "--server", "192.0.2.1:5060", "--agents", "0", "--credentials", filepath.Join(t.TempDir(), "none")}, &out, &said)
	if code != exitUsage || !strings.Contains(said.String(), "--yes-i-own-it") {
		t.Errorf("exit code %d: %s", code, said.String())
	}
}

func TestLoadNamesAllFaultsOfItsCommandLine(t *testing.T) {
	var out, said bytes.Buffer
	code := run(t.Context(), []string{"load", "--rate", "0", "--hangup", "1.5", "--callers", "0", "--press", "1x"}, &out, &said)
	for _, want := range []string{"--rate", "--hangup", "--callers", "--press"} {
		if code != exitUsage || !strings.Contains(said.String(), want) {
			t.Errorf("exit code %d, %s is not named: %s", code, want, said.String())
		}
	}
}

func TestTheSameSeedMakesTheSameCallers(t *testing.T) {
	c := &loadCommand{Press: []string{"1", "-"}, Patience: time.Minute, Talk: time.Minute, Answer: time.Second, Hangup: 0.5}
	plans := func(seed uint64) []loadPlan {
		r, all := rand.New(rand.NewPCG(seed, 0)), []loadPlan{}
		for range 50 {
			all = append(all, c.plan(r, "+1555"))
		}
		return all
	}
	same := cmp.AllowUnexported(loadPlan{})
	if d := cmp.Diff(plans(7), plans(7), same); d != "" {
		t.Error(d)
	}
	if cmp.Equal(plans(7), plans(8), same) {
		t.Error("another seed makes the same callers")
	}
	left := map[loadStage]int{}
	for _, p := range plans(7) {
		left[p.leaves]++
	}
	if left[stageNone] == 0 || len(left) < 4 {
		t.Errorf("who hangs up where: %v", left)
	}
}

func TestPercentilesAreNearestRank(t *testing.T) {
	var s samples
	for i := 100; i > 0; i-- {
		s.add(time.Duration(i) * time.Millisecond)
	}
	if d := cmp.Diff(percentiles{Count: 100, P50: 50, P90: 90, P99: 99, Max: 100}, s.percentiles()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(percentiles{Count: 1, P50: 3, P90: 3, P99: 3, Max: 3}, samples{3 * time.Millisecond}.percentiles()); d != "" {
		t.Error(d)
	}
}

func TestALoadInWhichCallersGiveUpIsNoFailureAndOneWithRefusalsIs(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*loadReport)
		code int
	}{
		{"gave up", abandoned(stageQueue), 0},
		{"refused", refused(call.Cause{Reason: call.NoCapacity, SIP: 503}), exitLoadFaults},
		{"hung up on", turnedAway(call.Cause{Reason: call.Hangup}), exitLoadFaults},
		{"error", failed("dial"), exitLoadFaults},
		{"silent", func(r *loadReport) { r.Audio.CallerTalks++ }, exitLoadFaults},
	} {
		t.Run(c.name, func(t *testing.T) {
			tally := newLoadTally()
			tally.add(func(r *loadReport) { r.Placed = 1; c.do(r) })
			err := tally.report(&loadCommand{}, time.Second).verdict()
			var told exitError
			if code := 0; errors.As(err, &told) && told.code != c.code || err == nil && code != c.code {
				t.Errorf("%v, want exit code %d", err, c.code)
			}
		})
	}
}

func TestMakeCentreMakesOneThatLoads(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bench")
	var out, said bytes.Buffer
	args := []string{"load", "--make-centre", dir, "--agents", "25", "--wrap-up", "3s"}
	if code := run(t.Context(), args, &out, &said); code != 0 {
		t.Fatalf("exit code %d: %s", code, said.String())
	}
	cfg, err := config.LoadServer(filepath.Join(dir, config.FileName), nil)
	if err != nil {
		t.Fatal(err)
	}
	centre, err := config.LoadCentre(os.DirFS(cfg.Centre), nil)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := readDemoCredentials(filepath.Join(cfg.DataDir, demoCredentialsFile))
	if err != nil || len(centre.Agents) != 25 || len(creds.Devices) != 25 || centre.Queues[0].WrapUp != 3*time.Second {
		t.Errorf("%d agents, %d devices, wrap-up %v, %v", len(centre.Agents), len(creds.Devices), centre.Queues[0].WrapUp, err)
	}
	if code := run(t.Context(), args, &out, &said); code != exitFailed {
		t.Errorf("a second time: exit code %d", code)
	}
}
