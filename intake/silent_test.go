package intake

import (
	"testing"
	"time"

	"firstline/call/calltest"
	"firstline/callqueue"
)

// An agent's phone that is up and sends no audio is not the person's miss: after
// the talk it gets no call, until it proves to be there.
func TestPhoneWithoutAudioGetsNoMoreCallsUntilItIsThere(t *testing.T) {
	for name, goesSilent := range map[string]func(*calltest.Phone, *calltest.Caller){
		"told, then the caller hangs up": func(p *calltest.Phone, c *calltest.Caller) { p.Mute(); time.Sleep(time.Second); c.Hangup() },
		"the switch ends the call":       func(p *calltest.Phone, _ *calltest.Caller) { p.Lose() },
		"nothing ever came, which nobody told": func(p *calltest.Phone, c *calltest.Caller) {
			p.SendsNothing()
			time.Sleep(time.Second)
			c.Hangup()
		},
	} {
		t.Run(name, func(t *testing.T) {
			tuned(t, rule(func(q *callqueue.Queue) { q.WrapUp = -1 }), func(r *rig) {
				first := r.sw.Dial("+4930123", "1009")
				time.Sleep(15 * time.Second)
				goesSilent(r.phone, first)
				time.Sleep(time.Second)
				first.Hangup()
				second := r.sw.Dial("+4930124", "1009")
				time.Sleep(5 * time.Minute)
				if n := r.phone.Offers(); n != 1 {
					t.Errorf("the phone was rung %d times", n)
				}
				r.queue.Seen("2001")
				time.Sleep(10 * time.Second)
				if a := talkOf(r, second); a == nil || a.Agent != "ana" {
					t.Errorf("then the second talks to %+v", a)
				}
				second.Hangup()
				time.Sleep(time.Minute)
			})
		})
	}
}

func TestPhoneThatIsHeardAgainGetsTheNextCall(t *testing.T) {
	tuned(t, rule(func(q *callqueue.Queue) { q.WrapUp = -1 }), func(r *rig) {
		first := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		r.phone.Mute()
		time.Sleep(2 * time.Second)
		r.phone.Unmute()
		time.Sleep(time.Second)
		first.Hangup()
		second := r.sw.Dial("+4930124", "1009")
		time.Sleep(10 * time.Second)
		if a := talkOf(r, second); a == nil {
			t.Error("the second caller waits")
		}
		second.Hangup()
		time.Sleep(time.Minute)
	})
}
