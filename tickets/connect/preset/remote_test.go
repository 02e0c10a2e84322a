package preset_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// fake is a small model of one system: it checks who asks and what is needed, keeps
// tickets under ids of its own, and writes down what it was asked.
type fake struct {
	mu      sync.Mutex // guards all below
	kind    string
	log     strings.Builder
	tickets []map[string]any // as they were created
	lose    int              // answers to creations that are lost
}

// proof is what each system wants to see.
var proof = map[string][2]string{
	"jira-service-management": {"Authorization", "Basic bWVAZXhhbXBsZS5jb206aHVzaA=="}, // me@example.com:hush
	"zammad":                  {"Authorization", "Token token=hush"},
	"zammad-cti":              {"", ""},
	"zendesk":                 {"Authorization", "Basic bWVAZXhhbXBsZS5jb20vdG9rZW46aHVzaA=="}, // me@example.com/token:hush
	"servicenow":              {"Authorization", "Basic bWU6aHVzaA=="},
	"pagerduty":               {"", ""},
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	raw, _ := io.ReadAll(r.Body)
	var body map[string]any
	if len(raw) > 0 && (json.Unmarshal(raw, &body) != nil || r.Header.Get("Content-Type") != "application/json") {
		http.Error(w, `{"error":"no JSON"}`, http.StatusBadRequest)
		return
	}
	pretty, _ := json.MarshalIndent(body, "", "  ")
	fmt.Fprintf(&f.log, "%s %s\n", r.Method, r.URL.RequestURI())
	if body != nil {
		fmt.Fprintf(&f.log, "%s\n", pretty)
	}
	f.log.WriteString("\n")
	if p := proof[f.kind]; p[0] != "" && r.Header.Get(p[0]) != p[1] {
		http.Error(w, `{"error":"who are you"}`, http.StatusUnauthorized)
		return
	}
	status, answer := f.answer(r, body)
	if status == http.StatusCreated && f.lose > 0 {
		f.lose--
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, answer)
}

// at is what stands at a path in a tree.
func at(tree any, path ...string) any {
	for _, p := range path {
		m, _ := tree.(map[string]any)
		tree = m[p]
	}
	return tree
}

func text(tree any, path ...string) string {
	s, _ := at(tree, path...).(string)
	return s
}

// keep makes a ticket and returns its number from 1.
func (f *fake) keep(body map[string]any) int {
	f.tickets = append(f.tickets, body)
	return len(f.tickets)
}

// found is the number of the ticket that a condition holds for; 0 is none.
func (f *fake) found(is func(map[string]any) bool) int {
	for i, t := range f.tickets {
		if is(t) {
			return i + 1
		}
	}
	return 0
}

const bad = `{"error":"a field is missing or wrong"}`

func (f *fake) answer(r *http.Request, body map[string]any) (int, string) {
	path := r.Method + " " + r.URL.Path
	switch f.kind {
	case "jira-service-management":
		return f.jira(path, r.URL.Query().Get("jql"), body)
	case "zammad":
		return f.zammad(path, r.URL.Query().Get("query"), body)
	case "zammad-cti":
		if path != "POST /api/v1/cti/hush" || text(body, "callId") == "" || strings.Contains(text(body, "from"), "+") || text(body, "direction") == "" {
			return 422, bad
		}
		return 200, `{}`
	case "zendesk":
		return f.zendesk(path, r.URL.Query().Get("external_id"), r.Header.Get("Idempotency-Key"), body)
	case "servicenow":
		return f.servicenow(path, r.URL.Query().Get("sysparm_query"), body)
	case "pagerduty":
		action := text(body, "event_action")
		if path != "POST /v2/enqueue" || len(text(body, "routing_key")) != 4 || text(body, "dedup_key") == "" || action == "trigger" &&
			(text(body, "payload", "summary") == "" || text(body, "payload", "source") == "" || !strings.Contains("critical error warning info", text(body, "payload", "severity"))) {
			return 400, bad
		}
		if action == "trigger" && f.found(func(t map[string]any) bool { return text(t, "dedup_key") == text(body, "dedup_key") }) == 0 {
			f.keep(body)
		}
		return 202, fmt.Sprintf(`{"status":"success","message":"Event processed","dedup_key":%q}`, text(body, "dedup_key"))
	}
	return 404, `{}`
}

func (f *fake) jira(path, jql string, body map[string]any) (int, string) {
	switch {
	case path == "GET /rest/servicedeskapi/servicedesk/10":
		return 200, `{"id":"10"}`
	case path == "GET /rest/api/3/search/jql":
		n := f.found(func(t map[string]any) bool {
			summary := text(t, "requestFieldValues", "summary")
			_, id, _ := strings.Cut(summary, "[")
			return strings.Contains(jql, strings.TrimSuffix(id, "]"))
		})
		if n == 0 {
			return 200, `{"issues":[],"isLast":true}`
		}
		return 200, fmt.Sprintf(`{"issues":[{"id":"%d","key":"SUP-%d"}],"isLast":true}`, 10000+n, n)
	case path == "POST /rest/servicedeskapi/request":
		if text(body, "serviceDeskId") != "10" || text(body, "requestTypeId") != "25" || text(body, "requestFieldValues", "summary") == "" || strings.Contains(text(body, "requestFieldValues", "summary"), "\n") {
			return 400, bad
		}
		n := f.keep(body)
		return 201, fmt.Sprintf(`{"issueId":"%d","issueKey":"SUP-%d","_links":{"web":"https://x"}}`, 10000+n, n)
	case strings.HasSuffix(path, "/comment"):
		if _, ok := at(body, "public").(bool); !ok || text(body, "body") == "" {
			return 400, bad
		}
		return 201, `{"id":"1"}`
	case strings.HasSuffix(path, "/transition") && text(body, "id") == "61":
		return 204, ``
	}
	return 404, `{}`
}

func (f *fake) zammad(path, query string, body map[string]any) (int, string) {
	switch {
	case path == "GET /api/v1/users/me":
		return 200, `{"id":3}`
	case path == "GET /api/v1/tickets/search":
		n := f.found(func(t map[string]any) bool {
			_, id, _ := strings.Cut(text(t, "title"), "[")
			return strings.Contains(query, "["+id)
		})
		if n == 0 {
			return 200, `[]`
		}
		return 200, fmt.Sprintf(`[{"id":%d,"number":"31%03d"}]`, n, n)
	case path == "POST /api/v1/tickets":
		if text(body, "title") == "" || text(body, "group") == "" || !strings.HasPrefix(text(body, "customer_id"), "guess:") || text(body, "article", "body") == "" || text(body, "article", "type") != "phone" {
			return 422, bad
		}
		n := f.keep(body)
		return 201, fmt.Sprintf(`{"id":%d,"number":"31%03d"}`, n, n)
	case strings.HasPrefix(path, "PUT /api/v1/tickets/"):
		return 200, `{"id":1}`
	}
	return 404, `{}`
}

func (f *fake) zendesk(path, external, key string, body map[string]any) (int, string) {
	switch {
	case path == "GET /api/v2/users/me.json":
		return 200, `{"user":{"id":1}}`
	case path == "GET /api/v2/tickets.json":
		n := f.found(func(t map[string]any) bool { return text(t, "ticket", "external_id") == external })
		if n == 0 {
			return 200, `{"tickets":[],"count":0}`
		}
		return 200, fmt.Sprintf(`{"tickets":[{"id":%d}],"count":1}`, 35436+n)
	case path == "POST /api/v2/tickets.json":
		if text(body, "ticket", "comment", "body") == "" || !strings.Contains("urgent high normal low", text(body, "ticket", "priority")) {
			return 422, bad
		}
		// Zendesk knows a request that comes again by its Idempotency-Key, which net/http
		// takes as leave to send it again by itself.
		if n := f.found(func(t map[string]any) bool { return key != "" && t["key"] == key }); n > 0 {
			return 200, fmt.Sprintf(`{"ticket":{"id":%d}}`, 35436+n)
		}
		body["key"] = key
		return 201, fmt.Sprintf(`{"ticket":{"id":%d}}`, 35436+f.keep(body))
	case strings.HasPrefix(path, "PUT /api/v2/tickets/3543"):
		return 200, `{"ticket":{"id":35437}}`
	}
	return 404, `{}`
}

func (f *fake) servicenow(path, query string, body map[string]any) (int, string) {
	switch {
	case path == "GET /api/now/table/incident":
		n := f.found(func(t map[string]any) bool { return query == "correlation_id="+text(t, "correlation_id") })
		if n == 0 {
			return 200, `{"result":[]}`
		}
		return 200, fmt.Sprintf(`{"result":[{"sys_id":"aa%030d","number":"INC%07d"}]}`, n, n)
	case path == "POST /api/now/table/incident":
		if text(body, "short_description") == "" || !strings.Contains("123", text(body, "impact")) {
			return 400, bad
		}
		n := f.keep(body)
		return 201, fmt.Sprintf(`{"result":{"sys_id":"aa%030d","number":"INC%07d"}}`, n, n)
	case strings.HasPrefix(path, "PATCH /api/now/table/incident/aa"):
		return 200, `{"result":{}}`
	}
	return 404, `{}`
}
