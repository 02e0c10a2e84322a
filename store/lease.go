package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// beatEvery is how often the owner of a PostgreSQL database shows that it lives,
// when it does not commit anyway.
const beatEvery = time.Second

// lease is the ownership of the database. What keeps a former owner from writing
// is the epoch, checked in every transaction that writes. On PostgreSQL the owner
// holds a lock besides, on a connection of its own: it goes when the process dies,
// so that a standby knows at once. On SQLite the data folder's lock does that.
type lease struct {
	db     *database
	log    *zap.Logger
	folder string    // id of the data folder
	epoch  int64     // ours
	former sight     // of the lease, as it was when it became ours
	renew  *sql.Stmt // checkEpoch

	// One goroutine has these: first claim's, then run's, then Close's.
	conn   *sql.Conn // of the lock; nil on SQLite
	locked bool

	tell func()        // Config.Lost; nil for nobody
	lost chan struct{} // closed when another process is found to be the owner
	mu   sync.Mutex    // guards why
	why  error         // set before lost is closed
}

func newLease(db *database, folder string, tell func(), log *zap.Logger) *lease {
	return &lease{db: db, folder: folder, tell: tell, log: log, lost: make(chan struct{})}
}

// ownName is how the owner is told to people.
func ownName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s:%d", clean(host), os.Getpid())
}

const checkEpoch = `UPDATE lease SET beat = $1 WHERE id = 1 AND epoch = $2`

// prepare makes the statement of check, outside of any transaction, which holds
// SQLite's only write connection.
func (l *lease) prepare(ctx context.Context) error {
	var err error
	if l.renew, err = l.db.w.PrepareContext(ctx, checkEpoch); err != nil {
		return fmt.Errorf("check ownership: %w", err)
	}
	return nil
}

// check fails with ErrOwned when another process has begun an epoch. It writes the
// row, so on PostgreSQL a new owner waits for this commit, or this one sees him.
func (l *lease) check(ctx context.Context, tx *sql.Tx) error {
	if err := l.gone(); err != nil {
		return err
	}
	res, err := tx.StmtContext(ctx, l.renew).ExecContext(ctx, time.Now().UnixMicro(), l.epoch) //nolint:sqlclosecheck // tx closes it
	if err != nil {
		return fmt.Errorf("check ownership: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("check ownership: %w", err)
	}
	if n == 1 {
		return nil
	}
	s, err := readLease(ctx, tx)
	if err != nil {
		s = sight{}
	}
	return l.giveUp(s)
}

// giveUp notes that the lease is another's. From now on nothing is written.
func (l *lease) giveUp(s sight) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		l.why = handedOver{owned(l.db, s)}
		if l.tell != nil {
			l.tell()
		}
		close(l.lost)
		l.log.Error("another firstline has taken the database over; this one writes nothing more", zap.String("owner", s.owner))
	}
	return l.why
}

// gone is ErrOwned once another process was found to be the owner.
func (l *lease) gone() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// handedOver is that what is open here is the new owner's.
type handedOver struct{ error }

func (h handedOver) Unwrap() error        { return h.error }
func (h handedOver) Is(target error) bool { return target == call.ErrHandedOver }

// owned is ErrOwned with the name of the owner.
func owned(db *database, s sight) error {
	if s.owner == "" {
		return fmt.Errorf("%s: %w", db.name, ErrOwned)
	}
	return fmt.Errorf("%s: %w: %s, since %s", db.name, ErrOwned, s.owner, instant(s.since).Format(time.RFC3339))
}

// fenced runs a transaction that commits only while we own the database. It may
// be run again, so what it writes may be written twice.
func (l *lease) fenced(ctx context.Context, do func(*sql.Tx) error) error {
	return l.db.again(ctx, l.db.w, func() error {
		if err := l.gone(); err != nil {
			return err
		}
		tx, err := l.db.w.BeginTx(ctx, nil)
		if err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		if err := l.check(ctx, tx); err != nil {
			return errors.Join(err, ignoreDone(tx.Rollback()))
		}
		if err := do(tx); err != nil {
			return errors.Join(err, ignoreDone(tx.Rollback()))
		}
		return tx.Commit()
	})
}

// exec is fenced for one statement.
func (l *lease) exec(ctx context.Context, query string, args ...any) error {
	return l.fenced(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
}

// beat shows that we live, and sees whether the lease is still ours.
func (l *lease) beat(ctx context.Context) error {
	return l.fenced(ctx, func(*sql.Tx) error { return nil })
}

// run keeps the lock until ctx ends.
func (l *lease) run(ctx context.Context) {
	if !l.db.postgres {
		return
	}
	for call.Pause(ctx, beatEvery) {
		l.keep(ctx)
	}
}

// keep takes the lock again after its connection was lost. Not getting it is no
// error: the server may not have noticed yet that we are the same; if it is
// another process, the epoch says so.
func (l *lease) keep(ctx context.Context) {
	ctx, cancel := reading(ctx)
	defer cancel()
	if l.locked && l.conn.PingContext(ctx) == nil {
		return
	}
	l.drop()
	if _, err := l.lock(ctx); err != nil {
		l.drop()
	}
}

// release ends the ownership in order when rest is true: whoever stands by need
// not wait for our silence. Otherwise nothing is said, as after a crash.
func (l *lease) release(rest bool) {
	if l.db.postgres && rest && l.epoch > 0 && l.gone() == nil {
		ctx, cancel := reading(context.Background())
		defer cancel()
		if _, err := l.db.w.ExecContext(ctx, leaveLease, l.epoch); err != nil {
			l.log.Info("the ownership ends without a word to whoever stands by", zap.Error(err))
		}
	}
	if l.renew != nil {
		l.renew.Close()
	}
	l.drop()
}

const leaveLease = `UPDATE lease SET owner = '' WHERE id = 1 AND epoch = $1`
