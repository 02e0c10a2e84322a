package intake

import (
	"testing"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/intake/block"
)

// keepOut has a supervisor block somebody; zero until is for ever.
func (r *rig) keepOut(p block.Pattern, until time.Time) block.Block {
	r.t.Helper()
	b, err := r.blocks.Propose(r.t.Context(), block.Proposal{Pattern: p, Reason: "threats", Until: until, By: "supervisor:sue", Supervisor: true})
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

// refused wants a caller turned away unanswered, with a status, and with a ticket
// and an outcome of its own.
func (r *rig) refused(c *calltest.Caller, status int) {
	r.t.Helper()
	rec := r.journal.Record(c.Call.ID)
	if rec.Outcome != call.OutcomeBlocked || rec.Cause.Reason != call.Blocked || rec.Cause.SIP != status {
		r.t.Errorf("call from %q: outcome %q, cause %v", rec.From.Number, rec.Outcome, rec.Cause)
	}
	if rec.Ticket == "" || !rec.Answered.IsZero() || len(c.Heard()) > 0 || len(rec.Entries) > 0 || rec.Lost != nil {
		r.t.Errorf("call from %q: ticket %q, answered %v, heard %v, entries %v, lost %v",
			rec.From.Number, rec.Ticket, rec.Answered, c.Heard(), rec.Entries, rec.Lost)
	}
}

func (r *rig) admitted(c *calltest.Caller) {
	r.t.Helper()
	if rec := r.journal.Record(c.Call.ID); rec.Outcome == call.OutcomeBlocked || rec.Answered.IsZero() {
		r.t.Errorf("call from %q: outcome %q, answered %v", rec.From.Number, rec.Outcome, rec.Answered)
	}
}

func TestBlockedCallerIsRefusedUntilTheBlockExpiresToTheSecond(t *testing.T) {
	bubble(t, func(r *rig) {
		until := time.Now().Add(time.Hour)
		b := r.keepOut("+4930123", until)
		dial := func(at time.Time) *calltest.Caller {
			time.Sleep(time.Until(at))
			c := r.sw.Dial("+4930123", "1009")
			time.Sleep(500 * time.Millisecond)
			c.Hangup()
			return c
		}
		r.refused(dial(until.Add(-time.Hour)), 603)
		r.refused(dial(until.Add(-time.Second)), 603)
		r.admitted(dial(until))
		r.admitted(dial(until.Add(time.Second)))
		var counted block.Block
		for _, x := range foldAll[block.Block](r, call.StreamBlock) {
			counted = x
		}
		if counted.ID != b.ID || counted.Refused != 2 {
			t.Errorf("%+v", counted)
		}
	})
}

func TestBlockMeetsANumberInWhicheverFormItComes(t *testing.T) {
	tuned(t, func(c *Centre) {
		n := c.Numbers["1009"]
		n.Region = "DE"
		c.Numbers["1009"] = n
	}, func(r *rig) {
		r.keepOut("+49301234567", time.Time{})
		for _, number := range []string{"+49301234567", "0049301234567", "0301234567", "49301234567"} {
			c := r.sw.Dial(number, "1009")
			time.Sleep(100 * time.Millisecond)
			r.refused(c, 603)
		}
		for _, number := range []string{"+49301234568", "", "+33301234567", "1234567"} {
			c := r.sw.Dial(number, "1009")
			time.Sleep(100 * time.Millisecond)
			r.admitted(c)
			c.Hangup()
		}
	})
}

func TestOurOwnPhonesAreNeverKeptOut(t *testing.T) {
	bubble(t, func(r *rig) {
		r.keepOut("2001", time.Time{})
		r.keepOut(block.Withheld, time.Time{})
		for _, own := range []string{"2001", ""} {
			c := r.sw.DialAs(call.Call{From: call.Party{Number: own}, To: call.Party{Number: "1009"}, Device: "2005"})
			time.Sleep(100 * time.Millisecond)
			r.admitted(c)
			c.Hangup()
		}
		outside := r.sw.Dial("", "1009")
		time.Sleep(100 * time.Millisecond)
		r.refused(outside, 603)
	})
}

func TestBlockedCallerMayBeToldSo(t *testing.T) {
	for _, after := range []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 5 * time.Second} { // the prompt lasts a second
		for _, restart := range []bool{false, true} {
			tuned(t, func(c *Centre) { c.Blocked = Blocked{Status: 607, Prompt: "not-possible"} }, func(r *rig) {
				r.keepOut("+4930123", time.Time{})
				c := r.sw.Dial("+4930123", "1009")
				time.Sleep(after)
				if restart {
					r.drop()
					r.start()
				}
				c.Hangup()
				time.Sleep(time.Second)
				rec := r.only()
				if heard := c.Heard(); len(heard) == 0 || heard[0] != "prompt:en/not-possible" || rec.Outcome != call.OutcomeBlocked || rec.Lost != nil {
					t.Errorf("hung up after %v, restart %v: heard %v, outcome %q, lost %v", after, restart, heard, rec.Outcome, rec.Lost)
				}
			})
		}
	}
}

func TestBeginningOfNumbersIsRefusedWithTheCentresStatus(t *testing.T) {
	tuned(t, func(c *Centre) { c.Blocked.Status = 607 }, func(r *rig) {
		r.keepOut("+49301*", time.Time{})
		out, in := r.sw.Dial("+49301555", "1009"), r.sw.Dial("+49302555", "1009")
		time.Sleep(time.Second)
		r.refused(out, 607)
		r.admitted(in)
		in.Hangup()
	})
}
