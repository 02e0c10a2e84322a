// Package oncall says who is to be phoned when nobody is at the desk: rotations and
// calendars of who is on call, people who stand in for others, ladders of whom to
// phone after whom, and the rules by which a ticket is urgent enough. It does no I/O
// and keeps no time: what is asked about an instant is answered for it.
package oncall

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"firstline/call"
)

// Person is somebody who is phoned for urgent tickets: at a phone of ours, at a number
// outside, or, with neither, where they sit.
type Person struct {
	ID     call.AgentID
	Name   string
	Device call.DeviceID
	Number string
}

// Group is people of one skill, of whom any will do; they are phoned in this order.
type Group struct {
	ID     string
	Name   string
	Level  int          // of support, 2 to 4
	Queue  call.QueueID // whose agents take its live calls; empty for none
	People []call.AgentID
	Ladder string        // by which it is reached when nobody of it is at work; empty for its own people
	Within time.Duration // its operational level: within so much of the clock a ticket is accepted or returned
}

// Plan is what a centre has arranged.
type Plan struct {
	People    map[call.AgentID]Person
	Groups    map[string]Group
	Schedules map[string]Schedule
	Ladders   map[string]Ladder
	Rules     []Rule
	Line      string            // number of the centre that the people see; empty: that of the ticket's call
	Spoken    map[string]string // prompts that say a service or a client, by its id
	Chain     []Notify          // who is told of a ticket that takes too long
}

// Validate returns what is wrong with the plan as a whole, joined: names that lead
// nowhere. What is wrong within one thing, its own Validate says.
func (p Plan) Validate() error {
	var faults []error
	for _, id := range slices.Sorted(maps.Keys(p.Ladders)) {
		for n, s := range p.Ladders[id].Steps {
			if err := p.leads(s); err != nil {
				faults = append(faults, fmt.Errorf("ladder %q, step %d: %w", id, n+1, err))
			}
		}
	}
	for n, r := range p.Rules {
		if _, ok := p.Ladders[r.Ladder]; !ok {
			faults = append(faults, fmt.Errorf("urgent rule %d: there is no ladder %q", n+1, r.Ladder))
		}
	}
	return errors.Join(faults...)
}

func (p Plan) leads(s Step) error {
	switch {
	case s.Person != "":
		if _, ok := p.People[s.Person]; !ok {
			return fmt.Errorf("%q is none of the people", s.Person)
		}
	case s.Schedule != "":
		if _, ok := p.Schedules[s.Schedule]; !ok {
			return fmt.Errorf("there is no schedule %q", s.Schedule)
		}
	case s.Group != "":
		if _, ok := p.Groups[s.Group]; !ok {
			return fmt.Errorf("there is no group %q", s.Group)
		}
	default:
		return errors.New("it names nobody: give it a person, a schedule or a group")
	}
	return nil
}
