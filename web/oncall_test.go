package web_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"firstline/call"
	"firstline/web"
)

type onCall struct {
	Schedules []web.Duty
	Overrides []web.StandIn
	People    []web.OnCallPerson
	Ladders   []web.OnCallLadder
}

func TestOnCallTellsWhoIsItNowAndNextAndASupervisorHasSomebodyStandIn(t *testing.T) {
	d := newDesk(t)
	at := time.Date(2027, 1, 5, 3, 0, 0, 0, time.UTC) // of the 53rd week since the rotation began: the first one's again
	ask := func() onCall {
		return decode[onCall](t, d.ask("GET", "/api/v1/on-call?at="+url.QueryEscape(at.Format(time.RFC3339)), "agent-token", ""))
	}
	got := ask()
	if len(got.Schedules) != 1 || got.Schedules[0].Now.Person != "ana" || got.Schedules[0].Now.By != "rotation" || got.Schedules[0].Next.Person != "ben" || len(got.People) != 2 || len(got.Ladders) != 1 {
		t.Fatalf("%+v", got)
	}
	body := fmt.Sprintf(`{"person":"ben","from":%q,"to":%q,"why":"ana is ill"}`, at.Add(-time.Hour).Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339))
	wantStatus(t, d.ask("POST", "/api/v1/on-call/night/overrides", "agent-token", body), 403)
	made := decode[web.StandIn](t, d.ask("POST", "/api/v1/on-call/night/overrides", "supervisor-token", body))
	if got = ask(); got.Schedules[0].Now.Person != "ben" || got.Schedules[0].Now.By != "override" || got.Schedules[0].Next.Person != "ana" || len(got.Overrides) != 1 || got.Overrides[0].Made.Note != "ana is ill" {
		t.Errorf("%+v", got)
	}
	wantStatus(t, d.ask("POST", "/api/v1/on-call-overrides/"+made.ID+"/end", "supervisor-token", ""), 200)
	wantStatus(t, d.ask("POST", "/api/v1/on-call-overrides/"+made.ID+"/end", "supervisor-token", ""), 404)
	if got = ask(); got.Schedules[0].Now.Person != "ana" {
		t.Errorf("%+v", got)
	}
	kept := decode[struct{ Overrides []web.StandIn }](t, d.ask("GET", "/api/v1/on-call-overrides", "supervisor-token", ""))
	if len(kept.Overrides) != 1 || kept.Overrides[0].Ended == nil || kept.Overrides[0].Ended.By == "" {
		t.Errorf("%+v", kept)
	}
	for path, status := range map[string]int{"night": 422, "day": 404} {
		wantStatus(t, d.ask("POST", "/api/v1/on-call/"+path+"/overrides", "supervisor-token", `{"person":"dan","to":"2027-01-05T03:00:00Z"}`), status)
	}
	turns := decode[struct{ Turns []web.Turn }](t, d.ask("GET", "/api/v1/on-call/night/turns?from=2027-01-05T03:00:00Z&to=2027-01-19T03:00:00Z", "agent-token", ""))
	var who []call.AgentID
	for _, turn := range turns.Turns {
		who = append(who, turn.Person)
	}
	if fmt.Sprint(who) != "[ana ben ana]" {
		t.Errorf("%v", who)
	}
}

func TestSomebodyIsPhonedByHandUntilItIsCalledOff(t *testing.T) {
	d := newDesk(t)
	d.Arrive(clock().UTC(), "T-100001", call.Party{Number: "+4930123"})
	wantStatus(t, d.ask("POST", "/api/v1/tickets/T-100001/pages", "agent-token", `{"ladder":"day"}`), 404)
	wantStatus(t, d.ask("POST", "/api/v1/tickets/T-100001/pages/end", "agent-token", `{}`), 409)
	for _, status := range []int{202, 409} { // one at a time
		wantStatus(t, d.ask("POST", "/api/v1/tickets/T-100001/pages", "agent-token", `{"ladder":"network","why":"the customer insists"}`), status)
	}
	wantStatus(t, d.ask("POST", "/api/v1/tickets/T-100001/pages/end", "agent-token", `{"why":"solved"}`), 200)
	got := decode[web.TicketStory](t, d.ask("GET", "/api/v1/tickets/T-100001", "agent-token", ""))
	if len(got.Pages) != 1 || got.Pages[0].Open || got.Pages[0].End != call.PageCancelled || got.Pages[0].Began.Note != "the customer insists" || got.Pages[0].Ended.Note != "solved" {
		t.Errorf("%+v", got.Pages)
	}
}
