package web_test

import (
	"testing"
	"time"

	"firstline/call"
	"firstline/web"
)

func TestPromptsThatWereSpokenAreListedPlayedAndDeletedBySupervisors(t *testing.T) {
	d := newDesk(t)
	i := d.Know("service-desk")
	id := d.Spoke(time.Now(), i, "agent:2001")
	path := "/api/v1/prompts/" + string(id)
	all := decode[struct{ Prompts []web.SpokenPrompt }](t, d.ask("GET", "/api/v1/prompts", "agent-token", "")).Prompts
	if len(all) != 1 || !all[0].Heard || all[0].Incident != i || all[0].Recorded.By != "agent:2001" || all[0].Seconds != 4 || all[0].Key != id.Key() {
		t.Errorf("%+v", all)
	}
	wantStatus(t, d.ask("GET", path+"/audio", "agent-token", ""), 403)
	wantStatus(t, d.ask("DELETE", path, "agent-token", ""), 403)
	wantStatus(t, d.ask("GET", path+"/audio", "supervisor-token", ""), 200)
	wantStatus(t, d.ask("DELETE", path, "supervisor-token", ""), 409) // callers hear it
	wantStatus(t, d.ask("POST", "/api/v1/incidents/"+string(i)+"/end", "supervisor-token", `{}`), 200)
	wantStatus(t, d.ask("DELETE", path, "supervisor-token", ""), 204)
	wantStatus(t, d.ask("DELETE", path, "supervisor-token", ""), 404)
	wantStatus(t, d.ask("GET", path+"/audio", "supervisor-token", ""), 404)
	evs, err := d.Events(t.Context(), web.EventFilter{Stream: call.Stream{Kind: call.StreamPrompt, ID: call.PromptStream}, Limit: 9})
	if err != nil || len(evs) != 3 {
		t.Fatalf("%d events, %v", len(evs), err)
	}
	played, _ := evs[1].Body.(call.PromptPlayed)
	deleted, _ := evs[2].Body.(call.PromptDeleted)
	if played.By == "" || played.By != deleted.By {
		t.Errorf("played by %q, deleted by %q", played.By, deleted.By)
	}
}
