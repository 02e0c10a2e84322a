package tickets_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/clock"
)

// raised is a ticket of which kim of the desk is the handler.
func raised(t interface{ Fatal(...any) }) (*tickets.Desk, book) {
	j := &journal{}
	now := time.Now()
	j.Post(call.TicketEvent(now, "T-1", call.TicketOpened{Client: "acme"}), call.TicketEvent(now, "T-1", call.TicketAssigned{Handler: "kim", By: "agent:kim"}))
	return tickets.NewDesk(j, nil, book{j}), book{j}
}

var form = call.HandOver{Tried: "rebooted", Findings: "the switch drops frames", Articles: []string{"k1"}}

func TestATicketGoesUpAndComesBackWithItsOwnerAndItsHandlers(t *testing.T) {
	d, b := raised(t)
	at := func() tickets.Escalation {
		now, err := b.Ticket(t.Context(), "T-1")
		if err != nil {
			t.Fatal(err)
		}
		return tickets.Escalation{By: "agent:x", Version: now.Version}
	}
	is := func(want string) {
		t.Helper()
		now, err := b.Ticket(t.Context(), "T-1")
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("level %d %s, handler %s, owner %s", now.Support.Level(), now.Support.Place, now.Handler, now.Support.Owner); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	must := func(_ tickets.Ticket, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(d.Escalate(t.Context(), "T-1", at(), "network", 2, form))
	is("level 2 offered, handler kim, owner kim")
	must(d.Accept(t.Context(), "T-1", at(), "ben"))
	is("level 2 group, handler ben, owner kim")
	must(d.Escalate(t.Context(), "T-1", at(), "vendor", 4, form))
	must(d.Accept(t.Context(), "T-1", at(), "cem"))
	is("level 4 group, handler cem, owner kim")
	must(d.Return(t.Context(), "T-1", at(), "fixed in firmware 7"))
	is("level 2 group, handler ben, owner kim")
	must(d.Return(t.Context(), "T-1", at(), "please install firmware 7"))
	is("level 1 desk, handler kim, owner kim")
}

func TestWhatDoesNotFitTheLevelsIsRefusedAndWritesNothing(t *testing.T) {
	d, b := raised(t)
	at := tickets.Escalation{By: "agent:kim", Version: 1}
	for what, c := range map[string]struct {
		do   func() (tickets.Ticket, error)
		want error
	}{
		"no form": {func() (tickets.Ticket, error) {
			return d.Escalate(t.Context(), "T-1", at, "network", 2, call.HandOver{})
		}, tickets.ErrInvalid},
		"down":              {func() (tickets.Ticket, error) { return d.Escalate(t.Context(), "T-1", at, "desk", 0, form) }, tickets.ErrInvalid},
		"nothing to accept": {func() (tickets.Ticket, error) { return d.Accept(t.Context(), "T-1", at, "ben") }, tickets.ErrInvalid},
		"nothing to return": {func() (tickets.Ticket, error) { return d.Return(t.Context(), "T-1", at, "why") }, tickets.ErrInvalid},
		"another was faster": {func() (tickets.Ticket, error) {
			return d.Escalate(t.Context(), "T-1", tickets.Escalation{Version: 0}, "network", 2, form)
		}, tickets.ErrStale},
		"no reason to return": {func() (tickets.Ticket, error) { return d.Return(t.Context(), "T-1", at, " ") }, tickets.ErrInvalid},
		"no such ticket":      {func() (tickets.Ticket, error) { return d.Return(t.Context(), "T-9", at, "why") }, tickets.ErrNotFound},
	} {
		before := len(b.events)
		if _, err := c.do(); !errors.Is(err, c.want) || len(b.events) != before {
			t.Errorf("%s: %v, want %v; %d events more", what, err, c.want, len(b.events)-before)
		}
	}
}

func TestAGroupHasSoLongToAcceptAndTheClockStandsWhileTheTicketWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, b := raised(t)
		time.Sleep(time.Minute)
		if _, err := d.Escalate(t.Context(), "T-1", tickets.Escalation{Version: 1}, "network", 2, form); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		b.Post(call.TicketEvent(time.Now(), "T-1", call.TicketMoved{From: "new", To: "waiting-customer", By: "agent:kim"}))
		time.Sleep(time.Hour)
		b.Post(call.TicketEvent(time.Now(), "T-1", call.TicketMoved{From: "waiting-customer", To: "open", By: "agent:kim"}))
		time.Sleep(15 * time.Minute)
		now, err := b.Ticket(t.Context(), "T-1")
		if err != nil {
			t.Fatal(err)
		}
		within := func(string) (time.Duration, clock.Calendar) { return 30 * time.Minute, nil }
		r := now.Levels(within, time.Now())[0]
		if len(r) != 2 || r[0].Spent != 35*time.Minute || !r[0].Late || r[0].State != clock.Running {
			t.Errorf("%+v", r)
		}
		if now, err = d.Accept(t.Context(), "T-1", tickets.Escalation{Version: now.Version}, "ben"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if r = now.Levels(within, time.Now())[0]; r[0].State != clock.Stopped || r[0].Spent != 35*time.Minute || r[1].Spent != 95*time.Minute {
			t.Errorf("%+v", r)
		}
	})
}

func TestWhateverIsAskedOfTheLevelsALevelHasATicketAndTheStackHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, b := raised(t)
		groups := []string{"network", "mail", "backend", "vendor"}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			now, err := b.Ticket(t.Context(), "T-1")
			if err != nil {
				t.Fatal(err)
			}
			e := tickets.Escalation{By: "x", Version: now.Version}
			was := now.Support
			switch rapid.IntRange(0, 2).Draw(t, "do") {
			case 0:
				g := rapid.IntRange(0, 3).Draw(t, "group")
				_, err = d.Escalate(t.Context(), "T-1", e, groups[g], rapid.IntRange(2, 4).Draw(t, "level"), form)
			case 1:
				_, err = d.Accept(t.Context(), "T-1", e, "ben")
			case 2:
				_, err = d.Return(t.Context(), "T-1", e, "why")
			}
			is, again := b.Ticket(t.Context(), "T-1")
			if again != nil {
				t.Fatal(again)
			}
			s := is.Support
			switch {
			case err != nil && fmt.Sprint(s) != fmt.Sprint(was):
				t.Fatalf("refused, and is %+v after %+v", s, was)
			case s.Level() < 1 || s.Level() > 4, (s.Level() == 1) != (len(s.Stack) == 0), (s.Place == tickets.AtDesk || s.Place == "") != (len(s.Stack) == 0):
				t.Fatalf("%+v", s)
			}
			for i, at := range s.Stack {
				if last := i == len(s.Stack)-1; last != s.Steps[at].Left.IsZero() {
					t.Fatalf("step %d of the stack has left at %v: %+v", i, s.Steps[at].Left, s)
				}
			}
		}
	})
}
