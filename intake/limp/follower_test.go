package limp_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/intake/limp"
	"firstline/intake/lost"
	"firstline/tickets"
)

// memory keeps what a follower saves, and can fail.
type memory struct {
	mu    sync.Mutex // guards the rest
	data  []byte
	wrong error
}

func (m *memory) Load(context.Context) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.data, m.wrong
}

func (m *memory) Save(_ context.Context, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.wrong == nil {
		m.data = data
	}
	return m.wrong
}

func (m *memory) fails(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wrong = err
}

// ticketNumbers is a desk that opens the same ticket for everybody.
type ticketNumbers struct{}

func (ticketNumbers) Next() (call.TicketID, error) { return "T-1", nil }

// watch is a followed log in a bubble.
type watch struct {
	t       *testing.T
	path    string
	memory  *memory
	journal *calltest.Journal
	said    *observer.ObservedLogs
	cfg     limp.Config
}

func watched(t *testing.T, f func(w *watch)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		core, said := observer.New(zap.WarnLevel)
		w := &watch{t: t, path: filepath.Join(dir, "queue_log"), memory: &memory{}, journal: calltest.NewJournal(), said: said}
		w.cfg = limp.Config{
			Queue: func(name string) (limp.Queue, bool) { return limp.Queue{ID: "q"}, name == "q" }, Journal: w.journal.Process(),
			Tickets: tickets.NewDesk(nil, ticketNumbers{}, nil), Log: zap.New(core),
			Caller: func(c *call.Call) (string, string) { return c.From.Number, "" },
			Lost:   lost.New(lost.Config{Journal: w.journal.Process()}, nil),
			Known: func(_ context.Context, origin string, _ call.ID) (all []call.Record, err error) {
				for _, r := range w.journal.Records() {
					if r.Origin == origin {
						all = append(all, r)
					}
				}
				return all, nil
			},
		}
		f(w)
		if err := w.journal.Faults(); err != nil {
			t.Error(err)
		}
	})
}

// process follows until kill is called.
func (w *watch) process() (kill func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- limp.New(w.cfg).Follow("pbx1", w.path, w.memory).Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
}

func (w *watch) log(text string) {
	w.t.Helper()
	f, err := os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = f.WriteString(strings.ReplaceAll(text, "NOW", "946684800")) // when bubbles begin
	if err := errors.Join(err, f.Close()); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

func (w *watch) wants(calls int) {
	w.t.Helper()
	if n := len(w.journal.Records()); n != calls {
		w.t.Errorf("%d calls, want %d", n, calls)
	}
}

func TestLogIsFollowedFromItsEndAndThroughRestarts(t *testing.T) {
	watched(t, func(w *watch) {
		w.log("NOW|old.1|q|NONE|ENTERQUEUE||1|1\nNOW|old.1|q|NONE|ABANDON|1|1|0\n")
		kill := w.process()
		time.Sleep(time.Minute)
		w.wants(0) // history
		w.log("NOW|a.1|q|NONE|ENTERQUEUE||1|1\nNOW|a.1|q|NONE|ABANDON|1|1|0\n")
		w.wants(1)
		w.log("NOW|b.1|q|NONE|ENTERQUEUE||2|1\n")
		kill()
		w.log("NOW|b.1|q|NONE|ABANDON|1|1|0\nNOW|c.1|q|NONE|ENTERQUEUE||3|1\n")
		if err := os.Rename(w.path, w.path+".0"); err != nil {
			t.Fatal(err)
		}
		w.log("NOW|c.1|q|NONE|ABANDON|1|1|0\n")
		kill = w.process()
		time.Sleep(5 * time.Second)
		w.wants(3)
		kill()
		kill = w.process()
		time.Sleep(5 * time.Second)
		w.wants(3)
		kill()
		if n := w.said.Len(); n > 0 {
			t.Errorf("it complained: %v", w.said.All())
		}
	})
}

func TestLogThatComesLaterIsReadFromItsStart(t *testing.T) {
	watched(t, func(w *watch) {
		kill := w.process()
		w.log("NOW|a.1|q|NONE|ENTERQUEUE||1|1\nNOW|a.1|q|NONE|ABANDON|1|1|0\n")
		w.wants(1)
		kill()
	})
}

func TestFollowerGoesOnWhenTheDatabaseIsBack(t *testing.T) {
	watched(t, func(w *watch) {
		away := errors.New("the database does not answer")
		w.memory.fails(away)
		kill := w.process()
		w.log("")
		w.memory.fails(nil)
		w.log("")
		w.journal.Break(away)
		w.log("NOW|a.1|q|NONE|ENTERQUEUE||1|1\nNOW|a.1|q|NONE|ABANDON|1|1|0\n")
		w.log("NOW|b.1|q|NONE|ENTERQUEUE||1|1\nNOW|b.1|q|NONE|ABANDON|1|1|0\n")
		w.wants(0)
		w.journal.Break(nil)
		w.memory.fails(away)
		w.log("")
		w.wants(2)
		kill() // the place was not saved
		w.memory.fails(nil)
		kill = w.process()
		w.log("")
		w.wants(2)
		kill()
		if n := w.said.FilterLevelExact(zap.ErrorLevel).Len(); n != 3 { // each trouble once, however often it was tried
			t.Errorf("%d complaints: %v", n, w.said.All())
		}
	})
}

func TestCallIsTakenAsOverWhenItsLogStandsStill(t *testing.T) {
	watched(t, func(w *watch) {
		kill := w.process()
		w.log("NOW|a.1|q|NONE|ENTERQUEUE||1|1\nNOW|a.1|q|NONE|EXITWITHTIMEOUT|1|1|0\n")
		time.Sleep(9 * time.Minute)
		w.wants(0)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.wants(1)
		kill()
	})
}
