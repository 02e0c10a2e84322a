package ivr

import (
	"strings"

	"firstline/ivr/source"
)

// Known is what a flow may name. A nil list is not checked; an empty one knows nothing.
type Known struct {
	Queues  []string
	Skills  []string
	Prompts []string // keys, without language
}

// Check returns what is wrong with a flow beyond its form: names that lead
// nowhere, nodes that no caller reaches, and circles in which a caller who keys
// nothing would go round for ever.
func Check(f *Flow, known Known) Faults {
	c := checker{flow: f, known: known, names: f.Nodes()}
	if len(f.order) == 0 {
		return c.faults // Parse said that there are none
	}
	c.leads(f.start)
	for _, n := range f.order {
		c.references(n)
	}
	c.unreachable()
	c.circles()
	return c.faults
}

type checker struct {
	flow   *Flow
	known  Known
	names  []string
	faults Faults
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
	q, ok := n.step.(*queueNode)
	if m, message := n.step.(*voicemailNode); message {
		q, ok = m.queueNode, true
	}
	if ok {
		c.refer(q.queue, "queue", c.known.Queues)
		for _, s := range q.need {
			c.refer(s, "skill", c.known.Skills)
		}
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

// unreachable notes the nodes that no caller comes to. A name that is nearly
// right leads where it was meant to, so one slip is one fault.
func (c *checker) unreachable() {
	if c.flow.start.Text == "" {
		return
	}
	reached := make(map[*node]bool)
	todo := []*node{c.meant(c.flow.start)}
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
			todo = append(todo, c.meant(e.to))
		}
	}
	for _, n := range c.flow.order {
		if !reached[n] {
			c.faults.Add(n.name.Pos, "no caller comes to node %q: nothing that can be reached from the start leads to it", n.name.Text)
		}
	}
}

func (c *checker) meant(name source.Word) *node {
	if n, ok := c.flow.nodes[name.Text]; ok || name.Text == "" || len(c.faults) >= manyFaults {
		return n
	}
	return c.flow.nodes[source.Nearest(name.Text, c.names)]
}

// manyFaults is where guessing what was meant stops being worth its time.
const manyFaults = 100

type colour int

const (
	unseen colour = iota
	onPath
	done
)

// circles notes each circle of exits that need no key.
func (c *checker) circles() {
	seen := make(map[*node]colour)
	for _, n := range c.flow.order {
		if seen[n] == unseen {
			c.follow(n, nil, seen)
		}
	}
}

func (c *checker) follow(n *node, path []*node, seen map[*node]colour) {
	if n.step == nil {
		seen[n] = done
		return
	}
	seen[n] = onPath
	path = append(path, n)
	for _, e := range n.step.exits() {
		if e.keyed {
			continue
		}
		next := c.meant(e.to)
		switch {
		case next == nil || seen[next] == done:
		case seen[next] == onPath:
			c.faults.Add(e.to.Pos, "a caller who keys nothing goes round for ever: %s", circle(path, next))
		default:
			c.follow(next, path, seen)
		}
	}
	seen[n] = done
}

// circle spells the way from a node of the path round to it again, in short when it is long.
func circle(path []*node, to *node) string {
	var names []string
	on := false
	for _, n := range path {
		if on = on || n == to; on {
			names = append(names, n.name.Text)
		}
	}
	names = append(names, to.name.Text)
	if len(names) > 8 {
		names = append(append(names[:4:4], "…"), names[len(names)-2:]...)
	}
	return strings.Join(names, " → ")
}
