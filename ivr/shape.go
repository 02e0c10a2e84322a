package ivr

import (
	"cmp"
	"maps"
	"slices"

	"firstline/call"
	"firstline/ivr/source"
)

// What callers can keep in mind.
const (
	mostChoices = 5 // of one menu, "*" and "#" apart
	mostMenus   = 3 // one after the other
)

// Advise returns what is no fault of the flows of a centre, but hardly meant: menus
// that are too long or too deep, and circles that a caller does not get out of by
// any key. Entered is the flows that calls come to from outside.
func Advise(flows []*Flow, entered []string) Faults {
	c := &checker{flows: make(map[string]*Flow, len(flows)), returns: make(map[*Flow]bool)}
	for _, f := range flows {
		c.flows[f.ID] = f
	}
	var advice Faults
	for _, f := range flows {
		for _, n := range f.order {
			if m, ok := n.step.(*menuNode); ok && m.choices() > mostChoices {
				advice.Add(n.name.Pos, "the menu %q has %d choices, and callers keep %d in mind: make two menus of it", n.name.Text, m.choices(), mostChoices)
			}
		}
	}
	advice = append(advice, c.deep(entered)...)
	return append(advice, c.traps(flows)...)
}

// choices is how many keys of a menu lead on; "*" and "#" repeat or go back.
func (n *menuNode) choices() int {
	all := 0
	for key := range n.digits {
		if key != '*' && key != '#' {
			all++
		}
	}
	return all
}

// deep names the menus that no caller comes to through fewer than mostMenus others.
func (c *checker) deep(entered []string) Faults {
	depth := make(map[*node]int) // least menus on the way, the node's own with them
	var layer []*node
	for _, id := range entered {
		if f := c.flows[id]; f != nil {
			layer = append(layer, c.meant(f, f.start))
		}
	}
	var advice Faults
	for menus := 0; len(layer) > 0; menus++ {
		layer = c.spread(layer, menus, depth)
		for _, n := range layer {
			if menus == mostMenus && depth[n] == 0 {
				advice.Add(n.name.Pos, "callers come to the menu %q through %d others, and more than %d are too many to key through: ask for less", n.name.Text, menus, mostMenus)
			}
		}
	}
	return advice
}

// spread follows all ways from some nodes up to the next menus, which it returns.
func (c *checker) spread(from []*node, menus int, depth map[*node]int) (next []*node) {
	todo := slices.Clone(from)
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n == nil || depth[n] != 0 {
			continue
		}
		depth[n] = menus + 1
		for _, w := range c.onward(n) {
			if _, menu := w.to.step.(*menuNode); menu && depth[w.to] == 0 {
				next = append(next, w.to)
				continue
			}
			todo = append(todo, w.to)
		}
	}
	return next
}

// traps names the circles that silence leads out of and no key.
func (c *checker) traps(flows []*Flow) Faults {
	var advice Faults
	for _, ring := range c.rings(flows) {
		keys, out := 0, false
		for n := range ring {
			for _, w := range c.onward(n) {
				keyed := w.keyed || !isAsking(n)
				keys += count(keyed && ring[w.to])
				out = out || keyed && !ring[w.to]
			}
		}
		if keys == 0 || out {
			continue
		}
		nodes := slices.SortedFunc(maps.Keys(ring), byPlace)
		advice.Add(nodes[0].name.Pos, "no key leads out of %s, only silence does: give it a key that leads on", spell(nodes))
	}
	return advice
}

func byPlace(a, b *node) int {
	return cmp.Or(cmp.Compare(a.name.File, b.name.File), cmp.Compare(a.name.Line, b.name.Line), cmp.Compare(a.name.Column, b.name.Column))
}

func isAsking(n *node) bool {
	switch n.step.(type) {
	case *menuNode, *collectNode:
		return true
	}
	return false
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// rings is the sets of nodes that all lead to one another (Tarjan's strongly
// connected components), single nodes only when they lead to themselves.
func (c *checker) rings(flows []*Flow) []map[*node]bool {
	t := &tarjan{c: c, index: make(map[*node]int), low: make(map[*node]int), on: make(map[*node]bool)}
	for _, f := range flows {
		for _, n := range f.order {
			if t.index[n] == 0 {
				t.visit(n)
			}
		}
	}
	return t.rings
}

type tarjan struct {
	c     *checker
	index map[*node]int // from 1
	low   map[*node]int
	on    map[*node]bool // the stack
	stack []*node
	rings []map[*node]bool
}

func (t *tarjan) visit(n *node) {
	t.index[n] = len(t.index) + 1
	t.low[n] = t.index[n]
	t.stack, t.on[n] = append(t.stack, n), true
	self := false
	for _, w := range t.c.onward(n) {
		self = self || w.to == n
		switch {
		case t.index[w.to] == 0:
			t.visit(w.to)
			t.low[n] = min(t.low[n], t.low[w.to])
		case t.on[w.to]:
			t.low[n] = min(t.low[n], t.index[w.to])
		}
	}
	if t.low[n] != t.index[n] {
		return
	}
	ring := make(map[*node]bool)
	for last := (*node)(nil); last != n; {
		last = t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.on[last], ring[last] = false, true
	}
	if len(ring) > 1 || self {
		t.rings = append(t.rings, ring)
	}
}

// Spoken is every language that a flow names, with where it does.
func (f *Flow) Spoken() []source.Word {
	all := []source.Word{f.language}
	for _, n := range f.order {
		if l, ok := n.step.(*languageNode); ok {
			all = append(all, l.to)
		}
	}
	return all
}

// Asked is what a flow asks of a queue's agents at one of its nodes.
type Asked struct {
	Queue source.Word
	Need  call.Requirement
}

// Queues is every queue that a flow sends calls to.
func (f *Flow) Queues() []Asked {
	var all []Asked
	for _, n := range f.order {
		if q, ok := n.step.(*queueNode); ok {
			all = append(all, Asked{q.queue, q.ask})
		}
	}
	return all
}
