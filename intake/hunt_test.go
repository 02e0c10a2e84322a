package intake

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/tickets/oncall"
)

// upstairs is a night on which ana of the desk talks to a caller; dora is at work in the
// second level's queue, at phone 2004, and ben and cem are on call.
func upstairs(t *testing.T, atWork bool, f func(n *night, c *calltest.Caller, id call.ID, dora *calltest.Phone)) {
	t.Helper()
	tuned(t, func(c *Centre) {
		q := callqueue.Queue{ID: "second", Need: call.Requirement{Level: 2}, Record: true, Ring: 15 * time.Second}.Defaults()
		c.Queues[q.ID] = q
	}, func(r *rig) {
		n := &night{rig: r, plan: oncall.Plan{
			People:  map[call.AgentID]oncall.Person{"ben": {ID: "ben", Number: bens}, "cem": {ID: "cem", Device: "2003"}},
			Groups:  map[string]oncall.Group{"network": {ID: "network", Level: 2, Queue: "second", People: []call.AgentID{"ben", "cem"}}},
			Ladders: map[string]oncall.Ladder{},
		}}
		n.ben, n.cem = r.sw.Phone(call.NumberDevice(bens)).Ignores(), r.sw.Phone("2003").Ignores()
		dora := r.sw.Phone("2004").AnswersAfter(2 * time.Second)
		if atWork {
			r.queue.Reachable("2004", true)
			err := errors.Join(
				r.queue.SetAgents(r.t.Context(), append(r.roster(), agents.Agent{ID: "dora", Device: "2004", Level: 2}, agents.Agent{ID: "cem", Device: "2003", Level: 2})),
				r.queue.SetPresence(r.t.Context(), "dora", call.Available, "", "self"))
			if err != nil {
				t.Fatal(err)
			}
		}
		n.begin()
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(5 * time.Second)
		f(n, c, c.Call.ID, dora)
		n.quit()
	})
}

func (n *night) up(id call.ID) {
	n.t.Helper()
	if err := n.pager.EscalateCall(n.t.Context(), id, "network", "agent:ana"); err != nil {
		n.t.Error(err)
	}
	synctest.Wait()
}

func TestAFreeSecondLevelHearsTheSummaryAndThenHasTheCaller(t *testing.T) {
	upstairs(t, true, func(n *night, c *calltest.Caller, id call.ID, dora *calltest.Phone) {
		n.up(id)
		if err := n.pager.EscalateCall(n.t.Context(), id, "network", "agent:ana"); !errors.Is(err, ErrConsults) {
			t.Errorf("twice: %v", err)
		}
		time.Sleep(2500 * time.Millisecond)
		if c.Hears() != "talk" || dora.Hears() != "prompt:en/page-intro" {
			t.Errorf("the caller hears %q, dora %q", c.Hears(), dora.Hears())
		}
		time.Sleep(10 * time.Second)
		if c.Hears() != "talk" || dora.Hears() != "talk" || n.phone.Talking() {
			t.Errorf("the caller hears %q, dora %q, ana is on the line: %v", c.Hears(), dora.Hears(), n.phone.Talking())
		}
		time.Sleep(10 * time.Second)
		c.Hangup()
		time.Sleep(time.Second)
		rec := n.recordOf(id)
		if len(rec.Talks) != 2 || rec.Talks[0].Agent != "ana" || rec.Talks[1].Agent != "dora" || rec.Talks[1].Ended.Sub(rec.Talks[1].Began) < 10*time.Second {
			t.Errorf("%+v", rec.Talks)
		}
		ticket, err := ticketBook{n.journal}.Ticket(n.t.Context(), rec.Ticket)
		if err != nil || ticket.Support.Level() != 2 || ticket.Support.Owner != "ana" || ticket.Handler != "dora" {
			t.Errorf("%+v %v", ticket.Support, err)
		}
		time.Sleep(2 * time.Minute)
	})
}

func TestWhereNobodyIsFreeThoseOnCallArePhonedUntilOneTakesTheCall(t *testing.T) {
	upstairs(t, true, func(n *night, c *calltest.Caller, id call.ID, dora *calltest.Phone) {
		dora.Refuses(603)
		n.ben.AnswersAfter(time.Second)
		n.cem.AnswersAfter(time.Second)
		n.up(id)
		for range 60 { // the queue has offered it to dora, who declines
			time.Sleep(time.Second)
			if n.ben.Hears() == "prompt:en/page-question" {
				n.ben.Press("2")
				break
			}
		}
		time.Sleep(4 * time.Second)
		if !n.cem.Talking() || c.Hears() != "talk" || !n.phone.Talking() {
			t.Errorf("cem is asked: %v; the caller hears %q", n.cem.Talking(), c.Hears())
		}
		for range 40 {
			time.Sleep(time.Second)
			if n.cem.Hears() == "prompt:en/page-question" {
				n.cem.Press("1")
			}
		}
		if n.cem.Hears() != "talk" || c.Hears() != "talk" || n.phone.Talking() {
			t.Errorf("cem hears %q, the caller %q", n.cem.Hears(), c.Hears())
		}
		c.Hangup()
		time.Sleep(time.Second)
		if rec := n.recordOf(id); len(rec.Talks) != 2 || rec.Talks[1].Agent != "cem" {
			t.Errorf("%+v", rec.Talks)
		}
		time.Sleep(2 * time.Minute)
	})
}

func TestWhenNobodyTakesTheCallTheTwoGoOn(t *testing.T) {
	upstairs(t, false, func(n *night, c *calltest.Caller, id call.ID, _ *calltest.Phone) {
		n.ben.Refuses(486)
		n.cem.Unregister()
		n.up(id)
		time.Sleep(time.Minute)
		if c.Hears() != "talk" || !n.phone.Talking() {
			t.Errorf("the caller hears %q", c.Hears())
		}
		n.up(id) // and may be tried again
		time.Sleep(time.Minute)
		c.Hangup()
		time.Sleep(2 * time.Minute)
		if rec := n.recordOf(id); len(rec.Talks) != 1 || len(rec.Talks[0].Consults) != 2 || rec.Talks[0].Consults[0].End != call.ConsultDeclined {
			t.Errorf("%+v", rec.Talks)
		}
	})
}

func TestACallerWhoHangsUpMeanwhileLeavesNoPhoneRinging(t *testing.T) {
	for name, after := range map[string]time.Duration{"while it rings": time.Second, "while it is said": 5 * time.Second, "while it is asked": 15 * time.Second} {
		t.Run(name, func(t *testing.T) {
			upstairs(t, false, func(n *night, c *calltest.Caller, id call.ID, _ *calltest.Phone) {
				n.ben.AnswersAfter(3 * time.Second)
				n.up(id)
				time.Sleep(after)
				c.Hangup()
				time.Sleep(15 * time.Second)
				if n.ben.Ringing() || n.ben.Talking() || n.cem.Ringing() {
					t.Error("a phone rings or is on the line")
				}
				time.Sleep(2 * time.Minute)
			})
		})
	}
}

func TestAnAgentWhoHangsUpMeanwhileLeavesTheCallerToTheGroupsQueue(t *testing.T) {
	upstairs(t, true, func(n *night, c *calltest.Caller, id call.ID, dora *calltest.Phone) {
		dora.AnswersAfter(8 * time.Second)
		n.up(id)
		time.Sleep(3 * time.Second)
		n.phone.Hangup()
		time.Sleep(25 * time.Second)
		if c.Hears() != "talk" || dora.Hears() != "talk" {
			t.Errorf("the caller hears %q, dora %q", c.Hears(), dora.Hears())
		}
		c.Hangup()
		time.Sleep(2 * time.Minute)
	})
}
