package config_test

import (
	"testing"
	"testing/fstest"
	"time"

	"firstline/call"
	"firstline/config"
	"firstline/tickets"
)

func TestContractIsMeasuredByItsCalendarInItsZone(t *testing.T) {
	c, err := config.LoadCentre(fstest.MapFS{
		"numbers.yaml": {Data: []byte("1000: {queue: desk, client: acme}\n")},
		"queues.yaml":  {Data: []byte("desk: {}\n")},
		"clients.yaml": {Data: []byte("acme: {name: Acme, contract: gold}\n")},
		"hours.yaml":   {Data: []byte("calendars:\n  office: {zone: Europe/Berlin, weekly: {mon-fri: [\"08:00-18:00\"]}}\n")},
		"tickets.yaml": {Data: []byte(`
reopen: 48h
services: {mail: Mail}
matrix: {low: {low: 4}}
contracts:
  gold:
    hours: office
    default: 3
    targets: {1: {resolution: 4h, around-the-clock: true}, 3: {response: 1h, resolution: 8h}}
    services: {mail: {1: {resolution: 1h}}}
`)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Tickets; got.Reopen != 48*time.Hour || got.Rules.Matrix["low"]["low"] != 4 || got.Rules.Matrix["low"]["high"] != 3 {
		t.Errorf("%+v", got)
	}
	opened := time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC) // a Friday, 17:00 in Berlin
	var ticket tickets.Ticket
	apply := func(b call.Body) {
		t.Helper()
		if err := ticket.Apply(call.TicketEvent(opened, "T-1", b)); err != nil {
			t.Fatal(err)
		}
	}
	due := func() string {
		return ticket.Clocks(c.Tickets.Contracts[c.Clients["acme"].Contract], opened)[2].Due.UTC().Format(time.RFC3339)
	}
	apply(call.TicketOpened{Client: "acme"})
	if got := due(); got != "2026-11-23T14:00:00Z" {
		t.Errorf("8 hours of the office's week later: %s", got)
	}
	apply(call.TicketClassified{Class: call.Classification{Priority: 1}})
	if got := due(); got != "2026-11-20T20:00:00Z" {
		t.Errorf("4 hours around the clock later: %s", got)
	}
	apply(call.TicketClassified{Class: call.Classification{Priority: 1, Service: "mail"}})
	if got := due(); got != "2026-11-20T17:00:00Z" {
		t.Errorf("an hour of the office's week later: %s", got)
	}
}
