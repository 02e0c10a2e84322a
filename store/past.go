package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"firstline/call"
)

// What a person is at an event follows from the last of each of these before it.
// Where they sit and what is kept beside the journal is left out.
func stateOfAgents() []string {
	return []string{
		call.AgentSet{}.Type(), call.AgentRemoved{}.Type(), call.PresenceChanged{}.Type(),
		call.ActivityChanged{}.Type(), call.AgentRested{}.Type(),
	}
}

const (
	lastOfAgents = `SELECT e.global, e.kind, e.stream, e.seq, e.at, e.config, e.type, e.body FROM agents a
JOIN events e ON e.global = (SELECT MAX(l.global) FROM events l WHERE l.kind = 'agent' AND l.stream = a.id AND l.type = $1 AND l.global <= $2)`

	lastConfig = `SELECT global, kind, stream, seq, at, config, type, body FROM events
WHERE kind = 'system' AND stream = 'firstline' AND type = $1 AND global <= $2 ORDER BY seq DESC LIMIT 1`

	staffBetween = `SELECT global, kind, stream, seq, at, config, type, body FROM events
WHERE global > $1 AND global <= $2 AND (kind = 'agent' OR type = $3) ORDER BY global LIMIT $4`
)

// StaffAt returns, in order, the events up to a global sequence that say how every
// person and the centre in force were then: for whoever folds them, everything but
// where people sat is as it was.
func (s *Store) StaffAt(ctx context.Context, global int64) ([]call.Event, error) {
	what := fmt.Sprintf("staff at event %d", global)
	var all []call.Event
	for _, name := range stateOfAgents() {
		evs, err := s.db.events(ctx, lastOfAgents, name, global)
		if err != nil {
			return nil, tried(ctx, what, err)
		}
		all = append(all, evs...)
	}
	evs, err := s.db.events(ctx, lastConfig, call.ConfigActivated{}.Type(), global)
	if err != nil {
		return nil, tried(ctx, what, err)
	}
	all = append(all, evs...)
	slices.SortFunc(all, func(a, b call.Event) int { return cmp.Compare(a.Global, b.Global) })
	return all, nil
}

// StaffBetween returns up to limit events behind one global sequence and up to
// another, in order: those of people, and centres that came into force.
func (s *Store) StaffBetween(ctx context.Context, after, to int64, limit int) ([]call.Event, error) {
	evs, err := s.db.events(ctx, staffBetween, after, to, call.ConfigActivated{}.Type(), limit)
	return evs, tried(ctx, fmt.Sprintf("staff from event %d to %d", after, to), err)
}
