package customers

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// mostFaults ends the reading of a file that is something else altogether.
const mostFaults = 100

// read takes a table's file: a header line that names columns in any order, then an
// entry a line. Only id has to be there for what is known, id and name for what is
// not. Columns are parted by comma, semicolon or tab; parts of a list by semicolons.
func (d *Directory) read(k Kind, data []byte) ([]row, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // a mark that spreadsheets write
	if at := firstInvalid(data); at >= 0 {
		return nil, Faults{{Line: 1 + bytes.Count(data[:at], []byte("\n")), Text: "the text is not UTF-8: save the file as UTF-8"}}
	}
	in := csv.NewReader(bytes.NewReader(data))
	in.Comma, in.FieldsPerRecord = delimiter(data), -1
	in.TrimLeadingSpace = in.Comma != '\t'
	header, err := in.Read()
	if err != nil {
		return nil, Faults{{Line: 1, Text: "there is no header line such as: " + strings.Join(k.Columns(), ",")}}
	}
	at, fs := places(k, header)
	if len(fs) > 0 {
		return nil, fs
	}
	var rows []row
	for len(fs) < mostFaults {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if broken, ok := errors.AsType[*csv.ParseError](err); ok {
			fs = append(fs, Fault{Line: broken.Line, Text: broken.Err.Error()})
			continue
		}
		if err != nil {
			return nil, err
		}
		line, _ := in.FieldPos(0)
		if len(fields) != len(header) {
			fs = append(fs, Fault{Line: line, Text: fmt.Sprintf("%d fields; the header has %d", len(fields), len(header))})
			continue
		}
		if len(rows) == MaxImport {
			return nil, Faults{{Line: line, Text: fmt.Sprintf("one import takes at most %d entries: cut the file", MaxImport)}}
		}
		r, wrong := d.readRow(k, fields, at)
		r.line = line
		for _, f := range wrong {
			f.Line = line
			fs = append(fs, f)
		}
		rows = append(rows, r)
	}
	if len(rows) == 0 && len(fs) == 0 {
		fs = append(fs, Fault{Text: "there is no entry in the file"})
	}
	return rows, fs.err()
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
func places(k Kind, header []string) (map[string]int, Faults) {
	at := make(map[string]int)
	var fs Faults
	add := func(format string, args ...any) { fs = append(fs, Fault{Line: 1, Text: fmt.Sprintf(format, args...)}) }
	for i, h := range header {
		name := strings.ToLower(strings.TrimSpace(h))
		if !slices.Contains(k.Columns(), name) {
			add("unknown column %q; there are %s", h, strings.Join(k.Columns(), ", "))
			continue
		}
		if _, twice := at[name]; twice {
			add("column %q stands twice", name)
		}
		at[name] = i
	}
	if _, ok := at["id"]; !ok && len(fs) == 0 {
		add("there is no column \"id\"")
	}
	return at, fs
}

// readRow is a line over what is known of its entry.
func (d *Directory) readRow(k Kind, fields []string, at map[string]int) (row, Faults) {
	var fs Faults
	r := row{Entry: k.empty()}
	if was := d.entry(k, strings.TrimSpace(fields[at["id"]])); was != nil {
		for _, c := range columns(k) {
			_ = c.read(&r.Entry, c.text(was)) // its own text can be read
		}
	}
	for _, c := range columns(k) {
		i, said := at[c.name]
		if !said {
			continue
		}
		if err := c.read(&r.Entry, unescaped(strings.TrimSpace(fields[i]))); err != nil {
			fs = append(fs, Fault{Field: c.name, Text: err.Error()})
		}
	}
	if i, said := at[pinColumn]; said && k == People {
		r.pin = strings.TrimSpace(fields[i])
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
