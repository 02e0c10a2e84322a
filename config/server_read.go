package config

import (
	"cmp"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"firstline/ivr/source"
)

type value = source.Value

// demoName is how the embedded file is called in a fault.
const demoName = "built-in firstline.yaml"

// shortestQualify keeps the pings of a large office below what its calls send.
const shortestQualify = 5 * time.Second

// serverReader reads one firstline.yaml.
type serverReader struct {
	doc    *source.Doc
	folder string // of the file
}

func readServer(file string, data []byte, env *environment) (*Server, error) {
	r := &serverReader{doc: source.Parse(cmp.Or(file, demoName), data, env.override)}
	if file != "" {
		r.folder = filepath.Dir(file)
	}
	m := r.doc.Root().Map()
	s := &Server{File: file, SIP: r.sip(m.May("sip").Map())}
	s.Asterisk = r.asterisk(m.May("asterisk").Map())
	h := m.May("http").Map()
	s.HTTP.Listen = r.addrPort(h.May("listen"), "127.0.0.1:8080")
	h.End()
	s.DataDir = cmp.Or(r.path(m.May("data-dir")), "var")
	s.Database = cmp.Or(r.database(m.May("database")), filepath.Join(s.DataDir, "firstline.db"))
	s.Standby = r.standby(m.May("standby"), m.May("takeover-after"), s.Database)
	rec := m.May("recordings").Map()
	s.Recordings.Dir = cmp.Or(r.path(rec.May("dir")), filepath.Join(s.DataDir, "recordings"))
	rec.End()
	s.Centre = r.path(m.May("centre"))
	s.Connect = r.connect(m.May("connect").Map())
	l := m.May("log").Map()
	s.Log.Level = l.May("level").OneOf("info", "debug", "info", "warn", "error")
	s.Log.Format = l.May("format").OneOf("console", "console", "json")
	l.End()
	in := m.May("sign-in").Map()
	s.SignIn.Token = r.token(in.May("token"))
	s.SignIn.Link = in.May("link").Duration(15*time.Minute, time.Minute, 24*time.Hour)
	s.SignIn.Lifetime = in.May("lifetime").Duration(12*time.Hour, time.Minute, 30*24*time.Hour)
	in.End()
	m.End()
	env.unknown()
	if err := slices.Concat(r.doc.Faults(), env.faults).Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func (r *serverReader) standby(wait, stale value, database string) Standby {
	s := Standby{Wait: wait.Bool(false), Stale: stale.Duration(10*time.Second, 5*time.Second, 10*time.Minute)}
	if s.Wait && !isPostgres(database) {
		wait.Fault("a standby needs a PostgreSQL database that it shares with the other server (key database)")
	}
	return s
}

func isPostgres(database string) bool {
	scheme, _, url := strings.Cut(database, "://")
	return url && (scheme == "postgres" || scheme == "postgresql")
}

func (r *serverReader) sip(m *source.Map) SIP {
	s := SIP{
		Listen:    r.listeners(m.May("listen")),
		Advertise: r.host(m.May("advertise"), ""),
		Domain:    r.host(m.May("domain"), "firstline.local"),
	}
	s.RTP = r.rtp(m.May("rtp").Map(), s.Listen)
	pairs := (s.RTP.Last - s.RTP.First + 1) / 2
	v := m.May("max-calls")
	s.MaxCalls = v.Int(min(5000, max(1, pairs/2)), 1, 100_000) // two legs each
	if v.Set() && s.MaxCalls > pairs {
		v.Fault("ports %d-%d are enough for %d legs, fewer than %d calls", s.RTP.First, s.RTP.Last, pairs, s.MaxCalls)
	}
	q := m.May("qualify")
	s.Qualify = q.Duration(time.Minute, 0, time.Hour)
	if s.Qualify > 0 && s.Qualify < shortestQualify {
		q.Fault("%v is too often to ask every phone; take at least %v, or 0s for never", s.Qualify, shortestQualify)
	}
	for _, e := range m.May("trunks").Map().Entries() {
		r.doc.ID("trunk", e.Key)
		s.Trunks = append(s.Trunks, r.trunk(e.Key.Text, e.Value.Map()))
	}
	m.End()
	return s
}

func (r *serverReader) trunk(name string, m *source.Map) Trunk {
	t := Trunk{Name: name}
	for _, v := range m.Must("allow").List() {
		if p, ok := r.prefix(v); ok {
			t.Allow = append(t.Allow, p)
		}
	}
	out := m.May("outbound")
	o := out.Map()
	proxy := o.May("proxy")
	t.Outbound.Proxy = r.hostPort(proxy)
	t.Outbound.Allow = beginnings(r.doc, o.May("allow"))
	o.End()
	if t.Outbound.Proxy == "" && len(t.Outbound.Allow) > 0 {
		out.Fault("numbers are allowed, but there is no proxy to send them to")
	}
	m.End()
	return t
}

// rtp reads the audio's ports. The address is the first listener's unless another is given.
func (r *serverReader) rtp(m *source.Map, listen []Listener) RTP {
	a := RTP{First: 20000, Last: 39999}
	ports := m.May("ports")
	if w := ports.Word(""); w.Text != "" {
		first, last, found := strings.Cut(w.Text, "-")
		from, err1 := strconv.Atoi(strings.TrimSpace(first))
		to, err2 := strconv.Atoi(strings.TrimSpace(last))
		switch {
		case !found || err1 != nil || err2 != nil:
			r.doc.Report().Add(w.Pos, "%q is not a range of ports such as 20000-39999", w.Text)
		case from < 1024 || to > 65535 || to <= from:
			r.doc.Report().Add(w.Pos, "the range %d-%d does not lie between 1024 and 65535, or holds no pair", from, to)
		default:
			a.First, a.Last = from, to
		}
	}
	if v := m.May("address"); v.Set() {
		a.Address = r.address(v)
	} else if len(listen) > 0 {
		a.Address = listen[0].Address.Addr()
	}
	m.End()
	return a
}

// listeners reads addresses for UDP and TCP, or for one of them: udp:127.0.0.1:5060.
func (r *serverReader) listeners(v value) []Listener {
	items := v.List()
	if len(items) == 0 {
		if v.Set() {
			v.Fault("there is no address to listen on")
		}
		a := netip.MustParseAddrPort("127.0.0.1:5060")
		return []Listener{{"udp", a}, {"tcp", a}}
	}
	var all []Listener
	add := func(at source.Pos, l Listener) {
		if slices.Contains(all, l) && l.Address.Port() != 0 {
			r.doc.Report().Add(at, "%v is listed twice", l)
			return
		}
		all = append(all, l)
	}
	for _, item := range items {
		w := item.Word("")
		network, rest, found := strings.Cut(w.Text, ":")
		if !found || (network != "udp" && network != "tcp") {
			network, rest = "", w.Text
		}
		if w.Text == "" {
			continue
		}
		a, ok := r.parseAddrPort(source.Word{Text: rest, Pos: w.Pos})
		switch {
		case !ok:
		case network == "":
			add(w.Pos, Listener{"udp", a})
			add(w.Pos, Listener{"tcp", a})
		default:
			add(w.Pos, Listener{network, a})
		}
	}
	return all
}

func (r *serverReader) addrPort(v value, otherwise string) netip.AddrPort {
	w := v.Word(otherwise)
	if w.Text == "" {
		return netip.AddrPort{}
	}
	a, _ := r.parseAddrPort(w)
	return a
}

func (r *serverReader) parseAddrPort(w source.Word) (netip.AddrPort, bool) {
	a, err := netip.ParseAddrPort(w.Text)
	if err == nil {
		return a, true
	}
	near := ""
	host, port, err := net.SplitHostPort(w.Text)
	switch {
	case err == nil && host == "":
		near = "0.0.0.0:" + port
	case err == nil && host == "localhost":
		near = "127.0.0.1:" + port
	}
	if _, err := netip.ParseAddrPort(near); err != nil {
		near = ""
	}
	r.doc.Report().AddSuggesting(w.Pos, near, "%q is not an address with a port such as 127.0.0.1:5060", w.Text)
	return a, false
}

func (r *serverReader) address(v value) netip.Addr {
	w := v.Word("")
	a, err := netip.ParseAddr(w.Text)
	if err != nil && w.Text != "" {
		near := ""
		if w.Text == "localhost" {
			near = "127.0.0.1"
		}
		r.doc.Report().AddSuggesting(w.Pos, near, "%q is not an IP address", w.Text)
	}
	return a
}

// prefix reads one address or a network.
func (r *serverReader) prefix(v value) (netip.Prefix, bool) {
	w := v.Word("")
	if w.Text == "" {
		return netip.Prefix{}, false
	}
	if a, err := netip.ParseAddr(w.Text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), true
	}
	p, err := netip.ParsePrefix(w.Text)
	switch {
	case err != nil:
		r.doc.Report().Add(w.Pos, "%q is neither an IP address nor a network such as 192.0.2.0/24", w.Text)
		return p, false
	case p != p.Masked():
		r.doc.Report().AddSuggesting(w.Pos, p.Masked().String(), "%q has bits beyond its network", w.Text)
		return p, false
	}
	return p, true
}

// host reads a host name or an address.
func (r *serverReader) host(v value, otherwise string) string {
	w := v.Word(otherwise)
	if w.Text != "" && !isHost(w.Text) {
		r.doc.Report().Add(w.Pos, "%q is neither a host name nor an IP address", w.Text)
	}
	return w.Text
}

func (r *serverReader) hostPort(v value) string {
	w := v.Word("")
	if w.Text == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(w.Text)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || !isHost(host) {
		near := ""
		if isHost(w.Text) {
			near = net.JoinHostPort(w.Text, "5060")
		}
		r.doc.Report().AddSuggesting(w.Pos, near, "%q is not a host with a port such as sip.example.com:5060", w.Text)
	}
	return w.Text
}

// isHost takes an address, or labels of letters, digits and hyphens (RFC 1123 section 2.1).
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(strings.ToLower(label)) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// database reads a PostgreSQL URL or a path. The URL may hold a password, so no
// message repeats it.
func (r *serverReader) database(v value) string {
	v = v.Secret()
	s := v.Text("")
	scheme, _, url := strings.Cut(s, "://")
	switch {
	case url && scheme != "postgres" && scheme != "postgresql":
		v.Suggest(source.Nearest(scheme, []string{"postgres", "postgresql"}), "the database is neither a postgres:// URL nor the path of a SQLite file")
	case !url && s != "" && r.folder != "" && v.InFile() && !filepath.IsAbs(s):
		return filepath.Join(r.folder, s)
	}
	return s
}

func (r *serverReader) token(v value) string {
	v = v.Secret()
	t := v.Text("")
	if t != "" && len(t) < 16 {
		v.Fault("the token has %d characters; take at least 16", len(t))
	}
	return t
}
