package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"firstline/call"
)

// leaseKey is the advisory lock that the owner of a PostgreSQL database holds, in
// the two halves in which the server shows it.
const (
	leaseKeyHigh = 0x66697273 // "firs"
	leaseKeyLow  = 0x746c696e // "tlin"
	leaseKey     = leaseKeyHigh<<32 | leaseKeyLow
)

const lookEvery = 500 * time.Millisecond // of a standby

// claim makes this process the owner. A standby waits for as long as another one
// is; others get ErrOwned. foreign is called when another data folder had the
// lease last: by a standby at once, by others before it is taken.
func (l *lease) claim(ctx context.Context, cfg Config, foreign func(context.Context) error) error {
	if !l.db.postgres {
		return l.claimFile(ctx, foreign)
	}
	// A standby that has just begun to look does not know how long the database has been back.
	w := &watch{limits: cfg.limits, folder: l.folder, away: cfg.Standby}
	every := 50 * time.Millisecond
	if cfg.Standby {
		every = lookEvery
	}
	for began := time.Now(); ; {
		done, err := l.attempt(ctx, w, cfg.Standby, foreign)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		switch {
		case err != nil && (ctx.Err() != nil || !cfg.Standby || !away(err)):
			return fmt.Errorf("%s: take ownership: %w", l.db.name, err)
		case err == nil && done:
			return nil
		case err != nil:
			if w.looking {
				l.log.Warn("the database does not answer; its owner gets the first chance at its return", zap.Error(err))
			}
			w.blind()
			l.drop()
		case !cfg.Standby && w.hopeless(began, time.Now()):
			return owned(l.db, w.seen)
		}
		if cfg.Standby && cfg.Watched != nil {
			cfg.Watched(w.standing())
		}
		call.Pause(ctx, every)
	}
}

// claimFile is claim for SQLite, where the data folder's lock has decided.
func (l *lease) claimFile(ctx context.Context, foreign func(context.Context) error) error {
	if err := l.db.migrate(ctx); err != nil {
		return err
	}
	s, err := readLease(ctx, l.db.w)
	if err != nil {
		return err
	}
	if s.folder != "" && s.folder != l.folder {
		if err := foreign(ctx); err != nil {
			return err
		}
	}
	tx, err := l.db.w.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s is not writable: %w", l.db.name, err)
	}
	ok, err := l.swap(ctx, tx, s)
	if err == nil && !ok {
		err = ErrOwned
	}
	if err != nil {
		return fmt.Errorf("%s is not writable: %w", l.db.name, err)
	}
	return l.prepare(ctx)
}

// attempt looks once, and takes the lease when the owner is gone.
func (l *lease) attempt(ctx context.Context, w *watch, standby bool, foreign func(context.Context) error) (done bool, err error) {
	now := time.Now() // before the look: a process that was frozen in it has not watched
	s, err := l.look(ctx)
	if err != nil {
		return false, err
	}
	w.see(now, s)
	free := w.free(now)
	if s.known && s.folder != "" && s.folder != l.folder && (free || standby) {
		if err := foreign(ctx); err != nil {
			return false, err
		}
	}
	if !free {
		return false, nil
	}
	if s.owner != "" && s.folder != l.folder {
		l.log.Warn("the owner of the database is gone; taking over", zap.String("owner", s.owner), zap.Duration("silent", now.Sub(w.moved)))
	}
	if !s.known {
		return l.takeNew(ctx)
	}
	return l.take(ctx, s)
}

const (
	getLease   = `SELECT epoch, owner, folder, since, beat FROM lease WHERE id = 1`
	lockHolder = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
AND classid::bigint = $1 AND objid::bigint = $2
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
)

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readLease(ctx context.Context, q querier) (sight, error) {
	s := sight{known: true}
	err := q.QueryRowContext(ctx, getLease).Scan(&s.epoch, &s.owner, &s.folder, &s.since, &s.beat)
	return s, err
}

// look reads the lease and who has the lock, over one connection for as long as
// it lasts: that it broke is how an outage shows that is over before the next look.
func (l *lease) look(ctx context.Context) (sight, error) {
	ctx, cancel := reading(ctx)
	defer cancel()
	conn, err := l.session(ctx)
	if err != nil {
		return sight{}, err
	}
	s, err := readLease(ctx, conn)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && (pg.Code == "42P01" || pg.Code == "42703") { // no such table, no such column
		s, err = sight{}, nil
	}
	if err != nil {
		return sight{}, err
	}
	err = conn.QueryRowContext(ctx, lockHolder, int64(leaseKeyHigh), int64(leaseKeyLow)).Scan(&s.holder)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return s, err
}

// takeNew makes the tables, or brings those of another version up to date, and
// takes the lease. Whoever has the lock does that alone.
func (l *lease) takeNew(ctx context.Context) (bool, error) {
	if ok, err := l.lock(ctx); err != nil || !ok {
		return false, err
	}
	if err := l.db.migrate(ctx); err != nil {
		return false, err
	}
	s, err := readLease(ctx, l.conn)
	if err != nil {
		return false, err
	}
	if ok, err := l.swapConn(ctx, s); err != nil || !ok {
		l.drop()
		return false, err
	}
	return true, l.prepare(ctx)
}

// take takes the lease as it was seen, and then the lock.
func (l *lease) take(ctx context.Context, s sight) (bool, error) {
	if ok, err := l.swapConn(ctx, s); err != nil || !ok {
		return false, err
	}
	if s.holder != 0 {
		l.end(ctx, s.holder)
	}
	for range 50 { // a moment for the server to end what held it
		ok, err := l.lock(ctx)
		if err != nil {
			return true, err
		}
		if ok || !call.Pause(ctx, 20*time.Millisecond) {
			break
		}
	}
	if !l.locked { // the epoch is what counts; run tries again
		l.log.Warn("the former owner's lock is not free yet", zap.Int("server_process", s.holder))
	}
	if err := l.db.migrate(ctx); err != nil {
		return true, err
	}
	return true, l.prepare(ctx)
}

const (
	takeLease = `UPDATE lease SET epoch = epoch + 1, owner = $1, folder = $2, since = $3, beat = $3
WHERE id = 1 AND epoch = $4 AND beat = $5 RETURNING epoch`
	patientLock = `SET LOCAL lock_timeout = 1000`
)

// swap begins a new epoch, which ends that of whoever was here before, unless the
// lease has moved since it was seen: of many who try, one does it. It ends tx.
func (l *lease) swap(ctx context.Context, tx *sql.Tx, s sight) (bool, error) {
	now := time.Now().UnixMicro()
	var epoch int64
	err := tx.QueryRowContext(ctx, takeLease, ownName(), l.folder, now, s.epoch, s.beat).Scan(&epoch)
	if errors.Is(err, sql.ErrNoRows) {
		return false, ignoreDone(tx.Rollback())
	}
	if err != nil {
		return false, errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return false, err
	}
	l.epoch, l.former = epoch, s
	return true, nil
}

// swapConn is swap on the lock's connection. A former owner that froze within a
// transaction has the lease's row locked; its server process is ended, so that the
// next attempt gets through.
func (l *lease) swapConn(ctx context.Context, s sight) (bool, error) {
	tx, err := l.conn.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, patientLock); err != nil {
		return false, errors.Join(err, ignoreDone(tx.Rollback()))
	}
	ok, err := l.swap(ctx, tx, s)
	if pg, is := errors.AsType[*pgconn.PgError](err); is && pg.Code == "55P03" { // lock not available
		return false, l.endStuck(ctx)
	}
	return ok, err
}

// stuck are the sessions that have the lease's row, and whose client has said
// nothing for some seconds. Who waits for the row itself does not wait for a client.
const stuck = `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.wait_event_type = 'Client'
AND clock_timestamp() - a.state_change > make_interval(secs => $1) AND a.pid IN (
	SELECT pid FROM pg_locks WHERE relation = 'lease'::regclass AND mode = 'RowExclusiveLock' AND granted)`

const stuckAfter = 3 * time.Second

func (l *lease) endStuck(ctx context.Context) error {
	res, err := l.conn.ExecContext(ctx, stuck, stuckAfter.Seconds())
	if err != nil {
		return fmt.Errorf("end the former owner's transaction: %w", err)
	}
	n, err := res.RowsAffected()
	l.log.Warn("the former owner left a transaction open", zap.Int64("ended", n))
	return err
}

const endSession = `SELECT pg_terminate_backend($1)`

// end ends a session of the former owner. The lease is taken without it, so a
// server that forbids it costs nothing but the lock.
func (l *lease) end(ctx context.Context, pid int) {
	if _, err := l.conn.ExecContext(ctx, endSession, pid); err != nil {
		l.log.Warn("the former owner's session cannot be ended", zap.Int("server_process", pid), zap.Error(err))
	}
}

// noticeSoon has the server notice within some eleven seconds that our machine is
// gone: without it the lock of a vanished owner is held for hours.
const noticeSoon = `SELECT set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),
set_config('tcp_keepalives_count', '3', false)`

// session is the lock's connection.
func (l *lease) session(ctx context.Context) (*sql.Conn, error) {
	if l.conn != nil {
		return l.conn, nil
	}
	conn, err := l.db.w.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, noticeSoon); err != nil {
		conn.Close()
		return nil, err
	}
	l.conn = conn
	return conn, nil
}

const (
	tryLock = `SELECT pg_try_advisory_lock($1)`
	unlock  = `SELECT pg_advisory_unlock_all()`
)

func (l *lease) lock(ctx context.Context) (bool, error) {
	conn, err := l.session(ctx)
	if err != nil {
		return false, err
	}
	err = conn.QueryRowContext(ctx, tryLock, int64(leaseKey)).Scan(&l.locked)
	return l.locked, err
}

// drop gives the connection back, and the lock with it.
func (l *lease) drop() {
	if l.conn == nil {
		return
	}
	if l.locked {
		ctx, cancel := reading(context.Background())
		defer cancel()
		_, _ = l.conn.ExecContext(ctx, unlock) // a connection that does not take it is broken, and the lock gone
	}
	l.conn.Close()
	l.conn, l.locked = nil, false
}
