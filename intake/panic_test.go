package intake

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/intake/block"
)

// press is the agent's panic button in a call.
func (r *rig) press(c *calltest.Caller) (block.Block, error) {
	return r.desk.Panic(r.t.Context(), c.Call.ID, "agent:ana", "threats")
}

// flagged is how many recordings are marked as ones to keep.
func (r *rig) flagged() int {
	n := 0
	for _, e := range r.journal.Events() {
		if _, ok := e.Body.(call.RecordingFlagged); ok {
			n++
		}
	}
	return n
}

func TestPanicButtonEndsTheCallAndKeepsTheCallerOutForAnHour(t *testing.T) {
	bubble(t, func(r *rig) {
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		b, err := r.press(c)
		if _, gone := c.Ended(); err != nil || !gone {
			t.Fatalf("the call is over: %v, %v", gone, err)
		}
		synctest.Wait()
		rec := r.only()
		if r.phone.Talking() || rec.Outcome != call.OutcomeAnswered || rec.Panic == nil || rec.Panic.By != "agent:ana" || rec.Panic.Reason != "threats" {
			t.Errorf("phone up %v, outcome %q, panic %+v", r.phone.Talking(), rec.Outcome, rec.Panic)
		}
		if talk := rec.Talks[0]; talk.EndedBy != call.SideAgent || talk.Cause.Reason != call.Blocked || r.flagged() != 1 {
			t.Errorf("%+v, %d recordings flagged", talk, r.flagged())
		}
		if b.Pattern != "+4930123" || b.State != block.Proposed || b.Call != c.Call.ID {
			t.Errorf("%+v", b)
		}
		pressed := time.Now()
		again := r.sw.Dial("+4930123", "1009")
		time.Sleep(time.Minute)
		r.refused(again, 603)
		r.drop()
		r.start()
		time.Sleep(time.Until(pressed.Add(time.Hour - time.Second)))
		again = r.sw.Dial("+4930123", "1009")
		time.Sleep(time.Second)
		r.refused(again, 603)
		again = r.sw.Dial("+4930123", "1009")
		time.Sleep(time.Second)
		r.admitted(again)
		again.Hangup()
	})
}

func TestPanicButtonAtAnyMomentLeavesNothingBehind(t *testing.T) {
	for after := 250 * time.Millisecond; after < scenarioEnd; after += 1750 * time.Millisecond {
		for _, what := range []string{"alone", "with a hang-up", "with a restart"} {
			t.Run(fmt.Sprint(after, " ", what), func(t *testing.T) {
				bubble(t, func(r *rig) {
					s := &scenario{r: r}
					s.begin()
					time.Sleep(after)
					if what == "with a hang-up" {
						go s.c.Hangup()
					}
					_, err := r.press(s.c)
					talking := after >= 4500*time.Millisecond
					if err == nil && !talking {
						t.Error("there was no conversation to end")
					}
					if err != nil && !errors.Is(err, ErrNotTalking) || what == "alone" && (err == nil) != talking {
						t.Error(err)
					}
					if what == "with a restart" {
						r.drop()
						r.start()
					}
					time.Sleep(2 * scenarioEnd)
					if rec := r.only(); (rec.Panic != nil) != (err == nil) || r.phone.Ringing() || r.phone.Talking() {
						t.Errorf("panic %+v, %v", rec.Panic, err)
					}
				})
			})
		}
	}
}

func TestWithheldCallerIsCutOffAndOthersStillComeThrough(t *testing.T) {
	bubble(t, func(r *rig) {
		c := r.sw.Dial("", "1009")
		time.Sleep(10 * time.Second)
		if b, err := r.press(c); err != nil || b.Pattern != block.Withheld {
			t.Errorf("%+v, %v", b, err)
		}
		other := r.sw.Dial("", "1009")
		time.Sleep(time.Second)
		r.admitted(other)
		other.Hangup()
	})
}

func TestPanicButtonAgainstOneOfOursProposesNothing(t *testing.T) {
	bubble(t, func(r *rig) {
		c := r.sw.DialAs(call.Call{From: call.Party{Number: "2007"}, To: call.Party{Number: "1009"}, Device: "2007"})
		time.Sleep(10 * time.Second)
		b, err := r.press(c)
		if _, gone := c.Ended(); err != nil || b.ID != "" || !gone || r.only().Panic == nil || r.flagged() != 1 {
			t.Errorf("%+v, %v, over %v", b, err, gone)
		}
	})
}

// deaf is a list of blocks that can write nothing.
type deaf struct{ *block.List }

func (deaf) Pressed(context.Context, block.Press, ...call.Event) (block.Block, error) {
	return block.Block{}, errors.New("disk full")
}

func TestCallIsCutOffEvenWhenNothingCanBeWritten(t *testing.T) {
	bubble(t, func(r *rig) {
		r.desk.Blocks = deaf{r.blocks}
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		_, err := r.press(c)
		if _, gone := c.Ended(); err == nil || !gone {
			t.Errorf("over %v, %v", gone, err)
		}
	})
}
