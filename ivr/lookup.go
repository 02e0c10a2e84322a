package ivr

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"firstline/ivr/source"
)

// lookupNode asks another system about the caller, within the time that the
// line's Lookup allows, and goes by what it says. A system that does not answer in
// time costs the caller nothing more: failed is where the call goes then.
type lookupNode struct {
	quiet
	lookup   source.Word
	send     []sending
	secrets  []string     // sent by their names
	take     []assignment // variable, and the answer's field as text of its expression
	verifies bool
	found    source.Word
	missing  source.Word
	failed   source.Word
}

type sending struct {
	name  string
	value expression
}

func readLookup(r *reader, m *source.Map) step {
	n := &lookupNode{
		lookup: m.Must("lookup").Word(""), verifies: m.May("verifies").Bool(false),
		found: m.Must("found").Word(""), missing: m.Must("missing").Word(""), failed: m.Must("failed").Word(""),
	}
	for _, e := range m.May("send").Map().Entries() {
		n.send = append(n.send, sending{e.Key.Text, r.expression(e.Value, reflect.String)})
	}
	for _, w := range words(m.May("secrets")) {
		r.wanted = append(r.wanted, w)
		n.secrets = append(n.secrets, w.Text)
	}
	for _, e := range m.May("take").Map().Entries() {
		if v := r.variable(word(e.Key, e.Value), reflect.Invalid); v != "" {
			n.take = append(n.take, assignment{variable: v, value: expression{text: e.Value.Word("").Text}})
		}
	}
	if n.verifies && len(n.secrets) == 0 {
		m.May("verifies").Fault("a number or an account alone verifies nobody: send a secret as well")
	}
	return n
}

// word is a key as a value to be read.
func word(key source.Word, v source.Value) source.Value { return v.As(key) }

func (n *lookupNode) exits() []exit {
	return []exit{{to: n.found, label: "found"}, {to: n.missing, label: "missing"}, {to: n.failed, label: "failed"}}
}

func (n *lookupNode) check(c *checker) {
	c.refer(n.lookup, "lookup", c.known.Lookups)
	for _, s := range n.send {
		c.expression(s.value)
	}
}

// Found is what a lookup came to.
type Found int

// The ways in which a lookup ends.
const (
	LookupFailed  Found = iota // it could not be asked, did not answer in time, or not in our words
	LookupMissing              // nobody of the kind is known
	LookupFound
)

func (n *lookupNode) run(ctx context.Context, w *walk) (string, Result, error) {
	ask := make(map[string]string, len(n.send)+len(n.secrets))
	for _, s := range n.send {
		v, err := w.value(s.value)
		if err != nil {
			w.tell(Troubled{Node: w.state.Node, Why: failed(s.value)})
			return n.failed.Text, nil, nil
		}
		ask[s.name], _ = v.(string)
	}
	for _, name := range n.secrets {
		secret, keyed := w.secrets[name]
		if !keyed { // forgotten with the process that heard it
			w.tell(Decided{Node: w.state.Node, Why: "the secret was not kept through a restart"})
			return n.failed.Text, nil, nil
		}
		ask[name] = secret
	}
	if w.line.Lookup == nil {
		w.tell(Decided{Node: w.state.Node, Why: "nothing is looked up here"})
		return n.failed.Text, nil, nil
	}
	answer, found := w.line.Lookup(ctx, n.lookup.Text, ask)
	if ctx.Err() != nil {
		return "", nil, context.Cause(ctx)
	}
	return n.goBy(w, answer, found), nil, nil
}

// goBy takes what was answered and returns the next node.
func (n *lookupNode) goBy(w *walk, answer map[string]any, found Found) string {
	switch found {
	case LookupMissing:
		w.tell(Decided{Node: w.state.Node, Why: "missing"})
		return n.missing.Text
	case LookupFailed:
		w.tell(Decided{Node: w.state.Node, Why: "failed"})
		return n.failed.Text
	}
	for _, t := range n.take {
		v, begins := answer[t.value.text], w.flow.variables[t.variable]
		if whole, ok := v.(float64); ok && whole == float64(int(whole)) {
			v = int(whole)
		}
		if reflect.TypeOf(v) != reflect.TypeOf(begins) {
			w.tell(Troubled{Node: w.state.Node, Why: "the answer has no " + t.value.text + " that " + t.variable + " could hold"})
			continue
		}
		w.set(t.variable, v)
	}
	w.tell(Decided{Node: w.state.Node, Why: "found"})
	if n.verifies {
		w.identify(Verified, "lookup "+n.lookup.Text+" with "+listed(n.secrets))
	}
	return n.found.Text
}

func listed(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), ", ")
}

// identify raises how sure we are of the caller. It never sinks.
func (w *walk) identify(to Identity, evidence string) {
	ladder := Identities()
	if slices.Index(ladder, to) <= slices.Index(ladder, w.identity()) {
		return
	}
	w.state.Identity = to
	if w.env != nil {
		w.env["identity"] = string(to)
	}
	w.tell(Identified{Node: w.state.Node, Identity: to, Evidence: evidence})
}

// identityNode says what the way here has shown of who calls. It cannot say that
// anyone is verified: only a lookup with a secret does.
type identityNode struct {
	quiet
	unchecked
	is   Identity
	next source.Word
}

func readIdentity(_ *reader, m *source.Map) step {
	is := m.Must("is").OneOf(string(Possible), string(Possible), string(Recognised), string(Confirmed))
	return &identityNode{is: Identity(is), next: m.Must("next").Word("")}
}

func (n *identityNode) exits() []exit { return []exit{{to: n.next}} }

func (n *identityNode) run(_ context.Context, w *walk) (string, Result, error) {
	w.identify(n.is, "node "+w.state.Node)
	return n.next.Text, nil, nil
}

// classifyNode fills the ticket's classification from where the caller's keys led:
// a proposal, which an agent confirms.
type classifyNode struct {
	quiet
	unchecked
	kind, severity, urgency string
	next                    source.Word
}

// affected is how severe a problem is by how many have it.
func affected() map[string]string {
	return map[string]string{"me": "low", "team": "medium", "everyone": "critical"}
}

func readClassify(_ *reader, m *source.Map) step {
	n := &classifyNode{
		kind:    m.May("kind").OneOf("", "security-breach", "technical-failure", "software", "not-technical"),
		urgency: m.May("urgency").OneOf("", "low", "medium", "high"),
		next:    m.Must("next").Word(""),
	}
	n.severity = affected()[m.May("affected").OneOf("", slices.Sorted(maps.Keys(affected()))...)]
	return n
}

func (n *classifyNode) exits() []exit { return []exit{{to: n.next}} }

func (n *classifyNode) run(_ context.Context, w *walk) (string, Result, error) {
	c := &w.state.Class
	for field, said := range map[*string]string{&c.Kind: n.kind, &c.Severity: n.severity, &c.Urgency: n.urgency} {
		if said != "" {
			*field = said
		}
	}
	w.tell(Classified{Node: w.state.Node, Class: *c})
	return n.next.Text, nil, nil
}
