//go:build e2e

package e2e

import (
	"slices"
	"testing"
)

func TestACallerWhoHangsUpWhileWaitingIsAbandonedOnce(t *testing.T) {
	t.Parallel()
	const number = "+15550100721"
	s := serve(t, setting{})
	caller := s.phoneIn(number, "1009", "")
	s.api.awaitCall(number, "has waited longer than a short abandon", func(c callRecord) bool {
		return c.State == "waiting" && c.WaitMs > 5500
	})
	caller.hangup()
	caller.went()
	c := s.api.awaitEnd(number)
	if c.Outcome != "abandoned" || len(c.Entries) != 1 || c.Entries[0].Outcome != "abandoned" || len(c.Talks) != 0 || c.WaitMs < 5500 {
		t.Errorf("the call: %+v", c)
	}
	if rows := s.api.sla(); len(rows) != 1 || rows[0].Offered != 1 || rows[0].Abandoned != 1 || rows[0].Answered != 0 {
		t.Errorf("the report: %+v", rows)
	}
	ticketOf(t, s, c)
}

func TestACallerKeepsThePlaceWhenAPhoneIsBusyAndGetsTheNext(t *testing.T) {
	t.Parallel()
	const number = "+15550100722"
	s := serve(t, setting{})
	busy := s.softphone("2001", "manual")
	caller := s.phoneIn(number, "1009", "")
	busy.saw("CALL_INCOMING", 1)
	busy.do("hangup") // baresip says 486
	s.api.awaitCall(number, "is refused once", func(c callRecord) bool {
		return len(c.Entries) == 1 && len(c.Entries[0].Offers) > 0 && c.Entries[0].Offers[0].Result == "busy"
	})
	answers := s.softphone("2002", "auto")
	s.api.awaitCall(number, "talks", func(c callRecord) bool { return c.State == "talking" && c.TalkMs > 500 })
	answers.do("hangup")
	caller.went()
	c := s.api.awaitEnd(number)
	if len(c.Entries) != 1 || c.Entries[0].Outcome != "answered" || c.Agent != "2002" {
		t.Errorf("the call: %+v", c)
	}
}

func TestAnAgentWhoDeclinesTwiceIsPutOnBreakAndTheCallerGoesToTheNext(t *testing.T) {
	t.Parallel()
	const number = "+15550100724"
	s := serve(t, setting{})
	s.tool("phone", "--user", "2001", "--refuse", "decline", "--json").says(`"registered"`)
	caller := s.phoneIn(number, "1009", "")
	s.api.awaitAgent("2001", "break")
	answers := s.softphone("2002", "auto")
	s.api.awaitCall(number, "talks", func(c callRecord) bool { return c.State == "talking" && c.TalkMs > 500 })
	answers.do("hangup")
	caller.went()
	c := s.api.awaitEnd(number)
	want := []offer{{"2001", "rejected"}, {"2001", "rejected"}, {"2002", "answered"}}
	if len(c.Entries) != 1 || !slices.Equal(c.Entries[0].Offers, want) {
		t.Errorf("the call: %+v", c)
	}
}

func TestACallerIsTakenByTheNextWhenAPhoneHasVanished(t *testing.T) {
	t.Parallel()
	const number = "+15550100723"
	s := serve(t, setting{})
	s.softphone("2001", "auto").vanish()
	caller := s.phoneIn(number, "1009", "")
	s.api.awaitCall(number, "is offered to the phone that is no more", func(c callRecord) bool {
		return len(c.Entries) == 1 && len(c.Entries[0].Offers) > 0
	})
	answers := s.softphone("2002", "auto")
	s.api.awaitCall(number, "talks", func(c callRecord) bool { return c.State == "talking" && c.TalkMs > 500 })
	answers.do("hangup")
	caller.went()
	c := s.api.awaitEnd(number)
	offers := c.Entries[0].Offers
	if len(c.Entries) != 1 || offers[0].Agent != "2001" || offers[0].Result == "answered" || c.Agent != "2002" {
		t.Errorf("the call: %+v", c)
	}
	t.Logf("the offers: %+v", offers)
	if state := s.api.agents()["2001"].State; state == "ringing" || state == "talking" {
		t.Errorf("the vanished phone's agent is %s", state)
	}
}
