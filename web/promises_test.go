package web_test

import (
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/web"
)

// standing is promises that stand as the test says.
type standing struct{ web.Promised }

func (s standing) Promises() web.Promised { return s.Promised }

func TestBoardListAndMetricsTellWhatIsDueAndWhatIsLate(t *testing.T) {
	now := clock()
	due := web.TicketDue{Ticket: "T-100002", Clock: "response", At: now.Add(3 * time.Hour)}
	d := newDeskWith(t, func(c *web.Config) { c.Promises = standing{web.Promised{Open: 2, Late: 1, Next: &due}} })
	d.Arrive(now.Add(-10*time.Hour), "T-100001", call.Party{Number: "+4930123"})
	d.Arrive(now.Add(-time.Hour), "T-100002", call.Party{Number: "+4930124"})
	d.Add(call.TicketEvent(time.Now(), "T-100001", call.TicketWarned{Clock: "response", Percent: 75}),
		call.TicketEvent(time.Now(), "T-100001", call.TicketWarned{Clock: "response", Percent: 100}))
	next := messages(t, d.ask("GET", "/api/v1/live", "kiosk-token", ""))
	until(t, next, func(m message) bool {
		return strings.Contains(m.data, `"tickets_open":2,"tickets_late":1,"ticket_due":{"ticket":"T-100002","clock":"response"`)
	})
	rows := decode[struct{ Tickets []web.Ticket }](t, d.ask("GET", "/api/v1/tickets", "agent-token", "")).Tickets
	if len(rows) != 2 || rows[0].Due.Late || !rows[1].Due.Late || !rows[0].Due.At.Equal(due.At) || rows[1].Due.Clock != "response" {
		t.Errorf("%+v", rows)
	}
	page := text(t, d.ask("GET", "/metrics", "", ""))
	for _, want := range []string{
		"firstline_tickets_open 2", "firstline_tickets_late 1",
		`firstline_ticket_promises_total{clock="response",said="warned"} 1`, `firstline_ticket_promises_total{clock="response",said="missed"} 1`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the metrics", want)
		}
	}
}

func TestTelephoneAndTicketClocksAreOnOneTimeline(t *testing.T) {
	d := newDesk(t)
	now := clock().Add(-time.Hour)
	d.Hire(now, "ana", "Ana", call.Available, call.Idle)
	d.Arrive(now, "T-100001", call.Party{Number: "+4930123"}).Join("service-desk").After(time.Minute).Offer("ana").Talk("service-desk", now)
	d.Add(call.TicketEvent(now.Add(2*time.Minute), "T-100001", call.TicketTaken{Agent: "ana"}))
	got := decode[struct{ Timeline []web.TimelineSpan }](t, d.ask("GET", "/api/v1/tickets/T-100001", "agent-token", "")).Timeline
	var what []string
	for i, s := range got {
		what = append(what, s.What)
		if i > 0 && s.From.Before(got[i-1].From) {
			t.Errorf("%+v comes after what is later", s)
		}
	}
	if want := "resolution response update wait talk update"; strings.Join(what, " ") != want {
		t.Errorf("%v, want %s: %+v", what, want, got)
	}
}
