package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"firstline/call"
	"firstline/tickets/connect"
)

const (
	getCursor = `SELECT global FROM endpoint_cursors WHERE endpoint = $1`
	putCursor = `INSERT INTO endpoint_cursors (endpoint, global) VALUES ($1, $2)
ON CONFLICT (endpoint) DO UPDATE SET global = excluded.global WHERE endpoint_cursors.global < excluded.global`

	newDelivery = `INSERT INTO deliveries (id, endpoint, ordering, global, type, state, made, due, attempts, last, ended, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING`
	setDelivery = `UPDATE deliveries SET state = $1, made = $2, due = $3, attempts = $4, last = $5, ended = $6 WHERE id = $7`

	selectDeliveries = `SELECT id, endpoint, ordering, global, type, state, made, due, attempts, last, ended, payload FROM deliveries`
	pendingRows      = selectDeliveries + ` WHERE endpoint = $1 AND ended = 0 ORDER BY global, id LIMIT $2`
	tidyRows         = `DELETE FROM deliveries WHERE ended > 0 AND ended < $1 AND state <> 'dead'`

	putRef = `INSERT INTO remote_tickets (endpoint, remote, ticket_id) VALUES ($1, $2, $3)
ON CONFLICT (endpoint, remote) DO UPDATE SET ticket_id = excluded.ticket_id`
	ticketOfRef = `SELECT ticket_id FROM remote_tickets WHERE endpoint = $1 AND remote = $2`

	putEndpointSecret = `INSERT INTO endpoint_secrets (endpoint, name, stored, value) VALUES ($1, $2, $3, $4)
ON CONFLICT (endpoint, name) DO UPDATE SET stored = excluded.stored, value = excluded.value`
	endpointSecrets = `SELECT name, value FROM endpoint_secrets WHERE endpoint = $1`
)

const (
	putOptOut = `INSERT INTO opt_outs (address, stored, how) VALUES ($1, $2, $3) ON CONFLICT (address) DO NOTHING`
	getOptOut = `SELECT stored FROM opt_outs WHERE address = $1`
)

// OptOut keeps that somebody does not want to be told.
func (s *Store) OptOut(ctx context.Context, address, how string) error {
	return s.exec(ctx, "opt-out", putOptOut, key(address), time.Now().UnixMicro(), key(how))
}

// OptedOut reports whether somebody does not want to be told.
func (s *Store) OptedOut(ctx context.Context, address string) (bool, error) {
	var at int64
	err := s.row(ctx, "opt-out", getOptOut, []any{key(address)}, &at)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

var (
	_ connect.Store = (*Store)(nil)
	_ connect.Vault = (*Store)(nil)
)

// Cursor implements connect.Store.
func (s *Store) Cursor(ctx context.Context, endpoint call.EndpointID) (global int64, err error) {
	err = s.row(ctx, "cursor of "+string(endpoint), getCursor, []any{key(string(endpoint))}, &global)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	return global, err
}

// KeepDeliveries implements connect.Store, in one transaction of the owner's.
func (s *Store) KeepDeliveries(ctx context.Context, endpoint call.EndpointID, b connect.Batch) error {
	ctx, cancel := reading(ctx)
	defer cancel()
	err := s.lease.fenced(ctx, func(tx *sql.Tx) error {
		if b.Cursor > 0 {
			if _, err := tx.ExecContext(ctx, putCursor, key(string(endpoint)), b.Cursor); err != nil {
				return err
			}
		}
		for _, d := range b.New {
			if _, err := tx.ExecContext(ctx, newDelivery, d.ID, key(string(d.Endpoint)), key(d.Key), d.Global, string(d.Type), string(d.State),
				micros(d.Made), micros(d.Due), d.Attempts, clean(d.Last), micros(d.Ended), clean(string(d.Payload))); err != nil {
				return err
			}
		}
		for _, d := range b.Changed {
			if _, err := tx.ExecContext(ctx, setDelivery, string(d.State), micros(d.Made), micros(d.Due), d.Attempts, clean(d.Last), micros(d.Ended), d.ID); err != nil {
				return err
			}
		}
		for _, r := range b.Refs {
			if _, err := tx.ExecContext(ctx, putRef, key(string(r.Endpoint)), key(r.Remote), key(string(r.Ticket))); err != nil {
				return err
			}
		}
		return nil
	})
	return tried(ctx, "deliveries of "+string(endpoint), err)
}

// PendingDeliveries implements connect.Store.
func (s *Store) PendingDeliveries(ctx context.Context, endpoint call.EndpointID, limit int) ([]connect.Delivery, error) {
	return s.deliveries(ctx, pendingRows, key(string(endpoint)), limit)
}

// Delivery implements connect.Store.
func (s *Store) Delivery(ctx context.Context, id string) (connect.Delivery, error) {
	ds, err := s.deliveries(ctx, selectDeliveries+` WHERE id = $1`, key(id))
	switch {
	case err != nil:
		return connect.Delivery{}, err
	case len(ds) == 0:
		return connect.Delivery{}, connect.ErrNoDelivery
	}
	return ds[0], nil
}

// Deliveries implements connect.Store.
func (s *Store) Deliveries(ctx context.Context, f connect.DeliveryFilter) ([]connect.Delivery, error) {
	var w where
	w.is("endpoint", key(string(f.Endpoint)))
	w.is("state", string(f.State))
	w.is("ordering", key(f.Key))
	if f.Before != "" {
		d, err := s.Delivery(ctx, f.Before)
		if err != nil {
			return nil, err
		}
		w.args = append(w.args, micros(d.Made), d.ID)
		n := len(w.args)
		w.conditions = append(w.conditions, fmt.Sprintf("(made < $%d OR made = $%d AND id > $%d)", n-1, n-1, n))
	}
	limit := f.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	query := selectDeliveries
	if len(w.conditions) > 0 {
		query += " WHERE " + strings.Join(w.conditions, " AND ")
	}
	query += fmt.Sprintf(" ORDER BY made DESC, id LIMIT $%d", len(w.args)+1)
	return s.deliveries(ctx, query, append(w.args, min(limit, mostRows))...)
}

func (s *Store) deliveries(ctx context.Context, query string, args ...any) ([]connect.Delivery, error) {
	ctx, cancel := reading(ctx)
	defer cancel()
	rows, err := s.db.query(ctx, query, args...)
	if err != nil {
		return nil, tried(ctx, "deliveries", err)
	}
	defer rows.Close()
	var out []connect.Delivery
	for rows.Next() {
		var d connect.Delivery
		var made, due, ended int64
		var payload string
		if err := rows.Scan(&d.ID, &d.Endpoint, &d.Key, &d.Global, &d.Type, &d.State, &made, &due, &d.Attempts, &d.Last, &ended, &payload); err != nil {
			return nil, tried(ctx, "deliveries", err)
		}
		d.Made, d.Due, d.Ended, d.Payload = instant(made), instant(due), instant(ended), []byte(payload)
		out = append(out, d)
	}
	return out, tried(ctx, "deliveries", rows.Err())
}

// TidyDeliveries implements connect.Store.
func (s *Store) TidyDeliveries(ctx context.Context, before time.Time) error {
	return s.exec(ctx, "old deliveries", tidyRows, micros(before))
}

// TicketOfRef implements connect.Store.
func (s *Store) TicketOfRef(ctx context.Context, endpoint call.EndpointID, remote string) (id call.TicketID, err error) {
	err = s.row(ctx, "ticket of "+string(endpoint), ticketOfRef, []any{key(string(endpoint)), key(remote)}, &id)
	if errors.Is(err, ErrNotFound) {
		return "", connect.ErrNoDelivery
	}
	return id, err
}

// PutSecret implements connect.Vault.
func (s *Store) PutSecret(ctx context.Context, endpoint call.EndpointID, name, value string) error {
	return s.exec(ctx, "secret of "+string(endpoint), putEndpointSecret, key(string(endpoint)), key(name), time.Now().UnixMicro(), clean(value))
}

// Secrets implements connect.Vault.
func (s *Store) Secrets(ctx context.Context, endpoint call.EndpointID) (map[string]string, error) {
	ctx, cancel := reading(ctx)
	defer cancel()
	rows, err := s.db.query(ctx, endpointSecrets, key(string(endpoint)))
	if err != nil {
		return nil, tried(ctx, "secrets", err)
	}
	defer rows.Close()
	out := make(map[string]string)
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, tried(ctx, "secrets", err)
		}
		out[name] = value
	}
	return out, tried(ctx, "secrets", rows.Err())
}
