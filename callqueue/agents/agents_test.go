package agents_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue/agents"
)

func TestAgentMeetsARequirementOnlyWithEverySkillAndTheLevel(t *testing.T) {
	ana := agents.Agent{ID: "ana", Level: 2, Skills: map[string]int{"printer": 3, "english": 5}}
	for _, c := range []struct {
		name  string
		need  call.Requirement
		lacks string
	}{
		{"nothing asked", call.Requirement{}, ""},
		{"skill at its level", call.Requirement{Skills: map[string]int{"printer": 3}}, ""},
		{"skill above its level", call.Requirement{Skills: map[string]int{"printer": 4}}, "printer ≥ 4"},
		{"skill not there", call.Requirement{Skills: map[string]int{"vpn": 1}}, "vpn ≥ 1"},
		{"one of two", call.Requirement{Skills: map[string]int{"english": 1, "vpn": 1}}, "vpn ≥ 1"},
		{"level", call.Requirement{Level: 2}, ""},
		{"level above", call.Requirement{Level: 3}, "level ≥ 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ana.Lacks(c.need); got != c.lacks {
				t.Errorf("lacks %q, want %q", got, c.lacks)
			}
			if got := ana.Meets(c.need); got != (c.lacks == "") {
				t.Errorf("meets %v, but lacks %q", got, c.lacks)
			}
		})
	}
}

func TestProfileIsSharedExactlyByThoseWhoMeetTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		skills := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", `a":1 "b`}), rapid.IntRange(1, 3), 0, 3)
		a := agents.Agent{Level: rapid.IntRange(0, 2).Draw(t, "level a"), Skills: skills.Draw(t, "a")}
		b := agents.Agent{Level: rapid.IntRange(0, 2).Draw(t, "level b"), Skills: skills.Draw(t, "b")}
		same := max(a.Level, 1) == max(b.Level, 1) && cmp.Equal(a.Skills, b.Skills)
		if got := a.Profile() == b.Profile(); got != same {
			t.Fatalf("%q and %q: same profile %v, want %v", a.Profile(), b.Profile(), got, same)
		}
	})
}

func TestMergedRequirementAsksForBoth(t *testing.T) {
	a := call.Requirement{Skills: map[string]int{"printer": 2, "vpn": 1}, Level: 1}
	b := call.Requirement{Skills: map[string]int{"printer": 1, "english": 3, "none": 0}, Level: 2}
	want := call.Requirement{Skills: map[string]int{"printer": 2, "vpn": 1, "english": 3}, Level: 2}
	if d := cmp.Diff(want, agents.Merge(a, b)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, agents.Merge(agents.Merge(a, b), b)); d != "" {
		t.Error("merging twice:", d)
	}
	if agents.NeedOf(b) != agents.NeedOf(agents.Merge(b, call.Requirement{})) {
		t.Error("a skill asked for at 0 changes the key")
	}
}

func TestValidateNamesAllFaults(t *testing.T) {
	err := agents.Agent{Level: 5, Skills: map[string]int{"printer": 11}}.Validate()
	if !errors.Is(err, agents.ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"no id", "level 5", `"printer" at 11`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in: %v", want, err)
		}
	}
	if err := (agents.Agent{ID: "ana", Level: 1, Skills: map[string]int{"printer": 10}}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestAnOfferStartsFromIdleOnly(t *testing.T) {
	for _, from := range []call.Activity{call.Offering, call.Talking, call.Holding, call.WrapUp, call.Outbound, call.PhoneGone, "?"} {
		got, err := agents.NextActivity(from, call.Offering)
		var te *agents.TransitionError
		if !errors.As(err, &te) || got != from {
			t.Errorf("%s to offered: %v, %v", from, got, err)
		}
	}
	if got, err := agents.NextActivity(call.Idle, call.Offering); err != nil || got != call.Offering {
		t.Errorf("idle to offered: %v, %v", got, err)
	}
}

func TestPresenceMoves(t *testing.T) {
	all := []call.Presence{call.LoggedOut, call.Available, call.OnBreak, call.Finishing}
	for _, from := range all {
		for _, to := range slices.Concat(all, []call.Presence{"?"}) {
			_, err := agents.NextPresence(from, to)
			legal := to != "?" && (from != call.LoggedOut || to != call.Finishing)
			if (err == nil) != legal {
				t.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
}

func needs() *rapid.Generator[call.Requirement] {
	simple := rapid.Custom(func(t *rapid.T) call.Requirement {
		return call.Requirement{
			Level:  rapid.IntRange(0, 2).Draw(t, "level"),
			Skills: rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.IntRange(0, 3), 0, 2).Draw(t, "skills"),
		}
	})
	return rapid.Custom(func(t *rapid.T) call.Requirement {
		need := simple.Draw(t, "all of")
		need.Any = rapid.SliceOfN(simple, 0, 3).Draw(t, "one of")
		return need
	})
}

func TestWhoMeetsTheMergedRequirementMeetsBothAndNobodyElseDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := needs().Draw(t, "a"), needs().Draw(t, "b")
		who := agents.Agent{
			Level:  rapid.IntRange(1, 2).Draw(t, "level"),
			Skills: rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.IntRange(1, 3), 0, 3).Draw(t, "skills"),
		}
		both := agents.Merge(a, b)
		if got, want := who.Meets(both), who.Meets(a) && who.Meets(b); got != want {
			t.Fatalf("meets %s: %v; %s: %v; both, %s: %v", agents.Text(a), who.Meets(a), agents.Text(b), who.Meets(b), agents.Text(both), got)
		}
		if who.Meets(both) != (who.Lacks(both) == "") {
			t.Fatalf("meets %v, but lacks %q", who.Meets(both), who.Lacks(both))
		}
	})
}

func TestAlternativesAreAskedForBesideTheRest(t *testing.T) {
	need := call.Requirement{
		Skills: map[string]int{"printer": 2},
		Any:    []call.Requirement{{Skills: map[string]int{"german": 3}}, {Skills: map[string]int{"english": 5}, Level: 2}},
	}
	for _, c := range []struct {
		who   agents.Agent
		lacks string
	}{
		{agents.Agent{Skills: map[string]int{"printer": 2, "german": 3}}, ""},
		{agents.Agent{Level: 2, Skills: map[string]int{"printer": 2, "english": 5}}, ""},
		{agents.Agent{Skills: map[string]int{"german": 3}}, "printer ≥ 2"},
		{agents.Agent{Skills: map[string]int{"printer": 2, "english": 5}}, "any of (german ≥ 3 | english ≥ 5, level ≥ 2)"},
	} {
		if got := c.who.Lacks(need); got != c.lacks {
			t.Errorf("%+v lacks %q, want %q", c.who, got, c.lacks)
		}
	}
	turned := need
	turned.Any = []call.Requirement{need.Any[1], need.Any[0], need.Any[1]}
	if agents.NeedOf(need) != agents.NeedOf(turned) {
		t.Error("the order of alternatives changes the key")
	}
	many := call.Requirement{Any: make([]call.Requirement, agents.MaxAlternatives+1)}
	for _, bad := range []call.Requirement{many, {Level: 5}, {Any: []call.Requirement{{Skills: map[string]int{"x": 11}}}}} {
		if agents.ValidateNeed(bad) == nil {
			t.Errorf("%+v is valid", bad)
		}
	}
}
