package intake

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
)

func TestAgentHandsTheCallerOnToAnotherQueue(t *testing.T) {
	tuned(t, func(c *Centre) {
		c.Queues["second"] = callqueue.Queue{ID: "second", Ring: 15 * time.Second}.Defaults()
		c.Numbers["1010"] = Number{Queue: "second"}
	}, func(r *rig) {
		r.hire("ben", "2002")
		ben := r.sw.Phone("2002").AnswersAfter(5 * time.Second)
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(5 * time.Second)
		first, second := r.phone, ben
		if ben.Talking() {
			first, second = ben, r.phone
		}
		first.Refer("1010")
		synctest.Wait()
		if first.Talking() {
			t.Error("the agent who transferred is still in the call")
		}
		if got := c.Hears(); got != "music:default" {
			t.Errorf("the caller hears %q meanwhile", got)
		}
		time.Sleep(10 * time.Second)
		if !second.Talking() || c.Hears() != "talk" {
			t.Errorf("the other agent talks: %v, the caller hears %q", second.Talking(), c.Hears())
		}
		c.Hangup()
		time.Sleep(time.Second)
		rec := r.only()
		if len(rec.Talks) != 2 || rec.Talks[0].Agent == rec.Talks[1].Agent || rec.Outcome != call.OutcomeAnswered {
			t.Fatalf("talks %+v, outcome %s", rec.Talks, rec.Outcome)
		}
		if d := cmp.Diff([]call.Transfer{{At: rec.Talks[0].Ended, To: "1010"}}, rec.Talks[0].Transfers); d != "" {
			t.Error(d)
		}
	})
}

func TestATransferToNowhereLeavesTheTwoTogether(t *testing.T) {
	bubble(t, func(r *rig) {
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		r.phone.Refer("4711")
		time.Sleep(10 * time.Second)
		if got := c.Hears(); got != "talk" {
			t.Errorf("the caller hears %q", got)
		}
		c.Hangup()
		time.Sleep(time.Second)
		if rec := r.only(); len(rec.Talks) != 1 || len(rec.Talks[0].Transfers) != 1 || rec.Talks[0].Transfers[0].Refused == "" {
			t.Errorf("talks %+v", rec.Talks)
		}
	})
}

func TestWhomTheExchangeLosesIsSystemFailedAndOnTheLostList(t *testing.T) {
	for _, tt := range []struct {
		name   string
		number string
		after  time.Duration
		want   call.Outcome
		lost   bool
	}{
		{"in the menu", "1000", 500 * time.Millisecond, call.OutcomeSystemFailed, false},
		{"waiting", "1009", 2 * time.Second, call.OutcomeSystemFailed, true},
		{"talking", "1009", 10 * time.Second, call.OutcomeAnswered, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.sw.Dial("+4930123", tt.number)
				time.Sleep(tt.after)
				r.sw.Crash()
				time.Sleep(time.Second)
				rec := r.only()
				if rec.Outcome != tt.want || rec.Cause.Reason != call.SwitchGone || (rec.Lost != nil) != tt.lost {
					t.Fatalf("outcome %s, cause %v, lost %+v", rec.Outcome, rec.Cause, rec.Lost)
				}
				if tt.lost && !rec.Lost.Joined.Equal(rec.Entries[0].Joined) {
					t.Errorf("lost since %v, joined at %v", rec.Lost.Joined, rec.Entries[0].Joined)
				}
			})
		})
	}
}
