// Package intake is the journey of one call: from the ticket that is durable
// before anything rings, through the flow and the queue, to the talk and its
// recording. journey.go tells it in order.
//
// One goroutine serves one call. Each stage's entry is an event that holds all
// that the stage needs, so another process can take a call over where the
// journal left it (Desk.Restore). Whatever happens, a call ends with exactly one
// outcome, its agent is released, and no leg is left up.
package intake
