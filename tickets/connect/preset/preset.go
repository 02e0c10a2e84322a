// Package preset speaks the languages of other systems: what is asked of each is a file
// of templates, not code. A body is a tree whose texts are templates, and becomes JSON
// only after they were filled in; a path is filled in segment by segment. So nothing
// that a caller or an agent wrote can change the shape of a request.
package preset

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed presets/*.yaml
var builtIn embed.FS

// ErrPreset means that a preset's file is wrong; the text says where.
var ErrPreset = errors.New("preset")

// Preset is one system's requests.
type Preset struct {
	Name     string            `yaml:"-"`
	About    string            `yaml:"about"`    // one line for people
	URL      string            `yaml:"url"`      // where it is when the endpoint does not say
	Settings map[string]string `yaml:"settings"` // name to what it is for; those that must be given begin with "needed:"
	Secrets  map[string]string `yaml:"secrets"`
	Auth     Auth              `yaml:"auth"`
	Types    []string          `yaml:"types"` // of message, when the endpoint does not say
	Ping     *Request          `yaml:"ping"`
	Find     *Request          `yaml:"find"` // a ticket that was made, and whose answer was lost
	Create   *Request          `yaml:"create"`
	Update   *Request          `yaml:"update"`
	Note     *Request          `yaml:"note"`
	End      *Request          `yaml:"end"`
	Call     *Request          `yaml:"call"`
	Send     *Request          `yaml:"send"` // a text to a number
}

// Auth is how requests prove who we are.
type Auth struct {
	User   string            `yaml:"user"`   // of HTTP Basic, with the secret Password
	Pass   string            `yaml:"pass"`   // the secret's name
	Bearer string            `yaml:"bearer"` // the secret's name
	Header map[string]string `yaml:"header"` // templates that may name secrets
}

// Request is one request, and what is read of its answer.
type Request struct {
	When   string            `yaml:"when"` // template; when it comes out empty, there is nothing to ask
	Method string            `yaml:"method"`
	Path   []string          `yaml:"path"` // segments
	Query  map[string]string `yaml:"query"`
	Header map[string]string `yaml:"header"`
	Body   map[string]any    `yaml:"body"`
	Form   bool              `yaml:"form"` // the body is a form of texts, not JSON
	ID     string            `yaml:"id"`   // JSON pointer (RFC 6901) of the remote id
	Key    string            `yaml:"key"`  // of what people call it
	Link   string            `yaml:"link"` // template of its page
}

// Load reads the presets that are built in, and those of a folder, which come first;
// "" is no folder. The error holds every fault.
func Load(folder string) (map[string]*Preset, error) {
	all := make(map[string]*Preset)
	var faults []error
	sources := []fs.FS{}
	if built, err := fs.Sub(builtIn, "presets"); err == nil {
		sources = append(sources, built)
	}
	if folder != "" {
		sources = append(sources, os.DirFS(folder))
	}
	for _, dir := range sources {
		files, err := fs.Glob(dir, "*.yaml")
		if err != nil {
			return nil, fmt.Errorf("presets: %w", err)
		}
		for _, file := range files {
			p, err := read(dir, file)
			if err != nil {
				faults = append(faults, fmt.Errorf("%w %s: %w", ErrPreset, file, err))
				continue
			}
			all[p.Name] = p
		}
	}
	return all, errors.Join(faults...)
}

func read(dir fs.FS, file string) (*Preset, error) {
	data, err := fs.ReadFile(dir, file)
	if err != nil {
		return nil, err
	}
	p := &Preset{Name: strings.TrimSuffix(path.Base(file), ".yaml")}
	if err := yaml.UnmarshalWithOptions(data, p, yaml.Strict()); err != nil {
		return nil, err
	}
	return p, p.check()
}

// requests are those that a preset has, by name.
func (p *Preset) requests() map[string]*Request {
	all := map[string]*Request{
		"ping": p.Ping, "find": p.Find, "create": p.Create, "update": p.Update, "note": p.Note, "end": p.End, "call": p.Call, "send": p.Send,
	}
	maps.DeleteFunc(all, func(_ string, r *Request) bool { return r == nil })
	return all
}

// check fills every template in with examples, so that what is wrong shows now.
func (p *Preset) check() error {
	var faults []error
	set := make(map[string]string)
	for name := range p.Settings {
		set[name] = "1"
	}
	secrets := make(map[string]string)
	for name := range p.Secrets {
		secrets[name] = "s"
	}
	all := p.requests()
	if len(all) == 0 {
		faults = append(faults, errors.New("it asks nothing"))
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name].Method == "" {
			faults = append(faults, fmt.Errorf("%s: it has no method", name))
		}
		for _, v := range examples(name) {
			v.Set = set
			if _, err := p.Fill(all[name], "https://example.com", v, secrets); err != nil && !errors.Is(err, errNothing) {
				faults = append(faults, fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	return errors.Join(faults...)
}

// Missing are the settings that must be given and are not.
func (p *Preset) Missing(set map[string]string) []string {
	var out []string
	for name, what := range p.Settings {
		if strings.HasPrefix(what, "needed:") && set[name] == "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
