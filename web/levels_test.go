package web_test

import (
	"testing"

	"firstline/call"
	"firstline/web"
)

func TestATicketIsHandedUpAcceptedAndReturnedOnTheVersionThatWasRead(t *testing.T) {
	d := newDesk(t)
	d.Arrive(clock().UTC(), "T-100001", call.Party{Number: "+4930123"})
	const path = "/api/v1/tickets/T-100001"
	form := `{"group":"network","tried":"rebooted","findings":"frames are lost","articles":["k1"]}`
	wantStatus(t, d.ask("POST", path+"/escalate", "agent-token", form), 428)
	wantStatus(t, d.ask("POST", path+"/escalate", "agent-token", `{"group":"none","tried":"a","findings":"b"}`, `If-Match: "0"`), 422)
	wantStatus(t, d.ask("POST", path+"/escalate", "agent-token", form, `If-Match: "0"`), 200)
	wantStatus(t, d.ask("POST", path+"/accept", "agent-token", `{"agent":"ben"}`, `If-Match: "0"`), 412)
	got := decode[web.TicketStory](t, d.ask("POST", path+"/accept", "agent-token", `{"agent":"ben"}`, `If-Match: "1"`))
	if got.Handler != "ben" || got.Support.Level != 2 || got.Support.Place != "group" || len(got.Support.Steps) != 1 || got.Support.Steps[0].Findings != "frames are lost" {
		t.Fatalf("%+v", got.Support)
	}
	if c := got.Support.Steps[0].Clocks; len(c) != 2 || !c[0].Promised || c[0].WithinMs != 30*60*1000 || c[0].State != "stopped" {
		t.Errorf("%+v", c)
	}
	got = decode[web.TicketStory](t, d.ask("POST", path+"/return", "agent-token", `{"why":"not the network"}`, `If-Match: "2"`))
	if got.Support.Level != 1 || got.Support.Place != "desk" || got.Support.Steps[0].Left.Note != "not the network" {
		t.Errorf("%+v", got.Support)
	}
}
