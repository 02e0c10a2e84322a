package intake

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
	"firstline/intake/lost"
)

// nobodyThere is the centre of a client without anybody to answer.
func nobodyThere(c *Centre) {
	c.Numbers["1009"] = Number{Queue: "service-desk", Client: "acme", Region: "DE"}
}

func deserted(t *testing.T, tune func(*Centre), f func(r *rig)) {
	t.Helper()
	tuned(t, func(c *Centre) {
		nobodyThere(c)
		if tune != nil {
			tune(c)
		}
	}, func(r *rig) {
		r.away()
		f(r)
	})
}

// away takes the agent's phone away, back brings it back.
func (r *rig) away() { r.phone.Unregister(); r.queue.Reachable("2001", false) }
func (r *rig) back() { r.phone.Register(); r.queue.Reachable("2001", true) }

// abandon phones in and hangs up after a while.
func (r *rig) abandon(number string, after time.Duration) call.Record {
	r.t.Helper()
	c := r.sw.Dial(number, "1009")
	time.Sleep(after)
	c.Hangup()
	time.Sleep(time.Second)
	return r.journal.Record(c.Call.ID)
}

// answered phones in and is answered.
func (r *rig) answered(number string) call.Record {
	r.t.Helper()
	c := r.sw.Dial(number, "1009")
	time.Sleep(20 * time.Second)
	c.Hangup()
	time.Sleep(2 * time.Minute) // wrap-up
	rec := r.journal.Record(c.Call.ID)
	if len(rec.Talks) != 1 {
		r.t.Errorf("not answered: %+v", rec)
	}
	return rec
}

// one is the only item there ever was.
func (r *rig) one() lost.Item {
	r.t.Helper()
	items := r.items()
	if len(items) != 1 {
		r.t.Fatalf("%d items, want 1: %+v", len(items), items)
	}
	return items[0]
}

func TestAbandonIsOnTheListWithItsFirstArrival(t *testing.T) {
	deserted(t, nil, func(r *rig) {
		first := r.abandon("030123", 10*time.Second)
		time.Sleep(time.Hour)
		second := r.abandon("+4930123", 20*time.Second)
		it := r.one()
		want := lost.Item{
			ID: it.ID, Number: "+4930123", From: call.Party{Number: "030123"}, Client: "acme", Queue: "service-desk", Ticket: first.Ticket,
			Joined: first.Entries[0].Joined, Opened: first.Entries[0].Left, Count: 2,
			Calls: []lost.Call{
				{ID: first.ID, Ticket: first.Ticket, Queue: "service-desk", Joined: first.Entries[0].Joined, At: first.Entries[0].Left, Reason: "abandoned"},
				{ID: second.ID, Ticket: second.Ticket, Queue: "service-desk", Joined: second.Entries[0].Joined, At: second.Entries[0].Left, Reason: "abandoned"},
			},
		}
		if d := cmp.Diff(want, it); d != "" {
			t.Error(d)
		}
		if first.Lost == nil || second.Lost == nil {
			t.Error("the calls do not say that their caller was lost")
		}
	})
}

func TestShortAbandonIsOnTheListOnlyWhereTheCentreSaysSo(t *testing.T) {
	for _, short := range []bool{false, true} {
		deserted(t, func(c *Centre) { c.ShortAbandons = short }, func(r *rig) {
			for _, after := range []time.Duration{0, time.Second, 4 * time.Second} {
				if rec := r.abandon("+4930123", after); (rec.Lost != nil) != (short && len(rec.Entries) > 0) {
					t.Errorf("left after %v, short abandons %v: lost %+v", after, short, rec.Lost)
				}
			}
			if rec := r.abandon("+4930123", 5*time.Second); rec.Lost == nil {
				t.Error("left after 5 s, and is not on the list")
			}
		})
	}
}

func TestAnsweredRedialTakesTheCallerOffTheList(t *testing.T) {
	deserted(t, nil, func(r *rig) {
		r.abandon("030123", 10*time.Second)
		r.abandon("+4930999", 10*time.Second)
		r.abandon("030123", 10*time.Second)
		r.back()
		rec := r.answered("004930123")
		items := r.items()
		if len(items) != 2 || items[0].End != call.LostCalledAgain || items[0].Answer != rec.ID || items[0].Count != 2 || !items[1].Open() {
			t.Errorf("%+v", items)
		}
	})
}

func TestWithheldCallersAreNotTakenForOneAnother(t *testing.T) {
	deserted(t, nil, func(r *rig) {
		r.abandon("", 10*time.Second)
		r.abandon("", 10*time.Second)
		r.back()
		r.answered("")
		if n := len(r.lost.Open()); n != 2 {
			t.Errorf("%d open items, want both", n)
		}
	})
}

func TestTestCallsAreOnNoList(t *testing.T) {
	deserted(t, nil, func(r *rig) {
		c := r.sw.DialAs(call.Call{From: call.Party{Number: "+4930123"}, To: call.Party{Number: "1009"}, Test: true})
		time.Sleep(time.Minute)
		c.Hangup()
		time.Sleep(time.Second)
		if items := r.items(); len(items) != 0 {
			t.Errorf("%+v", items)
		}
	})
}

func TestCallerWhoHangsUpOnTheWayOutOfAQueueIsLost(t *testing.T) {
	prompt := &callqueue.Exit{To: callqueue.Destination{Kind: callqueue.ToFlow, Name: "support"}, Prompt: "queue-still"}
	// 10 s in the queue, one of the prompt, then the flow, which leads back to the queue at 19 s.
	for after := 9500 * time.Millisecond; after < 22*time.Second; after += time.Second {
		deserted(t, rule(func(q *callqueue.Queue) { q.MaxWait, q.Timeout = 10*time.Second, prompt }), func(r *rig) {
			rec := r.abandon("+4930123", after)
			if last := rec.Entries[len(rec.Entries)-1].Outcome; (rec.Lost != nil) != (last != call.OutcomeAbandonedShort) {
				t.Errorf("hung up after %v: %v, lost %+v", after, story(rec), rec.Lost)
			}
		})
	}
}

func TestCallerWhomAnAgentHandsOnAndNobodyAnswersIsLost(t *testing.T) {
	tuned(t, func(c *Centre) {
		c.Queues["second"] = callqueue.Queue{ID: "second", Need: call.Requirement{Level: 4}}.Defaults()
		c.Numbers["1010"] = Number{Queue: "second"}
	}, func(r *rig) {
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		r.phone.Refer("1010")
		if err := r.queue.SetPresence(r.t.Context(), "ana", call.OnBreak, "lunch", "self"); err != nil { // nobody has it back
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		c.Hangup()
		time.Sleep(time.Second)
		if it := r.one(); it.Queue != "second" || !it.Open() {
			t.Errorf("%+v", it)
		}
	})
}

func TestCallerWhoWaitsThroughARestartIsLostOnce(t *testing.T) {
	for after := 500 * time.Millisecond; after < 12*time.Second; after += time.Second {
		for _, survives := range []bool{true, false} {
			t.Run(fmt.Sprint(after, " ", survives), func(t *testing.T) {
				deserted(t, nil, func(r *rig) {
					c := r.sw.Dial("030123", "1009")
					time.Sleep(after)
					r.drop()
					if !survives {
						c.Hangup() // nobody is there to see it
					}
					time.Sleep(time.Second)
					r.start()
					r.away()
					time.Sleep(10 * time.Second)
					c.Hangup()
					time.Sleep(time.Second)
					it, rec := r.one(), r.only()
					if !it.Joined.Equal(rec.Entries[0].Joined) || it.Number != "+4930123" || rec.Lost == nil {
						t.Errorf("%+v of %+v", it, rec)
					}
					r.drop()
					r.start()
					r.back()
					r.answered("+4930123")
					if it := r.one(); it.End != call.LostCalledAgain {
						t.Errorf("%+v", it)
					}
				})
			})
		}
	}
}

func TestRedialWhileTheFirstCallHangsUpIsServedOnce(t *testing.T) {
	for lead := -2 * time.Second; lead <= 2*time.Second; lead += 250 * time.Millisecond {
		deserted(t, nil, func(r *rig) {
			first := r.sw.Dial("+4930123", "1009")
			time.Sleep(10 * time.Second)
			r.away()
			time.AfterFunc(5*time.Second+lead, first.Hangup)
			time.Sleep(5 * time.Second)
			second := r.sw.Dial("+4930123", "1009")
			time.AfterFunc(time.Second, r.back)
			time.Sleep(30 * time.Second)
			second.Hangup()
			time.Sleep(time.Minute)
			for _, it := range r.items() {
				if it.Open() {
					t.Errorf("first call up %v into the second: %+v", lead, it)
				}
			}
		})
	}
}

func TestRedialAnsweredAtTheMomentOfATryEndsTheItemOnce(t *testing.T) {
	ends := map[call.LostEnd]int{}
	for range 40 {
		deserted(t, nil, func(r *rig) {
			r.abandon("+4930123", 10*time.Second)
			id := r.lost.Open()[0].ID
			for range 2 {
				if _, err := r.lost.Try(r.t.Context(), id, lost.Try{By: "agent:ana"}); err != nil {
					t.Fatal(err)
				}
			}
			r.back()
			c := r.sw.Dial("+4930123", "1009")
			time.Sleep(3*time.Second - time.Nanosecond)
			var tried error
			done := make(chan struct{})
			go func() { // the third in vain, as the phone is picked up
				defer close(done)
				time.Sleep(time.Nanosecond)
				_, tried = r.lost.Try(r.t.Context(), id, lost.Try{By: "agent:ana"})
			}()
			<-done
			synctest.Wait()
			it := r.one()
			if (tried == nil) != (it.End == call.LostUnreachable) || tried != nil && (!errors.Is(tried, lost.ErrUnknown) || it.End != call.LostCalledAgain) {
				t.Errorf("%+v; the try: %v", it, tried)
			}
			ends[it.End]++
			c.Hangup()
			time.Sleep(time.Second)
		})
	}
	if ends[call.LostUnreachable]+ends[call.LostCalledAgain] != 40 {
		t.Errorf("%v", ends)
	}
	t.Log(ends)
}
