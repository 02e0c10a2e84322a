package config

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"firstline/ivr/source"
)

const prefix = "FIRSTLINE_"

// maxSecret is the longest secret file, in bytes, that is read.
const maxSecret = 64 << 10

// environment is the FIRSTLINE_ variables while a file is read. It remembers
// what was asked for: the rest is unknown.
type environment struct {
	vars   map[string]string
	asked  map[string]bool
	faults source.Faults
}

// newEnvironment takes variables as os.Environ gives them. An empty one counts
// as not set, because compose files pass on variables that nobody filled in.
func newEnvironment(environ []string) *environment {
	e := &environment{vars: make(map[string]string), asked: map[string]bool{configVariable: true}}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, prefix) && value != "" {
			e.vars[name] = value
		}
	}
	return e
}

// variable is the name for the key that a path leads to.
func variable(path []string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(strings.Join(path, "_"), "-", "_"))
}

// override is the source.Override of the environment.
func (e *environment) override(path []string, secret bool) (text, from string, ok bool) {
	name := variable(path)
	e.asked[name] = true
	text, ok = e.vars[name]
	if !secret {
		return text, name, ok
	}
	name += "_FILE"
	first := !e.asked[name]
	e.asked[name] = true
	file, named := e.vars[name]
	switch {
	case !named:
		return text, variable(path), ok
	case ok && first:
		e.faults.Add(source.Pos{File: name}, "%s is set too; set one of them", variable(path))
	}
	text, err := readSecret(file)
	if err != nil && first {
		e.faults.Add(source.Pos{File: name}, "%v", err)
	}
	return text, name, true
}

// readSecret is a file's text without the line end that editors add.
func readSecret(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxSecret {
		return "", fmt.Errorf("%s is longer than %d bytes", file, maxSecret)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// unknown notes the variables that no key stands for.
func (e *environment) unknown() {
	known := make([]string, 0, len(e.asked))
	for name := range e.asked {
		known = append(known, strings.TrimPrefix(name, prefix)) // what all share makes none near
	}
	slices.Sort(known)
	for name := range e.vars {
		if e.asked[name] {
			continue
		}
		near := source.Nearest(strings.TrimPrefix(name, prefix), known)
		if near != "" {
			near = prefix + near
		}
		e.faults.AddSuggesting(source.Pos{File: name}, near, "no key of firstline.yaml stands for this variable")
	}
}
