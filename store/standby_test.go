package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firstline/call"
	"firstline/store"
	"firstline/store/storetest"
)

func TestStandbyTakesOverWhenTheOwnersConnectionIsGone(t *testing.T) {
	t.Parallel()
	dsn := cluster.Database(t)
	first := own(t, dsn)
	b := standBy(t, hurried(store.Config{DataDir: t.TempDir(), Database: dsn}))
	b.sees("the owner", func(s store.Standing, beats int) bool {
		return s.Owner != "" && !s.Since.IsZero() && !s.Away && beats > 1
	})
	before := time.Now()
	storetest.Append(t, first.Journal(), opening(1)...)
	first.relay.Cut()
	next, _ := b.owns()
	storetest.Append(t, next.Journal(), opening(2)...)
	if alive := next.LastAlive(); alive.Before(before.Truncate(time.Microsecond)) || alive.After(time.Now()) {
		t.Errorf("the last sign of life is %v, the last commit came after %v", alive, before)
	}
	first.relay.Mend()
	first.replaced(t)
	if evs := stored(t, next); len(evs) != 4 || storetest.Numbered(evs, 1) != nil {
		t.Errorf("%d events are stored, want two of each owner", len(evs))
	}
}

func TestStandbyWaitsWhileTheOwnerBeats(t *testing.T) {
	t.Parallel()
	dsn := cluster.Database(t)
	first := own(t, dsn)
	b := standBy(t, store.Config{DataDir: t.TempDir(), Database: dsn})
	b.sees("an idle owner live on", func(_ store.Standing, beats int) bool { return beats >= 5 })
	b.waits()
	storetest.Append(t, first.Journal(), opening(1)...)
}

func TestStandbyTakesOverFromAFrozenOwner(t *testing.T) {
	t.Parallel()
	dsn := cluster.Database(t)
	first := own(t, dsn)
	b := standBy(t, hurried(store.Config{DataDir: t.TempDir(), Database: dsn}))
	b.sees("the owner", func(_ store.Standing, beats int) bool { return beats > 1 })
	first.relay.Freeze() // its connections stay, and the lock with them
	next, _ := b.owns()
	storetest.Append(t, next.Journal(), opening(2)...)
	first.relay.Mend()
	first.replaced(t)
	if evs := stored(t, next); len(evs) != 2 {
		t.Errorf("%d events are stored, want those of the new owner", len(evs))
	}
}

// A process that was stopped in the middle of a commit has the lease's row locked
// for as long as its connection lives.
func TestStandbyTakesOverFromAnOwnerFrozenInACommit(t *testing.T) {
	t.Parallel()
	dsn := cluster.Database(t)
	first := own(t, dsn)
	b := standBy(t, hurried(store.Config{DataDir: t.TempDir(), Database: dsn}))
	b.sees("the owner", func(_ store.Standing, beats int) bool { return beats > 1 })
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	commit, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := commit.ExecContext(t.Context(), "UPDATE lease SET beat = beat"); err != nil {
		t.Fatal(err)
	}
	first.relay.Freeze()
	next, _ := b.owns()
	storetest.Append(t, next.Journal(), opening(2)...)
	if err := commit.Commit(); err == nil {
		t.Error("the commit went through after the take-over")
	}
	first.relay.Mend()
	first.replaced(t)
}

func TestOwnerKeepsADatabaseThatWasAway(t *testing.T) {
	t.Parallel()
	dsn := cluster.Database(t)
	first := own(t, dsn)
	relay, through := storetest.NewRelay(t, dsn)
	b := standBy(t, store.Config{DataDir: t.TempDir(), Database: through})
	b.sees("the owner", func(_ store.Standing, beats int) bool { return beats > 1 })
	first.relay.Cut()
	relay.Cut()
	b.sees("no database", func(s store.Standing, _ int) bool { return s.Away })
	storetest.Append(t, first.Journal(), opening(1)...)
	storetest.Eventually(t, "spooling", func() bool { return first.Journal().Status().Mode == store.Spooling })

	relay.Mend() // the standby is back before the owner
	b.sees("the database again", func(s store.Standing, _ int) bool { return !s.Away })
	was, _ := b.standing()
	b.waits()
	first.relay.Mend()
	b.sees("the owner again", func(s store.Standing, _ int) bool { return s.Beat.After(was.Beat) })
	b.waits()
	if evs := stored(t, first.Store); len(evs) != 2 {
		t.Errorf("%d events are stored, want the two from the spool", len(evs))
	}
}

func TestStandbyTakesOverWhenTheOwnerDoesNotComeBackToTheDatabase(t *testing.T) {
	t.Parallel()
	dsn := cluster.Database(t)
	first := own(t, dsn)
	relay, through := storetest.NewRelay(t, dsn)
	b := standBy(t, hurried(store.Config{DataDir: t.TempDir(), Database: through}))
	b.sees("the owner", func(_ store.Standing, beats int) bool { return beats > 1 })
	first.relay.Cut()
	relay.Cut()
	b.sees("no database", func(s store.Standing, _ int) bool { return s.Away })
	relay.Mend()
	next, _ := b.owns()
	storetest.Append(t, next.Journal(), opening(2)...)
}

func TestOfTwoStandbysOneTakesOver(t *testing.T) {
	t.Parallel()
	dsn := cluster.Database(t)
	first := own(t, dsn)
	var bs []*standby
	for range 2 {
		b := standBy(t, hurried(store.Config{DataDir: t.TempDir(), Database: dsn}))
		b.sees("the owner", func(_ store.Standing, beats int) bool { return beats > 1 })
		bs = append(bs, b)
	}
	was, _ := bs[0].standing()
	first.relay.Freeze()
	won, lost := (*store.Store)(nil), bs[0]
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	select {
	case won = <-bs[0].opened:
		lost = bs[1]
	case won = <-bs[1].opened:
	case <-timeout.C:
	}
	if won == nil {
		t.Fatal("neither takes over")
	}
	stop := storetest.Running(t, won)
	lost.sees("a new owner that beats", func(s store.Standing, beats int) bool { return s.Since.After(was.Since) && beats > 3 })
	lost.waits()
	storetest.Append(t, won.Journal(), opening(1)...)
	stop() // in order: the other need not wait
	second, _ := lost.owns()
	storetest.Append(t, second.Journal(), opening(2)...)
	if evs := stored(t, second); len(evs) != 4 {
		t.Errorf("%d events are stored", len(evs))
	}
}

// Whatever a former owner was about to write when it froze, nothing of it is there
// after the take-over that was not there before, and what it was told is kept is kept.
func TestNothingOfAFormerOwnerLandsAfterTheTakeover(t *testing.T) {
	t.Parallel()
	for round := range 4 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			frozenInTheMiddle(t, time.Duration(round)*7*time.Millisecond)
		})
	}
}

// frozenInTheMiddle freezes a busy owner after a while, and lets it wake up behind a new one.
func frozenInTheMiddle(t *testing.T, after time.Duration) {
	dsn := cluster.Database(t)
	first := own(t, dsn)
	b := standBy(t, hurried(store.Config{DataDir: t.TempDir(), Database: dsn}))
	b.sees("the owner", func(_ store.Standing, beats int) bool { return beats > 1 })
	kept := busy(t, first)
	storetest.Eventually(t, "a busy owner", func() bool { return first.Journal().Status().LastGlobal > 40 })
	moment := time.NewTimer(after)
	defer moment.Stop()
	<-moment.C
	first.relay.Freeze()
	next, _ := b.owns()
	at := lastStored(t, dsn)
	storetest.Append(t, next.Journal(), opening(1)...)
	if err := next.PutPIN(t.Context(), "ana", "new"); err != nil {
		t.Error(err)
	}
	first.relay.Mend()
	stray := first.PutPIN(t.Context(), "ana", "old")
	first.replaced(t)
	if !errors.Is(stray, store.ErrOwned) {
		t.Errorf("the former owner changes a PIN: %v", stray)
	}
	if pins, err := next.PINs(t.Context()); err != nil || pins["ana"] != "new" {
		t.Errorf("PINs %v, %v", pins, err)
	}
	there := make(map[string]bool)
	for _, e := range stored(t, next) {
		there[e.Stream.ID] = true
		if e.Stream.Kind == call.StreamCall && e.Global > at && e.Global != at+1 {
			t.Errorf("event %d landed after the take-over", e.Global)
		}
	}
	spooled := aside(t, first.cfg.DataDir, "spool")
	for id := range kept() {
		if !there[id] && !spooled[id] {
			t.Errorf("call %s was acknowledged, and is neither in the database nor in the spool", id)
		}
	}
}

func TestSpoolOfAFormerOwnerIsSetAside(t *testing.T) {
	t.Parallel()
	dsn := cluster.Database(t)
	first := own(t, dsn)
	b := standBy(t, hurried(store.Config{DataDir: t.TempDir(), Database: dsn}))
	storetest.Append(t, first.Journal(), opening(1)...)
	first.relay.Cut()
	spooled := opening(2)
	storetest.Append(t, first.Journal(), spooled...)
	next, stop := b.owns()
	storetest.Append(t, next.Journal(), opening(3)...)
	first.relay.Mend()
	first.replaced(t)
	if err := first.Close(); err != nil {
		t.Error(err)
	}

	again := standBy(t, first.cfg) // the former owner is started again
	again.sees("the new owner", func(s store.Standing, _ int) bool { return s.Owner != "" })
	got := aside(t, first.cfg.DataDir, "aside/*")
	if len(got) != 2 || !got[spooled[0].Stream.ID] || !got[spooled[1].Stream.ID] {
		t.Errorf("set aside is %v, want what was spooled for %s", got, spooled[0].Stream.ID)
	}
	if left := aside(t, first.cfg.DataDir, "spool"); len(left) != 0 {
		t.Errorf("the spool still has %v", left)
	}
	stop()
	back, _ := again.owns()
	storetest.Append(t, back.Journal(), opening(4)...)
	evs := stored(t, back)
	if err := storetest.Numbered(evs, 1); err != nil || len(evs) != 6 {
		t.Errorf("%d events, %v", len(evs), err)
	}
}

func TestSpoolThatTheDatabaseHasIsNotSetAside(t *testing.T) {
	t.Parallel()
	dsn := cluster.Database(t)
	first := own(t, dsn)
	storetest.Append(t, first.Journal(), opening(1)...)
	first.relay.Cut()
	storetest.Append(t, first.Journal(), opening(2)...)
	saved := t.TempDir()
	if err := os.CopyFS(saved, os.DirFS(filepath.Join(first.cfg.DataDir, "spool"))); err != nil {
		t.Fatal(err)
	}
	first.relay.Mend()
	stored(t, first.Store)
	if err := os.CopyFS(filepath.Join(first.cfg.DataDir, "spool"), os.DirFS(saved)); err != nil { // killed before it could empty it
		t.Fatal(err)
	}
	b := standBy(t, hurried(store.Config{DataDir: t.TempDir(), Database: dsn}))
	b.sees("the owner", func(_ store.Standing, beats int) bool { return beats > 1 })
	first.relay.Freeze()
	b.owns()
	first.relay.Mend()
	first.replaced(t)
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	again := standBy(t, first.cfg)
	again.sees("the new owner", func(s store.Standing, _ int) bool { return s.Owner != "" })
	if _, err := os.Stat(filepath.Join(first.cfg.DataDir, "aside")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was set aside (%v)", err)
	}
	if left := aside(t, first.cfg.DataDir, "spool"); len(left) != 0 {
		t.Errorf("the spool still has %v", left)
	}
}

func TestStandbyEndsWhenItIsAskedTo(t *testing.T) {
	t.Parallel()
	dsn := cluster.Database(t)
	own(t, dsn)
	b := standBy(t, store.Config{DataDir: t.TempDir(), Database: dsn})
	b.sees("the owner", func(s store.Standing, _ int) bool { return s.Owner != "" })
	b.cancel()
	if s := <-b.opened; s != nil || !errors.Is(b.err, context.Canceled) {
		t.Errorf("%v, %v", s, b.err)
	}
}
