package ivr

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	exprcheck "github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/optimizer"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"firstline/ivr/source"
)

// expression is a text of github.com/expr-lang/expr, typed and checked when the
// flow is loaded. The zero expression was faulty.
type expression struct {
	text      string
	program   *vm.Program
	queues    []source.Word // that it asks about, for the check
	calendars []source.Word
}

// environment is the names that expressions know and their types, by an example
// of each: facts and functions, then the flow's variables.
func environment(variables map[string]any) map[string]any {
	env := map[string]any{
		"caller": Caller{}, "called": "", "client": "", "class": "", "ticket": "", "language": "", "identity": "",
		"time":  Moment{},
		"queue": func(string) QueueFacts { return QueueFacts{} },
		"open":  func(string) bool { return true },
	}
	maps.Copy(env, variables)
	return env
}

// asSpan is the kind of a time.Duration. The library takes any whole number for
// one of Int64, which would be nanoseconds.
const asSpan = reflect.Int64

// expression reads an expression of a kind.
func (r *reader) expression(v source.Value, kind reflect.Kind) expression {
	w := v.Word("")
	if w.Text == "" {
		return expression{}
	}
	return r.compile(w, kind)
}

func (r *reader) compile(w source.Word, kind reflect.Kind) expression {
	if e, ok := r.compiled[compiledKey{w.Text, kind}]; ok {
		return e.at(w.Pos)
	}
	tree, err := parser.Parse(w.Text)
	if err != nil {
		r.wrong(w, err)
		return expression{}
	}
	e := expression{text: w.Text}
	r.names(&e, w, tree.Node)
	if e.program, err = r.program(w.Text, kind); err != nil {
		r.wrong(w, err)
		return expression{}
	}
	if is := e.program.Node().Type(); kind == asSpan && is != reflect.TypeFor[time.Duration]() {
		r.doc.Report().Add(w.Pos, `the expression '%s' is wrong: want a duration such as duration("5m"), but got %v`, w.Text, is)
		return expression{}
	}
	r.compiled[compiledKey{w.Text, kind}] = e
	return e
}

// dialect is what expressions of a flow are compiled by.
func dialect(env map[string]any) *conf.Config {
	c := conf.New(env)
	c.MaxNodes = 200
	c.Disabled["now"] = true // what counts is when the call came
	delete(c.Builtins, "now")
	c.Check()
	return c
}

// program compiles as expr.Compile does, by one configuration for all expressions of a
// flow: to make that costs several times what the compiling does.
func (r *reader) program(text string, kind reflect.Kind) (*vm.Program, error) {
	c := r.dialect
	c.Expect, c.ExpectAny = reflect.Invalid, false
	if kind != asSpan && kind != reflect.Invalid {
		c.Expect, c.ExpectAny = kind, true
	}
	tree, err := exprcheck.ParseCheck(text, c)
	if err != nil {
		return nil, err
	}
	if err := optimizer.Optimize(&tree.Node, c); err != nil {
		return nil, err
	}
	return compiler.Compile(tree, c)
}

type compiledKey struct {
	text string
	kind reflect.Kind
}

// at is the expression as it stands at another place.
func (e expression) at(pos source.Pos) expression {
	move := func(words []source.Word) []source.Word {
		words = slices.Clone(words)
		for i := range words {
			words[i].Pos = pos
		}
		return words
	}
	e.queues, e.calendars = move(e.queues), move(e.calendars)
	return e
}

// names notes what queue("…") and open("…") name. They take a name in quotes, so
// that one that leads nowhere is found before a caller does.
func (r *reader) names(e *expression, w source.Word, tree ast.Node) {
	ast.Walk(&tree, visitor(func(n ast.Node) {
		c, ok := n.(*ast.CallNode)
		if !ok || len(c.Arguments) != 1 {
			return
		}
		f, ok := c.Callee.(*ast.IdentifierNode)
		if !ok || f.Value != "queue" && f.Value != "open" {
			return
		}
		name, ok := c.Arguments[0].(*ast.StringNode)
		switch {
		case !ok:
			r.doc.Report().Add(w.Pos, `%s takes a name in quotes, such as %s("%s")`, f.Value, f.Value, "service-desk")
		case f.Value == "queue":
			e.queues = append(e.queues, source.Word{Text: name.Value, Pos: w.Pos})
		default:
			e.calendars = append(e.calendars, source.Word{Text: name.Value, Pos: w.Pos})
		}
	}))
}

type visitor func(ast.Node)

// Visit is called by ast.Walk for each node.
func (v visitor) Visit(n *ast.Node) { v(*n) }

// wrong notes what the library says of an expression, on one line, and what the
// writer of an unknown name may have meant.
func (r *reader) wrong(w source.Word, err error) {
	message := err.Error()
	if at, ok := errors.AsType[*file.Error](err); ok {
		message = at.Message
	}
	message, _, _ = strings.Cut(message, "\n")
	near := ""
	if name, ok := strings.CutPrefix(message, "unknown name "); ok {
		near = source.Nearest(name, slices.Sorted(maps.Keys(r.env)))
	}
	r.doc.Report().AddSuggesting(w.Pos, near, "the expression '%s' is wrong: %s", w.Text, strings.ReplaceAll(message, "type ivr.", "a "))
}

// value asks an expression about a call.
func (w *walk) value(e expression) (any, error) {
	if w.env == nil {
		w.env = w.values()
	}
	return w.vm.Run(e.program, w.env)
}

// failed says that an expression has no value for a call. It leaves out the
// library's words, which hold what was worked with: a caller's number, say.
func failed(e expression) string { return "no value for " + e.text }

// holds asks an expression that is true or false.
func (w *walk) holds(e expression) (bool, error) {
	v, err := w.value(e)
	if err != nil {
		return false, err
	}
	is, _ := v.(bool) // which it was compiled to be
	return is, nil
}

// values is the names of environment with what holds of the call.
func (w *walk) values() map[string]any {
	f := w.line.Facts
	env := environment(w.variables())
	env["caller"], env["called"], env["client"], env["class"], env["ticket"] = f.Caller, f.Called, f.Client, f.Class, f.Ticket
	env["language"], env["time"] = w.state.Language, momentOf(f.At)
	env["identity"] = string(w.identity())
	if w.line.Queue != nil {
		env["queue"] = w.line.Queue
	}
	if w.line.Open != nil {
		env["open"] = w.line.Open
	}
	return env
}
