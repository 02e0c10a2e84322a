// Package table reads tables that people keep in spreadsheets: CSV files whose header
// line names columns in any order, parted by comma, semicolon or tab. What is wrong with
// a file comes all at once, each with its line.
package table

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// MostFaults ends the reading of a file that is something else altogether.
const MostFaults = 100

// Fault is something wrong with a line, or with the file when Line is 0.
type Fault struct {
	Line int
	Text string
}

func (f Fault) Error() string { return fmt.Sprintf("line %d: %s", f.Line, f.Text) }

// File is a table whose header fits.
type File struct {
	in    *csv.Reader
	width int
	at    map[string]int // where each column stands
}

// Open reads the header of a file, which may name columns and has to name the needed
// ones. Without a fault there is a File.
func Open(data []byte, columns, needed []string) (*File, []Fault) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // a mark that spreadsheets write
	if at := firstInvalid(data); at >= 0 {
		return nil, []Fault{{1 + bytes.Count(data[:at], []byte("\n")), "the text is not UTF-8: save the file as UTF-8"}}
	}
	in := csv.NewReader(bytes.NewReader(data))
	in.Comma, in.FieldsPerRecord = delimiter(data), -1
	in.TrimLeadingSpace = in.Comma != '\t'
	header, err := in.Read()
	if err != nil {
		return nil, []Fault{{1, "there is no header line such as: " + strings.Join(columns, ",")}}
	}
	at, faults := places(header, columns, needed)
	if len(faults) > 0 {
		return nil, faults
	}
	return &File{in, len(header), at}, nil
}

// Lines are the lines behind the header. One that cannot be read comes without fields,
// with its Fault.
func (f *File) Lines() iter.Seq2[Line, *Fault] {
	return func(yield func(Line, *Fault) bool) {
		for {
			fields, err := f.in.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			line := Line{file: f, fields: fields}
			var wrong *Fault
			if broken, ok := errors.AsType[*csv.ParseError](err); ok {
				line.Number, wrong = broken.Line, &Fault{broken.Line, broken.Err.Error()}
			} else {
				line.Number, _ = f.in.FieldPos(0)
				if len(fields) != f.width {
					wrong = &Fault{line.Number, fmt.Sprintf("%d fields; the header has %d", len(fields), f.width)}
				}
			}
			if !yield(line, wrong) {
				return
			}
		}
	}
}

// Line is one line of a File.
type Line struct {
	Number int
	file   *File
	fields []string
}

// Field is what the line has in a column, trimmed; ok is false when the file has no
// such column.
func (l Line) Field(column string) (text string, ok bool) {
	i, ok := l.file.at[column]
	if !ok {
		return "", false
	}
	return strings.TrimSpace(l.fields[i]), true
}

func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		c, n := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// delimiter is what the header line has most of.
func delimiter(data []byte) rune {
	header, _, _ := bytes.Cut(data, []byte("\n"))
	best, most := ',', 0
	for _, c := range ",;\t" {
		if n := bytes.Count(header, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

// places says where each column stands.
func places(header, columns, needed []string) (map[string]int, []Fault) {
	at := make(map[string]int)
	var faults []Fault
	add := func(format string, args ...any) { faults = append(faults, Fault{1, fmt.Sprintf(format, args...)}) }
	for i, h := range header {
		name := strings.ToLower(strings.TrimSpace(h))
		if !slices.Contains(columns, name) {
			add("unknown column %q; there are %s", h, strings.Join(columns, ", "))
			continue
		}
		if _, twice := at[name]; twice {
			add("column %q stands twice", name)
		}
		at[name] = i
	}
	for _, name := range needed {
		if _, ok := at[name]; !ok {
			add("there is no column %q", name)
		}
	}
	return at, faults
}
