//go:build bench

package e2e

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"firstline/e2e/peer"
)

// Sizes of the loads on firstline and its Asterisk together: two cores carry both,
// and sipp.
const (
	ariCalls   = 400
	ariRate    = 20 // calls a second
	ariBridged = 40
)

// Numbers that the peers' dialplan hands to firstline.
const (
	ariPlain    = "710"
	ariRecorded = "711"
)

// overARI is firstline that drives an Asterisk: one process decides, the other
// carries the calls.
type overARI struct {
	firstline *server
	asterisk  *server
	pbx       *peer.Asterisk
}

func startOverARI(t *testing.T, b *bench, agents int) overARI {
	t.Helper()
	peer, pbx := peerWith(t, agents)
	dir, web := t.TempDir(), freePort(t)
	ours := &server{sip: peer.sip, agentPort: peer.agentPort, audio: filepath.Join(dir, "var/recordings"), profiles: b.pprof}
	write(t, filepath.Join(dir, "firstline.yaml"), fmt.Sprintf(`
sip: {listen: ["127.0.0.1:%d"], domain: %s, rtp: {ports: 16000-19999}}
http: {listen: "127.0.0.1:%d"}
data-dir: var
centre: centre
sign-in: {token: %s}
asterisk:
  nodes: {one: {url: "http://%s/ari", password: firstline-test}}
  sounds: {dir: %s, seen: firstline}
`, freePort(t), benchRealm, web, benchToken, pbx.ARI, filepath.Join(pbx.Folder, "sounds/firstline")))
	write(t, filepath.Join(dir, "centre/numbers.yaml"), ariPlain+": {queue: support}\n"+ariRecorded+": {queue: recorded}\n")
	write(t, filepath.Join(dir, "centre/queues.yaml"), "support: {wrap-up: 0s, record: false}\nrecorded: {wrap-up: 0s, record: true}\n")
	writeAgents(t, dir, agents)
	b.serve(t, dir, ours)
	for _, user := range users(agents) {
		goToWork(t, web, user)
	}
	return overARI{ours, peer, pbx}
}

// spent is what both have used of the processor since.
type spent struct{ ours, theirs, wall time.Duration }

func (x overARI) meter(t *testing.T) (since func() spent) {
	t.Helper()
	ours, theirs := x.firstline.read(t), x.asterisk.read(t)
	return func() spent {
		a, b := x.firstline.read(t), x.asterisk.read(t)
		return spent{a.cpu - ours.cpu, b.cpu - theirs.cpu, a.at.Sub(ours.at)}
	}
}

// per is a figure of both: the time spent divided by what it was spent on.
func (s spent) per(metric string, unit time.Duration, name string, n float64) pair {
	one := func(d time.Duration) float64 { return float64(d) / float64(unit) / n }
	return pair{metric, name, one(s.ours), one(s.theirs)}
}

// pair is what firstline and the Asterisk that it drives spend in one run.
type pair struct {
	metric, unit string
	ours, theirs float64
}

// TestOverARI measures firstline in front of a real Asterisk. A scenario whose calls
// did not all work is a failure; there are no floors.
func TestOverARI(t *testing.T) {
	b := newBench(t)
	var rows []pair
	for _, s := range []struct {
		name string
		run  func(t *testing.T, b *bench) []pair
	}{
		{"complete", completesOverARI},
		{"talking", func(t *testing.T, b *bench) []pair { return talksOverARI(t, b, false) }},
		{"recorded", func(t *testing.T, b *bench) []pair { return talksOverARI(t, b, true) }},
	} {
		t.Run(s.name, func(t *testing.T) { rows = append(rows, s.run(t, b)...) })
	}
	printPairs(rows)
}

// completesOverARI is the whole life of a call without audio, as in completes.
func completesOverARI(t *testing.T, b *bench) []pair {
	x := startOverARI(t, b, 100)
	agents := b.agents(t, x.firstline)
	b.warmUp(t, x.firstline, ariPlain, completeTalk)
	since := x.meter(t)
	profile := x.firstline.profile(t, ariCalls/ariRate*time.Second)
	b.callers(t, x.firstline, ariPlain, load{calls: ariCalls, rate: ariRate, length: completeTalk}).wait(t)
	used := since()
	profile()
	agents.want(t, warmUpCalls+ariCalls)
	return []pair{used.per("CPU per complete call", time.Millisecond, "ms", ariCalls)}
}

// talksOverARI is talk with audio both ways, and the whole of such a call. What a
// recording costs firstline comes at its end, when both sides are fetched and made one.
func talksOverARI(t *testing.T, b *bench, record bool) []pair {
	number, what := ariPlain, "talking"
	if record {
		number, what = ariRecorded, "talking and recorded"
	}
	x := startOverARI(t, b, ariBridged)
	agents := b.agents(t, x.firstline)
	b.warmUp(t, x.firstline, number, 8*time.Second)
	x.firstline.settled(t)
	const lead = 8 * time.Second
	whole := x.meter(t)
	callers := b.callers(t, x.firstline, number, load{calls: ariBridged, rate: 20, length: lead + window + 4*time.Second, audio: true})
	time.Sleep(lead)
	packets, steady := datagrams(t), x.meter(t)
	profile := x.firstline.profile(t, window)
	time.Sleep(window)
	talk := steady()
	profile()
	if got, want := datagrams(t)-packets, int64(ariBridged*200*window.Seconds()); got < want*9/10 {
		t.Errorf("%d datagrams in %v, want about %d: the calls were not all relayed", got, window, want)
	}
	callers.wait(t)
	agents.want(t, warmUpCalls+ariBridged)
	x.firstline.settled(t)
	if n := x.firstline.recorded(t); record && n < warmUpCalls+ariBridged {
		t.Errorf("%d recordings, want %d", n, warmUpCalls+ariBridged)
	}
	return []pair{
		talk.per("CPU per 1,000 call-seconds "+what, time.Second, "s", ariBridged*talk.wall.Seconds()/1000),
		whole().per(fmt.Sprintf("CPU per call of %v, %s", lead+window+4*time.Second, what), time.Millisecond, "ms", ariBridged),
	}
}

func printPairs(rows []pair) {
	const format = "| %-52s | %10s | %12s |\n"
	fmt.Printf("\n"+format, "metric", "firstline", "its Asterisk")
	fmt.Printf("| --- | ---: | ---: |\n")
	for _, r := range rows {
		num := func(v float64) string { return strconv.FormatFloat(v, 'f', decimals(v), 64) + " " + r.unit }
		fmt.Printf(format, r.metric, num(r.ours), num(r.theirs))
	}
	fmt.Println()
}
