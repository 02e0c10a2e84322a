package source

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// spelled is all that a reader can see of a value, with its places.
func spelled(v Value) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%d ", v.at.Line, v.at.Column)
	if t, ok := v.scalar(); ok {
		fmt.Fprintf(&b, "%q", t.s)
		return b.String()
	}
	if strings.HasPrefix(kind(v.node), "a mapping") {
		for _, e := range v.Map().Entries() {
			fmt.Fprintf(&b, "(%s %d:%d %s)", e.Key.Text, e.Key.Line, e.Key.Column, spelled(e.Value))
		}
		return b.String()
	}
	for _, item := range v.List() {
		b.WriteString("[" + spelled(item) + "]")
	}
	return b.String()
}

// whole reads a file without pieces.
func whole(t *testing.T, data string) *Doc {
	t.Helper()
	d := &Doc{name: "f.yaml"}
	file, err := parse([]byte(data))
	if err != nil {
		d.unread = true
		d.syntax(err)
		return d
	}
	for _, doc := range file.Docs {
		if doc.Body != nil && d.root == nil {
			d.root = doc.Body
		}
	}
	return d
}

func long(entry func(i int) string) string {
	var b strings.Builder
	b.WriteString("name: x\n# above\nstart: n0\nnodes:\n")
	for i := range longMapping + 250 {
		b.WriteString(entry(i))
	}
	return b.String()
}

func TestALongMappingIsReadInPiecesAsItIsReadWhole(t *testing.T) {
	plain := func(i int) string { return fmt.Sprintf("  n%d: {play: a, next: n%d}\n", i, i+1) }
	for name, c := range map[string]struct {
		data   string
		pieces bool
	}{
		"one line for each":      {long(plain), true},
		"several lines for each": {long(func(i int) string { return fmt.Sprintf("  n%d:\n    play: [a, b]\n    next: n%d\n", i, i+1) }), true},
		"comments and gaps": {long(func(i int) string {
			return fmt.Sprintf("\n  # the node %d\n  # in two lines\n  n%d: {play: a} # here\n", i, i)
		}), true},
		"brackets over lines":     {long(func(i int) string { return fmt.Sprintf("  n%d: {play: [a,\n      b], next: n%d}\n", i, i+1) }), true},
		"keys in quotes":          {long(func(i int) string { return fmt.Sprintf("  \"n%d\": {if: 'a == \"{}\"', next: x}\n", i) }), true},
		"a key that stands twice": {long(func(i int) string { return fmt.Sprintf("  n%d: {play: a}\n", i%300) }), true},
		"more behind it":          {long(plain) + "# about it\nvariables: {a: 1}\nlanguage: de\n", true},
		"CR LF":                   {strings.ReplaceAll(long(plain), "\n", "\r\n"), false},
		"blocks of text": {long(func(i int) string {
			return fmt.Sprintf("  n%d: |\n    text\n  ", i)[:len(fmt.Sprintf("  n%d: |\n    text\n  ", i))-2]
		}), false},
		"a list":               {long(func(i int) string { return fmt.Sprintf("  - n%d\n", i) }), false},
		"a quote over lines":   {long(plain) + "  last: \"a\n    b\"\n", false},
		"short":                {"nodes:\n  a: 1\n", false},
		"a fault in a piece":   {long(plain) + "  bad: {a: [b}\n", false},
		"the key stands twice": {long(plain) + "nodes: {a: 1}\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, ok := parsePieces([]byte(c.data)); ok != c.pieces {
				t.Errorf("read in pieces: %v, want %v", ok, c.pieces)
			}
			want, got := whole(t, c.data), Parse("f.yaml", []byte(c.data), nil)
			if d := cmp.Diff(spelled(want.Root()), spelled(got.Root())); d != "" {
				t.Errorf("read (-whole +pieces):\n%s", d[:min(len(d), 2000)])
			}
			if d := cmp.Diff(want.Faults(), got.Faults()); d != "" {
				t.Errorf("faults (-whole +pieces):\n%s", d[:min(len(d), 2000)])
			}
		})
	}
}
