package ivr

import (
	"reflect"

	"github.com/expr-lang/expr/conf"

	"firstline/ivr/source"
)

// kind is one kind of node: its word in the file, and how it is read. What its
// nodes lead to, name and do are the methods of the step that is read.
type kind struct {
	name string
	read func(r *reader, m *source.Map) step
}

// kinds is every kind of node.
func kinds() []kind {
	return []kind{
		{"prompt", readPrompt},
		{"greeting", readGreeting},
		{"notice", readNotice},
		{"say", readSay},
		{"menu", readMenu},
		{"collect", readCollect},
		{"set", readSet},
		{"branch", readBranch},
		{"language", readLanguage},
		{"lookup", readLookup},
		{"identity", readIdentity},
		{"classify", readClassify},
		{"flow", readSub},
		{"return", readReturn},
		{"queue", readQueue},
		{"voicemail", readVoicemail},
		{"hangup", readHangup},
	}
}

// reader reads the nodes of one flow.
type reader struct {
	doc      *source.Doc
	flow     *Flow
	env      map[string]any // that expressions know, see environment
	dialect  *conf.Config
	compiled map[compiledKey]expression
	wanted   []source.Word // secrets that lookups send
	read     map[string]func(*reader, *source.Map) step
	kinds    []string
}

func newReader(doc *source.Doc, f *Flow) *reader {
	r := &reader{
		doc: doc, flow: f, env: environment(f.variables),
		compiled: make(map[compiledKey]expression), read: make(map[string]func(*reader, *source.Map) step),
	}
	r.dialect = dialect(r.env)
	for _, k := range kinds() {
		r.read[k.name] = k.read
		r.kinds = append(r.kinds, k.name)
	}
	return r
}

// node reads one node by its type.
func (r *reader) node(e source.Entry) *node {
	m := e.Value.Map()
	n := &node{name: e.Key, kind: m.Must("type").OneOf("", r.kinds...)}
	if read := r.read[n.kind]; read != nil { // else the fault is noted; without a type no key is known or unknown
		n.step = read(r, m)
		m.End()
	}
	return n
}

// variable reads the name of a variable of a kind.
func (r *reader) variable(v source.Value, kind reflect.Kind) string {
	w := v.Word("")
	if w.Text == "" {
		return ""
	}
	is, ok := r.flow.variables[w.Text]
	switch {
	case !ok:
		r.doc.Report().AddSuggesting(w.Pos, source.Nearest(w.Text, sortedNames(r.flow.variables)),
			"there is no variable %q: variables: gives its name and what it begins with", w.Text)
	case kind != reflect.Invalid && reflect.TypeOf(is).Kind() != kind:
		r.doc.Report().Add(w.Pos, "the variable %q holds %s; here it must hold %s", w.Text, kindWord(reflect.TypeOf(is).Kind()), kindWord(kind))
	default:
		return w.Text
	}
	return ""
}

func kindWord(k reflect.Kind) string {
	switch k {
	case reflect.Int:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	}
	return "text"
}

// words reads names: one, or a list.
func words(v source.Value) []source.Word {
	var all []source.Word
	for _, item := range v.List() {
		all = append(all, item.Word(""))
	}
	return all
}

// quiet is of nodes that play nothing; unchecked of those that name nothing that
// the checker does not know of by exits and prompts.
type (
	quiet     struct{}
	unchecked struct{}
)

func (quiet) prompts() []source.Word { return nil }
func (unchecked) check(*checker)     {}
