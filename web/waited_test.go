package web_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/web"
)

func TestWhyOfAnEndedCallNamesEachAgent(t *testing.T) {
	d := newDesk(t)
	at := call.Instant(clock().Add(-time.Hour))
	d.Hire(at.Add(-time.Minute), "ana", "Ana", call.Available, call.Idle)
	d.Hire(at.Add(-time.Minute), "ben", "Ben", call.OnBreak, call.Idle)
	c := d.Arrive(at, "T-100001", call.Party{Number: "+4930123456"}).Join("service-desk").After(2 * time.Second)
	d.Add(call.AgentEvent(at.Add(2*time.Second), "ben", call.PresenceChanged{Presence: call.LoggedOut, By: "self"}))
	c.Offer("ana").After(10*time.Second).Talk("service-desk", at).After(time.Minute).HangUp()
	why := decode[struct{ Waits []web.Waited }](t, d.ask("GET", "/api/v1/calls/"+string(c.ID)+"/why", "agent-token", ""))
	span := func(from, to int, reason string) web.StoodSpan {
		return web.StoodSpan{From: at.Add(time.Duration(from) * time.Second), To: at.Add(time.Duration(to) * time.Second), Reason: reason}
	}
	want := []web.Waited{{
		Entry: c.ID.Entry(1), Queue: "service-desk", From: at, To: at.Add(12 * time.Second), Offers: []web.Choice{},
		Agents: []web.AgentStood{
			{Agent: "ana", Spans: []web.StoodSpan{span(0, 2, "free"), span(2, 12, "rings for it")}},
			{Agent: "ben", Spans: []web.StoodSpan{span(0, 2, "on break"), span(2, 12, "logged out")}},
		},
	}}
	if diff := cmp.Diff(want, why.Waits); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

func TestWhySaysWhatThePriorityIsTheSumOf(t *testing.T) {
	d := newDesk(t)
	at := call.Instant(clock().Add(-time.Hour))
	c := d.Arrive(at, "T-100001", call.Party{Number: "+4930123456"})
	d.Add(call.CallEvent(at, c.ID, call.QueueJoined{
		Entry: c.ID.Entry(1), Queue: "service-desk", Joined: at, Priority: 40, Parts: call.Parts{
			{Of: call.OfQueue, Name: "service-desk", Points: 5},
			{Of: call.OfClass, Name: "gold", Points: 20},
			{Of: call.OfTicket, Points: 5},
			{Of: call.OfUnserved, Times: 2, Points: 10},
		},
	}), call.CallEvent(at.Add(time.Second), c.ID, call.QueueReprioritized{Entry: c.ID.Entry(1), Priority: 7, By: "supervisor:sue", Reason: "outage"}))
	why := decode[struct{ Reasons []web.Reason }](t, d.ask("GET", "/api/v1/calls/"+string(c.ID)+"/why", "agent-token", ""))
	want := "joined service-desk with priority 40 (5 of queue service-desk, 20 of class gold, 5 of its ticket, " +
		"10 for 2 calls that nobody answered), asking for anybody; to be answered within 0s"
	if len(why.Reasons) != 2 || why.Reasons[0].Text != want || why.Reasons[1].Text != "supervisor:sue set priority 7: outage" {
		t.Errorf("%+v, want %q", why.Reasons, want)
	}
}
