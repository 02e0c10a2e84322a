package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"firstline/ivr/source"
)

// Imported is a centre made from another system's files.
type Imported struct {
	Files   map[string][]byte // of the centre, by name; numbers.yaml is left for people to fill in
	Queues  int
	Agents  int
	Remarks []Remark // in the order of the files' lines
}

// Remark is an option of the other system that came over not at all, or not as it
// was.
type Remark struct {
	source.Pos
	Section string // queue or rule; "general"
	Option  string
	Value   string
	Fate    Fate
	Text    string // what firstline does instead, or what to do
}

// Fate is what became of an option.
type Fate string

// What became of an option.
const (
	Changed Fate = "changed" // came over with another meaning, which Text says
	Later   Fate = "later"   // written as a comment: this version has no such key yet
	Always  Fate = "always"  // firstline always does so, or never
	None    Fate = "none"    // has no counterpart
)

func (r Remark) String() string {
	what := r.Option
	if r.Value != "" {
		what += " = " + r.Value
	}
	return fmt.Sprintf("%s: [%s] %s: %s", r.Pos, r.Section, what, r.Text)
}

// ImportAsterisk makes a centre from Asterisk's queues.conf and queuerules.conf
// (which may be nil). Members become agents, and belong to a queue by a skill
// with the queue's name, the lower the penalty the higher. The error is Faults
// when a file cannot be read as Asterisk reads it.
func ImportAsterisk(queuesFile string, queues []byte, rulesFile string, rules []byte) (*Imported, error) {
	q, faults := parseConf(queuesFile, queues)
	r, more := parseConf(rulesFile, rules)
	if err := append(faults, more...).Err(); err != nil {
		return nil, err
	}
	im := &asteriskImport{rules: r, ids: make(map[string]bool), people: make(map[string]*member)}
	for _, s := range q {
		switch {
		case strings.EqualFold(s.name, "general"):
			im.general(s)
		case s.template:
		case q.find(s.name) != s:
			im.remark(s.name, confSetting{key: "section", at: s.at}, None, "there is a section of this name above; Asterisk takes the first")
		default:
			im.take(s)
		}
	}
	im.unusedRules()
	return im.result(), nil
}

// asteriskImport is an import under way.
type asteriskImport struct {
	rules   conf
	queues  []*importedQueue
	ids     map[string]bool    // given out, by kind
	people  map[string]*member // by interface
	order   []*member
	used    []string // rules
	remarks []Remark
}

type importedQueue struct {
	id      string
	section *confSection
	lines   []queueLine
}

// queueLine is one line of a queue in queues.yaml.
type queueLine struct {
	text    string // key: value
	comment string
	from    confSetting // what to remark on when the line cannot be written; no key means nothing
}

// member is a person, by the phone that Asterisk calls.
type member struct {
	id, name, device string
	queues           map[string]int // queue to penalty
	at               source.Pos
}

func (im *asteriskImport) remark(section string, s confSetting, fate Fate, format string, args ...any) {
	im.remarks = append(im.remarks, Remark{s.at, section, s.key, s.value, fate, fmt.Sprintf(format, args...)})
}

// id makes an id of ours from a name, one that nothing else has.
func (im *asteriskImport) id(kind, name string) string {
	base := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '-'
	}, strings.ToLower(name)), "-_")
	for strings.Contains(base, "--") {
		base = strings.ReplaceAll(base, "--", "-")
	}
	base = cmp.Or(base, kind)
	id := base
	for n := 2; im.ids[kind+"/"+id]; n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	im.ids[kind+"/"+id] = true
	return id
}

func (im *asteriskImport) general(s *confSection) {
	known := generalOptions()
	for _, x := range s.settings {
		o, ok := known[strings.ToLower(x.key)]
		if !ok {
			im.unknown("general", x, slices.Collect(maps.Keys(known)))
			continue
		}
		im.remark("general", x, o.fate, "%s", o.text)
	}
}

func (im *asteriskImport) unknown(section string, x confSetting, known []string) {
	text := "Asterisk does not know this option either"
	if near := source.Nearest(x.key, known); near != "" {
		text += fmt.Sprintf("; %q is near", near)
	}
	im.remark(section, x, None, "%s", text)
}

// take reads one queue. Options that are absent count with Asterisk's default
// where ours differs.
func (im *asteriskImport) take(s *confSection) {
	q := &importedQueue{id: im.id("queue", s.name), section: s}
	im.queues = append(im.queues, q)
	table := queueOptions()
	for _, x := range s.settings {
		key := strings.ToLower(x.key)
		if key == "member" {
			im.member(q, x)
			continue
		}
		if last, _ := s.last(key); last.at != x.at {
			continue // Asterisk takes the last one
		}
		o, ok := table[key]
		switch {
		case !ok:
			im.unknown(s.name, x, slices.Collect(maps.Keys(table)))
		case o.to == nil:
			im.remark(s.name, x, o.fate, "%s", o.text)
		default:
			o.to(im, q, x)
		}
	}
	for _, d := range queueDefaults() {
		if _, said := s.last(d.key); !said {
			table[d.key].to(im, q, confSetting{key: "", value: d.value, at: s.at})
		}
	}
	slices.SortStableFunc(q.lines, func(a, b queueLine) int { return rank(a.text) - rank(b.text) })
}

// member reads interface[,penalty[,name[,state interface[,ringinuse[,wrapuptime[,paused]]]]]].
func (im *asteriskImport) member(q *importedQueue, x confSetting) {
	f := strings.Split(x.value, ",")
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	f = append(f, make([]string, 7)...)
	if f[0] == "" {
		im.remark(q.section.name, x, None, "the member has no interface; Asterisk passes over it")
		return
	}
	penalty, err := strconv.Atoi(cmp.Or(f[1], "0"))
	if err != nil || penalty < 0 {
		im.remark(q.section.name, x, Changed, "penalty %q counts as 0, as it does in Asterisk", f[1])
		penalty = 0
	}
	m, ok := im.people[f[0]]
	if !ok {
		m = &member{name: cmp.Or(f[2], f[0]), queues: make(map[string]int), at: x.at}
		m.device = im.device(q, x, f[0])
		m.id = im.id("agent", cmp.Or(f[2], m.device, f[0]))
		im.people[f[0]] = m
		im.order = append(im.order, m)
	}
	if f[2] != "" && f[2] != m.name {
		im.remark(q.section.name, x, Changed, "%s is %q in another queue and keeps that name", f[0], m.name)
	}
	if penalty > mostPenalty {
		im.remark(q.section.name, x, Changed, "penalties above %d are told apart no more: the skill has ten levels", mostPenalty)
	}
	m.queues[q.id] = penalty
	for i, text := range map[int]string{
		3: "the phone's own registration says whether it can be called",
		4: "an agent takes one call at a time",
		5: "wrap-up is the queue's",
		6: "agents begin logged out; a break is theirs to say",
	} {
		if f[i] != "" {
			part := x
			part.value = f[i]
			part.key = "member " + f[0] + ", " + []string{3: "state_interface", 4: "ringinuse", 5: "wrapuptime", 6: "paused"}[i]
			im.remark(q.section.name, part, None, "%s", text)
		}
	}
}

// mostPenalty is the highest penalty that has a skill level of its own: level 10
// is penalty 0, level 1 is this one.
const mostPenalty = 9

func skillLevel(penalty int) int { return 10 - min(penalty, mostPenalty) }

// device is the phone that an interface calls.
func (im *asteriskImport) device(q *importedQueue, x confSetting, iface string) string {
	tech, rest, _ := strings.Cut(iface, "/")
	user, context, _ := strings.Cut(rest, "@")
	id := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, user), "-_")
	switch strings.ToUpper(tech) {
	case "PJSIP", "SIP", "IAX2":
	case "LOCAL":
		im.remark(q.section.name, x, Changed, "calls went through the dialplan (%s of %s); the phone is taken to be %q", user, cmp.Or(context, "default"), id)
	default:
		im.remark(q.section.name, x, Changed, "%s is no SIP phone; set the agent's device where the person sits", iface)
		return ""
	}
	for _, other := range im.order {
		if other.device == id {
			im.remark(q.section.name, x, Changed, "%s sits at %q too; this agent gets no phone", other.name, id)
			return ""
		}
	}
	return id
}

func (im *asteriskImport) unusedRules() {
	for _, r := range im.rules {
		switch {
		case strings.EqualFold(r.name, "general"):
			for _, x := range r.settings {
				im.remark("general", x, None, "rules come from files only")
			}
		case !r.template && !slices.Contains(im.used, strings.ToLower(r.name)):
			im.remark(r.name, confSetting{key: "rule", at: r.at}, None,
				"no queue names this rule by defaultrule; the dialplan may, in Queue()'s arguments")
		}
	}
}
