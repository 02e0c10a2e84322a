// Package storetest is one suite for both of the store's engines, and what it
// needs: a PostgreSQL of its own, and a network that can fail.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	_ "modernc.org/sqlite" // to hold the file's write lock

	"firstline/call"
	"firstline/store"
)

// Place is where a store of one test lives.
type Place struct {
	Config store.Config
	// Away makes the database take no commit until Back.
	Away, Back func()
}

// Engine makes an empty place for one test.
type Engine func(t testing.TB) Place

// SQLite is the embedded engine. It is away while somebody else holds the write lock.
func SQLite(t testing.TB) Place {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "firstline.db")
	var other *sql.DB
	return Place{
		Config: store.Config{DataDir: dir},
		Away: func() {
			db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
			if err != nil {
				t.Error(err)
				return
			}
			db.SetMaxOpenConns(1)
			if _, err := db.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
				t.Error(err)
			}
			other = db
		},
		Back: func() { other.Close() },
	}
}

// Postgres is the server engine. It is away while its network is cut.
func Postgres(c *Cluster) Engine {
	return func(t testing.TB) Place {
		t.Helper()
		relay, dsn := NewRelay(t, c.Database(t))
		return Place{
			Config: store.Config{DataDir: t.TempDir(), Database: dsn},
			Away:   relay.Cut,
			Back:   relay.Mend,
		}
	}
}

// Open opens a store without running it; it is closed when the test ends.
func Open(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), cfg, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

// logger keeps a run without faults quiet: what is injected is logged as a warning.
func logger(t testing.TB) *zap.Logger {
	if _, ok := t.(*testing.B); ok {
		return zap.NewNop()
	}
	return zaptest.NewLogger(t, zaptest.Level(zap.InfoLevel))
}

// Start opens a store and runs it. stop ends and closes it; it may be called once
// more by the test's own end.
func Start(t testing.TB, cfg store.Config) (s *store.Store, stop func()) {
	t.Helper()
	s, err := store.Open(t.Context(), cfg, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	return s, Running(t, s)
}

// Running runs a store that is open. stop is as that of Start.
func Running(t testing.TB, s *store.Store) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		closeStore(t, s)
	}
	t.Cleanup(stop)
	return stop
}

func closeStore(t testing.TB, s *store.Store) {
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// Append appends and fails the test when it does not work.
func Append(t testing.TB, j call.Journal, evs ...call.Event) {
	t.Helper()
	if err := j.Append(t.Context(), evs...); err != nil {
		t.Fatalf("Append: %v", err)
	}
}

// Collect reads n events behind a global sequence, in order.
func Collect(t testing.TB, j *store.Journal, after int64, n int) []call.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cursor := j.Read(after)
	var got []call.Event
	for len(got) < n {
		evs, err := cursor.Next(ctx)
		if err != nil {
			t.Fatalf("read event %d of %d: %v", len(got)+1, n, err)
		}
		got = append(got, evs...)
	}
	return got
}

// Eventually waits until ok, and fails the test after a minute.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}

// Numbered checks that events are in global order, each once, without a gap from
// first on, and that every stream counts from 1 by ones.
func Numbered(evs []call.Event, first int64) error {
	seqs := make(map[call.Stream]int64)
	for i, e := range evs {
		if e.Global != first+int64(i) {
			return fmt.Errorf("event %d has global sequence %d, want %d", i, e.Global, first+int64(i))
		}
		seqs[e.Stream]++
		if e.Seq != seqs[e.Stream] {
			return fmt.Errorf("event %d is number %d of %s %s, want %d", e.Global, e.Seq, e.Stream.Kind, e.Stream.ID, seqs[e.Stream])
		}
	}
	return nil
}
