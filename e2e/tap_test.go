//go:build e2e

package e2e

import (
	"bytes"
	"net/http"
	"sync"
	"testing"
	"time"

	"firstline/sip"
	"firstline/sip/media"
	"firstline/sip/siptest"
)

func TestASupervisorListensAndWhispersByAPIAndTheRecordingDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := serve(t, setting{centre: briefWrapUp(t)})
	p := newPhones(s)
	desk := func(user string) *siptest.Desk {
		return siptest.NewDesk(t, sip.PhoneConfig{User: user, Password: s.creds.Devices[user], Registrar: p.server, Media: p.engine})
	}
	agent, boss := desk("2001"), desk("2002")
	s.api.awaitAgent("2001", "available")
	s.api.awaitAgent("2002", "available")
	if status, b, err := s.api.ask(http.MethodPut, "/api/v1/agents/2002/presence", map[string]string{"presence": "break", "reason": "break"}); err != nil || status != http.StatusNoContent {
		t.Fatalf("a break: %d %s %v", status, b, err)
	}
	const number = "+15550100761"
	caller := siptest.Dial(t, siptest.Phone(t, sip.PhoneConfig{User: number, Registrar: p.server, Media: p.engine}), "1009")
	eventually(t, "the agent's phone rings", agent.Ringing)
	agent.Answer()
	c := s.api.awaitCall(number, "is talked to", func(c callRecord) bool { return c.State == "talking" })

	tap := func(device, mode string) int {
		status, b, err := s.api.ask(http.MethodPost, "/api/v1/calls/"+c.ID+"/tap", map[string]string{"device": device, "mode": mode})
		if err != nil || status != http.StatusNoContent && status != http.StatusConflict {
			t.Errorf("tap to %s: %d %s %v", mode, status, b, err)
		}
		return status
	}
	if status := tap("2001", "listen"); status != http.StatusConflict {
		t.Errorf("the phone of an agent at work: %d, want 409", status)
	}
	var on sync.WaitGroup
	on.Go(func() { tap("2002", "listen") })
	eventually(t, "the supervisor's phone rings", boss.Ringing)
	boss.Answer()
	on.Wait()
	eventually(t, "the supervisor hears both", func() bool { return boss.HearsVoice(caller) && boss.HearsVoice(agent) })
	if agent.HearsVoice(boss) || caller.HearsVoice(boss) {
		t.Error("who listens is heard")
	}
	tap("2002", "whisper")
	eventually(t, "the agent alone hears the supervisor", func() bool { return agent.HearsVoice(boss) && !caller.HearsVoice(boss) })
	eventually(t, "the two hear each other", func() bool { return agent.HearsVoice(caller) && caller.HearsVoice(agent) })
	boss.Hangup()
	eventually(t, "the supervisor is gone", func() bool { return !agent.HearsVoice(boss) && agent.HearsVoice(caller) })
	caller.Hangup()

	c = s.api.awaitEnd(number)
	if c.Outcome != "answered" || len(c.Recordings) != 1 {
		t.Fatalf("the call: %+v", c)
	}
	sides, err := media.ReadWAV(bytes.NewReader(s.api.audio(c.Recordings[0])))
	must(t, err)
	for i, own := range []float64{siptest.CallerVoice, siptest.AgentVoice} {
		if d := media.Heard(sides[i], own, 0.05); d < 500*time.Millisecond {
			t.Errorf("channel %d holds %v Hz for %v only", i, own, d)
		}
		if d := media.Heard(sides[i], boss.Voice(), 0.05); d > 0 {
			t.Errorf("channel %d holds the whisper for %v", i, d)
		}
	}
}
