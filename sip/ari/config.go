package ari

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// Config of a FrontEnd. Nodes and Sounds are needed; the rest has defaults.
type Config struct {
	Nodes  []Node
	Sounds Sounds

	RecordingsDir string                                    // absolute; empty: recording is not offered
	RecordingPath func(id call.RecordingID) (string, error) // file of a recording, relative to RecordingsDir; default <id>.wav
	// OnRecording is told of audio that arrived when nobody waited for it any more:
	// Stop had given up on a node that was away, or the process that began it is
	// gone. It must not block. nil: nobody is told.
	OnRecording func(id call.RecordingID, r call.Recorded)

	Known       func(number string) bool              // numbers that are answered at all; others go back to the dialplan; nil: all
	Devices     func(d call.DeviceID) bool            // which endpoints that call in are phones of ours; nil: none, all are trunks
	Contacts    Contacts                              // registrations kept elsewhere, for templates with {contact}; nil: none
	OnReachable func(d call.DeviceID, reachable bool) // a phone can be reached, or can no longer; must not block; nil: nobody is told

	Patience  time.Duration // a node away for longer loses its legs as switch-gone; default 5 min
	AdoptWait time.Duration // how long Adopt waits for nodes that do not answer; default 10 s
	Sample    time.Duration // how often the media of answered legs is looked at; default 15 s; negative: never
	Ending    time.Duration // how long Run waits at its end for calls to finish; default 5 s

	Connect func(n Node, log *zap.Logger) (PBX, error) // default: asterisk.New
	Log     *zap.Logger                                // default: silent
}

// Node is one Asterisk.
type Node struct {
	Name        string // in call origins, logs and figures; part of call ids, so it must stay
	URL         string // "http://127.0.0.1:8088/ari"
	User        string // of ari.conf
	Password    string
	Application string      // default "firstline"
	TLS         *tls.Config // for https; nil: the system's authorities

	Dial string // endpoint of a phone, with {device}, or {contact} of Config.Contacts; default "PJSIP/{device}"
	// Registered is the endpoint of a phone that Config.Contacts knows and this Asterisk
	// does not, with {contact}: "PJSIP/firstline/{contact}"; empty: Dial for all.
	Registered string

	Trunks   []Trunk
	Refer    string        // endpoint that Leg.Transfer sends the far end to, with {number}: "PJSIP/sip:{number}@pbx.example"; empty: not offered
	MaxCalls int           // incoming calls at once; more go back to the dialplan; 0: no limit
	Fallback call.Dialplan // where calls go that we do not take or do not know; without a Context they are refused
}

// Trunk is a way to dial numbers. A number is dialled only when Allow says so.
type Trunk struct {
	Name  string
	Dial  string   // endpoint with {number}: "PJSIP/{number}@carrier"
	Allow []string // a number must begin with one of these, after Strip and Add; none: nothing is allowed
	Strip string   // taken off the front of the number
	Add   string   // and put there
	From  string   // number that we show; empty: what Originate says
}

// Contacts is a registrar outside Asterisk: the address under which a phone can be
// dialled now, "sip:2001@192.0.2.7:5060".
type Contacts interface {
	Contact(d call.DeviceID) (string, bool)
}

// Sounds maps media keys to what Asterisk can play.
type Sounds interface {
	// URI is what to play for a key: "sound:…" or "tone:…", or "moh:<class>" for
	// music; and how long it plays, 0 when that is not known.
	URI(m call.Media) (uri string, length time.Duration, ok bool)
}

// Validate returns all faults of c at once.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("ari: "+format, args...)) }
	if len(c.Nodes) == 0 {
		fault("no Asterisk to drive")
	}
	if c.Sounds == nil {
		fault("nothing to play")
	}
	if c.RecordingsDir != "" && !filepath.IsAbs(c.RecordingsDir) {
		fault("recordings folder %q is not absolute", c.RecordingsDir)
	}
	if c.Patience < 0 || c.AdoptWait < 0 || c.Ending < 0 {
		fault("a time is negative")
	}
	seen := map[string]bool{}
	for _, n := range c.Nodes {
		if seen[n.Name] {
			fault("two nodes are named %q", n.Name)
		}
		seen[n.Name] = true
		faults = append(faults, n.withDefaults().validate(c.Contacts != nil)...)
	}
	return errors.Join(faults...)
}

func (n Node) validate(contacts bool) []error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("ari: node %s: "+format, append([]any{n.Name}, args...)...))
	}
	if n.Name == "" || !only(n.Name, nodeLetters) {
		fault("the name is not made of letters, digits, dots and hyphens")
	}
	if n.MaxCalls < 0 {
		fault("at most %d calls", n.MaxCalls)
	}
	switch t := parseTemplate(n.Dial); {
	case t.err != nil:
		fault("dial: %w", t.err)
	case t.has != "device" && t.has != "contact":
		fault("dial: %q has neither {device} nor {contact}", n.Dial)
	case t.has == "contact" && !contacts:
		fault("dial: %q needs a registrar's contacts, and there is none", n.Dial)
	}
	if n.Registered != "" {
		switch t := parseTemplate(n.Registered); {
		case t.err != nil || t.has != "contact":
			fault("registered: %q is no endpoint with {contact}", n.Registered)
		case !contacts:
			fault("registered: %q needs a registrar's contacts, and there is none", n.Registered)
		}
	}
	if n.Refer != "" {
		if t := parseTemplate(n.Refer); t.err != nil || t.has != "number" {
			fault("refer: %q is no endpoint with {number}", n.Refer)
		}
	}
	for _, t := range n.Trunks {
		if p := parseTemplate(t.Dial); p.err != nil || p.has != "number" {
			fault("trunk %s: %q is no endpoint with {number}", t.Name, t.Dial)
		}
		for _, p := range append([]string{t.Strip, t.Add, t.From}, t.Allow...) {
			if !only(p, numberLetters) {
				fault("trunk %s: %q is not the beginning of a number", t.Name, p)
			}
		}
		for _, p := range t.Allow {
			if p == "" {
				fault("trunk %s: an allowed prefix is empty", t.Name)
			}
		}
	}
	if !only(n.Fallback.Context, dialplanLetters) || !only(n.Fallback.Exten, dialplanLetters) || n.Fallback.Priority < 0 {
		fault("fallback %+v is no place in a dialplan", n.Fallback)
	}
	return faults
}

// The letters of what gets into names at Asterisk.
const (
	letters         = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits          = "0123456789"
	nodeLetters     = letters + digits + ".-"
	numberLetters   = "+" + digits
	deviceLetters   = letters + digits + "._-+"
	dialplanLetters = letters + digits + "._-+*#"
)

// only says whether s is made of the letters in set.
func only(s, set string) bool { return strings.Trim(s, set) == "" }

func (c Config) withDefaults() Config {
	c.Nodes = slices.Clone(c.Nodes)
	for i, n := range c.Nodes {
		c.Nodes[i] = n.withDefaults()
	}
	if c.RecordingPath == nil {
		c.RecordingPath = func(id call.RecordingID) (string, error) { return string(id) + ".wav", nil }
	}
	if c.OnRecording == nil {
		c.OnRecording = func(call.RecordingID, call.Recorded) {}
	}
	if c.Known == nil {
		c.Known = func(string) bool { return true }
	}
	if c.Devices == nil {
		c.Devices = func(call.DeviceID) bool { return false }
	}
	if c.OnReachable == nil {
		c.OnReachable = func(call.DeviceID, bool) {}
	}
	if c.Connect == nil {
		c.Connect = overARI
	}
	c.Patience = cmp.Or(c.Patience, 5*time.Minute)
	c.AdoptWait = cmp.Or(c.AdoptWait, 10*time.Second)
	c.Sample = cmp.Or(c.Sample, 15*time.Second)
	c.Ending = cmp.Or(c.Ending, 5*time.Second)
	c.Log = cmp.Or(c.Log, zap.NewNop())
	return c
}

func (n Node) withDefaults() Node {
	n.Application = cmp.Or(n.Application, "firstline")
	n.Dial = cmp.Or(n.Dial, "PJSIP/{device}")
	return n
}
