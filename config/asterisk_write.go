package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// result writes the centre's files. A queue's line that this version does not
// take is written as a comment, and remarked on.
func (im *asteriskImport) result() *Imported {
	out := &Imported{Files: make(map[string][]byte), Queues: len(im.queues), Agents: len(im.order)}
	out.Files[numbersFile] = []byte(numbersStub(im.queues))
	out.Files[skillsFile] = []byte(im.skills())
	out.Files[agentsFile] = []byte(im.agents())
	out.Files[queuesFile] = []byte(im.queuesYAML(out.Files))
	slices.SortStableFunc(im.remarks, func(a, b Remark) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line)
	})
	out.Remarks = im.remarks
	return out
}

func numbersStub(queues []*importedQueue) string {
	var b strings.Builder
	b.WriteString("# The numbers that callers dial are in Asterisk's dialplan (extensions.conf), which\n# is not imported. Write each number with the queue or the flow that it leads to:\n")
	for i, q := range queues {
		fmt.Fprintf(&b, "# %d: {name: %s, queue: %s}\n", 1000+i, quoted(q.section.name), q.id)
	}
	return b.String()
}

func (im *asteriskImport) skills() string {
	var b strings.Builder
	b.WriteString("# One skill for each queue that was imported: whoever has it is a member.\n")
	for _, q := range im.queues {
		fmt.Fprintf(&b, "%s: %s\n", q.id, quoted(q.section.name))
	}
	return b.String()
}

func (im *asteriskImport) agents() string {
	var b strings.Builder
	b.WriteString("# The members of the imported queues. Level 10 of a queue's skill was penalty 0,\n# level 9 penalty 1, and so on.\n")
	for _, m := range im.order {
		var skills []string
		for _, q := range slices.Sorted(maps.Keys(m.queues)) {
			skills = append(skills, fmt.Sprintf("%s: %d", q, skillLevel(m.queues[q])))
		}
		device := ""
		if m.device != "" {
			device = ", device: " + quoted(m.device)
		}
		fmt.Fprintf(&b, "%s: {name: %s%s, level: 1, skills: {%s}}\n", m.id, quoted(m.name), device, strings.Join(skills, ", "))
	}
	return b.String()
}

func (im *asteriskImport) queuesYAML(others map[string][]byte) string {
	var b strings.Builder
	b.WriteString("# Imported from Asterisk's queues.conf. Lines that begin with # and a key wait for a\n# version that knows them.\n")
	for _, q := range im.queues {
		fmt.Fprintf(&b, "%s:\n  name: %s\n  need: {skills: {%s: 1}}\n", q.id, quoted(q.section.name), q.id)
		if t := im.tiers(q); t != "" {
			q.lines = append(q.lines, queueLine{
				text: "tiers: {" + t + "}", comment: "penalty 0 is tier 1, which goes first",
				from: confSetting{key: "member", value: "penalties", at: q.section.at},
			})
			slices.SortStableFunc(q.lines, func(a, b queueLine) int { return rank(a.text) - rank(b.text) })
		}
		for _, l := range q.lines {
			mark := ""
			if !taken(others, q.id, l.text) {
				mark = "# "
				x := l.from
				if x.key == "" {
					x.key, x.at = "(default)", q.section.at
				}
				im.remark(q.section.name, x, Later, "this version does not know %q; it stands as a comment", l.text)
			}
			if l.comment != "" {
				l.comment = " # " + l.comment
			}
			fmt.Fprintf(&b, "  %s%s%s\n", mark, l.text, l.comment)
		}
	}
	return b.String()
}

// tiers is the members whose penalty is not 0.
func (im *asteriskImport) tiers(q *importedQueue) string {
	var parts []string
	for _, m := range im.order {
		if p, ok := m.queues[q.id]; ok && p > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", m.id, tier(p)))
		}
	}
	return strings.Join(parts, ", ")
}

// taken asks the reader itself whether it takes a line of a queue.
func taken(others map[string][]byte, queue, line string) bool {
	files := maps.Clone(others)
	files[queuesFile] = fmt.Appendf(nil, "%s:\n  %s\n", queue, line)
	_, err := LoadFiles(files, nil)
	return err == nil
}

// quoted writes text so that YAML reads it as text.
func quoted(s string) string {
	letters := func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == ' ' {
			return r
		}
		return -1
	}
	words := []string{"", "no", "false", "null", "off", "n"} // that YAML takes for something else, beside those of truth
	if strings.Map(letters, s) == s && strings.TrimSpace(s) == s && !truth(s) && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	return strconv.Quote(s)
}
