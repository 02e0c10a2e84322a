package tickets_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/tickets"
)

func TestSeverityComesFromTheShareOfUsersAndPriorityFromTheMatrix(t *testing.T) {
	for name, c := range map[string]struct {
		class    call.Classification
		severity string
		priority int
	}{
		"below the first band":       {call.Classification{Affected: 14, Users: 100, Urgency: "medium"}, "low", 4},
		"at the first band":          {call.Classification{Affected: 15, Users: 100, Urgency: "medium"}, "medium", 3},
		"at the second":              {call.Classification{Affected: 1, Users: 2, Urgency: "medium"}, "high", 2},
		"at the third":               {call.Classification{Affected: 9, Users: 10, Urgency: "low"}, "critical", 2},
		"a breach overrides":         {call.Classification{Kind: tickets.SecurityBreach, Affected: 1, Users: 1000, Urgency: "low"}, "critical", 2},
		"said where nobody counted":  {call.Classification{Severity: "high", Urgency: "high"}, "high", 1},
		"no urgency yet":             {call.Classification{Severity: "high"}, "high", 0},
		"an override stays":          {call.Classification{Severity: "low", Urgency: "low", Priority: 1, Override: "the board meets"}, "low", 1},
		"what is not technical":      {call.Classification{Kind: tickets.NotTechnical, Severity: "high", Urgency: "high"}, "", 0},
		"a priority without a cause": {call.Classification{Severity: "low", Urgency: "low", Priority: 1}, "low", 5},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tickets.DefaultRules().Rate(c.class)
			if err != nil || got.Severity != c.severity || got.Priority != c.priority || got.Rules == "" {
				t.Errorf("got %+v, %v, want %s and %d", got, err, c.severity, c.priority)
			}
		})
	}
}

func TestRulesAndContractsThatCannotBeAreFaults(t *testing.T) {
	r := tickets.DefaultRules()
	if err := r.Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	r.Bands = [3]int{50, 15, 101}
	delete(r.Matrix["low"], "high")
	err := r.Validate()
	for _, want := range []string{"band 2", "band 3", "severity low and urgency high"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	err = tickets.Contract{Default: 4, Targets: map[int]tickets.Targets{
		6: {}, 2: {Response: 2 * time.Hour, Resolution: time.Hour},
	}}.Validate()
	for _, want := range []string{"no priority 6", "priority 2: a response after 2h0m0s", "default priority 4"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestUnclassifiedTicketIsMeasuredByTheDefaultAndAServiceByItsOwn(t *testing.T) {
	opened := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	c := tickets.Contract{
		Default: 3, Targets: map[int]tickets.Targets{3: {Resolution: 8 * time.Hour}},
		Services: map[string]map[int]tickets.Targets{"mail": {3: {Resolution: time.Hour}}},
	}
	var none, mail tickets.Ticket
	for _, x := range []*tickets.Ticket{&none, &mail} {
		if err := x.Apply(call.TicketEvent(opened, "T-1", call.TicketOpened{})); err != nil {
			t.Fatal(err)
		}
	}
	if err := mail.Apply(call.TicketEvent(opened.Add(time.Minute), "T-1", call.TicketClassified{Class: call.Classification{Service: "mail"}})); err != nil {
		t.Fatal(err)
	}
	due := func(x tickets.Ticket) time.Time { return x.Clocks(c, opened.Add(time.Hour))[2].Due }
	if diff := cmp.Diff([]time.Time{opened.Add(8 * time.Hour), opened.Add(time.Hour)}, []time.Time{due(none), due(mail)}); diff != "" {
		t.Error(diff)
	}
	mail.Class.Kind = tickets.NotTechnical
	if got := mail.Clocks(c, opened); got != nil {
		t.Errorf("what is not technical has clocks: %+v", got)
	}
}
