package config

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"firstline/ivr/source"
)

// Asterisk is the second front end: the nodes that this server drives through
// ARI. Without nodes there is none.
type Asterisk struct {
	Nodes    []Node
	Trunks   []DialTrunk
	Sounds   Sounds
	Patience time.Duration // how long the calls of a node that does not answer are waited for
}

// Node is one Asterisk.
type Node struct {
	Name        string
	URL         string // of ARI: http://127.0.0.1:8088/ari
	User        string
	Password    string
	Application string   // of Stasis
	Dial        string   // how an agent's phone is dialled: PJSIP/{device}
	Registered  string   // how a phone is dialled that is registered here: PJSIP/firstline/{contact}; empty for not at all
	Refer       string   // where a caller who is sent elsewhere is asked to go: PJSIP/sip:{number}@pbx.example; empty for not at all
	MaxCalls    int      // more go to the fallback
	Fallback    Fallback // where calls go that this server cannot take
	QueueLog    string   // path of its queue_log, for calls that went past this server; empty for none
}

// Fallback is a place in a node's dialplan.
type Fallback struct {
	Context   string
	Extension string // empty: the number dialled
}

// DialTrunk is a line to the outside that the nodes have.
type DialTrunk struct {
	Name  string
	Dial  string   // PJSIP/{number}@carrier
	Allow []string // a number must begin with one of these, after Strip and Add
	Strip string   // taken off the front of the number
	Add   string   // and put there
	From  string   // number that is shown; empty: the one that firstline would show
}

// Sounds is how the nodes come by our prompts: a folder that they see as well
// (Dir is where we write, Seen is how they call it), or a URL where they fetch.
type Sounds struct {
	Dir  string
	Seen string
	URL  string
}

// Placeholders of dial strings.
const (
	devicePlace  = "{device}"
	numberPlace  = "{number}"
	contactPlace = "{contact}"
)

func (r *serverReader) asterisk(m *source.Map) Asterisk {
	var a Asterisk
	nodes := m.May("nodes")
	for _, e := range nodes.Map().Entries() {
		r.doc.ID("node", e.Key)
		a.Nodes = append(a.Nodes, r.node(e.Key.Text, e.Value.Map()))
	}
	for _, e := range m.May("trunks").Map().Entries() {
		r.doc.ID("trunk", e.Key)
		t := e.Value.Map()
		a.Trunks = append(a.Trunks, DialTrunk{
			Name: e.Key.Text, Dial: r.dial(t.Must("dial"), "", numberPlace), Allow: beginnings(r.doc, t.Must("allow")),
		})
		to := &a.Trunks[len(a.Trunks)-1]
		to.Strip, to.Add, to.From = r.plusDigits(t.May("strip")), r.plusDigits(t.May("add")), r.plusDigits(t.May("from"))
		t.End()
	}
	sounds := m.May("sounds")
	a.Sounds = r.soundsOf(sounds)
	a.Patience = m.May("patience").Duration(5*time.Minute, 10*time.Second, time.Hour)
	if len(a.Nodes) > 0 && a.Sounds == (Sounds{}) {
		at := sounds
		if !at.Set() {
			at = nodes
		}
		at.Fault("the nodes need the prompts: give asterisk.sounds a dir that they see too, or the url of this server")
	}
	m.End()
	return a
}

func (r *serverReader) node(name string, m *source.Map) Node {
	n := Node{
		Name:        name,
		URL:         r.httpURL(m.Must("url")),
		User:        m.May("user").Text("firstline"),
		Application: m.May("application").Text("firstline"),
		Dial:        r.dial(m.May("dial"), "PJSIP/"+devicePlace, devicePlace),
		Registered:  r.dial(m.May("registered"), "", contactPlace),
		Refer:       r.dial(m.May("refer"), "", numberPlace),
		MaxCalls:    m.May("max-calls").Int(1000, 1, 100_000),
		QueueLog:    r.path(m.May("queue-log")),
	}
	n.Password = m.Must("password").Secret().Text("")
	f := m.May("fallback").Map()
	n.Fallback = Fallback{
		Context:   r.dialplanName(f.May("context"), "firstline-fallback"),
		Extension: r.dialplanName(f.May("extension"), ""),
	}
	f.End()
	m.End()
	return n
}

func (r *serverReader) soundsOf(v value) Sounds {
	m := v.Map()
	s := Sounds{Dir: r.path(m.May("dir")), Seen: m.May("seen").Text("")}
	s.URL = r.httpURL(m.May("url"))
	m.End()
	switch {
	case s.Dir != "" && s.URL != "":
		v.Fault("the nodes find the prompts in a dir or at a url, not both")
	case s.Dir == "" && s.Seen != "":
		v.Fault("seen is how the nodes call dir, and there is no dir")
	case s.Dir != "" && s.Seen == "":
		s.Seen, _ = filepath.Abs(s.Dir)
	}
	return s
}

// httpURL reads an address such as http://127.0.0.1:8088/ari, without its last slash.
func (r *serverReader) httpURL(v value) string {
	w := v.Word("")
	if w.Text == "" {
		return ""
	}
	u, err := url.Parse(w.Text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		r.doc.Report().Add(w.Pos, "this is not an address such as http://127.0.0.1:8088/ari (user and password have keys of their own)")
		return ""
	}
	return strings.TrimSuffix(u.String(), "/")
}

// dial reads a dial string that holds a placeholder.
func (r *serverReader) dial(v value, otherwise, place string) string {
	w := v.Word(otherwise)
	tech, rest, found := strings.Cut(w.Text, "/")
	switch {
	case w.Text == "":
	case !found || tech == "" || rest == "" || strings.ContainsAny(w.Text, " ,&|\"'$"):
		r.doc.Report().Add(w.Pos, "%q is not a dial string such as PJSIP/%s", w.Text, place)
	case strings.Count(w.Text, place) != 1:
		r.doc.Report().Add(w.Pos, "%q does not say where %s goes", w.Text, place)
	case strings.ContainsAny(strings.Replace(w.Text, place, "", 1), "{}"):
		r.doc.Report().Add(w.Pos, "%q has another placeholder than %s", w.Text, place)
	}
	return w.Text
}

// plusDigits reads a number, or a part of one.
func (r *serverReader) plusDigits(v value) string {
	w := v.Word("")
	if d := strings.TrimPrefix(w.Text, "+"); d != "" && !isDigits(d) {
		r.doc.Report().Add(w.Pos, "%q is not a number, or the beginning of one: + and digits", w.Text)
	}
	return w.Text
}

// dialplanName reads the name of a context or an extension.
func (r *serverReader) dialplanName(v value, otherwise string) string {
	w := v.Word(otherwise)
	if strings.IndexFunc(w.Text, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !slices.Contains([]rune("-_+*#"), c)
	}) >= 0 {
		r.doc.Report().Add(w.Pos, "%q is not a name of the dialplan: letters, digits, - and _", w.Text)
	}
	return w.Text
}
