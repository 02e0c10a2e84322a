package web_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"firstline/call"
	"firstline/web"
)

func contextOf(t *testing.T, res answer) web.TicketContext {
	t.Helper()
	var c web.TicketContext
	if err := json.Unmarshal([]byte(res.text), &c); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d %v in %s", res.StatusCode, err, res.text)
	}
	return c
}

func TestAContextSaysWhoCallsAndHowSureThatIs(t *testing.T) {
	d := newDesk(t)
	boss := func(method, path, body string) {
		t.Helper()
		res := d.ask(method, path, "supervisor-token", body)
		if told := text(t, res); res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", path, res.StatusCode, told)
		}
	}
	boss("PUT", "/api/v1/directory/companies/north", `{"company":{"id":"north","name":"North","class":"gold","users":120,"authorised":["bob"],"until":"2020-01-01"}}`)
	boss("PUT", "/api/v1/directory/services/mail", `{"service":{"id":"mail","name":"Mail","company":"north","queue":"mail-desk"}}`)
	boss("PUT", "/api/v1/directory/customers/ada", `{"customer":{"id":"ada","name":"Ada","company":"north","numbers":["+4930123456"]}}`)
	d.Know("mail-desk")
	d.Know("somebody-elses")
	at := time.Now().Add(-time.Hour)
	before := d.Arrive(at, "T-100001", call.Party{Number: "+4930123456"})
	d.Arrive(at.Add(time.Minute), "T-100002", call.Party{Number: "+4930123456"}).Press("main", "1")
	const path = "/api/v1/tickets/T-100002/context"
	c := contextOf(t, d.told("GET", path, ""))
	if c.Who.Sure || c.Who.Customer != nil || len(c.Who.Candidates) != 1 || c.Who.Candidates[0].ID != "ada" || len(c.Incidents) != 0 {
		t.Errorf("by the number alone: %+v", c.Who)
	}
	if len(c.Lately) != 1 || c.Lately[0].ID != before.ID || len(c.Open) != 1 || c.Open[0].ID != "T-100001" || c.Call == nil || len(c.Call.Path) != 1 {
		t.Errorf("before: %+v, open: %+v", c.Lately, c.Open)
	}
	res := d.told("POST", "/api/v1/tickets/T-100002/customer", `{"customer":"ada","why":"her birthday"}`, `If-Match: "0"`)
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.text)
	}
	c = contextOf(t, d.told("GET", path, ""))
	if w := c.Who; !w.Sure || w.Level != "agent" || w.Name != "Ada" || w.Class != "gold" || w.Company.Users != 120 || w.Authorised || w.Entitled {
		t.Errorf("an agent said so: %+v", c.Who)
	}
	if len(c.Services) != 1 || len(c.Incidents) != 1 || c.Incidents[0].Queue != "mail-desk" || len(c.Incidents[0].Affected) != 0 {
		t.Errorf("services %+v, incidents %+v", c.Services, c.Incidents)
	}
}
