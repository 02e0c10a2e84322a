package ivr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/expr-lang/expr/vm"

	"firstline/call"
	"firstline/ivr/source"
)

// Leg is what a flow needs of a call.Leg.
type Leg interface {
	Play(ctx context.Context, media ...call.Media) error
	Collect(ctx context.Context, c call.Collect) (call.Collected, error)
}

// Line is a call as a flow sees it: who it is and what can be asked about it. Leg
// and Tell are required.
type Line struct {
	Leg   Leg
	Flows map[string]*Flow // those that may be gone to, by id: the call's own version
	Facts Facts
	Queue func(id string) QueueFacts // nil: every queue is empty
	Open  func(calendar string) bool // nil: every calendar is open
	// Lookup asks another system, by its name in the centre, within a budget of its
	// own. nil: none can be asked. What is asked may hold secrets.
	Lookup func(ctx context.Context, name string, ask map[string]string) (answer map[string]any, found Found)
	// Heard is the language whose recordings are heard by callers of a language:
	// what is put together of pieces follows its grammar. nil: their own.
	Heard func(language string) string
	// Tell is called in order, by the goroutine that runs, before the flow goes on.
	Tell func(Happening)
}

// MaxSteps is how many nodes one call may enter before it is let go: hours of
// menus, which only a stuck key or a machine walks through.
const MaxSteps = 1000

// ErrState means that a State does not belong to the flow: another flow's, or a
// node that this version does not have.
var ErrState = errors.New("ivr: the state is not of this flow")

// State is where in a flow a call is: what is recorded at each node's entry, and
// all that is needed to start there again. The zero State is a new call. It holds
// no secret input.
type State struct {
	Flow       string   `json:"flow,omitempty"`
	Node       string   `json:"node,omitempty"`     // empty: the flow's start
	Language   string   `json:"language,omitempty"` // empty: the flow's own
	Steps      int      `json:"steps,omitempty"`    // nodes entered so far
	Back       []Place  `json:"back,omitempty"`     // where flows that return go on, the last first to come
	Variables  Values   `json:"variables,omitempty"`
	Identity   Identity `json:"identity,omitempty"` // empty: the facts'
	Unrecorded bool     `json:"unrecorded,omitempty"`
	// Class is what the caller's keys said of the problem.
	Class call.Classification `json:"class,omitzero"`
}

// Place is a node of a flow.
type Place struct {
	Flow string `json:"flow"`
	Node string `json:"node"`
}

// Happening is what Run reports while it runs.
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
	// Declined says that the caller does not want to be recorded.
	Declined struct{ Node string }
	// Spoken says in which language the caller is spoken to from here on.
	Spoken struct{ Node, Language string }
	// Identified says how sure we are of the caller from here on, and by what.
	Identified struct {
		Node     string
		Identity Identity
		Evidence string
	}
	// Classified is the problem as the caller's keys said so far.
	Classified struct {
		Node  string
		Class call.Classification
	}
	// Decided is the condition by which a branch was taken, "else" for none.
	Decided struct{ Node, Why string }
	// Troubled says that a node could not do all of its work, and what it lacked.
	Troubled struct{ Node, Why string }
)

func (Entered) happening()    {}
func (Keyed) happening()      {}
func (Noticed) happening()    {}
func (Declined) happening()   {}
func (Spoken) happening()     {}
func (Identified) happening() {}
func (Classified) happening() {}
func (Decided) happening()    {}
func (Troubled) happening()   {}

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
	// Hangup ends the call. Routed says that it was no matter for this desk.
	Hangup struct {
		Reason call.Reason `json:"reason"`
		Routed bool        `json:"routed_out,omitempty"`
	}
)

func (Queue) result()     {}
func (Voicemail) result() {}
func (Hangup) result()    {}

// walk is one call on its way through a flow.
type walk struct {
	line  Line
	flow  *Flow
	state State
	env   map[string]any // of expressions; nil until one is asked
	vm    vm.VM

	secrets map[string]string // what was keyed in secret; no state holds it
	stray   byte              // a terminator that may still come although its input was complete
	fresh   bool              // what is left of a secret input must not be read as another
}

// Run takes a call through the flow from the state it is in, and returns where
// the flow sends it. When the caller is gone the error holds the leg's call.Cause;
// when the state does not fit the flow it is ErrState.
func Run(ctx context.Context, on Line, f *Flow, from State) (Result, error) {
	if from.Flow != "" && from.Flow != f.ID {
		sub := on.Flows[from.Flow]
		if sub == nil {
			return nil, fmt.Errorf("flow %s: state of flow %s: %w", f.ID, from.Flow, ErrState)
		}
		f = sub
	}
	from.Language = cmp.Or(from.Language, f.Language)
	from.Variables = maps.Clone(from.Variables)
	w := &walk{line: on, state: from}
	w.into(f)
	at := cmp.Or(from.Node, f.start.Text)
	for {
		next, end, err := w.enter(ctx, at)
		if err != nil {
			return nil, fmt.Errorf("flow %s, node %s: %w", w.flow.ID, at, err)
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
	w.tell(Entered{w.snapshot()})
	return n.step.run(ctx, w)
}

func (w *walk) tell(h Happening) { w.line.Tell(h) }

// into goes over to a flow. Its variables are those of the call by their names.
func (w *walk) into(f *Flow) {
	w.flow, w.state.Flow, w.env = f, f.ID, nil
}

// play plays what there is to play.
func (w *walk) play(ctx context.Context, media []call.Media) error {
	if len(media) == 0 {
		return nil
	}
	return w.line.Leg.Play(ctx, media...)
}

// media is prompts by their keys in the call's language.
func (w *walk) media(keys []source.Word) []call.Media {
	all := make([]call.Media, len(keys))
	for i, k := range keys {
		all[i] = call.Media("prompt:" + w.state.Language + "/" + k.Text)
	}
	return all
}

// pieces is what say returns as media.
func (w *walk) pieces(keys []string) []call.Media {
	all := make([]call.Media, len(keys))
	for i, k := range keys {
		all[i] = call.Media("prompt:" + w.heard() + "/" + k)
	}
	return all
}

func (w *walk) heard() string {
	if w.line.Heard == nil {
		return w.state.Language
	}
	return w.line.Heard(w.state.Language)
}

func (w *walk) identity() Identity {
	return cmp.Or(w.state.Identity, w.line.Facts.Identity, Unidentified)
}
