package ivr

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/ivr/say"
	"firstline/ivr/source"
)

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
	return slices.Concat(a.play, a.invalid, a.silence)
}

func (a asking) silent() exit { return exit{to: a.otherwise, label: "no answer"} }

// menuNode takes one key and goes where it leads.
type menuNode struct {
	unchecked
	asking
	digits map[byte]source.Word
	exit   []exit // of digits, as in the file, with those of bad keys
}

func readMenu(r *reader, m *source.Map) step {
	n := &menuNode{asking: readAsking(m), digits: make(map[byte]source.Word)}
	for _, e := range m.Must("digits").Map().Entries() {
		to := e.Value.Word("")
		n.exit = append(n.exit, exit{to: to, keyed: true, label: e.Key.Text})
		if !isKey(e.Key.Text) {
			r.doc.Report().AddSuggesting(e.Key.Pos, nearestKey(e.Key.Text),
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

func (n *menuNode) exits() []exit { return append(slices.Clip(n.exit), n.silent()) }

func (n *menuNode) run(ctx context.Context, w *walk) (string, Result, error) {
	takes := func(digits string) bool {
		_, ok := n.digits[first(digits)]
		return ok
	}
	digits, err := w.ask(ctx, n.asking, call.Collect{Max: 1}, takes, false)
	if err != nil || digits == "" {
		return n.otherwise.Text, nil, err
	}
	return n.digits[first(digits)].Text, nil, nil
}

// collectNode takes several digits, such as an account number.
type collectNode struct {
	unchecked
	asking
	least, most int           // digits
	terminator  byte          // ends the input; 0 means none
	between     time.Duration // between two digits
	secret      bool          // never reported, only that something was keyed
	as          string        // the variable, or the secret, that holds it; empty for none
	readBack    []source.Word // said before the digits are read back; none: they are not
	confirm     []source.Word // said after them: which key is yes (1) and which is no
	next        source.Word   // after an input of the right length
}

func readCollect(r *reader, m *source.Map) step {
	n := &collectNode{
		asking:  readAsking(m),
		least:   m.May("min").Int(1, 1, 64),
		most:    m.Must("max").Int(64, 1, 64),
		between: m.May("between").Duration(3*time.Second, time.Second, 30*time.Second),
		secret:  m.May("secret").Bool(false),
		next:    m.Must("next").Word(""),
	}
	if n.least > n.most {
		r.doc.Report().Add(m.May("min").Pos(), "min %d is above max %d", n.least, n.most)
	}
	if t := m.May("terminator").OneOf("#", "#", "*", "none"); t != "none" {
		n.terminator = t[0]
	}
	n.readBack, n.confirm = words(m.May("read-back")), words(m.May("confirm"))
	if n.secret && (len(n.readBack) > 0 || len(n.confirm) > 0) {
		r.doc.Report().Add(m.May("confirm").Pos(), "a secret input is not read back: leave read-back and confirm out")
	}
	if len(n.readBack) > 0 && len(n.confirm) == 0 {
		r.doc.Report().Add(m.May("read-back").Pos(), "the caller hears no choice after the digits: give confirm a prompt that names 1 for yes and 2 for no")
	}
	n.keep(r, m.May("as"))
	return n
}

// keep reads where the input is kept. A secret is no variable: expressions and
// prompts cannot name it, and no state holds it.
func (n *collectNode) keep(r *reader, v source.Value) {
	if !n.secret {
		n.as = r.variable(v, reflect.String)
		return
	}
	w := v.Word("")
	if _, taken := r.env[w.Text]; taken && w.Text != "" {
		r.doc.Report().Add(w.Pos, "%q is no name for a secret: expressions know it, and a secret is for lookups alone", w.Text)
		return
	}
	if n.as = w.Text; n.as != "" {
		r.flow.secrets[n.as] = true
	}
}

func (n *collectNode) prompts() []source.Word {
	return slices.Concat(n.asking.prompts(), n.readBack, n.confirm)
}

func (n *collectNode) exits() []exit {
	return []exit{{to: n.next, keyed: true, label: "digits"}, n.silent()}
}

func (n *collectNode) run(ctx context.Context, w *walk) (string, Result, error) {
	takes := func(digits string) bool {
		return len(digits) >= n.least && strings.Trim(digits, "0123456789") == ""
	}
	want := call.Collect{Max: n.most, Terminator: n.terminator, Between: n.between}
	for range n.retries + 1 {
		digits, err := w.ask(ctx, n.asking, want, takes, n.secret)
		if err != nil || digits == "" {
			return n.otherwise.Text, nil, err
		}
		right, err := n.confirmed(ctx, w, digits)
		if err != nil {
			return "", nil, err
		}
		if right {
			w.keep(n.as, digits, n.secret)
			return n.next.Text, nil, nil
		}
	}
	return n.otherwise.Text, nil, nil
}

// confirmed reads the digits back until the caller says that they are right (1)
// or not (2). Who says neither is read them again, and at last is not sure.
func (n *collectNode) confirmed(ctx context.Context, w *walk, digits string) (bool, error) {
	if len(n.confirm) == 0 {
		return true, nil
	}
	question := slices.Concat(w.media(n.readBack), w.pieces(say.Digits(digits)), w.media(n.confirm))
	answers := func(key string) bool { return key == "1" || key == "2" }
	for range n.retries + 1 {
		c := call.Collect{Prompts: question, Max: 1, First: n.timeout, Uninterrupted: !n.bargeIn}
		got, err := w.collect(ctx, c, answers)
		if err != nil {
			return false, err
		}
		if got.Digits != "" {
			w.tell(Keyed{Node: w.state.Node, Digits: got.Digits, Accepted: answers(got.Digits)})
		}
		if answers(got.Digits) {
			return got.Digits == "1", nil
		}
	}
	return false, nil
}

// ask asks until an input is taken, and returns it, or "" after the last asking.
func (w *walk) ask(ctx context.Context, a asking, c call.Collect, takes func(string) bool, secret bool) (string, error) {
	c.First, c.Uninterrupted = a.timeout, !a.bargeIn
	var sorry []source.Word
	for try := range a.retries + 1 {
		c.Prompts = append(w.media(sorry), w.media(a.play)...)
		c.Fresh = try == 0 && !a.typeAhead
		got, err := w.collect(ctx, c, takes)
		if err != nil {
			return "", err
		}
		w.keptBack(c, got, secret)
		if got.Digits == "" {
			sorry = a.silence
			continue
		}
		taken := takes(got.Digits)
		w.tell(Keyed{Node: w.state.Node, Digits: masked(got.Digits, secret), Accepted: taken})
		if taken {
			return got.Digits, nil
		}
		// What else was keyed early was meant for where the wrong key should have led.
		sorry, w.fresh = a.invalid, true
	}
	return "", nil
}

// collect asks once. A terminator left over from the input before, which was
// complete without it, is passed over unless it means something here.
func (w *walk) collect(ctx context.Context, c call.Collect, takes func(string) bool) (call.Collected, error) {
	c.Fresh = c.Fresh || w.fresh
	stray := w.stray
	w.stray, w.fresh = 0, false
	got, err := w.line.Leg.Collect(ctx, c)
	if err != nil || stray == 0 {
		return got, err
	}
	left := got.Digits == string(stray) && !takes(got.Digits)
	left = left || got.Digits == "" && !got.TimedOut && c.Terminator == stray
	if !left {
		return got, nil
	}
	c.Fresh = false
	return w.line.Leg.Collect(ctx, c)
}

// keptBack notes what of an input may still lie in the leg's buffer.
func (w *walk) keptBack(c call.Collect, got call.Collected, secret bool) {
	if c.Terminator == 0 && !secret || got.TimedOut || len(got.Digits) < c.Max {
		return
	}
	w.stray = c.Terminator
	w.fresh = secret
}

func masked(digits string, secret bool) string {
	if secret {
		return "****" // always four: the length is a hint
	}
	return digits
}

func first(digits string) byte {
	if digits == "" {
		return 0
	}
	return digits[0]
}
