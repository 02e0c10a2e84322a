package intake

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/call/calltest"
)

// dialsToo has ana's phone hold the caller and dial a number of its own.
func (r *rig) dialsToo(number string) *calltest.Caller {
	r.t.Helper()
	r.phone.Hold()
	c := r.sw.DialAs(call.Call{From: call.Party{Number: "2001"}, To: call.Party{Number: number}, Device: "2001"})
	synctest.Wait()
	return c
}

func TestAPhoneAsksAColleagueAndLeavesTheCallerWithThem(t *testing.T) {
	for dialled, to := range map[string]call.DeviceID{"2002": "2002", "ben": "2002", "+4940777": call.NumberDevice("+4940777"), "1009": "2002"} {
		t.Run(dialled, func(t *testing.T) {
			handing(t, func(r *rig, ben *calltest.Phone) {
				other := ben
				if to != "2002" {
					other = r.sw.Phone(to)
				}
				c, id := talking(r)
				second := r.dialsToo(dialled)
				if !other.Ringing() || c.Hears() != music {
					t.Errorf("the other phone rings %v, the caller hears %q", other.Ringing(), c.Hears())
				}
				time.Sleep(5 * time.Second)
				if second.Hears() != "talk" || other.Hears() != "talk" || c.Hears() != music {
					t.Errorf("ana hears %q, the one asked %q, the caller %q", second.Hears(), other.Hears(), c.Hears())
				}
				time.Sleep(5 * time.Second)
				r.phone.ReferTo(second)
				time.Sleep(time.Second)
				if _, over := second.Ended(); !over || r.phone.Talking() || c.Hears() != "talk" || other.Hears() != "talk" {
					t.Errorf("ana's second call is over %v, she talks %v; the caller hears %q, the one asked %q", over, r.phone.Talking(), c.Hears(), other.Hears())
				}
				c.Hangup()
				time.Sleep(time.Second)
				rec := r.recordOf(id)
				if len(rec.Talks) != 2 || rec.Talks[0].Consults[0].End != call.ConsultCompleted || len(r.tickets.made()) != 1 {
					t.Errorf("%+v, tickets %v", rec.Talks, r.tickets.made())
				}
				if hold := rec.Hold(rec.Ended); hold != 10*time.Second {
					t.Errorf("on hold for %v, want 10s", hold)
				}
			})
		})
	}
}

func TestAPhoneAsksInVainAndGoesBackToTheCaller(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		ben.Refuses(486)
		c, id := talking(r)
		second := r.dialsToo("2002")
		time.Sleep(time.Second)
		if _, over := second.Ended(); !over {
			t.Error("ana's second call goes on")
		}
		r.phone.Unhold()
		synctest.Wait()
		if c.Hears() != "talk" {
			t.Errorf("the caller hears %q", c.Hears())
		}
		c.Hangup()
		time.Sleep(time.Second)
		if x := r.recordOf(id).Talks[0].Consults; len(x) != 1 || x[0].End != call.ConsultDeclined {
			t.Errorf("%+v", x)
		}
	})
}

func TestNobodyElseReachesWhatIsNoNumberOfTheCentre(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		for _, c := range []call.Call{
			{From: call.Party{Number: "+4930123"}, To: call.Party{Number: "2002"}},
			{From: call.Party{Number: "+4930123"}, To: call.Party{Number: "+4940777"}},
			{From: call.Party{Number: "2001"}, To: call.Party{Number: "+4940777"}, Device: "2001"}, // who talks to nobody
		} {
			far := r.sw.DialAs(c)
			time.Sleep(time.Second)
			if cause, over := far.Ended(); !over || cause.SIP != 404 {
				t.Errorf("%+v: over %v, %v", c, over, cause)
			}
		}
		if n := len(r.journal.Records()); n != 0 || ben.Ringing() {
			t.Errorf("%d calls, ben rings %v", n, ben.Ringing())
		}
	})
}

func TestAQuestionByPhoneSurvivesEveryHangUpAndEveryRestart(t *testing.T) {
	type step = func(r *rig, c, second *calltest.Caller, ben *calltest.Phone)
	for what, do := range map[string]step{
		"the caller hangs up":        func(_ *rig, c, _ *calltest.Caller, _ *calltest.Phone) { c.Hangup() },
		"ana hangs up on the caller": func(r *rig, _, _ *calltest.Caller, _ *calltest.Phone) { r.phone.Hangup() },
		"ana hangs up the question":  func(_ *rig, _, second *calltest.Caller, _ *calltest.Phone) { second.Hangup() },
		"ben hangs up":               func(_ *rig, _, _ *calltest.Caller, ben *calltest.Phone) { ben.Hangup() },
		"ana transfers":              func(r *rig, _, second *calltest.Caller, _ *calltest.Phone) { r.phone.ReferTo(second) },
		"the process dies":           func(r *rig, _, _ *calltest.Caller, _ *calltest.Phone) { r.drop(); r.start() },
		"the exchange crashes":       func(r *rig, _, _ *calltest.Caller, _ *calltest.Phone) { r.sw.Crash() },
	} {
		for _, after := range []time.Duration{0, 2, 4, 10} {
			t.Run(fmt.Sprintf("%s after %ds", what, after), func(t *testing.T) {
				handing(t, func(r *rig, ben *calltest.Phone) {
					c, _ := talking(r)
					second := r.dialsToo("2002")
					time.Sleep(after*time.Second + 500*time.Millisecond)
					do(r, c, second, ben)
					time.Sleep(2 * time.Minute)
					if _, gone := c.Ended(); gone && (what == "ana transfers" || what == "the process dies" || what == "ana hangs up the question") {
						t.Error("the caller is gone")
					}
					c.Hangup()
					second.Hangup()
				})
			})
		}
	}
}
