package config

import (
	"time"

	"firstline/intake"
	"firstline/ivr/lookup"
	"firstline/ivr/source"
)

// Lookup is a system that flows may ask about callers. Its token is no part of a
// centre: the program has it from its environment.
type Lookup struct {
	URL    string
	Budget time.Duration
}

// lookup reads {url: "https://…", budget: 800ms}.
func (r *centreReader) lookup(_ *source.Doc, e source.Entry) {
	m := e.Value.Map()
	if e.Key.Text == intake.LookupCustomers || e.Key.Text == intake.LookupTickets {
		e.Value.Fault("%q is looked up here: another system needs another name", e.Key.Text)
	}
	r.centre.Lookups[e.Key.Text] = Lookup{
		URL:    address(m.Must("url")),
		Budget: m.May("budget").Duration(lookup.Budget, 50*time.Millisecond, lookup.Budget),
	}
	m.End()
}
