// Package sim runs the queue's engine on a virtual clock: the very Engine that
// serves callers decides, and this package plays callers, phones and agents to it.
// A day takes as long as its decisions take, and the same Scenario gives the same
// events, to the last one.
//
// What callers and agents will do is drawn before the run begins and belongs to
// each call (how long it talks, how long it waits at most). So two centres are
// compared on the same day, not on two days of the same kind.
package sim
