package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"firstline/call"
	"firstline/store"
	"firstline/store/storetest"
)

// relayed is an empty PostgreSQL database behind a network that can fail.
func relayed(t *testing.T) (store.Config, *storetest.Relay) {
	t.Helper()
	relay, dsn := storetest.NewRelay(t, cluster.Database(t))
	return store.Config{DataDir: t.TempDir(), Database: dsn}, relay
}

func opening(n int) []call.Event {
	at := time.Now()
	id := call.NewID(at)
	ticket := call.TicketID(fmt.Sprintf("T-%d", n))
	return []call.Event{call.CallEvent(at, id, call.Arrived{Ticket: ticket}), call.TicketEvent(at, ticket, call.TicketOpened{Call: id})}
}

// stored is everything that the database has once the journal has caught up.
func stored(t *testing.T, s *store.Store) []call.Event {
	t.Helper()
	storetest.Eventually(t, "direct again", func() bool { return s.Journal().Status().Mode == store.Direct })
	evs, err := s.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return evs
}

func TestCommitOfUnknownFateIsStoredOnce(t *testing.T) {
	cfg, relay := relayed(t)
	s, _ := storetest.Start(t, cfg)
	for n := range 10 {
		if n%3 == 1 {
			relay.Mute() // the server commits, and its answer is lost
		}
		storetest.Append(t, s.Journal(), opening(n)...)
		if n%3 == 2 {
			relay.Mend()
			stored(t, s)
		}
	}
	evs := stored(t, s)
	if err := storetest.Numbered(evs, 1); err != nil || len(evs) != 20 {
		t.Errorf("%d events, %v", len(evs), err)
	}
}

func TestFrozenDatabaseCostsAnAppendItsPatienceOnly(t *testing.T) {
	cfg, relay := relayed(t)
	s, _ := storetest.Start(t, cfg)
	storetest.Append(t, s.Journal(), opening(0)...)
	relay.Freeze()
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() { storetest.Append(t, s.Journal(), opening(n+1)...) })
	}
	wg.Wait()
	if st := s.Journal().Status(); st.Mode != store.Spooling || st.LastGlobal != 42 {
		t.Errorf("%+v", st)
	}
	relay.Mend()
	evs := stored(t, s)
	if err := storetest.Numbered(evs, 1); err != nil || len(evs) != 42 {
		t.Errorf("%d events, %v", len(evs), err)
	}
}

func TestQueriesSayThatTheDatabaseIsAway(t *testing.T) {
	cfg, relay := relayed(t)
	s, _ := storetest.Start(t, cfg)
	storetest.Append(t, s.Journal(), opening(1)...)
	ctx := t.Context()
	for how, fail := range map[string]func(){"cut": relay.Cut, "frozen": relay.Freeze} {
		fail()
		var wg sync.WaitGroup // together: the slowest answer is the limit of one
		for what, ask := range map[string]func() error{
			"call":       func() error { _, err := s.Call(ctx, "x"); return err },
			"calls":      func() error { _, err := s.Calls(ctx, store.CallFilter{}); return err },
			"ticket":     func() error { _, err := s.Ticket(ctx, "T-1"); return err },
			"events":     func() error { _, err := s.Events(ctx, 0, 1); return err },
			"lost":       func() error { _, err := s.LostCallers(ctx, 0, 1); return err },
			"checkpoint": func() error { return s.SaveCheckpoint(ctx, "x", 1, nil) },
			"session":    func() error { _, _, err := s.SignIns().FindCtx(ctx, "x"); return err },
			"device":     func() error { return s.Devices().PutDevice(ctx, call.Credential{User: "u"}) },
		} {
			wg.Go(func() {
				if err := ask(); !errors.Is(err, store.ErrAway) || errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s, %s: %v", how, what, err)
				}
			})
		}
		wg.Wait()
		relay.Mend()
	}
	if _, err := s.Ticket(ctx, "T-1"); err != nil {
		t.Errorf("after its return: %v", err)
	}
}

// A ticket that was closed long ago is not known to the journal, so a note on it
// needs the database; what is open goes on without.
func TestNoteOnAnOldTicketNeedsTheDatabase(t *testing.T) {
	cfg, relay := relayed(t)
	s, stop := storetest.Start(t, cfg)
	storetest.Append(t, s.Journal(), opening(1)...)
	stop() // the next process knows open calls, not old tickets
	s, _ = storetest.Start(t, cfg)
	relay.Cut()
	storetest.Append(t, s.Journal(), opening(2)...)
	note := call.TicketEvent(time.Now(), "T-1", call.TicketNoted{Note: "n", Text: "x"})
	if err := s.Journal().Append(t.Context(), note); !errors.Is(err, store.ErrAway) {
		t.Errorf("Append: %v", err)
	}
	s.Journal().Post(note) // waits for the database rather than being lost
	relay.Mend()
	stored(t, s)
	storetest.Eventually(t, "the note that was posted", func() bool {
		ticket, err := s.Ticket(t.Context(), "T-1")
		return err == nil && len(ticket.Notes) == 1
	})
}

func TestFormerOwnerWritesNothingMore(t *testing.T) {
	direct := cluster.Database(t)
	relay, dsn := storetest.NewRelay(t, direct)
	var told atomic.Int32
	former, err := store.Open(t.Context(), store.Config{DataDir: t.TempDir(), Database: dsn, Lost: func() { told.Add(1) }}, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- former.Run(t.Context()) }()
	storetest.Append(t, former.Journal(), opening(1)...)
	relay.Cut() // the lock goes with the connection
	storetest.Append(t, former.Journal(), opening(2)...)

	next, _ := storetest.Start(t, store.Config{DataDir: t.TempDir(), Database: direct})
	storetest.Append(t, next.Journal(), opening(3)...)
	relay.Mend()
	if err := <-done; !errors.Is(err, store.ErrOwned) {
		t.Errorf("Run of the former owner: %v", err)
	}
	if err := former.Journal().Append(t.Context(), opening(4)...); !errors.Is(err, store.ErrOwned) || !errors.Is(err, call.ErrHandedOver) {
		t.Errorf("Append of the former owner: %v", err)
	}
	if n := told.Load(); n != 1 {
		t.Errorf("told %d times that the database is another's, want once", n)
	}
	if err := former.Close(); err != nil {
		t.Error(err)
	}
	if evs := stored(t, next); len(evs) != 4 {
		t.Errorf("%d events are stored, want two of each owner", len(evs))
	}
}

func TestServerCrashLosesNothing(t *testing.T) {
	s, _ := storetest.Start(t, store.Config{DataDir: t.TempDir(), Database: cluster.Database(t)})
	back := make(chan struct{})
	slow := time.NewTicker(5 * time.Millisecond) // shared by the writers, so that the test stays small
	defer slow.Stop()
	var wg sync.WaitGroup
	var mu sync.Mutex // guards appended
	appended := 0
	for w := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				storetest.Append(t, s.Journal(), opening(w*1_000_000+n)...)
				mu.Lock()
				appended += 2
				mu.Unlock()
				select {
				case <-back:
					return
				case <-slow.C:
				}
			}
		})
	}
	if err := cluster.Crash(t.Context()); err != nil {
		t.Error(err)
	}
	storetest.Eventually(t, "spooling", func() bool { return s.Journal().Status().Mode == store.Spooling })
	if err := cluster.Start(t.Context()); err != nil {
		t.Error(err)
	}
	close(back)
	wg.Wait()
	if err := storetest.Numbered(storetest.Collect(t, s.Journal(), 0, appended), 1); err != nil {
		t.Error(err)
	}
	storetest.Eventually(t, "direct again", func() bool { return s.Journal().Status().Mode == store.Direct })
	total := 0
	for after := int64(0); ; {
		evs, err := s.Events(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(evs) == 0 {
			break
		}
		if evs[0].Global != after+1 || evs[len(evs)-1].Global != after+int64(len(evs)) {
			t.Fatalf("stored events have a gap behind %d", after)
		}
		after += int64(len(evs))
		total += len(evs)
	}
	if total != appended {
		t.Errorf("%d events are stored, %d were acknowledged", total, appended)
	}
}

func TestOpenSaysInOneSentenceWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("not a database, but long enough to be taken for one: "+strings.Repeat("x", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cfg  store.Config
		want string
	}{
		"no folder":        {store.Config{}, "no data folder"},
		"folder is a file": {store.Config{DataDir: file}, "data folder cannot be made"},
		"not a database":   {store.Config{DataDir: t.TempDir(), Database: file}, "cannot be opened"},
		"no such folder":   {store.Config{DataDir: t.TempDir(), Database: "/nonexistent/x.db"}, "cannot be opened"},
		"nobody there":     {store.Config{DataDir: t.TempDir(), Database: "postgres://u:secret@127.0.0.1:1/d"}, "database d on 127.0.0.1:1 cannot be opened"},
		"bad URL":          {store.Config{DataDir: t.TempDir(), Database: "postgres://u:secret@127.0.0.1:x/d"}, "database URL"},
	} {
		s, err := store.Open(t.Context(), c.cfg, zaptest.NewLogger(t))
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		if text := err.Error(); !strings.Contains(text, c.want) || strings.Contains(text, "\n") || strings.Contains(text, "secret") {
			t.Errorf("%s: %q", name, text)
		}
	}
}
