package sim

import (
	"maps"
	"slices"

	"firstline/call"
	"firstline/callqueue"
)

// LeadsTo is the other queues to which a queue's exits lead, by id.
func LeadsTo(q callqueue.Queue) []call.QueueID {
	to := make(map[call.QueueID]bool)
	note := func(x *callqueue.Exit) {
		if x != nil && x.To.Kind == callqueue.ToQueue {
			to[call.QueueID(x.To.Name)] = true
		}
	}
	note(q.Overflow)
	note(q.Timeout)
	note(q.Empty)
	for _, x := range q.Keys {
		note(&x)
	}
	delete(to, q.ID)
	return slices.Sorted(maps.Keys(to))
}

// Reachable is a queue and all to which its exits lead, and theirs, in the order in
// which they are found. What is not among the given ones is left out.
func Reachable(from call.QueueID, among []callqueue.Queue) []callqueue.Queue {
	var found []callqueue.Queue
	for next := []call.QueueID{from}; len(next) > 0; next = next[1:] {
		known := func(q callqueue.Queue) bool { return q.ID == next[0] }
		i := slices.IndexFunc(among, known)
		if i < 0 || slices.ContainsFunc(found, known) {
			continue
		}
		found = append(found, among[i])
		next = append(next, LeadsTo(among[i])...)
	}
	return found
}
