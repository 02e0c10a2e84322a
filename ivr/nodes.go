package ivr

import (
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/ivr/source"
)

// The kinds of node, by the word that stands for them in the file.
const (
	kindPrompt  = "prompt"
	kindNotice  = "notice"
	kindMenu    = "menu"
	kindCollect = "collect"
	kindQueue   = "queue"
	kindMessage = "voicemail"
	kindHangup  = "hangup"
)

// readStep reads one node by its type.
func readStep(m *source.Map, doc *source.Doc) step {
	var s step
	switch m.Must("type").OneOf("", kindPrompt, kindNotice, kindMenu, kindCollect, kindQueue, kindMessage, kindHangup) {
	case kindPrompt:
		s = readPrompt(m)
	case kindNotice:
		s = readNotice(m)
	case kindMenu:
		s = readMenu(m, doc)
	case kindCollect:
		s = readCollect(m, doc)
	case kindQueue:
		s = readQueue(m)
	case kindMessage:
		s = &voicemailNode{readQueue(m)}
	case kindHangup:
		s = readHangup(m)
	default:
		return nil // the fault is noted; without a type no key is known or unknown
	}
	m.End()
	return s
}

// promptNode plays and goes on. What is keyed meanwhile counts for the next node
// that asks for it.
type promptNode struct {
	play []source.Word
	next source.Word
}

func readPrompt(m *source.Map) *promptNode {
	return &promptNode{play: words(m.Must("play")), next: m.Must("next").Word("")}
}

func (n *promptNode) exits() []exit          { return []exit{{to: n.next}} }
func (n *promptNode) prompts() []source.Word { return n.play }

// noticeNode plays a notice that the law or a contract asks for, such as that the
// call is recorded, and reports that it was heard to its end.
type noticeNode struct {
	play source.Word
	next source.Word
}

func readNotice(m *source.Map) *noticeNode {
	return &noticeNode{play: m.Must("play").Word(""), next: m.Must("next").Word("")}
}

func (n *noticeNode) exits() []exit          { return []exit{{to: n.next}} }
func (n *noticeNode) prompts() []source.Word { return []source.Word{n.play} }

// asking is what menus and inputs share: what to say, how often and how long to wait.
type asking struct {
	play      []source.Word
	invalid   []source.Word // said before play after a wrong key
	silence   []source.Word // said before play after none
	timeout   time.Duration // from the end of the prompts to the first key
	retries   int           // askings after the first
	bargeIn   bool          // a key stops the prompts
	typeAhead bool          // keys from before count
	otherwise source.Word   // where callers go after the last asking
}

func readAsking(m *source.Map) asking {
	return asking{
		play:      words(m.Must("play")),
		invalid:   words(m.May("invalid")),
		silence:   words(m.May("silence")),
		timeout:   m.May("timeout").Duration(5*time.Second, time.Second, time.Minute),
		retries:   m.May("retries").Int(2, 0, 9),
		bargeIn:   m.May("barge-in").Bool(true),
		typeAhead: m.May("type-ahead").Bool(true),
		otherwise: m.Must("default").Word(""),
	}
}

func (a asking) prompts() []source.Word {
	all := append([]source.Word(nil), a.play...)
	return append(append(all, a.invalid...), a.silence...)
}

// menuNode takes one key and goes where it leads.
type menuNode struct {
	asking
	digits map[byte]source.Word
	exit   []exit // of digits, as in the file, with those of bad keys
}

func readMenu(m *source.Map, doc *source.Doc) *menuNode {
	n := &menuNode{asking: readAsking(m), digits: make(map[byte]source.Word)}
	for _, e := range m.Must("digits").Map().Entries() {
		to := e.Value.Word("")
		n.exit = append(n.exit, exit{to: to, keyed: true})
		if !isKey(e.Key.Text) {
			doc.Report().AddSuggesting(e.Key.Pos, nearestKey(e.Key.Text),
				"%q is not a key: a menu takes one of 0 to 9, \"*\" and \"#\"", e.Key.Text)
			continue
		}
		n.digits[e.Key.Text[0]] = to
	}
	return n
}

func isKey(s string) bool {
	return len(s) == 1 && strings.Contains("0123456789*#", s)
}

func nearestKey(s string) string {
	switch strings.ToLower(s) {
	case "star", "asterisk":
		return "*"
	case "pound", "hash":
		return "#"
	}
	if s = strings.TrimLeft(s, "0"); isKey(s) {
		return s
	}
	return ""
}

func (n *menuNode) exits() []exit {
	return append(slices.Clip(n.exit), exit{to: n.otherwise})
}

// collectNode takes several digits, such as an account number.
type collectNode struct {
	asking
	least, most int           // digits
	terminator  byte          // ends the input; 0 means none
	between     time.Duration // between two digits
	secret      bool          // never reported, only that something was keyed
	next        source.Word   // after an input of the right length
}

func readCollect(m *source.Map, doc *source.Doc) *collectNode {
	n := &collectNode{
		asking:  readAsking(m),
		least:   m.May("min").Int(1, 1, 64),
		most:    m.Must("max").Int(64, 1, 64),
		between: m.May("between").Duration(3*time.Second, time.Second, 30*time.Second),
		secret:  m.May("secret").Bool(false),
		next:    m.Must("next").Word(""),
	}
	if n.least > n.most {
		doc.Report().Add(m.May("min").Pos(), "min %d is above max %d", n.least, n.most)
	}
	if t := m.May("terminator").OneOf("#", "#", "*", "none"); t != "none" {
		n.terminator = t[0]
	}
	return n
}

func (n *collectNode) exits() []exit {
	return []exit{{to: n.next, keyed: true}, {to: n.otherwise}}
}

// queueNode ends the flow by sending the call to a queue.
type queueNode struct {
	queue    source.Word
	need     []source.Word // skills asked for, for the check
	priority int           // 0: the queue's own
	ask      call.Requirement
}

func readQueue(m *source.Map) *queueNode {
	n := &queueNode{
		queue:    m.Must("queue").Word(""),
		priority: m.May("priority").Int(0, 0, 100),
	}
	need := m.May("need").Map()
	n.ask, n.need = ReadNeed(need)
	need.End()
	return n
}

// ReadNeed reads what a call or queue asks of an agent, {skills: {name: least
// level}, level: least support level, any: [the same, of which one is enough]}, and
// the skills' names with their places. It leaves it to the caller to End the map.
func ReadNeed(m *source.Map) (call.Requirement, []source.Word) {
	need := call.Requirement{Level: m.May("level").Int(0, 1, 4)}
	skills, names := ReadSkills(m.May("skills").Map())
	need.Skills = skills
	alternatives := m.May("any")
	for _, item := range alternatives.List() {
		alternative := item.Map()
		one, more := ReadNeed(alternative)
		alternative.End()
		need.Any = append(need.Any, one)
		names = append(names, more...)
	}
	if alternatives.Set() && len(need.Any) == 0 {
		alternatives.Fault("any of nothing is met by nobody: name what may be met, or leave it out")
	}
	return need, names
}

// ReadSkills reads a mapping of skills to levels from 1 to 10.
func ReadSkills(m *source.Map) (map[string]int, []source.Word) {
	var names []source.Word
	var skills map[string]int
	for _, e := range m.Entries() {
		if skills == nil {
			skills = make(map[string]int)
		}
		skills[e.Key.Text] = e.Value.Int(1, 1, 10)
		names = append(names, e.Key)
	}
	return skills, names
}

func (n *queueNode) exits() []exit          { return nil }
func (n *queueNode) prompts() []source.Word { return nil }

// voicemailNode ends the flow by taking a message, which goes to a queue.
type voicemailNode struct{ *queueNode }

// hangupNode ends the call.
type hangupNode struct {
	reason call.Reason
}

func readHangup(m *source.Map) *hangupNode {
	// The reasons that an operator may mean; the others are the switch's to say.
	r := m.May("reason").OneOf(string(call.Completed), string(call.Completed), string(call.Closed), string(call.Blocked), string(call.Busy))
	return &hangupNode{reason: call.Reason(r)}
}

func (n *hangupNode) exits() []exit          { return nil }
func (n *hangupNode) prompts() []source.Word { return nil }

// words reads names: one, or a list.
func words(v source.Value) []source.Word {
	var all []source.Word
	for _, item := range v.List() {
		all = append(all, item.Word(""))
	}
	return all
}
