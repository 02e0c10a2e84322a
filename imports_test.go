package firstline_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "firstline"

// room is one line of the import rule: what the packages below a folder may name
// of this module. The same rule is in .golangci.yml (depguard), which shows it in
// the editor; this test also sees what that one cannot, a package nobody listed.
type room struct {
	path string   // package path below the module; with "/..." its sub-packages too
	may  []string // the same form; a room may always name its own sub-packages, when "/..." says so
	why  string
}

// The first room that holds a package is its room, so inner ones come first.
var rooms = []room{
	{"call/calltest", []string{"call"}, "the fake switch is for every room's tests, so it knows only the vocabulary"},
	{"call/pin", nil, "secrets know nobody"},
	{"call/table", nil, "tables know nobody"},
	{"call/wall", nil, "dates know nobody"},
	{"call/...", nil, "the vocabulary is what all rooms share: the standard library only, and nothing of ours"},

	{"ivr/prompts", nil, "the catalogue of recordings is data; the flow asks it, never the other way round"},
	{"ivr/...", []string{"call", "call/wall", "ivr/prompts"}, "siblings meet only in intake"},
	{"callqueue/agents", []string{"call"}, "agents are known by the queue, not the queue by agents"},
	{"callqueue/sla", []string{"call"}, "pure arithmetic over events"},
	{"callqueue/...", []string{"call", "call/pin", "call/table"}, "siblings meet only in intake; the queue uses its own sub-packages"},
	{"tickets/...", []string{"call", "call/pin", "call/table", "call/wall"}, "siblings meet only in intake"},
	{"recordings/...", []string{"call"}, "siblings meet only in intake"},
	{"intake/...", []string{"call", "call/pin", "call/wall", "ivr/...", "callqueue/...", "tickets/...", "recordings/..."}, "the journey joins the domain rooms and knows no edge"},

	{"sip/media", nil, "audio knows ports, packets and samples, no calls"},
	{"sip/ari/asterisk", nil, "Asterisk's own words; what a call is, the front end knows"},
	{"sip/ari", edge("sip/ari/asterisk"), "the front ends do not know each other"},
	{"sip/webrtc", edge("sip/media"), "the browser's leg is handed to sip by cmd"},
	{"sip/siptest", edge("sip", "sip/media", "call/calltest"), "phones for tests of every front end: they are the contract's far ends"},
	{"sip/...", edge("sip/media"), "an edge names the domain, never another edge"},
	{"store/...", edge(), "an edge names the domain, never another edge"},
	{"web/...", edge(), "an edge names the domain, never another edge"},
	{"config/...", edge(), "an edge names the domain, never another edge"},

	{"cmd/...", []string{"..."}, "the program wires everything"},
	{"e2e/...", []string{"..."}, "end-to-end tests may look at anything"},
	{"", nil, "the root holds no code"},
}

// edge is what every edge package may name, and what it may besides.
func edge(besides ...string) []string {
	return append(besides, "call", "call/pin", "call/wall", "intake/...", "ivr/...", "callqueue/...", "tickets/...", "recordings/...")
}

type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string // of package x
	XTestImports []string // of package x_test
}

func TestImportsPointToCall(t *testing.T) {
	for _, p := range packages(t) {
		own := below(p.ImportPath)
		r, ok := roomOf(own)
		if !ok {
			t.Errorf("package %s is in no room: add it to the table in imports_test.go and to .golangci.yml", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if ours(imp) && !r.mayName(below(imp)) {
				t.Errorf("%s imports %s: %s (may name: %s)", p.ImportPath, imp, r.why, r.list())
			}
		}
		for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
			if ours(imp) && !r.mayName(below(imp)) && !testsMayName(own, below(imp)) {
				t.Errorf("tests of %s import %s: %s (may name: %s)", p.ImportPath, imp, r.why, r.list())
			}
		}
	}
}

// The vocabulary has to stay free of libraries too, or every room pays for them.
func TestCallNeedsTheStandardLibraryOnly(t *testing.T) {
	std := standard(t)
	for _, p := range packages(t) {
		if below(p.ImportPath) != "call" {
			continue
		}
		for _, imp := range p.Imports {
			if !std[imp] {
				t.Errorf("%s imports %s, which is not of the standard library", p.ImportPath, imp)
			}
		}
	}
}

func TestTheRuleHoldsItsOwnExamples(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"tickets", "call", true},
		{"tickets", "callqueue", false},
		{"callqueue", "callqueue/sla", true},
		{"callqueue/sla", "callqueue", false},
		{"intake", "callqueue/agents", true},
		{"intake", "sip", false},
		{"sip", "sip/media", true},
		{"sip/media", "call", false},
		{"sip/ari", "sip", false},
		{"sip/ari", "sip/ari/asterisk", true},
		{"sip/ari/asterisk", "call", false},
		{"sip/ari", "sip/ari/asterisk", true},
		{"sip/ari/asterisk", "call", false},
		{"store/storetest", "store", true},
		{"web", "store", false},
		{"cmd/firstline", "store", true},
	} {
		r, ok := roomOf(c.from)
		if !ok {
			t.Fatalf("%s is in no room", c.from)
		}
		if got := r.mayName(c.to); got != c.want {
			t.Errorf("%s may name %s: %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

func roomOf(pkg string) (room, bool) {
	i := slices.IndexFunc(rooms, func(r room) bool { return covers(r.path, pkg) })
	if i < 0 {
		return room{}, false
	}
	return rooms[i], true
}

func (r room) mayName(pkg string) bool {
	if strings.HasSuffix(r.path, "/...") && covers(r.path, pkg) {
		inner, ok := roomOf(pkg)
		// An inner room with a line of its own is named only by who lists it,
		// save that callqueue owns its sub-packages.
		if ok && (inner.path == r.path || strings.HasPrefix(r.path, "callqueue")) {
			return true
		}
	}
	return slices.ContainsFunc(r.may, func(may string) bool { return covers(may, pkg) })
}

// testsMayName is what a test may name beyond its room: the package under test,
// the shared fakes and suites, and the real store, which beats a fake of it.
func testsMayName(own, imp string) bool {
	return imp == own || strings.HasSuffix(imp, "test") || imp == "store"
}

func (r room) list() string {
	if len(r.may) == 0 {
		return "nothing of ours"
	}
	return strings.Join(r.may, ", ")
}

// covers says whether pkg is the package that pattern names, or one below it.
func covers(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	if folder, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == folder || strings.HasPrefix(pkg, folder+"/")
	}
	return pkg == pattern
}

func ours(importPath string) bool {
	return importPath == module || strings.HasPrefix(importPath, module+"/")
}

func below(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
}

func packages(t *testing.T) []listed {
	t.Helper()
	return goList(t, "./...")
}

func standard(t *testing.T) map[string]bool {
	t.Helper()
	std := make(map[string]bool)
	for _, p := range goList(t, "std") {
		std[p.ImportPath] = true
	}
	return std
}

// goList asks with all build tags, so that no file is out of the rule's sight.
func goList(t *testing.T, pattern string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-tags", "e2e,load,bench",
		"-json=ImportPath,Imports,TestImports,XTestImports", pattern)
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		t.Fatalf("go list %s: %v", pattern, err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("go list %s: %v", pattern, err)
		}
		all = append(all, p)
	}
}
