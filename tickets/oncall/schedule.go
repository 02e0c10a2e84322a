package oncall

import (
	"errors"
	"fmt"
	"time"

	"firstline/call"
	"firstline/call/wall"
)

// Schedule is one duty of which one person has the turn: by a rotation, which has no
// gaps, or by a calendar, which may have some.
type Schedule struct {
	ID       string
	Name     string
	Zone     *time.Location
	Rotation *Rotation // nil: the calendar says
	Calendar *Calendar
}

// Shift is who has the turn from one instant to before another. A zero To means that
// nobody knows of an end.
type Shift struct {
	Person call.AgentID
	From   time.Time
	To     time.Time
	By     string // "rotation", "calendar", or "override" with who made it
}

// Rotation hands a duty on at one time of day, every day or every week, in order and
// for ever. It has always gone so: before First as well.
type Rotation struct {
	People []call.AgentID
	Days   int       // between two hand-overs: 1 or 7
	First  wall.Date // of a hand-over to the first of People
	Hour   int       // on the clock of the schedule's zone
	Minute int
}

// Validate returns all faults of a schedule, joined.
func (s Schedule) Validate() error {
	var faults []error
	if s.Zone == nil {
		faults = append(faults, errors.New("it has no time zone"))
	}
	if (s.Rotation == nil) == (s.Calendar == nil) {
		faults = append(faults, errors.New("it needs a rotation or a calendar, and one of them only"))
	}
	if r := s.Rotation; r != nil {
		if len(r.People) == 0 {
			faults = append(faults, errors.New("nobody is in the rotation"))
		}
		if r.Days != 1 && r.Days != 7 {
			faults = append(faults, fmt.Errorf("it hands over every %d days: every day and every week are possible", r.Days))
		}
	}
	return errors.Join(faults...)
}

// planned is who has the turn at an instant when nobody stands in. Where nobody has,
// the shift has no person, and ends when somebody comes.
func (s Schedule) planned(at time.Time) Shift {
	if s.Rotation != nil {
		return s.Rotation.at(at, s.Zone)
	}
	return s.Calendar.at(at)
}

// At is who has the turn at an instant; false when nobody has. Of people who stand
// in, the one named last has it.
func (s Schedule) At(at time.Time, overrides []Override) (Shift, bool) {
	on := s.planned(at)
	var wins *Override
	for i := range overrides {
		o := &overrides[i]
		if o.Schedule != s.ID || o.void() {
			continue
		}
		from, to := o.From, o.until()
		if !from.After(at) && to.After(at) && (wins == nil || !o.Made.Before(wins.Made)) {
			wins = o
		}
		for _, edge := range []time.Time{from, to} {
			on.narrow(at, edge)
		}
	}
	if wins != nil {
		on.Person, on.By = wins.Person, "override"
		on.From, on.To = wins.From, wins.until()
		for i := range overrides {
			if o := &overrides[i]; o.Schedule == s.ID && !o.void() && o.Made.After(wins.Made) {
				on.narrow(at, o.From)
				on.narrow(at, o.until())
			}
		}
	}
	return on, on.Person != ""
}

// narrow ends a shift at an edge, or begins it there.
func (s *Shift) narrow(at, edge time.Time) {
	switch {
	case !edge.After(at) && edge.After(s.From):
		s.From = edge
	case edge.After(at) && (s.To.IsZero() || edge.Before(s.To)):
		s.To = edge
	}
}

// longestLook bounds how many turns Between goes through.
const longestLook = 1000

// Between is every turn that touches [from, to), in order; gaps are left out.
func (s Schedule) Between(from, to time.Time, overrides []Override) []Shift {
	var all []Shift
	at := from
	for range longestLook {
		on, ok := s.At(at, overrides)
		if ok {
			all = append(all, on)
		}
		if on.To.IsZero() || !on.To.Before(to) || !on.To.After(at) {
			break
		}
		at = on.To
	}
	return all
}

// Next is the turn after the one at an instant; false when nobody knows of one.
func (s Schedule) Next(at time.Time, overrides []Override) (Shift, bool) {
	now, _ := s.At(at, overrides)
	for range longestLook {
		if now.To.IsZero() {
			return Shift{}, false
		}
		next, ok := s.At(now.To, overrides)
		if ok && next.Person != now.Person {
			return next, true
		}
		if next.To.IsZero() || !next.To.After(now.To) {
			return Shift{}, false
		}
		now.To = next.To
		if !ok {
			now.Person = ""
		}
	}
	return Shift{}, false
}

func (r *Rotation) at(at time.Time, zone *time.Location) Shift {
	n := wall.DateOf(at.In(zone)).Sub(r.First) / r.Days
	for r.handover(n, zone).After(at) {
		n--
	}
	for !r.handover(n+1, zone).After(at) {
		n++
	}
	who := n % len(r.People)
	if who < 0 {
		who += len(r.People)
	}
	return Shift{Person: r.People[who], From: r.handover(n, zone), To: r.handover(n+1, zone), By: "rotation"}
}

func (r *Rotation) handover(n int, zone *time.Location) time.Time {
	return r.First.Add(n*r.Days).At(60*r.Hour+r.Minute, zone)
}
