package feature_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/roster"
	"firstline/intake/feature"
)

// exchange is phones that dial feature codes, in front of a real roster and queue.
type exchange struct {
	t       *testing.T
	sw      *calltest.Switch
	journal *calltest.Journal
	roster  *roster.Roster
	queue   *callqueue.Dispatcher
	logs    *observer.ObservedLogs
	journey []string // numbers that went on to the journey
}

func (x *exchange) ServeCall(_ context.Context, c *call.Call) {
	x.journey = append(x.journey, c.To.Number)
}

type phones struct{}

func (phones) Known(d call.DeviceID) bool                         { return d == "2001" || d == "2002" }
func (phones) Reachable(call.DeviceID) bool                       { return true }
func (phones) Dials(string) bool                                  { return false }
func (phones) PutPIN(context.Context, call.AgentID, string) error { return nil }

const pin = "86421357"

// bubble runs f with agents 7001 and 7002, who sit nowhere; the first has a PIN.
func bubble(t *testing.T, f func(x *exchange)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		log := zap.New(core)
		x := &exchange{t: t, sw: calltest.New(nil), journal: calltest.NewJournal(), logs: logs}
		process := x.journal.Process()
		x.queue = callqueue.New(callqueue.Config{Switch: x.sw, Journal: process, Log: log})
		people := []agents.Agent{{ID: "7001", Name: "Ana", Level: 1}, {ID: "7002", Name: "Ben", Level: 1}}
		ctx, cancel := context.WithCancel(t.Context())
		if err := x.queue.SetAgents(ctx, people); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { _ = x.queue.Run(ctx) })
		x.roster = roster.New(roster.Config{
			Journal: process, Queue: x.queue, Phones: phones{}, PINs: phones{}, Log: log, Cost: roster.Cost{Memory: 64, Passes: 1},
		}, people, nil)
		if err := x.roster.SetPIN(ctx, "7001", pin, "test"); err != nil {
			t.Fatal(err)
		}
		x.sw.Serve(feature.New(feature.Config{
			Next: x, Roster: x.roster, Language: "en", Log: log, BreakReason: func() string { return "break" },
			Codes: func() feature.Codes { return feature.Codes{SignIn: "*11", SignOut: "*12", Break: "*13", Back: "*14"} },
		}))
		f(x)
		x.sw.Wait()
		x.quiet()
		cancel()
		wg.Wait()
	})
}

// quiet wants nothing left: no leg, no call in the journal, and the PIN nowhere.
func (x *exchange) quiet() {
	x.t.Helper()
	if n := x.sw.Lines(); n != 0 {
		x.t.Errorf("%d legs left", n)
	}
	if n := len(x.journal.Records()); n != 0 {
		x.t.Errorf("%d feature calls are calls in the journal", n)
	}
	events, err := json.Marshal(x.journal.Events())
	if err != nil {
		x.t.Fatal(err)
	}
	var lines strings.Builder
	for _, e := range x.logs.All() {
		fmt.Fprintln(&lines, e.Message, e.ContextMap())
	}
	for what, text := range map[string]string{"journal": string(events), "log": lines.String()} {
		for _, secret := range []string{pin, "86421", "00000007"} {
			if strings.Contains(text, secret) {
				x.t.Errorf("what was keyed is in the %s:\n%s", what, text)
			}
		}
	}
}

// dial has a phone of ours dial a code, press keys as they are asked for, and
// returns what it heard.
func (x *exchange) dial(device call.DeviceID, code string, press ...string) []string {
	x.t.Helper()
	c := x.sw.DialAs(call.Call{Device: device, Trunk: string(device), From: call.Party{Number: string(device)}, To: call.Party{Number: code}})
	for _, keys := range press {
		time.Sleep(1500 * time.Millisecond) // the prompt plays for a second
		c.Press(keys)
	}
	x.sw.Wait()
	var heard []string
	for _, m := range c.Heard() {
		heard = append(heard, strings.TrimPrefix(string(m), "prompt:en/"))
	}
	return heard
}

func (x *exchange) wantHeard(got []string, want string) {
	x.t.Helper()
	if s := strings.Join(got, " "); s != want {
		x.t.Errorf("heard %q, want %q", s, want)
	}
}

func (x *exchange) want(id call.AgentID, device call.DeviceID, p call.Presence) {
	x.t.Helper()
	v, err := x.queue.Snapshot(x.t.Context())
	if err != nil {
		x.t.Fatal(err)
	}
	for _, a := range v.Agents {
		if a.ID == id && (a.Device != device || a.Presence != p) {
			x.t.Errorf("%s is %s at %q, want %s at %q", id, a.Presence, a.Device, p, device)
		}
	}
}

func TestAnAgentSignsInAtAnyDeskPhone(t *testing.T) {
	bubble(t, func(x *exchange) {
		x.wantHeard(x.dial("2002", "*11", "7001#", pin+"#"), "enter-number enter-pin signed-in")
		x.want("7001", "2002", call.Available)
		x.wantHeard(x.dial("2002", "*13"), "on-break")
		x.want("7001", "2002", call.OnBreak)
		x.wantHeard(x.dial("2002", "*14"), "back-at-work")
		x.want("7001", "2002", call.Available)
		x.wantHeard(x.dial("2002", "*12"), "signed-out")
		x.want("7001", "", call.LoggedOut)
		x.wantHeard(x.dial("2002", "*12"), "seat-empty")
		x.wantHeard(x.dial("2002", "*14"), "seat-empty")
	})
}

func TestKeysThatArePressedAheadCount(t *testing.T) {
	bubble(t, func(x *exchange) {
		x.dial("2001", "*11", "7001#"+pin+"#")
		x.want("7001", "2001", call.Available)
	})
}

func TestThreeWrongPINsEndTheCall(t *testing.T) {
	bubble(t, func(x *exchange) {
		heard := x.dial("2001", "*11", "7001#", "00000007#", "", "7001#", "00000007#", "", "7009#", "00000007#")
		x.wantHeard(heard, strings.TrimSpace(strings.Repeat("enter-number enter-pin sign-in-refused ", 3)))
		x.want("7001", "", call.LoggedOut)
		x.wantHeard(x.dial("2001", "*11", "7001#", pin+"#"), "enter-number enter-pin signed-in") // the real one still may
	})
}

func TestGuessingOverManyCallsIsRefusedEvenWithTheRightPIN(t *testing.T) {
	bubble(t, func(x *exchange) {
		for range 2 {
			x.dial("2001", "*11", "7001#", "00000007#", "", "7001#", "00000007#", "", "7001#", "00000007#")
		}
		heard := x.dial("2002", "*11", "7001#", pin+"#", "", "7001#", pin+"#", "", "7001#", pin+"#")
		if last := heard[len(heard)-1]; last != "sign-in-refused" {
			t.Errorf("heard %v", heard)
		}
		x.want("7001", "", call.LoggedOut)
		time.Sleep(15 * time.Minute)
		x.dial("2002", "*11", "7001#", pin+"#")
		x.want("7001", "2002", call.Available)
	})
}

func TestAPhoneWhereSomebodyElseSitsSaysSo(t *testing.T) {
	bubble(t, func(x *exchange) {
		if err := x.roster.SignIn(x.t.Context(), "7002", "2001", "test"); err != nil {
			t.Fatal(err)
		}
		x.wantHeard(x.dial("2001", "*11", "7001#", pin+"#"), "enter-number enter-pin seat-taken")
		x.want("7002", "2001", call.Available)
		x.want("7001", "", call.LoggedOut)
	})
}

func TestWhoLoggedOutDoesNotComeBackWithoutAPIN(t *testing.T) {
	bubble(t, func(x *exchange) {
		ctx := x.t.Context()
		if err := errors.Join(x.roster.SignIn(ctx, "7001", "2001", "test"), x.roster.SetPresence(ctx, "7001", call.LoggedOut, "", "test")); err != nil {
			t.Fatal(err)
		}
		x.wantHeard(x.dial("2001", "*14"), "seat-empty")
		x.want("7001", "2001", call.LoggedOut)
	})
}

func TestACodeFromATrunkIsNoNumberHere(t *testing.T) {
	bubble(t, func(x *exchange) {
		c := x.sw.DialAs(call.Call{Trunk: "2001", From: call.Party{Number: "2001"}, To: call.Party{Number: "*11"}})
		x.sw.Wait()
		if cause, ended := c.Ended(); !ended || cause.SIP != 404 || len(c.Heard()) > 0 {
			t.Errorf("ended %v with %v, heard %v", ended, cause, c.Heard())
		}
	})
}

func TestOtherNumbersGoOnToTheJourney(t *testing.T) {
	bubble(t, func(x *exchange) {
		x.dial("2001", "1000")
		x.sw.Dial("+4930123", "1009")
		x.sw.Wait()
		if fmt.Sprint(x.journey) != "[1000 1009]" {
			t.Errorf("the journey got %v", x.journey)
		}
	})
}

func TestHangingUpInTheMiddleLeavesNothing(t *testing.T) {
	bubble(t, func(x *exchange) {
		for after := range 5 {
			c := x.sw.DialAs(call.Call{Device: "2001", To: call.Party{Number: "*11"}})
			time.Sleep(time.Duration(after) * 700 * time.Millisecond)
			c.Press("7001#")
			c.Hangup()
			x.sw.Wait()
		}
		x.want("7001", "", call.LoggedOut)
	})
}

func TestASilentPhoneIsLetGo(t *testing.T) {
	bubble(t, func(x *exchange) {
		began := time.Now()
		x.dial("2001", "*11")
		if d := time.Since(began); d > 3*time.Minute {
			t.Errorf("held the line for %v", d)
		}
	})
}
