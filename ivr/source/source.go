// Package source reads YAML that people wrote: strictly, keeping where every
// value stands, and finding all faults of a file in one reading. A reader asks a
// Map for the keys it knows, so what it did not ask for is an unknown key, and
// what it asked for is what a suggestion is drawn from.
//
// It takes the plain part of YAML: mappings, sequences, scalars and comments. An
// anchor, alias, tag, merge key or second document is a fault, so a file says
// what it says at the place where it says it.
package source

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Limits of one file. The parser recurses by nesting, so that is bounded before
// it starts.
const (
	MaxBytes    = 4 << 20
	maxLines    = 50_000 // the parser's time grows with the square of a mapping's keys
	maxLine     = 2000   // bytes; nesting by indentation or "- - -" cannot exceed it
	maxBrackets = 50     // open [ and { at any point
)

// Override replaces scalars from outside the file, by the path of keys that leads
// to them: what replaces it, the name of where that came from, and whether there
// is anything. Secret values may come from places that others do not.
type Override func(path []string, secret bool) (text, from string, ok bool)

// Doc is one file while it is read.
type Doc struct {
	name     string
	root     ast.Node
	unread   bool // a syntax fault: what is missing is not missed
	faults   Faults
	override Override
}

// Parse reads a file's bytes. A syntax fault leaves an empty document, so that
// the reader may go on and find what else is wrong elsewhere. Override may be nil.
func Parse(name string, data []byte, o Override) *Doc {
	d := &Doc{name: name, override: o}
	d.unread = true
	if !d.plausible(data) {
		return d
	}
	file, ok := parsePieces(data)
	if !ok {
		var err error
		if file, err = parse(data); err != nil {
			d.syntax(err)
			return d
		}
	}
	d.unread = false
	for _, doc := range file.Docs {
		if doc.Body == nil || isComment(doc.Body) {
			continue
		}
		if d.root != nil {
			d.faults.Add(d.pos(doc.Body), "a second document begins here: one file holds one")
			break
		}
		d.root = doc.Body
	}
	return d
}

// parse makes a panic of the parser an error: it is a stranger's code, and the
// bytes may come over the network.
func parse(data []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("this is no YAML that can be read (%v)", r)
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey()) // we report duplicates, all of them
}

func isComment(n ast.Node) bool {
	_, ok := n.(*ast.CommentGroupNode)
	return ok
}

func (d *Doc) plausible(data []byte) bool {
	if len(data) > MaxBytes {
		d.faults.Add(Pos{File: d.name}, "the file has %d bytes; at most %d are read", len(data), MaxBytes)
		return false
	}
	line, open := 0, 0
	for text := range bytes.Lines(data) {
		line++
		at := Pos{d.name, line, 1}
		if line > maxLines {
			d.faults.Add(at, "the file has more than %d lines", maxLines)
			return false
		}
		if !utf8.Valid(text) {
			d.faults.Add(at, "the line is not UTF-8")
			return false
		}
		if len(text) > maxLine {
			d.faults.Add(at, "the line has %d bytes; at most %d are read", len(text), maxLine)
			return false
		}
		for _, b := range text {
			switch b {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
			if open > maxBrackets {
				d.faults.Add(at, "more than %d brackets are open", maxBrackets)
				return false
			}
		}
	}
	return true
}

func (d *Doc) syntax(err error) {
	at := Pos{File: d.name, Line: 1, Column: 1}
	message := err.Error()
	if y, ok := errors.AsType[yaml.Error](err); ok {
		message = y.GetMessage()
		if t := y.GetToken(); t != nil && t.Position != nil {
			at.Line, at.Column = t.Position.Line, t.Position.Column
		}
	}
	d.faults.Add(at, "%s", message)
}

// Root is the whole document.
func (d *Doc) Root() Value {
	at := Pos{File: d.name}
	if d.root != nil {
		at = d.pos(d.root)
	}
	return Value{doc: d, node: d.root, at: at}
}

// Readable is false when a syntax fault left the document empty.
func (d *Doc) Readable() bool { return !d.unread }

// Faults is what was wrong so far.
func (d *Doc) Faults() Faults { return d.faults }

// Report is where to note what a reader finds wrong beyond form.
func (d *Doc) Report() *Faults { return &d.faults }

func (d *Doc) pos(n ast.Node) Pos {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return d.pos(n.Values[0])
		}
	case *ast.MappingValueNode:
		if n.Key != nil {
			return d.pos(n.Key)
		}
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return Pos{d.name, max(1, t.Position.Line), max(1, t.Position.Column)}
	}
	return Pos{File: d.name}
}
