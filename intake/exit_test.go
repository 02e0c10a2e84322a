package intake

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/callqueue"
)

// rule changes the service desk's rules, and gives it a night queue beside it.
func rule(f func(q *callqueue.Queue)) func(*Centre) {
	return func(c *Centre) {
		q := c.Queues["service-desk"]
		f(&q)
		c.Queues["service-desk"] = q
		c.Queues["night"] = callqueue.Queue{ID: "night"}.Defaults()
	}
}

// story is the outcomes of a call's entries, and of the call.
func story(r call.Record) []call.Outcome {
	var out []call.Outcome
	for _, e := range r.Entries {
		out = append(out, e.Outcome)
	}
	return append(out, r.Outcome)
}

func TestLongestWaitLeadsToTheNextQueueAtTheOldPlace(t *testing.T) {
	timeout := &callqueue.Exit{To: callqueue.Destination{Kind: callqueue.ToQueue, Name: "night"}, Prompt: "queue-still"}
	tuned(t, rule(func(q *callqueue.Queue) { q.MaxWait, q.Timeout = 10*time.Second, timeout }), func(r *rig) {
		r.phone.Unregister()
		r.queue.Reachable("2001", false)
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(20 * time.Second)
		r.phone.Register()
		r.queue.Reachable("2001", true)
		time.Sleep(10 * time.Second)
		c.Hangup()
		time.Sleep(time.Second)
		rec := r.only()
		if d := cmp.Diff([]call.Outcome{call.OutcomeTimeoutOverflow, call.OutcomeAnswered, call.OutcomeAnswered}, story(rec)); d != "" {
			t.Error(d)
		}
		if a, b := rec.Entries[0].Joined, rec.Entries[1].Joined; !a.Equal(b) {
			t.Errorf("joined at %v, then at %v", a, b)
		}
		if got, want := rec.Wait(rec.Ended), 23*time.Second; got != want {
			t.Errorf("waited %v in all, want %v", got, want)
		}
		if heard := c.Heard(); heard[len(heard)-2] != "prompt:en/queue-still" {
			t.Errorf("heard %v", heard)
		}
	})
}

func TestLongestWaitWithNowhereToGoIsALostCaller(t *testing.T) {
	tuned(t, rule(func(q *callqueue.Queue) { q.MaxWait = 10 * time.Second }), func(r *rig) {
		r.phone.Unregister()
		r.queue.Reachable("2001", false)
		r.sw.Dial("+4930123", "1009")
		time.Sleep(30 * time.Second)
		rec := r.only()
		if d := cmp.Diff([]call.Outcome{call.OutcomeTimeoutOverflow, call.OutcomeTimeoutOverflow}, story(rec)); d != "" || rec.Lost == nil {
			t.Errorf("%s lost %+v", d, rec.Lost)
		}
	})
}

func TestExitKeyLeadsBackIntoAFlowAndEarlierKeysDoNot(t *testing.T) {
	keys := map[string]callqueue.Exit{"1": {To: callqueue.Destination{Kind: callqueue.ToFlow, Name: "support"}}}
	tuned(t, rule(func(q *callqueue.Queue) { q.Keys = keys }), func(r *rig) {
		r.phone.Ignores()
		c := r.sw.Dial("+4930123", "1000")
		time.Sleep(1500 * time.Millisecond)
		c.Press("1") // the menu's
		time.Sleep(5 * time.Second)
		if got := c.Hears(); got != "music:default" {
			t.Errorf("the menu's key was taken for an exit: hears %q", got)
		}
		c.Press("7") // means nothing
		c.Press("1")
		time.Sleep(1500 * time.Millisecond)
		if got := c.Hears(); got != "prompt:en/menu-main" {
			t.Errorf("after the exit key: hears %q", got)
		}
		c.Hangup()
		time.Sleep(time.Second)
		rec := r.only()
		if d := cmp.Diff([]call.Outcome{call.OutcomeExitKey, call.OutcomeExitKey}, story(rec)); d != "" || rec.Lost != nil {
			t.Errorf("%s lost %+v", d, rec.Lost)
		}
		if x := rec.Entries[0].Exit; x == nil || x.Key != "1" {
			t.Errorf("exit %+v", x)
		}
		if r.phone.Ringing() {
			t.Error("the agent's phone rings on")
		}
	})
}

func TestFullQueueRefusesWithAPromptAndANamedOutcome(t *testing.T) {
	tuned(t, func(c *Centre) {
		rule(func(q *callqueue.Queue) { q.MaxLen = 1 })(c)
		c.Full = "no-agents"
	}, func(r *rig) {
		r.phone.Ignores()
		first := r.sw.Dial("+4930123", "1009")
		time.Sleep(5 * time.Second)
		second := r.sw.Dial("+4930124", "1009")
		time.Sleep(5 * time.Second)
		first.Hangup()
		time.Sleep(time.Second)
		rec := r.journal.Record(second.Call.ID)
		if d := cmp.Diff([]call.Outcome{call.OutcomeNoCapacity}, story(rec)); d != "" || rec.Lost == nil {
			t.Errorf("%s lost %+v", d, rec.Lost)
		}
		if heard := second.Heard(); heard[len(heard)-1] != "prompt:en/no-agents" {
			t.Errorf("heard %v", heard)
		}
	})
}

// Two full queues that each send on to the other would do so for ever.
func TestExitsInACircleEndTheCall(t *testing.T) {
	to := func(q string) *callqueue.Exit {
		return &callqueue.Exit{To: callqueue.Destination{Kind: callqueue.ToQueue, Name: q}}
	}
	full := func(c *Centre) {
		for id, other := range map[call.QueueID]string{"service-desk": "night", "night": "service-desk"} {
			q := c.Queues[id]
			q.MaxLen, q.Overflow = 1, to(other)
			c.Queues[id] = q
		}
	}
	tuned(t, func(c *Centre) { rule(func(*callqueue.Queue) {})(c); full(c) }, func(r *rig) {
		r.phone.Unregister()
		r.queue.Reachable("2001", false)
		var callers []*calltest.Caller
		for range 3 {
			callers = append(callers, r.sw.Dial("+4930123", "1009"))
			time.Sleep(time.Second)
		}
		want := []call.Outcome{call.OutcomeTimeoutOverflow, call.OutcomeTimeoutOverflow, call.OutcomeTimeoutOverflow}
		if d := cmp.Diff(want, story(r.journal.Record(callers[2].Call.ID))); d != "" || callers[2].Up() {
			t.Errorf("up: %v %s", callers[2].Up(), d)
		}
		if rec := r.journal.Record(callers[1].Call.ID); rec.Waiting() == nil || rec.Waiting().Queue != "night" {
			t.Errorf("the second does not wait behind the exit: %+v", rec.Entries)
		}
		callers[0].Hangup()
		callers[1].Hangup()
	})
}

func TestProcessDroppedOnTheWayToTheNextQueueGoesOnThere(t *testing.T) {
	timeout := &callqueue.Exit{To: callqueue.Destination{Kind: callqueue.ToQueue, Name: "night"}, Prompt: "queue-still"}
	tune := rule(func(q *callqueue.Queue) { q.MaxWait, q.Timeout = 10*time.Second, timeout })
	for after := 9900 * time.Millisecond; after < 12*time.Second; after += 50 * time.Millisecond {
		tuned(t, tune, func(r *rig) {
			r.phone.Unregister()
			c := r.sw.Dial("+4930123", "1009")
			time.Sleep(after)
			r.drop()
			r.start()
			time.Sleep(30 * time.Second)
			r.phone.Register()
			r.queue.Reachable("2001", true)
			time.Sleep(60 * time.Second)
			c.Hangup()
			time.Sleep(time.Second)
			rec := r.only()
			last := rec.Entries[len(rec.Entries)-1]
			if last.Queue != "night" || last.Outcome != call.OutcomeAnswered || !last.Joined.Equal(rec.Entries[0].Joined) {
				t.Errorf("dropped after %v: %+v", after, last)
			}
		})
	}
}
