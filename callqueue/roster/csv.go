package roster

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"firstline/call"
)

// mostFaults ends the reading of a file that is something else altogether.
const mostFaults = 100

// ParseCSV reads a roster: a header line that names the columns id, name, device,
// level, skills and pin in any order, then a person a line. Only id and name have
// to be there; level is 1 when empty; skills read "printer:3;network:2". Columns
// are parted by comma, semicolon or tab. Faults come all at once, with their lines, and beside
// them whoever could be read.
func ParseCSV(data []byte) ([]Entry, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // a mark that spreadsheets write
	if !utf8.Valid(data) {
		at := len(bytes.Split([]byte(strings.ToValidUTF8(string(data), "\x00")), []byte("\x00"))[0])
		return nil, Faults{{Row: -1, Line: 1 + bytes.Count(data[:at], []byte("\n")), Text: "the text is not UTF-8"}}
	}
	in := csv.NewReader(bytes.NewReader(data))
	in.Comma = delimiter(data)
	in.FieldsPerRecord = -1
	in.TrimLeadingSpace = in.Comma != '\t'
	header, err := in.Read()
	if err != nil {
		return nil, Faults{{Row: -1, Line: 1, Text: "there is no header line such as: id,name,device,level,skills,pin"}}
	}
	at, faults := columns(header)
	if len(faults) > 0 {
		return nil, faults
	}
	var entries []Entry
	for len(faults) < mostFaults {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if broken, ok := errors.AsType[*csv.ParseError](err); ok {
			faults = append(faults, Fault{Row: -1, Line: broken.Line, Text: broken.Err.Error()})
			continue
		}
		if err != nil {
			return nil, err
		}
		line, _ := in.FieldPos(0)
		e, wrong := readEntry(fields, len(header), at)
		e.Line = line
		for _, f := range wrong {
			f.Row, f.Line = len(entries), line
			faults = append(faults, f)
		}
		if len(fields) == len(header) {
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 && len(faults) == 0 {
		faults = append(faults, Fault{Row: -1, Text: "there is nobody in the file"})
	}
	return entries, faults.err()
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

func columnNames() []string { return []string{"id", "name", "device", "level", "skills", "pin"} }

// columns says where each column stands.
func columns(header []string) (map[string]int, Faults) {
	at := make(map[string]int)
	var faults Faults
	add := func(format string, args ...any) {
		faults = append(faults, Fault{Row: -1, Line: 1, Text: fmt.Sprintf(format, args...)})
	}
	for i, h := range header {
		name := strings.ToLower(strings.TrimSpace(h))
		if !slices.Contains(columnNames(), name) {
			add("unknown column %q; there are %s", h, strings.Join(columnNames(), ", "))
			continue
		}
		if _, twice := at[name]; twice {
			add("column %q stands twice", name)
		}
		at[name] = i
	}
	for _, name := range []string{"id", "name"} {
		if _, ok := at[name]; !ok {
			add("there is no column %q", name)
		}
	}
	return at, faults
}

func readEntry(fields []string, want int, at map[string]int) (Entry, Faults) {
	var e Entry
	var faults Faults
	if len(fields) != want {
		return e, Faults{{Text: fmt.Sprintf("%d fields; the header has %d", len(fields), want)}}
	}
	field := func(name string) string {
		if i, ok := at[name]; ok {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	e.ID, e.Name, e.Device, e.PIN = call.AgentID(field("id")), field("name"), call.DeviceID(field("device")), field("pin")
	e.Level = 1
	if text := field("level"); text != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(strings.ToUpper(text), "L"))
		if err != nil {
			faults = append(faults, Fault{Field: "level", Text: fmt.Sprintf("%q is not a whole number", text)})
			n = 1
		}
		e.Level = n
	}
	var wrong []string
	e.Skills, wrong = readSkills(field("skills"))
	for _, text := range wrong {
		faults = append(faults, Fault{Field: "skills", Text: text})
	}
	return e, faults
}

func readSkills(text string) (map[string]int, []string) {
	var skills map[string]int
	var faults []string
	for part := range strings.FieldsFuncSeq(text, func(c rune) bool { return strings.ContainsRune(";|, ", c) }) {
		name, level, ok := strings.Cut(part, ":")
		n, err := strconv.Atoi(level)
		switch _, twice := skills[name]; {
		case !ok || name == "" || err != nil:
			faults = append(faults, fmt.Sprintf("%q is not a skill and its level, such as printer:3", part))
			continue
		case twice:
			faults = append(faults, fmt.Sprintf("%q stands twice", name))
		}
		if skills == nil {
			skills = make(map[string]int)
		}
		skills[name] = n
	}
	return skills, faults
}
