package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/store"
)

// opened are the events that open a ticket and do things on it.
func opened(at time.Time, id call.TicketID, body call.TicketOpened, then ...call.Body) []call.Event {
	evs := []call.Event{call.TicketEvent(at, id, body)}
	for _, b := range then {
		evs = append(evs, call.TicketEvent(at, id, b))
	}
	return evs
}

func found(t *testing.T, s *store.Store, f store.TicketFilter) string {
	t.Helper()
	page, err := s.Tickets(t.Context(), f)
	if err != nil {
		t.Fatalf("%+v: %v", f, err)
	}
	var ids []string
	for _, x := range page.Items {
		ids = append(ids, string(x.ID))
	}
	return strings.Join(ids, " ")
}

func ticketsAreSearched(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	day := time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)
	ada := call.Party{Number: "+4930123456", Name: "Ada Müller"}
	Append(t, s.Journal(), opened(day, "T-1", call.TicketOpened{Subject: "Call about the router", Caller: ada, Client: "acme"},
		call.TicketNoted{Text: "Restarted it; the light is GREEN"},
		call.TicketClassified{Class: call.Classification{Priority: 2}},
		call.TicketAssigned{Handler: "ana"})...)
	Append(t, s.Journal(), opened(day.AddDate(0, 0, 1), "T-2", call.TicketOpened{Subject: "Printer", Caller: call.Party{Number: "+4940999"}, Client: "other"})...)
	Append(t, s.Journal(), opened(day.AddDate(0, 0, 2), "T-3", call.TicketOpened{Subject: "Router again", Caller: ada, Client: "acme"},
		call.TicketMoved{From: "new", To: "open"})...)
	Append(t, s.Journal(), call.TicketEvent(time.Now(), "T-2", call.TicketNoted{Text: "first: paper"}))
	Append(t, s.Journal(), call.TicketEvent(time.Now(), "T-2", call.TicketNoted{Text: `"second" OR (router NEAR/2 x) * ' & | ! :* -`}))
	for range 2 { // and once more after a restart
		for _, c := range []struct {
			name   string
			filter store.TicketFilter
			want   string
		}{
			{"a word of the subject", store.TicketFilter{Text: "ROUTER"}, "T-3 T-2 T-1"},
			{"words of subject and note", store.TicketFilter{Text: "green router"}, "T-1"},
			{"a beginning", store.TicketFilter{Text: "rou aga"}, "T-3"},
			{"without the accent", store.TicketFilter{Text: "muller"}, "T-3 T-1"},
			{"with it", store.TicketFilter{Text: "Müller"}, "T-3 T-1"},
			{"the beginning of a number", store.TicketFilter{Text: "+4930123"}, "T-3 T-1"},
			{"a number", store.TicketFilter{Text: "+4930123456"}, "T-3 T-1"},
			{"notes of different days", store.TicketFilter{Text: "second paper printer"}, "T-2"},
			{"no operator of any engine", store.TicketFilter{Text: `router OR printer`}, "T-2"},
			{"no phrase, no column, no negation", store.TicketFilter{Text: `"again router" words: -ada`}, ""},
			{"nothing but signs", store.TicketFilter{Text: `"' & | ! * ( :`}, ""},
			{"text that is no text", store.TicketFilter{Text: "rou\x00ter \xff"}, "T-3 T-2 T-1"},
			{"a text and a state", store.TicketFilter{Text: "router", State: "open"}, "T-3"},
			{"a caller", store.TicketFilter{Caller: "+4930123456"}, "T-3 T-1"},
			{"a client and a priority", store.TicketFilter{Client: "acme", Priority: 2}, "T-1"},
			{"a handler", store.TicketFilter{Handler: "ana"}, "T-1"},
			{"a time", store.TicketFilter{From: day.AddDate(0, 0, 1), To: day.AddDate(0, 0, 2)}, "T-2"},
			{"all", store.TicketFilter{}, "T-3 T-2 T-1"},
		} {
			if got := found(t, s, c.filter); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
		stop()
		s, stop = Start(t, p.Config)
	}
	pagesStay(t, s)
}

// pagesStay reads a search page by page while tickets come.
func pagesStay(t *testing.T, s *store.Store) {
	for i := range 7 {
		Append(t, s.Journal(), opened(time.Now(), call.TicketID(fmt.Sprintf("P-%d", i)), call.TicketOpened{Subject: "pageword"})...)
	}
	var got []string
	for before := int64(0); ; {
		page, err := s.Tickets(t.Context(), store.TicketFilter{Text: "pageword", Before: before, Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page.Items {
			got = append(got, string(x.ID))
		}
		Append(t, s.Journal(), opened(time.Now(), call.TicketID(fmt.Sprintf("N-%d", len(got))), call.TicketOpened{Subject: "pageword"})...)
		if before = page.Next; before == 0 {
			break
		}
	}
	if diff := cmp.Diff([]string{"P-6", "P-5", "P-4", "P-3", "P-2", "P-1", "P-0"}, got); diff != "" {
		t.Error(diff)
	}
}

func ticketsOfMonth(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	to := from.AddDate(0, 1, 0)
	mine := call.TicketOpened{Client: "acme"}
	done := call.TicketMoved{From: "new", To: "resolved"}
	at := func(day int) time.Time { return from.AddDate(0, 0, day) }
	Append(t, s.Journal(), opened(at(-9), "T-1", mine, done)...)                                         // over before
	Append(t, s.Journal(), opened(at(-8), "T-2", mine)...)                                               // still open
	Append(t, s.Journal(), append(opened(at(-7), "T-3", mine), call.TicketEvent(at(3), "T-3", done))...) // ended in it
	Append(t, s.Journal(), opened(at(5), "T-4", mine)...)
	Append(t, s.Journal(), opened(at(6), "T-5", call.TicketOpened{Client: "other"})...)
	Append(t, s.Journal(), opened(at(40), "T-6", mine)...) // later
	got, err := s.TicketsOf(t.Context(), "acme", from, to)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, x := range got {
		ids = append(ids, string(x.ID))
	}
	if diff := cmp.Diff([]string{"T-3", "T-4", "T-2"}, ids); diff != "" {
		t.Error(diff)
	}
}
