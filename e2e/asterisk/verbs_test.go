//go:build e2e

package asterisk_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"firstline/sip/ari/asterisk"
)

// leg makes a channel to a number of the dialplan, and returns when it is up.
func leg(t *testing.T, c *asterisk.Client, h *ear, id, endpoint string, variables map[string]string) {
	t.Helper()
	_, err := c.Create(t.Context(), asterisk.Create{ID: id, Endpoint: endpoint, Args: "test", Variables: variables})
	must(t, err)
	t.Cleanup(func() { end(t, c, id) })
	must(t, c.Dial(t.Context(), id, "", 10*time.Second))
	wait(h, func(e asterisk.StasisStart) bool { return e.Channel.ID == id && slices.Equal(e.Args, []string{"test"}) })
	wait(h, func(e asterisk.Dial) bool { return e.Peer.ID == id && e.Status == "ANSWER" })
}

// end hangs a channel up, and waits until its id is free again.
func end(t *testing.T, c *asterisk.Client, id string) {
	t.Helper()
	eventually(t, id+" is gone", func() bool {
		return c.Hangup(context.WithoutCancel(t.Context()), id, 16, "") != nil ||
			second(c.Channel(context.WithoutCancel(t.Context()), id)) != nil
	})
}

func TestOneCallThroughEveryVerb(t *testing.T) {
	p := shared
	c := p.client(t, nil)
	h, _ := listen(t, c)
	ctx := t.Context()
	id := "leg/1+2 ü" // whatever an id may hold
	leg(t, c, h, id, "Local/800@from-trunk", nil)
	ofLeg := func(ch asterisk.Channel) bool { return ch.ID == id }

	must(t, c.Answer(ctx, id))
	must(t, c.Ring(ctx, id))
	must(t, c.StopRing(ctx, id))
	must(t, c.StartMOH(ctx, id, "default"))
	must(t, c.StopMOH(ctx, id))
	must(t, c.StartSilence(ctx, id))
	must(t, c.StopSilence(ctx, id))
	must(t, c.Mute(ctx, id, "in"))
	must(t, c.Unmute(ctx, id, "in"))

	_, err := c.Play(ctx, id, "p1", "sound:vm-enter-num-to-call", "tone:ring;tonezone=us")
	must(t, err)
	wait(h, func(e asterisk.PlaybackStarted) bool { return e.Playback.ID == "p1" })
	if pb, err := c.Playback(ctx, "p1"); err != nil || pb.Target != "channel:"+id {
		t.Errorf("%+v, %v", pb, err)
	}
	must(t, c.StopPlayback(ctx, "p1"))
	wait(h, func(e asterisk.PlaybackFinished) bool { return e.Playback.ID == "p1" && e.Playback.State != "failed" })
	_, err = c.Play(ctx, id, "p2", "sound:there/is/none")
	must(t, err)
	wait(h, func(e asterisk.PlaybackFinished) bool { return e.Playback.ID == "p2" && e.Playback.State == "failed" })

	must(t, c.SendDTMF(ctx, id, "5", 0, 120*time.Millisecond)) // the number called is an echo
	wait(h, func(e asterisk.ChannelDtmfReceived) bool { return ofLeg(e.Channel) && e.Digit == "5" })

	bridge, err := c.CreateBridge(ctx, "b1", "mixing", "a name")
	must(t, err)
	must(t, c.AddChannel(ctx, bridge.ID, id))
	wait(h, func(e asterisk.ChannelEnteredBridge) bool { return ofLeg(e.Channel) && e.Bridge.ID == "b1" })
	must(t, c.BridgeMOH(ctx, "b1", ""))
	must(t, c.StopBridgeMOH(ctx, "b1"))
	must(t, c.RemoveChannel(ctx, "b1", id))
	wait(h, func(e asterisk.ChannelLeftBridge) bool { return ofLeg(e.Channel) && e.Bridge.ID == "b1" })
	must(t, c.DestroyBridge(ctx, "b1"))

	must(t, c.Continue(ctx, id, "from-trunk", "800", 1, ""))
	wait(h, func(e asterisk.StasisEnd) bool { return ofLeg(e.Channel) })
	if err := c.Answer(ctx, id); !errors.Is(err, asterisk.ErrState) {
		t.Errorf("a channel in the dialplan: %v", err)
	}
	must(t, c.Hangup(ctx, id, 17, ""))
	wait(h, func(e asterisk.ChannelDestroyed) bool { return ofLeg(e.Channel) && e.Cause == 17 })
	if _, err := c.Channel(ctx, id); !errors.Is(err, asterisk.ErrNotFound) {
		t.Errorf("a channel that has ended: %v", err)
	}
}

func TestVariablesHoldWhateverTheyAreGiven(t *testing.T) {
	p := shared
	c := p.client(t, nil)
	h, _ := listen(t, c)
	leg(t, c, h, "leg", "Local/800@from-trunk", map[string]string{"FIRST": `a "b" ${X},|`})
	if v, err := c.Variable(t.Context(), "leg", "FIRST"); err != nil || v != `a "b" ${X},|` {
		t.Errorf("given with Create: %q, %v", v, err)
	}
	for _, want := range []string{
		"", " a ", "a+b c&d=e,f/g%20h\"i\\j'k;l|m", "ü€😀", "${SHELL(id)} $[1+1] ${EXTEN}", "line\nbreak\ttab", strings.Repeat("x", 9000),
	} {
		must(t, c.SetVariable(t.Context(), "leg", "V", want))
		if got, err := c.Variable(t.Context(), "leg", "V"); err != nil || got != want {
			t.Errorf("%.50q comes back as %.50q, %v", want, got, err)
		}
	}
	must(t, c.SetVariable(t.Context(), "leg", "CALLERID(name)", `Ann "X" <b>, ${Y}`))
	if got, err := c.Variable(t.Context(), "leg", "CALLERID(name)"); err != nil || got != `Ann "X" <b>, ${Y}` {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := c.Variable(t.Context(), "leg", "NEVER_SET"); !errors.Is(err, asterisk.ErrNotFound) {
		t.Errorf("never set: %v", err)
	}
}

func TestSnoopIsRecordedFetchedAndDeleted(t *testing.T) {
	p := shared
	c := p.client(t, nil)
	h, _ := listen(t, c)
	ctx := t.Context()
	leg(t, c, h, "leg", "Local/810@from-trunk", nil) // music
	_, err := c.Snoop(ctx, "leg", "rec.caller", "in", "none", "rec")
	must(t, err)
	name := "2026/11/a+b ü.caller"
	record := asterisk.Record{Name: name, Format: "ulaw"}
	_, err = c.RecordChannel(ctx, "rec.caller", record)
	must(t, err)
	wait(h, func(e asterisk.StasisStart) bool {
		return e.Channel.ID == "rec.caller" && strings.HasPrefix(e.Channel.Name, "Snoop/leg-")
	})
	wait(h, func(e asterisk.RecordingStarted) bool { return e.Recording.Name == name })
	if again, err := c.RecordChannel(ctx, "rec.caller", record); err != nil || again.Name != name {
		t.Errorf("begun again: %+v, %v", again, err)
	}
	for _, do := range []func(context.Context, string) error{c.MuteRecording, c.UnmuteRecording, c.PauseRecording, c.ResumeRecording} {
		must(t, do(ctx, name))
		must(t, do(ctx, name))
	}
	if live, err := c.LiveRecording(ctx, name); err != nil || live.Target != "channel:rec.caller" {
		t.Errorf("%+v, %v", live, err)
	}
	_, err = c.Play(ctx, "leg", "p", "sound:vm-enter-num-to-call") // which takes its time
	must(t, err)
	wait(h, func(e asterisk.PlaybackFinished) bool { return e.Playback.ID == "p" })
	must(t, c.StopRecording(ctx, name))
	wait(h, func(e asterisk.RecordingFinished) bool {
		return e.Recording.Name == name && e.Recording.State == "done"
	})
	must(t, c.StopRecording(ctx, name))

	if _, err := c.RecordChannel(ctx, "rec.caller", record); !errors.Is(err, asterisk.ErrConflict) {
		t.Errorf("under the name of a finished one: %v", err)
	}
	all, err := c.StoredRecordings(ctx)
	must(t, err)
	if !slices.Equal(all, []string{name}) {
		t.Errorf("stored: %q", all)
	}
	var file bytes.Buffer
	n, err := c.StoredFile(ctx, name, &file)
	must(t, err)
	if n < 4000 || int(n) != file.Len() { // half a second of 8,000 bytes
		t.Errorf("a file of %d bytes", n)
	}
	must(t, c.DeleteStored(ctx, name))
	must(t, c.DeleteStored(ctx, name))
	if _, err := c.StoredFile(ctx, name, &file); !errors.Is(err, asterisk.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	must(t, c.Hangup(ctx, "rec.caller", 16, ""))
	wait(h, func(e asterisk.StasisEnd) bool { return e.Channel.ID == "rec.caller" })
}

func TestVerbsCanBeRepeated(t *testing.T) {
	p := shared
	c := p.client(t, nil)
	h, _ := listen(t, c)
	ctx := t.Context()
	for range 2 {
		leg(t, c, h, "twice", "Local/800@from-trunk", nil)
	}
	leg(t, c, h, "twice2", "Local/800@from-trunk", nil)
	for i := range 2 {
		if s, err := c.Snoop(ctx, "twice", "sn", "both", "out", ""); err != nil || s.ID != "sn" {
			t.Errorf("snoop %d: %+v, %v", i, s, err)
		}
		x, err := c.ExternalMedia(ctx, asterisk.External{ID: "ext", Host: "127.0.0.1:9", Format: "ulaw"})
		if err != nil || x.ID != "ext" {
			t.Errorf("external media %d: %+v, %v", i, x, err)
		}
		if b, err := c.CreateBridge(ctx, "b", "mixing", ""); err != nil || b.ID != "b" {
			t.Errorf("bridge %d: %+v, %v", i, b, err)
		}
	}
	must(t, c.AddChannel(ctx, "b", "twice", "twice2"))
	wait(h, func(e asterisk.ChannelEnteredBridge) bool { return e.Channel.ID == "twice" })
	wait(h, func(e asterisk.ChannelEnteredBridge) bool { return e.Channel.ID == "twice2" })
	for range 2 {
		must(t, c.BridgeMOH(ctx, "b", ""))
	}
	for range 2 {
		must(t, c.StopBridgeMOH(ctx, "b"))
	}
	for range 2 {
		must(t, c.RemoveChannel(ctx, "b", "twice", "nobody", "twice2"))
	}
	wait(h, func(e asterisk.ChannelLeftBridge) bool { return e.Channel.ID == "twice" })
	wait(h, func(e asterisk.ChannelLeftBridge) bool { return e.Channel.ID == "twice2" })
	for _, over := range []func() error{
		func() error { return c.DestroyBridge(ctx, "b") },
		func() error { return c.Hangup(ctx, "sn", 16, "") },
		func() error { return c.Hangup(ctx, "ext", 0, "normal") },
		func() error { return c.Hangup(ctx, "twice", 0, "congestion") },
		func() error { return c.StopPlayback(ctx, "none") },
		func() error { return c.StopMOH(ctx, "none") },
	} {
		must(t, over())
		must(t, over())
	}
}

func TestWhatIsNotThereIsSaidSo(t *testing.T) {
	p := shared
	c := p.client(t, func(cfg *asterisk.Config) { cfg.Application = "never-connected-before" })
	ctx := t.Context()
	if _, err := c.Application(ctx); !errors.Is(err, asterisk.ErrNotFound) {
		t.Errorf("the application before the first connection: %v", err)
	}
	h, _ := listen(t, c)
	must(t, c.Ping(ctx))
	for name, got := range map[string]struct{ err, want error }{
		"endpoint":          {second(c.Create(ctx, asterisk.Create{ID: "a", Endpoint: "PJSIP/nobody"})), asterisk.ErrUnreachable},
		"registration":      {second(c.Create(ctx, asterisk.Create{ID: "b", Endpoint: "PJSIP/desk1"})), asterisk.ErrUnreachable},
		"technology":        {second(c.Create(ctx, asterisk.Create{ID: "c", Endpoint: "CARRIERPIGEON/x"})), asterisk.ErrUnreachable},
		"channel":           {c.Answer(ctx, "none"), asterisk.ErrNotFound},
		"channel to snoop":  {second(c.Snoop(ctx, "none", "s", "in", "", "")), asterisk.ErrNotFound},
		"bridge":            {c.AddChannel(ctx, "none", "x"), asterisk.ErrNotFound},
		"recording":         {c.MuteRecording(ctx, "none"), asterisk.ErrNotFound},
		"phone":             {second(c.Endpoint(ctx, "PJSIP", "nobody")), asterisk.ErrNotFound},
		"source":            {c.Subscribe(ctx, "endpoint:PJSIP/nobody"), asterisk.ErrNotFound},
		"wrong password":    {p.client(t, func(cfg *asterisk.Config) { cfg.Password = "wrong" }).Ping(ctx), asterisk.ErrRefused},
		"nobody to talk to": {p.client(t, func(cfg *asterisk.Config) { cfg.URL = "http://127.0.0.1:1" }).Ping(ctx), asterisk.ErrAway},
	} {
		if !errors.Is(got.err, got.want) {
			t.Errorf("%s: %v, want %v", name, got.err, got.want)
		}
	}
	leg(t, c, h, "leg", "Local/800@from-trunk", nil)
	must(t, second(c.CreateBridge(ctx, "b", "mixing", "")))
	if err := c.AddChannel(ctx, "b", "leg", "none"); !errors.Is(err, asterisk.ErrNotFound) {
		t.Errorf("one of two channels: %v", err)
	}
	if err := c.Redirect(ctx, "leg", "PJSIP/desk1"); !errors.Is(err, asterisk.ErrState) {
		t.Errorf("redirect to another technology: %v", err)
	}
	if _, err := c.RTPStats(ctx, "leg"); !errors.Is(err, asterisk.ErrState) {
		t.Errorf("audio without RTP: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
