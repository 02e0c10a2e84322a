package web_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/intake/block"
	"firstline/web"
	"firstline/web/webtest"
)

// Every resource, with the least role that may use it (T20). A new resource
// fails TestEveryResourceIsInTheMatrix until it is here.
var matrix = []struct {
	method, path, body string
	least              web.Role
	status             int
}{
	{"GET", "/me", "", web.Kiosk, 200},
	{"GET", "/board", "", web.Kiosk, 200},
	{"GET", "/queues", "", web.Kiosk, 200},
	{"GET", "/agents", "", web.Kiosk, 200},
	{"GET", "/live", "", web.Kiosk, 200},
	{"GET", "/calls", "", web.Agent, 200},
	{"GET", "/calls/{call}", "", web.Agent, 200},
	{"GET", "/calls/{call}/why", "", web.Agent, 200},
	{"GET", "/lost-callers", "", web.Agent, 200},
	{"GET", "/lost-callers/{lost}", "", web.Agent, 200},
	{"POST", "/lost-callers/{lost}/tries", `{"reached":false}`, web.Agent, 200},
	{"POST", "/lost-callers/{lost}/resolve", `{}`, web.Agent, 200},
	{"POST", "/lost-callers/{lost}/decline", `{"reason":"a prank"}`, web.Agent, 200},
	{"GET", "/blocks", "", web.Agent, 200},
	{"POST", "/blocks", `{"number":"+493012{n}","reason":"threats","until":"2126-01-01T00:00:00Z"}`, web.Agent, 201},
	{"GET", "/blocks/{block}", "", web.Agent, 200},
	{"POST", "/blocks/{proposal}/approve", `{}`, web.Supervisor, 200},
	{"POST", "/blocks/{proposal}/decline", `{"reason":"a colleague"}`, web.Supervisor, 200},
	{"POST", "/blocks/{block}/lift", `{"reason":"they apologised"}`, web.Supervisor, 200},
	{"POST", "/calls/{call}/panic", "", web.Agent, 200},
	{"GET", "/callbacks", "", web.Agent, 200},
	{"GET", "/callbacks/{callback}", "", web.Agent, 200},
	{"PATCH", "/callbacks/{callback}", `{"number":"+4930987"}`, web.Supervisor, 204},
	{"POST", "/callbacks/{callback}/withdraw", `{"reason":"solved by mail"}`, web.Supervisor, 204},
	{"POST", "/callbacks/{callback}/settle", `{"note":"heard"}`, web.Agent, 204},
	{"GET", "/incidents", "", web.Agent, 200},
	{"POST", "/incidents", `{"title":"VPN","queue":"network{n}"}`, web.Supervisor, 200},
	{"PATCH", "/incidents/{incident}", `{"prompt":"closed"}`, web.Supervisor, 200},
	{"GET", "/prompts", "", web.Agent, 200},
	{"GET", "/prompts/{prompt}/audio", "", web.Supervisor, 200},
	{"DELETE", "/prompts/{prompt}", "", web.Supervisor, 204},
	{"POST", "/incidents/{incident}/end", `{"note":"fixed"}`, web.Supervisor, 200},
	{"GET", "/on-call", "", web.Agent, 200},
	{"GET", "/on-call/{schedule}/turns?from=2027-01-05T03:00:00Z&to=2027-01-19T03:00:00Z", "", web.Agent, 200},
	{"POST", "/on-call/{schedule}/overrides", `{"person":"ben","to":"2099-01-05T03:00:00Z"}`, web.Supervisor, 422},
	{"GET", "/on-call-overrides", "", web.Supervisor, 200},
	{"POST", "/on-call-overrides/{id}/end", "", web.Supervisor, 404},
	{"POST", "/tickets/{ticket}/pages", `{"ladder":"none"}`, web.Agent, 404},
	{"POST", "/calls/{call}/escalate", `{"group":"network"}`, web.Agent, 202},
	{"GET", "/articles", "", web.Agent, 200},
	{"POST", "/articles", `{"title":"VPN","text":"restart it"}`, web.Agent, 201},
	{"PUT", "/articles/{id}", `{"title":"VPN","text":"restart it"}`, web.Agent, 428},
	{"POST", "/articles/{id}/retire", `{"why":"wrong"}`, web.Supervisor, 404},
	{"POST", "/tickets/{ticket}/articles", `{"article":"none"}`, web.Agent, 404},
	{"GET", "/article-uses", "", web.Supervisor, 200},
	{"GET", "/support-groups", "", web.Agent, 200},
	{"POST", "/tickets/{ticket}/escalate", `{"group":"network","tried":"a","findings":"b"}`, web.Agent, 428},
	{"POST", "/tickets/{ticket}/accept", `{"agent":"ben"}`, web.Agent, 428},
	{"POST", "/tickets/{ticket}/return", `{"why":"x"}`, web.Agent, 428},
	{"POST", "/tickets/{ticket}/pages/end", `{}`, web.Agent, 409},
	{"GET", "/tickets", "", web.Agent, 200},
	{"GET", "/tickets/{ticket}", "", web.Agent, 200},
	{"POST", "/tickets/{ticket}/merge", `{"into":"T-100002"}`, web.Agent, 428},
	{"POST", "/tickets/{ticket}/split", `{"calls":["x"],"why":"another problem"}`, web.Agent, 428},
	{"POST", "/tickets/{ticket}/decline", `{"other":"T-100002"}`, web.Agent, 428},
	{"POST", "/tickets/{ticket}/customer", `{"customer":"ada"}`, web.Agent, 428},
	{"GET", "/tickets/{ticket}/context", "", web.Agent, 200},
	{"GET", "/ticket-terms", "", web.Agent, 200},
	{"GET", "/directory/{kind}", "", web.Agent, 200},
	{"GET", "/directory/{kind}/{entry}", "", web.Agent, 404},
	{"PUT", "/directory/{kind}/{entry}", `{"customer":{"id":"another","name":"Ada"}}`, web.Agent, 422},
	{"DELETE", "/directory/{kind}/{entry}", "", web.Supervisor, 404},
	{"PUT", "/directory-files/{kind}?dry_run=true", `{"csv":"id,name\nada,Ada\n"}`, web.Supervisor, 200},
	{"GET", "/directory-files/{kind}", "", web.Supervisor, 200},
	{"PATCH", "/tickets/{ticket}", `{}`, web.Agent, 428},
	{"POST", "/tickets/{ticket}/notes", `{"text":"rebooted"}`, web.Agent, 201},
	{"POST", "/tickets/{ticket}/call", `{"agent":"ana"}`, web.Agent, 202},
	{"GET", "/recordings", "", web.Supervisor, 200},
	{"GET", "/recordings/{recording}", "", web.Supervisor, 200},
	{"GET", "/recordings/{recording}/audio", "", web.Supervisor, 200},
	{"POST", "/calls/{call}/recording/pause", "", web.Supervisor, 204},
	{"POST", "/calls/{call}/recording/resume", "", web.Supervisor, 204},
	{"POST", "/calls/{call}/transfer", `{"agent":"ana"}`, web.Agent, 204},
	{"POST", "/calls/{call}/consult", `{"queue":"service-desk"}`, web.Agent, 204},
	{"POST", "/calls/{call}/consult/end", "", web.Agent, 204},
	{"POST", "/calls/{call}/consult/complete", "", web.Agent, 204},
	{"POST", "/calls/{call}/consult/swap", "", web.Agent, 204},
	{"POST", "/calls/{call}/consult/conference", "", web.Agent, 204},
	{"POST", "/calls/{call}/tap", `{"device":"3001","mode":"listen"}`, web.Supervisor, 204},
	{"PUT", "/agents/{agent}/wrap-up", `{"until":"2026-01-01T00:00:00Z"}`, web.Supervisor, 204},
	{"PUT", "/calls/{waiting}/priority", `{"priority":5,"reason":"their whole office is down"}`, web.Supervisor, 204},
	{"GET", "/queues/{queue}/estimates", "", web.Agent, 200},
	{"PUT", "/agents/{agent}/presence", `{"presence":"available"}`, web.Supervisor, 204},
	{"POST", "/agents/{agent}/sign-in", `{"device":"2001"}`, web.Supervisor, 204},
	{"POST", "/agents/{agent}/sign-out", "", web.Supervisor, 204},
	{"PUT", "/agents/{agent}/pin", `{"pin":"4711"}`, web.Supervisor, 204},
	{"PUT", "/agents/{agent}/shifts", `{"calendar":"BEGIN:VCALENDAR"}`, web.Supervisor, 200},
	{"GET", "/agents/{agent}/adherence?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z", "", web.Supervisor, 200},
	{"POST", "/queue-log", `{"node":"pbx1","log":"line\n"}`, web.Admin, 200},
	{"PUT", "/roster?dry_run=true", `{"people":[{"id":"ana","name":"Ana"}]}`, web.Admin, 200},
	{"GET", "/events", "", web.Supervisor, 200},
	{"GET", "/reports/sla?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z", "", web.Supervisor, 200},
	{"GET", "/reports/month?client=demo&month=2026-01", "", web.Supervisor, 200},
	{"POST", "/reports/month/seal", `{"client":"demo","month":"2026-01"}`, web.Supervisor, 200},
	{"GET", "/report-files/month?client=demo&month=2026-01", "", web.Supervisor, 200},
	{"GET", "/ticket-files/csv?q=router", "", web.Supervisor, 200},
	{"POST", "/tickets/{ticket}/exclusions", `{"why":"opened by mistake"}`, web.Supervisor, 204},
	{"GET", "/nodes", "", web.Supervisor, 200},
	{"PUT", "/nodes/{node}/drain", `{"drain":true}`, web.Admin, 204},
	{"POST", "/centre/reload", "", web.Admin, 200},
	{"GET", "/hours", "", web.Agent, 200},
	{"GET", "/endpoints", "", web.Supervisor, 200},
	{"POST", "/endpoints", `{"id":"crm{n}","kind":"webhook","name":"CRM","url":"https://crm.example.com/in"}`, web.Supervisor, 200},
	{"GET", "/endpoints/{endpoint}", "", web.Supervisor, 200},
	{"PUT", "/endpoints/{endpoint}", `{"name":"CRM","url":"https://crm.example.com/in"}`, web.Supervisor, 200},
	{"DELETE", "/endpoints/{endpoint}", "", web.Supervisor, 204},
	{"PUT", "/endpoints/{endpoint}/secrets/{name}", `{"value":"hush"}`, web.Supervisor, 200},
	{"POST", "/endpoints/{endpoint}/try", "", web.Supervisor, 200},
	{"GET", "/endpoints/{endpoint}/history", "", web.Supervisor, 200},
	{"POST", "/endpoints/{endpoint}/replay", "", web.Supervisor, 200},
	{"GET", "/deliveries", "", web.Supervisor, 200},
	{"GET", "/deliveries/{dead}", "", web.Supervisor, 200},
	{"POST", "/deliveries/{dead}/replay", "", web.Supervisor, 200},
	{"GET", "/flows", "", web.Agent, 200},
	{"GET", "/flows/{flow}/graph", "", web.Agent, 200},
	{"GET", "/centre/versions", "", web.Supervisor, 200},
	{"PUT", "/hours/{calendar}", `{"state":"closed","reason":"fire alarm"}`, web.Supervisor, 200},
	{"PUT", "/devices/{device}", `{"password":"correct horse"}`, web.Admin, 204},
}

func TestEachResourceLetsInItsRolesAndNobodyElse(t *testing.T) {
	d := newDesk(t)
	now := clock().Add(-time.Minute)
	d.Hire(now, "ana", "Ana", call.Available, call.Idle)
	c := d.Arrive(now, "T-100001", call.Party{Number: "+4930123456"}).Join("service-desk").After(time.Second).Offer("ana").After(time.Second).Talk("service-desk", now)
	d.SetAudio(c.Recording(), []byte("RIFF"))
	waiting := d.Arrive(now, "T-100002", call.Party{Number: "+4930123457"}).Join("service-desk")
	fill := strings.NewReplacer("{call}", string(c.ID), "{ticket}", string(c.Ticket), "{recording}", string(c.Recording()), "{agent}", "ana", "{device}", "2001", "{waiting}", string(waiting.ID), "{queue}", "service-desk", "{node}", "pbx", "{calendar}", "desk", "{kind}", "customers", "{entry}", "ada", "{flow}", "support", "{schedule}", "night", "{name}", "token")

	ranks := []web.Role{"", web.Kiosk, web.Agent, web.Supervisor, web.Admin}
	for _, m := range matrix {
		reached := false
		for _, role := range ranks {
			reached = reached || role == m.least
			token, want := string(role)+"-token", m.status
			switch {
			case role == "":
				token, want = "", 401
			case !reached:
				want = 403
			}
			res := d.ask(m.method, "/api/v1"+d.once(fill.Replace(m.path), now, c), token, d.once(m.body, now, c))
			if res.StatusCode != want {
				t.Errorf("%s %s as %q: %d, want %d: %s", m.method, m.path, role, res.StatusCode, want, text(t, res))
			}
			if ct := res.Header.Get("Content-Type"); want >= 400 && ct != "application/problem+json" {
				t.Errorf("%s %s as %q: refused as %s, want a problem", m.method, m.path, role, ct)
			}
			if want == 401 && res.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s: 401 without WWW-Authenticate (RFC 9110 section 11.6.1)", m.method, m.path)
			}
			res.Body.Close()
		}
	}
}

// once fills in what each request has one of its own of: it ends once.
func (d *desk) once(text string, now time.Time, c *webtest.Caller) string {
	for name, create := range map[string]func(n string) string{
		"{incident}": func(n string) string { return string(d.Know(call.QueueID("q" + n))) },
		"{prompt}": func(n string) string {
			i := d.Know(call.QueueID("p" + n))
			id := d.Spoke(now, i, "agent:ana")
			d.Over(i)
			return string(id)
		},
		"{callback}": func(string) string { return string(d.AskBack(now, c.ID)) },
		"{lost}":     func(string) string { return string(d.Lose(now, c, call.Party{})) },
		"{proposal}": func(n string) string { return string(d.Propose(block.Pattern("+4930"+n), "agent:ana", false)) },
		"{block}":    func(n string) string { return string(d.Propose(block.Pattern("+4930"+n), "supervisor:sue", true)) },
		"{endpoint}": d.Tell,
		"{dead}":     func(n string) string { return d.Dead(now, d.Tell(n)) },
		"{n}":        func(n string) string { return n },
	} {
		if strings.Contains(text, name) {
			d.made++
			text = strings.ReplaceAll(text, name, create(strconv.Itoa(100+d.made)))
		}
	}
	return text
}

func TestEveryResourceIsInTheMatrix(t *testing.T) {
	d := newDesk(t)
	doc := decode[struct {
		Paths map[string]map[string]any
	}](t, d.ask("GET", "/openapi.json", "", ""))
	var have, want []string
	for path, verbs := range doc.Paths {
		for verb := range verbs {
			want = append(want, strings.ToUpper(verb)+" "+path)
		}
	}
	for _, m := range matrix {
		path, _, _ := strings.Cut(m.path, "?")
		for _, name := range []string{"call", "ticket", "recording", "agent", "device", "waiting", "queue", "callback", "node", "lost", "proposal", "block", "incident", "entry", "prompt", "endpoint", "dead"} {
			path = strings.ReplaceAll(path, "{"+name+"}", "{id}")
		}
		have = append(have, m.method+" /api/v1"+path)
	}
	for _, w := range want {
		if !strings.Contains(strings.Join(have, "\n")+"\n", w+"\n") {
			t.Errorf("%s is not in the matrix of roles", w)
		}
	}
}

func TestProofThatDoesNotHoldIsRefused(t *testing.T) {
	d := newDesk(t)
	for _, h := range []string{
		"Authorization: Bearer nobody", "Authorization: Bearer", "Authorization: Basic YTpi",
		"Cookie: firstline=made-up", "Authorization: Bearer " + sum("admin-token"),
	} {
		wantStatus(t, d.ask("GET", "/api/v1/me", "", "", h), 401)
	}
	wantStatus(t, d.ask("GET", "/api/v1/me", "admin-token", ""), 200)
	d.Revoke(sum("admin-token"))
	wantStatus(t, d.ask("GET", "/api/v1/me", "admin-token", ""), 401)
}

func TestOneTimeLinkSignsInOnceAndAPreviewDoesNotUseItUp(t *testing.T) {
	d := newDesk(t)
	link := d.server.SignInLink()
	for range 3 { // link previews
		res := d.ask("GET", link, "", "")
		wantStatus(t, res, 200)
		if len(res.Cookies()) > 0 {
			t.Error("opening the link set a cookie before its button was pressed")
		}
	}
	res := d.ask("POST", link, "", "", "Cookie: firstline=set-beforehand")
	wantStatus(t, res, 303)
	cookies := res.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies %v, want one", cookies)
	}
	c := cookies[0]
	if c.Value == "set-beforehand" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
		t.Errorf("cookie %v: want a fresh one, HttpOnly, SameSite=Lax, for /", c)
	}
	me := decode[web.Who](t, d.ask("GET", "/api/v1/me", "", "", "Cookie: "+c.Name+"="+c.Value))
	if me.Role != web.Admin {
		t.Errorf("role %q, want admin", me.Role)
	}
	wantStatus(t, d.ask("POST", link, "", ""), 410)
	wantStatus(t, d.ask("GET", link, "", ""), 410)
	wantStatus(t, d.ask("POST", "/sign-in/made-up", "", ""), 410)
}

func TestTokenIsExchangedForACookieThatEndsWithIt(t *testing.T) {
	d := newDesk(t)
	d.browser()
	form := url.Values{"token": {"kiosk-token"}}.Encode()
	wantStatus(t, d.ask("POST", "/sign-in", "", form, "Content-Type: application/x-www-form-urlencoded"), 303)
	if me := decode[web.Who](t, d.ask("GET", "/api/v1/me", "", "")); me.Role != web.Kiosk {
		t.Errorf("role %q, want kiosk", me.Role)
	}
	d.Revoke(sum("kiosk-token"))
	wantStatus(t, d.ask("GET", "/api/v1/me", "", ""), 401)
	form = url.Values{"token": {"nobody"}}.Encode()
	wantStatus(t, d.ask("POST", "/sign-in", "", form, "Content-Type: application/x-www-form-urlencoded"), 401)
}

func TestSignOutEndsTheCookieAndItsStreams(t *testing.T) {
	d := newDesk(t)
	d.browser()
	wantStatus(t, d.ask("POST", d.server.SignInLink(), "", ""), 303)
	stream := d.ask("GET", "/api/v1/live", "", "")
	wantStatus(t, stream, 200)
	next := messages(t, stream)
	until(t, next, func(m message) bool { return m.event == "snapshot" })
	wantStatus(t, d.ask("POST", "/sign-out", "", ""), 303)
	for {
		if _, more := next(); !more { // the read ends: the stream was closed
			break
		}
	}
	wantStatus(t, d.ask("GET", "/api/v1/me", "", ""), 401)
}

func TestOtherSitesMayNotChangeAnything(t *testing.T) {
	d := newDesk(t)
	d.browser()
	wantStatus(t, d.ask("POST", d.server.SignInLink(), "", ""), 303)
	for _, h := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example"} {
		for _, path := range []string{"/api/v1/centre/reload", "/sign-out", "/sign-in"} {
			res := d.ask("POST", path, "", "", h)
			wantStatus(t, res, 403)
			if ct := res.Header.Get("Content-Type"); ct != "application/problem+json" {
				t.Errorf("%s from %s: %s, want a problem", path, h, ct)
			}
		}
	}
	wantStatus(t, d.ask("POST", "/api/v1/centre/reload", "", "", "Sec-Fetch-Site: same-origin"), 200)
}
