package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
)

// story is what the tests read of a ticket.
type story struct {
	State   string   `json:"state"`
	Version int64    `json:"version"`
	Next    []string `json:"next"`
	Class   struct {
		Severity string `json:"severity"`
		Priority int    `json:"priority"`
	} `json:"class"`
	Clocks []struct {
		Kind     string `json:"kind"`
		State    string `json:"state"`
		WithinMs int64  `json:"within_ms"`
		Late     bool   `json:"late"`
	} `json:"clocks"`
	History []struct{ What, From, To, Why string } `json:"history"`
}

// answer is what came, read.
type answer struct {
	*http.Response
	text string
}

func (d *desk) told(method, path, body string, headers ...string) answer {
	d.t.Helper()
	res := d.ask(method, path, "agent-token", body, headers...)
	return answer{res, text(d.t, res)}
}

func storyOf(t *testing.T, res answer) story {
	t.Helper()
	var s story
	if err := json.Unmarshal([]byte(res.text), &s); err != nil {
		t.Fatalf("%v in %s", err, res.text)
	}
	return s
}

func TestATicketIsChangedOnlyAsItWasRead(t *testing.T) {
	d := newDesk(t)
	d.Arrive(time.Now().Add(-10*time.Hour), "T-100001", call.Party{Number: "+4930123"})
	const path = "/api/v1/tickets/T-100001"
	read := d.told("GET", path, "")
	etag := read.Header.Get("ETag")
	if s := storyOf(t, read); etag != `"0"` || s.State != "new" || len(s.Clocks) != 3 || !s.Clocks[0].Late || s.Clocks[2].WithinMs != (24*time.Hour).Milliseconds() {
		t.Fatalf("%s %+v", etag, s)
	}
	change := func(match, body string) answer { return d.told("PATCH", path, body, "If-Match: "+match) }
	if res := change("", `{"state":"open"}`); res.StatusCode != http.StatusPreconditionRequired || !strings.Contains(res.text, "If-Match") {
		t.Errorf("without If-Match: %d %s", res.StatusCode, res.text)
	}
	res := change(etag, `{"state":"open","class":{"affected":60,"users":100,"urgency":"medium"},"why":"the whole floor"}`)
	if s := storyOf(t, res); res.StatusCode != http.StatusOK || s.Class.Severity != "high" || s.Class.Priority != 2 || s.State != "open" {
		t.Fatalf("%d %s", res.StatusCode, res.text)
	}
	if res := change(etag, `{"state":"resolved"}`); res.StatusCode != http.StatusPreconditionFailed || !strings.Contains(res.text, "version") {
		t.Errorf("an edit of what has changed: %d %s", res.StatusCode, res.text)
	}
	if res := change(res.Header.Get("ETag"), `{"state":"closed","handler":"9999"}`); res.StatusCode != http.StatusUnprocessableEntity ||
		!strings.Contains(res.text, "after open may come") || !strings.Contains(res.text, "9999") {
		t.Errorf("two faults: %d %s", res.StatusCode, res.text)
	}
	var what []string
	for _, c := range storyOf(t, d.told("GET", path, "")).History {
		what = append(what, c.What+" "+c.To+" "+c.Why)
	}
	want := []string{
		"affected 60 the whole floor", "users 100 the whole floor", "severity high the whole floor", "urgency medium the whole floor",
		"priority 2 the whole floor", "state open the whole floor",
	}
	if diff := cmp.Diff(want, what); diff != "" {
		t.Error(diff)
	}
	if list := d.told("GET", "/api/v1/tickets?state=new", ""); strings.Contains(list.text, "T-100001") {
		t.Errorf("listed among the new: %s", list.text)
	}
}
