package intake

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/call/calltest"
)

// backDay is one random day of a queue whose callers may ask to be called back.
type backDay struct {
	*rig
	draw   *rand.Rand
	lines  map[string]*calltest.Caller // who phoned last from a number
	phones []*calltest.Phone
}

// happen does one thing that may happen, and lets some time pass.
func (d *backDay) happen() {
	k := d.draw.IntN(len(d.phones))
	n := fmt.Sprint("+493012", k)
	line := d.lines[n]
	switch d.draw.IntN(12) {
	case 0, 1, 2, 3:
		if line != nil {
			line.Hangup() // a phone has one line: who dials again has hung up at that moment
		}
		d.phones[k].Hangup()
		d.lines[n] = d.sw.Dial(n, "1009")
	case 4, 5, 6:
		if line != nil {
			line.Press([]string{"2", "3", "0049301299#", "1500"}[d.draw.IntN(4)])
		}
	case 7:
		if line != nil {
			line.Hangup()
		}
	case 8:
		d.phones[k].Hangup()
	case 9:
		d.phone.Hangup()
	case 10:
		d.staff(d.draw.IntN(3) > 0)
	case 11:
		d.drop()
		d.start()
	}
	time.Sleep(time.Duration(d.draw.IntN(40_000)) * time.Millisecond)
}

// staff has the agent's phone there or not.
func (d *backDay) staff(there bool) {
	if there {
		d.phone.Register().AnswersAfter(time.Duration(d.draw.IntN(20)) * time.Second)
		_ = d.queue.SetPresence(d.t.Context(), "ana", call.Available, "", "self")
	} else {
		d.phone.Unregister()
	}
	d.queue.Reachable("2001", there)
}

// customers have phones that answer, refuse or ring out.
func (d *backDay) customers() {
	for i := range 5 {
		p := d.sw.Phone(call.NumberDevice(fmt.Sprint("+493012", i)))
		switch d.draw.IntN(3) {
		case 0:
			p.Refuses(486)
		case 1:
			p.Ignores()
		default:
			p.AnswersAfter(time.Duration(1+d.draw.IntN(12)) * time.Second)
		}
		d.phones = append(d.phones, p)
	}
}

// wantOrder wants every offer to be made to who waits since the earliest arrival,
// on the line or not.
func (d *backDay) wantOrder() {
	d.t.Helper()
	waits := map[call.EntryID]call.QueueJoined{}
	offered := map[call.EntryID]bool{}
	for _, e := range d.journal.Events() {
		switch b := e.Body.(type) {
		case call.QueueJoined:
			waits[b.Entry] = b
		case call.QueueLeft:
			delete(waits, b.Entry)
		case call.OfferEnded:
			delete(offered, b.Offer.Entry())
		case call.Offered:
			x := waits[b.Offer.Entry()]
			for id, y := range waits {
				if id != x.Entry && !offered[id] && y.Joined.Before(x.Joined) && y.Priority == x.Priority {
					d.t.Errorf("%s of %v is offered before %s of %v", x.Entry, x.Joined, id, y.Joined)
				}
			}
			offered[x.Entry] = true
		}
	}
}

// wantOneAttempt wants no phone to ring twice at once, no two attempts of a request
// at once (the fold of its events refuses them too), and whoever was reached to have
// been talked to.
func (d *backDay) wantOneAttempt() {
	d.t.Helper()
	for _, p := range d.phones {
		if p.Doubled() {
			d.t.Errorf("%v rang twice at once", p)
		}
	}
	for _, c := range d.journal.Callbacks() {
		for i, a := range c.Attempts {
			if i > 0 && a.Began.Before(c.Attempts[i-1].Ended) {
				d.t.Errorf("attempts of %s overlap: %+v", c.ID, c.Attempts)
			}
		}
		if c.End == call.CallbackReached && len(d.recordOf(c.Answered).Talks) == 0 {
			d.t.Errorf("%s was reached in call %s, in which nobody talked", c.ID, c.Answered)
		}
	}
}

func TestCallbacksKeepTheirPromisesThroughRandomDays(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			tuned(t, callsBack(CallbackRule{
				First: []call.CallbackOrder{call.AgentFirst, call.CustomerFirst}[seed%2], Tries: 2, Every: 2 * time.Minute, Within: 2 * time.Hour,
			}), func(r *rig) {
				d := &backDay{rig: r, draw: rand.New(rand.NewPCG(seed, 1)), lines: map[string]*calltest.Caller{}}
				d.customers()
				for range 60 {
					d.happen()
				}
				for _, line := range d.lines {
					line.Hangup()
				}
				d.staff(true)
				for range 120 { // talks end, and the last requests come to an end
					time.Sleep(time.Minute)
					for _, p := range append(d.phones, d.phone) {
						p.Hangup()
					}
				}
				synctest.Wait()
				d.wantOrder()
				d.wantOneAttempt()
			})
		})
	}
}
