package web_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/web"
)

func TestACallbackIsListedChangedAndWithdrawnOnce(t *testing.T) {
	d := newDesk(t)
	now := clock()
	c := d.Arrive(now, "T-100001", call.Party{Number: "+4930123456"})
	id := d.AskBack(now, c.ID)
	path := "/api/v1/callbacks/" + string(id)
	after := now.Add(time.Hour).UTC().Truncate(time.Second)
	wantStatus(t, d.ask("PATCH", path, "supervisor-token", `{"number":"+4930987","after":"`+after.Format(time.RFC3339)+`"}`), 204)
	list := decode[struct{ Callbacks []web.Callback }](t, d.ask("GET", "/api/v1/callbacks?open=true", "agent-token", ""))
	if len(list.Callbacks) != 1 {
		t.Fatalf("%d open callbacks", len(list.Callbacks))
	}
	got := list.Callbacks[0]
	if got.Customer.Number != "+4930987" || got.After == nil || !got.After.Equal(after) || got.Live || got.End != "" {
		t.Errorf("the callback: %+v", got)
	}
	wantStatus(t, d.ask("PATCH", path, "supervisor-token", `{}`), 422)
	wantStatus(t, d.ask("POST", path+"/withdraw", "supervisor-token", `{"reason":"solved by mail"}`), 204)
	wantStatus(t, d.ask("POST", path+"/withdraw", "supervisor-token", `{"reason":"again"}`), 409)
	wantStatus(t, d.ask("GET", "/api/v1/callbacks/none", "agent-token", ""), 404)
	ended := decode[web.Callback](t, d.ask("GET", path, "agent-token", ""))
	if d := cmp.Diff([]string{"withdrawn", "solved by mail"}, []string{string(ended.End), ended.Reason}); d != "" || ended.Ended == nil {
		t.Errorf("%s: %+v", d, ended)
	}
}
