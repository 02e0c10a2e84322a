package ivr

import (
	"reflect"
	"slices"
	"strings"

	"firstline/ivr/source"
)

// Known is what a flow may name. A nil list is not checked; an empty one knows nothing.
type Known struct {
	Queues    []string
	Skills    []string
	Prompts   []string // keys, without language
	Flows     []string
	Languages []string
	Calendars []string
	Lookups   []string
	Entered   []string // flows that calls come to from outside
}

// Check returns what is wrong with a flow by itself beyond its form: names that
// lead nowhere, nodes that no caller reaches, and circles in which a caller who
// keys nothing would go round for ever.
func Check(f *Flow, known Known) Faults { return CheckAll([]*Flow{f}, known) }

// CheckAll is Check for the flows of a centre, which may lead to one another.
func CheckAll(flows []*Flow, known Known) Faults {
	c := &checker{known: known, flows: make(map[string]*Flow, len(flows)), returns: make(map[*Flow]bool)}
	for _, f := range flows {
		c.flows[f.ID] = f
	}
	for _, f := range flows {
		if len(f.order) == 0 {
			continue // Parse said that there are none
		}
		c.flow, c.names = f, f.Nodes()
		c.leads(f.start)
		for _, n := range f.order {
			c.references(n)
		}
		c.unreachable()
	}
	c.variables(flows)
	c.recursion(flows)
	c.circles(flows)
	return c.faults
}

type checker struct {
	known  Known
	flows  map[string]*Flow
	faults Faults

	flow    *Flow // under the check, and its nodes' names
	names   []string
	returns map[*Flow]bool // that go back for a caller who keys nothing; see goesBack
}

func (c *checker) references(n *node) {
	if n.step == nil {
		return
	}
	for _, e := range n.step.exits() {
		c.leads(e.to)
	}
	for _, p := range n.step.prompts() {
		c.refer(p, "prompt", c.known.Prompts)
	}
	n.step.check(c)
	if _, back := n.step.(*returnNode); back && slices.Contains(c.known.Entered, c.flow.ID) {
		c.faults.AddSuggesting(n.name.Pos, "hangup", "a dead end: calls come to this flow from outside, so there is nothing that %q could return to", n.name.Text)
	}
}

func (c *checker) leads(to source.Word) {
	if _, ok := c.flow.nodes[to.Text]; !ok { // a search of all names for each exit would be slow
		c.faults.Refer(to, "node", c.names)
	}
}

func (c *checker) refer(name source.Word, what string, known []string) {
	if known != nil {
		c.faults.Refer(name, what, known)
	}
}

func (c *checker) expression(e expression) {
	for _, q := range e.queues {
		c.refer(q, "queue", c.known.Queues)
	}
	for _, o := range e.calendars {
		c.refer(o, "calendar", c.known.Calendars)
	}
}

// unreachable notes the nodes that no caller comes to. A name that is nearly
// right leads where it was meant to, so one slip is one fault.
func (c *checker) unreachable() {
	if c.flow.start.Text == "" {
		return
	}
	reached := make(map[*node]bool)
	todo := []*node{c.meant(c.flow, c.flow.start)}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n == nil || reached[n] {
			continue
		}
		if n.step == nil {
			return // nobody knows where it leads
		}
		reached[n] = true
		for _, e := range n.step.exits() {
			todo = append(todo, c.meant(c.flow, e.to))
		}
	}
	for _, n := range c.flow.order {
		if !reached[n] {
			c.faults.Add(n.name.Pos, "no caller comes to node %q: nothing that can be reached from the start leads to it", n.name.Text)
		}
	}
}

func (c *checker) meant(f *Flow, name source.Word) *node {
	if n, ok := f.nodes[name.Text]; ok || name.Text == "" || len(c.faults) >= manyFaults {
		return n
	}
	return f.nodes[source.Nearest(name.Text, f.Nodes())]
}

// manyFaults is where guessing what was meant stops being worth its time.
const manyFaults = 100

// variables notes what two flows call by one name and hold differently: a call
// takes its variables with it.
func (c *checker) variables(flows []*Flow) {
	first := make(map[string]*Flow)
	for _, f := range flows {
		for _, name := range sortedNames(f.variables) {
			other, ok := first[name]
			if !ok {
				first[name] = f
				continue
			}
			is, was := reflect.TypeOf(f.variables[name]).Kind(), reflect.TypeOf(other.variables[name]).Kind()
			if is != was {
				c.faults.Add(f.start.Pos, "the variable %q holds %s here, and %s in flow %q: a call takes its variables from flow to flow",
					name, kindWord(is), kindWord(was), other.ID)
			}
		}
	}
}

// recursion notes flows that call themselves, by others too: each round would be
// one more to return from.
func (c *checker) recursion(flows []*Flow) {
	for _, f := range flows {
		for _, n := range f.order {
			sub, ok := n.step.(*subNode)
			if !ok || sub.next.Text == "" {
				continue
			}
			if to := c.flows[sub.flow.Text]; to != nil && c.reaches(to, f, make(map[*Flow]bool)) {
				c.faults.Add(sub.flow.Pos, "flow %q comes back to flow %q without returning: leave out next to go over for good, or let it return", sub.flow.Text, f.ID)
			}
		}
	}
}

// reaches reports whether one flow leads to another by flow nodes.
func (c *checker) reaches(from, to *Flow, seen map[*Flow]bool) bool {
	if from == to {
		return true
	}
	seen[from] = true
	for _, n := range from.order {
		sub, ok := n.step.(*subNode)
		if !ok {
			continue
		}
		if next := c.flows[sub.flow.Text]; next != nil && !seen[next] && c.reaches(next, to, seen) {
			return true
		}
	}
	return false
}

// onward is every way out of a node for the graph of all flows: its exits, and
// the start of a flow that it goes into.
func (c *checker) onward(n *node) []way {
	if n.step == nil {
		return nil
	}
	var ways []way
	sub, _ := n.step.(*subNode)
	if sub != nil {
		if to := c.flows[sub.flow.Text]; to != nil {
			if start := c.meant(to, to.start); start != nil {
				ways = append(ways, way{to: start, at: sub.flow.Pos})
			}
		}
	}
	for _, e := range n.step.exits() {
		if to := c.meant(n.flow, e.to); to != nil {
			keyed := e.keyed || sub != nil && !c.goesBack(c.flows[sub.flow.Text])
			ways = append(ways, way{to: to, at: e.to.Pos, keyed: keyed})
		}
	}
	return ways
}

type way struct {
	to    *node
	at    source.Pos
	keyed bool
}

// goesBack reports whether a caller who keys nothing comes back from a flow. Of
// one that is not there that is to be feared.
func (c *checker) goesBack(f *Flow) bool {
	if f == nil {
		return true
	}
	if back, known := c.returns[f]; known {
		return back
	}
	c.returns[f] = false // a circle does not come back by itself
	seen := make(map[*node]bool)
	todo := []*node{c.meant(f, f.start)}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n == nil || n.step == nil || seen[n] {
			continue
		}
		seen[n] = true
		if c.comesBack(n) {
			c.returns[f] = true
			return true
		}
		for _, e := range n.step.exits() {
			if sub, ok := n.step.(*subNode); !e.keyed && (!ok || c.goesBack(c.flows[sub.flow.Text])) {
				todo = append(todo, c.meant(f, e.to))
			}
		}
	}
	return false
}

// comesBack reports whether a node itself returns: a flow that was gone over to
// for good returns in the place of the one that went.
func (c *checker) comesBack(n *node) bool {
	switch s := n.step.(type) {
	case *returnNode:
		return true
	case *subNode:
		return s.next.Text == "" && c.goesBack(c.flows[s.flow.Text])
	}
	return false
}

type colour int

const (
	unseen colour = iota
	onPath
	done
)

// circles notes each circle of ways that need no key.
func (c *checker) circles(flows []*Flow) {
	seen := make(map[*node]colour)
	for _, f := range flows {
		for _, n := range f.order {
			if seen[n] == unseen {
				c.follow(n, nil, seen)
			}
		}
	}
}

func (c *checker) follow(n *node, path []*node, seen map[*node]colour) {
	seen[n] = onPath
	path = append(path, n)
	for _, w := range c.onward(n) {
		switch {
		case w.keyed || seen[w.to] == done:
		case seen[w.to] == onPath:
			c.faults.Add(w.at, "a caller who keys nothing goes round for ever: %s", circle(path, w.to))
		default:
			c.follow(w.to, path, seen)
		}
	}
	seen[n] = done
}

// circle spells the way from a node of the path round to it again, in short when
// it is long, and with the flows when there are several.
func circle(path []*node, to *node) string {
	from := slices.Index(path, to)
	return spell(append(path[from:len(path):len(path)], to))
}

func spell(path []*node) string {
	flows := make(map[*Flow]bool)
	for _, n := range path {
		flows[n.flow] = true
	}
	names := make([]string, len(path))
	for i, n := range path {
		if names[i] = n.name.Text; len(flows) > 1 {
			names[i] = n.flow.ID + "/" + names[i]
		}
	}
	if len(names) > 8 {
		names = append(append(names[:4:4], "…"), names[len(names)-2:]...)
	}
	return strings.Join(names, " → ")
}
