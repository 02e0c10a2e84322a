package web_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/web"
)

type lostList struct {
	Callers []web.LostCaller
	Next    string
}

func TestLostCallerIsListedTriedAndTakenOffTheListOnce(t *testing.T) {
	d := newDesk(t)
	now := clock().UTC()
	from := call.Party{Number: "030 123456"}
	first := d.Arrive(now, "T-100001", from)
	id := d.Lose(now, first, from)
	again := d.Arrive(now, "T-100002", call.Party{Number: "+4930123456"})
	d.Lose(now.Add(time.Hour), again, call.Party{Number: "+4930123456"})
	d.Lose(now, d.Arrive(now, "T-100003", call.Party{}), call.Party{})

	open := decode[lostList](t, d.ask("GET", "/api/v1/lost-callers?limit=1", "agent-token", ""))
	if len(open.Callers) != 1 || open.Next == "" {
		t.Fatalf("%+v", open)
	}
	rest := decode[lostList](t, d.ask("GET", "/api/v1/lost-callers?limit=1&cursor="+open.Next, "agent-token", ""))
	if len(rest.Callers) != 1 || rest.Next != "" {
		t.Fatalf("%+v", rest)
	}
	path := "/api/v1/lost-callers/" + string(id)
	got := decode[web.LostCaller](t, d.ask("GET", path, "agent-token", ""))
	if got.Number != "+4930123456" || got.From.Number != from.Number || got.Call != first.ID || got.Ticket != "T-100001" || got.Count != 2 ||
		len(got.Calls) != 2 || got.Calls[1].Call != again.ID || !got.Open || !got.Joined.Equal(now.Add(-time.Minute).Truncate(time.Microsecond)) || got.Reason != "abandoned" {
		t.Errorf("%+v", got)
	}
	got = decode[web.LostCaller](t, d.ask("POST", path+"/tries", "agent-token", `{"reached":false,"note":"engaged"}`))
	if len(got.Tries) != 1 || !strings.HasPrefix(got.Tries[0].By, "agent:") || got.Tries[0].Note != "engaged" || !got.Open {
		t.Errorf("%+v", got)
	}
	got = decode[web.LostCaller](t, d.ask("POST", path+"/tries", "agent-token", `{"reached":true}`))
	if got.Open || got.End != call.LostCalledBack || got.Ended == nil {
		t.Errorf("%+v", got)
	}
	for verb, body := range map[string]string{"/tries": `{"reached":true}`, "/resolve": `{}`, "/decline": `{"reason":"r"}`} {
		wantStatus(t, d.ask("POST", path+verb, "agent-token", body), 409)
	}
	ended := decode[lostList](t, d.ask("GET", "/api/v1/lost-callers?state=ended&end=called-back", "agent-token", ""))
	all := decode[lostList](t, d.ask("GET", "/api/v1/lost-callers?state=all", "agent-token", ""))
	if len(ended.Callers) != 1 || ended.Callers[0].ID != id || len(all.Callers) != 2 {
		t.Errorf("ended %+v, all %+v", ended, all)
	}
	wantStatus(t, d.ask("GET", "/api/v1/lost-callers/none", "agent-token", ""), 404)
	wantStatus(t, d.ask("POST", "/api/v1/lost-callers/none/tries", "agent-token", `{"reached":true}`), 404)
	wantStatus(t, d.ask("GET", "/api/v1/lost-callers?state=gone", "agent-token", ""), 422)
}

func TestEndOfALostCallerSaidTwiceIsSaidOnce(t *testing.T) {
	d := newDesk(t)
	now := clock()
	for verb, body := range map[string]string{"resolve": `{"note":"by mail"}`, "decline": `{"reason":"a prank"}`} {
		path := "/api/v1/lost-callers/" + string(d.Lose(now, d.Arrive(now, "T-100001", call.Party{}), call.Party{}))
		wantStatus(t, d.ask("POST", path+"/"+verb, "agent-token", "{}"), map[string]int{"resolve": 200, "decline": 422}[verb])
		wantStatus(t, d.ask("POST", path+"/"+verb, "agent-token", body), 200)
		wantStatus(t, d.ask("POST", path+"/"+verb, "supervisor-token", body), 200)
		if story, err := d.Events(t.Context(), web.EventFilter{Stream: call.Stream{Kind: call.StreamLost, ID: path[len("/api/v1/lost-callers/"):]}, Limit: 9}); err != nil || len(story) != 2 {
			t.Errorf("%s: %d events, %v", verb, len(story), err)
		}
	}
}

func TestAgentProposesASupervisorApprovesAndLifts(t *testing.T) {
	d := newDesk(t)
	now := clock()
	c := d.Arrive(now, "T-100001", call.Party{Number: "030123456"})
	until := now.Add(48 * time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)

	wantStatus(t, d.ask("POST", "/api/v1/blocks", "agent-token", `{"call":"`+string(c.ID)+`","reason":"threats"}`), 422) // for ever is for a supervisor
	wantStatus(t, d.ask("POST", "/api/v1/blocks", "agent-token", `{"reason":"threats","until":"`+until+`"}`), 422)
	wantStatus(t, d.ask("POST", "/api/v1/blocks", "agent-token", `{"number":"112","reason":"threats","until":"`+until+`"}`), 422)
	wantStatus(t, d.ask("POST", "/api/v1/blocks", "agent-token", `{"call":"none","reason":"threats","until":"`+until+`"}`), 404)
	b := decode[web.Block](t, d.ask("POST", "/api/v1/blocks", "agent-token", `{"call":"`+string(c.ID)+`","reason":"threats","until":"`+until+`"}`))
	if b.Number != "+4930123456" || b.State != "proposed" || b.Holds || b.Call != c.ID || !strings.HasPrefix(b.Proposed.By, "agent:") || b.Approved != nil {
		t.Errorf("%+v", b)
	}
	wantStatus(t, d.ask("POST", "/api/v1/blocks", "agent-token", `{"number":"+49 30 123456","reason":"again","until":"`+until+`"}`), 409)
	path := "/api/v1/blocks/" + string(b.ID)
	wantStatus(t, d.ask("POST", path+"/lift", "supervisor-token", `{"reason":"no"}`), 409)
	b = decode[web.Block](t, d.ask("POST", path+"/approve", "supervisor-token", `{}`))
	if b.State != "in-force" || !b.Holds || b.Approved == nil || !strings.HasPrefix(b.Approved.By, "supervisor:") || b.Until == nil || b.Until.Format(time.RFC3339) != until {
		t.Errorf("%+v", b)
	}
	b = decode[web.Block](t, d.ask("POST", path+"/approve", "supervisor-token", `{"forever":true}`))
	if b.Until != nil || !b.Holds {
		t.Errorf("%+v", b)
	}
	wantStatus(t, d.ask("POST", path+"/decline", "supervisor-token", `{"reason":"no"}`), 409)
	for range 2 { // what is so already is not said twice
		b = decode[web.Block](t, d.ask("POST", path+"/lift", "supervisor-token", `{"reason":"they apologised"}`))
	}
	if b.State != "lifted" || b.Holds || b.Ended == nil || b.Ended.Note != "they apologised" {
		t.Errorf("%+v", b)
	}
	wantStatus(t, d.ask("POST", path+"/approve", "supervisor-token", `{"forever":true}`), 409)
	list := func(query string) int {
		return len(decode[struct{ Blocks []web.Block }](t, d.ask("GET", "/api/v1/blocks"+query, "agent-token", "")).Blocks)
	}
	if all, live, over := list(""), list("?live=true"), list("?live=false"); all != 1 || live != 0 || over != 1 {
		t.Errorf("%d in all, %d live, %d over", all, live, over)
	}
	wantStatus(t, d.ask("GET", "/api/v1/blocks/none", "agent-token", ""), 404)
	own := decode[web.Block](t, d.ask("POST", "/api/v1/blocks", "supervisor-token", `{"number":"withheld","reason":"a wave of pranks"}`))
	if own.State != "in-force" || own.Until != nil || own.Approved == nil {
		t.Errorf("a supervisor's own: %+v", own)
	}
}

func TestPanicButtonAnswersWithTheBlockAndShowsInTheCall(t *testing.T) {
	d := newDesk(t)
	now := clock().Add(-time.Minute)
	d.Hire(now, "ana", "Ana", call.Available, call.Idle)
	c := d.Arrive(now, "T-100001", call.Party{Number: "+4930123456"}).Join("service-desk").Offer("ana").Talk("service-desk", now)
	d.Add(call.CallEvent(now, c.ID, call.Panicked{By: "agent:ana", Reason: "threats"}))
	res := decode[struct{ Block *web.Block }](t, d.ask("POST", "/api/v1/calls/"+string(c.ID)+"/panic", "agent-token", `{"reason":"threats"}`))
	if res.Block == nil || res.Block.State != "proposed" || !res.Block.Holds || res.Block.Hold == nil || res.Block.Reason != "threats" {
		t.Errorf("%+v", res.Block)
	}
	if got := decode[web.Call](t, d.ask("GET", "/api/v1/calls/"+string(c.ID), "agent-token", "")); got.Panic == nil || got.Panic.Note != "threats" {
		t.Errorf("%+v", got.Panic)
	}
	waiting := d.Arrive(now, "T-100002", call.Party{}).Join("service-desk")
	wantStatus(t, d.ask("POST", "/api/v1/calls/"+string(waiting.ID)+"/panic", "agent-token", ""), 409)
}

func TestWhatAPersonSaysWhileTheDatabaseIsAwayIsRefused(t *testing.T) {
	d := newDesk(t)
	now := clock()
	lost := "/api/v1/lost-callers/" + string(d.Lose(now, d.Arrive(now, "T-100001", call.Party{}), call.Party{}))
	block := "/api/v1/blocks/" + string(d.Propose("+4930123", "agent:ana", false))
	d.Reject = errors.Join(web.ErrUnavailable, errors.New("the database is away"))
	wantStatus(t, d.ask("POST", lost+"/tries", "agent-token", `{"reached":false}`), 503)
	wantStatus(t, d.ask("POST", block+"/approve", "supervisor-token", `{}`), 503)
}

func TestBoardAndMetricsShowWhoIsOwedACall(t *testing.T) {
	d := newDesk(t)
	now := clock()
	next := messages(t, d.ask("GET", "/api/v1/live", "kiosk-token", ""))
	shows := func(text string) {
		t.Helper()
		until(t, next, func(m message) bool { return strings.Contains(m.data, text) })
	}
	joined := func(at time.Time) string { return at.Add(-time.Minute).Format(time.RFC3339Nano) }
	older := d.Lose(now.Add(-time.Hour), d.Arrive(now, "T-100001", call.Party{}), call.Party{})
	d.Lose(now, d.Arrive(now, "T-100002", call.Party{}), call.Party{})
	shows(`"lost_open":2,"lost_since":"` + joined(now.Add(-time.Hour)))
	wantStatus(t, d.ask("POST", "/api/v1/lost-callers/"+string(older)+"/resolve", "agent-token", `{}`), 200)
	shows(`"lost_open":1,"lost_since":"` + joined(now))
	page := text(t, d.ask("GET", "/metrics", "", ""))
	for _, want := range []string{"firstline_lost_callers_open 1", `firstline_lost_callers_ended_total{end="resolved-elsewhere"} 1`, "firstline_lost_callers_oldest_seconds 6"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the metrics", want)
		}
	}
}
