package config

import (
	"slices"
	"strings"
	"time"

	"firstline/intake"
	"firstline/ivr/source"
)

// outboundFile may be left out: then everything in it has its default.
const outboundFile = "outbound.yaml"

// outbound reads the one policy of calls to numbers outside, and how long somebody is
// rung to whom a call is handed on.
func (r *centreReader) outbound() {
	c := r.centre
	c.Outbound, c.Patience = intake.Outbound{Ring: 30 * time.Second}, 30*time.Second
	if data, ok := r.files[outboundFile]; ok {
		doc := source.Parse(outboundFile, data, nil)
		m := doc.Root().Map()
		c.Outbound = intake.Outbound{
			Allow:   beginnings(doc, m.May("allow")),
			AtOnce:  m.May("at-once").Int(0, 1, 100_000),
			PerHour: m.May("per-hour").Int(0, 1, 1_000_000),
			Ring:    m.May("ring").Duration(30*time.Second, 5*time.Second, 2*time.Minute),
			Silent:  !m.May("record").Bool(true),
		}
		c.Patience = m.May("transfer-ring").Duration(30*time.Second, 5*time.Second, 5*time.Minute)
		m.End()
		r.faults = append(r.faults, doc.Faults()...)
	}
	for _, n := range r.outsides {
		begins := func(with string) bool { return strings.HasPrefix(n.Text, with) }
		if allow := c.Outbound.Allow; len(allow) > 0 && !slices.ContainsFunc(allow, begins) {
			r.faults.Add(n.Pos, "callers cannot be handed on to %s: no number in %s allows it (%s)", n.Text, outboundFile, strings.Join(allow, ", "))
		}
	}
}

// outside reads a number outside to which callers go.
func (r *centreReader) outside(doc *source.Doc, v source.Value) string {
	if !v.Set() {
		return ""
	}
	w := v.Word("")
	if digits := strings.TrimPrefix(w.Text, "+"); !isDigits(digits) || len(digits) < 2 || len(digits) > 15 {
		doc.Report().Add(w.Pos, "%q is not a number: up to 15 digits, with + before a country code", w.Text)
		return w.Text
	}
	r.outsides = append(r.outsides, w)
	return w.Text
}

// beginnings reads what numbers may begin with.
func beginnings(doc *source.Doc, v source.Value) []string {
	var all []string
	for _, v := range v.List() {
		w := v.Word("")
		if digits := strings.TrimPrefix(w.Text, "+"); w.Text != "" && (digits == "" || !isDigits(digits)) {
			doc.Report().Add(w.Pos, "%q is not the beginning of a number: + and digits", w.Text)
		}
		all = append(all, w.Text)
	}
	return all
}
