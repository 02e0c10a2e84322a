//go:build e2e

package e2e

import (
	"net/http"
	"testing"
	"time"

	"firstline/sip"
	"firstline/sip/siptest"
)

// deskOf is an agent's phone that does what it is told.
func (s *office) deskOf(p *phones, user string) *siptest.Desk {
	s.t.Helper()
	d := siptest.NewDesk(s.t, sip.PhoneConfig{User: user, Password: s.creds.Devices[user], Registrar: p.server, Media: p.engine})
	s.api.awaitAgent(user, "available")
	return d
}

func TestABlindTransferThatNobodyAnswersComesBackToTheSenderWithin30s(t *testing.T) {
	t.Parallel()
	for what, send := range map[string]func(s *office, ana *siptest.Desk, id string){
		"by the phone": func(_ *office, ana *siptest.Desk, _ string) { ana.Refer("2002") },
		"by the API": func(s *office, _ *siptest.Desk, id string) {
			s.api.post("/api/v1/calls/"+id+"/transfer", map[string]string{"agent": "2002"}, nil, http.StatusNoContent)
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			const number = "+15550100941"
			s := serve(t, setting{})
			p := newPhones(s)
			ana := s.deskOf(p, "2001")
			caller := siptest.Dial(t, siptest.Phone(t, sip.PhoneConfig{User: number, Registrar: p.server, Media: p.engine}), "1009")
			eventually(t, "the first phone rings", ana.Ringing)
			ana.Answer()
			c := s.api.awaitCall(number, "is talked to", func(c callRecord) bool { return c.State == "talking" })
			ben := s.deskOf(p, "2002")
			send(s, ana, c.ID)
			sent := time.Now()
			eventually(t, "the colleague's phone rings", ben.Ringing)
			eventually(t, "the caller hears the sender no more", func() bool { return !caller.HearsVoice(ana) })
			if _, over := ana.Ended(); !over {
				t.Error("the sender is still in the call")
			}
			eventually(t, "the sender's phone rings again", ana.Ringing)
			if by := time.Since(sent); by < 28*time.Second || by > 32*time.Second {
				t.Errorf("it came back after %v", by)
			}
			eventually(t, "the colleague's phone is let be", func() bool { return !ben.Ringing() })
			ana.Answer()
			eventually(t, "the two hear each other again", func() bool { return caller.HearsVoice(ana) && ana.HearsVoice(caller) })
			caller.Hangup()
			c = s.api.awaitEnd(number)
			if c.Outcome != "answered" || len(c.Talks) != 2 || len(c.Entries) != 3 || c.Talks[0].Agent != "2001" || c.Talks[1].Agent != "2001" {
				t.Fatalf("the call: %+v", c)
			}
			if all := c.Talks[1].Ended.Sub(c.Talks[0].Began).Milliseconds(); all-c.WaitMs-c.TalkMs > 1000 {
				t.Errorf("of %d ms since the first talk began, %d were waited and %d talked", all, c.WaitMs, c.TalkMs)
			}
			for _, row := range s.api.sla() {
				if row.Queue == "service-desk" && row.Offered != 1 {
					t.Errorf("the queue was offered %d calls, want 1: a transfer is none", row.Offered)
				}
			}
			promises(t, s)
		})
	}
}
