package config

import (
	"strconv"
	"strings"
	"time"

	"firstline/intake/number"
	"firstline/ivr/source"
)

// Callers is what becomes of callers whom nobody wants, and of those whom nobody
// served.
type Callers struct {
	Region  string // ISO 3166-1 alpha-2, of numbers that come without a country code; empty: they stay as they are
	Blocked Blocked
	Lost    Lost
}

// Blocked is what a blocked caller gets.
type Blocked struct {
	Status int           // SIP response to the INVITE: 603, or 607 (RFC 8197)
	Prompt string        // said instead, after answering; empty: nothing is said
	Hold   time.Duration // how long a proposal by the panic button keeps a caller out by itself; 0: not at all
}

// Lost is the list of callers who left unserved.
type Lost struct {
	Tries         int  // to call back in vain, after which a caller is unreachable
	ShortAbandons bool // those who left within the queue's short-abandon limit are on it too
}

// callersFile may be left out: then everything in it has its default.
const callersFile = "callers.yaml"

func (r *centreReader) callers() {
	c := &r.centre.Callers
	*c = Callers{Blocked: Blocked{Status: 603, Hold: time.Hour}, Lost: Lost{Tries: 3}}
	data, ok := r.files[callersFile]
	if !ok {
		return
	}
	doc := source.Parse(callersFile, data, nil)
	m := doc.Root().Map()
	c.Region = region(doc, m.May("region"))
	b := m.May("blocked").Map()
	status := b.May("answer")
	c.Blocked.Status, _ = strconv.Atoi(status.OneOf("603", "603", "607"))
	c.Blocked.Hold = b.May("hold").Duration(time.Hour, 0, 30*24*time.Hour)
	if p := b.May("prompt").Word(""); p.Text != "" {
		r.refer("prompt", p)
		c.Blocked.Prompt = p.Text
		if status.Set() {
			status.Fault("a blocked caller hears the prompt, or gets the response; here are both")
		}
	}
	b.End()
	l := m.May("lost").Map()
	c.Lost.Tries = l.May("tries").Int(3, 1, 100)
	c.Lost.ShortAbandons = l.May("short-abandons").Bool(false)
	l.End()
	m.End()
	r.faults = append(r.faults, doc.Faults()...)
}

// region reads a country as phone numbers know it.
func region(doc *source.Doc, v source.Value) string {
	w := v.Word("")
	if w.Text == "" || number.Region(w.Text) {
		return w.Text
	}
	near := strings.ToUpper(w.Text)
	if !number.Region(near) {
		near = ""
	}
	doc.Report().AddSuggesting(w.Pos, near, "%q is no country's code such as DE or US", w.Text)
	return ""
}
