package source_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/ivr/source"
)

func TestNearestNameIsSuggestedOnlyWhenItIsNear(t *testing.T) {
	known := []string{"service-desk", "sales", "night-desk"}
	for written, want := range map[string]string{
		"servicedesk":            "service-desk",
		"service":                "service-desk",
		"slaes":                  "sales",
		"Sales":                  "sales",
		"nihgt-desk":             "night-desk",
		"x":                      "",
		"accounting":             "",
		"sales":                  "",
		"":                       "",
		strings.Repeat("s", 100): "",
	} {
		if got := source.Nearest(written, known); got != want {
			t.Errorf("nearest to %q: %q, want %q", written, got, want)
		}
	}
}

// read is every kind of reading once.
func read(d *source.Doc) {
	m := d.Root().Map()
	m.Must("text").Text("")
	m.May("number").Int(0, 1, 9)
	m.May("share").Float(0, 0, 100)
	m.May("flag").Bool(false)
	m.May("time").Duration(0, time.Second, time.Minute)
	m.May("word").OneOf("a", "alpha", "beta")
	m.May("secret").Secret().Text("")
	for _, v := range m.May("list").List() {
		v.Word("")
	}
	in := m.May("map").Map()
	in.May("inner").Text("")
	in.End()
	for _, e := range m.May("free").Map().Entries() {
		d.ID("thing", e.Key)
	}
	m.End()
}

func TestEachFaultHasItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing at all":      {"", `f: key "text" is missing`},
		"only a comment":      {"# nothing\n", `f: key "text" is missing`},
		"a list":              {"- a\n", "f:1:1: \"the file\" is a list; want a mapping of keys to values\nf:1:1: key \"text\" is missing"},
		"no text":             {"text: true\n", `f:1:7: "text" is not text; write it in quotes: "true"`},
		"no value":            {"text:\n", `f:1:1: "text" has no value; want text`},
		"empty text":          {"text: \"\"\n", `f:1:7: "text" is empty`},
		"control character":   {"text: \"a\\0b\"\n", `f:1:7: "text" holds a control character`},
		"a mapping for text":  {"text: {a: b}\n", `f:1:7: "text" is a mapping; want text`},
		"number with letters": {"text: x\nnumber: 5x\n", `f:2:9: "number" is not a whole number: "5x"`},
		"quoted number":       {"text: x\nnumber: '5'\n", `f:2:9: "number" is not a whole number: "5"`},
		"number too large":    {"text: x\nnumber: 10\n", `f:2:9: "number" is 10; it may be from 1 to 9`},
		"not a number":        {"text: x\nshare: .nan\n", `f:2:8: "share" is not a number: ".nan"`},
		"yes for true":        {"text: x\nflag: yes\n", `f:2:7: "flag" is neither true nor false: "yes" (did you mean "true"?)`},
		"unit forgotten":      {"text: x\ntime: 20\n", `f:2:7: "time" is not a duration such as 20s or 1m30s: "20" (did you mean "20s"?)`},
		"space before unit":   {"text: x\ntime: 20 s\n", `f:2:7: "time" is not a duration such as 20s or 1m30s: "20 s" (did you mean "20s"?)`},
		"time too long":       {"text: x\ntime: 2m\n", `f:2:7: "time" is 2m0s; it may be from 1s to 1m0s`},
		"nearly a word":       {"text: x\nword: aplha\n", `f:2:7: "aplha" is not one of alpha, beta (did you mean "alpha"?)`},
		"nearly a key":        {"text: x\nnumbr: 5\n", `f:2:1: unknown key "numbr" (did you mean "number"?)`},
		"no key at all":       {"text: x\nmap: {zzzzzz: 1}\n", `f:2:7: unknown key "zzzzzz"; known here: inner`},
		"key twice":           {"text: x\ntext: y\n", `f:2:1: key "text" stands twice; first in line 1`},
		"mapping for a list":  {"text: x\nlist: {a: b}\n", `f:2:7: "list" is a mapping; want a list`},
		"hole in a list":      {"text: x\nlist: [a, ~]\n", `f:2:11: "list" has no value; want text`},
		"name with capitals":  {"text: x\nfree: {Big Name: 1}\n", `f:2:8: "Big Name" cannot name a thing: take lower-case letters, digits, - and _, at most 64 (did you mean "big-name"?)`},
		"alias":               {"text: &a x\n", `f:1:7: "text" is an anchor or alias, which is not taken here: write the value out; want text`},
		"tag":                 {"text: !!str x\n", `f:1:7: "text" is a tagged value, which is not taken here; want text`},
		"merge key":           {"text: x\nmap: {<<: {inner: y}}\n", `f:2:7: this cannot be a key here: write a plain word, or a text in quotes`},
		"second document":     {"text: x\n---\ntext: y\n", `f:3:1: a second document begins here: one file holds one`},
		"latin 1":             {"text: caf\xe9\n", `f:1:1: the line is not UTF-8`},
		"deep brackets":       {"text: " + strings.Repeat("[", 60), `f:1:1: more than 50 brackets are open`},
		"endless file":        {strings.Repeat("# x\n", 50_001), `f:50001:1: the file has more than 50000 lines`},
		"endless line":        {"text: " + strings.Repeat("x", 3000), `f:1:1: the line has 3006 bytes; at most 2000 are read`},
	} {
		t.Run(name, func(t *testing.T) {
			d := source.Parse("f", []byte(c.text), nil)
			read(d)
			got := ""
			if err := d.Faults().Err(); err != nil {
				got = err.Error()
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("faults (-want +got):\n%s", d)
			}
		})
	}
}

func TestSyntaxFaultsHaveTheirPlace(t *testing.T) {
	for _, text := range []string{"a: b: c\n", "a: [1,\n", "a:\n\tb: 1\n", "*: x\n", "a: \"x\n"} {
		d := source.Parse("f", []byte(text), nil)
		if fs := d.Faults(); len(fs) != 1 || fs[0].Line == 0 || fs[0].Message == "" {
			t.Errorf("%q: %v", text, fs)
		}
	}
}

func TestNumbersAreTextAsWritten(t *testing.T) {
	m := source.Parse("f", []byte("a: 0049\nb: +49\n0030: c\n"), nil).Root().Map()
	if got := m.May("a").Text(""); got != "0049" {
		t.Errorf("a is %q", got)
	}
	if got := m.May("b").Text(""); got != "+49" {
		t.Errorf("b is %q", got)
	}
	if got := m.Entries()[2].Key.Text; got != "0030" {
		t.Errorf("the key is %q", got)
	}
}

func TestAnOverrideReplacesScalarsAndLists(t *testing.T) {
	over := func(path []string, secret bool) (string, string, bool) {
		switch strings.Join(path, ".") {
		case "map.inner":
			return "new", "MAP_INNER", true
		case "list":
			return "a, b", "LIST", true
		case "number":
			return "99", "NUMBER", true
		case "key":
			return "hidden", "KEY_FILE", secret
		}
		return "", "", false
	}
	d := source.Parse("f", []byte("list: [x]\nnumber: 1\n"), over)
	m := d.Root().Map()
	if got := m.May("map").Map().May("inner").Text(""); got != "new" {
		t.Errorf("map.inner is %q", got)
	}
	if got := len(m.May("list").List()); got != 2 {
		t.Errorf("list has %d items", got)
	}
	if got := m.May("key").Text("plain") + m.May("key").Secret().Text("plain"); got != "plainhidden" {
		t.Errorf("key is %q", got)
	}
	m.May("number").Int(0, 1, 9)
	if got := d.Faults().Error(); got != `NUMBER: "number" is 99; it may be from 1 to 9` {
		t.Errorf("faults: %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"text: x\nnumber: 5\nlist: [a, {b: c}]\nmap:\n  inner: |\n    block\n", "- a\n- b: 1\n", "? x\n: y\n", "<<: *a\n", "a: &b !!c d\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := source.Parse("f", data, nil)
		read(d)
		for _, fault := range d.Faults() {
			if fault.Message == "" || fault.File == "" {
				t.Errorf("a fault without message or file: %+v", fault)
			}
		}
	})
}
