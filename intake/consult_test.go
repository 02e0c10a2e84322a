package intake

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/call/calltest"
)

func (r *rig) consult(id call.ID, to Target) {
	r.t.Helper()
	if err := r.desk.Consult(r.t.Context(), id, to, "agent:ana"); err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
}

func (r *rig) do(verb func() error) {
	r.t.Helper()
	if err := verb(); err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
}

// hear wants what caller, ana and ben hear.
func (r *rig) hear(c *calltest.Caller, ben *calltest.Phone, want ...call.Media) {
	r.t.Helper()
	synctest.Wait()
	if got := []call.Media{c.Hears(), r.phone.Hears(), ben.Hears()}; fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Errorf("caller, ana and ben hear %q, want %q", got, want)
	}
}

// asked is the call by which the nth consultation of a call was made.
func (r *rig) asked(id call.ID, n int) call.Record {
	r.t.Helper()
	rec := r.journal.Record(id)
	for _, t := range rec.Talks {
		if n < len(t.Consults) {
			return r.recordOf(t.Consults[n].Call)
		}
		n -= len(t.Consults)
	}
	r.t.Fatalf("%d consultations fewer: %+v", n, rec.Talks)
	return rec
}

const music call.Media = "music:default"

func TestAConsultationThatIsDeclinedThenCompletedWithAnotherSplitsTheTalk(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		cora := r.sw.Phone("2003")
		r.hire("cora", "2003")
		ben.Refuses(603)
		c, id := talking(r)
		rec := r.journal.Record(id)
		began := rec.Talks[0].Began
		r.consult(id, Target{Agent: "ben"})
		time.Sleep(time.Second)
		r.hear(c, ben, "talk", "talk", "")
		time.Sleep(4 * time.Second)
		r.consult(id, Target{Agent: "cora"})
		r.hear(c, cora, music, music, "")
		time.Sleep(5 * time.Second)
		r.hear(c, cora, music, "talk", "talk")
		time.Sleep(5 * time.Second)
		r.do(func() error { return r.desk.CompleteConsult(r.t.Context(), id) })
		r.hear(c, cora, "talk", "", "talk")
		time.Sleep(10 * time.Second)
		c.Hangup()
		time.Sleep(time.Second)
		rec = r.recordOf(id)
		if len(rec.Talks) != 2 || rec.Talks[1].Agent != "cora" || rec.Outcome != call.OutcomeAnswered || len(rec.Entries) != 1 {
			t.Fatalf("%+v", rec)
		}
		one, two := rec.Talks[0], rec.Talks[1]
		if x := one.Consults; len(x) != 2 || x[0].End != call.ConsultDeclined || x[1].End != call.ConsultCompleted || x[1].With != "agent:cora" {
			t.Errorf("consultations %+v", x)
		}
		if gap := two.Began.Sub(one.Ended); gap < 0 || gap > time.Second {
			t.Errorf("%v between the two talks", gap)
		}
		if sum := rec.Talk(rec.Ended); two.Ended.Sub(began)-sum > time.Second {
			t.Errorf("talked for %v since %v", sum, two.Ended.Sub(began))
		}
		if hold := rec.Hold(rec.Ended); hold < 10*time.Second || hold > 11*time.Second {
			t.Errorf("on hold for %v", hold)
		}
		if b := r.asked(id, 1); b.Outcome != call.OutcomeAnswered || b.Consult != id || b.Ticket != rec.Ticket || len(b.Talks) != 1 || b.Lost != nil {
			t.Errorf("the question's call %+v", b)
		}
		if a := r.asked(id, 0); a.Outcome != call.OutcomeTimeoutOverflow || len(a.Talks) != 0 {
			t.Errorf("the call that was declined %+v", a)
		}
	})
}

func TestAnAgentSwapsBringsAllTogetherAndComesBack(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		c, id := talking(r)
		r.consult(id, Target{Agent: "ben"})
		time.Sleep(5 * time.Second)
		r.hear(c, ben, music, "talk", "talk")
		r.do(func() error { return r.desk.SwapConsult(r.t.Context(), id) })
		r.hear(c, ben, "talk", "talk", music)
		time.Sleep(3 * time.Second)
		r.do(func() error { return r.desk.SwapConsult(r.t.Context(), id) })
		r.hear(c, ben, music, "talk", "talk")
		time.Sleep(3 * time.Second)
		r.do(func() error { return r.desk.Conference(r.t.Context(), id) })
		for _, other := range []call.LegID{r.phone.Leg(), ben.Leg()} {
			if !c.HearsVoice(other) {
				t.Errorf("the caller does not hear %s", other)
			}
		}
		if !r.phone.HearsVoice(ben.Leg()) || !ben.HearsVoice(r.phone.Leg()) || !ben.HearsVoice(id.CallerLeg()) {
			t.Error("somebody is not heard in the conference")
		}
		time.Sleep(10 * time.Second)
		r.do(func() error { return r.desk.EndConsult(r.t.Context(), id) })
		time.Sleep(time.Second)
		r.hear(c, ben, "talk", "talk", "")
		c.Hangup()
		time.Sleep(time.Second)
		rec := r.recordOf(id)
		if x := rec.Talks[0].Consults; len(rec.Talks) != 1 || len(x) != 1 || x[0].End != call.ConsultReturned || x[0].Conference.IsZero() {
			t.Errorf("%+v", rec.Talks)
		}
		if hold := rec.Hold(rec.Ended); hold != 8*time.Second {
			t.Errorf("on hold for %v, want 8s", hold)
		}
	})
}

func TestAConferenceGoesOnWithoutTheAgentWhoLeaves(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		c, id := talking(r)
		r.consult(id, Target{Agent: "ben"})
		time.Sleep(5 * time.Second)
		r.do(func() error { return r.desk.Conference(r.t.Context(), id) })
		r.phone.Hangup()
		time.Sleep(time.Second)
		r.hear(c, ben, "talk", "", "talk")
		c.Hangup()
	})
}

func TestAnAgentConsultsAQueueAndANumberOutside(t *testing.T) {
	for _, to := range []Target{{Queue: "service-desk"}, {Number: "+4940777"}} {
		t.Run(to.String(), func(t *testing.T) {
			handing(t, func(r *rig, ben *calltest.Phone) {
				other := ben
				if to.Number != "" {
					other = r.sw.Phone(call.NumberDevice(to.Number))
				}
				c, id := talking(r)
				r.consult(id, to)
				time.Sleep(5 * time.Second)
				r.hear(c, other, music, "talk", "talk")
				r.do(func() error { return r.desk.CompleteConsult(r.t.Context(), id) })
				r.hear(c, other, "talk", "", "talk")
				time.Sleep(5 * time.Second)
				other.Hangup()
				time.Sleep(time.Second)
				if rec := r.recordOf(id); len(rec.Talks) != 2 || rec.Talks[1].Number != to.Number {
					t.Errorf("%+v", rec.Talks)
				}
			})
		})
	}
}

func TestConsultationsAreRefusedClearly(t *testing.T) {
	handing(t, func(r *rig, ben *calltest.Phone) {
		c, id := talking(r)
		ctx := r.t.Context()
		want := func(what string, err, is error) {
			t.Helper()
			if !errors.Is(err, is) {
				t.Errorf("%s: %v, want %v", what, err, is)
			}
		}
		want("nobody", r.desk.Consult(ctx, id, Target{Agent: "zoe"}, "x"), ErrNobody)
		want("outside policy", r.desk.Consult(ctx, id, Target{Number: "+1900"}, "x"), ErrMayNotCall)
		want("complete nothing", r.desk.CompleteConsult(ctx, id), ErrNoConsult)
		want("end nothing", r.desk.EndConsult(ctx, id), ErrNoConsult)
		r.consult(id, Target{Agent: "ben"})
		want("a second", r.desk.Consult(ctx, id, Target{Queue: "second"}, "x"), ErrConsults)
		want("complete what rings", r.desk.CompleteConsult(ctx, id), ErrNoConsult)
		want("swap with what rings", r.desk.SwapConsult(ctx, id), ErrNoConsult)
		want("no talk", r.desk.Consult(ctx, "none", Target{Agent: "ben"}, "x"), ErrNotTalking)
		c.Hangup()
	})
}

// quiet looks at what is left, whoever hangs up and whenever the process dies.
func TestAConsultationSurvivesEveryHangUpAndEveryRestart(t *testing.T) {
	type step = func(r *rig, c *calltest.Caller, other *calltest.Phone)
	for what, do := range map[string]step{
		"the caller hangs up":    func(_ *rig, c *calltest.Caller, _ *calltest.Phone) { c.Hangup() },
		"ana hangs up":           func(r *rig, _ *calltest.Caller, _ *calltest.Phone) { r.phone.Hangup() },
		"the one asked hangs up": func(_ *rig, _ *calltest.Caller, other *calltest.Phone) { other.Hangup() },
		"the process dies":       func(r *rig, _ *calltest.Caller, _ *calltest.Phone) { r.drop(); r.start() },
		"ana takes it back":      func(r *rig, c *calltest.Caller, _ *calltest.Phone) { _ = r.desk.EndConsult(r.t.Context(), c.Call.ID) },
		"the caller phones again": func(r *rig, _ *calltest.Caller, _ *calltest.Phone) {
			again := r.sw.Dial("+4930123", "1009")
			time.AfterFunc(20*time.Second, again.Hangup)
		},
		"the exchange crashes": func(r *rig, _ *calltest.Caller, _ *calltest.Phone) { r.sw.Crash() },
	} {
		for _, to := range []Target{{Agent: "ben"}, {Queue: "service-desk"}, {Number: "+4940777"}} {
			for _, how := range []string{"asked", "swapped", "together", "completed", "ignored"} {
				for _, after := range []time.Duration{0, 2, 4, 6} {
					t.Run(fmt.Sprintf("%s %ds after %s, %s", what, after, to, how), func(t *testing.T) {
						handing(t, func(r *rig, ben *calltest.Phone) {
							other := ben
							if to.Number != "" {
								other = r.sw.Phone(call.NumberDevice(to.Number)).AnswersAfter(3 * time.Second)
							}
							if how == "ignored" {
								other.Ignores()
							}
							c, id := talking(r)
							r.consult(id, to)
							time.AfterFunc(5*time.Second, func() {
								switch how {
								case "swapped":
									_ = r.desk.SwapConsult(r.t.Context(), id)
								case "together":
									_ = r.desk.Conference(r.t.Context(), id)
								case "completed":
									_ = r.desk.CompleteConsult(r.t.Context(), id)
								}
							})
							time.Sleep(after*time.Second + 500*time.Millisecond)
							do(r, c, other)
							time.Sleep(2 * time.Minute)
							if _, gone := c.Ended(); gone && (what == "the process dies" || what == "ana takes it back") {
								t.Errorf("the caller is gone: %+v", r.journal.Record(id).Cause)
							}
							c.Hangup()
						})
					})
				}
			}
		}
	}
}
