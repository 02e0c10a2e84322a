package config

import (
	"strings"

	"firstline/call"
	"firstline/ivr/source"
)

// Features are the codes that an agent dials at a desk phone. An empty one is not
// offered.
type Features struct {
	SignIn  string // asks for number and PIN
	SignOut string
	Break   string
	Back    string // from a break
	Record  string // what callers hear
}

// featuresFile may be left out: then the codes are the ones below.
const featuresFile = "features.yaml"

func (r *centreReader) features() {
	f := &r.centre.Features
	*f = Features{SignIn: "*11", SignOut: "*12", Break: "*13", Back: "*14", Record: "*15"}
	data, ok := r.files[featuresFile]
	if !ok {
		return
	}
	doc := source.Parse(featuresFile, data, nil)
	m := doc.Root().Map()
	seen := make(map[string]string)
	for _, c := range []struct {
		key  string
		code *string
	}{{"sign-in", &f.SignIn}, {"sign-out", &f.SignOut}, {"break", &f.Break}, {"back", &f.Back}, {"record", &f.Record}} {
		v := m.May(c.key)
		text := v.Text(*c.code)
		switch other, twice := seen[text]; {
		case text == "none":
			text = ""
		case !isCode(text):
			doc.Report().Add(v.Pos(), "%q is no feature code: * and 1 to 6 digits, in quotes, or none", text)
		case twice:
			doc.Report().Add(v.Pos(), "%s is the code of %q already", text, other)
		}
		seen[text] = c.key
		*c.code = text
	}
	for _, v := range m.May("recorders").List() {
		if id := v.Text(""); id != "" {
			r.centre.Recorders = append(r.centre.Recorders, call.AgentID(id))
		}
	}
	m.End()
	r.faults = append(r.faults, doc.Faults()...)
}

func isCode(s string) bool {
	digits, star := strings.CutPrefix(s, "*")
	return star && isDigits(digits) && len(digits) <= 6
}
