package roster

import (
	"fmt"
	"strconv"
	"strings"

	"firstline/call"
	"firstline/call/table"
)

// ParseCSV reads a roster: a header line that names the columns id, name, device,
// level, skills and pin in any order, then a person a line. Only id and name have
// to be there; level is 1 when empty; skills read "printer:3;network:2". Columns
// are parted by comma, semicolon or tab. Faults come all at once, with their lines, and beside
// them whoever could be read.
func ParseCSV(data []byte) ([]Entry, error) {
	file, broken := table.Open(data, columnNames(), []string{"id", "name"})
	if len(broken) > 0 {
		var faults Faults
		for _, b := range broken {
			faults = append(faults, Fault{Row: -1, Line: b.Line, Text: b.Text})
		}
		return nil, faults
	}
	var entries []Entry
	var faults Faults
	for line, broken := range file.Lines() {
		if broken != nil {
			faults = append(faults, Fault{Row: -1, Line: broken.Line, Text: broken.Text})
		} else {
			e, wrong := readEntry(line)
			for _, f := range wrong {
				f.Row, f.Line = len(entries), line.Number
				faults = append(faults, f)
			}
			entries = append(entries, e)
		}
		if len(faults) >= table.MostFaults {
			break
		}
	}
	if len(entries) == 0 && len(faults) == 0 {
		faults = append(faults, Fault{Row: -1, Text: "there is nobody in the file"})
	}
	return entries, faults.err()
}

func columnNames() []string { return []string{"id", "name", "device", "level", "skills", "pin"} }

func readEntry(line table.Line) (Entry, Faults) {
	var faults Faults
	field := func(name string) string {
		text, _ := line.Field(name)
		return text
	}
	var e Entry
	e.ID, e.Name, e.Device, e.PIN = call.AgentID(field("id")), field("name"), call.DeviceID(field("device")), field("pin")
	e.Level, e.Line = 1, line.Number
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
