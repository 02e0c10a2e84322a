package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"firstline/call"
)

func TestTicketsAreMergedAndSplitByVersionAndTheirNumbersStayGood(t *testing.T) {
	d := newDesk(t)
	first, second := time.Now().Add(-3*time.Hour), time.Now().Add(-time.Hour)
	d.Arrive(first, "T-100001", call.Party{Number: "+4930123"})
	again := d.Arrive(second, "T-100002", call.Party{Number: "+4930123"})
	const older, newer = "/api/v1/tickets/T-100001", "/api/v1/tickets/T-100002"
	if res := d.told("POST", newer+"/notes", `{"text":"the printer again"}`); res.StatusCode != http.StatusCreated {
		t.Fatal(res.text)
	}
	if res := d.told("POST", newer+"/merge", `{"into":"T-100001","why":"one printer"}`, `If-Match: "7"`); res.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("on another version: %d %s", res.StatusCode, res.text)
	}
	if res := d.told("POST", newer+"/merge", `{"into":"T-100002"}`, `If-Match: "0"`); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("into itself: %d %s", res.StatusCode, res.text)
	}
	merged := d.told("POST", newer+"/merge", `{"into":"T-100001","why":"one printer"}`, `If-Match: "0"`)
	for _, want := range []string{`"absorbed":["T-100002"]`, `the printer again`, string(again.ID), `"what":"absorbed"`, `one printer`} {
		if merged.StatusCode != http.StatusOK || !strings.Contains(merged.text, want) {
			t.Errorf("merged: no %s: %d %s", want, merged.StatusCode, merged.text)
		}
	}
	if res := d.told("GET", newer, ""); !strings.Contains(res.text, `"state":"merged"`) || !strings.Contains(res.text, `"into":"T-100001"`) || !strings.Contains(res.text, `"clocks":[]`) {
		t.Errorf("the merged one: %s", res.text)
	}
	if res := d.told("PATCH", newer, `{"state":"open"}`, `If-Match: "1"`); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.text, "goes on in T-100001") {
		t.Errorf("changed after it was merged: %d %s", res.StatusCode, res.text)
	}
	split := d.told("POST", older+"/split", `{"calls":["`+string(again.ID)+`"],"why":"it is the scanner"}`, "If-Match: "+merged.Header.Get("ETag"))
	if split.StatusCode != http.StatusOK || !strings.Contains(split.text, `"what":"split-from","from":"T-100001"`) || !strings.Contains(split.text, string(again.ID)) {
		t.Errorf("split: %d %s", split.StatusCode, split.text)
	}
	if res := d.told("GET", older, ""); strings.Contains(res.text, string(again.ID)) {
		t.Errorf("the call is still there: %s", res.text)
	}
	if res := d.told("GET", "/api/v1/calls/"+string(again.ID), ""); strings.Contains(res.text, `"ticket":"T-10000`) {
		t.Errorf("the call's own word: %s", res.text)
	}
}
