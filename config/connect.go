package config

import (
	"net/netip"
	"strings"

	"firstline/ivr/source"
)

// Connect is how other systems are told of tickets. Who is told, people set by day.
type Connect struct {
	Allow   []netip.Prefix // private networks that may be asked, and hosts without TLS
	Presets string         // folder of presets beside those that are built in; empty: none
	Links   string         // address of the pages, for links in messages; empty: the server's own
}

func (r *serverReader) connect(m *source.Map) Connect {
	var c Connect
	for _, v := range m.May("allow").List() {
		if p, ok := r.prefix(v); ok {
			c.Allow = append(c.Allow, p)
		}
	}
	c.Presets = r.path(m.May("presets"))
	links := m.May("links")
	if w := links.Word(""); w.Text != "" {
		if !strings.HasPrefix(w.Text, "https://") && !strings.HasPrefix(w.Text, "http://") {
			links.Fault("%q is no address such as https://desk.example.com", w.Text)
		}
		c.Links = strings.TrimSuffix(w.Text, "/")
	}
	m.End()
	return c
}
