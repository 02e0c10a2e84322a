package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"firstline/call"
	"firstline/config"
	"firstline/store"
	"firstline/web"
)

// tape is a journal in memory.
type tape struct {
	events []call.Event
	seqs   map[call.Stream]int64
	agents []store.Agent
}

func (p *tape) add(evs ...call.Event) {
	if p.seqs == nil {
		p.seqs = make(map[call.Stream]int64)
	}
	for _, e := range evs {
		p.seqs[e.Stream]++
		e.Seq, e.Global = p.seqs[e.Stream], int64(len(p.events)+1)
		p.events = append(p.events, e)
	}
}

func (p *tape) Behind(_ context.Context, t time.Time) (int64, error) {
	var after int64
	for _, e := range p.events {
		if e.At.Before(t) {
			after = e.Global
		}
	}
	return after, nil
}

func (p *tape) read(limit int, of func(call.Event) bool) (out []call.Event) {
	for _, e := range p.events {
		if of(e) && len(out) < limit {
			out = append(out, e)
		}
	}
	return out
}

func (p *tape) Events(_ context.Context, after int64, limit int) ([]call.Event, error) {
	return p.read(limit, func(e call.Event) bool { return e.Global > after }), nil
}

func (p *tape) Story(_ context.Context, of call.Stream, after int64, limit int) ([]call.Event, error) {
	return p.read(limit, func(e call.Event) bool { return e.Stream == of && e.Seq > after }), nil
}

func (p *tape) Agents(context.Context) ([]store.Agent, error) { return p.agents, nil }

// Nobody's coming lies in the day that is read: each state is from before it.
func TestReportKnowsWhoWasThereWhenItBegan(t *testing.T) {
	from := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	presence := func(at time.Duration, id call.AgentID, p call.Presence, reason string) call.Event {
		return call.AgentEvent(from.Add(at), id, call.PresenceChanged{Presence: p, Reason: reason})
	}
	activity := func(at time.Duration, id call.AgentID, a call.Activity) call.Event {
		return call.AgentEvent(from.Add(at), id, call.ActivityChanged{Activity: a})
	}
	p := &tape{agents: []store.Agent{
		{ID: "stays"},
		{ID: "busy"},
		{ID: "pauses"},
		{ID: "comes"},
		{ID: "away"},
		{ID: "long", Presence: call.Available, Since: from.Add(-time.Hour)},
	}}
	p.add(presence(-100*time.Hour, "away", call.Available, ""), presence(-50*time.Hour, "away", call.LoggedOut, ""),
		presence(-30*time.Hour, "stays", call.Available, ""), presence(-20*time.Hour, "pauses", call.OnBreak, "lunch"),
		presence(-20*time.Hour, "busy", call.Available, ""))
	for n := range 3 * page { // the last word on presence lies some pages back
		p.add(activity(-19*time.Hour+time.Duration(n)*time.Second, "busy", []call.Activity{call.Talking, call.Idle}[n%2]))
	}
	p.add(activity(-time.Minute, "busy", call.Talking), activity(30*time.Minute, "busy", call.Idle),
		presence(30*time.Minute, "comes", call.Available, ""), presence(45*time.Minute, "pauses", call.Available, ""),
		presence(2*time.Hour, "stays", call.LoggedOut, ""))
	rep, err := webReports{p, newCentreHolder(&config.Centre{})}.SLA(t.Context(), web.SLAFilter{From: web.At(from), To: web.At(from.Add(time.Hour))})
	if err != nil {
		t.Fatal(err)
	}
	st := rep.Staff
	minutes := func(n int) int64 { return int64(n) * 60_000 }
	if st.Agents != 5 || st.StaffedMs != minutes(60+60+60+30+60) || st.StatesMs["talking"] != minutes(30) ||
		st.StatesMs["break"] != minutes(45) || st.BreaksMs["lunch"] != minutes(45) || st.StatesMs["ready"] != minutes(60+30+30+15+60) {
		t.Errorf("%+v", st)
	}
}

func TestClientOfACallIsThatOfTheNumberDialled(t *testing.T) {
	from := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	centre := newCentreHolder(&config.Centre{Numbers: map[string]config.Number{"1001": {Client: "acme"}, "1000": {}}})
	var p tape
	for i, number := range []string{"1000", "1001", "1001", "1999"} {
		at := from.Add(time.Duration(i) * time.Minute)
		id := call.NewID(at)
		p.add(call.CallEvent(at, id, call.Arrived{To: call.Party{Number: number}}),
			call.CallEvent(at, id, call.QueueJoined{Entry: id.Entry(1), Queue: "desk", Joined: at, Target: call.Target{Within: 20 * time.Second}}))
	}
	rep, err := webReports{&p, centre}.SLA(t.Context(), web.SLAFilter{From: web.At(from), To: web.At(from.Add(time.Hour)), ByClient: true})
	if err != nil {
		t.Fatal(err)
	}
	if q := rep.Queues; len(q) != 2 || *q[0].Client != "" || q[0].Offered != 2 || *q[1].Client != "acme" || q[1].Offered != 2 {
		t.Errorf("%+v", q)
	}
}

// A date of a report is read as far as any client's day goes, and belongs to the
// client whose clock shows it.
func TestDatesOfAReportAreReadInEachClientsZone(t *testing.T) {
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	centre := newCentreHolder(&config.Centre{
		Numbers: map[string]config.Number{"1": {Client: "east"}, "2": {Client: "west"}},
		Clients: map[string]config.Client{"east": {Zone: zone("Pacific/Kiritimati")}, "west": {Zone: zone("Pacific/Pago_Pago")}},
	})
	var p tape
	for hour := range 96 {
		at := time.Date(2026, 2, 27, hour, 0, 0, 0, time.UTC)
		for _, number := range []string{"1", "2"} {
			id := call.NewID(at)
			p.add(call.CallEvent(at, id, call.Arrived{To: call.Party{Number: number}}),
				call.CallEvent(at, id, call.QueueJoined{Entry: id.Entry(1), Queue: "desk", Joined: at}))
		}
	}
	filter := web.SLAFilter{ByClient: true}
	var errs [2]error
	filter.From, errs[0] = web.ParseEdge("2026-03-01")
	filter.To, errs[1] = web.ParseEdge("2026-03-02")
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	rep, err := webReports{&p, centre}.SLA(t.Context(), filter)
	if err != nil || len(rep.Queues) != 2 || rep.Zone != "UTC" {
		t.Fatalf("%v: %+v", err, rep)
	}
	for i, want := range []string{"2026-02-28T10:00:00Z", "2026-03-01T11:00:00Z"} {
		if q := rep.Queues[i]; q.From.Format(time.RFC3339) != want || q.Offered != 24 || !q.Complete {
			t.Errorf("%s: from %v, %d offered, want from %s", *q.Client, q.From, q.Offered, want)
		}
	}
}
