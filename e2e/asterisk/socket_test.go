//go:build e2e

package asterisk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"firstline/e2e/peer"
	"firstline/sip/ari/asterisk"
)

// callItself has Asterisk call out through its trunk and in again, to the
// application, and returns the id of the channel that came in.
func (p pbx) callItself(t *testing.T, c *asterisk.Client, h *ear, out string, variables map[string]string) string {
	t.Helper()
	_, err := c.Create(t.Context(), asterisk.Create{ID: out, Endpoint: "PJSIP/trunk/sip:710@" + p.SIP.String(), Variables: variables})
	must(t, err)
	t.Cleanup(func() { end(t, c, out) })
	must(t, c.Dial(t.Context(), out, "", 30*time.Second))
	in := wait(h, func(e asterisk.StasisStart) bool {
		return slices.Equal(e.Args, []string{"710"}) && e.Channel.Dialplan.Exten == "710" && e.Channel.ProtocolID != ""
	})
	return in.Channel.ID
}

func TestSIPCallHasItsHeadersAndItsAudioCounted(t *testing.T) {
	p := shared
	c := p.client(t, nil)
	h, _ := listen(t, c)
	must(t, c.Subscribe(t.Context(), "deviceState:"))
	in := p.callItself(t, c, h, "out", map[string]string{"PJSIP_HEADER(add,X-Ticket)": "T-1000, ü;a=b"})
	got, err := c.Variable(t.Context(), in, "PJSIP_HEADER(read,X-Ticket)")
	if err != nil || got != "T-1000, ü;a=b" {
		t.Errorf("header %q, %v", got, err)
	}
	must(t, c.Ring(t.Context(), in))
	wait(h, func(e asterisk.Dial) bool { return e.Peer.ID == "out" && e.Status == "RINGING" })
	must(t, c.Answer(t.Context(), in))
	wait(h, func(e asterisk.Dial) bool { return e.Peer.ID == "out" && e.Status == "ANSWER" })
	wait(h, func(e asterisk.DeviceStateChanged) bool {
		return e.Device.Name == "PJSIP/trunk" && e.Device.State != ""
	})
	must(t, c.StartMOH(t.Context(), in, ""))
	eventually(t, "audio that comes in is counted", func() bool {
		s, err := c.RTPStats(t.Context(), "out")
		must(t, err)
		return s.Received > 10
	})
	must(t, c.Hangup(t.Context(), in, 17, ""))
	wait(h, func(e asterisk.ChannelDestroyed) bool { return e.Channel.ID == "out" && e.Cause != 0 })
}

func TestEventOfTwoSubscriptionsIsHandedOverOnce(t *testing.T) {
	p := shared
	c := p.client(t, nil)
	h, _ := listen(t, c)
	must(t, c.Subscribe(t.Context(), "endpoint:PJSIP"))
	in := p.callItself(t, c, h, "out", nil)
	must(t, c.Hangup(t.Context(), in, 17, ""))
	wait(h, func(e asterisk.ChannelDestroyed) bool { return e.Channel.ID == "out" })
	// Events are in order: what was told of the first call has come when the second is here.
	leg(t, c, h, "next", "Local/800@from-trunk", nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	told := make(map[string]int)
	for _, e := range h.events {
		told[fmt.Sprintf("%T %+v", e, e)]++
	}
	for what, n := range told {
		if n > 1 {
			t.Errorf("told %d times: %s", n, what)
		}
	}
}

func TestWithheldEventsDoNotCome(t *testing.T) {
	p := shared
	c := p.client(t, nil)
	h, _ := listen(t, c)
	must(t, c.Withhold(t.Context(), "ChannelVarset", "ChannelDialplan"))
	leg(t, c, h, "leg", "Local/800@from-trunk", nil)
	withheld := func(e asterisk.Unknown) bool { return e.Type == "ChannelVarset" || e.Type == "ChannelDialplan" }
	if n := count(h, withheld); n != 0 {
		t.Errorf("%d events of types that were not wanted", n)
	}
	must(t, c.Withhold(t.Context())) // all again
	must(t, c.SetVariable(t.Context(), "leg", "V", "1"))
	wait(h, withheld)
}

func TestSilentlyCutSocketIsReplacedAndTheCallsAreStillThere(t *testing.T) {
	p := shared
	x := startProxy(t, p.ARI)
	c := p.client(t, func(cfg *asterisk.Config) {
		cfg.URL = "http://" + x.addr + "/ari"
		cfg.Ping, cfg.Pong = 200*time.Millisecond, 2*time.Second
	})
	h, ended := listen(t, c)
	leg(t, c, h, "leg", "Local/800@from-trunk", nil)
	x.silence()
	h.await("the cut is found", func() bool { return len(h.downs) == 1 })
	if !errors.Is(h.downs[0], asterisk.ErrAway) {
		t.Errorf("it ended with %v", h.downs[0])
	}
	h.await("there is a new socket", func() bool { return h.ups == 2 })
	app, err := c.Application(t.Context())
	must(t, err)
	if !slices.Contains(app.Channels, "leg") {
		t.Errorf("the application has %v", app.Channels)
	}
	must(t, c.Hangup(t.Context(), "leg", 16, ""))
	wait(h, func(e asterisk.ChannelDestroyed) bool { return e.Channel.ID == "leg" })
	select {
	case err := <-ended: // Asterisk told the dead socket that it was replaced, not the new one
		t.Errorf("it stopped with %v", err)
	default:
	}
}

// When one connection ends as the next begins, Asterisk takes the application away
// from both about once in a hundred times, and keeps the socket open.
func TestWhoComesBackAtOnceIsNotLeftDeaf(t *testing.T) {
	p := shared
	for i := range 100 {
		c := p.client(t, nil)
		h := &ear{t: t, more: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error, 1)
		go func() { over <- c.Run(ctx, h) }()
		h.await("connected", func() bool { return h.ups > 0 })
		id := fmt.Sprint("round-", i)
		must(t, second(c.Create(ctx, asterisk.Create{ID: id, Endpoint: "Local/800@from-trunk"})))
		wait(h, func(e asterisk.StasisStart) bool { return e.Channel.ID == id })
		must(t, c.Hangup(ctx, id, 16, ""))
		cancel()
		must(t, <-over)
	}
}

func TestRestartOfAsteriskIsSeen(t *testing.T) {
	p := pbx{peer.Start(t, peer.Settings{Agents: peer.None})} // one of its own
	c := p.client(t, nil)
	h, _ := listen(t, c)
	leg(t, c, h, "leg", "Local/800@from-trunk", nil)
	before, err := c.Info(t.Context())
	must(t, err)
	p.Stop()
	h.await("the end is seen", func() bool { return len(h.downs) == 1 })
	if err := c.Answer(t.Context(), "leg"); !errors.Is(err, asterisk.ErrAway) {
		t.Errorf("while it is gone: %v", err)
	}
	p.Restart()
	h.await("it is connected again", func() bool { return h.ups == 2 })
	after, err := c.Info(t.Context())
	must(t, err)
	if !after.Status.Started.After(before.Status.Started.Time) {
		t.Errorf("started %v, then %v", before.Status.Started, after.Status.Started)
	}
	if _, err := c.Channel(t.Context(), "leg"); !errors.Is(err, asterisk.ErrNotFound) {
		t.Errorf("its channels: %v", err)
	}
	leg(t, c, h, "leg2", "Local/800@from-trunk", nil)
}

func TestSecondProgramTakesTheApplicationOver(t *testing.T) {
	p := shared
	first := p.client(t, nil)
	h, ended := listen(t, first)
	leg(t, first, h, "leg", "Local/800@from-trunk", nil)
	other := p.client(t, nil)
	h2, _ := listen(t, other)
	select {
	case err := <-ended:
		if !errors.Is(err, asterisk.ErrReplaced) {
			t.Errorf("the first stopped with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the first goes on")
	}
	if err := first.Hangup(t.Context(), "leg", 16, ""); !errors.Is(err, asterisk.ErrReplaced) {
		t.Errorf("the first still acts: %v", err)
	}
	must(t, other.Hangup(t.Context(), "leg", 16, "")) // it was left alone
	wait(h2, func(e asterisk.ChannelDestroyed) bool { return e.Channel.ID == "leg" })
}

func TestPhonesAndTheirStatesAreListed(t *testing.T) {
	p := shared
	c := p.client(t, nil)
	listen(t, c)
	all, err := c.Endpoints(t.Context(), "PJSIP")
	must(t, err)
	one, err := c.Endpoint(t.Context(), "PJSIP", "desk1")
	must(t, err)
	if one.State != "offline" || !slices.ContainsFunc(all, func(e asterisk.Endpoint) bool { return e.Resource == "desk1" }) {
		t.Errorf("desk1: %+v among %d", one, len(all))
	}
}
