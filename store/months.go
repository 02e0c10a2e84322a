package store

import (
	"context"
	"fmt"
	"time"

	"firstline/tickets/month"
)

const (
	putMonth = `INSERT INTO sealed_months (client, month, version, sealed, hash, report) VALUES ($1, $2, $3, $4, $5, $6)`

	sealedMonths = `SELECT version, sealed, hash, report FROM sealed_months WHERE client = $1 AND month = $2 ORDER BY version`
)

// PutMonth keeps a version of a client's month. A version that is there already is an
// error: what was sealed is never changed.
func (s *Store) PutMonth(ctx context.Context, client string, m month.Month, v month.Sealed) error {
	what := fmt.Sprintf("month %s of %s", m, client)
	return s.exec(ctx, what, putMonth, key(client), key(string(m)), v.Version, v.At.UnixMicro(), key(v.Hash), string(v.Text))
}

// Months are the versions of a client's month, the first one first.
func (s *Store) Months(ctx context.Context, client string, m month.Month) ([]month.Sealed, error) {
	what := fmt.Sprintf("month %s of %s", m, client)
	ctx, cancel := context.WithTimeoutCause(ctx, wholeMonth, ErrAway)
	defer cancel()
	rows, err := s.db.query(ctx, sealedMonths, key(client), key(string(m)))
	if err != nil {
		return nil, tried(ctx, what, err)
	}
	defer rows.Close()
	var all []month.Sealed
	for rows.Next() {
		var v month.Sealed
		var at int64
		var text string
		if err := rows.Scan(&v.Version, &at, &v.Hash, &text); err != nil {
			return nil, tried(ctx, what, err)
		}
		v.At, v.Text = time.UnixMicro(at).UTC(), []byte(text)
		all = append(all, v)
	}
	return all, tried(ctx, what, rows.Err())
}
