//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip"
)

// warnings is how often each warning of a ticket is in the journal.
func (a *api) warnings(ticket string) map[string]int {
	a.t.Helper()
	var page struct {
		Events []event `json:"events"`
	}
	a.get("/api/v1/events?limit=500&stream=ticket/"+ticket, &page)
	times := map[string]int{}
	for _, e := range page.Events {
		if e.Type != "ticket.warned" {
			continue
		}
		var b struct {
			Clock   string    `json:"clock"`
			Percent int       `json:"percent"`
			Due     time.Time `json:"due"`
		}
		must(a.t, json.Unmarshal(e.Body, &b))
		if e.At.Before(b.Due) {
			a.t.Errorf("%+v was said too early, at %v", b, e.At)
		}
		times[fmt.Sprintf("%s %d", b.Clock, b.Percent)]++
	}
	return times
}

func TestPromisesAreWarnedOfOnceThoughTheServerIsKilledAroundEachInstant(t *testing.T) {
	t.Parallel()
	const number = "+15550100941"
	s := serve(t, setting{centre: map[string]string{"tickets.yaml": strings.Replace(demoFile(t, "tickets.yaml"),
		"3: {response: 4h, resolution: 24h}", "3: {response: 4s, resolution: 20s}", 1)}})
	newPhones(s).with("stranger", "", nil, func(ctx context.Context, p *sip.Phone) {
		c, err := p.DialFrom(ctx, number, "1009", nil)
		must(t, err)
		must(t, call.AwaitAnswer(ctx, c, nil))
		bye(c)
	})
	ticket := s.api.awaitEnd(number).Ticket
	for n := range 4 { // lives of different lengths, about the time between two instants
		s.kill()
		s.up()
		select {
		case <-time.After(time.Duration(n) * 600 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
	whole := func() bool { return s.api.warnings(ticket)["resolution 100"] > 0 }
	eventually(t, "the last promise is missed", whole)
	s.kill()
	s.up()
	eventually(t, "the watch has read the ticket again", func() bool {
		late, _ := s.api.metric("firstline_tickets_late")
		return late == 1
	})
	for _, want := range []string{"response 75", "response 100", "resolution 75", "resolution 100"} {
		if got := s.api.warnings(ticket); got[want] != 1 || len(got) != 4 {
			t.Errorf("%s: %v", want, got)
		}
	}
	var row struct {
		Due struct {
			Clock string `json:"clock"`
			Late  bool   `json:"late"`
		} `json:"due"`
	}
	s.api.get("/api/v1/tickets/"+ticket, &row)
	if row.Due.Clock != "response" || !row.Due.Late {
		t.Errorf("%+v", row)
	}
}
