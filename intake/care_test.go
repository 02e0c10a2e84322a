package intake

import (
	"testing"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/callqueue"
)

// remembered is a caller who talked to an agent, and was left unserved n times.
type remembered struct {
	number string
	agent  call.AgentID
	n      int
}

func (m remembered) Handler(number string, _ time.Time) (call.AgentID, bool) {
	return m.agent, number == m.number && m.agent != ""
}

func (m remembered) Unserved(number string, _ time.Time) int {
	if number == m.number {
		return m.n
	}
	return 0
}

// talkOf is the talk that a caller is in, or nil.
func talkOf(r *rig, c *calltest.Caller) *call.Talk {
	rec := r.journal.Record(c.Call.ID)
	return rec.Talking()
}

func TestCallerWhoComesAgainIsKeptForTheSameAgentForAWhile(t *testing.T) {
	tuned(t, rule(func(q *callqueue.Queue) { q.Sticky = callqueue.Sticky{Within: time.Hour, For: 20 * time.Second} }), func(r *rig) {
		r.hire("ben", "2002")
		r.desk.Callers = remembered{number: "+4930123", agent: "ben"}
		r.sw.Phone("2002").AnswersAfter(time.Second)
		again := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Millisecond)
		other := r.sw.Dial("+4930124", "1009")
		time.Sleep(10 * time.Second)
		if a := talkOf(r, again); a == nil || a.Agent != "ben" {
			t.Errorf("who came again talks to %+v", a)
		}
		if a := talkOf(r, other); a == nil || a.Agent != "ana" {
			t.Errorf("the other talks to %+v", a)
		}
		again.Hangup()
		other.Hangup()
		time.Sleep(2 * time.Minute)
	})
}

func TestCallerWhoWasNotServedGoesFirst(t *testing.T) {
	tuned(t, rule(func(q *callqueue.Queue) { q.Again = callqueue.Again{Within: time.Hour, Priority: 5}; q.WrapUp = -1 }), func(r *rig) {
		r.desk.Callers = remembered{number: "+4930777", n: 9}
		first := r.sw.Dial("+4930123", "1009") // takes the only agent
		time.Sleep(10 * time.Second)
		patient := r.sw.Dial("+4930124", "1009")
		time.Sleep(5 * time.Second)
		unlucky := r.sw.Dial("+4930777", "1009")
		time.Sleep(5 * time.Second)
		first.Hangup()
		time.Sleep(10 * time.Second)
		if a := talkOf(r, unlucky); a == nil {
			t.Error("the caller who was not served before waits on")
		}
		if p := r.journal.Record(unlucky.Call.ID).Entries[0].Priority; p != 15 {
			t.Errorf("priority %d, want three times five", p)
		}
		patient.Hangup()
		unlucky.Hangup()
		time.Sleep(time.Minute)
	})
}

func TestAgentHearsBeepAndWhisperBeforeTheCaller(t *testing.T) {
	tuned(t, rule(func(q *callqueue.Queue) { q.AutoAnswer, q.Whisper = true, "agent-announce" }), func(r *rig) {
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(3500 * time.Millisecond) // the phone answers at 3 s
		if got := r.phone.Hears(); got != "tone:beep" {
			t.Errorf("the agent hears %q", got)
		}
		time.Sleep(time.Second)
		if got, caller := r.phone.Hears(), c.Hears(); got != "prompt:en/agent-announce" || caller != "music:default" {
			t.Errorf("the agent hears %q, the caller %q", got, caller)
		}
		time.Sleep(time.Second)
		if got := c.Hears(); got != "talk" {
			t.Errorf("then the caller hears %q", got)
		}
		if h := r.phone.Header("Call-Info"); h != "<sip:firstline>;answer-after=0" {
			t.Errorf("Call-Info %q", h)
		}
		c.Hangup()
		time.Sleep(time.Second)
	})
}

func TestCallerWhoHangsUpDuringTheWhisperFreesTheAgent(t *testing.T) {
	tuned(t, rule(func(q *callqueue.Queue) { q.Whisper = "agent-announce" }), func(r *rig) {
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(3500 * time.Millisecond)
		c.Hangup()
		time.Sleep(100 * time.Millisecond)
		if r.phone.Talking() {
			t.Error("the agent still hears the whisper")
		}
		time.Sleep(time.Minute)
	})
}
