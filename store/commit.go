package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"
)

const (
	longestAttempt = 30 * time.Second // of one transaction: a slow network takes seconds per statement
	largestCommit  = 4000             // events in one transaction when catching up
)

// committer writes groups to the database, in order, each once.
type committer struct {
	db      *database
	lease   *lease
	log     *zap.Logger
	backlog *backlog
	folds   *folds
	last    int64 // stored when Open was done
	stmts   map[statementKey]*sql.Stmt
}

// statementKey names a prepared statement: a write's SQL and how many rows it takes.
type statementKey struct {
	sql  string
	rows int
}

const lastGlobal = `SELECT MAX(global) FROM events`

func newCommitter(ctx context.Context, db *database, l *lease, log *zap.Logger) (*committer, error) {
	var last sql.NullInt64
	if err := db.r.QueryRowContext(ctx, lastGlobal).Scan(&last); err != nil {
		return nil, fmt.Errorf("%s: read the journal's end: %w", db.name, err)
	}
	c := &committer{
		db: db, lease: l, log: log, last: last.Int64,
		backlog: newBacklog(last.Int64), folds: newFolds(db, log), stmts: make(map[statementKey]*sql.Stmt),
	}
	return c, c.folds.loadOpen(ctx)
}

func (c *committer) close() {
	for _, s := range c.stmts {
		s.Close()
	}
}

// storeAll stores what is replayed before the journal runs.
func (c *committer) storeAll(ctx context.Context, items []item) error {
	if err := c.store(ctx, &commit{items: items}); err != nil {
		return err
	}
	c.last = items[len(items)-1].Global
	c.backlog.last = c.last
	return nil
}

// run stores the backlog until ctx ends; what the database does not take is tried
// again for ever. The error is ErrOwned.
func (c *committer) run(ctx context.Context) error {
	idle := time.NewTicker(beatEvery)
	defer idle.Stop()
	for {
		gs := c.backlog.next(largestCommit)
		if len(gs) == 0 {
			select {
			case <-c.backlog.work:
			case <-idle.C:
				if err := c.beat(ctx); err != nil {
					return err
				}
			case <-ctx.Done():
				return nil
			}
			continue
		}
		if err := c.insist(ctx, gs); err != nil || ctx.Err() != nil {
			return err
		}
		idle.Reset(beatEvery)
	}
}

// beat shows a standby that we live while there is nothing to commit. The error is
// ErrOwned; a database that is away is no news here.
func (c *committer) beat(ctx context.Context) error {
	if !c.db.postgres {
		return nil
	}
	ctx, cancel := c.backlog.attempt(ctx)
	defer cancel()
	ctx, give := reading(ctx)
	defer give()
	switch err := c.lease.beat(ctx); {
	case errors.Is(err, ErrOwned):
		return err
	case err != nil:
		c.log.Debug("sign of life", zap.Error(err))
	}
	return nil
}

// commit is one transaction's content. Its rows are folded once, however often
// the transaction is tried.
type commit struct {
	items   []item
	writes  []write
	unknown bool // an attempt may have been committed
}

func (c *committer) insist(ctx context.Context, gs []*group) error {
	w := &commit{}
	for _, g := range gs {
		w.items = append(w.items, g.items...)
	}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		attempt, cancel := c.backlog.attempt(ctx)
		err := c.store(attempt, w)
		cancel()
		if err == nil {
			c.backlog.done(gs)
			c.folds.settle(w.items)
			return nil
		}
		if c.backlog.withdrawn(w.unknown) {
			c.folds.forget(w.items)
			return nil
		}
		gs[0].answer(err)
		if errors.Is(err, ErrOwned) {
			return err
		}
		c.report(err)
		if !c.rest(ctx, wait) {
			return nil
		}
		if c.backlog.withdrawn(w.unknown) {
			c.folds.forget(w.items)
			return nil
		}
	}
}

// report says it loudly when it is not the database's absence that keeps us from
// going on: nothing but a person will mend that.
func (c *committer) report(err error) {
	if away(err) {
		c.log.Debug("commit", zap.Error(err))
		return
	}
	c.log.Error("the database refuses events; they stay in the spool", zap.Error(err))
}

// rest waits before the next attempt; a withdrawal ends it early.
func (c *committer) rest(ctx context.Context, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for {
		select {
		case <-c.backlog.work:
			if gs := c.backlog.next(1); len(gs) > 0 && c.backlog.isTaken(gs[0]) {
				return true
			}
		case <-ctx.Done():
			return errors.Is(ctx.Err(), context.DeadlineExceeded)
		}
	}
}

const (
	putEvents = `INSERT INTO events (global, kind, stream, seq, at, config, type, body) VALUES {rows}
ON CONFLICT (global) DO NOTHING`
)

// store writes events and what is folded from them in one transaction. It may be
// tried again after any error: events that are there are left alone, and the
// folded rows are the same rows.
func (c *committer) store(ctx context.Context, w *commit) error {
	if w.writes == nil {
		folded, err := c.folds.fold(ctx, w.items)
		if err != nil {
			return err
		}
		events := write{sql: putEvents, columns: 8}
		for _, it := range w.items {
			events.row(it.Global, string(it.Stream.Kind), it.Stream.ID, it.Seq, it.At.UnixMicro(), it.Config, it.Body.Type(), it.body)
		}
		w.writes = append([]write{events}, folded...)
	}
	for _, x := range w.writes {
		if err := c.prepare(ctx, x); err != nil {
			return err
		}
	}
	tx, err := c.db.w.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := c.fill(ctx, tx, w); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		w.unknown = w.unknown || !errors.Is(err, sql.ErrTxDone)
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// ignoreDone drops what Rollback says when ctx has rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

func (c *committer) fill(ctx context.Context, tx *sql.Tx, w *commit) error {
	if !c.db.postgres {
		// The driver starts a goroutine for each statement that can be cancelled. Here none waits for a network,
		// and busy_timeout bounds them; ctx still ends the transaction between two.
		ctx = context.WithoutCancel(ctx)
	}
	if err := c.lease.check(ctx, tx); err != nil {
		return err
	}
	for _, x := range w.writes {
		for _, n := range x.chunks() {
			args := x.args[n.from*x.columns : (n.from+n.rows)*x.columns]
			stmt := tx.StmtContext(ctx, c.stmts[statementKey{x.sql, n.rows}]) //nolint:sqlclosecheck // tx closes it
			if _, err := stmt.ExecContext(ctx, args...); err != nil {
				return fmt.Errorf("%.40s: %w", x.sql, err)
			}
		}
	}
	return nil
}

// prepare makes the statements for x outside of the transaction, which holds
// SQLite's only write connection.
func (c *committer) prepare(ctx context.Context, x write) error {
	for _, n := range x.chunks() {
		k := statementKey{x.sql, n.rows}
		if c.stmts[k] != nil {
			continue
		}
		text := x.statement(n.rows)
		s, err := c.db.w.PrepareContext(ctx, text) //nolint:sqlclosecheck // kept for the next commit; close closes all
		if err != nil {
			return fmt.Errorf("%.40s: %w", text, err)
		}
		c.stmts[k] = s
	}
	return nil
}

// write is many rows for one table. Its SQL holds {rows} where the values go.
type write struct {
	sql     string
	columns int
	args    []any
}

func (w *write) row(values ...any) { w.args = append(w.args, values...) }

type chunk struct{ from, rows int }

// chunks cuts the rows into statements of 32, 16, … 1 rows, so that few texts are
// prepared and many rows go at once.
func (w *write) chunks() []chunk {
	var cs []chunk
	total := len(w.args) / w.columns
	for from := 0; from < total; {
		n := 1
		for _, size := range []int{32, 16, 8, 4, 2} {
			if total-from >= size {
				n = size
				break
			}
		}
		cs = append(cs, chunk{from, n})
		from += n
	}
	return cs
}

// statement is the SQL for so many rows.
func (w *write) statement(rows int) string {
	var b strings.Builder
	for p := 1; p <= rows*w.columns; p++ {
		switch {
		case p == 1:
			b.WriteByte('(')
		case p%w.columns == 1 || w.columns == 1:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", p)
	}
	b.WriteByte(')')
	return strings.Replace(w.sql, "{rows}", b.String(), 1)
}
