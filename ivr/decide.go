package ivr

import (
	"context"
	"reflect"

	"firstline/ivr/source"
)

// setNode changes variables, in the file's order.
type setNode struct {
	quiet
	set  []assignment
	next source.Word
}

type assignment struct {
	variable string
	value    expression
}

func readSet(r *reader, m *source.Map) step {
	n := &setNode{next: m.Must("next").Word("")}
	for _, e := range m.Must("set").Map().Entries() {
		is, ok := r.flow.variables[e.Key.Text]
		if !ok {
			r.doc.Report().AddSuggesting(e.Key.Pos, source.Nearest(e.Key.Text, sortedNames(r.flow.variables)),
				"there is no variable %q: variables: gives its name and what it begins with", e.Key.Text)
			continue
		}
		n.set = append(n.set, assignment{e.Key.Text, r.expression(e.Value, reflect.TypeOf(is).Kind())})
	}
	return n
}

func (n *setNode) exits() []exit { return []exit{{to: n.next}} }

func (n *setNode) check(c *checker) {
	for _, a := range n.set {
		c.expression(a.value)
	}
}

// run leaves a variable as it is whose expression cannot be worked out for this
// call, and reports it.
func (n *setNode) run(_ context.Context, w *walk) (string, Result, error) {
	for _, a := range n.set {
		v, err := w.value(a.value)
		if err != nil {
			w.tell(Troubled{Node: w.state.Node, Why: failed(a.value)})
			continue
		}
		w.set(a.variable, v)
	}
	return n.next.Text, nil, nil
}

// branchNode goes where the first condition that holds leads.
type branchNode struct {
	quiet
	cases     []branchCase
	otherwise source.Word
}

type branchCase struct {
	when expression
	next source.Word
}

func readBranch(r *reader, m *source.Map) step {
	n := &branchNode{otherwise: m.Must("default").Word("")}
	for _, item := range m.Must("cases").List() {
		c := item.Map()
		n.cases = append(n.cases, branchCase{
			when: r.expression(c.Must("if"), reflect.Bool), next: c.Must("next").Word(""),
		})
		c.End()
	}
	return n
}

func (n *branchNode) exits() []exit {
	var all []exit
	for _, c := range n.cases {
		all = append(all, exit{to: c.next, label: c.when.text})
	}
	return append(all, exit{to: n.otherwise, label: "else"})
}

func (n *branchNode) check(c *checker) {
	for _, b := range n.cases {
		c.expression(b.when)
	}
}

// run takes a condition that cannot be worked out for this call as one that does
// not hold, and reports it.
func (n *branchNode) run(_ context.Context, w *walk) (string, Result, error) {
	for _, c := range n.cases {
		holds, err := w.holds(c.when)
		if err != nil {
			w.tell(Troubled{Node: w.state.Node, Why: failed(c.when)})
			continue
		}
		if holds {
			w.tell(Decided{Node: w.state.Node, Why: c.when.text})
			return c.next.Text, nil, nil
		}
	}
	w.tell(Decided{Node: w.state.Node, Why: "else"})
	return n.otherwise.Text, nil, nil
}

// languageNode changes the language in which the caller is spoken to from here on.
type languageNode struct {
	quiet
	to   source.Word
	next source.Word
}

func readLanguage(r *reader, m *source.Map) step {
	n := &languageNode{to: m.Must("to").Word("en"), next: m.Must("next").Word("")}
	r.doc.ID("language", n.to)
	return n
}

func (n *languageNode) exits() []exit    { return []exit{{to: n.next}} }
func (n *languageNode) check(c *checker) { c.refer(n.to, "language", c.known.Languages) }

func (n *languageNode) run(_ context.Context, w *walk) (string, Result, error) {
	w.state.Language = n.to.Text
	if w.env != nil {
		w.env["language"] = n.to.Text
	}
	w.tell(Spoken{Node: w.state.Node, Language: n.to.Text})
	return n.next.Text, nil, nil
}
