//go:build e2e

package asterisk_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"firstline/sip/ari/asterisk"
)

// newer is what the client offers beyond Asterisk 22.0, with the release of branch
// 22 that brought it. Everything else must be in each release that is supported.
func newer() map[string]string {
	return map[string]string{
		"POST /channels/{channelId}/transfer_progress": "22.3.0",
		"ChannelTransfer": "22.3.0",
	}
}

// description is what an Asterisk says of itself under /ari/api-docs (Swagger 1.1).
type description struct {
	operations []described
	models     map[string]model
}

type described struct {
	method, path string
	Since        []string `json:"since"`
	Parameters   []struct {
		Name     string `json:"name"`
		In       string `json:"paramType"` // "path", "query", "body"
		Type     string `json:"dataType"`
		Required bool   `json:"required"`
		Multiple bool   `json:"allowMultiple"`
	} `json:"parameters"`
}

type model struct {
	SubTypes   []string `json:"subTypes"`
	Properties map[string]struct {
		Type string `json:"type"`
	} `json:"properties"`
}

// describe fetches the whole description of a running Asterisk.
func describe(t *testing.T, p pbx) description {
	t.Helper()
	var chapters struct {
		APIs []struct {
			Path string `json:"path"`
		} `json:"apis"`
	}
	p.fetch(t, "/api-docs/resources.json", &chapters)
	all := description{models: make(map[string]model)}
	for _, chapter := range chapters.APIs {
		var doc struct {
			Models map[string]model `json:"models"`
			APIs   []struct {
				Path       string `json:"path"`
				Operations []struct {
					Method string `json:"httpMethod"`
					described
				} `json:"operations"`
			} `json:"apis"`
		}
		if !p.fetch(t, strings.ReplaceAll(chapter.Path, "{format}", "json"), &doc) {
			continue // listed and not loaded: mailboxes
		}
		maps.Copy(all.models, doc.Models)
		for _, api := range doc.APIs {
			for _, op := range api.Operations {
				op.described.method, op.described.path = op.Method, api.Path
				all.operations = append(all.operations, op.described)
			}
		}
	}
	return all
}

// fetch says whether there is something at that path.
func (p pbx) fetch(t *testing.T, path string, into any) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.ARI+"/ari"+path, nil)
	must(t, err)
	req.SetBasicAuth("firstline", "firstline-test")
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return false
	}
	must(t, json.NewDecoder(resp.Body).Decode(into))
	return true
}

// find is the operation that Asterisk would take a request for: of several that
// fit, the one with the fewest placeholders.
func (d description) find(method, path string) (described, bool) {
	var best described
	least := 100
	for _, op := range d.operations {
		have, want := strings.Split(path, "/"), strings.Split(op.path, "/")
		if op.method != method || len(have) != len(want) {
			continue
		}
		places, fits := 0, true
		for i := range want {
			if strings.HasPrefix(want[i], "{") {
				places++
			} else if want[i] != have[i] {
				fits = false
			}
		}
		if fits && places < least {
			best, least = op, places
		}
	}
	return best, least < 100
}

func TestOperationsAreAsAsteriskDescribesThem(t *testing.T) {
	p := shared
	d := describe(t, p)
	if len(d.operations) < 80 || len(d.models) < 80 {
		t.Fatalf("a description of %d operations and %d types is not the whole one", len(d.operations), len(d.models))
	}
	info, err := p.client(t, nil).Info(t.Context())
	must(t, err)
	seen, alike := make(map[string]bool), make(map[string]bool)
	for _, s := range requests(t) {
		if strings.HasPrefix(s.path, "/api-docs/") || alike[fmt.Sprint(s)] {
			continue // the description itself, or said already
		}
		alike[fmt.Sprint(s)] = true
		op, ok := d.find(s.method, s.path)
		if !ok {
			lacking(t, info, s.method+" "+s.path)
			continue
		}
		seen[op.method+" "+op.path] = true
		checkParameters(t, op, s)
		checkAge(t, op)
	}
	t.Logf("%d operations of Asterisk %s are as the client sends them", len(seen), info.System.Version)
}

// lacking reports what this Asterisk does not have, unless it is too old for it.
func lacking(t *testing.T, info asterisk.Info, what string) {
	t.Helper()
	for name, since := range newer() {
		if matches(name, what) && older(info.System.Version, since) {
			t.Logf("%s: not in Asterisk %s, since %s", what, info.System.Version, since)
			return
		}
	}
	t.Errorf("%s: not in Asterisk %s", what, info.System.Version)
}

// matches says whether a path with placeholders may stand for another.
func matches(template, path string) bool {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return false
	}
	for i, s := range want {
		if !strings.HasPrefix(s, "{") && s != have[i] {
			return false
		}
	}
	return true
}

// older compares releases: "22.10.1+dfsg" with "22.7.0".
func older(version, than string) bool { return slices.Compare(release(version), release(than)) < 0 }

// release is the first two numbers: {22, 10}.
func release(version string) []int {
	var out []int
	for _, s := range strings.SplitN(version, ".", 3)[:2] {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil // older than all, so nothing is forgiven for its age
		}
		out = append(out, n)
	}
	return out
}

// checkParameters reports what is sent and not described, of another type, or
// needed and not sent.
func checkParameters(t *testing.T, op described, s sent) {
	t.Helper()
	known := make(map[string]string)
	for _, param := range op.Parameters {
		known[param.Name] = param.Type
		if param.Multiple && param.In == "query" {
			known[param.Name] = "List[" + param.Type + "]"
		}
		if _, has := s.params[param.Name]; param.Required && param.In == "query" && !has {
			t.Errorf("%s %s: %s is needed and not sent", op.method, op.path, param.Name)
		}
	}
	for name, value := range s.params {
		if known["filter"] == "object" && name == "disallowed" {
			continue // there the body is the filter
		}
		is, ok := known[name]
		if !ok {
			t.Errorf("%s %s: parameter %s is not described", op.method, op.path, name)
		} else if op.method != http.MethodGet && op.method != http.MethodDelete && !fitsJSON(value, is) {
			t.Errorf("%s %s: parameter %s is %T, described as %s", op.method, op.path, name, value, is)
		}
	}
}

func fitsJSON(value any, described string) bool {
	switch value.(type) {
	case string:
		return described == "string"
	case float64:
		return described == "int" || described == "long"
	case bool:
		return described == "boolean"
	case []any:
		return described == "List[string]"
	case map[string]any:
		return described == "containers"
	}
	return false
}

// checkAge reports an operation that came with a later release of branch 22 and is
// not declared so, where Asterisk says since when it has it.
func checkAge(t *testing.T, op described) {
	t.Helper()
	name := op.method + " " + op.path
	for _, since := range op.Since {
		if strings.HasPrefix(since, "22.") && !strings.HasPrefix(since, "22.0.") && newer()[name] != since {
			t.Errorf("%s: Asterisk has it since %s, declared is %q", name, since, newer()[name])
		}
	}
}

func TestTypesAreAsAsteriskDescribesThem(t *testing.T) {
	p := shared
	d := describe(t, p)
	info, err := p.client(t, nil).Info(t.Context())
	must(t, err)
	done := make(map[string]bool)
	for name, is := range map[string]reflect.Type{
		"Channel": reflect.TypeFor[asterisk.Channel](), "Bridge": reflect.TypeFor[asterisk.Bridge](),
		"Playback": reflect.TypeFor[asterisk.Playback](), "LiveRecording": reflect.TypeFor[asterisk.LiveRecording](),
		"Endpoint": reflect.TypeFor[asterisk.Endpoint](), "Application": reflect.TypeFor[asterisk.Application](),
		"AsteriskInfo": reflect.TypeFor[asterisk.Info](), "RTPstat": reflect.TypeFor[asterisk.RTPStats](),
	} {
		d.check(t, name, is, done)
	}
	kinds := eventTypes(t)
	for _, kind := range kinds {
		e := asterisk.Decode([]byte(fmt.Sprintf(`{"type":%q}`, kind)))
		if _, ok := d.models[kind]; !ok {
			lacking(t, info, kind)
			continue
		}
		d.check(t, kind, reflect.TypeOf(e), done)
	}
	t.Logf("%d events and %d types in them are as Asterisk %s describes them", len(kinds), len(done)-len(kinds), info.System.Version)
}

// eventTypes are the structs with a Head in the client's source.
func eventTypes(t *testing.T) []string {
	t.Helper()
	file := filepath.Join("..", "..", "sip", "ari", "asterisk", "events.go")
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	must(t, err)
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name != "Unknown" {
			if s, ok := spec.Type.(*ast.StructType); ok && len(s.Fields.List) > 0 {
				if head, ok := s.Fields.List[0].Type.(*ast.Ident); ok && head.Name == "Head" {
					out = append(out, spec.Name.Name)
				}
			}
		}
		return true
	})
	if len(out) < 20 {
		t.Fatalf("found only %v", out)
	}
	return out
}

// check reports each field that Asterisk does not have, or has with another type.
func (d description) check(t *testing.T, name string, is reflect.Type, done map[string]bool) {
	t.Helper()
	if done[name] {
		return
	}
	done[name] = true
	for _, f := range reflect.VisibleFields(is) {
		key := f.Tag.Get("json")
		if key == "" || key == "-" { // Head itself
			continue
		}
		described := d.property(name, key)
		if described == "" {
			t.Errorf("%s.%s: %s has no %q", is.Name(), f.Name, name, key)
			continue
		}
		d.checkType(t, is.Name()+"."+f.Name, f.Type, described, done)
	}
}

// property is the described type of a field; events have those of Event and Message too.
func (d description) property(name, key string) string {
	if prop, ok := d.models[name].Properties[key]; ok {
		return prop.Type
	}
	if name != "Event" && slices.Contains(d.models["Event"].SubTypes, name) {
		return d.property("Event", key)
	}
	if name == "Event" {
		return d.property("Message", key)
	}
	return ""
}

func (d description) checkType(t *testing.T, field string, is reflect.Type, described string, done map[string]bool) {
	t.Helper()
	if is.Kind() == reflect.Pointer {
		is = is.Elem()
	}
	if inner, ok := strings.CutPrefix(described, "List["); ok {
		if is.Kind() != reflect.Slice {
			t.Errorf("%s is %v, described as %s", field, is, described)
			return
		}
		d.checkType(t, field, is.Elem(), strings.TrimSuffix(inner, "]"), done)
		return
	}
	if _, ok := d.models[described]; ok && is.Kind() == reflect.Struct {
		d.check(t, described, is, done)
		return
	}
	kinds := map[string][]reflect.Kind{
		"string": {reflect.String}, "boolean": {reflect.Bool}, "object": {reflect.Map},
		"int": {reflect.Int, reflect.Uint64}, "long": {reflect.Int, reflect.Uint64}, "double": {reflect.Float64},
	}
	if is == reflect.TypeFor[asterisk.Time]() && described == "Date" || slices.Contains(kinds[described], is.Kind()) {
		return
	}
	t.Errorf("%s is %v, described as %s", field, is, described)
}
