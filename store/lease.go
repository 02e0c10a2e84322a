package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"
)

// leaseKey is the advisory lock that the owner of a PostgreSQL database holds.
const leaseKey = 0x66697273746c696e // "firstlin"

// leaseWait is how long Open waits for a former owner that has just died: its
// server process notices a moment later.
const leaseWait = 2 * time.Second

// lease is the ownership of the database. On PostgreSQL the lock keeps a second
// firstline from starting; it goes when the connection does. What keeps a former
// owner from writing is the epoch, checked in every commit. On SQLite the lock is
// that of the data folder, and the epoch alone is kept.
type lease struct {
	db    *database
	conn  *sql.Conn // holds the lock; nil on SQLite, and while it is lost
	epoch int64
	retry time.Time // not before, to take a lost lock again
	renew *sql.Stmt // checkEpoch, prepared at the first commit
}

func acquire(ctx context.Context, db *database) (*lease, error) {
	l := &lease{db: db}
	if !db.postgres {
		return l, nil
	}
	deadline := time.Now().Add(leaseWait)
	for {
		ok, err := l.lock(ctx)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: take ownership: %w", db.name, err)
		case ok:
			return l, nil
		case time.Now().After(deadline):
			return nil, fmt.Errorf("%s: %w", db.name, ErrOwned)
		}
		if !pause(ctx, 50*time.Millisecond) {
			return nil, fmt.Errorf("%s: take ownership: %w", db.name, context.Cause(ctx))
		}
	}
}

const tryLock = `SELECT pg_try_advisory_lock($1)`

func (l *lease) lock(ctx context.Context) (bool, error) {
	conn, err := l.db.w.Conn(ctx)
	if err != nil {
		return false, err
	}
	var ok bool
	if err := conn.QueryRowContext(ctx, tryLock, int64(leaseKey)).Scan(&ok); err != nil || !ok {
		conn.Close()
		return false, err
	}
	l.conn = conn
	return true, nil
}

const takeEpoch = `UPDATE lease SET epoch = epoch + 1, owner = $1, beat = $2 WHERE id = 1 RETURNING epoch`

// begin migrates and starts a new epoch, which ends that of whoever was here before.
func (l *lease) begin(ctx context.Context, migrate func(context.Context) error) error {
	if err := migrate(ctx); err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	owner := fmt.Sprintf("%s:%d", clean(host), os.Getpid())
	if err := l.db.w.QueryRowContext(ctx, takeEpoch, owner, time.Now().UnixMicro()).Scan(&l.epoch); err != nil {
		return fmt.Errorf("%s is not writable: %w", l.db.name, err)
	}
	return nil
}

const checkEpoch = `UPDATE lease SET beat = $1 WHERE id = 1 AND epoch = $2`

// prepare makes the statement of check, outside of the transaction, which holds
// SQLite's only write connection.
func (l *lease) prepare(ctx context.Context) error {
	if l.renew != nil {
		return nil
	}
	var err error
	if l.renew, err = l.db.w.PrepareContext(ctx, checkEpoch); err != nil {
		return fmt.Errorf("check ownership: %w", err)
	}
	return nil
}

// check fails with ErrOwned when another process has begun an epoch. It writes the
// row, so on PostgreSQL a new owner waits for this commit, or this one sees him.
func (l *lease) check(ctx context.Context, tx *sql.Tx) error {
	res, err := tx.StmtContext(ctx, l.renew).ExecContext(ctx, time.Now().UnixMicro(), l.epoch) //nolint:sqlclosecheck // tx closes it
	if err != nil {
		return fmt.Errorf("check ownership: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("%s: %w", l.db.name, ErrOwned)
	}
	return nil
}

// keep takes the lock again after the connection was lost. Not getting it is no
// error: the server may not have noticed yet that we are the same; if it is
// another process, the epoch says so.
func (l *lease) keep(ctx context.Context) {
	if !l.db.postgres || time.Now().Before(l.retry) {
		return
	}
	l.retry = time.Now().Add(time.Second)
	if l.conn != nil {
		if l.conn.PingContext(ctx) == nil {
			return
		}
		l.conn.Close()
		l.conn = nil
	}
	_, _ = l.lock(ctx)
}

func (l *lease) release() {
	if l.renew != nil {
		l.renew.Close()
	}
	if l.conn != nil {
		l.conn.Close()
	}
}

// pause waits for d, or returns false when ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
