package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// printed runs the program and returns what it printed.
func printed(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	code = run(t.Context(), args, &b, &b)
	return code, b.String()
}

func TestTheDemosFlowIsDrawnInThreeWays(t *testing.T) {
	for form, want := range map[string]string{
		"--text": "support/main: menu menu-main\n  1 → support/technical\n", "--mermaid": "flowchart TD\n", "--svg": `<rect class="menu"`,
	} {
		if code, out := printed(t, "flow", "graph", "support", form); code != 0 || !strings.Contains(out, want) {
			t.Errorf("%s: exit code %d, %.300s", form, code, out)
		}
	}
	if code, out := printed(t, "flow", "graph", "spport"); code == 0 || !strings.Contains(out, "there are support") {
		t.Errorf("a flow that is not there: exit code %d, %s", code, out)
	}
}

func TestWhatIfPrintsTheWholeWayAndWhy(t *testing.T) {
	code, out := printed(t, "whatif", "--at", "2026-12-25T10:00", "--from", "+4930123", "--to", "1000", "--keys", "7,2")
	for _, want := range []string{
		"1000 is dialled at Fri 2026-12-25 10:00 UTC", "leads to flow support, client demo", "support/welcome: enters",
		"hears prompt:en/menu-main", "main: keys 7, which is not taken", "main: keys 2", "comes to queue service-desk",
	} {
		if code != 0 || !strings.Contains(out, want+"\n") {
			t.Errorf("%q is not said, exit code %d:\n%s", want, code, out)
		}
	}
	for _, bad := range [][]string{{"--keys", "seven", "--to", "1000"}, {"--at", "noon", "--to", "1000"}} {
		if code, out := printed(t, append([]string{"whatif"}, bad...)...); code == 0 {
			t.Errorf("%v: %s", bad, out)
		}
	}
}

func TestCheckPrintsJSONWithFileLineReasonAndSuggestion(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"firstline.yaml":            "centre: " + filepath.Join(dir, "centre") + "\n",
		"centre/numbers.yaml":       "1000: {flow: spport}\n",
		"centre/flows/support.yaml": "start: a\nnodes:\n  a: {type: hangup}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out := printed(t, "check", "--json", "-c", filepath.Join(dir, "firstline.yaml"))
	for _, want := range []string{`"line": 1`, `"column": 14`, `numbers.yaml"`, `"message": "there is no flow \"spport\""`, `"suggestion": "support"`} {
		if code != exitFailed || !strings.Contains(out, want) {
			t.Errorf("%s is not in it, exit code %d:\n%s", want, code, out)
		}
	}
}
