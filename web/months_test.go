package web_test

import (
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/tickets/month"
	"firstline/web"
)

func TestMonthIsSealedAndItsRestatementNamesAnExclusion(t *testing.T) {
	d := newDesk(t)
	opened := time.Now().UTC().AddDate(0, -2, 0)
	m := opened.Format("2006-01")
	d.Arrive(opened, "T-100001", call.Party{Number: "+4930123"})
	query := "/api/v1/reports/month?client=demo&month=" + m
	seal := `{"client":"demo","month":"` + m + `"}`
	wantStatus(t, d.ask("GET", query, "agent-token", ""), 403)
	now := decode[web.MonthStory](t, d.ask("GET", query, "supervisor-token", ""))
	if now.Version != 0 || len(now.Report.Rows) != 2 || now.Report.Rows[0].Missed != 1 {
		t.Fatalf("%+v", now)
	}
	first := decode[web.MonthStory](t, d.ask("POST", "/api/v1/reports/month/seal", "supervisor-token", seal))
	if first.Version != 1 || len(first.Sealed) != 1 || first.Sealed[0].Hash == "" {
		t.Fatalf("%+v", first)
	}
	wantStatus(t, d.ask("POST", "/api/v1/tickets/T-100001/exclusions", "agent-token", `{"why":"a test"}`), 403)
	wantStatus(t, d.ask("POST", "/api/v1/tickets/T-100001/exclusions", "supervisor-token", `{"why":"a","from":"2026-01-01T00:00:00Z"}`), 422)
	wantStatus(t, d.ask("POST", "/api/v1/tickets/T-100001/exclusions", "supervisor-token", `{"why":"=opened by mistake"}`), 204)
	second := decode[web.MonthStory](t, d.ask("POST", "/api/v1/reports/month/seal", "supervisor-token", seal))
	if second.Version != 2 || len(second.Report.Restates.Differences) != 2 || second.Report.Restates.Differences[0].Is.Outcome != month.Excluded ||
		len(second.Report.Exclusions) != 1 || !strings.HasPrefix(second.Report.Exclusions[0].By, "supervisor:") {
		t.Errorf("%+v", second)
	}
	if old := decode[web.MonthStory](t, d.ask("GET", query+"&version=1", "supervisor-token", "")); old.Report.Rows[0].Missed != 1 {
		t.Errorf("what was sealed has changed: %+v", old)
	}
	wantStatus(t, d.ask("GET", query+"&version=7", "supervisor-token", ""), 404)
	this := time.Now().UTC().Format("2006-01")
	wantStatus(t, d.ask("POST", "/api/v1/reports/month/seal", "supervisor-token", `{"client":"demo","month":"`+this+`"}`), 422)
	if got := text(t, d.ask("GET", "/api/v1/report-files/month?client=demo&month="+m, "supervisor-token", "")); !strings.Contains(got, "'=opened by mistake") {
		t.Error(got)
	}
}
