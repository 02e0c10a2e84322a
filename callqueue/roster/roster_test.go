package roster_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/roster"
)

func TestSigningInSeatsAPersonWhoThenTakesCalls(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.sw.Phone("2002")
		if err := d.SignIn(t.Context(), "7001", "2002", "test"); err != nil {
			t.Fatal(err)
		}
		d.want("7001", "2002", call.Available)
		end := d.talk("7001")
		end()
	})
}

func TestSigningInElsewhereLeavesTheOldSeat(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		if err := errors.Join(d.SignIn(ctx, "7001", "2001", "test"), d.SignIn(ctx, "7001", "2002", "test")); err != nil {
			t.Fatal(err)
		}
		d.want("7001", "2002", call.Available)
		if _, taken := d.At("2001"); taken {
			t.Error("the old seat is still taken")
		}
		left := slices.ContainsFunc(d.journal.Events(), func(e call.Event) bool {
			return e.Stream.ID == "7001" && e.Body == call.Body(call.AgentLeft{Device: "2001", By: "test"})
		})
		if !left {
			t.Error("the journal does not say that the old seat was left")
		}
		if err := d.SignIn(ctx, "7002", "2001", "test"); err != nil {
			t.Error("nobody can sit where somebody left:", err)
		}
	})
}

func TestASeatIsRefusedWhileSomebodyElseIsSignedInThere(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		if err := d.SignIn(ctx, "7001", "2001", "test"); err != nil {
			t.Fatal(err)
		}
		before := len(d.journal.Events())
		if err := d.SignIn(ctx, "7002", "2001", "test"); !errors.Is(err, roster.ErrTaken) {
			t.Errorf("got %v, want ErrTaken", err)
		}
		if n := len(d.journal.Events()); n != before {
			t.Errorf("%d events of a refusal", n-before)
		}
		d.want("7001", "2001", call.Available)
		d.want("7002", "", call.LoggedOut)
		// On break one still sits there; logged out one does not.
		if err := errors.Join(d.SetPresence(ctx, "7001", call.OnBreak, "lunch", "test")); err != nil {
			t.Fatal(err)
		}
		if err := d.SignIn(ctx, "7002", "2001", "test"); !errors.Is(err, roster.ErrTaken) {
			t.Errorf("on break: got %v, want ErrTaken", err)
		}
		if err := errors.Join(d.SetPresence(ctx, "7001", call.LoggedOut, "", "test"), d.SignIn(ctx, "7002", "2001", "test")); err != nil {
			t.Fatal(err)
		}
		d.want("7001", "", call.LoggedOut)
		d.want("7002", "2001", call.Available)
	})
}

func TestWhoTalksNeitherChangesPhonesNorSignsOut(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		d.sw.Phone("2001")
		if err := d.SignIn(ctx, "7001", "2001", "test"); err != nil {
			t.Fatal(err)
		}
		end := d.talk("7001")
		if err := d.SignIn(ctx, "7001", "2002", "test"); !errors.Is(err, callqueue.ErrTalking) {
			t.Errorf("moving: %v", err)
		}
		if err := d.SignOut(ctx, "7001", "test"); !errors.Is(err, callqueue.ErrTalking) {
			t.Errorf("signing out: %v", err)
		}
		d.want("7001", "2001", call.Available)
		end()
		if err := d.SignOut(ctx, "7001", "test"); err != nil {
			t.Errorf("after the talk: %v", err)
		}
		d.want("7001", "", call.LoggedOut)
	})
}

func TestSignInRefusesWhatIsNotThere(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		for _, c := range []struct {
			id     call.AgentID
			device call.DeviceID
			want   error
		}{
			{"7009", "2001", callqueue.ErrUnknownAgent},
			{"7001", "2009", roster.ErrNoDevice},
			{"7001", "", roster.ErrNoDevice},
			{"7001", "tel:+4417012345", roster.ErrNoDevice}, // no trunk may dial it
			{"7001", "tel:017012345", roster.ErrNoDevice},
			{"7001", "tel:+49170;phone-context=x", roster.ErrNoDevice},
		} {
			if err := d.SignIn(t.Context(), c.id, c.device, "test"); !errors.Is(err, c.want) {
				t.Errorf("%s at %q: %v, want %v", c.id, c.device, err, c.want)
			}
		}
		if err := d.SetPresence(t.Context(), "7001", call.Available, "", "test"); !errors.Is(err, roster.ErrNoSeat) {
			t.Errorf("available without a seat: %v", err)
		}
	})
}

func TestAMobileNumberThroughATrunkIsASeat(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		seat := call.NumberDevice("+491701234567")
		if err := d.SignIn(t.Context(), "7001", seat, "test"); err != nil {
			t.Fatal(err)
		}
		d.want("7001", seat, call.Available)
		d.sw.Phone(seat).Presses("1")
		d.talk("7001")()
		if got, want := seat.Endpoint(), (call.Endpoint{Number: "+491701234567"}); got != want {
			t.Errorf("reached by %+v, want %+v", got, want)
		}
		if got, want := call.DeviceID("2001").Endpoint(), (call.Endpoint{Device: "2001"}); got != want {
			t.Errorf("reached by %+v, want %+v", got, want)
		}
	})
}

func TestAJournalThatTakesNothingChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		away := errors.New("away")
		d.journal.Break(away)
		if err := d.SignIn(t.Context(), "7001", "2001", "test"); !errors.Is(err, away) {
			t.Errorf("got %v", err)
		}
		d.journal.Break(nil)
		d.want("7001", "", call.LoggedOut)
	})
}

func TestSeatsSurviveARestart(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		if err := d.SignIn(t.Context(), "7001", "2003", "test"); err != nil {
			t.Fatal(err)
		}
		again := roster.New(roster.Config{
			Journal: d.journal.Process(), Queue: d.queue, Phones: d.phones, PINs: d.pins, Cost: cheap(),
		}, d.Agents(), nil)
		if err := again.SignIn(t.Context(), "7002", "2003", "test"); !errors.Is(err, roster.ErrTaken) {
			t.Errorf("got %v, want ErrTaken", err)
		}
	})
}

type step struct {
	who   call.AgentID
	where call.DeviceID
	what  int
}

// Whatever people do, roster, queue and journal agree, and no phone has two.
func TestRosterQueueAndJournalStayInStep(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{
				rapid.SampledFrom([]call.AgentID{"7001", "7002", "7003"}).Draw(t, "who"),
				rapid.SampledFrom([]call.DeviceID{"2001", "2002", "tel:+491701234", "2009"}).Draw(t, "where"),
				rapid.IntRange(0, 6).Draw(t, "what"),
			}
		}), 1, 30).Draw(rt, "steps")
		bubble(t, func(t *testing.T, d *desk) {
			for _, s := range steps {
				d.do(s)
				d.inStep()
			}
		})
	})
}

// do does a step. Refused or not, things have to agree afterwards.
func (d *desk) do(s step) {
	ctx := d.t.Context()
	entries := []roster.Entry{{Agent: agents.Agent{ID: s.who, Name: "X", Level: 1, Device: s.where}}}
	switch s.what {
	case 0, 1:
		_ = d.SignIn(ctx, s.who, s.where, "test")
	case 2:
		_ = d.SignOut(ctx, s.who, "test")
	case 3:
		_ = d.SetPresence(ctx, s.who, call.LoggedOut, "", "test")
	case 4:
		_ = d.SetPresence(ctx, s.who, call.Available, "", "test")
	case 5:
		_, _ = d.Import(ctx, entries, roster.Options{By: "test"})
	case 6:
		_, _ = d.Import(ctx, entries, roster.Options{By: "test", Remove: true})
	}
}

func TestPINsAreCheckedAndGuessingIsSlowedDown(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		for _, bad := range []string{"123", "1234567890123", "12a4", "7001", "1111", "12 34"} {
			if err := d.SetPIN(ctx, "7001", bad, "test"); !errors.Is(err, roster.ErrInvalid) {
				t.Errorf("PIN %q: %v", bad, err)
			}
		}
		if err := d.SetPIN(ctx, "7001", "4711", "test"); err != nil {
			t.Fatal(err)
		}
		if err := d.CheckPIN(ctx, "7001", "2001", "4711"); err != nil {
			t.Error(err)
		}
		for _, c := range []struct{ id, pin string }{{"7001", "4712"}, {"7001", ""}, {"7002", "4711"}, {"7009", "4711"}, {"7002", ""}} {
			if err := d.CheckPIN(ctx, call.AgentID(c.id), "2001", c.pin); !errors.Is(err, roster.ErrWrongPIN) {
				t.Errorf("%s with %q: %v", c.id, c.pin, err)
			}
		}
		for range 6 {
			_ = d.CheckPIN(ctx, "7001", "2002", "0815")
		}
		if err := d.CheckPIN(ctx, "7001", "2003", "4711"); !errors.Is(err, roster.ErrThrottled) {
			t.Errorf("after many wrong ones from two phones: %v", err)
		}
		time.Sleep(15 * time.Minute)
		if err := d.CheckPIN(ctx, "7001", "2003", "4711"); err != nil {
			t.Errorf("a quarter of an hour later: %v", err)
		}
		for i := range 12 {
			_ = d.CheckPIN(ctx, call.AgentID(rune('a'+i)), "2002", "0815")
		}
		if err := d.CheckPIN(ctx, "7001", "2002", "4711"); !errors.Is(err, roster.ErrThrottled) {
			t.Errorf("at a phone where many were wrong: %v", err)
		}
		if err := d.CheckPIN(ctx, "7001", "2001", "4711"); err != nil {
			t.Errorf("at another phone: %v", err)
		}
	})
}

func TestAPINIsKeptAsASaltedHashOnly(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		for _, id := range []call.AgentID{"7001", "7002"} {
			if err := d.SetPIN(t.Context(), id, "86420", "test"); err != nil {
				t.Fatal(err)
			}
		}
		a, b := d.pins.hashes["7001"], d.pins.hashes["7002"]
		if a == b || len(a) < 60 || a[:10] != "$argon2id$" {
			t.Errorf("kept as %q and %q", a, b)
		}
		again := roster.New(roster.Config{Cost: cheap()}, d.Agents(), d.pins.hashes)
		if err := again.CheckPIN(t.Context(), "7001", "2001", "86420"); err != nil {
			t.Errorf("after a restart: %v", err)
		}
		if err := d.SetPIN(t.Context(), "7001", "", "test"); err != nil || d.pins.hashes["7001"] != "" {
			t.Errorf("taken away: %v, %q", err, d.pins.hashes["7001"])
		}
		if err := d.CheckPIN(t.Context(), "7001", "2001", ""); !errors.Is(err, roster.ErrWrongPIN) {
			t.Errorf("without a PIN: %v", err)
		}
	})
}
