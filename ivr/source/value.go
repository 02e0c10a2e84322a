package source

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Word is a text and where it stands: a name that refers to something, or a key.
type Word struct {
	Text string
	Pos
}

// Value is one value of the document, or the place where one could be. Its
// methods read it as one type; what does not fit is noted as a fault and the
// default returned, so that the reading goes on.
type Value struct {
	doc      *Doc
	node     ast.Node // nil when absent
	path     []string // keys from the root
	at       Pos      // of the value; of the mapping that lacks it when absent
	required bool
	fixed    bool // the override does not reach here
	secret   bool // the override may look in more places
}

// Pos is where the value stands.
func (v Value) Pos() Pos { return v.at }

// Set reports whether the file or the override gives a value.
func (v Value) Set() bool {
	_, ok := v.scalar()
	return ok || v.node != nil
}

// Secret is the value as one that must not be shown: its override may come from
// places that others do not.
func (v Value) Secret() Value {
	v.secret = true
	return v
}

// InFile reports whether the value stands in the file and is not overridden.
func (v Value) InFile() bool {
	_, _, over := v.overridden()
	return v.node != nil && !over
}

// Fault notes that something is wrong with the value.
func (v Value) Fault(format string, args ...any) {
	v.doc.faults.Add(v.place(), format, args...)
}

// Suggest notes that something is wrong with the value, and what to write instead.
func (v Value) Suggest(instead, format string, args ...any) {
	v.doc.faults.AddSuggesting(v.place(), instead, format, args...)
}

// place is where the value that counts stands.
func (v Value) place() Pos {
	if _, from, ok := v.overridden(); ok {
		return Pos{File: from}
	}
	return v.at
}

// text is a scalar as it was written.
type text struct {
	s      string
	at     Pos
	quoted bool // or a block: text beyond doubt
	node   ast.Node
}

func (v Value) overridden() (s, from string, ok bool) {
	if v.fixed || v.doc.override == nil || len(v.path) == 0 {
		return "", "", false
	}
	return v.doc.override(v.path, v.secret)
}

// scalar looks for the override, then in the file.
func (v Value) scalar() (text, bool) {
	if s, from, ok := v.overridden(); ok {
		return text{s: s, at: Pos{File: from}}, true
	}
	switch n := v.node.(type) {
	case *ast.StringNode:
		t := text{s: n.Value, at: v.at, node: n}
		if tk := n.GetToken(); tk != nil {
			t.quoted = tk.Type == token.SingleQuoteType || tk.Type == token.DoubleQuoteType
		}
		return t, true
	case *ast.LiteralNode:
		if n.Value == nil {
			return text{at: v.at, quoted: true, node: n}, true
		}
		return text{s: n.Value.Value, at: v.at, quoted: true, node: n}, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return text{s: n.GetToken().Value, at: v.at, node: n}, true
	}
	return text{}, false
}

// read is scalar with its faults: absent although required, no value, not a scalar.
func (v Value) read(want string) (Value, text, bool) {
	t, ok := v.scalar()
	switch n := v.node.(type) {
	case nil:
		if !ok && v.required {
			v.Fault("key %q is missing", v.key())
		}
	case *ast.NullNode:
		if !ok {
			v.Fault("%q has no value; want %s", v.key(), want)
		}
	default:
		if !ok {
			v.Fault("%q is %s; want %s", v.key(), kind(n), want)
		}
	}
	if ok {
		v.at = t.at
	}
	return v, t, ok
}

func (v Value) key() string {
	if len(v.path) == 0 {
		return "the file"
	}
	return v.path[len(v.path)-1]
}

func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode:
		return "an anchor or alias, which is not taken here: write the value out"
	case *ast.TagNode:
		return "a tagged value, which is not taken here"
	case *ast.NullNode:
		return "nothing"
	}
	return "something else"
}

// Text reads text. A whole number is taken as it was written ("0049" keeps its
// zeros); other plain scalars that YAML reads as something else must be quoted.
func (v Value) Text(otherwise string) string {
	v, t, ok := v.read("text")
	if !ok {
		return otherwise
	}
	switch t.node.(type) {
	case *ast.BoolNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		v.Fault("%q is not text; write it in quotes: %q", v.key(), t.s)
		return otherwise
	}
	if i := strings.IndexFunc(t.s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }); i >= 0 {
		v.Fault("%q holds a control character", v.key())
		return otherwise
	}
	if v.required && t.s == "" {
		v.Fault("%q is empty", v.key())
	}
	return t.s
}

// Word reads a name and keeps where it stands.
func (v Value) Word(otherwise string) Word {
	s := v.Text(otherwise)
	if t, ok := v.scalar(); ok {
		return Word{s, t.at}
	}
	return Word{s, v.at}
}

// OneOf reads one of the words.
func (v Value) OneOf(otherwise string, words ...string) string {
	v, t, ok := v.read("one of " + strings.Join(words, ", "))
	if !ok {
		return otherwise
	}
	if !slices.Contains(words, t.s) {
		v.Suggest(Nearest(t.s, words), "%q is not one of %s", t.s, strings.Join(words, ", "))
		return otherwise
	}
	return t.s
}

// Int reads a whole number from least to most.
func (v Value) Int(otherwise, least, most int) int {
	v, t, ok := v.read("a whole number")
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(t.s)
	if err != nil || t.quoted {
		v.Fault("%q is not a whole number: %q", v.key(), t.s)
		return otherwise
	}
	if n < least || n > most {
		v.Fault("%q is %d; it may be from %d to %d", v.key(), n, least, most)
		return otherwise
	}
	return n
}

// Float reads a number from least to most.
func (v Value) Float(otherwise, least, most float64) float64 {
	v, t, ok := v.read("a number")
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseFloat(t.s, 64)
	if err != nil || t.quoted {
		v.Fault("%q is not a number: %q", v.key(), t.s)
		return otherwise
	}
	if !(n >= least && n <= most) { // so that NaN is refused
		v.Fault("%q is %v; it may be from %v to %v", v.key(), n, least, most)
		return otherwise
	}
	return n
}

// Bool reads true or false.
func (v Value) Bool(otherwise bool) bool {
	v, t, ok := v.read("true or false")
	if !ok {
		return otherwise
	}
	switch {
	case t.s == "true" && !t.quoted:
		return true
	case t.s == "false" && !t.quoted:
		return false
	}
	near := ""
	switch strings.ToLower(t.s) {
	case "yes", "on", "y", "true", "1":
		near = "true"
	case "no", "off", "n", "false", "0":
		near = "false"
	}
	v.Suggest(near, "%q is neither true nor false: %q", v.key(), t.s)
	return otherwise
}

// Duration reads a time span from least to most, written with its unit ("20s", "1m30s").
func (v Value) Duration(otherwise, least, most time.Duration) time.Duration {
	v, t, ok := v.read("a duration such as 20s")
	if !ok {
		return otherwise
	}
	d, err := time.ParseDuration(t.s)
	if err != nil {
		near := ""
		if _, err := strconv.Atoi(t.s); err == nil {
			near = t.s + "s"
		} else if s := strings.ReplaceAll(t.s, " ", ""); s != t.s {
			if _, err := time.ParseDuration(s); err == nil {
				near = s
			}
		}
		v.Suggest(near, "%q is not a duration such as 20s or 1m30s: %q", v.key(), t.s)
		return otherwise
	}
	if d < least || d > most {
		v.Fault("%q is %v; it may be from %v to %v", v.key(), d, least, most)
		return otherwise
	}
	return d
}

// List reads a sequence, or one scalar as a list of one. An override is split at
// its commas.
func (v Value) List() []Value {
	if s, from, ok := v.overridden(); ok {
		return v.split(s, from)
	}
	switch n := v.node.(type) {
	case nil:
		if v.required {
			v.Fault("key %q is missing", v.key())
		}
		return nil
	case *ast.NullNode:
		v.empty()
		return nil
	case *ast.SequenceNode:
		if len(n.Values) == 0 {
			v.empty()
		}
		all := make([]Value, 0, len(n.Values))
		for _, item := range n.Values {
			if item != nil {
				all = append(all, v.item(item, v.doc.pos(item)))
			}
		}
		return all
	}
	if _, ok := v.scalar(); ok {
		return []Value{v}
	}
	v.Fault("%q is %s; want a list", v.key(), kind(v.node))
	return nil
}

// empty notes a list or mapping without anything in it where something is needed.
func (v Value) empty() {
	if v.required {
		v.Fault("%q is empty", v.key())
	}
}

// item keeps the list's key for messages; nothing overrides an item alone.
func (v Value) item(n ast.Node, at Pos) Value {
	return Value{doc: v.doc, node: n, path: v.path, at: at, fixed: true}
}

func (v Value) split(s, from string) []Value {
	var all []Value
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, v.item(&ast.StringNode{BaseNode: &ast.BaseNode{}, Value: part}, Pos{File: from}))
		}
	}
	return all
}

// ID notes a fault unless w may name something: lower-case letters, digits,
// hyphens and underscores, at most 64, beginning with a letter or digit.
func (d *Doc) ID(what string, w Word) {
	if isID(w.Text) {
		return
	}
	near := strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			return r
		default:
			return '-'
		}
	}, w.Text)
	if near = strings.Trim(near, "-_"); !isID(near) {
		near = ""
	}
	d.faults.AddSuggesting(w.Pos, near, "%q cannot name a %s: take lower-case letters, digits, - and _, at most 64", w.Text, what)
}

func isID(s string) bool {
	if s == "" || len(s) > 64 || s[0] == '-' || s[0] == '_' {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

// Scalar reads a whole number (int), a truth value (bool) or text (string),
// whichever the file holds; nil with a fault for anything else.
func (v Value) Scalar() any {
	_, t, ok := v.read("a number, true, false or a text")
	if !ok {
		return nil
	}
	switch t.node.(type) {
	case *ast.IntegerNode:
		return v.Int(0, math.MinInt32, math.MaxInt32)
	case *ast.BoolNode:
		return v.Bool(false)
	}
	return v.Text("")
}

// Plain is the value as a name when it is a single value, and whether it is.
func (v Value) Plain() (Word, bool) {
	if _, ok := v.scalar(); !ok {
		return Word{}, false
	}
	return v.Word(""), true
}

// As is a key of the same file as a value to be read.
func (v Value) As(key Word) Value {
	v.node = &ast.StringNode{BaseNode: &ast.BaseNode{}, Value: key.Text}
	v.at, v.fixed = key.Pos, true
	return v
}
