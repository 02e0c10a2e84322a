package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/sip"
	"firstline/sip/media"
)

// exitLoadFaults says that the load ran, and that something went wrong in it.
const exitLoadFaults = 3

type loadCommand struct {
	Number string `arg:"" optional:"" default:"1000" help:"Number to call."`

	Agents      int           `help:"Phones that register and take calls: the first so many devices of --credentials. 0: none, others answer." default:"10"`
	Callers     int           `help:"People who phone, each with a number of their own; nobody has two calls at once." default:"50"`
	Concurrent  int           `help:"Most calls at once. 0: as many as there are callers." default:"0"`
	Rate        float64       `help:"Mean of new calls per second (Poisson)." default:"1"`
	Calls       int           `help:"Place so many calls, then stop. 0: --duration decides alone." default:"0"`
	Duration    time.Duration `help:"Stop placing calls after so long." default:"1m"`
	Drain       time.Duration `help:"Then let calls go on for so long before they are hung up." default:"1m"`
	Press       []string      `help:"Keys after the answer; each caller takes one of the list, and '-' presses nothing. A number that leads to a queue needs none." default:"1,2,-"`
	Patience    time.Duration `help:"Mean time that a caller waits for an agent, from the last key, before giving up (exponential)." default:"60s"`
	Talk        time.Duration `help:"Mean length of a talk (exponential); caller or agent ends it, as a coin says." default:"20s"`
	Answer      time.Duration `help:"Mean time that an agent lets it ring (exponential)." default:"2s"`
	Miss        float64       `help:"Share of offers that an agent ignores, 0 to 1." default:"0"`
	Hangup      float64       `help:"Share of callers who hang up at a random moment: in ring, menu, queue, at the offer or in the talk; 0 to 1." default:"0"`
	Back        time.Duration `help:"An agent whom misses put on break is back after so long (by the API). 0: never." default:"5s"`
	NoAudio     bool          `help:"Send no audio at all; otherwise both sides of a talk send a tone."`
	Seed        uint64        `help:"Of all chances: the same seed makes the same callers. 0: a fresh one." default:"0"`
	Server      string        `help:"SIP server, ip:port. Default: that of the credentials, else 127.0.0.1:5060." placeholder:"127.0.0.1:5060"`
	API         string        `help:"Base URL of the API, by which agents sign in. Default: that of the credentials." placeholder:"http://127.0.0.1:8080"`
	Token       string        `help:"API token. Default: that of the credentials." env:"FL_TOKEN"`
	Credentials string        `help:"JSON with sip, http, api_token and devices (user to password), as a demo server and --make-centre write it." default:"var/demo-credentials.json" type:"path"`
	YesIOwnIt   bool          `help:"Allow a server that is not on this machine: you run it, and nobody else's callers are on it." name:"yes-i-own-it"`
	JSON        bool          `help:"Print the report as JSON." name:"json"`

	MakeCentre string        `help:"Place no call: make a folder with a configuration, a centre of --agents people, their passwords and a token." type:"path" placeholder:"DIR"`
	WrapUp     time.Duration `help:"Wrap-up in the centre that --make-centre makes." default:"2s"`
}

func (loadCommand) Help() string {
	return `Registers agents' phones and places calls over real SIP and RTP, with callers
who press keys, wait, lose patience and hang up at the worst moments, and agents
who answer late or not at all. It ends by itself, by --calls and by --duration.

The demo has ten agents:

  firstline load --agents 10 --callers 40 --rate 1

A bench of 200, in two terminals:

  firstline load --make-centre bench --agents 200
  cd bench && firstline serve
  firstline load --credentials bench/var/demo-credentials.json \
      --agents 200 --callers 500 --rate 12 --miss 0.05 --hangup 0.2 --duration 2m
  firstline audit --credentials bench/var/demo-credentials.json

Waiting callers send no audio, as a phone with silence suppression does; in a
talk both sides send a tone and listen for the other's.

A caller's wait is counted from the last key (the answer, when none is pressed)
to the answer of an agent's phone. Only agents' phones of this process are seen.

Exit codes: 0 as asked, 1 could not run, 2 wrong command line, 3 it ran, and
calls were refused or failed, audio was missing, or a phone rang for nobody.`
}

func (c *loadCommand) Run(ctx context.Context, o *output) error {
	if err := c.validate(); err != nil {
		return exitError{exitUsage, err}
	}
	if c.MakeCentre != "" {
		return c.makeCentre(ctx, o)
	}
	creds, err := readDemoCredentials(c.Credentials)
	if err != nil {
		return err
	}
	if creds != nil {
		c.Server, c.API, c.Token = cmp.Or(c.Server, creds.SIP), cmp.Or(c.API, creds.HTTP), cmp.Or(c.Token, creds.APIToken)
	} else {
		creds = &demoCredentials{}
	}
	c.Server = cmp.Or(c.Server, "127.0.0.1:5060")
	server, err := resolve(c.Server)
	if err != nil {
		return err
	}
	if !server.Addr().IsLoopback() && !c.YesIOwnIt {
		return exitError{exitUsage, fmt.Errorf("%s is not this machine: a load test of a server that is not yours, or that real callers use, is an attack on it; "+
			"if it is yours and idle, say so with --yes-i-own-it", server)}
	}
	if c.Agents > len(creds.Devices) {
		return fmt.Errorf("%s has %d devices, not %d: make a larger centre with --make-centre, or ask for fewer agents", c.Credentials, len(creds.Devices), c.Agents)
	}
	run := newLoadRun(c, creds)
	report, err := run.do(ctx, server, o)
	if err != nil {
		return err
	}
	if err := report.print(o.out, c.JSON); err != nil {
		return err
	}
	return report.verdict()
}

// validate names all faults of the command line.
func (c *loadCommand) validate() error {
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.Agents < 0 || c.Agents > 5000 {
		bad("--agents %d is not between 0 and 5000", c.Agents)
	}
	if c.Callers < 1 || c.Callers > 20000 {
		bad("--callers %d is not between 1 and 20000", c.Callers)
	}
	if c.Concurrent < 0 || c.Calls < 0 {
		bad("--concurrent and --calls cannot be negative")
	}
	if c.Rate <= 0 || c.Rate > 1000 {
		bad("--rate %v is not above 0 and up to 1000", c.Rate)
	}
	for name, share := range map[string]float64{"--miss": c.Miss, "--hangup": c.Hangup} {
		if share < 0 || share > 1 {
			bad("%s %v is not between 0 and 1", name, share)
		}
	}
	for name, d := range map[string]time.Duration{"--duration": c.Duration, "--patience": c.Patience, "--talk": c.Talk, "--answer": c.Answer} {
		if d <= 0 {
			bad("%s must be longer than 0", name)
		}
	}
	if c.Drain < 0 || c.Back < 0 || c.WrapUp < 0 {
		bad("--drain, --back and --wrap-up cannot be negative")
	}
	for _, keys := range c.Press {
		if strings.Trim(keys, "0123456789*#ABCD") != "" && keys != "-" {
			bad("--press %q has what is no key", keys)
		}
	}
	return errors.Join(faults...)
}

// loadRun is one run: the agents, the callers, and what they met.
type loadRun struct {
	c     *loadCommand
	creds *demoCredentials
	api   *apiClient
	book  *loadBook
	tally *loadTally

	callerTone, agentTone *media.Audio // encoded once for all; nil with --no-audio
}

func newLoadRun(c *loadCommand, creds *demoCredentials) *loadRun {
	c.Concurrent = cmp.Or(c.Concurrent, c.Callers)
	c.Seed = cmp.Or(c.Seed, uint64(time.Now().UnixNano()))
	l := &loadRun{
		c: c, creds: creds, api: &apiClient{base: c.API, token: c.Token},
		book: newLoadBook(), tally: newLoadTally(),
	}
	if !c.NoAudio {
		l.callerTone, l.agentTone = media.Tone(time.Second, checkTone), media.Tone(time.Second, returnTone)
	}
	return l
}

// do runs the load to its end. One media engine serves all phones.
func (l *loadRun) do(ctx context.Context, server netip.AddrPort, o *output) (*loadReport, error) {
	local := localTowards(server)
	engine, err := media.New(media.Config{IP: local, PortMin: 40000, PortMax: 59999}, zap.NewNop())
	if err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	audio, endAudio := context.WithCancel(context.WithoutCancel(ctx))
	defer endAudio()
	wg.Go(func() { _ = engine.Run(audio) }) // what it may say is about recordings, which no phone makes

	phones := &loadPhones{server: server, listen: local.String() + ":0", engine: engine, fail: cancel}
	defer phones.end() // before the audio ends
	if err := l.seatAgents(ctx, phones, o); err != nil {
		return nil, err
	}
	line, err := phones.add(sip.PhoneConfig{User: "load", Registrar: server, Incoming: nil})
	if err != nil {
		return nil, err
	}
	var beside sync.WaitGroup
	besideCtx, endBeside := context.WithCancel(ctx)
	beside.Go(func() { l.walkTheFloor(besideCtx) })
	beside.Go(func() { l.tally.show(besideCtx, o.err) })
	began := time.Now()
	l.placeCalls(ctx, line)
	took := time.Since(began)
	l.handUp(ctx)
	endBeside()
	beside.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return nil, cause
	}
	return l.tally.report(l.c, took), nil
}

// loadPhones runs phones and takes them down.
type loadPhones struct {
	server netip.AddrPort
	listen string
	engine *media.Engine
	fail   func(error)

	running sync.WaitGroup
	stops   []context.CancelFunc // of the one goroutine that adds and ends
}

// add binds a phone and lets it hear the network.
func (f *loadPhones) add(cfg sip.PhoneConfig) (*sip.Phone, error) {
	cfg.Registrar, cfg.Listen, cfg.Media = f.server, f.listen, f.engine
	p, err := sip.NewPhone(cfg)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	f.stops = append(f.stops, stop)
	f.running.Go(func() {
		if err := p.Run(ctx); err != nil && ctx.Err() == nil {
			f.fail(err)
		}
	})
	return p, nil
}

// end unregisters all phones, paced as they came.
func (f *loadPhones) end() {
	for _, stop := range f.stops {
		stop()
		<-time.After(registerEvery)
	}
	f.running.Wait()
}

// registerEvery paces registrations: 200 take two seconds.
const registerEvery = 10 * time.Millisecond
