// Package ivr is the caller's first minute: a flow of prompts, menus, inputs and
// decisions, written as YAML, checked as a whole before any caller hears it, and
// run on a leg in one straight line. It decides where the call goes, a queue or its
// end, and leaves going there to its caller.
//
// A new kind of node is one type with the step methods and one line in the table
// of kinds (kinds.go). Expressions are those of github.com/expr-lang/expr, typed
// and checked when the flow is loaded (expr.go). A flow that has no faults ends for
// every caller: one who keys nothing cannot be sent in a circle, which Check sees
// to, and one who never stops keying is let go after MaxSteps nodes.
//
// Run does nothing but what its Line does for it. A line that only writes down
// what it was asked for shows where a call would go, by the same code that a caller
// meets.
package ivr
