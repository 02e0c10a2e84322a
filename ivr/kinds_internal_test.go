package ivr

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"firstline/call"
)

// rows is a node of every kind. What a node leads to is end, or sub's return.
func rows() map[string]string {
	return map[string]string{
		"prompt":    "play: p, next: end",
		"greeting":  "play: p, next: end",
		"notice":    "play: p, decline: \"9\", next: end",
		"say":       "say: [p, {number: '3'}, {ticket: ticket}], next: end",
		"menu":      "play: p, digits: {1: end, 2: n}, retries: 1, default: end",
		"collect":   "play: p, max: 4, as: a, read-back: p, confirm: p, retries: 1, next: end, default: end",
		"set":       "set: {a: '\"x\"'}, next: end",
		"branch":    "cases: [{if: 'a == \"\"', next: end}], default: end",
		"language":  "to: de, next: end",
		"lookup":    "lookup: crm, send: {a: a}, found: end, missing: end, failed: end",
		"identity":  "is: said, next: end",
		"classify":  "kind: software, affected: team, urgency: high, next: end",
		"flow":      "flow: sub, next: end",
		"return":    "",
		"queue":     "queue: desk",
		"voicemail": "queue: desk",
		"hangup":    "reason: completed",
	}
}

// gone is a leg whose caller keys digits at each asking, and hangs up at the nth thing
// that is done on it; never below 0.
type gone struct {
	keys string
	left int
}

func (g *gone) over() error {
	if g.left--; g.left == -1 {
		return call.Cause{Reason: call.Hangup}
	}
	return nil
}

func (g *gone) Play(context.Context, ...call.Media) error { return g.over() }

func (g *gone) Collect(_ context.Context, c call.Collect) (call.Collected, error) {
	if err := g.over(); err != nil {
		return call.Collected{}, err
	}
	n := min(len(g.keys), max(1, c.Max))
	return call.Collected{Digits: g.keys[:n], TimedOut: n < c.Max}, nil
}

// A new kind of node without a row here fails: nobody has said what it does when the
// caller is silent, keys what it does not take, or is gone.
func TestEveryKindEndsForSilenceWrongKeysAndWhoIsGone(t *testing.T) {
	table := rows()
	for _, k := range kinds() {
		row, ok := table[k.name]
		if !ok {
			t.Errorf("the kind %q has no row", k.name)
			continue
		}
		if row != "" {
			row = ", " + row
		}
		text := fmt.Sprintf("variables: {a: \"\"}\nstart: n\nnodes:\n  n: {type: %s%s}\n  end: {type: hangup}\n", k.name, row)
		f, faults := Parse("f.yaml", "f", []byte(text))
		sub, more := Parse("sub.yaml", "sub", []byte("start: back\nnodes:\n  back: {type: return}\n"))
		if faults = append(faults, more...); len(faults) > 0 {
			t.Errorf("%s: %v", k.name, faults)
			continue
		}
		for _, keys := range []string{"", "1", "7", "*", "47#", "123456"} {
			for at := range 5 {
				ended(t, f, sub, k.name, &gone{keys: keys, left: at})
			}
			ended(t, f, sub, k.name, &gone{keys: keys, left: -1})
		}
	}
}

// ended runs a flow of one node, which has to end: by itself in a few steps, or with
// the cause for which the caller is gone.
func ended(t *testing.T, f, sub *Flow, kind string, leg *gone) {
	t.Helper()
	was, entered := *leg, 0
	end, err := Run(t.Context(), Line{
		Leg: leg, Flows: map[string]*Flow{"f": f, "sub": sub}, Facts: Facts{Ticket: "T-100001"},
		Tell: func(h Happening) {
			if _, ok := h.(Entered); ok {
				entered++
			}
		},
	}, f, State{})
	hungUp := errors.Is(err, call.Cause{Reason: call.Hangup})
	switch {
	case err != nil && !hungUp:
		t.Errorf("%s, %+v: %v", kind, was, err)
	case err == nil && end == nil, hungUp && was.left < 0:
		t.Errorf("%s, %+v: ends with %v, %v", kind, was, end, err)
	case entered > 10:
		t.Errorf("%s, %+v: %d nodes were entered", kind, was, entered)
	}
}
