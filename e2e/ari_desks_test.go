//go:build e2e

package e2e

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver for the database of an office

	"firstline/e2e/peer"
	"firstline/sip"
	"firstline/sip/media"
	"firstline/sip/siptest"
)

// deskPhones is an office behind an Asterisk, and phones there that a test listens to.
type deskPhones struct {
	*office
	pbx    *peer.Asterisk
	engine *media.Engine
}

// startDesks has n agents, whose phones desk1, desk2, … register at Asterisk.
func startDesks(t *testing.T, n int, with setting) *deskPhones {
	t.Helper()
	p := peer.Start(t, peer.Settings{})
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint("desk", i+1))
	}
	return &deskPhones{behind(t, p, p.ARI, with, names...), p, siptest.Engine(t, uint16(p.RTP+400))}
}

// desk is an agent's phone that does what it is told.
func (d *deskPhones) desk(device, agent, state string) *siptest.Desk {
	d.t.Helper()
	phone := siptest.NewDesk(d.t, sip.PhoneConfig{User: device, Password: "firstline-test", Registrar: d.pbx.SIP, Media: d.engine})
	d.api.awaitAgent(agent, state)
	return phone
}

func (d *deskPhones) rest(agent string) {
	d.t.Helper()
	d.api.put("/api/v1/agents/"+agent+"/presence", map[string]string{"presence": "break", "reason": "break"})
}

// caller phones in through Asterisk's trunk.
func (d *deskPhones) caller(number, to string) *siptest.Far {
	d.t.Helper()
	return siptest.Dial(d.t, siptest.Phone(d.t, sip.PhoneConfig{User: number, Registrar: d.pbx.SIP, Media: d.engine}), to)
}

// tap has the API put a supervisor's phone on a call.
func (d *deskPhones) tap(id, device, mode string) {
	status, b, err := d.api.ask(http.MethodPost, "/api/v1/calls/"+id+"/tap", map[string]string{"device": device, "mode": mode})
	if err != nil || status != http.StatusNoContent {
		d.t.Errorf("tap to %s: %d %s %v", mode, status, b, err)
	}
}

func TestASupervisorListensAndWhispersOnAsteriskAndTheRecordingDoesNotKnow(t *testing.T) {
	d := startDesks(t, 2, setting{})
	agent, boss := d.desk("desk1", "2001", "available"), d.desk("desk2", "2002", "available")
	d.rest("2002")
	const number = "+15550100771"
	caller := d.caller(number, pbxDesk)
	eventually(t, "the agent's phone rings", agent.Ringing)
	agent.Answer()
	c := d.api.awaitCall(number, "is talked to", func(c callRecord) bool { return c.State == "talking" })
	eventually(t, "the two hear each other", func() bool { return agent.HearsVoice(caller) && caller.HearsVoice(agent) })
	var on sync.WaitGroup
	on.Go(func() { d.tap(c.ID, "desk2", "listen") })
	eventually(t, "the supervisor's phone rings", boss.Ringing)
	boss.Answer()
	on.Wait()
	eventually(t, "the supervisor hears both", func() bool { return boss.HearsVoice(caller) && boss.HearsVoice(agent) })
	if agent.HearsVoice(boss) || caller.HearsVoice(boss) {
		t.Error("who listens is heard")
	}
	d.tap(c.ID, "desk2", "whisper")
	eventually(t, "the agent alone hears the supervisor", func() bool { return agent.HearsVoice(boss) && !caller.HearsVoice(boss) })
	eventually(t, "the two hear each other", func() bool { return agent.HearsVoice(caller) && caller.HearsVoice(agent) })
	boss.Hangup()
	eventually(t, "the supervisor is gone", func() bool { return !agent.HearsVoice(boss) && agent.HearsVoice(caller) })
	caller.Hangup()

	c = d.api.awaitEnd(number)
	if c.Outcome != "answered" || len(c.Recordings) != 1 {
		t.Fatalf("the call: %+v", c)
	}
	sides := d.sides(c.Recordings[0])
	for i, own := range []float64{siptest.CallerVoice, siptest.AgentVoice} {
		if d := media.Heard(sides[i], own, 0.05); d < 500*time.Millisecond {
			t.Errorf("channel %d holds %v Hz for %v only", i, own, d)
		}
		if d := media.Heard(sides[i], boss.Voice(), 0.05); d > 0 {
			t.Errorf("channel %d holds the whisper for %v", i, d)
		}
	}
}

// sides is the audio of a recording, which is fetched from Asterisk at its end.
func (d *deskPhones) sides(recording string) [][]int16 {
	d.t.Helper()
	var audio []byte
	eventually(d.t, "the recording is there", func() bool {
		status, b, err := d.api.ask(http.MethodGet, "/api/v1/recordings/"+recording+"/audio", nil)
		audio = b
		return err == nil && status == http.StatusOK
	})
	sides, err := media.ReadWAV(bytes.NewReader(audio))
	must(d.t, err)
	return sides
}

func TestAnAgentsPhoneOnAsteriskHandsTheCallerOnBlindly(t *testing.T) {
	d := startDesks(t, 2, setting{})
	second := d.desk("desk2", "2002", "available")
	d.rest("2002")
	first := d.softphoneAt(account{"desk1", d.pbx.SIP.String(), "firstline-test"}, "2001", "auto")
	const number = "+15550100772"
	caller := d.caller(number, pbxDesk)
	d.api.awaitCall(number, "is talked to", func(c callRecord) bool { return c.State == "talking" })
	eventually(t, "the caller hears the first agent", func() bool { return caller.HearsTone(agentTone) })
	d.rest("2001") // after this call
	d.api.put("/api/v1/agents/2002/presence", map[string]string{"presence": "available"})
	first.order("transfer", fmt.Sprintf("sip:%s@%s", pbxDesk, d.pbx.SIP))
	eventually(t, "the second agent's phone rings", second.Ringing)
	second.Answer()
	eventually(t, "the caller and the second agent hear each other, and nobody else", func() bool {
		return caller.HearsVoice(second) && second.HearsVoice(caller) && !caller.HearsTone(agentTone) && !second.HearsTone(agentTone)
	})
	first.saw("CALL_CLOSED", 1)
	caller.Hangup()
	c := d.api.awaitEnd(number)
	if c.Outcome != "answered" || len(c.Talks) != 2 || c.Talks[0].Agent != "2001" || c.Talks[1].Agent != "2002" || len(c.Recordings) != 2 {
		t.Fatalf("the call: %+v", c)
	}
	if n := len(d.api.tickets()); n != 1 {
		t.Errorf("%d tickets for one call", n)
	}
	for i, hz := range []float64{agentTone, second.Voice()} {
		sides := d.sides(c.Recordings[i])
		if h := media.Heard(sides[1], hz, 0.05); h < 300*time.Millisecond {
			t.Errorf("recording %d holds its agent for %v only", i, h)
		}
		if h := media.Heard(sides[0], siptest.CallerVoice, 0.05); h < 300*time.Millisecond {
			t.Errorf("recording %d holds the caller for %v only", i, h)
		}
	}
}

// The database is another's before Asterisk hears of anybody else: what cannot write
// any more must let go of the calls, and end none.
func TestALostLeaseHangsUpNobodyAtAsterisk(t *testing.T) {
	database := startPostgres(t).Database(t)
	d := startDesks(t, 1, setting{database: database})
	agent := d.desk("desk1", "2001", "available")
	const talker, inMenu, inQueue = "+15550100773", "+15550100774", "+15550100775"
	talking := d.caller(talker, pbxDesk)
	eventually(t, "the agent's phone rings", agent.Ringing)
	agent.Answer()
	eventually(t, "the two hear each other", func() bool { return agent.HearsVoice(talking) && talking.HearsVoice(agent) })
	waiting := d.caller(inQueue, pbxDesk)
	d.api.awaitCall(inQueue, "waits", func(c callRecord) bool { return c.State == "waiting" })
	choosing := d.caller(inMenu, pbxMenu)
	d.api.awaitCall(inMenu, "is there", func(c callRecord) bool { return c.Open })

	db, err := sql.Open("pgx", database)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `UPDATE lease SET epoch = epoch + 1, owner = 'another' WHERE id = 1`)
	must(t, err)
	choosing.Press("1") // the journey has to write now
	if code := d.process.exit(); code == 0 {
		t.Error("it ends as if all were well")
	}
	for who, far := range map[string]*siptest.Far{"who talks": talking, "who waits": waiting, "who was in the menu": choosing} {
		if _, over := far.Ended(); over {
			t.Errorf("%s was hung up on", who)
		}
	}
	eventually(t, "the two hear each other still", func() bool { return agent.HearsVoice(talking) && talking.HearsVoice(agent) })
	said := d.process.out.String()
	for _, no := range []string{"recording incomplete", "call failed", "call not closed"} {
		if strings.Contains(said, no) {
			t.Errorf("it says %q of calls that go on", no)
		}
	}
}
