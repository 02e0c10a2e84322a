package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"firstline/call"
)

const (
	openedCall      = `SELECT opened FROM calls WHERE id = $1`
	openedTicket    = `SELECT opened FROM tickets WHERE id = $1`
	openedRecording = `SELECT opened FROM recordings WHERE id = $1`
	openedCallback  = `SELECT opened FROM callbacks WHERE id = $1`
	openedBlock     = `SELECT opened FROM blocks WHERE id = $1`
	openedLost      = `SELECT opened FROM lost_items WHERE id = $1`
)

// Position is where a call, ticket or recording stands in its list: the Before
// with which a page begins behind it. An empty id is the beginning, 0.
func (s *Store) Position(ctx context.Context, kind call.StreamKind, id string) (int64, error) {
	if id == "" {
		return 0, nil
	}
	query, ok := map[call.StreamKind]string{
		call.StreamCall: openedCall, call.StreamTicket: openedTicket, call.StreamRecording: openedRecording,
		call.StreamCallback: openedCallback, call.StreamBlock: openedBlock, call.StreamLost: openedLost,
	}[kind]
	if !ok {
		return 0, fmt.Errorf("store: no list of %ss", kind)
	}
	ctx, cancel := reading(ctx)
	defer cancel()
	var opened int64
	err := s.db.scan(ctx, query, []any{key(id)}, &opened)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, missing{what: string(kind) + " " + id}
	}
	return opened, tried(ctx, "position", err)
}

const firstAtOrBehind = `SELECT global, at FROM events WHERE global >= $1 AND config <> $2 AND kind <> $3 ORDER BY global LIMIT 1`

// Behind is a global sequence from which on the journal holds everything that
// happened at t or later: reading after it misses nothing, and begins at most a
// little earlier. Events are in order of time but for what clocks and late
// writers disturb, which slack covers, and for calls that Asterisk served while we
// were away and callers who were lost in them, which are passed over here.
func (s *Store) Behind(ctx context.Context, t time.Time) (int64, error) {
	const slack = time.Minute
	ctx, cancel := reading(ctx)
	defer cancel()
	want := t.Add(-slack).UnixMicro()
	low, high := int64(0), s.journal.tail.last() // at(low) is before want, at(high) is not or is the end
	for low < high {
		middle := low + (high-low)/2
		var global, at int64
		err := s.db.scan(ctx, firstAtOrBehind, []any{middle + 1, call.ConfigAsterisk, string(call.StreamLost)}, &global, &at)
		switch {
		case errors.Is(err, sql.ErrNoRows), err == nil && at >= want:
			high = middle
		case err != nil:
			return 0, tried(ctx, "journal by time", err)
		default:
			low = global
		}
	}
	return low, nil
}
