package oncall_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/call/wall"
	"firstline/tickets/clock"
	"firstline/tickets/oncall"
)

func plan(t *testing.T) oncall.Plan {
	z := zone(t, "Europe/Berlin")
	return oncall.Plan{
		People: map[call.AgentID]oncall.Person{"ana": {ID: "ana"}, "ben": {ID: "ben"}, "cem": {ID: "cem"}},
		Groups: map[string]oncall.Group{"network": {ID: "network", People: []call.AgentID{"cem", "ana"}}},
		Schedules: map[string]oncall.Schedule{
			"night": {ID: "night", Zone: z, Rotation: &oncall.Rotation{People: []call.AgentID{"ana"}, Days: 7, First: wall.Date{Year: 2026, Month: 1, Day: 5}}},
			"empty": {ID: "empty", Zone: z, Calendar: &oncall.Calendar{}},
		},
		Ladders: map[string]oncall.Ladder{
			"night": {ID: "night", Steps: []oncall.Step{{Schedule: "night"}, {Person: "ana"}, {Schedule: "empty"}, {Group: "network", Wait: 30 * time.Second}, {Person: "ben"}}},
			"empty": {ID: "empty", Steps: []oncall.Step{{Schedule: "empty"}}},
		},
	}
}

func TestALadderComesToEveryoneOnceARound(t *testing.T) {
	p, at := plan(t), time.Date(2026, 3, 3, 3, 0, 0, 0, time.UTC)
	l, _ := p.Ladder("night")
	var phoned []call.AgentID
	var rungs []oncall.Rung
	for from := 1; ; {
		r, ok := p.Next(l, from, phoned, at, nil)
		if !ok {
			break
		}
		rungs, phoned, from = append(rungs, r), append(phoned, r.Person), r.Step
	}
	want := []oncall.Rung{
		{Step: 1, Person: "ana", Wait: time.Minute, Why: "schedule night"},
		{Step: 4, Person: "cem", Wait: 30 * time.Second, Why: "group network"},
		{Step: 5, Person: "ben", Wait: time.Minute, Why: "person"},
	}
	if diff := cmp.Diff(want, rungs); diff != "" {
		t.Error(diff)
	}
	stand := []oncall.Override{{Schedule: "night", Person: "ben", From: at.Add(-time.Hour), To: at.Add(time.Hour)}}
	if r, _ := p.Next(l, 1, nil, at, stand); r.Person != "ben" {
		t.Errorf("who stands in is not phoned: %+v", r)
	}
}

func TestALadderOnWhichNobodyIsHasNoRung(t *testing.T) {
	p := plan(t)
	l, ok := p.Ladder("empty")
	if r, any := p.Next(l, 1, nil, time.Now(), nil); !ok || any {
		t.Errorf("%+v", r)
	}
	delete(p.Schedules, "night") // the centre was changed meanwhile
	l, _ = p.Ladder("night")
	if r, _ := p.Next(l, 1, nil, time.Now(), nil); r.Step != 2 {
		t.Errorf("%+v", r)
	}
}

func TestAPlanNamesEverythingThatLeadsNowhere(t *testing.T) {
	p := plan(t)
	p.Ladders["lost"] = oncall.Ladder{ID: "lost", Steps: []oncall.Step{{Person: "dan"}, {Schedule: "day"}, {Group: "mail"}, {}}}
	p.Rules = []oncall.Rule{{Ladder: "nigth"}}
	want := `ladder "lost", step 1: "dan" is none of the people
ladder "lost", step 2: there is no schedule "day"
ladder "lost", step 3: there is no group "mail"
ladder "lost", step 4: it names nobody: give it a person, a schedule or a group
urgent rule 1: there is no ladder "nigth"`
	if err := p.Validate(); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// office is open from 8 to 18 by UTC.
type office struct{}

func (office) Open(at time.Time) (bool, time.Time) {
	return at.UTC().Hour() >= 8 && at.UTC().Hour() < 18, time.Time{}
}

func TestARuleSaysWhatIsUrgent(t *testing.T) {
	p := oncall.Plan{Rules: []oncall.Rule{
		{Priority: 1, Closed: office{}},
		{On: oncall.Breached, Clock: clock.Response, Priority: 2, Clients: []string{"acme"}},
		{Kinds: []string{"security-breach"}},
	}}
	night, day := time.Date(2026, 3, 3, 3, 0, 0, 0, time.UTC), time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		f    oncall.Facts
		at   time.Time
		want int
	}{
		{"the first priority at night", oncall.Facts{Trigger: oncall.Graded, Priority: 1}, night, 1},
		{"the first priority by day", oncall.Facts{Trigger: oncall.Graded, Priority: 1}, day, 0},
		{"the second priority at night", oncall.Facts{Trigger: oncall.Graded, Priority: 2}, night, 0},
		{"no priority yet", oncall.Facts{Trigger: oncall.Graded}, night, 0},
		{"a breach by day", oncall.Facts{Trigger: oncall.Breached, Clock: clock.Response, Priority: 2, Client: "acme"}, day, 2},
		{"of another clock", oncall.Facts{Trigger: oncall.Breached, Clock: clock.Update, Priority: 2, Client: "acme"}, day, 0},
		{"of another client", oncall.Facts{Trigger: oncall.Breached, Clock: clock.Response, Priority: 2}, day, 0},
		{"a warning only", oncall.Facts{Trigger: oncall.Warned, Clock: clock.Response, Priority: 2, Client: "acme"}, day, 0},
		{"a security breach", oncall.Facts{Trigger: oncall.Graded, Kind: "security-breach"}, day, 3},
	} {
		if got := p.Urgent(c.f, c.at); got != c.want {
			t.Errorf("%s: rule %d, want %d", c.name, got, c.want)
		}
	}
}

func TestAnOverrideIsKeptWithWhoMadeItAndWhoTookItBack(t *testing.T) {
	p, now := plan(t), call.Instant(time.Now())
	o := oncall.Override{Schedule: "night", Person: "ben", From: now, To: now.Add(time.Hour), Made: now, By: "supervisor:eva"}
	if err := p.Check(o); err != nil {
		t.Error(err)
	}
	for want, change := range map[error]func(o *oncall.Override){
		oncall.ErrUnknown: func(o *oncall.Override) { o.Schedule = "day" },
		oncall.ErrInvalid: func(o *oncall.Override) { o.Person, o.To, o.By = "dan", now.Add(-time.Hour), "" },
	} {
		wrong := o
		change(&wrong)
		if err := p.Check(wrong); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	var b oncall.Book
	for n, body := range []call.Body{
		call.OnCallOverridden{Override: "o1", Schedule: "night", Person: "ben", From: now, To: now.Add(2 * time.Hour), By: "supervisor:eva", Why: "ana is ill"},
		call.OnCallRestored{Override: "o1", By: "supervisor:kim"},
	} {
		if err := b.Apply(call.OnCallEvent(now.Add(time.Duration(n)*time.Hour), body)); err != nil {
			t.Fatal(err)
		}
	}
	s := p.Schedules["night"]
	if on, _ := s.At(now.Add(30*time.Minute), b.All()); on.Person != "ben" || !on.To.Equal(now.Add(time.Hour)) {
		t.Errorf("%+v", on)
	}
	if on, _ := s.At(now.Add(90*time.Minute), b.All()); on.Person != "ana" {
		t.Errorf("%+v", on)
	}
	if err := b.Apply(call.OnCallEvent(now, call.OnCallRestored{Override: "o1"})); !errors.Is(err, oncall.ErrUnknown) {
		t.Errorf("taken back twice: %v", err)
	}
	if got := b.Since(now.Add(90 * time.Minute)); len(got) != 0 || len(b.All()) != 1 || !slices.ContainsFunc(b.All(), func(o oncall.Override) bool { return o.EndedBy == "supervisor:kim" && o.Why == "ana is ill" }) {
		t.Errorf("%+v, %+v", got, b.All())
	}
}
