package ivr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Values is what the variables of a call hold: each an int, a bool or a string.
type Values map[string]any

// UnmarshalJSON reads whole numbers as int, so that what was recorded is what it was.
func (v *Values) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var read map[string]any
	if err := d.Decode(&read); err != nil {
		return err
	}
	for name, value := range read {
		switch value := value.(type) {
		case json.Number:
			n, err := value.Int64()
			if err != nil {
				return fmt.Errorf("variable %s: %w", name, err)
			}
			read[name] = int(n)
		case bool, string:
		default:
			return fmt.Errorf("variable %s holds a %T", name, value)
		}
	}
	*v = read
	return nil
}

// variables is what the flow's variables hold: what the call set, where it fits
// the flow's types, else what they begin with.
func (w *walk) variables() map[string]any {
	all := maps.Clone(w.flow.variables)
	for name, begins := range all {
		if v, ok := w.state.Variables[name]; ok && reflect.TypeOf(v) == reflect.TypeOf(begins) {
			all[name] = v
		}
	}
	return all
}

func (w *walk) set(name string, v any) {
	if w.state.Variables == nil {
		w.state.Variables = make(Values)
	}
	w.state.Variables[name] = v
	if w.env != nil {
		w.env[name] = v
	}
}

// keep holds an input for the nodes to come.
func (w *walk) keep(name, digits string, secret bool) {
	switch {
	case name == "":
	case !secret:
		w.set(name, digits)
	default:
		if w.secrets == nil {
			w.secrets = make(map[string]string)
		}
		w.secrets[name] = digits
	}
}

// snapshot is the state as it is now, which does not change when the call goes on.
func (w *walk) snapshot() State {
	s := w.state
	s.Variables = maps.Clone(s.Variables)
	return s
}

func sortedNames(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
