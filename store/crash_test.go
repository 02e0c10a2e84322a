package store_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/store"
	"firstline/store/storetest"
)

// childConfig is the variable that makes the test binary a process to be killed.
const childConfig = "FIRSTLINE_STORE_TEST_CHILD"

// child appends calls from eight goroutines and prints each id once it was
// acknowledged, until somebody kills it.
func child() int {
	var cfg store.Config
	if err := json.Unmarshal([]byte(os.Getenv(childConfig)), &cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	s, err := store.Open(context.Background(), cfg, zap.NewNop())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	})
	var mu sync.Mutex // one line at a time
	for range 8 {
		wg.Go(func() {
			for {
				number, err := s.Numbers().Next()
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				at := time.Now()
				id := call.NewID(at)
				err = s.Journal().Append(context.Background(),
					call.CallEvent(at, id, call.Arrived{Ticket: number}),
					call.TicketEvent(at, number, call.TicketOpened{Call: id}))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				mu.Lock()
				fmt.Println(id, number)
				mu.Unlock()
				s.Journal().Post(call.CallEvent(at, id, call.Answered{}))
			}
		})
	}
	wg.Wait()
	return 1
}

func TestNothingAcknowledgedIsLostByAKill(t *testing.T) {
	for name, engine := range map[string]storetest.Engine{"SQLite": storetest.SQLite, "Postgres": storetest.Postgres(cluster)} {
		for _, away := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/away=%v", name, away), func(t *testing.T) {
				p := engine(t)
				acknowledged := make(map[call.ID]call.TicketID)
				for range 3 {
					killed(t, p, away, acknowledged)
				}
				checkKilled(t, p, acknowledged)
			})
		}
	}
}

// killed runs a child until it has acknowledged some hundred calls, and kills it;
// before that the database may go away.
func killed(t *testing.T, p storetest.Place, away bool, acknowledged map[call.ID]call.TicketID) {
	t.Helper()
	cfg, err := json.Marshal(p.Config)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childConfig+"="+string(cfg))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	gone := false
	for n := 1; lines.Scan(); n++ {
		var id call.ID
		var number call.TicketID
		if _, err := fmt.Sscan(lines.Text(), &id, &number); err != nil {
			break // torn by the kill
		}
		acknowledged[id] = number
		if n == 150 && away {
			p.Away()
			gone = true
			storetest.Eventually(t, "a spool", func() bool { return spoolFiles(t, p) > 0 })
		}
		if n == 300 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // "signal: killed"
	if gone {
		if spoolFiles(t, p) == 0 {
			t.Error("no spool was left behind")
		}
		p.Back()
	}
}

func spoolFiles(t *testing.T, p storetest.Place) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.Config.DataDir, "spool", "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func checkKilled(t *testing.T, p storetest.Place, acknowledged map[call.ID]call.TicketID) {
	t.Helper()
	s, _ := storetest.Start(t, p.Config)
	last := s.Journal().Status().LastGlobal
	if err := storetest.Numbered(storetest.Collect(t, s.Journal(), 0, int(last)), 1); err != nil {
		t.Error(err)
	}
	open, err := s.OpenCalls(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byTicket := make(map[call.TicketID]call.ID)
	for _, r := range open {
		if other := byTicket[r.Ticket]; other != "" {
			t.Errorf("%s and %s share ticket %s", other, r.ID, r.Ticket)
		}
		byTicket[r.Ticket] = r.ID
	}
	if len(acknowledged) < 900 {
		t.Fatalf("only %d calls were acknowledged", len(acknowledged))
	}
	for id, number := range acknowledged {
		if byTicket[number] != id {
			t.Errorf("call %s, ticket %s: lost (stored: %q)", id, number, byTicket[number])
		}
	}
	if age := time.Since(s.LastAlive()); age < 0 || age > time.Minute {
		t.Errorf("last sign of life %v ago", age)
	}
}
