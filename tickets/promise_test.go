package tickets_test

import (
	"testing"
	"time"

	"firstline/call"
	"firstline/tickets"
)

// fold is a ticket of a client, with what happened on it by minute.
func fold(t *testing.T, at time.Time, story ...any) tickets.Ticket {
	t.Helper()
	var x tickets.Ticket
	for i := 0; i < len(story); i += 2 {
		if err := x.Apply(call.TicketEvent(at.Add(time.Duration(story[i].(int))*time.Minute), "T-1", story[i+1].(call.Body))); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

func TestAnswerByPhoneIsTheResponseUnlessTheContractAsksForAnEngineer(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	targets := map[int]tickets.Targets{3: {Response: 30 * time.Minute, Update: time.Hour}}
	ticket := fold(t, at, 0, call.TicketOpened{}, 1, call.TicketTaken{Agent: "ana", Level: 1}, 40, call.TicketTaken{Agent: "li", Level: 2})
	for _, c := range []struct {
		name  string
		level int
		ended int // minutes
		late  bool
	}{{"anybody", 0, 1, false}, {"the first level is enough", 1, 1, false}, {"an engineer", 2, 40, true}} {
		r := ticket.Clocks(tickets.Contract{Level: c.level, Default: 3, Targets: targets}, at.Add(2*time.Hour))
		if want := at.Add(time.Duration(c.ended) * time.Minute); !r[0].Ended.Equal(want) || r[0].Late != c.late {
			t.Errorf("%s: %+v, want it ended at %v", c.name, r[0], want)
		}
		if want := at.Add(40 * time.Minute); !r[1].Began.Equal(want) {
			t.Errorf("%s: what the customer heard from anybody is an update: %+v", c.name, r[1])
		}
	}
}

func TestMessageLeftIsNoResponseAndItsClockRunsFromTheArrival(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	ticket := fold(t, at, 0, call.TicketOpened{Call: "c1"}, 3, call.TicketNoted{Text: "a message was left"})
	r := ticket.Clocks(tickets.Contract{Default: 3, Targets: map[int]tickets.Targets{3: {Response: 30 * time.Minute}}}, at.Add(10*time.Minute))
	if !r[0].Began.Equal(at) || !r[0].Due.Equal(at.Add(30*time.Minute)) || !r[0].Ended.IsZero() {
		t.Errorf("%+v", r[0])
	}
}
