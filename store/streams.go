package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"firstline/call"
)

// remembered is how many closed streams are kept at hand, in each of two
// generations; others are looked up.
const remembered = 20_000

// streams knows the latest sequence of each stream that may go on. It is owned by
// the journal's writer.
type streams struct {
	db     *database
	open   map[call.Stream]int64 // open calls, running recordings, callbacks, lost callers, blocks, agents, the directory, the system
	recent map[call.Stream]int64 // tickets and what has closed
	older  map[call.Stream]int64
}

const openStreams = `
SELECT 'call', id, (SELECT MAX(seq) FROM events WHERE kind = 'call' AND stream = calls.id) FROM calls WHERE ended = 0
UNION ALL
SELECT 'recording', id, (SELECT MAX(seq) FROM events WHERE kind = 'recording' AND stream = recordings.id) FROM recordings WHERE finished = 0
UNION ALL
SELECT 'callback', id, (SELECT MAX(seq) FROM events WHERE kind = 'callback' AND stream = callbacks.id) FROM callbacks WHERE ended = 0
UNION ALL
SELECT 'lost', id, (SELECT MAX(seq) FROM events WHERE kind = 'lost' AND stream = lost_items.id) FROM lost_items WHERE ended = 0
UNION ALL
SELECT 'block', id, (SELECT MAX(seq) FROM events WHERE kind = 'block' AND stream = blocks.id) FROM blocks WHERE ends > $1
UNION ALL
SELECT 'agent', id, (SELECT MAX(seq) FROM events WHERE kind = 'agent' AND stream = agents.id) FROM agents
UNION ALL
SELECT kind, id, (SELECT MAX(seq) FROM events WHERE events.kind = directory.kind AND stream = directory.id) FROM directory
UNION ALL
SELECT kind, stream, MAX(seq) FROM events WHERE kind = 'system' GROUP BY kind, stream`

func loadStreams(ctx context.Context, db *database) (*streams, error) {
	s := &streams{
		db: db, open: make(map[call.Stream]int64),
		recent: make(map[call.Stream]int64), older: make(map[call.Stream]int64),
	}
	rows, err := db.query(ctx, openStreams, time.Now().UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("load open streams: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at call.Stream
		var seq sql.NullInt64
		if err := rows.Scan(&at.Kind, &at.ID, &seq); err != nil {
			return nil, fmt.Errorf("load open streams: %w", err)
		}
		s.open[at] = seq.Int64
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("load open streams: %w", err)
	}
	return s, nil
}

func (s *streams) get(at call.Stream) (int64, bool) {
	for _, m := range []map[call.Stream]int64{s.open, s.recent, s.older} {
		if seq, ok := m[at]; ok {
			return seq, true
		}
	}
	return 0, false
}

// find makes sure that next knows the streams of all items, by asking the database
// where it must and may. ErrAway means that it could not.
func (s *streams) find(ctx context.Context, items []item, mayAsk bool, patience time.Duration) error {
	for _, it := range items {
		if _, ok := s.get(it.Stream); ok {
			continue
		}
		if begins(it.Event) {
			s.open[it.Stream] = 0
			continue
		}
		if !mayAsk {
			return fmt.Errorf("continue %s %s: %w", it.Stream.Kind, it.Stream.ID, ErrAway)
		}
		seq, err := s.ask(ctx, it.Stream, patience)
		if err != nil {
			return err
		}
		s.remember(it.Stream, seq)
	}
	return nil
}

const latestSeq = `SELECT MAX(seq) FROM events WHERE kind = $1 AND stream = $2`

func (s *streams) ask(ctx context.Context, at call.Stream, patience time.Duration) (int64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, ErrAway)
	defer cancel()
	var seq sql.NullInt64
	err := s.db.scan(ctx, latestSeq, []any{string(at.Kind), at.ID}, &seq)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, tried(ctx, fmt.Sprintf("continue %s %s", at.Kind, at.ID), err)
	}
	return seq.Int64, nil
}

// begins reports whether a stream that is not known is new with this event: ids of
// calls, recordings and the like and numbers of tickets are made once, so what opens one
// needs no look-up. All agents are known, so is the system, and so is who calls.
func begins(e call.Event) bool {
	switch e.Body.(type) {
	case call.Arrived, call.TicketOpened, call.RecordingStarted, call.CallbackAsked, call.LostOpened, call.BlockProposed:
		return true
	}
	switch e.Stream.Kind {
	case call.StreamAgent, call.StreamSystem, call.StreamCustomer, call.StreamCompany, call.StreamService, call.StreamAsset:
		return true
	}
	return false
}

// next gives an event its sequence, and notes in before what the stream had when
// the group began.
func (s *streams) next(e call.Event, before map[call.Stream]int64) int64 {
	seq, _ := s.get(e.Stream)
	if _, ok := before[e.Stream]; !ok {
		before[e.Stream] = seq
	}
	seq++
	switch e.Body.(type) {
	case call.Ended, call.RecordingFinished, call.CallbackClosed, call.LostEnded, call.BlockDeclined, call.BlockLifted:
		s.remember(e.Stream, seq)
	default:
		_, closed := s.recent[e.Stream]
		if !closed {
			_, closed = s.older[e.Stream]
		}
		if closed || e.Stream.Kind == call.StreamTicket {
			s.remember(e.Stream, seq)
		} else {
			s.open[e.Stream] = seq
		}
	}
	return seq
}

// set puts a sequence back to what it was before a group that was refused.
func (s *streams) set(at call.Stream, seq int64) {
	delete(s.open, at)
	delete(s.recent, at)
	delete(s.older, at)
	switch {
	case seq == 0: // not known before
	case at.Kind == call.StreamTicket:
		s.remember(at, seq)
	default:
		s.open[at] = seq
	}
}

// remember keeps a closed stream among the recent ones, and forgets the oldest.
func (s *streams) remember(at call.Stream, seq int64) {
	delete(s.open, at)
	delete(s.older, at)
	s.recent[at] = seq
	if len(s.recent) >= remembered {
		s.older, s.recent = s.recent, make(map[call.Stream]int64)
	}
}
