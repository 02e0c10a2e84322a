package block

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/call/calltest"
)

const ana, sue = "agent:ana", "supervisor:sue"

// gate is a list whose process can be started again.
type gate struct {
	t       *testing.T
	journal *calltest.Journal
	*List
}

func bubble(t *testing.T, f func(g *gate)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{t: t, journal: calltest.NewJournal()}
		g.start()
		f(g)
	})
}

// start takes up what the journal holds.
func (g *gate) start() {
	var live []Block
	for _, b := range g.all() {
		if !b.Over(time.Now()) {
			live = append(live, b)
		}
	}
	g.List = New(Config{
		Journal: g.journal.Process(), Exempt: func(n string) bool { return n == "+49170555" || n == "112" },
	}, live)
}

// all is every block by the journal's word.
func (g *gate) all() map[call.BlockID]Block {
	g.t.Helper()
	all := map[call.BlockID]Block{}
	for _, e := range g.journal.Events() {
		if e.Stream.Kind != call.StreamBlock {
			continue
		}
		b := all[call.BlockID(e.Stream.ID)]
		if err := b.Apply(e); err != nil {
			g.t.Fatal(err)
		}
		all[b.ID] = b
	}
	return all
}

func (g *gate) propose(p Proposal) Block {
	g.t.Helper()
	if p.Reason == "" {
		p.Reason = "threats"
	}
	b, err := g.Propose(g.t.Context(), p)
	if err != nil {
		g.t.Fatal(err)
	}
	return b
}

func (g *gate) wantOut(number string, want bool) {
	g.t.Helper()
	if _, out := g.Blocking(number, time.Now()); out != want {
		g.t.Errorf("%q is kept out at %v: %v, want %v", number, time.Now().UTC(), out, want)
	}
}

func TestBlockHoldsUpToItsLastSecondAndNotLonger(t *testing.T) {
	bubble(t, func(g *gate) {
		until := time.Now().Add(time.Hour)
		g.propose(Proposal{Pattern: "+4930123", Until: until, By: sue, Supervisor: true})
		for _, c := range []struct {
			at  time.Duration // from until
			out bool
		}{{-time.Hour, true}, {-time.Second, true}, {-time.Microsecond, true}, {0, false}, {time.Second, false}} {
			time.Sleep(time.Until(until.Add(c.at)))
			g.wantOut("+4930123", c.out)
			g.start()
			g.wantOut("+4930123", c.out)
		}
		if n := len(g.Live(time.Now())); n != 0 {
			t.Errorf("%d blocks are still there", n)
		}
	})
}

func TestProposalKeepsNobodyOutUntilASupervisorApproves(t *testing.T) {
	bubble(t, func(g *gate) {
		until := time.Now().Add(48 * time.Hour)
		b := g.propose(Proposal{Pattern: "+4930123", Until: until, By: ana, Call: "c1"})
		g.wantOut("+4930123", false)
		time.Sleep(time.Minute)
		b, err := g.Approve(g.t.Context(), b.ID, Approval{By: sue})
		if err != nil {
			t.Fatal(err)
		}
		g.wantOut("+4930123", true)
		now := time.Now().UTC()
		want := Block{
			ID: b.ID, Pattern: "+4930123", State: Approved, Reason: "threats", Call: "c1",
			Proposal: Act{At: now.Add(-time.Minute), By: ana}, Approval: Act{At: now, By: sue}, From: now, Until: until.UTC(),
		}
		if d := cmp.Diff(want, b); d != "" {
			t.Error(d)
		}
		g.start()
		g.wantOut("+4930123", true)
		if d := cmp.Diff([]Block{want}, g.Live(time.Now())); d != "" {
			t.Errorf("after a restart: %s", d)
		}
	})
}

func TestBlockWithoutAnEndIsForASupervisor(t *testing.T) {
	bubble(t, func(g *gate) {
		if _, err := g.Propose(g.t.Context(), Proposal{Pattern: "+4930123", Reason: "threats", By: ana}); !errors.Is(err, ErrInvalid) {
			t.Errorf("proposed by an agent: %v", err)
		}
		b := g.propose(Proposal{Pattern: "+4930123", Until: time.Now().Add(time.Hour), By: ana})
		if _, err := g.Approve(g.t.Context(), b.ID, Approval{By: sue, Forever: true}); err != nil {
			t.Fatal(err)
		}
		g.propose(Proposal{Pattern: "+4930999", By: sue, Supervisor: true})
		time.Sleep(24 * 365 * time.Hour)
		g.wantOut("+4930123", true)
		g.wantOut("+4930999", true)
	})
}

func TestSupervisorChangesTheEndOfABlockAndLiftsIt(t *testing.T) {
	bubble(t, func(g *gate) {
		b := g.propose(Proposal{Pattern: "+4930123", Until: time.Now().Add(time.Hour), By: sue, Supervisor: true})
		if _, err := g.Approve(g.t.Context(), b.ID, Approval{By: sue, Until: time.Now().Add(3 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		g.wantOut("+4930123", true)
		if _, err := g.Decline(g.t.Context(), b.ID, sue, "no"); !errors.Is(err, ErrState) {
			t.Errorf("a block in force is declined: %v", err)
		}
		if _, err := g.Lift(g.t.Context(), b.ID, sue, " "); !errors.Is(err, ErrInvalid) {
			t.Errorf("lifted without a reason: %v", err)
		}
		if _, err := g.Lift(g.t.Context(), b.ID, sue, "they apologised"); err != nil {
			t.Fatal(err)
		}
		g.wantOut("+4930123", false)
		if _, err := g.Lift(g.t.Context(), b.ID, sue, "again"); !errors.Is(err, ErrUnknown) {
			t.Errorf("lifted twice: %v", err)
		}
		if got := g.all()[b.ID]; got.State != Lifted || got.End.Note != "they apologised" {
			t.Errorf("%+v", got)
		}
	})
}

func TestDeclinedProposalIsOverAndMayBeMadeAnew(t *testing.T) {
	bubble(t, func(g *gate) {
		ask := Proposal{Pattern: "+4930123", Until: time.Now().Add(time.Hour), By: ana}
		b := g.propose(ask)
		if _, err := g.Lift(g.t.Context(), b.ID, sue, "no"); !errors.Is(err, ErrState) {
			t.Errorf("a proposal is lifted: %v", err)
		}
		ask.Reason = "threats"
		if _, err := g.Propose(g.t.Context(), ask); !errors.Is(err, ErrExists) {
			t.Errorf("proposed twice: %v", err)
		}
		if _, err := g.Decline(g.t.Context(), b.ID, sue, "was a colleague"); err != nil {
			t.Fatal(err)
		}
		if g.propose(ask).ID == b.ID {
			t.Error("the new proposal is the old one")
		}
	})
}

func TestPanicButtonKeepsTheCallerOutForAWhileByItself(t *testing.T) {
	bubble(t, func(g *gate) {
		story := call.CallEvent(time.Now(), "c1", call.Arrived{})
		b, err := g.Pressed(g.t.Context(), Press{Number: "+4930123", Call: "c1", By: ana}, story)
		if err != nil || b.State != Proposed || b.Reason != "panic button" {
			t.Fatalf("%+v, %v", b, err)
		}
		if evs := g.journal.Events(); len(evs) != 2 || evs[0].Body.Type() != "call.arrived" {
			t.Errorf("%+v", evs)
		}
		time.Sleep(time.Hour - time.Second)
		g.wantOut("+4930123", true)
		time.Sleep(time.Second)
		g.wantOut("+4930123", false)
		if _, err := g.Approve(g.t.Context(), b.ID, Approval{By: sue}); !errors.Is(err, ErrInvalid) {
			t.Errorf("approved without saying until when: %v", err)
		}
		again, err := g.Pressed(g.t.Context(), Press{Number: "+4930123", Call: "c2", By: ana})
		if err != nil || again.ID != b.ID || again.Call != "c2" {
			t.Errorf("pressed in the next call: %+v, %v", again, err)
		}
		g.start()
		g.wantOut("+4930123", true)
		if _, err := g.Decline(g.t.Context(), b.ID, sue, "a misunderstanding"); err != nil {
			t.Fatal(err)
		}
		g.wantOut("+4930123", false)
	})
}

func TestPanicButtonLeavesABlockInForceAsItIs(t *testing.T) {
	bubble(t, func(g *gate) {
		b := g.propose(Proposal{Pattern: "+4930123", By: sue, Supervisor: true})
		got, err := g.Pressed(g.t.Context(), Press{Number: "+4930123", Call: "c1", By: ana})
		if d := cmp.Diff(b, got); d != "" || err != nil {
			t.Errorf("%v %s", err, d)
		}
	})
}

func TestOneWithheldCallerDoesNotKeepAllOthersOut(t *testing.T) {
	bubble(t, func(g *gate) {
		b, err := g.Pressed(g.t.Context(), Press{Call: "c1", By: ana})
		if err != nil || b.Pattern != Withheld {
			t.Fatalf("%+v, %v", b, err)
		}
		g.wantOut("", false)
		if _, err := g.Approve(g.t.Context(), b.ID, Approval{By: sue, Until: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		g.wantOut("", true)
		g.wantOut("+4930123", false)
	})
}

func TestBeginningOfNumbersKeepsAllOfThemOutAndOursNever(t *testing.T) {
	bubble(t, func(g *gate) {
		g.propose(Proposal{Pattern: "+49170*", By: sue, Supervisor: true})
		for number, out := range map[string]bool{
			"+49170": true, "+491701": true, "+491709999999": true, "+4917": false, "+49171000": false, "49170": false, "": false, "170*": false,
			"+49170555": false, // an agent's
		} {
			g.wantOut(number, out)
		}
		for _, own := range []Pattern{"+49170555", "112"} {
			if _, err := g.Propose(g.t.Context(), Proposal{Pattern: own, Reason: "r", By: sue, Supervisor: true}); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s is blocked: %v", own, err)
			}
		}
		b, err := g.Pressed(g.t.Context(), Press{Number: "+49170555", Call: "c1", By: ana})
		if err != nil || b.ID != "" {
			t.Errorf("the button against an agent: %+v, %v", b, err)
		}
	})
}

func TestRefusedCallsAreCounted(t *testing.T) {
	bubble(t, func(g *gate) {
		g.propose(Proposal{Pattern: "+4930123", By: sue, Supervisor: true})
		for _, id := range []call.ID{"c1", "c2"} {
			b, _ := g.Blocking("+4930123", time.Now())
			g.Refused(b, id, time.Now())
		}
		if b := g.Live(time.Now())[0]; b.Refused != 2 || !b.Latest.Equal(time.Now()) {
			t.Errorf("%+v", b)
		}
		if d := cmp.Diff(g.Live(time.Now())[0], g.all()[g.Live(time.Now())[0].ID]); d != "" {
			t.Errorf("the list is not the fold: %s", d)
		}
	})
}

func TestNothingHoldsThatWasNotWritten(t *testing.T) {
	bubble(t, func(g *gate) {
		b := g.propose(Proposal{Pattern: "+4930123", Until: time.Now().Add(time.Hour), By: ana})
		g.journal.Break(errors.New("disk full"))
		if _, err := g.Approve(g.t.Context(), b.ID, Approval{By: sue}); err == nil {
			t.Error("no error")
		}
		if _, err := g.Propose(g.t.Context(), Proposal{Pattern: "+4930999", Reason: "r", By: sue, Supervisor: true}); err == nil {
			t.Error("no error")
		}
		g.wantOut("+4930123", false)
		g.wantOut("+4930999", false)
		g.journal.Break(nil)
		if _, err := g.Approve(g.t.Context(), b.ID, Approval{By: sue}); err != nil {
			t.Error(err)
		}
	})
}

func TestFaultyProposalsSayWhatIsWrong(t *testing.T) {
	bubble(t, func(g *gate) {
		for name, p := range map[string]Proposal{
			"nobody":      {Reason: "r", By: sue, Supervisor: true},
			"no reason":   {Pattern: "+4930123", Reason: " ", By: sue, Supervisor: true},
			"long reason": {Pattern: "+4930123", Reason: strings.Repeat("x", LongestReason+1), By: sue, Supervisor: true},
			"by nobody":   {Pattern: "+4930123", Reason: "r", Supervisor: true},
			"over":        {Pattern: "+4930123", Reason: "r", By: sue, Supervisor: true, Until: time.Now()},
		} {
			if _, err := g.Propose(g.t.Context(), p); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := g.Approve(g.t.Context(), "b9", Approval{By: sue, Forever: true}); !errors.Is(err, ErrUnknown) {
			t.Errorf("a block that is not there: %v", err)
		}
	})
}

func TestPatternsAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]Pattern{
		"030 1234567": "+49301234567", "+49 30 1234567": "+49301234567", "0049301234567": "+49301234567", "+49301234567": "+49301234567",
		"+49 30 123*": "+4930123*", "004930123*": "+4930123*", "withheld": Withheld, " Withheld ": Withheld, "2001": "2001",
	} {
		if got, err := Parse(text, "DE"); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "*", "alice", "112", "110", "911", "030123*", "+49*", "+4930*", "123", "+4930123**", "12345678901234567", "+49 30 a"} {
		if got, err := Parse(text, "DE"); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestEventThatDoesNotFitABlockChangesNothing(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	ev := func(b call.Body) call.Event { return call.BlockEvent(at, "b1", b) }
	proposed, approved := ev(call.BlockProposed{Number: "+4930123"}), ev(call.BlockApproved{By: sue, From: at})
	declined, lifted := ev(call.BlockDeclined{By: sue}), ev(call.BlockLifted{By: sue})
	for name, story := range map[string][]call.Event{
		"approved before proposed": {approved},
		"proposed twice":           {proposed, proposed},
		"lifted before approved":   {proposed, lifted},
		"declined in force":        {proposed, approved, declined},
		"pressed in force":         {proposed, approved, ev(call.BlockPressed{})},
		"approved after the end":   {proposed, declined, approved},
		"another body":             {proposed, ev(call.Answered{})},
		"another stream":           {proposed, call.CallEvent(at, "c1", call.Answered{})},
	} {
		var b Block
		last := len(story) - 1
		for _, e := range story[:last] {
			if err := b.Apply(e); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		before := b
		if err := b.Apply(story[last]); err == nil {
			t.Errorf("%s fits", name)
		}
		if d := cmp.Diff(before, b); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
