package intake

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/callqueue"
)

// takesMessages lets the service desk's callers press 3 to leave a message.
func takesMessages(c *Centre) {
	q := c.Queues["service-desk"]
	q.Keys = map[string]callqueue.Exit{"3": {To: callqueue.Destination{Kind: callqueue.ToVoicemail}}}
	q.WrapUp = -1
	c.Queues["service-desk"] = q
	c.Messages = map[call.QueueID]MessageRule{"service-desk": {Longest: time.Minute}}
}

// messages is a bubble with nobody at the agent's phone, whose desk can play what was
// recorded.
func messages(t *testing.T, f func(r *rig)) {
	t.Helper()
	tuned(t, takesMessages, func(r *rig) {
		r.unstaffed()
		f(r)
	})
}

func (r *rig) unstaffed() {
	r.phone.Unregister()
	r.queue.Reachable("2001", false)
	r.desk.Playable = func(_ context.Context, id call.RecordingID) (call.Media, error) {
		return call.Media("recording:" + id), nil
	}
}

func (r *rig) staffed() {
	r.phone.Register().AnswersAfter(time.Second)
	r.queue.Reachable("2001", true)
}

// speaks is a caller who leaves a message of so many seconds.
func (r *rig) speaks(number string, seconds int) *calltest.Caller {
	r.t.Helper()
	c := r.sw.Dial(number, "1009")
	time.Sleep(5 * time.Second)
	c.Press("3")
	time.Sleep(2500 * time.Millisecond) // the greeting and the tone
	for range seconds {
		time.Sleep(time.Second)
		c.Speaks()
	}
	return c
}

func TestAMessageWaitsInTheQueueAtItsCallersPlaceAndIsAnswered(t *testing.T) {
	messages(t, func(r *rig) {
		far := r.sw.Phone(call.NumberDevice(customer)).AnswersAfter(time.Second)
		c := r.speaks(customer, 4)
		time.Sleep(10 * time.Second) // silence ends it
		if _, ended := c.Ended(); !ended {
			t.Fatalf("the caller hears %q", c.Hears())
		}
		first := r.journal.Records()[0]
		b := r.callback()
		if first.Outcome != call.OutcomeVoicemail || first.Lost != nil || b.Message == "" || !b.Joined.Equal(first.Entries[0].Joined) {
			t.Errorf("outcome %s, lost %v, %+v", first.Outcome, first.Lost, b)
		}
		later := r.sw.Dial("+4930999", "1009")
		time.Sleep(time.Minute)
		r.staffed()
		time.Sleep(2500 * time.Millisecond)
		if later.Hears() == "talk" || r.phone.Hears() != call.Media("recording:"+b.Message) {
			t.Errorf("who came later hears %q, the agent %q", later.Hears(), r.phone.Hears())
		}
		r.phone.Press("1")
		time.Sleep(5 * time.Second)
		if !far.Talking() || far.Hears() != "talk" {
			t.Errorf("the customer hears %q", far.Hears())
		}
		far.Hangup()
		time.Sleep(10 * time.Second)
		wantEnd(t, r.callback(), call.CallbackReached, 1)
		later.Hangup()
	})
}

func TestAMessageOfAWithheldNumberIsHeardAndSettled(t *testing.T) {
	messages(t, func(r *rig) {
		c := r.speaks("", 3)
		c.Press("#")
		time.Sleep(3 * time.Second)
		r.staffed()
		time.Sleep(5 * time.Second)
		r.phone.Press("1") // there is nobody to call
		time.Sleep(3 * time.Second)
		if !r.phone.Talking() {
			t.Error("the agent was let go of")
		}
		r.phone.Press("2")
		time.Sleep(time.Second)
		if r.phone.Talking() {
			t.Error("the agent is still on the line")
		}
		wantEnd(t, r.callback(), call.CallbackSettled, 1)
	})
}

func TestWhoSaysNothingOrHangsUpBeforeIsLostAndNotForgotten(t *testing.T) {
	for name, does := range map[string]func(*calltest.Caller){
		"says nothing":                       func(*calltest.Caller) {},
		"hangs up during the greeting":       func(c *calltest.Caller) { time.Sleep(500 * time.Millisecond); c.Hangup() },
		"hangs up after the tone":            func(c *calltest.Caller) { time.Sleep(3 * time.Second); c.Hangup() },
		"presses a key before saying a word": func(c *calltest.Caller) { time.Sleep(3 * time.Second); c.Press("#") },
	} {
		t.Run(name, func(t *testing.T) {
			messages(t, func(r *rig) {
				c := r.sw.Dial(customer, "1009")
				time.Sleep(7 * time.Second)
				c.Press("3")
				synctest.Wait()
				does(c)
				time.Sleep(30 * time.Second)
				rec := r.recordOf(c.Call.ID)
				if rec.Outcome != call.OutcomeVoicemail || rec.Lost == nil || rec.Lost.Reason != noMessage {
					t.Errorf("outcome %s, lost %+v", rec.Outcome, rec.Lost)
				}
				for _, b := range r.journal.Callbacks() {
					if b.Open() {
						t.Errorf("an empty message waits: %+v", b)
					}
				}
			})
		})
	}
}

func TestAMessageIsNeverLongerThanTheRuleSays(t *testing.T) {
	messages(t, func(r *rig) {
		c := r.speaks(customer, 70)
		time.Sleep(5 * time.Second)
		if _, ended := c.Ended(); !ended {
			t.Error("it goes on")
		}
	})
}

// Whatever was being done, the process dies: the message that was begun is kept, once,
// and nobody is forgotten who had not begun.
func TestACrashAtEachMomentOfAMessageLosesNobody(t *testing.T) {
	for after := 250 * time.Millisecond; after < 12*time.Second; after += 500 * time.Millisecond {
		for name, gone := range map[string]bool{"the caller stays": false, "the caller is cut off": true} {
			t.Run(after.String()+", "+name, func(t *testing.T) {
				messages(t, func(r *rig) {
					c := r.sw.Dial(customer, "1009")
					time.Sleep(7 * time.Second)
					c.Press("3")
					for until := time.Now().Add(after); time.Now().Before(until); time.Sleep(250 * time.Millisecond) {
						if time.Until(until) > after-5*time.Second {
							c.Speaks()
						}
					}
					r.drop()
					if gone {
						c.Hangup()
					}
					r.start()
					r.unstaffed()
					for range 30 {
						time.Sleep(500 * time.Millisecond)
						c.Speaks()
					}
					time.Sleep(30 * time.Second)
					rec := r.recordOf(c.Call.ID)
					open := 0
					for _, b := range r.journal.Callbacks() {
						if b.Open() {
							open++
						}
					}
					if listed := rec.Lost != nil; open > 1 || (open == 0) != listed {
						t.Errorf("%d open requests, lost %+v, outcome %s", open, rec.Lost, rec.Outcome)
					}
				})
			})
		}
	}
}

func TestARedialAnswersAMessageBeforeAnybodyHeardIt(t *testing.T) {
	messages(t, func(r *rig) {
		c := r.speaks(customer, 2)
		c.Hangup()
		again := r.sw.Dial(customer, "1009") // at the same moment
		time.Sleep(5 * time.Second)
		r.staffed()
		time.Sleep(10 * time.Second)
		if again.Hears() != "talk" {
			t.Errorf("hears %q", again.Hears())
		}
		again.Hangup()
		time.Sleep(time.Second)
		b := r.callback()
		wantEnd(t, b, call.CallbackRedialled, len(b.Attempts)) // one may have begun at that moment, and was called off
		if e := r.recordOf(again.Call.ID).Entries[0]; !e.Joined.Equal(b.Joined) {
			t.Errorf("joined at %v, the place was of %v", e.Joined, b.Joined)
		}
	})
}
