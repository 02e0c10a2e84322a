package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// slowest is how long a query of a page or of the API may take.
const slowest = 2 * time.Second

// database is one of the two engines: a pool that writes and one that reads.
type database struct {
	postgres bool
	name     string // for people, without the password
	w, r     *sql.DB
}

// reach opens the database within five seconds.
func reach(ctx context.Context, address, dataDir string) (*database, error) {
	var d *database
	var err error
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		d, err = openPostgres(address)
	} else {
		if address == "" {
			address = filepath.Join(dataDir, "firstline.db")
		}
		d, err = openSQLite(address)
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, pool := range []*sql.DB{d.w, d.r} { // the writer first: it makes the SQLite file
		if err := pool.PingContext(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("%s cannot be opened: %w", d.name, innermost(err)), d.close())
		}
	}
	return d, nil
}

// innermost is what the server or the network said, without pgx's list of attempts.
func innermost(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	return err
}

func openPostgres(address string) (*database, error) {
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err) // pgx blanks the password
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = slowest
	}
	// A server that vanished without a word is noticed by keep-alives, not after two hours.
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
	cfg.DialFunc = dialer.DialContext
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "firstline"
	}
	d := &database{
		postgres: true,
		name:     fmt.Sprintf("database %s on %s", cfg.Database, net.JoinHostPort(cfg.Host, fmt.Sprint(cfg.Port))),
		w:        stdlib.OpenDB(*cfg),
		r:        stdlib.OpenDB(*cfg),
	}
	d.w.SetMaxOpenConns(6)
	d.w.SetMaxIdleConns(6)
	d.r.SetMaxOpenConns(8)
	d.r.SetMaxIdleConns(8)
	return d, nil
}

func openSQLite(path string) (*database, error) {
	dsn := func(pragmas ...string) string {
		q := url.Values{"_pragma": append([]string{"busy_timeout(2000)"}, pragmas...), "_txlock": {"immediate"}}
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
	}
	// SQLite makes its files with the first one's mode: what callers said is the owner's alone.
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("database file %s cannot be opened: %w", path, errors.Unwrap(err))
	} else if err := f.Close(); err != nil {
		return nil, fmt.Errorf("database file %s: %w", path, err)
	}
	w, err := sql.Open("sqlite", dsn("journal_mode(WAL)", "synchronous(FULL)", "cache_size(-32000)"))
	if err != nil {
		return nil, fmt.Errorf("database file %s: %w", path, err)
	}
	r, err := sql.Open("sqlite", dsn("query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database file %s: %w", path, err), w.Close())
	}
	w.SetMaxOpenConns(1)
	r.SetMaxOpenConns(4)
	r.SetMaxIdleConns(4)
	return &database{name: "database file " + path, w: w, r: r}, nil
}

func (d *database) close() error { return errors.Join(d.w.Close(), d.r.Close()) }

// migrate brings the tables up to date.
func (d *database) migrate(ctx context.Context) error {
	dialect := goose.DialectSQLite3
	if d.postgres {
		dialect = goose.DialectPostgres
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	p, err := goose.NewProvider(dialect, d.w, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("%s: bring the tables up to date: %w", d.name, err)
	}
	return nil
}

// again runs a statement that may be repeated until it has met a connection that
// lives: after a restart of the server every idle one is dead, and says so only
// when it is used. A server that cannot be dialled ends it.
func (d *database) again(ctx context.Context, pool *sql.DB, run func() error) error {
	for left := pool.Stats().MaxOpenConnections; ; left-- {
		err := run()
		_, dialled := errors.AsType[*pgconn.ConnectError](err)
		if err == nil || !d.postgres || dialled || left <= 0 || ctx.Err() != nil || !away(err) {
			return err
		}
	}
}

// query reads rows.
func (d *database) query(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	err = d.again(ctx, d.r, func() error {
		rows, err = d.r.QueryContext(ctx, query, args...) //nolint:sqlclosecheck // the caller closes them
		return err
	})
	return rows, err
}

// scan reads one row, or returns sql.ErrNoRows.
func (d *database) scan(ctx context.Context, query string, args []any, into ...any) error {
	return d.again(ctx, d.r, func() error { return d.r.QueryRowContext(ctx, query, args...).Scan(into...) })
}

// away reports whether err says that the database is not there, rather than that
// the request was wrong.
func away(err error) bool {
	if errors.Is(err, ErrOwned) || errors.Is(err, errAside) {
		return false
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code[:min(2, len(pg.Code))] {
		case "08", "53", "57", "58", "25": // connection, resources, shutdown, system; read-only after a fail-over
			return true
		}
		return false
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		switch lite.Code() & 0xff {
		case 5, 6, 8, 9, 10, 13, 14: // busy, locked, read-only, interrupted, I/O, full, cannot open
			return true
		}
		return false
	}
	// What is left comes from the network, from dialling, or is a deadline.
	return !errors.Is(err, sql.ErrNoRows)
}

// reading gives a query slowest to answer.
func reading(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, slowest, ErrAway)
}

// tried names what was asked in err, as ErrAway when the database was not there.
func tried(ctx context.Context, what string, err error) error {
	switch cause := context.Cause(ctx); {
	case err == nil:
		return nil
	case cause != nil && !errors.Is(cause, ErrAway):
		return fmt.Errorf("%s: %w", what, cause)
	case cause != nil || away(err):
		return fmt.Errorf("%s: %w (%w)", what, ErrAway, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// clean drops what PostgreSQL does not take in a text: NUL and invalid UTF-8.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// key is clean and short enough for an index; ids and names are far shorter.
func key(s string) string {
	s = clean(s)
	if len(s) > longestKey {
		s = strings.ToValidUTF8(s[:longestKey], "")
	}
	return s
}

const longestKey = 500

// micros is an instant as it is stored; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant reads what micros wrote.
func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
