package worktime_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue/sla"
	"firstline/callqueue/worktime"
)

func at(minute int) time.Time {
	return time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC).Add(time.Duration(minute) * time.Minute)
}

func story(bodies map[int]call.Body) []call.Event {
	var evs []call.Event
	for m := range 1000 {
		if b, ok := bodies[m]; ok {
			evs = append(evs, call.AgentEvent(at(m), "ana", b))
		}
	}
	return evs
}

func presence(p call.Presence, reason string) call.Body {
	return call.PresenceChanged{Presence: p, Reason: reason}
}

func TestEachStaffedSecondIsSpentOnOneThing(t *testing.T) {
	evs := story(map[int]call.Body{
		0:  call.AgentSet{Name: "Ana"},
		10: presence(call.Available, ""),
		20: call.ActivityChanged{Activity: call.Offering},
		21: call.ActivityChanged{Activity: call.Talking},
		25: presence(call.OnBreak, "lunch"), // said in the talk: it begins after the wrap-up
		30: call.ActivityChanged{Activity: call.WrapUp},
		31: call.ActivityChanged{Activity: call.Idle},
		61: presence(call.OnBreak, "training"),
		70: presence(call.Available, ""),
		75: call.ActivityChanged{Activity: call.PhoneGone},
		80: presence(call.LoggedOut, ""),
		90: presence(call.Available, ""), // the phone is still gone
	})
	want := []worktime.Span{
		{From: at(15), To: at(20), State: sla.StateReady},
		{From: at(20), To: at(21), State: sla.StateOffered},
		{From: at(21), To: at(30), State: sla.StateTalking},
		{From: at(30), To: at(31), State: sla.StateWrapUp},
		{From: at(31), To: at(61), State: sla.StateBreak, Reason: "lunch"},
		{From: at(61), To: at(70), State: sla.StateBreak, Reason: "training"},
		{From: at(70), To: at(75), State: sla.StateReady},
		{From: at(75), To: at(80), State: sla.StateUnreachable},
		{From: at(90), To: at(95), State: sla.StateUnreachable},
	}
	got := worktime.Spans(evs, at(15), at(95))
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	sum := worktime.Sum(got)
	if sum.Staffed != 70*time.Minute || sum.In[sla.StateBreak] != 39*time.Minute || sum.Breaks["lunch"] != 30*time.Minute {
		t.Errorf("%+v", sum)
	}
}

func anyStory(t *rapid.T) []call.Event {
	now := at(0)
	var evs []call.Event
	for range rapid.IntRange(0, 60).Draw(t, "events") {
		now = now.Add(time.Duration(rapid.IntRange(-30, 600).Draw(t, "s")) * time.Second) // sometimes dated back
		body := rapid.OneOf(
			rapid.Map(rapid.SampledFrom([]call.Presence{call.LoggedOut, call.Available, call.OnBreak, call.Finishing}),
				func(p call.Presence) call.Body { return presence(p, "") }),
			rapid.Map(rapid.SampledFrom([]call.Activity{call.Idle, call.Offering, call.Talking, call.Holding, call.WrapUp, call.Outbound, call.PhoneGone}),
				func(a call.Activity) call.Body { return call.ActivityChanged{Activity: a} }),
			rapid.Just[call.Body](presence(call.OnBreak, "lunch")),
			rapid.Just[call.Body](call.AgentSet{Name: "Ana"}),
			rapid.Just[call.Body](call.AgentRemoved{}),
		).Draw(t, "body")
		evs = append(evs, call.AgentEvent(now, "ana", body))
	}
	return evs
}

// staffed is the time not logged out, counted second by second: slow and plain.
func staffed(evs []call.Event, from, to time.Time) time.Duration {
	var n time.Duration
	for s := from; s.Before(to); s = s.Add(time.Second) {
		p, last := call.LoggedOut, time.Time{}
		for _, e := range evs {
			if e.At.After(last) {
				last = e.At
			}
			if last.After(s) {
				break
			}
			switch b := e.Body.(type) {
			case call.PresenceChanged:
				p = b.Presence
			case call.AgentRemoved:
				p = call.LoggedOut
			}
		}
		if p != call.LoggedOut {
			n += time.Second
		}
	}
	return n
}

func TestStateSecondsAddUpToStaffedSeconds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		evs := anyStory(t)
		from := at(rapid.IntRange(-10, 60).Draw(t, "from"))
		to := from.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "length")) * time.Minute)
		spans := worktime.Spans(evs, from, to)
		last := from
		for _, s := range spans {
			if s.From.Before(last) || !s.From.Before(s.To) || s.To.After(to) {
				t.Fatalf("span %v to %v after %v, in %v to %v", s.From, s.To, last, from, to)
			}
			last = s.To
		}
		sum := worktime.Sum(spans)
		var states, breaks time.Duration
		for _, d := range sum.In {
			states += d
		}
		for _, d := range sum.Breaks {
			breaks += d
		}
		if want := staffed(evs, from, to); states != want || sum.Staffed != want || breaks != sum.In[sla.StateBreak] {
			t.Fatalf("states %v, staffed %v, breaks %v of %v; counted %v", states, sum.Staffed, breaks, sum.In[sla.StateBreak], want)
		}
	})
}

func TestTimesOfTwoHalvesAreThoseOfTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		evs := anyStory(t)
		middle := at(rapid.IntRange(0, 120).Draw(t, "middle"))
		whole := worktime.Sum(worktime.Spans(evs, at(0), at(120)))
		halves := worktime.Sum(append(worktime.Spans(evs, at(0), middle), worktime.Spans(evs, middle, at(120))...))
		if d := cmp.Diff(whole, halves); d != "" {
			t.Fatal(d)
		}
	})
}

func TestAdherenceComparesPlanAndWork(t *testing.T) {
	evs := story(map[int]call.Body{
		0:   presence(call.Available, ""),    // ten minutes before the shift
		60:  presence(call.OnBreak, "lunch"), // 30 minutes, 20 of them planned
		90:  presence(call.Available, ""),
		120: presence(call.LoggedOut, ""), // ten minutes early
	})
	plan := []worktime.Interval{{From: at(10), To: at(60)}, {From: at(80), To: at(130)}}
	got := worktime.Adhere(worktime.Spans(evs, at(0), at(200)), plan, at(0), at(200))
	percent := 80.0
	want := worktime.Adherence{Planned: 100 * time.Minute, In: 80 * time.Minute, Out: 20 * time.Minute, Unplanned: 10 * time.Minute, Percent: &percent}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	none := worktime.Adhere(worktime.Spans(evs, at(0), at(200)), nil, at(0), at(200))
	if none.Percent != nil || none.Planned != 0 || none.Unplanned != 90*time.Minute {
		t.Errorf("with nothing planned: %+v", none)
	}
	// What is yet to come is not held against anybody.
	if early := worktime.Adhere(worktime.Spans(evs, at(0), at(30)), plan, at(0), at(30)); early.Out != 0 || *early.Percent != 100 {
		t.Errorf("in the first half hour: %+v", early)
	}
}
