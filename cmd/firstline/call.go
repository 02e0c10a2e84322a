package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"

	"firstline/call"
	"firstline/sip"
	"firstline/sip/media"
)

// Exit codes of firstline call, beyond the usual ones.
const (
	exitNoAgent = 3 // answered, but no agent in time
	exitNoAudio = 4 // an agent, but no audio from there
)

type callCommand struct {
	Number      string        `arg:"" help:"Number to call, for example 1000."`
	Press       string        `help:"Keys to press after the answer; a comma waits a second (1,,2)."`
	PressAfter  time.Duration `help:"Wait so long after the answer before pressing." default:"500ms"`
	From        string        `help:"Number to call from. Default: a fresh one for each call, so that the report finds it."`
	Server      string        `help:"SIP server, ip:port. Default: the demo's, else 127.0.0.1:5060." placeholder:"127.0.0.1:5060"`
	Transport   string        `help:"udp or tcp." enum:"udp,tcp" default:"udp"`
	Talk        time.Duration `help:"Talk for so long once an agent is there." default:"5s"`
	Timeout     time.Duration `help:"Give up when no agent is there after so long." default:"60s"`
	Test        bool          `help:"Mark the call as a test: it is kept out of figures."`
	API         string        `help:"Base URL of the API, for ticket, wait and agent. Default: the demo's." placeholder:"http://127.0.0.1:8080"`
	Token       string        `help:"API token. Default: the demo's." env:"FL_TOKEN"`
	Credentials string        `help:"Demo credentials file." default:"var/demo-credentials.json" type:"path"`
	Record      string        `help:"Write what was heard to this WAV."`
	JSON        bool          `help:"Print the report as JSON." name:"json"`
}

func (callCommand) Help() string {
	return `Phones in, presses keys, waits for an agent, talks, hangs up, and reports what
was met. It sends a tone of 2000 Hz; "firstline phone" returns another when it
hears it, so the report knows that audio flowed both ways. Other phones do not
return it: then the report says only what was heard.

Example:  firstline call 1000 --press 1 --json

Exit codes: 0 an agent was reached and heard, 1 not answered or failed, 2 wrong
command line, 3 answered but no agent in time, 4 an agent but no audio.`
}

// callReport is what a test call met. A field that could not be learned is null.
type callReport struct {
	Number     string      `json:"number"`
	From       string      `json:"from"`
	Answered   bool        `json:"answered"`
	AnswerMs   int64       `json:"answer_ms"` // from the INVITE to the 200
	Pressed    string      `json:"pressed,omitempty"`
	Cause      string      `json:"cause"` // why it ended
	DurationMs int64       `json:"duration_ms"`
	Audio      audioReport `json:"audio"`

	// From the API.
	Call    string     `json:"call,omitempty"`
	Ticket  string     `json:"ticket,omitempty"`
	Queue   string     `json:"queue,omitempty"`
	Agent   string     `json:"agent,omitempty"`
	Outcome string     `json:"outcome,omitempty"`
	WaitMs  *int64     `json:"wait_ms"`
	HoldMs  *int64     `json:"hold_ms"`
	TalkMs  *int64     `json:"talk_ms"`
	Path    []callStep `json:"path,omitempty"`
	APINote string     `json:"api_note,omitempty"` // why the fields above are missing
}

type callStep struct {
	Node   string `json:"node"`
	Digits string `json:"digits,omitempty"`
	Notice string `json:"notice,omitempty"`
}

type audioReport struct {
	HeardMs      int64 `json:"heard_ms"`       // anything louder than silence, prompts and music included
	AgentMs      int64 `json:"agent_ms"`       // sound while an agent was there
	ReturnToneMs int64 `json:"return_tone_ms"` // proof that the agent's phone heard us
	BothWays     *bool `json:"both_ways"`      // null when the agent's phone returns no tone
}

func (c *callCommand) Run(ctx context.Context, o *output) error {
	demo, err := readDemoCredentials(c.Credentials)
	if err != nil {
		return err
	}
	if demo != nil {
		c.Server, c.API, c.Token = cmp.Or(c.Server, demo.SIP), cmp.Or(c.API, demo.HTTP), cmp.Or(c.Token, demo.APIToken)
	}
	c.Server = cmp.Or(c.Server, "127.0.0.1:5060")
	c.From = cmp.Or(c.From, freshNumber())
	report := callReport{Number: c.Number, From: c.From}
	err = withPhone(ctx, phoneSetup{user: c.From, server: c.Server, transport: c.Transport}, func(ctx context.Context, p *sip.Phone) error {
		return c.place(ctx, p, &report)
	})
	if err != nil {
		return err
	}
	if err := report.print(o.out, c.JSON); err != nil {
		return err
	}
	return report.verdict()
}

// place is the call itself.
func (c *callCommand) place(ctx context.Context, p *sip.Phone, r *callReport) error {
	headers := map[string]string{}
	if c.Test {
		headers["X-Firstline-Test"] = "1"
	}
	began := time.Now()
	leg, err := p.Dial(ctx, c.Number, headers)
	if err != nil {
		return fmt.Errorf("call %s: %w", c.Number, err)
	}
	api := &apiClient{base: c.API, token: c.Token}
	if err := c.ride(ctx, leg, r, began, api); err != nil {
		return err
	}
	_ = leg.Hangup(context.WithoutCancel(ctx), call.Cause{Reason: call.Completed})
	r.DurationMs = time.Since(began).Milliseconds()
	r.Cause = string(call.CauseOf(leg.Context()).Reason)
	lookUp, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	c.finish(lookUp, api, r, began)
	return nil
}

// ride goes through the menu and the queue, and talks.
func (c *callCommand) ride(ctx context.Context, leg *sip.PhoneCall, r *callReport, began time.Time, api *apiClient) error {
	if err := call.AwaitAnswer(ctx, leg, nil); err != nil {
		return fmt.Errorf("call %s was not answered: %w", c.Number, err)
	}
	r.Answered, r.AnswerMs = true, time.Since(began).Milliseconds()
	ear := newEar(leg)
	if call.Pause(leg.Context(), c.PressAfter) {
		r.Pressed = c.pressKeys(leg)
	}
	at := c.awaitAgent(ctx, leg, ear, api, began)
	if at >= 0 {
		leg.Loop(media.Tone(time.Second, checkTone))
		call.Pause(leg.Context(), c.Talk)
		r.Audio.AgentMs = ear.loudSince(at).Milliseconds()
	}
	r.Audio.HeardMs = ear.loud().Milliseconds()
	r.Audio.ReturnToneMs = ear.tone(returnTone).Milliseconds()
	if r.Audio.ReturnToneMs > 0 {
		both := true
		r.Audio.BothWays = &both
	}
	if c.Record != "" {
		return ear.save(c.Record)
	}
	return nil
}

func (c *callCommand) pressKeys(leg *sip.PhoneCall) string {
	var pressed []rune
	for _, key := range c.Press {
		if key == ',' {
			call.Pause(leg.Context(), time.Second)
			continue
		}
		if leg.SendDTMF(leg.Context(), string(key)) != nil {
			break
		}
		pressed = append(pressed, key)
	}
	return string(pressed)
}

// awaitAgent returns the length of what was heard before an agent came, or -1
// when none did. The API says so; without it, the agent's tone does.
func (c *callCommand) awaitAgent(ctx context.Context, leg *sip.PhoneCall, e *ear, api *apiClient, began time.Time) time.Duration {
	deadline := time.NewTimer(c.Timeout)
	defer deadline.Stop()
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			rec, err := api.callFrom(ctx, c.From, began)
			if err == nil && len(rec.Talks) > 0 || err != nil && e.tone(agentTone) > 500*time.Millisecond {
				return e.length()
			}
		case <-leg.Context().Done():
			return -1
		case <-deadline.C:
			return -1
		}
	}
}

// finish adds what the API knows of the call once it is closed.
func (c *callCommand) finish(ctx context.Context, api *apiClient, r *callReport, began time.Time) {
	for {
		rec, err := api.callFrom(ctx, c.From, began)
		if err != nil {
			r.APINote = err.Error()
			return
		}
		r.Call, r.Ticket, r.Queue, r.Agent, r.Outcome = rec.ID, rec.Ticket, rec.Queue, rec.Agent, rec.Outcome
		r.WaitMs, r.HoldMs, r.TalkMs, r.Path = &rec.WaitMs, &rec.HoldMs, &rec.TalkMs, rec.Path
		if !rec.Open || !call.Pause(ctx, 100*time.Millisecond) {
			return
		}
	}
}

func (r *callReport) print(w io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-10s "+format+"\n", append([]any{name}, args...)...)
	}
	line("called", "%s from %s", r.Number, r.From)
	line("answered", "after %v", ms(r.AnswerMs))
	for _, s := range r.Path {
		line("", "%s", strings.TrimSpace(s.Node+" "+s.Digits+s.Notice))
	}
	if r.APINote != "" {
		line("ticket", "unknown: %s", r.APINote)
	} else {
		line("ticket", "%s", r.Ticket)
		line("queue", "%s, waited %v", cmp.Or(r.Queue, "none"), ms(*r.WaitMs))
		line("agent", "%s, talked %v, on hold %v", cmp.Or(r.Agent, "none"), ms(*r.TalkMs), ms(*r.HoldMs))
		line("outcome", "%s", r.Outcome)
	}
	both := "the agent's phone returned no check tone, so only this direction is known"
	if r.Audio.BothWays != nil {
		both = "both ways"
	}
	line("audio", "heard %v, %v of it from the agent; %s", ms(r.Audio.HeardMs), ms(r.Audio.AgentMs), both)
	line("ended", "%s after %v", r.Cause, ms(r.DurationMs))
	return nil
}

// verdict is the exit code.
func (r *callReport) verdict() error {
	switch {
	case r.Agent == "" && r.Audio.AgentMs == 0:
		return exitError{exitNoAgent, errors.New("answered, but no agent came")}
	case r.Audio.AgentMs == 0:
		return exitError{exitNoAudio, errors.New("an agent came, but nothing was heard")}
	}
	return nil
}

// freshNumber is a number that no other call has: from the range that is kept for fiction.
func freshNumber() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000_000))
	if err != nil {
		return "+15550100"
	}
	return fmt.Sprintf("+1555%09d", n)
}
