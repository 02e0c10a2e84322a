package sip

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/media"
)

// Config of a Server. Listen, Media and Sounds are needed; the rest has defaults.
type Config struct {
	Listen    []Listener
	Advertise netip.Addr // address that we write into Contact, Via and SDP; zero: the socket's, or the route's when that is unspecified
	Domain    string     // host part of our own URIs in From; default: the advertised address
	Trunks    []Trunk

	Known    func(number string) bool // numbers that are answered at all; others get 404; nil: all
	Admit    func() error             // an error refuses a new call with 503 and Retry-After; nil: admit
	MaxCalls int                      // incoming calls at once, above it 503; 0: no limit
	Silent   bool                     // strangers get no response at all instead of 403

	Media         *media.Engine
	Sounds        func(call.Media) (*media.Audio, error)    // call.ErrNoMedia for an unknown key
	RecordingsDir string                                    // empty: recording is not offered
	RecordingPath func(id call.RecordingID) (string, error) // file of a recording, relative to RecordingsDir; default YYYY/MM/DD/<id>.wav, UTC

	Auth      *Authenticator          // digest of requests from phones; nil: strangers are strangers
	Registrar *Registrar              // nil: no phones register here
	Qualify   time.Duration           // how often each registered contact is pinged with OPTIONS; default 60 s; negative: never
	NewCallID func(time.Time) call.ID // default call.NewID
	MediaGone time.Duration           // from LegMediaLost to the hang-up; default 20 s, which makes 30 s with media's timeout at 10 s; negative: never
	Ending    time.Duration           // how long Run waits at its end for calls to finish; default 5 s
	Log       *zap.Logger             // default: silent
}

// Listener is one socket to listen on.
type Listener struct {
	Network string // "udp" or "tcp"
	Addr    string // "127.0.0.1:5060"; port 0 takes any free one
}

// Trunk is a carrier or PBX, known by its addresses.
type Trunk struct {
	Name     string
	Allow    []netip.Prefix // sources whose INVITEs are taken
	Outbound Outbound
}

// Outbound is a trunk's other direction. The zero value allows no outgoing calls.
type Outbound struct {
	Proxy     netip.AddrPort // next hop
	Transport string         // "udp" (default) or "tcp"
	Allow     []string       // a number must begin with one of these, after Strip and Add; none: nothing is allowed
	Strip     string         // taken off the front of the number
	Add       string         // and put there
	From      string         // number that we show; empty: what Originate says
}

// Validate returns all faults of c at once.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("sip: "+format, args...)) }
	if len(c.Listen) == 0 {
		fault("nothing to listen on")
	}
	for i, l := range c.Listen {
		if l.Network != "udp" && l.Network != "tcp" {
			fault("listen %d: network %q is neither udp nor tcp", i+1, l.Network)
		}
		if _, err := netip.ParseAddrPort(l.Addr); err != nil {
			fault("listen %d: address %q is not ip:port", i+1, l.Addr)
		}
	}
	if c.Advertise.IsUnspecified() || c.Advertise.IsMulticast() {
		fault("advertised address %s cannot be reached", c.Advertise)
	}
	seen := make(map[string]bool)
	for i, t := range c.Trunks {
		if t.Name == "" || seen[t.Name] {
			fault("trunk %d: name %q is empty or used twice", i+1, t.Name)
		}
		seen[t.Name] = true
		faults = append(faults, t.validate()...)
	}
	if c.Media == nil {
		fault("no media engine")
	}
	if c.Sounds == nil {
		fault("no sounds")
	}
	if c.MaxCalls < 0 {
		fault("at most %d calls", c.MaxCalls)
	}
	if c.Qualify > 0 && c.Qualify < time.Second {
		fault("phones pinged every %v; at least 1s, negative for never", c.Qualify)
	}
	if c.RecordingsDir != "" && !filepath.IsAbs(c.RecordingsDir) {
		fault("recordings folder %q is not absolute", c.RecordingsDir)
	}
	return errors.Join(faults...)
}

func (t Trunk) validate() []error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("sip: trunk %s: "+format, append([]any{t.Name}, args...)...))
	}
	for _, p := range t.Allow {
		if !p.IsValid() {
			fault("an allowed address is not a network")
		}
	}
	o := t.Outbound
	if o.Transport != "" && o.Transport != "udp" && o.Transport != "tcp" {
		fault("transport %q is neither udp nor tcp", o.Transport)
	}
	if !o.Proxy.IsValid() && len(o.Allow) > 0 {
		fault("numbers are allowed but there is no proxy to send them to")
	}
	if o.Proxy.IsValid() && o.Proxy.Port() == 0 {
		fault("proxy %s has no port", o.Proxy)
	}
	for _, p := range o.Allow {
		if p == "" || strings.Trim(p, "+0123456789") != "" {
			fault("allowed prefix %q is not the beginning of a number", p)
		}
	}
	return faults
}

func (c Config) withDefaults() Config {
	if c.NewCallID == nil {
		c.NewCallID = call.NewID
	}
	if c.Known == nil {
		c.Known = func(string) bool { return true }
	}
	if c.Admit == nil {
		c.Admit = func() error { return nil }
	}
	if c.RecordingPath == nil {
		c.RecordingPath = func(id call.RecordingID) (string, error) {
			name := string(id)
			if name == "" || strings.Trim(name, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != "" {
				return "", fmt.Errorf("sip: recording id %q is not a file name", id)
			}
			return filepath.Join(time.Now().UTC().Format("2006/01/02"), name+".wav"), nil
		}
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	c.Qualify = cmp.Or(c.Qualify, time.Minute)
	c.MediaGone = cmp.Or(c.MediaGone, 20*time.Second)
	c.Ending = cmp.Or(c.Ending, 5*time.Second)
	return c
}
