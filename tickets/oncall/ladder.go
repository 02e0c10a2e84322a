package oncall

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"firstline/call"
)

// Defaults of a ladder.
const (
	DefaultWait   = time.Minute
	DefaultRounds = 3
	DefaultPause  = time.Minute
)

// Step is whom to phone: a person, whoever is on call, or a group, one of it after the
// other. Exactly one of the three is set.
type Step struct {
	Person   call.AgentID
	Schedule string
	Group    string
	Wait     time.Duration // for one person, from the first ring; 60 s
}

// Ladder is whom to phone after whom. It names no other ladder, so it has an end.
type Ladder struct {
	ID     string
	Name   string
	Steps  []Step
	Rounds int           // how often it is gone through before it is given up; 3
	Pause  time.Duration // between two rounds; 1 min
}

// Defaults fills in what is zero.
func (l Ladder) Defaults() Ladder {
	l.Rounds, l.Pause = cmp.Or(l.Rounds, DefaultRounds), cmp.Or(l.Pause, DefaultPause)
	l.Steps = slices.Clone(l.Steps)
	for i := range l.Steps {
		l.Steps[i].Wait = cmp.Or(l.Steps[i].Wait, DefaultWait)
	}
	return l
}

// Validate returns all faults of a ladder, joined.
func (l Ladder) Validate() error {
	var faults []error
	if len(l.Steps) == 0 {
		faults = append(faults, errors.New("it has no steps"))
	}
	for n, s := range l.Steps {
		named := 0
		for _, set := range []bool{s.Person != "", s.Schedule != "", s.Group != ""} {
			if set {
				named++
			}
		}
		if named > 1 {
			faults = append(faults, fmt.Errorf("step %d names more than one of person, schedule and group", n+1))
		}
	}
	return errors.Join(faults...)
}

// Rung is one person whom a ladder comes to.
type Rung struct {
	Step   int // from 1
	Person call.AgentID
	Wait   time.Duration
	Why    string // "schedule night", "group network", "person"
}

// Next is whom to phone at an instant, in a round in which some were phoned already,
// from a step on. Nobody is phoned twice in a round, however often the ladder comes to
// them. False means that the round is over.
func (p Plan) Next(l Ladder, from int, phoned []call.AgentID, at time.Time, overrides []Override) (Rung, bool) {
	for n := max(from, 1); n <= len(l.Steps); n++ {
		s := l.Steps[n-1]
		people, why := p.people(s, at, overrides)
		for _, id := range people {
			if _, known := p.People[id]; known && !slices.Contains(phoned, id) {
				return Rung{Step: n, Person: id, Wait: cmp.Or(s.Wait, DefaultWait), Why: why}, true
			}
		}
	}
	return Rung{}, false
}

// people are those of a step at an instant, in order.
func (p Plan) people(s Step, at time.Time, overrides []Override) ([]call.AgentID, string) {
	switch {
	case s.Person != "":
		return []call.AgentID{s.Person}, "person"
	case s.Schedule != "":
		if on, ok := p.Schedules[s.Schedule].on(at, overrides); ok {
			return []call.AgentID{on.Person}, "schedule " + s.Schedule
		}
		return nil, "schedule " + s.Schedule
	}
	return p.Groups[s.Group].People, "group " + s.Group
}

// on is At for a schedule that may not be there any more.
func (s Schedule) on(at time.Time, overrides []Override) (Shift, bool) {
	if s.Rotation == nil && s.Calendar == nil {
		return Shift{}, false
	}
	return s.At(at, overrides)
}

// Ladder is one of the plan's with its defaults; a group's name stands for the people
// of the group. False when there is none such.
func (p Plan) Ladder(id string) (Ladder, bool) {
	if l, ok := p.Ladders[id]; ok {
		return l.Defaults(), true
	}
	g, ok := p.Groups[id]
	if !ok {
		return Ladder{}, false
	}
	if l, ok := p.Ladders[g.Ladder]; ok {
		return l.Defaults(), true
	}
	return Ladder{ID: id, Name: g.Name, Steps: []Step{{Group: id}}}.Defaults(), true
}

// String is whom a step means.
func (s Step) String() string {
	switch {
	case s.Person != "":
		return "person " + string(s.Person)
	case s.Schedule != "":
		return "schedule " + s.Schedule
	}
	return "group " + s.Group
}
