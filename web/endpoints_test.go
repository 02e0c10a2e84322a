package web_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"firstline/tickets/connect"
)

func TestAnEndpointIsMadeChangedAndRemovedAndItsSecretsAreNeverShown(t *testing.T) {
	d := newDesk(t)
	said := func(method, path, body string, status int) string {
		t.Helper()
		res := d.ask(method, path, "supervisor-token", body)
		wantStatus(t, res, status)
		return text(t, res)
	}
	const one = "/api/v1/endpoints/crm"
	made := said("POST", "/api/v1/endpoints", `{"id":"crm","kind":"webhook","name":"CRM","url":"https://crm.example.com/in"}`, 200)
	var p struct{ Secret string }
	if err := json.Unmarshal([]byte(made), &p); err != nil || !strings.HasPrefix(p.Secret, "whsec_") {
		t.Fatalf("%v %s", err, made)
	}
	said("POST", "/api/v1/endpoints", `{"id":"crm","kind":"webhook","name":"CRM","url":"https://crm.example.com/in"}`, 409)
	for _, bad := range []string{
		`{"id":"b","kind":"webhook","name":"B","url":"https://169.254.169.254/latest/meta-data"}`,
		`{"id":"b","kind":"webhook","name":"B","url":"https://me:pw@example.com/"}`,
		`{"id":"b","kind":"webhook","name":"B","url":"ftp://example.com/"}`,
		`{"id":"b","kind":"webhook","name":"B","url":"https://example.com/","types":["ticket.exploded"]}`,
		`{"id":"../b","kind":"webhook","name":"B","url":"https://example.com/"}`,
		`{"id":"b","kind":"pigeon","name":"B","url":"https://example.com/"}`,
	} {
		said("POST", "/api/v1/endpoints", bad, 422)
	}
	said("PUT", one, `{"name":"The CRM","url":"http://10.0.0.7/in","paused":true,"types":["ticket.created"]}`, 200)
	rotated := said("PUT", one+"/secrets/signing", `{}`, 200)
	said("PUT", one+"/secrets/token", `{"value":"hush"}`, 200)
	said("PUT", one+"/secrets/token", `{"value":"two\r\nlines"}`, 422)
	for _, path := range []string{one, "/api/v1/endpoints", one + "/history", "/api/v1/events?limit=500"} {
		shown := said("GET", path, "", 200)
		if strings.Contains(shown, p.Secret) || strings.Contains(shown, "hush") || strings.Contains(shown, "whsec_") || !strings.Contains(rotated, "whsec_") {
			t.Errorf("%s shows a secret: %s", path, shown)
		}
		if !strings.Contains(shown, "signing-before") {
			t.Errorf("%s does not say which secrets there are: %s", path, shown)
		}
	}
	said("DELETE", one, "", 204)
	said("GET", one, "", 404)
	// What waited for the one that is gone must not go to another of its name.
	said("POST", "/api/v1/endpoints", `{"id":"crm","kind":"webhook","name":"CRM","url":"https://other.example.com/in"}`, 409)
	if res := d.ask("GET", "/api/v1/endpoints", "agent-token", ""); res.StatusCode != 403 {
		t.Errorf("an agent asks who is told: %d", res.StatusCode)
	}
}

func TestDeadLettersAreListedAndSentAgain(t *testing.T) {
	d := newDesk(t)
	said := func(method, path, body string, status int) string {
		t.Helper()
		res := d.ask(method, path, "supervisor-token", body)
		wantStatus(t, res, status)
		return text(t, res)
	}
	said("POST", "/api/v1/endpoints", `{"id":"crm","kind":"webhook","name":"CRM","url":"https://crm.example.com/in"}`, 200)
	at := time.Now()
	for _, id := range []string{"msg_1", "msg_2", "msg_3"} {
		d.Deliver(connect.Delivery{ID: id, Endpoint: "crm", Key: "T-1", Type: connect.TicketNoted, State: connect.Dead, Made: at, Ended: at, Attempts: 4, Last: "500 Internal Server Error", Payload: []byte(`{"type":"ticket.noted"}`)})
	}
	if list := said("GET", "/api/v1/deliveries?state=dead&endpoint=crm", "", 200); strings.Count(list, "msg_") != 3 || strings.Contains(list, "payload") {
		t.Error(list)
	}
	if one := said("GET", "/api/v1/deliveries/msg_1", "", 200); !strings.Contains(one, `"payload":{"type":"ticket.noted"}`) {
		t.Error(one)
	}
	said("POST", "/api/v1/deliveries/msg_1/replay", "", 200)
	said("POST", "/api/v1/deliveries/msg_1/replay", "", 422)
	said("POST", "/api/v1/deliveries/msg_9/replay", "", 404)
	if all := said("POST", "/api/v1/endpoints/crm/replay", "", 200); !strings.Contains(all, `"count":2`) {
		t.Error(all)
	}
	if left := said("GET", "/api/v1/deliveries?state=dead", "", 200); strings.Contains(left, "msg_") {
		t.Error(left)
	}
}
