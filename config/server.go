package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// FileName is what is looked for in the working directory when no file is named.
const FileName = "firstline.yaml"

// configVariable names the file when the command line does not.
const configVariable = prefix + "CONFIG"

// Server is how this server is run: firstline.yaml and the environment, with all
// defaults filled in.
type Server struct {
	File       string // that was read, empty for the built-in demo
	SIP        SIP
	Asterisk   Asterisk
	HTTP       HTTP
	Database   string // "postgres://…", or the path of a SQLite file
	DataDir    string
	Recordings Recordings
	Standby    Standby
	Centre     string // folder, empty for the embedded demo centre
	Log        Log
	SignIn     SignIn
	Connect    Connect
}

// Standby says what this server does while another one owns the database.
type Standby struct {
	Wait  bool          // for the ownership, rather than not to start
	Stale time.Duration // without a sign of life from the owner, whose connection is still up, until the ownership is taken
}

// SIP is the native front end.
type SIP struct {
	Listen    []Listener
	Advertise string        // host or address for Contact and SDP; empty means the listener's own
	Domain    string        // of our devices' addresses; the digest realm
	MaxCalls  int           // more are refused with 503
	Qualify   time.Duration // how often each registered phone is asked whether it is there; 0: never
	Trunks    []Trunk
	RTP       RTP
}

// Listener is one socket for SIP. Port 0 means any free one.
type Listener struct {
	Network string // "udp" or "tcp"
	Address netip.AddrPort
}

// String is "udp:127.0.0.1:5060".
func (l Listener) String() string { return l.Network + ":" + l.Address.String() }

// Trunk is a line to the outside.
type Trunk struct {
	Name     string
	Allow    []netip.Prefix // calls from these addresses are taken
	Outbound Outbound
}

// Outbound is where a trunk's outgoing calls go. No Proxy means that there are none.
type Outbound struct {
	Proxy string   // host:port
	Allow []string // a number must begin with one of these: "+49", "0800"
}

// RTP is where audio is received.
type RTP struct {
	First, Last int        // ports, both included; two for each leg
	Address     netip.Addr // of the sockets
}

// HTTP is the API and the pages.
type HTTP struct {
	Listen netip.AddrPort // port 0 means any free one
}

// Recordings is where finished and growing recordings lie.
type Recordings struct {
	Dir string
}

// Log is what is logged, and how.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // console, json
}

// SignIn is how people and programs get in.
type SignIn struct {
	Token    string        // bearer token of the API; empty means that one is made at start
	Link     time.Duration // how long the link printed at start is good for
	Lifetime time.Duration // of a sign-in
}

// LoadServer reads the file, or FIRSTLINE_CONFIG's, or firstline.yaml of the
// working directory, and lets environ (as of os.Environ) replace its values. With
// no file at all it is the demo: everything on loopback, data in ./var. The error
// is Faults when the file or the environment is wrong.
//
// Relative paths in the file begin at the file's folder, those in the environment
// at the working directory.
func LoadServer(file string, environ []string) (*Server, error) {
	env := newEnvironment(environ)
	named := file != "" || env.vars[configVariable] != ""
	if file == "" {
		file = env.vars[configVariable]
	}
	if file == "" {
		file = FileName
	}
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		s, err := readServer("", DemoServer(), env)
		return s, err
	case err != nil:
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return readServer(file, data, env)
}

// ParseServer is LoadServer for bytes that are at hand; file is their name.
func ParseServer(file string, data []byte, environ []string) (*Server, error) {
	return readServer(file, data, newEnvironment(environ))
}

// path begins a relative path of the file at the file's folder.
func (r *serverReader) path(v value) string {
	w := v.Word("")
	if w.Text == "" || filepath.IsAbs(w.Text) || w.Line == 0 || r.folder == "" {
		return w.Text
	}
	return filepath.Join(r.folder, w.Text)
}
