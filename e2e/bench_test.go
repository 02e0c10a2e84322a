//go:build bench

package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// Sizes of the loads: large enough that a server's idle work does not count,
// small enough that two cores carry the server, its load and the measuring.
const (
	completeCalls = 1000
	completeRate  = 50 // calls a second, what one instance is built for
	completeTalk  = time.Second
	bridgedCalls  = 100
	waitingCalls  = 300
	freedCalls    = 15
	window        = 12 * time.Second // over which a steady load is measured
	warmUpCalls   = 10
)

// TestBesideAsterisk puts the same sipp scenarios, call for call, to firstline and
// to Asterisk and prints what each spends. A figure above its floor is a MISS and
// no failure; a scenario whose calls did not all work is a failure.
func TestBesideAsterisk(t *testing.T) {
	b := newBench(t)
	var rows []row
	for _, s := range []struct {
		name string
		run  func(t *testing.T, b *bench, subject subject) []figure
	}{
		{"complete", completes},
		{"relayed", func(t *testing.T, b *bench, s subject) []figure { return relays(t, b, s, false) }},
		{"recorded", func(t *testing.T, b *bench, s subject) []figure { return relays(t, b, s, true) }},
		{"waiting", waits},
		{"freed", frees},
	} {
		figures := map[string][]figure{}
		t.Run(s.name, func(t *testing.T) {
			for _, subject := range []subject{firstline{}, asteriskAlone{}} {
				t.Run(subject.name(), func(t *testing.T) {
					figures[subject.name()] = s.run(t, b, subject)
					t.Log(figures[subject.name()])
				})
			}
		})
		rows = append(rows, beside(figures["firstline"], figures["asterisk"])...)
	}
	printTable(t, rows)
}

// completes is the whole life of a call without audio: number, queue, agent, a
// second of talk, goodbye.
func completes(t *testing.T, b *bench, s subject) []figure {
	srv := s.start(t, b, 100)
	agents := b.agents(t, srv)
	b.warmUp(t, srv, plainNumber, completeTalk)
	before := srv.read(t)
	profile := srv.profile(t, completeCalls/completeRate*time.Second)
	b.callers(t, srv, plainNumber, load{calls: completeCalls, rate: completeRate, length: completeTalk}).wait(t)
	spent := srv.read(t).cpu - before.cpu
	profile()
	agents.want(t, warmUpCalls+completeCalls)
	return []figure{{"CPU per complete call", "ms", float64(spent) / float64(time.Millisecond) / completeCalls}}
}

// relays is talk with audio both ways, bridged, and what a bridged call takes of memory.
func relays(t *testing.T, b *bench, s subject, record bool) []figure {
	number, what := plainNumber, "relayed"
	if record {
		number, what = recordedNumber, "relayed and recorded"
	}
	srv := s.start(t, b, bridgedCalls)
	agents := b.agents(t, srv)
	b.warmUp(t, srv, number, 8*time.Second)
	idle := srv.settled(t)
	// The recorded number may speak its notice first, so the talk begins later there.
	lead := 12 * time.Second
	callers := b.callers(t, srv, number, load{calls: bridgedCalls, rate: 25, length: lead + window + 4*time.Second, audio: true})
	time.Sleep(lead)
	packets, before := datagrams(t), srv.read(t)
	profile := srv.profile(t, window)
	time.Sleep(window)
	after := srv.read(t)
	profile()
	// Each call: 50 packets a second to the server and 50 from it, on each of two legs.
	if got, want := datagrams(t)-packets, int64(bridgedCalls*200*window.Seconds()); got < want*9/10 {
		t.Errorf("%d datagrams in %v, want about %d: the calls were not all relayed", got, window, want)
	}
	callers.wait(t)
	agents.want(t, warmUpCalls+bridgedCalls)
	seconds := after.at.Sub(before.at).Seconds()
	out := []figure{{"CPU per 1,000 call-seconds " + what, "s", (after.cpu - before.cpu).Seconds() / (bridgedCalls * seconds) * 1000}}
	if record {
		if n := srv.recorded(t); n < bridgedCalls {
			t.Errorf("%d recordings, want %d", n, bridgedCalls)
		}
		return append(out, figure{"memory per bridged and recorded call", "kB", float64(after.memory-idle.memory) / bridgedCalls / 1000})
	}
	return append(out, figure{"memory per bridged call", "kB", float64(after.memory-idle.memory) / bridgedCalls / 1000})
}

// waits is callers in a queue that nobody serves, with music. They send audio too, as
// phones do: who sends nothing is not sent to for long.
func waits(t *testing.T, b *bench, s subject) []figure {
	srv := s.start(t, b, 0)
	b.warmUp(t, srv, plainNumber, time.Second)
	idle := srv.settled(t)
	arriving := waitingCalls / 30 * time.Second
	callers := b.callers(t, srv, plainNumber, load{calls: waitingCalls, rate: 30, length: arriving + window + 8*time.Second, audio: true})
	time.Sleep(arriving + 3*time.Second)
	packets, before := datagrams(t), srv.read(t)
	profile := srv.profile(t, window)
	time.Sleep(window)
	after := srv.read(t)
	profile()
	if got, want := datagrams(t)-packets, int64(waitingCalls*100*window.Seconds()); got < want*9/10 {
		t.Errorf("%d datagrams in %v, want about %d: not all heard music", got, window, want)
	}
	callers.wait(t)
	seconds := after.at.Sub(before.at).Seconds()
	return []figure{
		{"cores per 1,000 callers on music", "", (after.cpu - before.cpu).Seconds() / seconds / waitingCalls * 1000},
		{"memory per waiting call", "kB", float64(after.memory-idle.memory) / waitingCalls / 1000},
	}
}

// frees is one agent with callers in line: how long from the agent's goodbye to
// the next INVITE at the same phone, both as the phone saw them.
func frees(t *testing.T, b *bench, s subject) []figure {
	srv := s.start(t, b, 1)
	trace := filepath.Join(t.TempDir(), "messages")
	agents := b.agents(t, srv, "-set", "talk", "300", "-trace_msg", "-message_file", trace)
	b.callers(t, srv, plainNumber, load{calls: freedCalls, rate: 20, length: 90 * time.Second}).wait(t)
	agents.want(t, freedCalls)
	gaps := goodbyeToInvite(t, trace)
	if len(gaps) != freedCalls-1 {
		t.Fatalf("%d times between a goodbye and the next INVITE, want %d", len(gaps), freedCalls-1)
	}
	slices.Sort(gaps)
	return []figure{
		{"agent free to INVITE, median", "ms", gaps[len(gaps)/2].Seconds() * 1000},
		{"agent free to INVITE, slowest", "ms", gaps[len(gaps)-1].Seconds() * 1000},
	}
}

// figure is one measured value.
type figure struct {
	metric, unit string
	value        float64
}

// row is a figure of both, and what it should be.
type row struct {
	metric, unit        string
	ours, theirs, floor float64
}

// share of the peer's value in the same run that ours may be.
const share = 0.2

func beside(ours, theirs []figure) []row {
	var rows []row
	for i, f := range ours {
		if i < len(theirs) {
			rows = append(rows, row{f.metric, f.unit, f.value, theirs[i].value, theirs[i].value * share})
		}
	}
	return rows
}

func printTable(t *testing.T, rows []row) {
	t.Helper()
	const format = "| %-48s | %10s | %10s | %6s | %10s | %-4s |\n"
	fmt.Printf("\n"+format, "metric", "firstline", "Asterisk", "ratio", "floor", "")
	fmt.Printf("| --- | ---: | ---: | ---: | ---: | --- |\n")
	for _, r := range rows {
		verdict := "PASS"
		if r.ours > r.floor {
			verdict = "MISS"
		}
		num := func(v float64) string {
			return strconv.FormatFloat(v, 'f', decimals(v), 64) + map[bool]string{true: " " + r.unit}[r.unit != ""]
		}
		fmt.Printf(format, r.metric, num(r.ours), num(r.theirs), fmt.Sprintf("%.2f", r.ours/r.theirs), num(r.floor), verdict)
	}
	fmt.Println()
}

func decimals(v float64) int {
	switch {
	case v < 10:
		return 2
	case v < 100:
		return 1
	}
	return 0
}
