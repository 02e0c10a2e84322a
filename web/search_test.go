package web_test

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/web"
)

func TestTicketsAreSearchedPageByPageAndExportedWithoutFormulas(t *testing.T) {
	d := newDesk(t)
	now := time.Now().Add(-time.Hour)
	d.Arrive(now, "T-100001", call.Party{Number: "+4930123", Name: "=HYPERLINK(1)"})
	d.Arrive(now, "T-100002", call.Party{Number: "+4930123", Name: "Ada"})
	d.Arrive(now, "T-100003", call.Party{Number: "+4940999", Name: "Ada"})
	type list struct {
		Tickets []web.Ticket `json:"tickets"`
		Next    string       `json:"next"`
	}
	search := func(query string) list {
		return decode[list](t, d.ask("GET", "/api/v1/tickets?"+query, "agent-token", ""))
	}
	first := search("q=ada&limit=1")
	if len(first.Tickets) != 1 || first.Tickets[0].ID != "T-100003" || first.Next == "" {
		t.Fatalf("%+v", first)
	}
	second := search("q=ada&limit=1&cursor=" + first.Next)
	if len(second.Tickets) != 1 || second.Tickets[0].ID != "T-100002" || second.Next != "" {
		t.Errorf("%+v", second)
	}
	wantStatus(t, d.ask("GET", "/api/v1/ticket-files/csv", "agent-token", ""), 403)
	res := d.ask("GET", "/api/v1/ticket-files/csv?q=4930123", "supervisor-token", "")
	rows, err := csv.NewReader(strings.NewReader(text(t, res))).ReadAll()
	if err != nil || len(rows) != 3 || rows[2][0] != "T-100001" || rows[2][5] != "'+4930123" || rows[2][6] != "'=HYPERLINK(1)" {
		t.Errorf("%v, %v", rows, err)
	}
}
