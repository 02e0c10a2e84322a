package asterisk

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"
)

// Config of a Client. URL, User, Password and Application are needed; the rest
// has defaults.
type Config struct {
	Name        string // of this Asterisk in errors and logs; default: URL's host
	URL         string // "http://127.0.0.1:8088/ari", without user and password
	User        string // of ari.conf
	Password    string // a secret: in no error and no log line
	Application string // name of the Stasis application whose events are read

	Timeout    time.Duration // of one operation, its wait for a connection included; default 5 s
	DialTime   time.Duration // to connect, TLS and the socket's upgrade included; default 3 s
	MaxConns   int           // HTTP connections at once; must be well below sessionlimit of http.conf; default 64
	TLS        *tls.Config   // for https; nil: the system's authorities
	Ping       time.Duration // how often the event socket is asked for a sign of life; default 15 s
	Pong       time.Duration // how long the sign may take; default 5 s
	BackoffMin time.Duration // before the second attempt to connect; doubled for each further one, with jitter; default 200 ms
	BackoffMax time.Duration // default 10 s
	QueueLen   int           // events received and not yet handled, above it the connection is given up; default 65536
	QueueBytes int           // the same by size; default 64 MiB
	FrameLimit int           // largest event, in bytes; default 16 MiB
	Log        *zap.Logger   // default: silent
}

// Validate returns all faults of c at once.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("asterisk: "+format, args...)) }
	switch u, err := url.Parse(c.URL); {
	case err != nil:
		fault("the address is no URL") // which may hold a password, so it is not shown
	case u.User != nil:
		fault("user and password do not belong in the address")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		fault("address %q is not http://host:port/ari", c.URL)
	case u.RawQuery != "" || u.Fragment != "":
		fault("address of %q has a query or a fragment", u.Host)
	}
	if c.User == "" || strings.Contains(c.User, ":") {
		fault("user %q is empty or has a colon", c.User)
	}
	if c.Password == "" {
		fault("no password")
	}
	if c.Application == "" || strings.ContainsAny(c.Application, ", \t") {
		fault("application %q is empty or has a comma or space", c.Application)
	}
	for _, d := range []struct {
		name string
		is   time.Duration
	}{
		{"timeout", c.Timeout},
		{"dial time", c.DialTime},
		{"ping", c.Ping},
		{"pong", c.Pong},
		{"least back-off", c.BackoffMin},
		{"largest back-off", c.BackoffMax},
	} {
		if d.is < 0 {
			fault("%s is negative", d.name)
		}
	}
	if c.MaxConns < 0 || c.QueueLen < 0 || c.QueueBytes < 0 || c.FrameLimit < 0 {
		fault("a limit is negative")
	}
	return errors.Join(faults...)
}

func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	c.DialTime = cmp.Or(c.DialTime, 3*time.Second)
	c.MaxConns = cmp.Or(c.MaxConns, 64)
	c.Ping = cmp.Or(c.Ping, 15*time.Second)
	c.Pong = cmp.Or(c.Pong, 5*time.Second)
	c.BackoffMin = cmp.Or(c.BackoffMin, 200*time.Millisecond)
	c.BackoffMax = max(cmp.Or(c.BackoffMax, 10*time.Second), c.BackoffMin)
	c.QueueLen = cmp.Or(c.QueueLen, 1<<16)
	c.QueueBytes = cmp.Or(c.QueueBytes, 64<<20)
	c.FrameLimit = cmp.Or(c.FrameLimit, 16<<20)
	c.Log = cmp.Or(c.Log, zap.NewNop())
	return c
}
