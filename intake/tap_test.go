package intake

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"firstline/call"
)

// taps is who was on the call's only talk, without the instants.
func taps(t *testing.T, r *rig) []call.Tap {
	t.Helper()
	rec := r.only()
	if len(rec.Talks) != 1 {
		t.Fatalf("%d talks", len(rec.Talks))
	}
	for _, x := range rec.Talks[0].Taps {
		if !rec.Open() && (x.To.IsZero() || x.To.Before(x.From)) {
			t.Errorf("a tap from %v to %v", x.From, x.To)
		}
	}
	return rec.Talks[0].Taps
}

var modes = cmpopts.IgnoreFields(call.Tap{}, "From", "To")

func TestASupervisorListensThenWhispersAndTheJournalNamesThem(t *testing.T) {
	bubble(t, func(r *rig) {
		boss := r.sw.Phone("3001")
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		id := r.only().ID
		for _, mode := range []call.TapMode{call.Listen, call.Whisper} {
			if err := r.desk.Tap(r.t.Context(), id, "3001", mode, "supervisor:eva"); err != nil {
				t.Fatal(err)
			}
			if got := boss.Hears(); got != call.Media(mode) {
				t.Errorf("the supervisor hears %q, want %s", got, mode)
			}
			time.Sleep(5 * time.Second)
		}
		if n := boss.Offers(); n != 1 {
			t.Errorf("the phone rang %d times", n)
		}
		c.Hangup()
		time.Sleep(time.Second)
		leg := id.TapLeg(1)
		want := []call.Tap{{Leg: leg, Device: "3001", Mode: call.Listen, By: "supervisor:eva"}, {Leg: leg, Device: "3001", Mode: call.Whisper, By: "supervisor:eva"}}
		if d := cmp.Diff(want, taps(t, r), modes); d != "" {
			t.Error(d)
		}
		if boss.Talking() {
			t.Error("the supervisor is still on the line")
		}
	})
}

func TestASupervisorWhoHangsUpLeavesTheTalkAlone(t *testing.T) {
	bubble(t, func(r *rig) {
		boss := r.sw.Phone("3001")
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		if err := r.desk.Tap(r.t.Context(), r.only().ID, "3001", call.Listen, "supervisor:eva"); err != nil {
			t.Fatal(err)
		}
		boss.Hangup()
		synctest.Wait()
		if x := taps(t, r); len(x) != 1 || x[0].To.IsZero() {
			t.Errorf("taps %+v", x)
		}
		if c.Hears() != "talk" {
			t.Errorf("the caller hears %q", c.Hears())
		}
		c.Hangup()
	})
}

func TestACallThatEndsWhileTheSupervisorsPhoneRingsLeavesNoRinging(t *testing.T) {
	bubble(t, func(r *rig) {
		boss := r.sw.Phone("3001").AnswersAfter(10 * time.Second)
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		time.AfterFunc(5*time.Second, c.Hangup)
		if err := r.desk.Tap(r.t.Context(), r.only().ID, "3001", call.Listen, "supervisor:eva"); !errors.Is(err, ErrNotTalking) {
			t.Errorf("error %v, want ErrNotTalking", err)
		}
		synctest.Wait()
		if boss.Ringing() || boss.Talking() {
			t.Error("the phone is not let be")
		}
	})
}

func TestAPhoneThatIsNotThereIsSaidToBeUnreachable(t *testing.T) {
	bubble(t, func(r *rig) {
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		err := r.desk.Tap(r.t.Context(), r.only().ID, "3009", call.Listen, "supervisor:eva")
		if !errors.Is(err, call.Cause{Reason: call.Unreachable}) {
			t.Errorf("error %v", err)
		}
		c.Hangup()
	})
}

func TestATapIsOverWhenTheProcessWasDropped(t *testing.T) {
	bubble(t, func(r *rig) {
		r.sw.Phone("3001")
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(10 * time.Second)
		if err := r.desk.Tap(r.t.Context(), r.only().ID, "3001", call.Listen, "supervisor:eva"); err != nil {
			t.Fatal(err)
		}
		r.drop()
		r.start()
		time.Sleep(time.Second)
		if x := taps(t, r); len(x) != 1 || x[0].To.IsZero() {
			t.Errorf("taps %+v", x)
		}
		if err := r.desk.Tap(r.t.Context(), r.only().ID, "3001", call.Listen, "supervisor:eva"); err != nil {
			t.Fatal(err)
		}
		if x := taps(t, r); len(x) != 2 || x[1].Leg == x[0].Leg {
			t.Errorf("taps %+v", x)
		}
		c.Hangup()
	})
}
