package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"firstline/call"
	"firstline/ivr"
)

// Question is a call that is only thought of.
type Question struct {
	At       time.Time // when it comes
	From     string    // in its normal form; empty when withheld
	To       string    // the number dialled
	Keys     []string  // what the caller keys, one text for each time that something is asked; "" is silence
	Unserved int       // calls of this caller that nobody answered of late
	Ticket   call.TicketID
	Queue    func(id string) ivr.QueueFacts // nil: nobody waits anywhere, and nobody is at work
}

// Answer is where the call goes, and why.
type Answer struct {
	Steps []Why        `json:"steps"`
	Queue call.QueueID `json:"queue,omitempty"` // that it comes to; empty when it ends before
	End   call.Reason  `json:"end,omitempty"`   // why it ends, when it comes to no queue
}

// Why is one step on the way: a node, or a decision before the first.
type Why struct {
	Flow string `json:"flow,omitempty"`
	Node string `json:"node,omitempty"`
	What string `json:"what"`
}

// Nodes is the way through flows, by the nodes' names.
func (a Answer) Nodes() []string {
	var all []string
	for _, s := range a.Steps {
		if s.Node != "" && s.What == "enters" {
			all = append(all, s.Node)
		}
	}
	return all
}

// errOver ends a thought of a call that takes too long.
var errOver = errors.New("the way does not end")

// WhatIf thinks a call through, by the code that serves calls: the same route, and
// the same flows on a line that only writes down. Who is kept out is not asked:
// that is in no centre.
func (c *Centre) WhatIf(q Question) (Answer, error) {
	var a Answer
	a.note("", "", fmt.Sprintf("%s is dialled at %s", q.To, q.At.Format("Mon 2006-01-02 15:04 MST")))
	n, known := c.Numbers[q.To]
	if !known {
		a.note("", "", "no number of this centre")
		a.End = call.Unreachable
		return a, nil
	}
	a.note("", "", numberText(n))
	k := &call.Call{From: call.Party{Number: q.From}, To: call.Party{Number: q.To}, Arrived: q.At}
	stage, err := c.route(k, call.HoursOverridden{})
	if err != nil {
		return a, err
	}
	if why := n.shut(q.At); why != "" {
		a.note("", "", why+", by the hours of the number")
	}
	switch s := stage.(type) {
	case Shut:
		a.play(promptMedia(c.language(q.To), s.Prompt))
		a.End = call.Closed
		return a, nil
	case Flow:
		return a, c.think(&a, q, k, s)
	case Wait:
		a.queue(ivr.Queue{Queue: s.Queue})
	}
	return a, nil
}

// think takes a call through its flow.
func (c *Centre) think(a *Answer, q Question, k *call.Call, f Flow) error {
	flow := c.Flows[f.Flow]
	if flow == nil {
		return fmt.Errorf("flow %q is not in this centre", f.Flow)
	}
	r, err := ivr.Run(context.Background(), ivr.Line{
		Leg: &thought{answer: a, keys: q.Keys}, Flows: c.Flows, Queue: q.Queue, Open: c.open(q.At), Heard: c.heard,
		Facts: c.facts(k, q.From, q.Ticket, q.Unserved),
		Tell:  a.tell,
	}, flow, f.State)
	if err != nil {
		return err
	}
	switch to := r.(type) {
	case ivr.Queue:
		a.queue(to)
	case ivr.Hangup:
		a.note("", "", "is hung up on: "+string(to.Reason))
		a.End = to.Reason
	}
	return nil
}

func (a *Answer) note(flow, node, what string) {
	a.Steps = append(a.Steps, Why{Flow: flow, Node: node, What: what})
}

func (a *Answer) queue(to ivr.Queue) {
	what := "comes to queue " + string(to.Queue)
	if to.Priority > 0 {
		what += fmt.Sprintf(" with priority %d", to.Priority)
	}
	a.note("", "", what)
	a.Queue = to.Queue
}

func (a *Answer) play(media ...call.Media) {
	for _, m := range media {
		if m != "" {
			a.note("", "", "hears "+string(m))
		}
	}
}

// tell writes down what a flow reports.
func (a *Answer) tell(h ivr.Happening) {
	switch h := h.(type) {
	case ivr.Entered:
		a.note(h.State.Flow, h.State.Node, "enters")
	case ivr.Keyed:
		what := "keys " + h.Digits
		if !h.Accepted {
			what += ", which is not taken"
		}
		a.note("", h.Node, what)
	case ivr.Decided:
		a.note("", h.Node, "because "+h.Why)
	case ivr.Troubled:
		a.note("", h.Node, h.Why)
	case ivr.Spoken:
		a.note("", h.Node, "is spoken to in "+h.Language)
	case ivr.Identified:
		a.note("", h.Node, fmt.Sprintf("is %s by %s", h.Identity, h.Evidence))
	case ivr.Classified:
		a.note("", h.Node, fmt.Sprintf("the ticket says: %s, severity %s, urgency %s", cmp.Or(h.Class.Kind, "-"), cmp.Or(h.Class.Severity, "-"), cmp.Or(h.Class.Urgency, "-")))
	case ivr.Declined:
		a.note("", h.Node, "does not want to be recorded")
	}
}

func numberText(n Number) string {
	var parts []string
	switch {
	case n.Flow != "":
		parts = append(parts, "leads to flow "+n.Flow)
	case n.Queue != "":
		parts = append(parts, "leads to queue "+string(n.Queue))
	}
	if n.Client != "" {
		parts = append(parts, "client "+n.Client)
	}
	if n.Class != "" {
		parts = append(parts, "class "+n.Class)
	}
	return strings.Join(parts, ", ")
}

// thought is a leg on which nobody speaks. Each time that something is asked which
// what was keyed before does not answer, the next of the keys are keyed.
type thought struct {
	answer *Answer
	keys   []string
	buffer string
	asked  int
}

// Play writes down what is heard.
func (t *thought) Play(_ context.Context, media ...call.Media) error {
	t.answer.play(media...)
	return nil
}

// Collect answers from what is keyed.
func (t *thought) Collect(_ context.Context, c call.Collect) (call.Collected, error) {
	if t.asked++; t.asked > ivr.MaxSteps*10 {
		return call.Collected{}, errOver
	}
	if c.Fresh {
		t.buffer = ""
	}
	if got, rest, ok := taken(t.buffer, c); ok {
		t.buffer = rest
		return call.Collected{Digits: got}, nil
	}
	if t.buffer == "" || c.Uninterrupted {
		t.answer.play(c.Prompts...)
	}
	if len(t.keys) > 0 {
		t.buffer += t.keys[0]
		t.keys = t.keys[1:]
	}
	if got, rest, ok := taken(t.buffer, c); ok {
		t.buffer = rest
		return call.Collected{Digits: got}, nil
	}
	got := t.buffer
	t.buffer = ""
	if got == "" {
		t.answer.note("", "", "keys nothing")
	}
	return call.Collected{Digits: got, TimedOut: true}, nil
}

// taken is a whole input at the beginning of what was keyed, and what is left.
func taken(buffer string, c call.Collect) (got, rest string, ok bool) {
	for i := range len(buffer) {
		if c.Terminator != 0 && buffer[i] == c.Terminator {
			return buffer[:i], buffer[i+1:], true
		}
		if i+1 == max(1, c.Max) {
			return buffer[:i+1], buffer[i+1:], true
		}
	}
	return "", buffer, false
}
