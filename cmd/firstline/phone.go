package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip"
	"firstline/sip/media"
)

// Tones of the tools. A caller's check tone is returned by a phone that hears it,
// as the transponder of a continuity check does (ITU-T Q.724 section 7): whoever
// hears the return tone knows that audio flows both ways.
const (
	checkTone  = 2000 // Hz, sent by firstline call
	returnTone = 1780 // Hz, sent back by firstline phone
	agentTone  = 440  // Hz, a phone's own voice
	audible    = 0.05 // amplitude from which a tone counts as heard
)

type phoneCommand struct {
	User        string        `help:"SIP user to register as." required:"" placeholder:"2001"`
	Password    string        `help:"Password. Default: the one in the demo credentials." env:"FL_PASSWORD"`
	Credentials string        `help:"Demo credentials file." default:"var/demo-credentials.json" type:"path"`
	Server      string        `help:"Registrar, ip:port. Default: the demo's, else 127.0.0.1:5060." placeholder:"127.0.0.1:5060"`
	Transport   string        `help:"udp or tcp." enum:"udp,tcp" default:"udp"`
	AnswerAfter time.Duration `help:"Ring for so long, then answer." default:"1s"`
	Talk        time.Duration `help:"Hang up after so long. 0: when the other side does." default:"0"`
	HoldAfter   time.Duration `help:"Put the caller on hold after so long. 0: never." default:"0"`
	HoldFor     time.Duration `help:"And take the call back after so long." default:"5s"`
	Refuse      string        `help:"Do not answer: busy, decline, or ignore (ring until it stops)." enum:"no,busy,decline,ignore" default:"no"`
	Calls       int           `help:"Exit after so many calls. 0: go on." default:"0"`
	Play        string        `help:"WAV (8 kHz, mono, 16 bit) to speak instead of the tone." type:"existingfile"`
	Record      string        `help:"Write what is heard in the last call to this WAV."`
	JSON        bool          `help:"Print one JSON object per event." name:"json"`
}

func (phoneCommand) Help() string {
	return `Registers as a device and takes calls: an agent without a headset.

Example:  firstline phone --user 2001 --answer-after 2s --hold-after 5s --hold-for 3s

It speaks a tone of 440 Hz. When it hears the check tone of "firstline call" it
sends the return tone, so that the caller knows that it was heard.
Exit codes: 0 as asked, 1 not registered or failed, 2 wrong command line.`
}

// phoneEvent is one line of the phone's report.
type phoneEvent struct {
	At     time.Time   `json:"at"`
	Event  string      `json:"event"` // registered, ringing, answered, held, unheld, ended, refused
	From   string      `json:"from,omitempty"`
	Name   string      `json:"name,omitempty"`
	Ticket string      `json:"ticket,omitempty"`
	Cause  string      `json:"cause,omitempty"`
	TalkMs int64       `json:"talk_ms,omitempty"`
	Heard  *heardAudio `json:"heard,omitempty"`
}

// heardAudio says what came in during a call.
type heardAudio struct {
	AudioMs     int64 `json:"audio_ms"`      // louder than silence
	CheckToneMs int64 `json:"check_tone_ms"` // of firstline call
}

func (c *phoneCommand) Run(ctx context.Context, o *output) error {
	if err := c.fillIn(); err != nil {
		return err
	}
	voice, err := c.voice()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	desk := &deskPhone{c: c, voice: voice, report: reporter{out: o.out, json: c.JSON}, done: cancel}
	return withPhone(ctx, phoneSetup{
		user: c.User, password: c.Password, server: c.Server, transport: c.Transport, incoming: desk.take,
	}, func(ctx context.Context, p *sip.Phone) error {
		if err := p.Register(ctx); err != nil {
			return fmt.Errorf("register %s at %s: %w", c.User, c.Server, err)
		}
		desk.report.event(phoneEvent{Event: "registered", From: c.User})
		<-ctx.Done()
		return nil
	})
}

// fillIn takes what was not said from the demo credentials.
func (c *phoneCommand) fillIn() error {
	demo, err := readDemoCredentials(c.Credentials)
	if err != nil {
		return err
	}
	if demo != nil {
		c.Password = cmp.Or(c.Password, demo.Devices[c.User])
		c.Server = cmp.Or(c.Server, demo.SIP)
	}
	c.Server = cmp.Or(c.Server, "127.0.0.1:5060")
	if c.Password == "" {
		return fmt.Errorf("no password for user %s: give --password, or --credentials with the demo's file", c.User)
	}
	return nil
}

func (c *phoneCommand) voice() (*media.Audio, error) {
	if c.Play == "" {
		return media.Tone(time.Second, agentTone), nil
	}
	f, err := os.Open(c.Play)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a, err := media.DecodeWAV(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Play, err)
	}
	return a, nil
}

// deskPhone takes one call after the other.
type deskPhone struct {
	c      *phoneCommand
	voice  *media.Audio
	report reporter
	done   func()

	mu    sync.Mutex // guards taken
	taken int
}

// take is one call from its ringing to its end.
func (d *deskPhone) take(p *sip.PhoneCall) {
	defer d.count()
	ctx := p.Context()
	ringing := phoneEvent{Event: "ringing", From: p.Remote().Number, Name: p.Remote().Name, Ticket: p.Header("X-Firstline-Ticket")}
	d.report.event(ringing)
	if err := p.Ring(ctx); err != nil {
		d.ended(p, 0, nil)
		return
	}
	if !d.answer(ctx, p) {
		d.ended(p, 0, nil)
		return
	}
	began := time.Now()
	d.report.event(phoneEvent{Event: "answered", Ticket: ringing.Ticket})
	ear := newEar(p)
	d.converse(ctx, p, ear)
	d.ended(p, time.Since(began), ear)
}

// answer follows the script until the call is up, and reports whether it is.
func (d *deskPhone) answer(ctx context.Context, p *sip.PhoneCall) bool {
	switch d.c.Refuse {
	case "busy":
		_ = p.Hangup(ctx, call.Cause{Reason: call.Busy})
		return false
	case "decline":
		_ = p.Hangup(ctx, call.Cause{Reason: call.Rejected})
		return false
	case "ignore":
		<-ctx.Done()
		return false
	}
	if !call.Pause(ctx, d.c.AnswerAfter) {
		return false
	}
	return p.Answer(ctx) == nil
}

// converse speaks, holds and hangs up as the command line says.
func (d *deskPhone) converse(ctx context.Context, p *sip.PhoneCall, ear *ear) {
	p.Loop(d.voice)
	hold, back, end := after(d.c.HoldAfter), (<-chan time.Time)(nil), after(d.c.Talk)
	listen := time.NewTicker(200 * time.Millisecond)
	defer listen.Stop()
	returned := false
	for {
		select {
		case <-listen.C:
			if !returned && ear.tone(checkTone) > 100*time.Millisecond {
				returned = true
				p.Loop(media.Tone(time.Second, agentTone, returnTone))
			}
		case <-hold:
			if err := p.PutOnHold(ctx); err == nil {
				d.report.event(phoneEvent{Event: "held"})
				back = after(d.c.HoldFor)
			}
		case <-back:
			if err := p.TakeBack(ctx); err == nil {
				d.report.event(phoneEvent{Event: "unheld"})
			}
		case <-end:
			_ = p.Hangup(ctx, call.Cause{Reason: call.Completed})
			return
		case <-ctx.Done():
			return
		}
	}
}

func (d *deskPhone) ended(p *sip.PhoneCall, talk time.Duration, e *ear) {
	ev := phoneEvent{Event: "ended", TalkMs: talk.Milliseconds(), Cause: string(call.CauseOf(p.Context()).Reason)}
	if e != nil {
		ev.Heard = &heardAudio{AudioMs: e.loud().Milliseconds(), CheckToneMs: e.tone(checkTone).Milliseconds()}
		if d.c.Record != "" {
			if err := e.save(d.c.Record); err != nil {
				d.report.event(phoneEvent{Event: "not recorded", Cause: err.Error()})
			}
		}
	}
	d.report.event(ev)
}

// count ends the phone after its last call.
func (d *deskPhone) count() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken++
	if d.c.Calls > 0 && d.taken >= d.c.Calls {
		d.done()
	}
}

// after is a timer's channel; nil, which never fires, for 0.
func after(d time.Duration) <-chan time.Time {
	if d <= 0 {
		return nil
	}
	return time.After(d)
}

// reporter prints events one per line, as JSON or for people.
type reporter struct {
	out  io.Writer
	json bool
	mu   sync.Mutex // one line at a time
}

func (r *reporter) event(e phoneEvent) {
	e.At = time.Now().UTC()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.json {
		_ = json.NewEncoder(r.out).Encode(e)
		return
	}
	line := []string{e.At.Local().Format("15:04:05"), e.Event}
	for _, part := range []struct{ name, value string }{
		{"from", e.From}, {"name", e.Name}, {"ticket", e.Ticket}, {"cause", e.Cause},
	} {
		if part.value != "" {
			line = append(line, fmt.Sprintf("%s=%q", part.name, part.value))
		}
	}
	if e.Heard != nil {
		line = append(line, fmt.Sprintf("talk=%v heard=%v", ms(e.TalkMs), ms(e.Heard.AudioMs)))
	}
	fmt.Fprintln(r.out, strings.Join(line, " "))
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// phoneSetup is a softphone's account.
type phoneSetup struct {
	user, password    string
	server, transport string
	incoming          func(*sip.PhoneCall)
}

// withPhone runs f with a softphone, and takes the phone down when f returns.
func withPhone(ctx context.Context, s phoneSetup, f func(context.Context, *sip.Phone) error) error {
	server, err := resolve(s.server)
	if err != nil {
		return err
	}
	engine, err := media.New(media.Config{IP: localTowards(server), PortMin: 40000, PortMax: 59999}, zap.NewNop())
	if err != nil {
		return err
	}
	p, err := sip.NewPhone(sip.PhoneConfig{
		User: s.user, Password: s.password, Registrar: server, Transport: s.transport,
		Listen: localTowards(server).String() + ":0", Media: engine, Incoming: s.incoming,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	media, stopMedia := context.WithCancel(context.WithoutCancel(ctx))
	defer func() { cancel(nil); wg.Wait() }()
	wg.Go(func() {
		defer stopMedia() // audio lasts as long as the signalling
		if err := p.Run(ctx); err != nil {
			cancel(err)
		}
	})
	wg.Go(func() {
		if err := engine.Run(media); err != nil && media.Err() == nil {
			cancel(err)
		}
	})
	if err := f(ctx, p); err != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}
