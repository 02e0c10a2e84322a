package store

import (
	"context"
	"fmt"
	"time"

	"firstline/call"
)

const (
	putPIN    = `INSERT INTO pins (agent, hash) VALUES ($1, $2) ON CONFLICT (agent) DO UPDATE SET hash = excluded.hash`
	deletePIN = `DELETE FROM pins WHERE agent = $1`
	allPINs   = `SELECT agent, hash FROM pins`

	putShifts = `INSERT INTO shifts (agent, stored, calendar) VALUES ($1, $2, $3)
ON CONFLICT (agent, stored) DO UPDATE SET calendar = excluded.calendar`
	getShifts = `SELECT calendar FROM shifts WHERE agent = $1 ORDER BY stored DESC LIMIT 1`
)

// PutPIN keeps the hash of an agent's PIN; an empty hash takes the PIN away.
func (s *Store) PutPIN(ctx context.Context, agent call.AgentID, hash string) error {
	if hash == "" {
		return s.exec(ctx, "PIN of "+string(agent), deletePIN, key(string(agent)))
	}
	return s.exec(ctx, "PIN of "+string(agent), putPIN, key(string(agent)), clean(hash))
}

// PINs returns the hashes of all PINs.
func (s *Store) PINs(ctx context.Context) (map[call.AgentID]string, error) {
	ctx, cancel := reading(ctx)
	defer cancel()
	rows, err := s.db.query(ctx, allPINs)
	if err != nil {
		return nil, tried(ctx, "PINs", err)
	}
	defer rows.Close()
	hashes := make(map[call.AgentID]string)
	for rows.Next() {
		var agent call.AgentID
		var hash string
		if err := rows.Scan(&agent, &hash); err != nil {
			return nil, fmt.Errorf("PINs: %w", err)
		}
		hashes[agent] = hash
	}
	return hashes, tried(ctx, "PINs", rows.Err())
}

// PutShifts keeps an agent's calendar (iCalendar, RFC 5545) as it holds from now on.
func (s *Store) PutShifts(ctx context.Context, agent call.AgentID, calendar string) error {
	return s.exec(ctx, "shifts of "+string(agent), putShifts, key(string(agent)), time.Now().UnixMicro(), clean(calendar))
}

// Shifts returns the calendar that PutShifts kept last, or ErrNotFound.
func (s *Store) Shifts(ctx context.Context, agent call.AgentID) (calendar string, err error) {
	err = s.row(ctx, "shifts of "+string(agent), getShifts, []any{key(string(agent))}, &calendar)
	return calendar, err
}
