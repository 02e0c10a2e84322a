package intake

import (
	"slices"
	"testing"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/callqueue"
	"firstline/callqueue/callers"
)

// remembered is a caller who talked to an agent, and was left unserved n times.
type remembered struct {
	number string
	agent  call.AgentID
	n      int
	ticket call.AgentID // who knows the ticket, whichever it is
}

func (m remembered) OfTicket(call.TicketID) (call.AgentID, bool) { return m.ticket, m.ticket != "" }

func (m remembered) Dropped(string, call.QueueID, time.Time) (callers.Place, bool) {
	return callers.Place{}, false
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

func TestTicketsHandlerGoesBeforeTheAgentOfTheLastTalk(t *testing.T) {
	tuned(t, rule(func(q *callqueue.Queue) { q.Sticky = callqueue.Sticky{Within: time.Hour, For: 20 * time.Second} }), func(r *rig) {
		r.hire("ben", "2002")
		r.desk.Callers = remembered{number: "+4930123", agent: "ana", ticket: "ben"}
		r.sw.Phone("2002").AnswersAfter(time.Second)
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		if a := talkOf(r, c); a == nil || a.Agent != "ben" {
			t.Errorf("talks to %+v", a)
		}
		if o := r.journal.Record(c.Call.ID).Entries[0].Opening; o.For != "ben" {
			t.Errorf("joined as %+v", o)
		}
		c.Hangup()
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
		o := r.journal.Record(unlucky.Call.ID).Entries[0].Opening
		if want := (call.Parts{{Of: call.OfUnserved, Times: 9, Points: 15}}); o.Priority != 15 || !slices.Equal(o.Parts, want) {
			t.Errorf("joined as %+v, want three times five", o)
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

// A supervisor's word outlives the process, and the rules add nothing to it there.
func TestPriorityThatASupervisorSetStandsAfterARestart(t *testing.T) {
	tuned(t, rule(func(q *callqueue.Queue) { q.Priority, q.Again = 3, callqueue.Again{Within: time.Hour, Priority: 5} }), func(r *rig) {
		r.desk.Callers = remembered{number: "+4930777", n: 2}
		first := r.sw.Dial("+4930123", "1009") // takes the only agent
		time.Sleep(10 * time.Second)
		c := r.sw.Dial("+4930777", "1009")
		time.Sleep(time.Second)
		priority := func() int {
			v, err := r.queue.Snapshot(r.t.Context())
			for _, q := range v.Queues {
				for _, x := range q.Calls {
					return x.Priority
				}
			}
			t.Errorf("nobody waits: %+v, %v", v.Queues, err)
			return -1
		}
		if p := priority(); p != 13 {
			t.Errorf("priority %d, want 3 of the queue and twice 5", p)
		}
		r.drop()
		r.start()
		time.Sleep(time.Second)
		if p := priority(); p != 13 {
			t.Errorf("after a restart priority %d, want 13", p)
		}
		if err := r.queue.SetPriority(r.t.Context(), c.Call.ID.Entry(1), 2, "supervisor:sue", "it is nothing"); err != nil {
			t.Fatal(err)
		}
		r.drop()
		r.start()
		time.Sleep(time.Second)
		if p := priority(); p != 2 {
			t.Errorf("after another priority %d, want the supervisor's 2", p)
		}
		c.Hangup()
		first.Hangup()
		time.Sleep(time.Minute)
	})
}
