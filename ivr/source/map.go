package source

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Map is a mapping while it is read. What Must, May and Entries did not ask for
// is an unknown key, which End notes.
type Map struct {
	doc     *Doc
	at      Pos
	path    []string
	fixed   bool
	entries []Entry
	asked   []string
	free    bool // Entries took all keys
}

// Entry is one key of a mapping and its value.
type Entry struct {
	Key   Word
	Value Value
}

// Map reads a mapping; what is absent or no mapping reads as an empty one. Keys
// that stand twice are noted as faults and the first is kept.
func (v Value) Map() *Map {
	m := &Map{doc: v.doc, at: v.at, path: v.path, fixed: v.fixed}
	switch n := v.node.(type) {
	case nil:
		if v.required {
			v.Fault("key %q is missing", v.key())
		}
	case *ast.NullNode:
		v.empty()
	case *ast.MappingNode:
		if len(n.Values) == 0 {
			v.empty()
		}
		m.read(n.Values)
	case *ast.MappingValueNode:
		m.read([]*ast.MappingValueNode{n})
	default:
		what := kind(v.node)
		if _, ok := v.scalar(); ok {
			what = "a single value"
		}
		v.Fault("%q is %s; want a mapping of keys to values", v.key(), what)
	}
	return m
}

func (m *Map) read(pairs []*ast.MappingValueNode) {
	seen := make(map[string]Pos, len(pairs))
	for _, p := range pairs {
		if p == nil || p.Key == nil {
			continue
		}
		at := m.doc.pos(p.Key)
		key, ok := keyText(p.Key)
		if !ok {
			m.doc.faults.Add(at, "this cannot be a key here: write a plain word, or a text in quotes")
			continue
		}
		if first, twice := seen[key]; twice {
			m.doc.faults.Add(at, "key %q stands twice; first in line %d", key, first.Line)
			continue
		}
		seen[key] = at
		v := Value{doc: m.doc, node: p.Value, path: m.below(key), fixed: m.fixed, at: at}
		if p.Value != nil {
			if _, null := p.Value.(*ast.NullNode); !null {
				v.at = m.doc.pos(p.Value)
			}
		}
		m.entries = append(m.entries, Entry{Key: Word{key, at}, Value: v})
	}
}

// keyText is a key as it was written: 0049 and null are words like others.
func keyText(k ast.MapKeyNode) (string, bool) {
	switch n := k.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func (m *Map) below(key string) []string {
	return append(slices.Clip(m.path), key)
}

// May is the value of a key that may be left out.
func (m *Map) May(key string) Value {
	m.asked = append(m.asked, key)
	for _, e := range m.entries {
		if e.Key.Text == key {
			return e.Value
		}
	}
	return Value{doc: m.doc, path: m.below(key), at: m.at, fixed: m.fixed}
}

// Must is the value of a key that has to be there.
func (m *Map) Must(key string) Value {
	v := m.May(key)
	v.required = !m.doc.unread
	return v
}

// Entries is all keys and values in the file's order, for a mapping whose keys
// are names of the writer's choice.
func (m *Map) Entries() []Entry {
	m.free = true
	return m.entries
}

// End notes the keys that nobody asked for.
func (m *Map) End() {
	if m.free {
		return
	}
	for _, e := range m.entries {
		if slices.Contains(m.asked, e.Key.Text) {
			continue
		}
		near := Nearest(e.Key.Text, m.asked)
		if near != "" {
			m.doc.faults.AddSuggesting(e.Key.Pos, near, "unknown key %q", e.Key.Text)
			continue
		}
		m.doc.faults.Add(e.Key.Pos, "unknown key %q; known here: %s", e.Key.Text, strings.Join(m.asked, ", "))
	}
}
