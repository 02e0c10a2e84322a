package source

import (
	"bytes"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// The parser reads a mapping's keys one inside the other and copies those behind each,
// so its time grows with the square of their number. A file whose one long mapping is
// a flow's nodes, say, is therefore read in pieces: the file with the first of its
// keys, then the others some at a time, which are put behind it.
const (
	longMapping = 400 // keys from which on it is worth it
	pieceKeys   = 100
)

// section is the lines of the keys of one mapping below a key of the file.
type section struct {
	key    string
	starts []int // lines at which keys begin, from 0, with the comments above them
	end    int   // line behind the last
}

// parsePieces is parse for a file with a long mapping. It reports false for all that is
// not plainly so, and for what has a fault: that is for the parser to say of the whole.
func parsePieces(data []byte) (*ast.File, bool) {
	lines := bytes.SplitAfter(data, []byte("\n"))
	s, ok := longSection(lines)
	if !ok {
		return nil, false
	}
	frame := make([]byte, 0, len(data)/2)
	for i, l := range lines {
		if i < s.starts[1] || i >= s.end {
			frame = append(frame, l...)
			continue
		}
		frame = append(frame, '\n') // what follows keeps its line
	}
	file, err := parse(frame)
	if err != nil || len(file.Docs) != 1 {
		return nil, false
	}
	into := mappingOf(file.Docs[0].Body, s.key)
	if into == nil {
		return nil, false
	}
	for i := 1; i < len(s.starts); i += pieceKeys {
		from, to := s.starts[i], s.end
		if i+pieceKeys < len(s.starts) {
			to = s.starts[i+pieceKeys]
		}
		more, ok := piece(bytes.Join(lines[from:to], nil), from)
		if !ok {
			return nil, false
		}
		into.Values = append(into.Values, more...)
	}
	return file, true
}

// piece is the keys of some lines that stand after others in their file.
func piece(text []byte, after int) (values []*ast.MappingValueNode, ok bool) {
	defer func() {
		if recover() != nil { // as in parse
			values, ok = nil, false
		}
	}()
	tokens := lexer.Tokenize(string(text))
	for _, t := range tokens {
		if t.Position != nil {
			t.Position.Line += after
		}
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil || len(file.Docs) != 1 {
		return nil, false
	}
	switch n := file.Docs[0].Body.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// mappingOf is the block mapping below a key of the file, made one that takes more.
func mappingOf(body ast.Node, key string) *ast.MappingNode {
	var pairs []*ast.MappingValueNode
	switch n := body.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	}
	var found *ast.MappingNode
	for _, p := range pairs {
		if text, ok := keyText(p.Key); !ok || text != key {
			continue
		}
		if found != nil {
			return nil // twice: which is meant is for others to say
		}
		switch v := p.Value.(type) {
		case *ast.MappingNode:
			if v.IsFlowStyle {
				return nil
			}
			found = v
		case *ast.MappingValueNode:
			found = ast.Mapping(v.Start, false, v)
			found.SetPath(v.GetPath())
			p.Value = found
		default:
			return nil
		}
	}
	return found
}

// longSection finds the one long mapping of a file: lines of one indent below a plain
// key, with nothing but their own deeper lines between them. Lines that could be read
// in two ways (tabs, anchors, quotes over several lines, documents) make it none.
func longSection(lines [][]byte) (s section, ok bool) {
	indent, open := 0, 0
	comment := -1 // first line of the comments above a key
	for i, l := range lines {
		text := strings.TrimRight(string(l), "\n ")
		rest := strings.TrimLeft(text, " ")
		at := len(text) - len(rest)
		switch {
		case strings.ContainsAny(string(l), "\t\r") || strings.HasPrefix(text, "---") || strings.HasPrefix(text, "..."):
			return s, false
		case rest == "":
			continue
		case strings.HasPrefix(rest, "#"):
			if comment < 0 {
				comment = i
			}
			continue
		}
		deeper := open > 0
		if open += brackets(rest); open < 0 || strings.ContainsAny(rest, "|>") && strings.ContainsAny(rest[len(rest)-1:], "|>-+") {
			return s, false // a block of text, or brackets that do not match by eye
		}
		switch {
		case deeper:
			if s.key != "" && at <= indent {
				return s, false
			}
		case at == 0:
			if len(s.starts) >= longMapping {
				s.end = i
				if comment >= 0 {
					s.end = comment
				}
				return s, true
			}
			s, indent = section{}, 0
			if key, plain := strings.CutSuffix(rest, ":"); plain && isPlain(key) {
				s.key = key
			}
		case s.key == "":
		case indent == 0:
			indent = at
			fallthrough
		case at == indent:
			if strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "?") {
				s.key = ""
				break
			}
			from := i
			if comment >= 0 {
				from = comment
			}
			s.starts = append(s.starts, from)
		case at < indent:
			s.key = ""
		}
		comment = -1
	}
	s.end = len(lines)
	return s, s.key != "" && len(s.starts) >= longMapping && open == 0
}

func isPlain(key string) bool {
	return key != "" && strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// brackets is how many more open than close on a line, but for those in quotes. A quote
// that the line does not close counts as one that cannot be told.
func brackets(line string) int {
	n, quote := 0, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#' && (i == 0 || line[i-1] == ' '):
			return n
		case c == '[' || c == '{':
			n++
		case c == ']' || c == '}':
			n--
		}
	}
	if quote != 0 {
		return -1 << 20
	}
	return n
}
