//go:build e2e

package e2e

import (
	"net/http"
	"testing"
	"time"

	"firstline/sip"
	"firstline/sip/siptest"
)

func TestAConsultationIsDeclinedThenCompletedWithAnotherAndTheTalkIsSplit(t *testing.T) {
	t.Parallel()
	const number = "+15550100951"
	s := serve(t, setting{})
	p := newPhones(s)
	ana := s.deskOf(p, "2001")
	caller := siptest.Dial(t, siptest.Phone(t, sip.PhoneConfig{User: number, Registrar: p.server, Media: p.engine}), "1009")
	eventually(t, "the agent's phone rings", ana.Ringing)
	ana.Answer()
	c := s.api.awaitCall(number, "is talked to", func(c callRecord) bool { return c.State == "talking" && c.TalkMs > 1000 })
	ben, cora := s.deskOf(p, "2002"), s.deskOf(p, "2003")
	ask := func(agent string) {
		t.Helper()
		s.api.post("/api/v1/calls/"+c.ID+"/consult", map[string]string{"agent": agent}, nil, http.StatusNoContent)
	}
	together := func(a, b *siptest.Desk) func() bool {
		return func() bool { return a.HearsVoice(b) && b.HearsVoice(a) }
	}

	ask("2002")
	eventually(t, "the first one asked is rung", ben.Ringing)
	eventually(t, "caller and agent are parted", func() bool { return !caller.HearsVoice(ana) && !ana.HearsVoice(caller) })
	ben.Refuse()
	eventually(t, "caller and agent are together again", func() bool { return caller.HearsVoice(ana) && ana.HearsVoice(caller) })

	ask("2003")
	eventually(t, "the second one asked is rung", cora.Ringing)
	cora.Answer()
	eventually(t, "agent and colleague hear each other", together(ana, cora))
	if caller.HearsVoice(ana) || caller.HearsVoice(cora) || ana.HearsVoice(caller) {
		t.Error("the caller is in the consultation")
	}
	time.Sleep(2 * time.Second)
	s.api.post("/api/v1/calls/"+c.ID+"/consult/conference", nil, nil, http.StatusNoContent)
	eventually(t, "all three hear each other", func() bool {
		return together(ana, cora)() && caller.HearsVoice(ana) && caller.HearsVoice(cora) && ana.HearsVoice(caller) && cora.HearsVoice(caller)
	})
	s.api.post("/api/v1/calls/"+c.ID+"/consult/complete", nil, nil, http.StatusNoContent)
	eventually(t, "caller and colleague hear each other", func() bool { return caller.HearsVoice(cora) && cora.HearsVoice(caller) })
	eventually(t, "the first agent is out of the call", func() bool {
		_, over := ana.Ended()
		return over
	})
	time.Sleep(2 * time.Second)
	caller.Hangup()
	eventually(t, "the call is over", func() bool {
		s.api.get("/api/v1/calls/"+c.ID, &c)
		return !c.Open
	})
	if c.Outcome != "answered" || len(c.Talks) != 2 || c.Talks[0].Agent != "2001" || c.Talks[1].Agent != "2003" || len(c.Entries) != 1 {
		t.Fatalf("the call: %+v", c)
	}
	one, two := c.Talks[0], c.Talks[1]
	if gap := two.Began.Sub(*one.Ended); gap < 0 || gap > time.Second {
		t.Errorf("%v between the two talks", gap)
	}
	if all := two.Ended.Sub(one.Began).Milliseconds(); all-c.TalkMs > 1000 || c.TalkMs > all {
		t.Errorf("of %d ms since the first talk began, %d were talked", all, c.TalkMs)
	}
	var held time.Duration
	for _, h := range one.Holds {
		held += h.To.Sub(h.From)
	}
	if len(one.Holds) != 2 || len(two.Holds) != 0 || (held-ms(c.HoldMs)).Abs() > time.Second || held < 2*time.Second {
		t.Errorf("on hold for %v in %+v, told as %d ms", held, one.Holds, c.HoldMs)
	}
	for _, row := range s.api.sla() {
		if row.Queue == "service-desk" && row.Offered != 1 {
			t.Errorf("the queue was offered %d calls, want 1: a question is none", row.Offered)
		}
	}
	if n := len(s.api.tickets()); n != 1 {
		t.Errorf("%d tickets for one problem", n)
	}
	playable(t, s, 2)
	promises(t, s)
}

func TestAPhoneAsksAColleagueByASecondCallAndLeavesTheCallerWithThem(t *testing.T) {
	t.Parallel()
	const number = "+15550100952"
	s := serve(t, setting{})
	p := newPhones(s)
	ana := s.deskOf(p, "2001")
	caller := siptest.Dial(t, siptest.Phone(t, sip.PhoneConfig{User: number, Registrar: p.server, Media: p.engine}), "1009")
	eventually(t, "the agent's phone rings", ana.Ringing)
	ana.Answer()
	c := s.api.awaitCall(number, "is talked to", func(c callRecord) bool { return c.State == "talking" && c.TalkMs > 1000 })
	ben := s.deskOf(p, "2002")
	ana.Hold()
	second := ana.DialsToo("2002")
	eventually(t, "the colleague's phone rings", ben.Ringing)
	ben.Answer()
	eventually(t, "the two agents hear each other", func() bool { return second.HearsVoice(ben) && ben.HearsVoice(second) })
	if caller.HearsVoice(ana) || caller.HearsVoice(ben) {
		t.Error("the caller is in the consultation")
	}
	ana.ReferTo("2002", second)
	eventually(t, "caller and colleague hear each other", func() bool { return caller.HearsVoice(ben) && ben.HearsVoice(caller) })
	eventually(t, "both calls of the first agent are over", func() bool {
		_, first := ana.Ended()
		_, other := second.Ended()
		return first && other
	})
	caller.Hangup()
	eventually(t, "the call is over", func() bool {
		s.api.get("/api/v1/calls/"+c.ID, &c)
		return !c.Open
	})
	if c.Outcome != "answered" || len(c.Talks) != 2 || c.Talks[0].Agent != "2001" || c.Talks[1].Agent != "2002" || len(s.api.tickets()) != 1 {
		t.Errorf("the call: %+v", c)
	}
	promises(t, s)
}
