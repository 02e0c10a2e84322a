// Package callqueue is the ACD. Engine decides and does nothing: it takes inputs
// with their instant and returns effects, and it knows no clock, no goroutine and
// no I/O. Dispatcher is the one goroutine that owns an Engine and carries its
// effects out.
//
// It promises that an agent is never offered two calls at once, that every entry
// leaves with exactly one outcome, that no phone rings for a caller who is gone,
// and that nobody who can be served waits while an agent who can serve is free.
// Callers are served in one order over all queues: priority, then the instant
// they joined. A caller whom nobody free can help holds nobody else up.
package callqueue
