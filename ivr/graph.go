package ivr

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Picture is flows as boxes and arrows, in the order in which callers come to them.
type Picture struct {
	Boxes  []Box
	Arrows []Arrow
}

// Box is a node. ID is unique in its picture: flow/node.
type Box struct {
	ID    string `json:"id"`
	Flow  string `json:"flow"`
	Node  string `json:"node"`
	Kind  string `json:"kind"`
	Text  string `json:"text,omitempty"` // what it plays, asks or leads to, in few words
	Start bool   `json:"start,omitempty"`
	Level int    `json:"level"` // nodes on the shortest way from a start
	Count *Count `json:"count,omitempty"`
}

// Count is the calls at a node: those that are there now, and those that came to it,
// and hung up at it, today.
type Count struct {
	Now     int `json:"now"`
	Entered int `json:"entered"`
	Left    int `json:"left"`
}

// String is the counts in few words.
func (c Count) String() string {
	return fmt.Sprintf("%d now, %d today, %d left", c.Now, c.Entered, c.Left)
}

// Counted is the picture with the calls at each of its nodes; one that has none stands
// at zero.
func (p Picture) Counted(counts map[Place]Count) Picture {
	p.Boxes = slices.Clone(p.Boxes)
	for i := range p.Boxes {
		b := &p.Boxes[i]
		b.Count = new(counts[Place{b.Flow, b.Node}])
	}
	return p
}

// Arrow is a way from one box to another. Label is the key or the condition that
// takes it; Jump says that it leads into another flow.
type Arrow struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Label string `json:"label,omitempty"`
	Jump  bool   `json:"jump,omitempty"`
}

// Draw pictures flows. What they lead to that is not among them is left out.
func Draw(flows []*Flow) Picture {
	d := &drawing{
		c:     &checker{flows: make(map[string]*Flow, len(flows)), returns: make(map[*Flow]bool)},
		level: make(map[*node]int),
	}
	for _, f := range flows {
		d.c.flows[f.ID] = f
	}
	for _, f := range flows {
		d.from(f.nodes[f.start.Text])
	}
	for _, f := range flows { // what nobody comes to is drawn as well, at the end
		for _, n := range f.order {
			d.from(n)
		}
	}
	return d.picture
}

type drawing struct {
	c       *checker
	level   map[*node]int // from 1
	picture Picture
}

// from draws what can be reached from a node and is not drawn yet, nearest first.
func (d *drawing) from(start *node) {
	if start == nil || d.level[start] != 0 {
		return
	}
	d.level[start] = 1
	for todo := []*node{start}; len(todo) > 0; todo = todo[1:] {
		n := todo[0]
		d.box(n)
		for _, a := range d.arrows(n) {
			d.picture.Arrows = append(d.picture.Arrows, Arrow{From: idOf(n), To: idOf(a.to), Label: a.label, Jump: a.to.flow != n.flow})
			if d.level[a.to] == 0 {
				d.level[a.to] = d.level[n] + 1
				todo = append(todo, a.to)
			}
		}
	}
}

type arrow struct {
	to    *node
	label string
}

func (d *drawing) arrows(n *node) []arrow {
	if n.step == nil {
		return nil
	}
	var all []arrow
	if sub, ok := n.step.(*subNode); ok {
		if to := d.c.flows[sub.flow.Text]; to != nil && to.nodes[to.start.Text] != nil {
			all = append(all, arrow{to.nodes[to.start.Text], ""})
		}
	}
	for _, e := range n.step.exits() {
		if to := n.flow.nodes[e.to.Text]; to != nil {
			all = append(all, arrow{to, e.label})
		}
	}
	return all
}

func (d *drawing) box(n *node) {
	d.picture.Boxes = append(d.picture.Boxes, Box{
		ID: idOf(n), Flow: n.flow.ID, Node: n.name.Text, Kind: n.kind, Text: gist(n.step),
		Start: n.flow.start.Text == n.name.Text, Level: d.level[n],
	})
}

func idOf(n *node) string { return n.flow.ID + "/" + n.name.Text }

// gist is what a node is about, in few words.
func gist(s step) string {
	switch s := s.(type) {
	case nil:
		return ""
	case *queueNode:
		return s.queue.Text
	case voicemailNode:
		return s.queue.Text
	case *hangupNode:
		return string(s.reason)
	case *lookupNode:
		return s.lookup.Text
	case *identityNode:
		return string(s.is)
	case *classifyNode:
		return strings.Join(strings.Fields(s.kind+" "+s.severity+" "+s.urgency), " ")
	case *subNode:
		return s.flow.Text
	case *languageNode:
		return s.to.Text
	case *setNode:
		var all []string
		for _, a := range s.set {
			all = append(all, a.variable+" = "+a.value.text)
		}
		return strings.Join(all, ", ")
	}
	if prompts := s.prompts(); len(prompts) > 0 {
		return prompts[0].Text
	}
	return ""
}

// about is the kind of node and its gist.
func (b Box) about() string { return strings.TrimSpace(b.Kind + " " + b.Text) }

// counted is the counts between two texts; nothing without counts.
func (b Box) counted(before, after string) string {
	if b.Count == nil {
		return ""
	}
	return before + b.Count.String() + after
}

// Text is the picture as indented lines: each box, and below it its ways out.
func (p Picture) Text() string {
	var b strings.Builder
	for _, box := range p.Boxes {
		mark := ""
		if box.Start {
			mark = " (start)"
		}
		fmt.Fprintf(&b, "%s%s: %s%s\n", box.ID, mark, box.about(), box.counted(" [", "]"))
		for _, a := range p.Arrows {
			if a.From == box.ID {
				fmt.Fprintf(&b, "  %s → %s\n", cmp.Or(a.Label, "then"), a.To)
			}
		}
	}
	return b.String()
}

// Mermaid is the picture for mermaid.js, which Markdown shows in many places.
func (p Picture) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	names := make(map[string]string, len(p.Boxes))
	for i, box := range p.Boxes {
		names[box.ID] = fmt.Sprintf("n%d", i)
		open, shut := shape(box.Kind)
		fmt.Fprintf(&b, "  n%d%s\"%s\"%s\n", i, open, quoted(box.ID+"<br>"+box.about()+box.counted("<br>", "")), shut)
	}
	for _, a := range p.Arrows {
		line := "-->"
		if a.Jump {
			line = "-.->"
		}
		if a.Label != "" {
			line += "|\"" + quoted(a.Label) + "\"|"
		}
		fmt.Fprintf(&b, "  %s %s %s\n", names[a.From], line, names[a.To])
	}
	return b.String()
}

// shape is mermaid's brackets: what asks is a diamond, what ends is round.
func shape(kind string) (open, shut string) {
	switch kind {
	case "menu", "collect", "branch", "lookup":
		return "{", "}"
	case "queue", "voicemail", "hangup", "return":
		return "([", "])"
	}
	return "[", "]"
}

// quoted is text between mermaid's quotes; <br> is its line break.
func quoted(s string) string {
	s = strings.NewReplacer(`"`, "#quot;", "<br>", "\x00", "<", "#lt;", ">", "#gt;").Replace(s)
	return strings.ReplaceAll(s, "\x00", "<br>")
}
