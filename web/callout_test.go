package web_test

import (
	"strings"
	"testing"
	"time"

	"firstline/call"
)

func TestACustomerIsCalledFromTheLineThatTheyCalledNotFromOneThatAnAgentDialled(t *testing.T) {
	d := newDesk(t)
	now := time.Now().Add(-time.Hour)
	c := d.Arrive(now, "T-100001", call.Party{Number: "+4930123456"})
	for n, b := range []call.Arrived{
		{Ticket: "T-100001", From: call.Party{Number: "+4930123456"}, To: call.Party{Number: "+49800777"}, Out: true},
		{Ticket: "T-100001", From: call.Party{Number: "2001"}, To: call.Party{Number: "2005"}, Consult: c.ID},
	} {
		at := now.Add(time.Duration(n+1) * time.Minute)
		d.Add(call.CallEvent(at, call.NewID(at), b))
	}
	wantStatus(t, d.ask("POST", "/api/v1/tickets/T-100001/call", "agent-token", `{"agent":"ana"}`), 202)
	told := d.Paused()
	if last := told[len(told)-1]; !strings.HasSuffix(last, " as 1000") {
		t.Errorf("%q, want the line 1000", last)
	}
}
