package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/web"
	"firstline/web/webtest"
)

// told is a finished call that waited 12 s, talked 60 s, and was 20 s on hold.
func told(d *desk, at time.Time, ticket call.TicketID) *webtest.Caller {
	return d.Arrive(at, ticket, call.Party{Number: "+4930123456", Name: "Kim"}).
		Press("main", "1").Join("service-desk").
		After(2*time.Second).Offer("ana").After(10*time.Second).Talk("service-desk", at).
		After(10 * time.Second).Hold().After(20 * time.Second).Unhold().After(30 * time.Second).HangUp()
}

func TestCallTellsItsWaitHoldAndTalk(t *testing.T) {
	d := newDesk(t)
	at := clock().Add(-time.Hour)
	c := told(d, at, "T-100001")
	v := decode[web.Call](t, d.ask("GET", "/api/v1/calls/"+string(c.ID), "agent-token", ""))
	got := []any{v.WaitMs, v.HoldMs, v.TalkMs, v.Agent, v.Queue, v.Outcome, v.Open, v.State, v.Recordings, v.Path[0].Digits}
	want := []any{
		int64(12_000), int64(20_000), int64(60_000), call.AgentID("ana"), call.QueueID("service-desk"),
		call.OutcomeAnswered, false, web.CallEnded,
		[]call.RecordingID{c.Recording()},
		"1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
	whyBody := text(t, d.ask("GET", "/api/v1/calls/"+string(c.ID)+"/why", "agent-token", ""))
	if !strings.Contains(whyBody, "longest idle of those who qualify") || !strings.Contains(whyBody, "left service-desk after 12s: answered") {
		t.Errorf("why: %s", whyBody)
	}
}

func TestListOfCallsIsPagedAndFiltered(t *testing.T) {
	d := newDesk(t)
	at := clock().Add(-time.Hour)
	var ids []call.ID
	for n := range 5 {
		ids = append(ids, told(d, at.Add(time.Duration(n)*time.Minute), webtest.TicketNumber(n)).ID)
	}
	waiting := d.Arrive(clock(), "T-100009", call.Party{}).Join("service-desk")
	type list struct {
		Calls []web.Call
		Next  string
	}
	var seen []call.ID
	cursor := ""
	for {
		l := decode[list](t, d.ask("GET", "/api/v1/calls?open=false&limit=2&cursor="+cursor, "agent-token", ""))
		for _, c := range l.Calls {
			seen = append([]call.ID{c.ID}, seen...)
		}
		if cursor = l.Next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(ids, seen); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	open := decode[list](t, d.ask("GET", "/api/v1/calls?open=true", "agent-token", ""))
	if len(open.Calls) != 1 || open.Calls[0].ID != waiting.ID {
		t.Errorf("open calls %v, want the waiting one", open.Calls)
	}
	for query, want := range map[string]int{"ticket=T-100002": 1, "agent=ana": 5, "queue=other": 0, "outcome=abandoned": 0, "outcome=answered": 5} {
		if l := decode[list](t, d.ask("GET", "/api/v1/calls?"+query, "agent-token", "")); len(l.Calls) != want {
			t.Errorf("%s: %d calls, want %d", query, len(l.Calls), want)
		}
	}
}

func TestTicketTellsItsNotesAndCalls(t *testing.T) {
	d := newDesk(t)
	c := told(d, clock().Add(-time.Hour), "T-100001")
	res := d.ask("POST", "/api/v1/tickets/T-100001/notes", "agent-token", `{"text":" <b>reset</b> the VPN\u0000 ","call":"`+string(c.ID)+`"}`)
	wantStatus(t, res, 201)
	story := decode[web.TicketStory](t, d.ask("GET", "/api/v1/tickets/T-100001", "agent-token", ""))
	if len(story.Notes) != 1 || story.Notes[0].Text != "<b>reset</b> the VPN" || !strings.HasPrefix(story.Notes[0].Author, "agent:token:") {
		t.Errorf("notes %+v", story.Notes)
	}
	if len(story.Calls) != 1 || story.Calls[0].ID != c.ID {
		t.Errorf("calls %+v", story.Calls)
	}
}

func TestProblemsHaveOneShape(t *testing.T) {
	d := newDesk(t)
	c := told(d, clock().Add(-time.Hour), "T-100001")
	for _, q := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/calls/none", "", 404},
		{"GET", "/tickets/none", "", 404},
		{"GET", "/recordings/none", "", 404},
		{"GET", "/recordings/" + string(c.Recording()) + "/audio", "", 410},
		{"GET", "/nothing", "", 404},
		{"DELETE", "/calls", "", 405},
		{"GET", "/calls?limit=0", "", 422},
		{"GET", "/calls?limit=ten", "", 422},
		{"GET", "/calls?sort=name", "", 422},
		{"GET", "/calls?sort=name;--", "", 400},
		{"GET", "/calls?open=maybe", "", 422},
		{"GET", "/events?stream=nonsense/1", "", 422},
		{"GET", "/reports/sla", "", 422},
		{"GET", "/reports/sla?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "", 422},
		{"GET", "/reports/sla?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&every=7m", "", 422},
		{"GET", "/reports/sla?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&every=15m", "", 422},
		{"GET", "/reports/sla?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&by=agent", "", 422},
		{"POST", "/tickets/T-100001/notes", `{"text":""}`, 422},
		{"POST", "/tickets/T-100001/notes", `{"text":"  "}`, 422},
		{"POST", "/tickets/T-100001/notes", `{"words":"x"}`, 422},
		{"POST", "/tickets/T-100001/notes", `{`, 400},
		{"POST", "/tickets/T-100001/notes", `{"text":"` + strings.Repeat("x", 70<<10) + `"}`, 413},
		{"POST", "/calls/" + string(c.ID) + "/recording/pause", "", 409},
		{"PUT", "/agents/nobody/presence", `{"presence":"available"}`, 404},
		{"PUT", "/agents/ana/presence", `{"presence":"asleep"}`, 422},
	} {
		res := d.ask(q.method, "/api/v1"+q.path, "admin-token", q.body)
		if res.StatusCode != q.status {
			t.Errorf("%s %s: %s, want %d", q.method, q.path, res.Status, q.status)
		}
		var p struct {
			Title, Detail string
			Status        int
		}
		body := text(t, res)
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Title == "" || p.Detail == "" || p.Status != res.StatusCode {
			t.Errorf("%s %s: not a problem with title, status and detail: %s", q.method, q.path, body)
		}
		if ct := res.Header.Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("%s %s: %s, want application/problem+json", q.method, q.path, ct)
		}
	}
}

func TestRefusalsOfTheDomainHaveTheirStatus(t *testing.T) {
	d := newDesk(t)
	d.Hire(clock(), "ana", "Ana", call.Available, call.Idle)
	for err, want := range map[error]int{
		fmt.Errorf("the database is away: %w", web.ErrUnavailable):             503,
		fmt.Errorf("queue service-desk has callers: %w", web.ErrConflict):      409,
		fmt.Errorf("queues.yaml:4: unknown key: %w", web.ErrInvalid):           422,
		errors.New("pq: password authentication did not work for user secret"): 500,
	} {
		d.Reject = err
		res := d.ask("POST", "/api/v1/centre/reload", "admin-token", "")
		body := text(t, res)
		if res.StatusCode != want {
			t.Errorf("%v: %s, want %d", err, res.Status, want)
		}
		if want == 500 && strings.Contains(body, "secret") {
			t.Errorf("a fault of ours is told to the outside: %s", body)
		}
	}
}

func TestAVersionIsActivatedAgainByItsHashOrAsThePreviousOne(t *testing.T) {
	d := newDesk(t)
	for version, want := range map[string]int{"": 200, "previous": 200, "4567": 200, "none": 404} {
		res := d.ask("POST", "/api/v1/centre/reload?version="+version, "admin-token", "")
		body := text(t, res)
		if res.StatusCode != want || want == 200 && strings.Contains(body, `"4567"`) != (version != "") {
			t.Errorf("version %q: %s, %s; want %d", version, res.Status, body, want)
		}
	}
}

func TestAnOverrideOfHoursIsShownWithWhoSaidItAndTakenBack(t *testing.T) {
	d := newDesk(t)
	body := text(t, d.ask("PUT", "/api/v1/hours/desk", "admin-token", `{"state":"closed","prompt":"closed","reason":"fire alarm"}`))
	for _, want := range []string{`"open":false`, `"state":"closed"`, `"prompt":"closed"`, `"reason":"fire alarm"`, `"by":"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
	body = text(t, d.ask("PUT", "/api/v1/hours/desk", "admin-token", `{"reason":"over"}`))
	if !strings.Contains(body, `"open":true`) || strings.Contains(body, "override") {
		t.Errorf("taken back: %s", body)
	}
	wantStatus(t, d.ask("PUT", "/api/v1/hours/night", "admin-token", `{"state":"open","reason":"why not"}`), 422)
	wantStatus(t, d.ask("PUT", "/api/v1/hours/desk", "admin-token", `{"state":"ajar","reason":"why not"}`), 422)
}

func TestAudioIsServedByRangeWhileItGrows(t *testing.T) {
	d := newDesk(t)
	now := clock().Add(-time.Minute)
	c := d.Arrive(now, "T-100001", call.Party{}).Join("service-desk").Offer("ana").After(time.Second).Talk("service-desk", now)
	path := "/api/v1/recordings/" + string(c.Recording()) + "/audio"
	d.SetAudio(c.Recording(), []byte("0123456789"))
	res := d.ask("GET", path, "supervisor-token", "", "Range: bytes=2-5")
	wantStatus(t, res, 206)
	if got, cr := text(t, res), res.Header.Get("Content-Range"); got != "2345" || cr != "bytes 2-5/10" {
		t.Errorf("got %q as %q", got, cr)
	}
	if res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("ETag") != "" || res.Header.Get("Content-Type") != "audio/wav" {
		t.Errorf("headers %v: growing audio may not be kept or named", res.Header)
	}
	d.SetAudio(c.Recording(), []byte("0123456789abcdef"))
	res = d.ask("GET", path, "supervisor-token", "", "Range: bytes=10-")
	wantStatus(t, res, 206)
	if got := text(t, res); got != "abcdef" {
		t.Errorf("what was added since: %q", got)
	}
	wantStatus(t, d.ask("GET", path, "supervisor-token", "", "Range: bytes=99-"), 416)
}

func TestRecorderIsToldWhoAsked(t *testing.T) {
	d := newDesk(t)
	now := clock().Add(-time.Minute)
	c := d.Arrive(now, "T-100001", call.Party{}).Join("service-desk").Offer("ana").After(time.Second).Talk("service-desk", now)
	wantStatus(t, d.ask("POST", "/api/v1/calls/"+string(c.ID)+"/recording/pause", "supervisor-token", ""), 204)
	wantStatus(t, d.ask("POST", "/api/v1/calls/"+string(c.ID)+"/recording/resume", "supervisor-token", ""), 204)
	by := " supervisor:token:" + sum("supervisor-token")[:8]
	if diff := cmp.Diff([]string{"pause " + string(c.ID) + by, "resume " + string(c.ID) + by}, d.Paused()); diff != "" {
		t.Errorf("recorder (-want +got):\n%s", diff)
	}
}

func TestJournalIsReadFromWhereOneWas(t *testing.T) {
	d := newDesk(t)
	told(d, clock().Add(-time.Hour), "T-100001")
	type list struct {
		Events []web.EventRow
		Last   int64
	}
	first := decode[list](t, d.ask("GET", "/api/v1/events?limit=3", "supervisor-token", ""))
	second := decode[list](t, d.ask("GET", "/api/v1/events?limit=3&after="+fmt.Sprint(first.Last), "supervisor-token", ""))
	if len(first.Events) != 3 || second.Events[0].Global != 4 {
		t.Errorf("first %+v second %+v", first, second)
	}
	l := decode[list](t, d.ask("GET", "/api/v1/events?stream=ticket/T-100001", "supervisor-token", ""))
	if len(l.Events) != 1 || l.Events[0].Type != "ticket.opened" || !strings.Contains(string(l.Events[0].Body), "subject") {
		t.Errorf("ticket's events %+v", l.Events)
	}
}

func TestEveryAnswerIsArmoured(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{"/", "/calls/1", "/plain.css", "/sign-in", "/api/v1/me", "/healthz", "/metrics", "/openapi.json", "/none.js"} {
		h := d.ask("GET", path, "", "").Header
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestReadyOnlyWhenEveryCheckPasses(t *testing.T) {
	w := webtest.New()
	c := w.Config()
	away := errors.New("dial tcp: secret.internal refused")
	c.Checks = []web.Check{{Name: "database", OK: func(context.Context) error { return away }}}
	d := runDesk(t, w, c)
	wantStatus(t, d.ask("GET", "/healthz", "", ""), 200)
	res := d.ask("GET", "/readyz", "", "")
	wantStatus(t, res, 503)
	if body := text(t, res); !strings.Contains(body, "database: not ok") || strings.Contains(body, "secret") {
		t.Errorf("readyz: %s", body)
	}
}

func TestMetricsCountCallsByOutcome(t *testing.T) {
	d := newDesk(t)
	told(d, clock(), "T-100001") // its end lies ahead of the clock, and so after the server's start
	d.Arrive(clock(), "T-100002", call.Party{}).Join("service-desk")
	next := messages(t, d.ask("GET", "/api/v1/live", "admin-token", ""))
	until(t, next, func(m message) bool { return strings.Contains(m.data, "T-100002") })
	body := text(t, d.ask("GET", "/metrics", "", ""))
	for _, want := range []string{
		`firstline_calls_total{outcome="answered"} 1`,
		`firstline_queue_waiting{queue="service-desk"} 1`,
		`firstline_queue_wait_seconds_bucket{answered="yes",queue="service-desk",le="15"} 1`,
		`firstline_agents{state="offline"} 0`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("metrics lack %s", want)
		}
	}
}

func TestPortInUseIsOneClearSentence(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := webtest.New().Config()
	c.Listen = l.Addr().String()
	_, err = web.New(c)
	want := "web: another program uses " + c.Listen + " already; stop it or set another address (FIRSTLINE_HTTP_LISTEN)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAllFaultsOfAConfigurationAreTold(t *testing.T) {
	_, err := web.New(web.Config{Listen: "nowhere", PublicURL: "ftp://x"})
	for _, want := range []string{"Log is not set", "Journal is not set", "listen address", "public URL"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("fault %q is not told: %v", want, err)
		}
	}
}
