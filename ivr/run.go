package ivr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"firstline/call"
	"firstline/ivr/source"
)

// Leg is what a flow needs of a call.Leg.
type Leg interface {
	Play(ctx context.Context, media ...call.Media) error
	Collect(ctx context.Context, c call.Collect) (call.Collected, error)
}

// MaxSteps is how many nodes one call may enter before it is let go: hours of
// menus, which only a stuck key or a machine walks through.
const MaxSteps = 1000

// ErrState means that a State does not belong to the flow: another flow's, or a
// node that this version does not have.
var ErrState = errors.New("ivr: the state is not of this flow")

// State is where in a flow a call is: what is recorded at each node's entry, and
// all that is needed to start there again. The zero State is a new call.
type State struct {
	Flow     string `json:"flow,omitempty"`
	Node     string `json:"node,omitempty"`     // empty: the flow's start
	Language string `json:"language,omitempty"` // empty: the flow's own
	Steps    int    `json:"steps,omitempty"`    // nodes entered so far
}

// Happening is what Run reports while it runs: Entered, Keyed or Noticed.
type Happening interface{ happening() }

type (
	// Entered says that a node begins; State leads back to it.
	Entered struct{ State State }
	// Keyed is one input. Digits is "****" where the node is secret, whatever the
	// length; an asking that nobody answered is not reported.
	Keyed call.Keyed
	// Noticed says that a notice was played to its end. Version is left for the
	// caller, who knows the audio.
	Noticed call.Noticed
)

func (Entered) happening() {}
func (Keyed) happening()   {}
func (Noticed) happening() {}

// Result is where the flow sends the call: Queue or Hangup.
type Result interface{ result() }

type (
	// Queue sends the call to a queue. Need is what it asks for beyond the queue's
	// own need; Priority 0 means the queue's own.
	Queue struct {
		Queue    call.QueueID     `json:"queue"`
		Need     call.Requirement `json:"need,omitzero"`
		Priority int              `json:"priority,omitempty"`
	}
	// Voicemail takes a message, which waits in the queue as the caller would.
	Voicemail Queue
	// Hangup ends the call.
	Hangup struct {
		Reason call.Reason `json:"reason"`
	}
)

func (Queue) result()     {}
func (Voicemail) result() {}
func (Hangup) result()    {}

// walk is one call on its way through a flow.
type walk struct {
	leg   Leg
	flow  *Flow
	state State
	tell  func(Happening)

	stray byte // a terminator that may still come although its input was complete
	fresh bool // what is left of a secret input must not be read as another
}

// Run takes a call through the flow from the state it is in, and returns where
// the flow sends it. Tell is called in order, by the same goroutine, before the
// flow goes on; it must not be nil. When the caller is gone the error holds the
// leg's call.Cause; when the state does not fit the flow it is ErrState.
func Run(ctx context.Context, leg Leg, f *Flow, from State, tell func(Happening)) (Result, error) {
	if from.Flow != "" && from.Flow != f.ID {
		return nil, fmt.Errorf("flow %s: state of flow %s: %w", f.ID, from.Flow, ErrState)
	}
	from.Flow = f.ID
	from.Language = cmp.Or(from.Language, f.Language)
	w := &walk{leg: leg, flow: f, state: from, tell: tell}
	at := cmp.Or(from.Node, f.start.Text)
	for {
		next, end, err := w.enter(ctx, at)
		if err != nil {
			return nil, fmt.Errorf("flow %s, node %s: %w", f.ID, at, err)
		}
		if end != nil {
			return end, nil
		}
		at = next
	}
}

func (w *walk) enter(ctx context.Context, at string) (next string, end Result, err error) {
	if ctx.Err() != nil {
		return "", nil, context.Cause(ctx)
	}
	n, ok := w.flow.nodes[at]
	if !ok || n.step == nil {
		return "", nil, ErrState
	}
	if w.state.Steps >= MaxSteps {
		return "", Hangup{Reason: call.LimitPassed}, nil
	}
	w.state.Node = at
	w.state.Steps++
	w.tell(Entered{w.state})
	return n.step.run(ctx, w)
}

func (n *promptNode) run(ctx context.Context, w *walk) (string, Result, error) {
	return n.next.Text, nil, w.leg.Play(ctx, w.media(n.play)...)
}

func (n *noticeNode) run(ctx context.Context, w *walk) (string, Result, error) {
	if err := w.leg.Play(ctx, w.media([]source.Word{n.play})...); err != nil {
		return "", nil, err
	}
	w.tell(Noticed{Prompt: n.play.Text, Language: w.state.Language})
	return n.next.Text, nil, nil
}

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

func (n *collectNode) run(ctx context.Context, w *walk) (string, Result, error) {
	takes := func(digits string) bool {
		return len(digits) >= n.least && strings.Trim(digits, "0123456789") == ""
	}
	want := call.Collect{Max: n.most, Terminator: n.terminator, Between: n.between}
	digits, err := w.ask(ctx, n.asking, want, takes, n.secret)
	if err != nil || digits == "" {
		return n.otherwise.Text, nil, err
	}
	return n.next.Text, nil, nil
}

func (n *queueNode) run(context.Context, *walk) (string, Result, error) {
	return "", Queue{Queue: call.QueueID(n.queue.Text), Need: n.ask, Priority: n.priority}, nil
}

func (n *voicemailNode) run(ctx context.Context, w *walk) (string, Result, error) {
	_, to, err := n.queueNode.run(ctx, w)
	return "", Voicemail(to.(Queue)), err
}

func (n *hangupNode) run(context.Context, *walk) (string, Result, error) {
	return "", Hangup{Reason: n.reason}, nil
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
	got, err := w.leg.Collect(ctx, c)
	if err != nil || stray == 0 {
		return got, err
	}
	left := got.Digits == string(stray) && !takes(got.Digits)
	left = left || got.Digits == "" && !got.TimedOut && c.Terminator == stray
	if !left {
		return got, nil
	}
	c.Fresh = false
	return w.leg.Collect(ctx, c)
}

// keptBack notes what of an input may still lie in the leg's buffer.
func (w *walk) keptBack(c call.Collect, got call.Collected, secret bool) {
	if c.Terminator == 0 && !secret || got.TimedOut || len(got.Digits) < c.Max {
		return
	}
	w.stray = c.Terminator
	w.fresh = secret
}

// media is prompts by their keys in the call's language.
func (w *walk) media(keys []source.Word) []call.Media {
	all := make([]call.Media, len(keys))
	for i, k := range keys {
		all[i] = call.Media("prompt:" + w.state.Language + "/" + k.Text)
	}
	return all
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
