package web_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestTheDirectoryIsEditedByVersionAndImportedAsAWhole(t *testing.T) {
	d := newDesk(t)
	boss := func(method, path, body string, headers ...string) answer {
		res := d.ask(method, path, "supervisor-token", body, headers...)
		return answer{res, text(t, res)}
	}
	const ada = "/api/v1/directory/customers/ada"
	body := `{"customer":{"id":"ada","name":"Ada","numbers":["+493011111"],"account":"4711"}}`
	made := boss("PUT", ada, body)
	if made.StatusCode != http.StatusOK || made.Header.Get("ETag") != `"1"` {
		t.Fatalf("%d %s", made.StatusCode, made.text)
	}
	if res := boss("PUT", ada, body); res.StatusCode != http.StatusPreconditionRequired {
		t.Errorf("over what is there, without If-Match: %d %s", res.StatusCode, res.text)
	}
	changed := strings.Replace(body, "Ada", "Ada Lovelace", 1)
	if res := boss("PUT", ada, changed, `If-Match: "1"`); res.StatusCode != http.StatusOK {
		t.Errorf("%d %s", res.StatusCode, res.text)
	}
	if res := boss("PUT", ada, body, `If-Match: "1"`); res.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("on what has changed: %d %s", res.StatusCode, res.text)
	}
	if res := boss("GET", ada, ""); !strings.Contains(res.text, `"from":"Ada","to":"Ada Lovelace"`) {
		t.Errorf("history: %s", res.text)
	}
	if res := boss("PUT", ada, strings.Replace(body, `"4711"}`, `"4711"},"pin":"1111"`, 1), `If-Match: "2"`); res.StatusCode != http.StatusUnprocessableEntity || strings.Contains(res.text, "1111") && !strings.Contains(res.text, "11111") {
		t.Errorf("a faulty PIN: %d %s", res.StatusCode, res.text)
	}

	const file = "/api/v1/directory-files/customers"
	if res := boss("PUT", file, `{"csv":"id,name\nbob,Bob\nX,Xaver\n"}`); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.text, "line 3") {
		t.Errorf("a fault: %d %s", res.StatusCode, res.text)
	}
	if res := boss("GET", "/api/v1/directory/customers/bob", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("half imported: %d %s", res.StatusCode, res.text)
	}
	if res := boss("PUT", file, `{"csv":"id,name\nbob,=cmd()\n"}`); res.StatusCode != http.StatusOK {
		t.Errorf("%d %s", res.StatusCode, res.text)
	}
	if res := boss("GET", file, ""); res.StatusCode != http.StatusOK || !strings.Contains(res.text, "\nbob,'=cmd(),") {
		t.Errorf("exported: %d %s", res.StatusCode, res.text)
	}
	if res := boss("GET", "/api/v1/directory/customers?q=3011", ""); !strings.Contains(res.text, "ada") || strings.Contains(res.text, "bob") {
		t.Errorf("by number: %s", res.text)
	}
}

func TestAnAgentChangesCustomersAndNothingElseOfTheDirectory(t *testing.T) {
	d := newDesk(t)
	for path, c := range map[string]struct {
		body string
		want int
	}{
		"customers/ada":   {`{"customer":{"id":"ada","name":"Ada","account":"4711"}}`, http.StatusOK},
		"customers/eve":   {`{"customer":{"id":"eve","name":"Eve","account":"4712"},"pin":"8275"}`, http.StatusForbidden},
		"companies/north": {`{"company":{"id":"north","name":"North"}}`, http.StatusForbidden},
	} {
		if res := d.ask("PUT", "/api/v1/directory/"+path, "agent-token", c.body); res.StatusCode != c.want {
			t.Errorf("%s: %d %s", path, res.StatusCode, text(t, res))
		}
	}
	if res := d.ask("GET", "/api/v1/directory-files/customers", "agent-token", ""); res.StatusCode != http.StatusForbidden {
		t.Errorf("an agent took all customers: %d", res.StatusCode)
	}
}
