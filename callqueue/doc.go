// Package callqueue is the ACD. Engine decides and does nothing: it takes inputs
// with their instant and returns effects, and it knows no clock, no goroutine and
// no I/O. Dispatcher is the one goroutine that owns an Engine and carries its
// effects out.
//
// It promises that an agent is never offered two calls at once, that every entry
// leaves with exactly one outcome, that no phone rings for a caller who is gone,
// and that nobody who can be served waits while an agent who can serve is free,
// unless a limit, a reserve or an agent asked for by name says so, which Explain
// names. Callers are served in one order over all queues (Order), which does not
// change while they wait. A caller whom nobody free can help holds nobody else up.
//
// Each rule has its file: which agent (strategy.go), what is asked at which age
// (steps.go), who is before whom (rules.go), whose agents are limited, kept or
// asked for (limits.go), who is handed on and comes back (handover.go), who leaves
// and whereto (exits.go), when there is nobody (guard.go), and what is recorded of
// all that (standing.go, explain.go). index.go holds the lines of callers and the
// benches of agents that make a decision cheap.
package callqueue
