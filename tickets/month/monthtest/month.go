// Package monthtest is October 2026 of two clients, calculated by hand: the events of its
// tickets, and what a report has to say. ../testdata/2026-10.md writes the calculation out.
package monthtest

import (
	"testing"
	"time"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/month"
)

// Month is the month.
const Month month.Month = "2026-10"

// Sealed is when it is reported, and Corrected when once more.
func Sealed() time.Time { return at("2026-11-01T12:00:00Z") }

// Corrected is when the month was corrected.
func Corrected() time.Time { return at("2026-11-06T12:00:00Z") }

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// hours are openings by the clock on the wall, found minute by minute: slow, and plain.
type hours struct {
	zone     *time.Location
	from, to int // hours of the day; from after to is over midnight
	weekend  bool
}

func (h hours) is(t time.Time) bool {
	t = t.In(h.zone)
	if day := t.Weekday(); !h.weekend && (day == time.Saturday || day == time.Sunday) {
		return false
	}
	if h.from > h.to {
		return t.Hour() >= h.from || t.Hour() < h.to
	}
	return t.Hour() >= h.from && t.Hour() < h.to
}

// Open implements clock.Calendar.
func (h hours) Open(t time.Time) (bool, time.Time) {
	is := h.is(t)
	for next := t.Truncate(time.Minute).Add(time.Minute); ; next = next.Add(time.Minute) {
		if h.is(next) != is {
			return is, next
		}
	}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// Inputs are the reports to make of each client, without tickets and the instant.
func Inputs(t testing.TB) []month.Input {
	berlin, york := zone(t, "Europe/Berlin"), zone(t, "America/New_York")
	return []month.Input{
		{Client: "acme", Contract: "nights", Zone: berlin, Month: Month, Centre: "c1", Terms: tickets.Contract{
			Hours: hours{berlin, 20, 10, true}, Default: 2, Targets: map[int]tickets.Targets{2: {Response: time.Hour, Resolution: 14 * time.Hour}},
		}},
		{Client: "globex", Contract: "office", Zone: york, Month: Month, Centre: "c1", Terms: tickets.Contract{
			Hours: hours{york, 6, 20, false}, Default: 3, Targets: map[int]tickets.Targets{
				1: {Resolution: 4 * time.Hour}, 3: {Response: 4 * time.Hour, Update: 8 * time.Hour, Resolution: 24 * time.Hour},
			},
		}},
	}
}

// Events are what happened, by ticket.
func Events() []call.Event {
	var all []call.Event
	ticket := func(id call.TicketID, client string, opened string, story ...any) {
		all = append(all, call.TicketEvent(at(opened), id, call.TicketOpened{Client: client}))
		for i := 0; i < len(story); i += 2 {
			when, _ := story[i].(string)
			body, _ := story[i+1].(call.Body)
			all = append(all, call.TicketEvent(at(when), id, body))
		}
	}
	taken, told := call.TicketTaken{Agent: "ana", Level: 1}, call.TicketTold{By: "agent:ana", How: "mail"}
	to := func(state tickets.State) call.Body { return call.TicketMoved{To: string(state), By: "agent:ana"} }
	ticket("A1", "acme", "2026-10-24T18:00:00Z", "2026-10-24T18:20:00Z", taken, "2026-10-25T08:30:00Z", to(tickets.Resolved))
	ticket("A2", "acme", "2026-09-30T22:30:00Z", "2026-09-30T23:45:00Z", taken, "2026-10-01T02:00:00Z", to(tickets.Resolved))
	ticket("A3", "acme", "2026-09-30T21:30:00Z", "2026-10-02T21:30:00Z", to(tickets.Resolved))
	ticket("A4", "acme", "2026-10-10T10:00:00Z", "2026-10-10T18:59:00Z", taken, "2026-10-10T19:00:00Z", to(tickets.WaitingCustomer),
		"2026-10-11T18:00:00Z", to(tickets.Open), "2026-10-12T07:00:00Z", to(tickets.Resolved))
	ticket("A5", "acme", "2026-10-31T22:30:00Z")
	ticket("G1", "globex", "2026-10-12T10:00:00Z", "2026-10-12T10:05:00Z", call.TicketClassified{Class: call.Classification{Priority: 1}},
		"2026-10-12T10:30:00Z", taken, "2026-10-12T15:00:00Z", to(tickets.Resolved), "2026-10-13T09:00:00Z", call.TicketExcluded{
			From: at("2026-10-12T11:00:00Z"), To: at("2026-10-12T12:30:00Z"), Why: "=the customer's site was closed", By: "supervisor:kim",
		})
	ticket("G2", "globex", "2026-10-16T22:00:00Z", "2026-10-19T12:30:00Z", taken, "2026-10-19T23:00:00Z", told, "2026-10-20T11:00:00Z", to(tickets.Resolved))
	ticket("G3", "globex", "2026-11-01T03:30:00Z")
	ticket("G4", "globex", "2026-10-20T14:00:00Z", "2026-10-20T14:05:00Z", call.TicketClassified{Class: call.Classification{Kind: tickets.NotTechnical}})
	ticket("G5", "globex", "2026-10-21T10:00:00Z", "2026-10-28T10:00:00Z", to(tickets.Resolved),
		"2026-10-29T10:00:00Z", call.TicketExcluded{Why: "opened by mistake", By: "supervisor:kim"})
	return all
}

// Correction is what is approved of A1 after the month was sealed.
func Correction() call.Event {
	return call.TicketEvent(at("2026-11-05T09:00:00Z"), "A1", call.TicketExcluded{
		From: at("2026-10-25T00:00:00Z"), To: at("2026-10-25T01:00:00Z"), Why: "the provider's outage", By: "supervisor:kim",
	})
}
