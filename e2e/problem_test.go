//go:build e2e

package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"firstline/sip"
	"firstline/sip/siptest"
)

// verifyingFlow asks for account and PIN.
const verifyingFlow = `
variables: {account: ""}
start: account
nodes:
  account: {type: collect, play: enter-number, max: 4, min: 4, as: account, retries: 0, timeout: 5s, next: pin, default: desk}
  pin: {type: collect, play: enter-number, max: 4, min: 4, secret: true, as: pin, retries: 0, timeout: 5s, next: verify, default: desk}
  verify: {type: lookup, lookup: customers, send: {account: account}, secrets: pin, verifies: true, found: desk, missing: desk, failed: desk}
  desk: {type: queue, queue: service-desk}
`

// problemStory is what the test reads of a ticket.
type problemStory struct {
	ID       string    `json:"id"`
	State    string    `json:"state"`
	Opened   time.Time `json:"opened"`
	Absorbed []string  `json:"absorbed"`
	Into     string    `json:"into"`
	Calls    []struct{ ID string }
}

// context is what the test reads of a ticket's.
type contextRow struct {
	Who struct {
		Name, Level, Class string
		Sure               bool
		Company            struct{ Name string }
	} `json:"who"`
	Call struct {
		ID   string
		Path []struct{ Node, Digits string }
	} `json:"call"`
	Lately []struct{ ID, Outcome string } `json:"lately"`
	Open   []struct{ ID string }          `json:"open"`
}

func TestOneProblemOfAVerifiedCallerIsOneTicketAndTwoPeopleAreTwo(t *testing.T) {
	t.Parallel()
	const number = "+49407776"
	centre := briefWrapUp(t)
	centre["flows/support.yaml"] = verifyingFlow
	s := serve(t, setting{centre: centre})
	p := newPhones(s)
	far := s.trunkTo(p, number)
	for kind, csv := range map[string]string{"companies": "id,name,class\nnorth,North GmbH,gold\n"} {
		s.api.put("/api/v1/directory-files/"+kind, map[string]string{"csv": csv})
	}
	s.api.put("/api/v1/directory-files/customers", map[string]string{
		"csv": "id,name,numbers,company,account,pin\nada,Ada,+49407776,north,4711,8275\nbob,Bob,+49407776,north,4712,9182\n",
	})
	phone := siptest.Phone(t, sip.PhoneConfig{User: number, Registrar: p.server, Media: p.engine})
	redial := func(account, pin string) callRecord {
		t.Helper()
		before := len(s.api.calls())
		caller := siptest.Dial(t, phone, "1000")
		caller.Press(account)
		eventually(t, "the account was heard", func() bool { c, _ := s.api.callFrom(number); return len(s.api.calls()) > before && len(c.Path) == 1 })
		caller.Press(pin)
		s.api.awaitCall(number, "waits", func(c callRecord) bool { return len(s.api.calls()) > before && c.State == "waiting" })
		caller.Hangup()
		return s.api.awaitEnd(number)
	}
	first := redial("4711", "8275")
	redial("4711", "8275")
	bob := redial("4712", "9182")

	// The third call of Ada's reaches an agent, who sees all of it before the phone rings.
	ana := s.deskOf(p, "2001")
	caller := siptest.Dial(t, phone, "1000")
	caller.Press("4711")
	eventually(t, "the account was heard", func() bool { c, _ := s.api.callFrom(number); return c.Open && len(c.Path) == 1 })
	caller.Press("8275")
	eventually(t, "the agent's phone rings", ana.Ringing)
	var told contextRow
	s.api.get("/api/v1/tickets/"+ana.Call().Header("X-Firstline-Ticket")+"/context", &told)
	if ana.Call().Header("X-Firstline-Ticket") != first.Ticket {
		t.Errorf("the phone shows %q, not %s", ana.Call().Header("X-Firstline-Ticket"), first.Ticket)
	}
	if w := told.Who; w.Name != "Ada" || !w.Sure || w.Level != "verified" || w.Class != "gold" || w.Company.Name != "North GmbH" {
		t.Errorf("who: %+v", w)
	}
	if k := told.Call.Path; len(k) != 2 || k[0].Digits != "4711" || strings.Trim(k[1].Digits, "*") != "" || len(told.Lately) != 3 {
		t.Errorf("keys %+v, calls before %+v", k, told.Lately)
	}
	ana.Answer()
	third := s.api.awaitCall(number, "is talked to", func(c callRecord) bool { return c.State == "talking" })
	ben := s.deskOf(p, "2002")
	s.api.post("/api/v1/calls/"+third.ID+"/transfer", map[string]string{"agent": "2002"}, nil, http.StatusNoContent)
	eventually(t, "the colleague's phone rings", ben.Ringing)
	ben.Answer()
	eventually(t, "the caller hears the colleague", func() bool { return caller.HearsVoice(ben) })
	caller.Hangup()
	s.api.awaitEnd(number)
	s.api.awaitAgent("2001", "available")

	var made struct{ Call string }
	s.api.post("/api/v1/tickets/"+third.Ticket+"/call", map[string]string{"agent": "2001", "line": "1000"}, &made, http.StatusAccepted)
	eventually(t, "the agent's phone rings for the call back", ana.Ringing)
	ana.Answer()
	eventually(t, "the customer's phone rings", far.Ringing)
	far.Answer()
	s.api.awaitAgent("2001", "talking")
	far.Hangup()
	eventually(t, "the call back is over", func() bool {
		var c callRecord
		s.api.get("/api/v1/calls/"+made.Call, &c)
		return !c.Open
	})

	var one problemStory
	s.api.get("/api/v1/tickets/"+first.Ticket, &one)
	if len(one.Calls) != 4 || len(one.Absorbed) != 2 || !one.Opened.Equal(first.Arrived) {
		t.Errorf("Ada's ticket: %+v, of a call at %v", one, first.Arrived)
	}
	for _, id := range one.Absorbed {
		var merged problemStory
		s.api.get("/api/v1/tickets/"+id, &merged)
		if merged.State != "merged" || merged.Into != one.ID {
			t.Errorf("%s: %+v", id, merged)
		}
	}
	if bob.Ticket == first.Ticket {
		t.Error("Bob's call is on Ada's ticket")
	}
	var his problemStory
	s.api.get("/api/v1/tickets/"+bob.Ticket, &his)
	if his.State == "merged" || len(his.Calls) != 1 {
		t.Errorf("Bob's ticket: %+v", his)
	}
}
