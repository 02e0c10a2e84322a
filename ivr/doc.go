// Package ivr is the caller's first minute: a flow of prompts, menus and inputs,
// written as YAML, checked as a whole before any caller hears it, and run on a leg
// in one straight line. It decides where the call goes, a queue or its end, and
// leaves going there to its caller.
//
// A new kind of node is one type with the step methods (nodes.go) and one line in
// the table of kinds. A flow that has no faults ends for every caller: one who
// keys nothing cannot be sent in a circle, which Check sees to, and one who never
// stops keying is let go after MaxSteps nodes.
package ivr
