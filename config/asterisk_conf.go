package config

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"firstline/ivr/source"
)

// conf is a configuration file of Asterisk: its sections in order, with what they
// inherit in place (as main/config.c reads it).
type conf []*confSection

type confSection struct {
	name     string
	at       source.Pos
	template bool // [name](!): there to be inherited from
	settings []confSetting
}

type confSetting struct {
	key, value string
	at         source.Pos
}

func (c conf) find(name string) *confSection {
	i := slices.IndexFunc(c, func(s *confSection) bool { return strings.EqualFold(s.name, name) })
	if i < 0 {
		return nil
	}
	return c[i]
}

// last is a setting's value: of several, Asterisk's options take the last.
func (s *confSection) last(key string) (confSetting, bool) {
	for _, x := range slices.Backward(s.settings) {
		if strings.EqualFold(x.key, key) {
			return x, true
		}
	}
	return confSetting{}, false
}

// parseConf reads a file of Asterisk. Directives are refused: what they bring in
// is not at hand, and a file that is read in part says something else.
func parseConf(name string, data []byte) (conf, Faults) {
	p := &confParser{name: name}
	text := strings.TrimPrefix(string(data), "\ufeff")
	if len(text) > source.MaxBytes {
		p.faults.Add(source.Pos{File: name}, "the file has %d bytes; at most %d are read", len(text), source.MaxBytes)
		return nil, p.faults
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		p.at = source.Pos{File: name, Line: n, Column: 1}
		line = strings.TrimRight(line, "\r\n")
		if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			p.faults.Add(p.at, "the line is not UTF-8 text")
			continue
		}
		if line = strings.TrimSpace(p.uncomment(line)); line != "" {
			p.line(line)
		}
	}
	if p.depth > 0 {
		p.faults.Add(p.opened, "the comment that begins here with ;-- does not end with --;")
	}
	return p.conf, p.faults
}

type confParser struct {
	name   string
	at     source.Pos
	conf   conf
	open   *confSection
	depth  int        // of ;-- --; comments
	opened source.Pos // where the outermost began
	faults Faults
}

// uncomment takes out what follows an unescaped semicolon, and ;-- blocks, which
// may span lines and nest.
func (p *confParser) uncomment(line string) string {
	var out strings.Builder
	seen := 0 // bytes of the line since the last block mark: "--;" must not reuse them
	for i := 0; i < len(line); i++ {
		c := line[i]
		rest := line[i+1:]
		switch {
		case c != ';':
			if p.depth == 0 {
				out.WriteByte(c)
			}
		case i > 0 && line[i-1] == '\\':
			if p.depth == 0 { // the backslash has been written
				kept := strings.TrimSuffix(out.String(), `\`)
				out.Reset()
				out.WriteString(kept + ";")
			}
		case strings.HasPrefix(rest, "--") && !strings.HasPrefix(rest, "---"):
			if p.depth == 0 {
				p.opened = p.at
			}
			p.depth++
			i += 2
			seen = i + 1
		case p.depth > 0:
			if i-seen >= 2 && line[i-2:i] == "--" {
				p.depth--
				seen = i + 1
			}
		default:
			return out.String()
		}
	}
	return out.String()
}

func (p *confParser) line(text string) {
	switch {
	case text[0] == '[':
		p.section(text)
	case text[0] == '#':
		word, _, _ := strings.Cut(text, " ")
		p.faults.Add(p.at, "%s is not followed: put the text of the other file in its place, then import again", word)
	case p.open == nil:
		p.faults.Add(p.at, "%q stands before any [section]", text)
	default:
		p.setting(text)
	}
}

// section reads [name], [name](!), [name](+) and [name](template,other).
func (p *confParser) section(text string) {
	name, rest, closed := strings.Cut(text[1:], "]")
	if !closed {
		p.faults.Add(p.at, "the ] of a section is missing")
		return
	}
	s := &confSection{name: name, at: p.at}
	p.open = s
	if !strings.HasPrefix(rest, "(") {
		p.conf = append(p.conf, s)
		return
	}
	options, _, closed := strings.Cut(rest[1:], ")")
	if !closed {
		p.faults.Add(p.at, "the ) of section [%s] is missing", name)
		options = ""
	}
	appends := false
	for option := range strings.SplitSeq(options, ",") {
		switch {
		case option == "!":
			s.template = true
		case strings.HasPrefix(option, "+"):
			appends = true
		default:
			base := p.conf.find(option)
			if base == nil {
				p.faults.Add(p.at, "[%s] inherits from [%s], which is not above it", name, option)
				continue
			}
			s.settings = append(s.settings, base.settings...)
		}
	}
	if !appends {
		p.conf = append(p.conf, s)
		return
	}
	before := p.conf.find(name)
	if before == nil {
		p.faults.Add(p.at, "[%s](+) adds to a section that is not above it", name)
		return
	}
	before.settings = append(before.settings, s.settings...)
	before.template = before.template || s.template
	p.open = before
}

// setting reads key = value, key => value and key += more.
func (p *confParser) setting(text string) {
	key, value, ok := strings.Cut(text, "=")
	if !ok || strings.TrimSpace(key) == "" {
		p.faults.Add(p.at, "%q is no setting: write key = value", text)
		return
	}
	s := confSetting{at: p.at}
	if before, adds := strings.CutSuffix(key, "+"); adds {
		s.key = strings.TrimSpace(before)
		for i, x := range slices.Backward(p.open.settings) {
			if x.key == s.key {
				p.open.settings[i].value = strings.TrimSpace(x.value + value)
				return
			}
		}
	}
	if s.key == "" {
		s.key = strings.TrimSpace(key)
	}
	s.value = strings.TrimSpace(strings.TrimPrefix(value, ">"))
	p.open.settings = append(p.open.settings, s)
}
