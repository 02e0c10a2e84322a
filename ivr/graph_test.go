package ivr_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"firstline/ivr"
)

// The pictures of testdata/graph are what firstline flow graph prints; UPDATE_GOLDEN=1 writes them anew.
func TestAPictureIsTheOneThatWasLookedAt(t *testing.T) {
	var list []*ivr.Flow
	for _, c := range []struct{ id, text string }{{"main", mainFlow}, {"identify", identifyFlow}, {"goodbye", goodbyeFlow}, {"deciding", deciding}} {
		f, faults := ivr.Parse(c.id+".yaml", c.id, []byte(c.text))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		list = append(list, f)
	}
	p := ivr.Draw(list)
	for name, got := range map[string]string{"flows.txt": p.Text(), "flows.mmd": p.Mermaid(), "flows.svg": p.SVG()} {
		file := "testdata/graph/" + name
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.MkdirAll("testdata/graph", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestAPictureHasEachNodeOnceAndIsXML(t *testing.T) {
	f, faults := ivr.Parse("f.yaml", "f", []byte(support))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p := ivr.Draw([]*ivr.Flow{f})
	seen := map[string]bool{}
	for _, b := range p.Boxes {
		if seen[b.ID] {
			t.Errorf("box %s stands twice", b.ID)
		}
		seen[b.ID] = true
	}
	if len(seen) != len(f.Nodes()) {
		t.Errorf("%d boxes of %d nodes", len(seen), len(f.Nodes()))
	}
	for _, a := range p.Arrows {
		if !seen[a.From] || !seen[a.To] {
			t.Errorf("arrow %+v leads from or to no box", a)
		}
	}
	d := xml.NewDecoder(strings.NewReader(p.SVG()))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatAFileSaysIsTextInAPicture(t *testing.T) {
	f, _ := ivr.Parse("f.yaml", "f", []byte(`
variables: {n: ""}
start: a
nodes:
  a: {type: branch, cases: [{if: 'n == "<script>"', next: b}], default: b}
  b: {type: hangup}
`))
	for name, got := range map[string]string{"svg": ivr.Draw([]*ivr.Flow{f}).SVG(), "mermaid": ivr.Draw([]*ivr.Flow{f}).Mermaid()} {
		if strings.Contains(got, "<script>") || !strings.Contains(got, "script") {
			t.Errorf("%s: %s", name, fmt.Sprintf("%.600s", got))
		}
	}
}
