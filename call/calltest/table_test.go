package calltest

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// column is a front end in the table of docs/front-ends.md.
type column struct {
	name   string
	file   string
	update string // what writes the file anew
	result Result
}

func columns(t *testing.T) []column {
	t.Helper()
	all := []column{
		{name: "native", file: "testdata/native.json", update: "go test -run KeepsTheContract ./sip"},
		{name: "Asterisk", file: "testdata/asterisk.json", update: "go test -tags e2e -run KeepsTheContract ./e2e/ari"},
		{name: "fake", file: "testdata/fake.json", update: "go test -run KeepsTheContract ./call/calltest"},
	}
	for i := range all {
		text, err := os.ReadFile(all[i].file)
		must(t, err)
		must(t, json.Unmarshal(text, &all[i].result))
	}
	return all
}

// A rule that is added, or renamed, is in nobody's column until that front end was
// held to it.
func TestEachFrontEndWasHeldToEachRule(t *testing.T) {
	for _, c := range columns(t) {
		var rules, asked []string
		for _, r := range Rules() {
			rules = append(rules, r.Name)
		}
		for _, f := range c.result.Rules {
			asked = append(asked, f.What)
		}
		if d := cmp.Diff(rules, asked); d != "" {
			t.Errorf("%s is of an earlier contract (UPDATE_GOLDEN=1 %s):\n%s", c.file, c.update, d)
		}
	}
}

func TestTheTableOfFrontEndsIsWhatTheirRunsGave(t *testing.T) {
	const file = "../../docs/front-ends.md"
	got := page(columns(t))
	if os.Getenv("UPDATE_GOLDEN") != "" {
		must(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("docs/front-ends.md is not what the runs gave (UPDATE_GOLDEN=1 go test ./call/calltest):\n%s", d)
	}
}

const preface = `# What each front end can do

The native front end speaks SIP and RTP itself; with the other one the calls live in
Asterisk and are driven over ARI. The journey, the queues and the tickets are the same
on both. One suite of rules (` + "`call/calltest`" + `) runs against the native front end, a real
Asterisk 22, and the fake on which the tests of the journey run.

This page is made of what those runs gave: each keeps its result in
` + "`call/calltest/testdata`" + ` and fails when it finds anything else.
After a change: ` + "`UPDATE_GOLDEN=1`" + ` before the run, then before ` + "`go test ./call/calltest`" + `,
which writes this page.

`

// page is docs/front-ends.md.
func page(of []column) string {
	var b strings.Builder
	b.WriteString(preface)
	b.WriteString("## Abilities\n\nWhat a front end may lack, as it declares itself. The numbers lead to the reasons.\n\n")
	heading(&b, of)
	var reasons []string
	for i, a := range of[0].result.Abilities {
		fmt.Fprintf(&b, "| %s |", a.What)
		for _, c := range of {
			if why := c.result.Abilities[i].Missing; why != "" {
				reasons = append(reasons, c.name+": "+why)
				fmt.Fprintf(&b, " no (%d) |", len(reasons))
			} else {
				b.WriteString(" yes |")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	for i, r := range reasons {
		fmt.Fprintf(&b, "%d. %s\n", i+1, r)
	}
	b.WriteString("\n## Rules\n\nAll of them were tried. A dash: the rule needs an ability that is not there; tried was that the\nfront end says so.\n")
	about := ""
	for i, r := range Rules() {
		if r.About != about {
			about = r.About
			fmt.Fprintf(&b, "\n%s%s:\n\n", strings.ToUpper(about[:1]), about[1:])
			heading(&b, of)
		}
		fmt.Fprintf(&b, "| %s |", r.Name)
		for _, c := range of {
			b.WriteString(map[bool]string{true: " yes |", false: " - |"}[c.result.Rules[i].Missing == ""])
		}
		b.WriteString("\n")
	}
	return b.String()
}

func heading(b *strings.Builder, of []column) {
	line := "| --- |"
	b.WriteString("| |")
	for _, c := range of {
		fmt.Fprintf(b, " %s |", c.name)
		line += " --- |"
	}
	fmt.Fprintf(b, "\n%s\n", line)
}
