//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"firstline/sip"
	"firstline/sip/siptest"
)

// alwaysNight is a centre whose office is never open, so that its rule of the night
// holds whenever the test runs.
func alwaysNight() map[string]string {
	return map[string]string{
		"hours.yaml": `calendars: {office: {zone: Europe/Berlin, open: {2020-01-01: ["08:00-18:00"]}}}` + "\n",
		"oncall.yaml": `
line: 1000
people: {2009: {device: 2009}, 2010: {device: 2010}}
schedules: {night: {zone: Europe/Berlin, rotate: weekly, at: "09:00", from: 2026-01-05, people: [2009]}}
ladders: {night: {rounds: 2, pause: 1s, steps: [{schedule: night, wait: 6s}, {person: 2010, wait: 30s}]}}
urgent: [{priority: 1, closed: office, ladder: night}]
`,
	}
}

// pagedTicket is a ticket with its searches.
type pagedTicket struct {
	Handler string `json:"handler"`
	Version int    `json:"version"`
	Pages   []struct {
		End    string `json:"end"`
		Person string `json:"person"`
		Tries  []struct {
			Person string `json:"person"`
			How    string `json:"how"`
			Call   string `json:"call"`
		} `json:"tries"`
	} `json:"pages"`
}

// classify grades a ticket as the page does.
func (a *api) classify(ticket, class string) {
	a.t.Helper()
	var now pagedTicket
	a.get("/api/v1/tickets/"+ticket, &now)
	version, err := json.Marshal(now.Version)
	must(a.t, err)
	req, err := http.NewRequestWithContext(context.WithoutCancel(a.t.Context()), http.MethodPatch, a.base+"/api/v1/tickets/"+ticket, bytes.NewReader([]byte(`{"class":`+class+`}`)))
	must(a.t, err)
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("If-Match", `"`+string(version)+`"`)
	resp, err := a.http.Do(req)
	must(a.t, err)
	must(a.t, resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		a.t.Fatalf("classify %s: %d", ticket, resp.StatusCode)
	}
}

func TestAnUrgentTicketAtThreeInTheMorningPhonesWhoIsOnCallAndFollowsTheLadder(t *testing.T) {
	t.Parallel()
	s := serve(t, setting{centre: alwaysNight()})
	p := newPhones(s)
	first := s.deskOf(p, "2009")
	second := s.softphone("2010", "auto")
	s.tool("oncall", "who", "night").says("rotation")

	const number = "+49307775"
	caller := siptest.Dial(t, siptest.Phone(t, sip.PhoneConfig{User: number, Registrar: p.server, Media: p.engine}), "1000")
	eventually(t, "the caller is heard", func() bool { _, ok := s.api.callFrom(number); return ok })
	caller.Hangup()
	c := s.api.awaitEnd(number)
	s.api.classify(c.Ticket, `{"kind":"technical-failure","severity":"critical","urgency":"high"}`)

	eventually(t, "who is on call is phoned", first.Ringing)
	s.kill()
	s.up()
	var now pagedTicket
	tries := func() string {
		s.api.get("/api/v1/tickets/"+c.Ticket, &now)
		var all []string
		for _, page := range now.Pages {
			for _, try := range page.Tries {
				all = append(all, try.Person+" "+try.How)
			}
			all = append(all, page.End)
		}
		return strings.Join(all, ", ")
	}
	eventually(t, "who was phoned as the server died is phoned again, when that phone has stopped", func() bool {
		return strings.HasPrefix(tries(), "2009 interrupted, 2009 no-answer, 2010")
	})
	keyed := time.Now()
	eventually(t, "the next on the ladder accepts, by a key after the question", func() bool {
		if time.Since(keyed) > time.Second { // as often as it takes: keys of before the question are nobody's word
			second.order("sndcode", "1")
			keyed = time.Now()
		}
		return strings.HasSuffix(tries(), "accepted")
	})
	if now.Handler != "2010" || len(now.Pages) != 1 || now.Pages[0].Person != "2010" || tries() != "2009 interrupted, 2009 no-answer, 2010 , accepted" {
		t.Errorf("%+v", now)
	}
	began := map[string]time.Time{}
	for _, e := range s.api.journal() {
		if e.Type != "ticket.page-rang" {
			continue
		}
		var rang struct{ Person string }
		must(t, json.Unmarshal(e.Body, &rang))
		if last, again := began[rang.Person]; again && e.At.Sub(last) < 6*time.Second {
			t.Errorf("%s is rung again after %v, while the phone may still ring", rang.Person, e.At.Sub(last))
		}
		began[rang.Person] = e.At
	}
	promises(t, s)
}
