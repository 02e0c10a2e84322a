package store_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // to ask the database beside the store
	"go.uber.org/zap/zaptest"

	"firstline/call"
	"firstline/store"
	"firstline/store/storetest"
)

// standby is a store that stands by in the background.
type standby struct {
	t      *testing.T
	cancel context.CancelFunc
	opened chan *store.Store // closed when Open has returned

	mu    sync.Mutex // guards what follows
	saw   store.Standing
	beats map[time.Time]bool
	err   error
}

// hurried are limits that fit a test: above the owner's beat, and no more.
func hurried(cfg store.Config) store.Config {
	cfg.Hasten(1500*time.Millisecond, 2*time.Second, 3*time.Second)
	return cfg
}

// standBy opens cfg as a standby. It ends with the test, as does the store that it
// may have become.
func standBy(t *testing.T, cfg store.Config) *standby {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	b := &standby{t: t, cancel: cancel, opened: make(chan *store.Store, 1), beats: map[time.Time]bool{}}
	cfg.Standby, cfg.Watched = true, b.watched
	go func() {
		defer close(b.opened)
		s, err := store.Open(ctx, cfg, zaptest.NewLogger(t))
		if err != nil {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.err = err
			return
		}
		b.opened <- s
	}()
	t.Cleanup(func() {
		cancel()
		for s := range b.opened {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return b
}

func (b *standby) watched(s store.Standing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.saw = s
	b.beats[s.Beat] = true
}

func (b *standby) standing() (s store.Standing, beats int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.saw, len(b.beats)
}

// sees waits until the standby has seen what ok wants.
func (b *standby) sees(what string, ok func(s store.Standing, beats int) bool) {
	b.t.Helper()
	storetest.Eventually(b.t, "the standby sees "+what, func() bool { return ok(b.standing()) })
}

func (b *standby) waits() {
	b.t.Helper()
	select {
	case s, ok := <-b.opened:
		if ok {
			b.opened <- s
		}
		b.t.Fatalf("the standby does not wait any longer (%v)", b.err)
	default:
	}
}

// owns waits until the standby is the owner, and runs its store.
func (b *standby) owns() (s *store.Store, stop func()) {
	b.t.Helper()
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	select {
	case s = <-b.opened:
	case <-timeout.C:
	}
	if s == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.t.Fatalf("the standby never owns the database: %v", b.err)
	}
	return s, storetest.Running(b.t, s)
}

// owner is a running store and the network between it and its database.
type owner struct {
	*store.Store
	relay *storetest.Relay
	cfg   store.Config
	done  chan error // what Run returned
}

func own(t *testing.T, dsn string) *owner {
	t.Helper()
	relay, through := storetest.NewRelay(t, dsn)
	o := &owner{relay: relay, cfg: store.Config{DataDir: t.TempDir(), Database: through}, done: make(chan error, 1)}
	var err error
	if o.Store, err = store.Open(t.Context(), o.cfg, zaptest.NewLogger(t)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.done <- o.Run(ctx)
	}()
	t.Cleanup(func() {
		relay.Mend()
		cancel()
		<-ended
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// replaced waits for the end of a former owner, and holds it to its word.
func (o *owner) replaced(t *testing.T) {
	t.Helper()
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	select {
	case err := <-o.done:
		if !errors.Is(err, store.ErrOwned) {
			t.Errorf("Run of the former owner: %v", err)
		}
	case <-timeout.C:
		t.Fatal("the former owner runs on")
	}
	if err := o.Journal().Append(t.Context(), opening(999)...); !errors.Is(err, store.ErrOwned) {
		t.Errorf("Append of the former owner: %v", err)
	}
}

// busy has an owner append calls until it may no longer; kept are those acknowledged.
func busy(t *testing.T, o *owner) (kept func() map[string]bool) {
	var wg sync.WaitGroup
	var mu sync.Mutex // guards ids
	ids := make(map[string]bool)
	for w := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				evs := opening(w*1_000_000 + n)
				if err := o.Journal().Append(context.WithoutCancel(t.Context()), evs...); err != nil {
					return
				}
				mu.Lock()
				ids[evs[0].Stream.ID] = true
				mu.Unlock()
			}
		})
	}
	return func() map[string]bool {
		wg.Wait()
		return ids
	}
}

// lastStored is the journal's end, as the database has it.
func lastStored(t *testing.T, dsn string) (last int64) {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "SELECT COALESCE(MAX(global), 0) FROM events").Scan(&last); err != nil {
		t.Fatal(err)
	}
	return last
}

// aside are the streams with events in spools below a data folder.
func aside(t *testing.T, dataDir, pattern string) map[string]bool {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(dataDir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]bool)
	for _, dir := range dirs {
		torn, err := store.ReadSpool(dir, func(evs []call.Event) error {
			for _, e := range evs {
				ids[e.Stream.ID] = true
			}
			return nil
		})
		if err != nil || torn != 0 {
			t.Errorf("%s: %d bytes torn, %v", dir, torn, err)
		}
	}
	return ids
}
