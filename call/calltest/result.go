package calltest

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// FrontEnd is a switch under the contract.
type FrontEnd struct {
	Open   func(t *testing.T) Exchange
	Bubble func(t *testing.T, test func(t *testing.T)) // what each rule runs in: synctest.Test; nil: nothing
	Lacks  map[Ability]string                          // why it lacks what its Caps do not declare
	// Result is the file of this package's testdata that says what a run gave, as
	// the test sees it; docs/front-ends.md is made of these. Empty: it is not kept.
	Result string
}

// Result is what the rules found in a front end.
type Result struct {
	Abilities []Finding `json:"abilities"`
	Rules     []Finding `json:"rules"`
}

// Finding is one ability or rule.
type Finding struct {
	What    string `json:"what"`
	Missing string `json:"missing,omitempty"` // why an ability is not there; of a rule, the ability that it needs; empty: it holds
}

// Contract is what every switch owes to the journey.
func Contract(t *testing.T, f FrontEnd) {
	var got Result
	for _, r := range Rules() {
		t.Run(r.Name, func(t *testing.T) {
			f.bubble(t, func(t *testing.T) {
				x := f.Open(t)
				got.Abilities = f.declared(t, x)
				got.Rules = append(got.Rules, f.finding(r))
				r.check(t, x)
			})
		})
	}
	if f.Result != "" && !t.Failed() && len(got.Rules) == len(Rules()) { // all were run, and not some by -run
		f.keep(t, got)
	}
}

func (f FrontEnd) bubble(t *testing.T, test func(t *testing.T)) {
	if f.Bubble == nil {
		test(t)
		return
	}
	f.Bubble(t, test)
}

// declared wants a reason for each ability that is not there, and for no other.
func (f FrontEnd) declared(t *testing.T, x Exchange) []Finding {
	t.Helper()
	var all []Finding
	for _, a := range abilities(x.Caps()) {
		if why := f.Lacks[a.Ability]; a.has == (why != "") {
			t.Fatalf("%q: declared %v, and the reason for lacking it is %q", a.Ability, a.has, why)
		}
		all = append(all, Finding{string(a.Ability), f.Lacks[a.Ability]})
	}
	return all
}

func (f FrontEnd) finding(r Rule) Finding {
	if r.Needs != "" && f.Lacks[r.Needs] != "" {
		return Finding{r.Name, string(r.Needs)}
	}
	return Finding{What: r.Name}
}

// keep holds the result against the file; UPDATE_GOLDEN=1 writes it anew.
func (f FrontEnd) keep(t *testing.T, got Result) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "\t")
	must(t, err)
	text = append(text, '\n')
	if os.Getenv("UPDATE_GOLDEN") != "" {
		must(t, os.WriteFile(f.Result, text, 0o644))
	}
	want, err := os.ReadFile(f.Result)
	must(t, err)
	if !bytes.Equal(want, text) {
		t.Errorf("%s is not what this run gave; UPDATE_GOLDEN=1 writes it anew, and then with go test ./call/calltest the table in docs/front-ends.md. It gave:\n%s", f.Result, text)
	}
}
