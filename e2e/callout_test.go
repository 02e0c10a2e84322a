//go:build e2e

package e2e

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"firstline/sip"
	"firstline/sip/siptest"
)

// trunkTo restarts the server with a trunk that may dial numbers which begin so, and
// leads to a phone outside.
func (s *office) trunkTo(p *phones, number string) *siptest.Desk {
	s.t.Helper()
	far, at := siptest.Outside(s.t, sip.PhoneConfig{User: number, Registrar: p.server, Media: p.engine})
	s.env["FIRSTLINE_SIP_TRUNKS_LOOPBACK_OUTBOUND_PROXY"] = at.String()
	s.env["FIRSTLINE_SIP_TRUNKS_LOOPBACK_OUTBOUND_ALLOW"] = number[:5]
	s.process.stop(syscall.SIGTERM)
	s.up()
	return far
}

func TestAnAgentCallsACustomerBackFromTheTicketWithTheRightCallerID(t *testing.T) {
	t.Parallel()
	const number = "+49407775"
	s := serve(t, setting{centre: briefWrapUp(t)})
	p := newPhones(s)
	far := s.trunkTo(p, number)
	ana := s.deskOf(p, "2001")
	caller := siptest.Dial(t, siptest.Phone(t, sip.PhoneConfig{User: number, Registrar: p.server, Media: p.engine}), "1009")
	eventually(t, "the agent's phone rings", ana.Ringing)
	ana.Answer()
	c := s.api.awaitCall(number, "is talked to", func(c callRecord) bool { return c.State == "talking" })
	caller.Hangup()
	c = s.api.awaitEnd(number)
	s.api.awaitAgent("2001", "available")

	status, b, err := s.api.ask(http.MethodPost, "/api/v1/tickets/"+c.Ticket+"/call", map[string]string{"agent": "2001", "number": "+19005550100"})
	must(t, err)
	if status != http.StatusUnprocessableEntity || !strings.Contains(string(b), "no trunk may dial this number: +19005550100") {
		t.Errorf("a number outside policy: %d %s", status, b)
	}
	if far.Ringing() || ana.Ringing() {
		t.Error("a phone rings all the same")
	}

	var made struct{ Call string }
	s.api.post("/api/v1/tickets/"+c.Ticket+"/call", map[string]string{"agent": "2001"}, &made, http.StatusAccepted)
	eventually(t, "the agent's phone rings first", ana.Ringing)
	if far.Ringing() {
		t.Error("the customer's phone rings before the agent is there")
	}
	ana.Answer()
	eventually(t, "the customer's phone rings", far.Ringing)
	if from := far.Call().Header("From"); !strings.Contains(from, "sip:1009@") {
		t.Errorf("the customer sees %q, want the line that they had called", from)
	}
	s.api.awaitAgent("2001", "talking")
	far.Answer()
	eventually(t, "the two hear each other", func() bool { return far.HearsVoice(ana) && ana.HearsVoice(far) })
	time.Sleep(2 * time.Second)
	far.Hangup()
	var out struct {
		callRecord
		Out bool `json:"out"`
	}
	eventually(t, "the call is over", func() bool {
		s.api.get("/api/v1/calls/"+made.Call, &out)
		return !out.Open
	})
	if !out.Out || out.Ticket != c.Ticket || out.Outcome != "answered" || out.From.Number != number || len(out.Talks) != 1 || out.Talks[0].Agent != "2001" {
		t.Errorf("the call out: %+v", out)
	}
	if len(out.Recordings) != 1 || len(out.Path) != 1 || out.Path[0].Notice == "" {
		t.Errorf("recordings %v, after %+v", out.Recordings, out.Path)
	}
	var was []string
	for _, e := range s.api.journal() {
		if e.Type == "agent.activity" && e.Stream.ID == "2001" {
			was = append(was, string(e.Body))
		}
	}
	if all := strings.Join(was, " "); !strings.Contains(all, `"activity":"outbound"`) || !strings.Contains(all, made.Call) {
		t.Errorf("the agent was %s", all)
	}
	promises(t, s)
}
