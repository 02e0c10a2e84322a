package config

import (
	"time"

	"firstline/ivr/source"
)

// Announce says what the callers of a queue are told while they wait, and how
// often. A queue without announcements has none.
type Announce struct {
	Position bool
	Estimate bool
	Prompts  []string      // one at each announcement, in turn
	First    time.Duration // after joining
	Every    time.Duration
}

// announce reads {position: true, estimate: true, first: 15s, every: 45s, prompts: [queue-still]}.
func (r *centreReader) announce(v source.Value) Announce {
	if !v.Set() {
		return Announce{}
	}
	m := v.Map()
	a := Announce{
		Position: m.May("position").Bool(false),
		Estimate: m.May("estimate").Bool(false),
		Every:    m.May("every").Duration(45*time.Second, 5*time.Second, time.Hour),
	}
	a.First = m.May("first").Duration(a.Every, time.Second, time.Hour)
	for _, item := range m.May("prompts").List() {
		w := item.Word("")
		r.refer("prompt", w)
		a.Prompts = append(a.Prompts, w.Text)
	}
	m.End()
	if !a.Position && !a.Estimate && len(a.Prompts) == 0 {
		v.Fault("nothing is announced: give position, estimate or prompts")
	}
	return a
}
