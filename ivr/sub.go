package ivr

import (
	"context"
	"fmt"
	"slices"

	"firstline/call"
	"firstline/ivr/source"
)

// maxDepth is how many flows may call one another. A flow that leads to itself is
// a fault, so no centre of a reasonable size comes near it.
const maxDepth = 32

// subNode runs another flow and goes on when that returns. Without a next it goes
// over to the other flow for good.
type subNode struct {
	quiet
	flow source.Word
	next source.Word // empty: there is no way back
}

func readSub(_ *reader, m *source.Map) step {
	return &subNode{flow: m.Must("flow").Word(""), next: m.May("next").Word("")}
}

func (n *subNode) exits() []exit {
	if n.next.Text == "" {
		return nil
	}
	return []exit{{to: n.next, label: "returns"}}
}

func (n *subNode) check(c *checker) { c.refer(n.flow, "flow", c.known.Flows) }

func (n *subNode) run(_ context.Context, w *walk) (string, Result, error) {
	to := w.line.Flows[n.flow.Text]
	if to == nil {
		return "", nil, fmt.Errorf("flow %q is not in this centre: %w", n.flow.Text, ErrState)
	}
	if len(w.state.Back) >= maxDepth {
		return "", nil, fmt.Errorf("flows call one another more than %d deep: %w", maxDepth, ErrState)
	}
	if n.next.Text != "" {
		w.state.Back = append(slices.Clip(w.state.Back), Place{Flow: w.flow.ID, Node: n.next.Text})
	}
	w.into(to)
	return to.start.Text, nil, nil
}

// returnNode goes back to the flow that called this one.
type returnNode struct {
	quiet
	unchecked
}

func readReturn(*reader, *source.Map) step { return &returnNode{} }

func (n *returnNode) exits() []exit { return nil }

// run ends the call when nobody called the flow, which the check of a whole
// centre finds.
func (n *returnNode) run(_ context.Context, w *walk) (string, Result, error) {
	last := len(w.state.Back) - 1
	if last < 0 {
		return "", Hangup{Reason: call.Completed}, nil
	}
	back := w.state.Back[last]
	to := w.line.Flows[back.Flow]
	if to == nil {
		return "", nil, fmt.Errorf("flow %q is not in this centre: %w", back.Flow, ErrState)
	}
	w.state.Back = w.state.Back[:last:last]
	w.into(to)
	return back.Node, nil, nil
}
