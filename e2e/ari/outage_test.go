//go:build e2e

package ari_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip/ari"
	"firstline/sip/siptest"
)

// wire is the network between the front end and Asterisk; a test cuts it.
type wire struct {
	t      *testing.T
	to     string
	listen net.Listener

	mu    sync.Mutex // guards the rest
	cut   bool
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w := &wire{t: t, to: to, listen: l, conns: map[net.Conn]bool{}}
	w.wg.Go(w.accept)
	t.Cleanup(func() { l.Close(); w.set(true); w.wg.Wait() })
	return w
}

func (w *wire) accept() {
	for {
		c, err := w.listen.Accept()
		if err != nil {
			return
		}
		w.wg.Go(func() { w.join(c) })
	}
}

func (w *wire) join(c net.Conn) {
	defer c.Close()
	o, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer o.Close()
	w.mu.Lock()
	cut := w.cut
	w.conns[c], w.conns[o] = true, true
	w.mu.Unlock()
	if cut {
		return
	}
	var wg sync.WaitGroup
	for _, way := range [][2]net.Conn{{c, o}, {o, c}} {
		wg.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			way[0].Close()
		})
	}
	wg.Wait()
}

// set cuts the wire, or mends it.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for c := range w.conns {
		c.Close()
		delete(w.conns, c)
	}
}

func (w *wire) url() string { return "http://" + w.listen.Addr().String() + "/ari" }

func TestCallsOutliveACutOfTheEventSocket(t *testing.T) {
	p := startPBX(t)
	w := newWire(t, p.ARI)
	x := p.frontEnd(t, func(c *ari.Config) { c.Nodes[0].URL = w.url() }).run(t)
	calls := x.served(t)
	waiting, c := x.answered(t, calls)
	must(t, c.Leg.Hold(t.Context(), "music:default"))
	k := x.talk(t, calls)
	r, err := k.bridge.Record(t.Context(), call.NewRecordingID(time.Now()))
	must(t, err)

	w.set(true)
	eventually(t, "the node is known to be away", func() bool { return !x.Nodes()[0].Up })
	eventually(t, "who waits hears music and who talks hears the other", func() bool {
		return waiting.Hears("music:default") && k.far.Hears("talk") && k.desk.Hears("talk")
	})
	played := make(chan error, 1)
	go func() { played <- c.Leg.Play(t.Context(), "prompt:short") }()
	heardFor(t, time.Second)
	k.desk.Hangup() // nobody hears of it
	heardFor(t, 500*time.Millisecond)
	select {
	case err := <-played:
		t.Fatalf("a verb ended during the cut: %v", err)
	case <-k.agent.Context().Done():
		t.Fatalf("a leg ended during the cut: %v", call.CauseOf(k.agent.Context()))
	default:
	}

	w.set(false)
	must(t, soon(t, "the verb is carried out", played))
	soon(t, "the hang-up is known", k.agent.Context().Done())
	if got := call.CauseOf(k.agent.Context()); got.Reason != call.Hangup {
		t.Errorf("the agent's leg ended as %v", got)
	}
	must(t, k.call.Leg.Play(t.Context(), "prompt:short"))
	got, err := r.Stop(t.Context())
	must(t, err)
	left, right := x.recorded(t, got)
	wantVoices(t, left, right, 500*time.Millisecond)
}

func TestAHangUpDuringACutReachesTheCallerAfterwards(t *testing.T) {
	p := startPBX(t)
	w := newWire(t, p.ARI)
	x := p.frontEnd(t, func(c *ari.Config) { c.Nodes[0].URL = w.url() }).run(t)
	far, c := x.answered(t, x.served(t))
	w.set(true)
	eventually(t, "the node is known to be away", func() bool { return !x.Nodes()[0].Up })
	must(t, c.Leg.Hangup(t.Context(), call.Cause{Reason: call.Completed}))
	w.set(false)
	eventually(t, "the caller is hung up", func() bool { _, over := far.Ended(); return over })
}

func TestAsteriskIsKilledAndStartedAgain(t *testing.T) {
	p := startPBX(t)
	x := p.frontEnd(t, nil).run(t)
	calls := x.served(t)
	k := x.talk(t, calls)
	r, err := k.bridge.Record(t.Context(), call.NewRecordingID(time.Now()))
	must(t, err)
	heardFor(t, 5*time.Second)
	p.Kill()
	p.Restart()
	for _, l := range []call.Leg{k.call.Leg, k.agent} {
		soon(t, "leg ends", l.Context().Done())
		if got := call.CauseOf(l.Context()); got.Reason != call.SwitchGone {
			t.Errorf("leg %s ended as %v", l.ID(), got)
		}
	}
	got, err := r.Stop(t.Context())
	must(t, err)
	left, right := x.recorded(t, got)
	wantVoices(t, left, right, 1500*time.Millisecond) // Asterisk writes every two seconds
	x.answered(t, calls)                              // life goes on
}

func TestCallersWhomNobodyKnowsGoToTheFallback(t *testing.T) {
	p := startPBX(t)
	x := p.frontEnd(t, nil).run(t)
	calls := x.served(t)
	far, c := x.answered(t, calls)
	desk, _ := x.rung(t, c, 1)
	x.vanish()
	next := p.frontEnd(t, nil)
	found, err := next.Adopt(t.Context())
	must(t, err)
	for _, l := range found.Legs { // as a desk does whose journal knows none of them
		must(t, l.Hangup(t.Context(), call.Cause{Reason: call.SwitchGone}))
	}
	eventually(t, "the caller hears the fallback's music", func() bool { return far.Hears("music:default") })
	eventually(t, "no phone rings on", func() bool { return !desk.Ringing() })
	if n := len(found.Legs); n != 2 {
		t.Errorf("%d legs were found, want two", n)
	}
}

func TestACallThatEndsWhileNobodyIsThereKeepsItsAudio(t *testing.T) {
	p := startPBX(t)
	x := p.frontEnd(t, nil).run(t)
	k := x.talk(t, x.served(t))
	id := call.NewRecordingID(time.Now())
	_, err := k.bridge.Record(t.Context(), id)
	must(t, err)
	heardFor(t, 2*time.Second)
	x.vanish()
	k.far.Hangup()
	late := make(chan call.Recorded, 1)
	next := p.frontEnd(t, func(c *ari.Config) {
		c.RecordingsDir = x.recordings
		c.OnRecording = func(got call.RecordingID, r call.Recorded) {
			if got == id {
				late <- r
			}
		}
	})
	found, err := next.Adopt(t.Context())
	must(t, err)
	for _, l := range found.Legs {
		must(t, l.Hangup(t.Context(), call.Cause{Reason: call.SwitchGone}))
	}
	left, right := next.recorded(t, soon(t, "the audio is there", late))
	wantVoices(t, left, right, time.Second)
	next.stored(t)
}

func TestOnlyTheNewestProcessActs(t *testing.T) {
	p := startPBX(t)
	first, ended := p.unwatched(t)
	far := siptest.Dial(t, siptest.Phone(t, p.phone("4930123")), ariNumber)
	c := soon(t, "the call comes in", first.served(t))
	must(t, c.Leg.Answer(t.Context()))
	second := p.frontEnd(t, nil)
	if err := soon(t, "the first process learns of it", ended); !errors.Is(err, ari.ErrReplaced) {
		t.Errorf("it ended with %v", err)
	}
	if err := c.Leg.Play(t.Context(), "prompt:short"); err == nil {
		t.Error("it still acts")
	}
	found, err := second.Adopt(t.Context())
	must(t, err)
	l, ok := found.Leg(c.Leg.ID())
	if !ok {
		t.Fatal("the second process does not find the call")
	}
	must(t, l.Play(t.Context(), "prompt:short"))
	if _, over := far.Ended(); over {
		t.Error("the caller was hung up")
	}
}

// unwatched is a front end that runs, and whose end the test awaits itself.
func (p *pbx) unwatched(t *testing.T) (*exchange, <-chan error) {
	t.Helper()
	f, err := ari.New(ari.Config{Nodes: []ari.Node{p.node()}, Sounds: p.published()})
	must(t, err)
	x := &exchange{FrontEnd: f, pbx: p, inbox: &inbox{}}
	ended := make(chan error, 2)
	go func() { ended <- f.Connect(t.Context()) }()
	eventually(t, "the front end is connected", func() bool { return f.Nodes()[0].Up })
	go func() {
		if err := f.Run(t.Context(), x.inbox); !errors.Is(err, ari.ErrReplaced) {
			t.Error(fmt.Errorf("run: %w", err))
		}
	}()
	return x, ended
}
