package ivr_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/ivr"
)

func faults(file string, data []byte) string {
	f, fs := ivr.Parse(filepath.Base(file), "flow", data)
	known := known()
	known.Flows, known.Calendars, known.Lookups = []string{"identify"}, []string{"desk"}, []string{"crm"}
	err := append(fs, ivr.Check(f, known)...).Err()
	if err == nil {
		return ""
	}
	return err.Error() + "\n"
}

// Each testdata/*.yaml has all its faults beside it in a .faults file; UPDATE_GOLDEN=1 writes them anew.
func TestAllFaultsAreFoundAtOnce(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".faults"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(golden, []byte(faults(file, data)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), faults(file, data)); d != "" {
				t.Errorf("faults (-want +got):\n%s", d)
			}
		})
	}
}

func TestAMenuThatWaitsMayLeadBackToItself(t *testing.T) {
	got := faults("f.yaml", []byte(`
start: a
nodes:
  a: {type: menu, play: menu-main, digits: {"*": a, 1: b}, default: q}
  b: {type: prompt, play: welcome, next: a}
  q: {type: queue, queue: service-desk}
`))
	if got != "" {
		t.Errorf("faults: %s", got)
	}
}

func TestALargeFlowIsCheckedWhole(t *testing.T) {
	var b strings.Builder
	b.WriteString("start: n0\nnodes:\n")
	const n = 10_000
	for i := range n {
		fmt.Fprintf(&b, "  n%d: {type: menu, play: menu-main, digits: {1: n%d, 2: n%d}, default: n%d}\n", i, (i*7)%n, n/2, i+1)
	}
	fmt.Fprintf(&b, "  n%d: {type: hangup}\n", n)
	if got := faults("large.yaml", []byte(b.String())); got != "" {
		t.Errorf("faults: %.300s", got)
	}
}

// Any flow without faults ends for any caller, within the steps that are allowed.
func TestAnyFlowWithoutFaultsEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, fs := ivr.Parse("f.yaml", "f", []byte(drawFlow(t)))
		fs = append(fs, ivr.Check(f, known())...)
		for _, fault := range fs {
			if !strings.Contains(fault.Message, "no caller comes to") {
				return // not a flow that may be run
			}
		}
		c := &caller{script: rapid.SliceOf(rapid.StringMatching(`[0-9*#]{0,6}`)).Draw(t, "keys")}
		keys := len(strings.Join(c.script, ""))
		entered := 0
		got, err := ivr.Run(t.Context(), ivr.Line{Leg: c, Tell: func(h ivr.Happening) {
			if _, ok := h.(ivr.Entered); ok {
				entered++
			}
		}}, f, ivr.State{})
		if err != nil || got == nil {
			t.Fatalf("result %v, error %v", got, err)
		}
		// Between two keys that lead on, a call passes each node at most once.
		if nodes := len(f.Nodes()); entered > nodes*(keys+1) && got != (ivr.Hangup{Reason: call.LimitPassed}) {
			t.Fatalf("entered %d nodes of %d with %d keys", entered, nodes, keys)
		}
	})
}

func drawFlow(t *rapid.T) string {
	n := rapid.IntRange(1, 7).Draw(t, "nodes")
	to := func() string { return fmt.Sprintf("n%d", rapid.IntRange(0, n-1).Draw(t, "to")) }
	var b strings.Builder
	b.WriteString("start: n0\nnodes:\n")
	for i := range n {
		fmt.Fprintf(&b, "  n%d: ", i)
		switch kind := rapid.SampledFrom([]string{"prompt", "notice", "menu", "menu", "collect", "queue", "hangup"}).Draw(t, "kind"); kind {
		case "prompt", "notice":
			fmt.Fprintf(&b, "{type: %s, play: welcome, next: %s}\n", kind, to())
		case "menu":
			fmt.Fprintf(&b, "{type: menu, play: menu-main, digits: {1: %s, 2: %s, \"#\": %s}, default: %s, retries: %d, type-ahead: %v}\n",
				to(), to(), to(), to(), rapid.IntRange(0, 3).Draw(t, "retries"), rapid.Bool().Draw(t, "ahead"))
		case "collect":
			fmt.Fprintf(&b, "{type: collect, play: enter-number, max: %d, secret: %v, next: %s, default: %s}\n",
				rapid.IntRange(1, 5).Draw(t, "max"), rapid.Bool().Draw(t, "secret"), to(), to())
		case "queue":
			b.WriteString("{type: queue, queue: service-desk}\n")
		case "hangup":
			b.WriteString("{type: hangup}\n")
		}
	}
	return b.String()
}

func FuzzFlow(f *testing.F) {
	f.Add([]byte(support))
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fl, faults := ivr.Parse("f.yaml", "f", data)
		faults = append(faults, ivr.Check(fl, known())...)
		if err := faults.Err(); err != nil {
			if err.Error() == "" {
				t.Error("faults that say nothing")
			}
			return
		}
		c := &caller{script: []string{"1", "2#", "*"}}
		if res, _, err := run(t, fl, c, ivr.State{}); err != nil || res == nil {
			t.Errorf("a flow without faults: result %v, error %v", res, err)
		}
	})
}
