package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"firstline/call"
	"firstline/tickets/customers"
)

const (
	putDirectory = `INSERT INTO directory (kind, id, opened, removed, entry) VALUES {rows}
ON CONFLICT (kind, id) DO UPDATE SET removed = excluded.removed, entry = excluded.entry`
	oneEntry     = `SELECT id, opened, entry FROM directory WHERE kind = $2 AND id = $1`
	allDirectory = `SELECT opened, entry FROM directory ORDER BY opened`

	putCustomerPINs = `INSERT INTO customer_pins (customer, hash) VALUES {rows}
ON CONFLICT (customer) DO UPDATE SET hash = excluded.hash`
	allCustomerPINs = `SELECT customer, hash FROM customer_pins WHERE hash <> ''`
)

// Directory returns all that is known of those who call, and what was.
func (s *Store) Directory(ctx context.Context) ([]customers.Entry, error) {
	all, _, err := list[customers.Entry](ctx, s, "directory", allDirectory)
	return all, err
}

// PutCustomerPINs keeps hashes, all or none; an empty one takes a PIN away.
func (s *Store) PutCustomerPINs(ctx context.Context, hashes map[call.CustomerID]string) error {
	if len(hashes) == 0 {
		return nil
	}
	w := write{sql: putCustomerPINs, columns: 2}
	for _, id := range slices.Sorted(maps.Keys(hashes)) {
		w.row(key(string(id)), clean(hashes[id]))
	}
	return s.exec(ctx, "customers' PINs", w.statement(len(hashes)), w.args...)
}

// CustomerPINs returns the hashes of all PINs of customers.
func (s *Store) CustomerPINs(ctx context.Context) (map[call.CustomerID]string, error) {
	ctx, cancel := reading(ctx)
	defer cancel()
	rows, err := s.db.query(ctx, allCustomerPINs)
	if err != nil {
		return nil, tried(ctx, "customers' PINs", err)
	}
	defer rows.Close()
	hashes := make(map[call.CustomerID]string)
	for rows.Next() {
		var id call.CustomerID
		var hash string
		if err := rows.Scan(&id, &hash); err != nil {
			return nil, fmt.Errorf("customers' PINs: %w", err)
		}
		hashes[id] = hash
	}
	return hashes, tried(ctx, "customers' PINs", rows.Err())
}

// directoryFolds are the entries of the directory at hand, by stream: two tables may
// have the same id.
type directoryFolds map[call.Stream]*folded[customers.Entry]

func (f directoryFolds) load(ctx context.Context, db *database, it item) error {
	if f[it.Stream] != nil {
		return nil
	}
	found := make(map[string]*folded[customers.Entry])
	if it.Seq > 1 {
		if err := loadFolded(ctx, db, found, oneEntry, it.Stream.ID, string(it.Stream.Kind)); err != nil {
			return err
		}
	}
	f[it.Stream] = found[it.Stream.ID]
	if f[it.Stream] == nil {
		f[it.Stream] = &folded[customers.Entry]{opened: it.Global}
	}
	return nil
}

func (f directoryFolds) row(w *write, at call.Stream) error {
	x := f[at]
	removed := 0
	if x.thing.Removed {
		removed = 1
	}
	return put(w, x.thing, string(at.Kind), at.ID, x.opened, removed)
}
