//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip"
)

// incidentRow is a known incident as the API tells it.
type incidentRow struct {
	ID       string `json:"id"`
	Ticket   string `json:"ticket"`
	Open     bool   `json:"open"`
	Count    int    `json:"count"`
	Affected []struct {
		Call   string `json:"call"`
		Ticket string `json:"ticket"`
	} `json:"affected"`
}

// Two hundred callers within a minute and a half, which is ten minutes compressed: half
// of them press 1. The service of the others is not touched.
func TestTwoHundredCallersOfAKnownIncidentAreOneIncidentAndNoAbandon(t *testing.T) {
	t.Parallel()
	const callers, spread = 200, 90 * time.Second
	centre := waysDesk(t)
	centre["queues.yaml"] += `
other-desk:
  name: Other desk
  need: {skills: {desk: 1}}
  wrap-up: 0s
  target: {within: 20s, percent: 80, short-abandon: 5s}
`
	centre["numbers.yaml"] = demoFile(t, "numbers.yaml") + "\n\"1010\": {queue: other-desk}\n"
	s := serve(t, setting{centre: centre})
	phones := newPhones(s)
	agent := phones.keep("2001", s.creds.Devices["2001"], answers)
	ctx := t.Context()
	must(t, agent.Register(ctx))
	var known incidentRow
	s.api.post("/api/v1/incidents", map[string]any{"title": "mail is down", "queue": "service-desk"}, &known, 200)
	if status, b, err := s.api.ask(http.MethodPost, "/api/v1/incidents", map[string]any{"title": "again", "queue": "service-desk"}); err != nil || status != 409 {
		t.Errorf("declared twice: %d %s %v", status, b, err)
	}
	stranger := phones.keep("stranger", "", nil)
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			spell(ctx, spread*time.Duration(n)/callers)
			affected(ctx, t, stranger, fmt.Sprintf("+15550102%03d", n), n%2 == 0)
		})
	}
	spell(ctx, spread/2)
	began := time.Now()
	c, err := stranger.DialFrom(ctx, "+15550103000", "1010", nil)
	must(t, err)
	must(t, call.AwaitAnswer(ctx, c, nil))
	s.api.awaitCall("+15550103000", "is answered", func(c callRecord) bool { return c.State == "talking" })
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("a caller of another service was answered after %v", took)
	}
	bye(c)
	wg.Wait()
	var list struct {
		Incidents []incidentRow `json:"incidents"`
	}
	s.api.get("/api/v1/incidents", &list)
	if len(list.Incidents) != 1 || list.Incidents[0].Count != callers/2 {
		t.Fatalf("%d incidents, %+v", len(list.Incidents), known)
	}
	eventually(t, "all calls are over", func() bool {
		for _, c := range s.api.calls() {
			if c.Open {
				return false
			}
		}
		return true
	})
	outcomes := map[string]int{}
	for _, c := range s.api.calls() {
		outcomes[c.Outcome]++
	}
	if outcomes["deflected-informed"] != callers || outcomes["abandoned"]+outcomes["abandoned-short"] != 0 {
		t.Errorf("outcomes: %v", outcomes)
	}
	s.api.post("/api/v1/incidents/"+known.ID+"/end", map[string]any{"note": "fixed"}, &known, 200)
	if known.Open || !strings.HasPrefix(known.Ticket, "T-") {
		t.Errorf("after its end: %+v", known)
	}
	promises(t, s)
}

// affected is a caller who hears the status, and says that they are affected, or hangs up
// when they know enough.
func affected(ctx context.Context, t *testing.T, p *sip.Phone, number string, press bool) {
	c, err := p.DialFrom(ctx, number, "1009", nil)
	if err == nil {
		err = call.AwaitAnswer(ctx, c, nil)
	}
	if err != nil {
		t.Errorf("%s: %v", number, err)
		return
	}
	if !press {
		spell(ctx, 9*time.Second) // the status has been heard, and the question begun
		bye(c)
		return
	}
	spell(ctx, time.Second)
	if err := c.SendDTMF(ctx, "1"); err != nil {
		t.Errorf("%s: %v", number, err)
	}
	<-c.Context().Done()
}
