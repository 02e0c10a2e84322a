package ivr

import (
	"context"
	"maps"
	"slices"

	"firstline/ivr/source"
)

// Fault is one mistake in a flow's file.
type Fault = source.Fault

// Faults is all that is wrong with a flow.
type Faults = source.Faults

// Flow is one flow as its file says it. It does not change once read, so calls
// share it, and a call keeps the one that it started with.
type Flow struct {
	ID       string // the file's stem
	Name     string // for people; the id when the file gives none
	Language string // of the prompts, unless the call's State names another

	language  source.Word // as Language, with its place
	start     source.Word
	nodes     map[string]*node
	order     []*node        // as in the file
	variables map[string]any // by name, with what they begin with: an int, a bool or a string
	secrets   map[string]bool
}

// node is one named place of a flow.
type node struct {
	name source.Word
	flow *Flow
	kind string
	step step // nil when the kind is not known, which is a fault
}

// step is what each kind of node knows: where it leads, what it names, what may
// be wrong with that, and how it is run.
type step interface {
	exits() []exit
	prompts() []source.Word
	check(c *checker)
	// run does the node on the leg. It returns the node to go on with, or the
	// result that ends the flow.
	run(ctx context.Context, w *walk) (next string, end Result, err error)
}

// exit is one way out of a node.
type exit struct {
	to    source.Word
	keyed bool   // taken only by a caller who keys something
	label string // for the picture: a key, a condition; empty for the only way
}

// Parse reads a flow. The flow is never nil: with faults it can be checked, so
// that all of them are found at once, but must not be run.
func Parse(file, id string, data []byte) (*Flow, Faults) {
	doc := source.Parse(file, data, nil)
	m := doc.Root().Map()
	f := &Flow{ID: id, nodes: make(map[string]*node), secrets: make(map[string]bool)}
	f.Name = m.May("name").Text(id)
	language := m.May("language").Word("en")
	doc.ID("language", language)
	f.Language, f.language = language.Text, language
	f.start = m.Must("start").Word("")
	f.variables = readVariables(doc, m.May("variables").Map())
	r := newReader(doc, f)
	for _, e := range m.Must("nodes").Map().Entries() {
		doc.ID("node", e.Key)
		n := r.node(e)
		n.flow = f
		f.nodes[e.Key.Text] = n
		f.order = append(f.order, n)
	}
	for _, w := range r.wanted {
		if !f.secrets[w.Text] {
			doc.Report().AddSuggesting(w.Pos, source.Nearest(w.Text, slices.Sorted(maps.Keys(f.secrets))),
				"there is no secret %q: a collect with secret: true and as: keeps one, in the same flow", w.Text)
		}
	}
	m.End()
	return f, doc.Faults()
}

// readVariables reads {name: what it begins with}. A name must do in an expression.
func readVariables(doc *source.Doc, m *source.Map) map[string]any {
	reserved := environment(nil)
	variables := make(map[string]any)
	for _, e := range m.Entries() {
		if _, taken := reserved[e.Key.Text]; taken || !isVariable(e.Key.Text) {
			doc.Report().Add(e.Key.Pos, "%q cannot name a variable: take lower-case letters, digits and _, and no name that expressions know already", e.Key.Text)
			continue
		}
		if v := e.Value.Scalar(); v != nil {
			variables[e.Key.Text] = v
		}
	}
	return variables
}

func isVariable(s string) bool {
	for i, c := range s {
		if (c < 'a' || c > 'z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

// Start is the node at which a new call begins.
func (f *Flow) Start() string { return f.start.Text }

// Nodes is the names of all nodes, in the file's order.
func (f *Flow) Nodes() []string {
	names := make([]string, len(f.order))
	for i, n := range f.order {
		names[i] = n.name.Text
	}
	return names
}

// Prompts is the keys of all prompts that the flow plays, sorted.
func (f *Flow) Prompts() []string {
	keys := make(map[string]bool)
	for _, n := range f.order {
		if n.step == nil {
			continue
		}
		for _, p := range n.step.prompts() {
			keys[p.Text] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}
