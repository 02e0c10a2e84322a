package store

import (
	"context"
	"fmt"
	"time"
)

// Version is a centre that is kept.
type Version struct {
	Hash   string
	Stored time.Time // when it came into force first
}

const allCentres = `SELECT hash, stored FROM centres ORDER BY stored DESC, hash LIMIT 100`

// Centres returns the newest hundred that PutCentre kept, the newest first.
func (s *Store) Centres(ctx context.Context) ([]Version, error) {
	ctx, cancel := reading(ctx)
	defer cancel()
	rows, err := s.db.query(ctx, allCentres)
	if err != nil {
		return nil, tried(ctx, "centres", err)
	}
	defer rows.Close()
	var all []Version
	for rows.Next() {
		var v Version
		var stored int64
		if err := rows.Scan(&v.Hash, &stored); err != nil {
			return nil, fmt.Errorf("centres: %w", err)
		}
		v.Stored = time.UnixMicro(stored).UTC()
		all = append(all, v)
	}
	return all, tried(ctx, "centres", rows.Err())
}
