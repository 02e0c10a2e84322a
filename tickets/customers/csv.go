package customers

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"unicode/utf8"

	"firstline/call/table"
)

// read takes a table's file: a header line that names columns in any order, then an
// entry a line. Only id has to be there for what is known, id and name for what is
// not. Columns are parted by comma, semicolon or tab; parts of a list by semicolons.
func (d *Directory) read(k Kind, data []byte) ([]row, error) {
	file, broken := table.Open(data, k.Columns(), []string{"id"})
	var fs Faults
	for _, b := range broken {
		fs = append(fs, Fault{Line: b.Line, Text: b.Text})
	}
	if len(fs) > 0 {
		return nil, fs
	}
	var rows []row
	for line, broken := range file.Lines() {
		switch {
		case broken != nil:
			fs = append(fs, Fault{Line: broken.Line, Text: broken.Text})
		case len(rows) == MaxImport:
			return nil, Faults{{Line: line.Number, Text: fmt.Sprintf("one import takes at most %d entries: cut the file", MaxImport)}}
		default:
			r, wrong := d.readRow(k, line)
			fs = append(fs, wrong...)
			rows = append(rows, r)
		}
		if len(fs) >= table.MostFaults {
			break
		}
	}
	if len(rows) == 0 && len(fs) == 0 {
		fs = append(fs, Fault{Text: "there is no entry in the file"})
	}
	return rows, fs.err()
}

// readRow is a line over what is known of its entry.
func (d *Directory) readRow(k Kind, line table.Line) (row, Faults) {
	var fs Faults
	r := row{Entry: k.empty(), line: line.Number}
	id, _ := line.Field("id")
	if was := d.entry(k, id); was != nil {
		for _, c := range columns(k) {
			_ = c.read(&r.Entry, c.text(was)) // its own text can be read
		}
	}
	for _, c := range columns(k) {
		text, said := line.Field(c.name)
		if !said {
			continue
		}
		if err := c.read(&r.Entry, unescaped(text)); err != nil {
			fs = append(fs, Fault{Line: line.Number, Field: c.name, Text: err.Error()})
		}
	}
	if text, said := line.Field(pinColumn); said && k == People {
		r.pin = text
		r.pinSaid = r.pin != "" // an empty one leaves the PIN as it is
	}
	return r, fs
}

// Export writes a table as Import reads it, but for PINs. No cell of it is a formula
// to a spreadsheet.
func (d *Directory) Export(k Kind) []byte {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	var header []string
	for _, c := range columns(k) {
		header = append(header, c.name)
	}
	_ = out.Write(header) // a buffer takes all
	for _, e := range d.List(k, Filter{}) {
		var cells []string
		for _, c := range columns(k) {
			cells = append(cells, escaped(c.text(&e)))
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return b.Bytes()
}

// A spreadsheet takes a cell that begins with one of these for a formula, and an
// apostrophe before it for the sign that it is none (OWASP, CSV injection).
const formula = "=+-@\t\r＝＋－＠"

func escaped(cell string) string {
	if risky(cell) {
		return "'" + cell
	}
	return cell
}

func unescaped(cell string) string {
	if strings.HasPrefix(cell, "'") && risky(cell) {
		return cell[1:]
	}
	return cell
}

// risky reports whether a cell is a formula behind any number of apostrophes, so that
// what was escaped can be told from what began so.
func risky(cell string) bool {
	rest := strings.TrimLeft(cell, "'")
	return rest != "" && strings.ContainsAny(firstRune(rest), formula)
}

func firstRune(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}
