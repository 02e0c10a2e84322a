package callers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"firstline/call"
)

func day() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

// phoned is one call from a number; agent empty means that it left as out.
func phoned(b *Book, at time.Time, number string, agent call.AgentID, out call.Outcome) {
	id := call.NewID(at)
	b.Apply(call.CallEvent(at, id, call.Arrived{From: call.Party{Number: number}}))
	b.Apply(call.CallEvent(at, id, call.QueueLeft{Entry: id.Entry(1), Outcome: out}))
	if agent != "" {
		b.Apply(call.CallEvent(at, id, call.Connected{Agent: agent}))
	}
	b.Apply(call.CallEvent(at, id, call.Ended{Outcome: out}))
}

func TestNumberIsRememberedWithItsLastAgent(t *testing.T) {
	b, at := New(24*time.Hour, nil), day()
	phoned(b, at, "+4930123", "ana", call.OutcomeAnswered)
	phoned(b, at.Add(time.Hour), "+4930123", "ben", call.OutcomeAnswered)
	if a, ok := b.Handler("+4930123", at); !ok || a != "ben" {
		t.Errorf("%q %v", a, ok)
	}
	if a, ok := b.Handler("+4930123", at.Add(2*time.Hour)); ok {
		t.Errorf("too long ago, and still %q", a)
	}
}

func TestUnservedCallsCountUntilTheCallerIsServed(t *testing.T) {
	b, at := New(24*time.Hour, nil), day()
	phoned(b, at, "+4930123", "", call.OutcomeAbandoned)
	phoned(b, at.Add(time.Minute), "+4930123", "", call.OutcomeAbandonedShort) // a slip of the finger
	phoned(b, at.Add(2*time.Minute), "+4930123", "", call.OutcomeTimeoutOverflow)
	if n := b.Unserved("+4930123", at); n != 2 {
		t.Errorf("%d, want 2", n)
	}
	phoned(b, at.Add(3*time.Minute), "+4930123", "ana", call.OutcomeAnswered)
	if n := b.Unserved("+4930123", at); n != 0 {
		t.Errorf("served, and still %d", n)
	}
}

// A number that dials without end is as unserved today as it was yesterday.
func TestTheLatestUnservedCallsCount(t *testing.T) {
	b, at := New(24*time.Hour, nil), day()
	for i := range 2 * mostUnserved {
		phoned(b, at.Add(time.Duration(i)*time.Minute), "+4930123", "", call.OutcomeAbandoned)
	}
	since := at.Add((2*mostUnserved - 3) * time.Minute)
	if n := b.Unserved("+4930123", since); n != 3 {
		t.Errorf("%d in the last three minutes, want 3", n)
	}
}

func TestCallsThatWePlaceAreNoComplaint(t *testing.T) {
	b, at := New(24*time.Hour, nil), day()
	id := call.NewID(at)
	b.Apply(call.CallEvent(at, id, call.Arrived{From: call.Party{Number: "+4930123"}, Out: true}))
	b.Apply(call.CallEvent(at, id, call.QueueLeft{Entry: id.Entry(1), Outcome: call.OutcomeAbandoned}))
	if n := b.Unserved("+4930123", at); n != 0 {
		t.Errorf("%d, want 0", n)
	}
	b.Apply(call.CallEvent(at, id, call.Connected{Agent: "ana"}))
	if a, ok := b.Handler("+4930123", at); !ok || a != "ana" {
		t.Errorf("%q %v", a, ok)
	}
}

func TestTicketIsRememberedWithTheAgentOfItsLastTalk(t *testing.T) {
	b, at := New(24*time.Hour, nil), day()
	for i, agent := range []call.AgentID{"ana", "ben"} {
		at := at.Add(time.Duration(i) * time.Hour)
		id := call.NewID(at)
		b.Apply(call.CallEvent(at, id, call.Arrived{Ticket: "T-1"})) // withheld: the ticket is known all the same
		b.Apply(call.CallEvent(at, id, call.Connected{Agent: agent}))
		b.Apply(call.CallEvent(at, id, call.Ended{}))
	}
	if a, ok := b.OfTicket("T-1"); !ok || a != "ben" {
		t.Errorf("%q %v", a, ok)
	}
	if a, ok := b.OfTicket("T-2"); ok {
		t.Errorf("a ticket without a talk has %q", a)
	}
}

func TestOneCallerHasOneFormOfTheNumber(t *testing.T) {
	b, at := New(24*time.Hour, func(a call.Arrived) string { return strings.Replace(a.From.Number, "00", "+", 1) }), day()
	phoned(b, at, "004930123", "ana", call.OutcomeAnswered)
	if a, ok := b.Handler("+4930123", at); !ok || a != "ana" {
		t.Errorf("%q %v", a, ok)
	}
}

func TestTwoWithheldNumbersAreNotOneCaller(t *testing.T) {
	b, at := New(24*time.Hour, nil), day()
	phoned(b, at, "", "ana", call.OutcomeAnswered)
	phoned(b, at, "", "", call.OutcomeAbandoned)
	if a, ok := b.Handler("", at); ok || b.Unserved("", at) != 0 {
		t.Errorf("a withheld number has %q", a)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	b, at := New(time.Hour, nil), day()
	for i := range 5000 {
		phoned(b, at.Add(time.Duration(i)*time.Minute), fmt.Sprintf("+49%d", i), "", call.OutcomeAbandoned)
	}
	if len(b.past) > 200 || len(b.open) != 0 || len(b.tickets) > 200 {
		t.Errorf("%d numbers and %d open calls are kept", len(b.past), len(b.open))
	}
}
