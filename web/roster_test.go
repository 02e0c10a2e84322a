package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/roster"
	"firstline/callqueue/worktime"
	"firstline/web"
)

func TestSignInErrorsAreToldApart(t *testing.T) {
	d := newDesk(t)
	d.Hire(clock(), "ana", "Ana", call.LoggedOut, call.Idle)
	for _, c := range []struct {
		err    error
		status int
	}{
		{fmt.Errorf("%w: ben at 2001", roster.ErrTaken), 409},
		{fmt.Errorf("%w: later", callqueue.ErrTalking), 409},
		{roster.ErrNoSeat, 409},
		{fmt.Errorf("%w: %q", roster.ErrNoDevice, "2099"), 422},
		{fmt.Errorf("%w: %q", callqueue.ErrUnknownAgent, "ana"), 404},
		{web.ErrUnavailable, 503},
	} {
		d.Reject = c.err
		wantStatus(t, d.ask("POST", "/api/v1/agents/ana/sign-in", "supervisor-token", `{"device":"2001"}`), c.status)
	}
	d.Reject = nil
	wantStatus(t, d.ask("POST", "/api/v1/agents/nobody/sign-in", "supervisor-token", `{"device":"2001"}`), 404)
	wantStatus(t, d.ask("POST", "/api/v1/agents/ana/sign-in", "supervisor-token", `{}`), 422)
}

func TestTheBoardFollowsSeatsAndMasksNumbers(t *testing.T) {
	d := newDesk(t)
	d.Hire(clock(), "ana", "Ana", call.LoggedOut, call.Idle)
	stream := d.ask("GET", "/api/v1/live", "agent-token", "")
	wantStatus(t, stream, 200)
	next := messages(t, stream)
	shows := func(what string) {
		t.Helper()
		until(t, next, func(m message) bool { return strings.Contains(m.data, what) })
	}
	shows(`"id":"ana"`)
	wantStatus(t, d.ask("POST", "/api/v1/agents/ana/sign-in", "supervisor-token", `{"device":"2007"}`), 204)
	shows(`"device":"2007"`)
	wantStatus(t, d.ask("POST", "/api/v1/agents/ana/sign-in", "supervisor-token", `{"device":"tel:+491701234567"}`), 204)
	shows(`"device":"tel:…567"`)
	wantStatus(t, d.ask("POST", "/api/v1/agents/ana/sign-out", "supervisor-token", ""), 204)
	shows(`"name":"Ana","level":1`)
	d.Add(call.AgentEvent(clock(), "ana", call.AgentRemoved{By: "test"}))
	shows(`"drop":["ana"]`)
}

func TestAnImportTellsAllItsFaultsAndNoPIN(t *testing.T) {
	d := newDesk(t)
	d.Reject = roster.Faults{
		{Row: 0, Line: 2, Field: "skills", Text: `there is no skill "vpn"`}, {Row: 1, Line: 3, Field: "pin", Text: "is one digit over and over"},
	}
	res := d.ask("PUT", "/api/v1/roster", "admin-token", `{"people":[{"id":"a","name":"A","line":2},{"id":"7001","name":"B","pin":"8888","line":3}]}`)
	if res.StatusCode != 422 {
		t.Fatal(res.Status)
	}
	body := text(t, res)
	for _, want := range []string{`body.people[0].skills`, `line 2: skills: there is no skill`, `line 3: pin: is one digit`} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in %s", want, body)
		}
	}
	if strings.Contains(body, "8888") {
		t.Errorf("the PIN is in %s", body)
	}
	d.Reject = fmt.Errorf("%w: look again", roster.ErrStale)
	wantStatus(t, d.ask("PUT", "/api/v1/roster", "admin-token", `{"people":[]}`), 409)
	d.Reject = fmt.Errorf("%w: event 1: no", worktime.ErrCalendar)
	d.Hire(clock(), "ana", "Ana", call.LoggedOut, call.Idle)
	wantStatus(t, d.ask("PUT", "/api/v1/agents/ana/shifts", "supervisor-token", `{"calendar":"x"}`), 422)
}

func TestADryRunSaysWhatWouldChange(t *testing.T) {
	d := newDesk(t)
	ask := func(path string) web.RosterDiff {
		res := d.ask("PUT", path, "admin-token", `{"people":[{"id":"ana","name":"Ana"}]}`)
		wantStatus(t, res, 200)
		return decode[web.RosterDiff](t, res)
	}
	want := web.RosterDiff{
		Changes: []web.RosterChange{{Agent: "ana", Name: "Ana", Kind: "added", Fields: []web.RosterField{{Name: "name", To: "Ana"}}}},
		Absent:  []call.AgentID{}, Digest: "d1",
	}
	if diff := cmp.Diff(want, ask("/api/v1/roster?dry_run=true")); diff != "" {
		t.Error(diff)
	}
	want.Applied = true
	if diff := cmp.Diff(want, ask("/api/v1/roster")); diff != "" {
		t.Error(diff)
	}
}

func TestAdherenceOfNoPlanIsNull(t *testing.T) {
	d := newDesk(t)
	at := clock().Add(-time.Hour).Truncate(time.Second)
	d.Hire(at, "ana", "Ana", call.Available, call.Idle)
	path := "/api/v1/agents/ana/adherence?from=" + at.Format(time.RFC3339) + "&to=" + at.Add(30*time.Minute).Format(time.RFC3339)
	res := d.ask("GET", path, "supervisor-token", "")
	wantStatus(t, res, 200)
	body := text(t, res)
	for _, want := range []string{`"staffed_ms":1800000`, `"ready":1800000`, `"planned_ms":0`, `"percent":null`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
	wantStatus(t, d.ask("GET", "/api/v1/agents/ana/adherence?from=2100-01-01T00:00:00Z&to=2100-01-02T00:00:00Z", "supervisor-token", ""), 422)
	wantStatus(t, d.ask("GET", "/api/v1/agents/nobody/adherence?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", "supervisor-token", ""), 404)
}
