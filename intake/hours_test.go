package intake

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/ivr"
	"firstline/ivr/hours"
)

const closedFlowYAML = `
start: sorry
nodes:
  sorry:
    type: menu
    play: closed
    digits: {"1": urgent}
    retries: 0
    timeout: 5s
    default: bye
  urgent: {type: queue, queue: service-desk}
  bye: {type: hangup}
`

// openFrom is open every day from one hour to another, UTC.
func openFrom(from, to int) *hours.Calendar {
	c := &hours.Calendar{Zone: time.UTC}
	for day := range c.Weekly {
		c.Weekly[day] = []hours.Span{{From: from * 60, To: to * 60}}
	}
	return c
}

// with gives both numbers hours, 1000 a closed flow and 1009 the prompt.
func with(t *testing.T, h Hours) func(*Centre) {
	return func(c *Centre) {
		flow, faults := ivr.Parse("closed.yaml", "closed", []byte(closedFlowYAML))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		c.Flows["closed"] = flow
		c.Numbers["1000"] = Number{Flow: "support", Hours: h, Closed: Closed{Flow: "closed"}}
		c.Numbers["1009"] = Number{Queue: "service-desk", Hours: h, Closed: Closed{Prompt: "closed"}}
	}
}

// sleepUntil passes the time to an hour of the bubble's first day, UTC.
func sleepUntil(hour, minute int) {
	y, m, d := time.Now().UTC().Date()
	time.Sleep(time.Until(time.Date(y, m, d, hour, minute, 0, 0, time.UTC)))
}

// absent keeps the agent away until he is called back.
func (r *rig) absent() (back func()) {
	r.phone.Unregister()
	r.queue.Reachable("2001", false)
	return func() {
		r.phone.Register()
		r.queue.Reachable("2001", true)
	}
}

func TestAtClosingTimeThoseWhoWaitAreServedAndNewCallsAreNot(t *testing.T) {
	tuned(t, with(t, openFrom(8, 18)), func(r *rig) {
		back := r.absent()
		sleepUntil(17, 59)
		waits := r.sw.Dial("+4930123", "1009")
		sleepUntil(18, 1)
		late := r.sw.Dial("+4930124", "1009")
		time.Sleep(30 * time.Second)
		rec := r.journal.Record(late.Call.ID)
		if d := cmp.Diff([]call.Outcome{call.OutcomeClosed}, story(rec)); d != "" {
			t.Error(d)
		}
		if want := (call.Cause{Reason: call.Closed, Text: "closed until 2000-01-02T08:00:00Z"}); rec.Cause != want {
			t.Errorf("cause %+v, want %+v", rec.Cause, want)
		}
		if d := cmp.Diff([]call.Media{"prompt:en/closed"}, late.Heard()); d != "" || rec.Ticket == "" || rec.Answered.IsZero() {
			t.Errorf("heard %s, ticket %q, answered %v", d, rec.Ticket, rec.Answered)
		}
		sleepUntil(18, 5)
		back()
		time.Sleep(10 * time.Second)
		if got := waits.Hears(); got != "talk" {
			t.Errorf("who waited since before closing time hears %q", got)
		}
		waits.Hangup()
		time.Sleep(time.Second)
		if d := cmp.Diff([]call.Outcome{call.OutcomeAnswered, call.OutcomeAnswered}, story(r.journal.Record(waits.Call.ID))); d != "" {
			t.Error(d)
		}
	})
}

func TestAClosedFlowEndsClosedUnlessItLeadsToAQueue(t *testing.T) {
	tuned(t, with(t, openFrom(8, 18)), func(r *rig) {
		silent := r.sw.Dial("+4930123", "1000")
		time.Sleep(20 * time.Second)
		rec := r.journal.Record(silent.Call.ID)
		if d := cmp.Diff([]call.Outcome{call.OutcomeClosed}, story(rec)); d != "" || rec.Cause.Text != "closed until 2000-01-01T08:00:00Z" {
			t.Errorf("%s cause %+v", d, rec.Cause)
		}
		gone := r.sw.Dial("+4930124", "1000")
		time.Sleep(500 * time.Millisecond)
		gone.Hangup()
		time.Sleep(time.Second)
		if rec := r.journal.Record(gone.Call.ID); rec.Outcome != call.OutcomeClosed || rec.Cause.Reason != call.Hangup {
			t.Errorf("hung up in the closed flow: %s, %+v", rec.Outcome, rec.Cause)
		}
		urgent := r.sw.Dial("+4930125", "1000")
		time.Sleep(1500 * time.Millisecond)
		urgent.Press("1")
		time.Sleep(10 * time.Second)
		urgent.Hangup()
		time.Sleep(time.Second)
		if d := cmp.Diff([]call.Outcome{call.OutcomeAnswered, call.OutcomeAnswered}, story(r.journal.Record(urgent.Call.ID))); d != "" {
			t.Error(d)
		}
	})
}

func TestAReloadChangesHoursForNewCallsOnly(t *testing.T) {
	tuned(t, with(t, openFrom(0, 24)), func(r *rig) {
		back := r.absent()
		menu := r.sw.Dial("+4930123", "1000")
		waits := r.sw.Dial("+4930124", "1009")
		time.Sleep(500 * time.Millisecond)
		next := centre(t)
		with(t, openFrom(8, 18))(next)
		r.desk.SetCentre(next)
		late := r.sw.Dial("+4930125", "1009")
		time.Sleep(10 * time.Second)
		if rec := r.journal.Record(late.Call.ID); rec.Outcome != call.OutcomeClosed {
			t.Errorf("a call after the reload: %q", rec.Outcome)
		}
		r.desk.SetCentre(centre(t)) // without hours
		open := r.sw.Dial("+4930126", "1009")
		time.Sleep(10 * time.Second)
		for name, c := range map[string]interface{ Hears() call.Media }{"in the menu": menu, "in the queue": waits, "new": open} {
			if got := c.Hears(); got != "music:default" {
				t.Errorf("the call %s hears %q", name, got)
			}
		}
		back()
		time.Sleep(5 * time.Second)
		menu.Hangup()
		waits.Hangup()
		open.Hangup()
	})
}

func TestWhoHangsUpInTheClosedPromptWasClosed(t *testing.T) {
	tuned(t, with(t, openFrom(8, 18)), func(r *rig) {
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(500 * time.Millisecond)
		c.Hangup()
		time.Sleep(time.Second)
		if rec := r.only(); rec.Outcome != call.OutcomeClosed || rec.Cause.Reason != call.Hangup || rec.Stage != "closed" {
			t.Errorf("%s in %s, %+v", rec.Outcome, rec.Stage, rec.Cause)
		}
	})
}

// A process that takes up a call later decides as the one that it came to.
func TestWhenACallCameDecidesNotWhenItIsRouted(t *testing.T) {
	tuned(t, with(t, openFrom(8, 18)), func(r *rig) {
		sleepUntil(18, 1)
		for minutes, want := range map[int]string{-2: "wait", 0: "closed"} {
			j := r.desk.newJourney(&call.Call{
				ID: call.NewID(time.Now()), To: call.Party{Number: "1009"}, Arrived: time.Now().Add(time.Duration(minutes) * time.Minute),
			})
			if next, err := (Route{}).Run(t.Context(), r.desk, j); err != nil || next.Name() != want {
				t.Errorf("%d minutes: %v, %v, want stage %s", minutes, next, err, want)
			}
		}
	})
}

func TestProcessDroppedOutsideHoursEndsTheCallClosed(t *testing.T) {
	for _, number := range []string{"1000", "1009"} {
		for after := time.Duration(0); after < 7*time.Second; after += 250 * time.Millisecond {
			tuned(t, with(t, openFrom(8, 18)), func(r *rig) {
				sleepUntil(7, 59)
				time.Sleep(55 * time.Second) // it opens before the caller has heard everything
				r.sw.Dial("+4930123", number)
				synctest.Wait()
				time.Sleep(after)
				r.drop()
				r.start()
				time.Sleep(20 * time.Second)
				rec := r.only()
				if d := cmp.Diff([]call.Outcome{call.OutcomeClosed}, story(rec)); d != "" {
					t.Errorf("%s, dropped after %v: %s", number, after, d)
				}
			})
		}
	}
}
