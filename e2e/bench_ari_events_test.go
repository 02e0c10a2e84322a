//go:build bench

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/e2e/peer"
	"firstline/sip/ari"
	"firstline/sip/ari/asterisk"
)

// Sizes of the loads of events.
const (
	floods     = 4    // channels of a real Asterisk that count
	floodCount = 5000 // how far each
	stormCalls = 500  // calls at once of the local server
	stormTimes = 40   // so many of them one after the other
)

// TestEventsOverARI measures how many events per second the client and the front end
// take together, the whole way from the socket to the leg. That none is lost, and
// that those of a channel come in their order, is looked at behind the front end.
func TestEventsOverARI(t *testing.T) {
	var rows []flow
	t.Run("Asterisk", func(t *testing.T) { rows = append(rows, flood(t)) })
	t.Run("local server", func(t *testing.T) { rows = append(rows, storm(t)) })
	const format = "| %-36s | %9s | %9s | %13s | %13s |\n"
	fmt.Printf("\n"+format, "source", "events", "a second", "CPU per event", "the source's")
	fmt.Printf("| --- | ---: | ---: | ---: | ---: |\n")
	for _, r := range rows {
		per := func(d time.Duration) string {
			if d == 0 {
				return "in it"
			}
			return strconv.FormatFloat(float64(d)/float64(time.Microsecond)/float64(r.events), 'f', 1, 64) + " µs"
		}
		fmt.Printf(format, r.source, strconv.Itoa(r.events), strconv.FormatFloat(float64(r.events)/r.took.Seconds(), 'f', 0, 64), per(r.ours), per(r.theirs))
	}
	fmt.Println()
}

// flow is what came from a source of events.
type flow struct {
	source       string
	events       int
	took         time.Duration
	ours, theirs time.Duration // CPU; theirs 0: the source is in our process
}

// seen is told of each event when the front end has taken it.
type seen func(asterisk.Event)

// watchedPBX is a client whose events are looked at behind the front end.
type watchedPBX struct {
	*asterisk.Client
	seen seen
}

func (w watchedPBX) Run(ctx context.Context, h asterisk.Handler) error {
	return w.Client.Run(ctx, watched{h, w.seen})
}

type watched struct {
	asterisk.Handler
	seen seen
}

func (w watched) Event(e asterisk.Event) {
	w.Handler.Event(e)
	w.seen(e)
}

// silence is what a front end plays that plays nothing.
type silence struct{}

func (silence) URI(call.Media) (string, time.Duration, bool) { return "", 0, false }

// watchedFrontEnd is a front end that serves its calls with h; client is how it speaks
// with its Asterisk.
func watchedFrontEnd(t *testing.T, host string, h call.Handler, to seen) (front *ari.FrontEnd, client *asterisk.Client) {
	t.Helper()
	front, err := ari.New(ari.Config{
		Nodes:  []ari.Node{{Name: "one", URL: "http://" + host + "/ari", User: "firstline", Password: "firstline-test"}},
		Sounds: silence{},
		Connect: func(n ari.Node, _ *zap.Logger) (_ ari.PBX, err error) {
			client, err = asterisk.New(asterisk.Config{URL: n.URL, User: n.User, Password: n.Password, Application: n.Application})
			return watchedPBX{client, to}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	goes(t, front.Connect)
	goes(t, func(ctx context.Context) error { return front.Run(ctx, h) })
	for limit := time.Now().Add(20 * time.Second); !front.Nodes()[0].Up; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("not connected: %+v", front.Nodes())
		}
	}
	return front, client
}

// goes runs a part until the test ends.
func goes(t *testing.T, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := run(ctx); err != nil {
			t.Errorf("ended: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

// waiter serves a call by waiting for its end.
type waiter struct{ sync.WaitGroup }

func (w *waiter) ServeCall(ctx context.Context, _ *call.Call) { defer w.Done(); <-ctx.Done() }

// counting is the dialplan of a channel that counts as fast as it can.
const counting = `
[flood]
exten => s,1,Set(n=0)
 same => n(more),Set(n=$[${n} + 1])
 same => n,GotoIf($[${n} < %d]?more)
 same => n,Hangup
`

// flood has channels of a real Asterisk count in its dialplan: each step is an event.
func flood(t *testing.T) flow {
	p := peer.Start(t, peer.Settings{Agents: peer.None, Conf: countingConf(t)})
	var mu sync.Mutex // guards the next two
	counted, events := map[string]int{}, 0
	over := make(chan struct{})
	left := floods
	_, client := watchedFrontEnd(t, p.ARI, &waiter{}, func(e asterisk.Event) {
		mu.Lock()
		defer mu.Unlock()
		events++
		u, ok := e.(asterisk.Unknown)
		if !ok || u.Type != "ChannelVarset" {
			return
		}
		var v struct {
			Variable, Value string
			Channel         struct{ ID string }
		}
		if err := json.Unmarshal(u.Raw, &v); err != nil {
			t.Error(err)
		}
		if n, err := strconv.Atoi(v.Value); v.Variable == "n" {
			if err != nil || n != counted[v.Channel.ID] {
				t.Errorf("%s counts %q where %d comes next", v.Channel.ID, v.Value, counted[v.Channel.ID])
			}
			if counted[v.Channel.ID]++; n == floodCount {
				if left--; left == 0 {
					close(over)
				}
			}
		}
	})
	begin := countUp(t, p, client)
	mu.Lock()
	events = 0
	mu.Unlock()
	ours, theirs := readProcess(t, os.Getpid()), readProcess(t, p.PID())
	began := time.Now()
	begin()
	select {
	case <-over:
	case <-time.After(2 * time.Minute):
		t.Fatal("they do not come to the end")
	}
	took := time.Since(began)
	mu.Lock()
	defer mu.Unlock()
	return flow{"a real Asterisk, channels that count", events, took, readProcess(t, os.Getpid()).cpu - ours.cpu, readProcess(t, p.PID()).cpu - theirs.cpu}
}

func countingConf(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../deploy/dev/asterisk")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "extensions.conf")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(text)+fmt.Sprintf(counting, floodCount))
	return dir
}

// countUp makes the channels, of whose events firstline's application is told, and
// returns what lets them go. Their other halves are in another application: a front
// end ends channels of somebody's program that are in its own.
func countUp(t *testing.T, p *peer.Asterisk, firstline *asterisk.Client) (begin func()) {
	t.Helper()
	other, err := asterisk.New(asterisk.Config{URL: "http://" + p.ARI + "/ari", User: "firstline", Password: "firstline-test", Application: "bench"})
	if err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{})
	goes(t, func(ctx context.Context) error { return other.Run(ctx, opened{up}) })
	<-up
	for i := range floods {
		q := url.Values{
			"endpoint": {"Local/s@flood"}, "app": {"bench"}, "channelId": {fmt.Sprint("here-", i)}, "otherChannelId": {fmt.Sprint("flood-", i)},
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.ARI+"/ari/channels/create?"+q.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("firstline", "firstline-test")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("channel %d: %s", i, resp.Status)
		}
		if err := firstline.Subscribe(t.Context(), fmt.Sprint("channel:flood-", i)); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for i := range floods {
			if err := other.Dial(t.Context(), fmt.Sprint("here-", i), "", time.Minute); err != nil {
				t.Error(err)
			}
		}
	}
}

// opened is told of a connection, and hears nothing.
type opened struct{ up chan struct{} }

func (o opened) Connected(context.Context) { close(o.up) }
func (opened) Disconnected(error)          {}
func (opened) Unreached(error)             {}
func (opened) Event(asterisk.Event)        {}

// storm has a local server tell of calls as fast as they are taken.
func storm(t *testing.T) flow {
	var calls waiter
	calls.Add(stormCalls * stormTimes)
	s := newStormServer(t)
	front, _ := watchedFrontEnd(t, s.host, &calls, s.taken)
	ours := readProcess(t, os.Getpid())
	began := time.Now()
	if err := s.send(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-s.all
	took := time.Since(began)
	calls.Wait() // each call was served, and ended
	if n := front.Legs(); n != 0 {
		t.Errorf("%d legs are left", n)
	}
	if len(s.faults) > 0 {
		t.Errorf("%d events lost or out of order:\n%s", len(s.faults), strings.Join(s.faults[:min(5, len(s.faults))], "\n"))
	}
	return flow{"a local server, calls", stormCalls * stormTimes * len(s.script), took, readProcess(t, os.Getpid()).cpu - ours.cpu, 0}
}
