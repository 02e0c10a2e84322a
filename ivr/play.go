package ivr

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"firstline/call"
	"firstline/ivr/say"
	"firstline/ivr/source"
)

// promptNode plays and goes on. What is keyed meanwhile counts for the next node
// that asks for it.
type promptNode struct {
	unchecked
	play []source.Word
	next source.Word
}

func readPrompt(_ *reader, m *source.Map) step {
	return &promptNode{play: words(m.Must("play")), next: m.Must("next").Word("")}
}

func (n *promptNode) exits() []exit          { return []exit{{to: n.next}} }
func (n *promptNode) prompts() []source.Word { return n.play }

func (n *promptNode) run(ctx context.Context, w *walk) (string, Result, error) {
	return n.next.Text, nil, w.play(ctx, w.media(n.play))
}

// greetingNode plays the greeting of the client whose line was called, or what the
// flow has for clients without one.
type greetingNode struct{ promptNode }

func readGreeting(r *reader, m *source.Map) step {
	p, _ := readPrompt(r, m).(*promptNode)
	return &greetingNode{*p}
}

func (n *greetingNode) run(ctx context.Context, w *walk) (string, Result, error) {
	if key := w.line.Facts.Greeting; key != "" {
		return n.next.Text, nil, w.play(ctx, w.media([]source.Word{{Text: key}}))
	}
	return n.promptNode.run(ctx, w)
}

// noticeNode plays a notice that the law or a contract asks for, such as that the
// call is recorded, and reports that it was heard to its end. With a key to
// decline, it waits a moment for that key: whoever presses it is not recorded.
type noticeNode struct {
	unchecked
	play    source.Word
	decline byte // 0: there is no such key
	timeout time.Duration
	said    []source.Word // to those who declined
	next    source.Word
}

func readNotice(r *reader, m *source.Map) step {
	n := &noticeNode{play: m.Must("play").Word(""), next: m.Must("next").Word("")}
	if v := m.May("decline"); v.Set() {
		if w := v.Word(""); isKey(w.Text) {
			n.decline = w.Text[0]
		} else {
			r.doc.Report().AddSuggesting(w.Pos, nearestKey(w.Text), "%q is not a key: take one of 0 to 9, \"*\" and \"#\"", w.Text)
		}
	}
	n.timeout = m.May("timeout").Duration(2*time.Second, time.Second, 30*time.Second)
	n.said = words(m.May("declined"))
	return n
}

func (n *noticeNode) exits() []exit { return []exit{{to: n.next}} }

func (n *noticeNode) prompts() []source.Word {
	return append([]source.Word{n.play}, n.said...)
}

func (n *noticeNode) run(ctx context.Context, w *walk) (string, Result, error) {
	if n.decline != 0 {
		return n.ask(ctx, w)
	}
	if err := w.play(ctx, w.media([]source.Word{n.play})); err != nil {
		return "", nil, err
	}
	w.tell(Noticed{Prompt: n.play.Text, Language: w.state.Language})
	return n.next.Text, nil, nil
}

// ask plays the notice to its end, whatever is keyed, and then takes the one key.
// Another is kept for nobody: it was no answer to this.
func (n *noticeNode) ask(ctx context.Context, w *walk) (string, Result, error) {
	got, err := w.line.Leg.Collect(ctx, call.Collect{
		Prompts: w.media([]source.Word{n.play}), Max: 1, First: n.timeout, Fresh: true, Uninterrupted: true,
	})
	if err != nil {
		return "", nil, err
	}
	w.tell(Noticed{Prompt: n.play.Text, Language: w.state.Language})
	if first(got.Digits) != n.decline {
		return n.next.Text, nil, nil
	}
	w.tell(Keyed{Node: w.state.Node, Digits: got.Digits, Accepted: true})
	w.tell(Declined{Node: w.state.Node})
	w.state.Unrecorded = true
	return n.next.Text, nil, w.play(ctx, w.media(n.said))
}

// sayNode says prompts and what expressions tell, in the caller's language.
type sayNode struct {
	parts []saying
	next  source.Word
}

// saying is a prompt, or a value with how it is said.
type saying struct {
	prompt source.Word
	as     string
	at     source.Pos
	value  expression
}

// How values are said. A date is "2026-12-24".
const (
	asNumber   = "number"
	asDigits   = "digits"
	asDate     = "date"
	asDuration = "duration"
	asTicket   = "ticket"
)

func readSay(r *reader, m *source.Map) step {
	n := &sayNode{next: m.Must("next").Word("")}
	for _, item := range m.Must("say").List() {
		if p, ok := item.Plain(); ok {
			n.parts = append(n.parts, saying{prompt: p})
			continue
		}
		how := item.Map()
		part := saying{}
		for _, as := range []string{asNumber, asDigits, asDate, asDuration, asTicket} {
			if v := how.May(as); v.Set() {
				part = saying{as: as, at: v.Pos(), value: r.expression(v, saidAs(as))}
			}
		}
		how.End()
		if part.as == "" {
			item.Fault("this says nothing: write a prompt, or one of number, digits, date, duration and ticket with an expression")
			continue
		}
		n.parts = append(n.parts, part)
	}
	return n
}

func saidAs(as string) reflect.Kind {
	switch as {
	case asNumber:
		return reflect.Int
	case asDuration:
		return asSpan
	}
	return reflect.String
}

func (n *sayNode) exits() []exit { return []exit{{to: n.next}} }

func (n *sayNode) prompts() []source.Word {
	var all []source.Word
	for _, p := range n.parts {
		if p.as == "" {
			all = append(all, p.prompt)
		}
	}
	return all
}

func (n *sayNode) check(c *checker) {
	for _, p := range n.parts {
		c.expression(p.value)
		for _, piece := range examples(p.as) {
			if c.known.Prompts != nil && !slices.Contains(c.known.Prompts, piece) {
				c.faults.Add(p.at, "nothing is recorded to say a %s with: there is no prompt %q", p.as, piece)
				break
			}
		}
	}
}

// examples is pieces without which nothing can be said in a way.
func examples(as string) []string {
	switch as {
	case asNumber:
		return []string{"digit-1", "number-20", "hundred", "thousand"}
	case asDate:
		return []string{"number-20", "month-1", "weekday-0"}
	case asDuration:
		return []string{"number-20", "hour", "minutes"}
	case asDigits, asTicket:
		return []string{"digit-1"}
	}
	return nil
}

// run says what it can: a value that cannot be had is left out, and reported.
func (n *sayNode) run(ctx context.Context, w *walk) (string, Result, error) {
	var media []call.Media
	for _, p := range n.parts {
		if p.as == "" {
			media = append(media, w.media([]source.Word{p.prompt})...)
			continue
		}
		v, err := w.value(p.value)
		if err != nil {
			w.tell(Troubled{Node: w.state.Node, Why: failed(p.value)})
			continue
		}
		keys, err := spoken(w.heard(), p.as, v)
		if err != nil {
			w.tell(Troubled{Node: w.state.Node, Why: fmt.Sprintf("%s: %v", p.value.text, err)})
		}
		media = append(media, w.pieces(keys)...)
	}
	return n.next.Text, nil, w.play(ctx, media)
}

// errNoDate does not name the value: it may be what a caller keyed.
var errNoDate = errors.New("said as a date, and is none such as 2026-12-24")

// spoken is a value's pieces in a language.
func spoken(language, as string, v any) ([]string, error) {
	switch v := v.(type) {
	case int:
		return say.Number(language, v), nil
	case time.Duration:
		return say.Duration(language, v), nil
	case string:
		switch as {
		case asTicket:
			return say.Ticket(v), nil
		case asDigits:
			return say.Digits(v), nil
		}
		t, err := time.Parse(time.DateOnly, v)
		if err != nil {
			return nil, errNoDate
		}
		return say.Date(language, t), nil
	}
	return nil, fmt.Errorf("a %T cannot be said as %s", v, as)
}
