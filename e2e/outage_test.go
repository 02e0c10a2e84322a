//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"firstline/store/storetest"
)

func startPostgres(t *testing.T) *storetest.Cluster {
	t.Helper()
	c, err := storetest.StartPostgres(t.Context())
	must(t, err)
	t.Cleanup(func() {
		if err := c.Remove(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return c
}

// outage is how long the database is away.
const outage = 20 * time.Second

// journeyWithoutDatabase crashes the database while two talk. Meanwhile one call
// is held and ends, one is placed, answered and ends, and one gives up waiting.
func journeyWithoutDatabase(t *testing.T, cluster *storetest.Cluster) {
	const cut, placed, gaveUp = "+15550100711", "+15550100712", "+15550100713"
	s := serve(t, setting{database: cluster.Database(t)})
	live := s.api.follow()
	agent := s.softphone("2001", "auto")
	first := s.phoneIn(cut, "1000", "1")
	before := s.api.awaitCall(cut, "talks", func(c callRecord) bool { return c.State == "talking" })
	s.tool("phone", "--user", "2002", "--json").says(`"registered"`)
	s.api.awaitAgent("2002", "available")

	must(t, cluster.Crash(t.Context()))
	over := time.NewTimer(outage)
	agent.do("hold")
	live.wait(t, "patch", `"state":"on-hold"`)
	eventually(t, "/readyz says that it is not ready", func() bool { return s.api.ready() == http.StatusServiceUnavailable })
	if status, b, err := s.note(before.Ticket, "not now"); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("a note while the database is away: %d %s %v, want 503", status, b, err)
	}
	second := s.tool("call", "1000", "--press", "1", "--from", placed, "--talk", "2s", "--json")
	if code := second.exit(); code != 0 {
		t.Errorf("a call placed while the database is away: exit code %d", code)
	}
	agent.do("resume")
	agent.do("hangup")
	first.went()
	third := s.phoneIn(gaveUp, "1009", "")
	live.wait(t, "patch", `"number":"…713"`, `"state":"waiting"`)
	third.hangup()
	third.went()
	<-over.C
	must(t, cluster.Start(t.Context()))
	eventually(t, "/readyz says that it is ready", func() bool { return s.api.ready() == http.StatusOK })

	for number, want := range map[string]string{cut: "answered", placed: "answered", gaveUp: "abandoned"} {
		c := s.api.awaitEnd(number)
		if !strings.HasPrefix(c.Outcome, want) || len(c.Entries) != 1 {
			t.Errorf("the call from %s: %+v", number, c)
		}
		if want == "answered" && (len(c.Recordings) != 1 || len(c.Talks) != 1) {
			t.Errorf("the call from %s: %+v", number, c)
		}
		if want := map[string]int{cut: 1}[number]; len(c.Talks) > 0 && len(c.Talks[0].Holds) != want {
			t.Errorf("the call from %s has %d holds, want %d", number, len(c.Talks[0].Holds), want)
		}
	}
	if n := len(s.api.tickets()); n != 3 {
		t.Errorf("%d tickets for 3 calls", n)
	}
	playable(t, s, 2)
	storiesOnce(t, wholeJournal(t, s), 3)
	if status, b, err := s.note(before.Ticket, "now"); err != nil || status >= 300 {
		t.Errorf("a note afterwards: %d %s %v", status, b, err)
	}
}

func (s *office) note(ticket, text string) (int, []byte, error) {
	return s.api.ask(http.MethodPost, "/api/v1/tickets/"+ticket+"/notes", map[string]string{"text": text})
}

// storiesOnce checks that each of n calls arrived once, joined and left its
// queue once, and ended once.
func storiesOnce(t *testing.T, all []event, n int) {
	t.Helper()
	count := map[string]map[string]int{}
	for _, e := range all {
		if e.Stream.Kind != "call" {
			continue
		}
		if count[e.Stream.ID] == nil {
			count[e.Stream.ID] = map[string]int{}
		}
		count[e.Stream.ID][e.Type]++
		if !json.Valid(e.Body) {
			t.Errorf("event %d: %s", e.Global, e.Body)
		}
	}
	if len(count) != n {
		t.Errorf("the journal has %d calls, want %d", len(count), n)
	}
	for id, c := range count {
		if c["call.arrived"] != 1 || c["queue.joined"] != 1 || c["queue.left"] != 1 || c["call.ended"] != 1 || c["call.held"] != c["call.unheld"] {
			t.Errorf("call %s: %v", id, c)
		}
	}
}
