package source

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is where something stands. A Line of 0 means that File is not a file but
// the name of what gave the value (an environment variable), or a file as a whole.
type Pos struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`   // from 1
	Column int    `json:"column,omitempty"` // from 1, in characters
}

// String is "file:line:column", which editors and terminals turn into a link.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Fault is one mistake in a file, and what its writer may have meant.
type Fault struct {
	Pos
	Message    string `json:"message"`
	Suggestion string `json:"suggestion,omitempty"` // what to write instead
}

// Error is the fault on one line.
func (f Fault) Error() string { return f.String() }

// String is the fault on one line: file:line:column: message (did you mean "x"?).
func (f Fault) String() string {
	s := f.Pos.String() + ": " + f.Message
	if f.Suggestion != "" {
		s += fmt.Sprintf(" (did you mean %q?)", f.Suggestion)
	}
	return s
}

// Faults is all that is wrong, in the order of files and lines.
type Faults []Fault

// Error is one fault per line.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Err is nil when there is no fault, else the faults in order, each once.
func (fs Faults) Err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs.Sorted()
}

// Sorted is the faults in the order of files and lines, each once.
func (fs Faults) Sorted() Faults {
	s := slices.Clone(fs)
	slices.SortStableFunc(s, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	return slices.Compact(s)
}

// Add notes a fault at a position.
func (fs *Faults) Add(at Pos, format string, args ...any) {
	*fs = append(*fs, Fault{Pos: at, Message: fmt.Sprintf(format, args...)})
}

// AddSuggesting notes a fault and what to write instead; an empty suggestion is none.
func (fs *Faults) AddSuggesting(at Pos, suggestion, format string, args ...any) {
	*fs = append(*fs, Fault{Pos: at, Message: fmt.Sprintf(format, args...), Suggestion: suggestion})
}

// Refer notes a fault when name is not among known, suggesting the nearest of
// them. What says what kind of thing is named: "queue", "prompt".
func (fs *Faults) Refer(name Word, what string, known []string) {
	if name.Text == "" || slices.Contains(known, name.Text) {
		return
	}
	// Looking for the nearest name costs; a file with a hundred faults needs no more hints.
	near := ""
	if len(*fs) < suggestUpTo {
		near = Nearest(name.Text, known)
	}
	fs.AddSuggesting(name.Pos, near, "there is no %s %q", what, name.Text)
}

const suggestUpTo = 100
