package intake

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
)

// overriding gives both numbers a calendar that is open by day, "desk".
func overriding(t *testing.T) func(*Centre) {
	return func(c *Centre) {
		h := openFrom(8, 18)
		with(t, h)(c)
		for number, n := range c.Numbers {
			n.Calendar = "desk"
			c.Numbers[number] = n
		}
		c.Calendars = map[string]Hours{"desk": h}
	}
}

func TestASupervisorOpensAndClosesForNewCallsThroughARestart(t *testing.T) {
	for _, restart := range []bool{false, true} {
		tuned(t, overriding(t), func(r *rig) {
			set := func(o call.HoursOverridden) {
				t.Helper()
				o.Calendar, o.By = "desk", "sup"
				if err := r.desk.OverrideHours(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				if restart {
					r.drop()
					r.start()
					r.absent()
					r.desk.RestoreHours(o) // as the program does from the journal
				}
			}
			ring := func(number string) call.Record {
				c := r.sw.Dial("+4930123", number)
				time.Sleep(10 * time.Second)
				c.Hangup()
				time.Sleep(time.Second)
				return r.recordOf(c.Call.ID)
			}
			r.absent()
			sleepUntil(9, 0)
			set(call.HoursOverridden{State: "closed", Prompt: "technical-trouble"})
			if rec := ring("1009"); rec.Outcome != call.OutcomeClosed || rec.Cause.Text != "closed by a supervisor" {
				t.Errorf("closed: %s, %+v", rec.Outcome, rec.Cause)
			}
			set(call.HoursOverridden{})
			if rec := ring("1009"); rec.Outcome == call.OutcomeClosed {
				t.Errorf("taken back: %s", rec.Outcome)
			}
			sleepUntil(19, 0)
			set(call.HoursOverridden{State: "open", Until: time.Now().Add(time.Hour)})
			if rec := ring("1009"); rec.Outcome == call.OutcomeClosed || len(rec.Entries) != 1 {
				t.Errorf("open at night: %s", rec.Outcome)
			}
			sleepUntil(20, 1)
			if rec := ring("1009"); rec.Outcome != call.OutcomeClosed {
				t.Errorf("after the override's end: %s", rec.Outcome)
			}
		})
	}
}

// An emergency prompt is heard first by calls that come a moment later, and they go on.
func TestAnEmergencyPromptIsSaidFirstToNewCalls(t *testing.T) {
	tuned(t, overriding(t), func(r *rig) {
		r.absent()
		sleepUntil(9, 0)
		o := call.HoursOverridden{Calendar: "desk", Prompt: "outage", By: "sup", Reason: "fibre cut"}
		if err := r.desk.OverrideHours(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(500 * time.Millisecond)
		r.drop() // in the prompt
		r.start()
		r.absent()
		time.Sleep(10 * time.Second)
		if d := cmp.Diff([]call.Media{"prompt:en/outage", "prompt:en/outage"}, c.Heard()[:2]); d != "" {
			t.Errorf("heard (-want +got):\n%s", d)
		}
		if got := c.Hears(); got != "music:default" {
			t.Errorf("hears %q afterwards", got)
		}
		c.Hangup()
	})
}

func TestAnOverrideThatCannotBeIsRefused(t *testing.T) {
	tuned(t, overriding(t), func(r *rig) {
		for name, o := range map[string]call.HoursOverridden{
			"no such calendar": {Calendar: "night", State: "open"},
			"no such state":    {Calendar: "desk", State: "ajar"},
			"over already":     {Calendar: "desk", State: "open", Until: time.Now().Add(-time.Second)},
		} {
			if err := r.desk.OverrideHours(t.Context(), o); !errors.Is(err, ErrHours) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
