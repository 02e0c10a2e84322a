package tickets

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"firstline/tickets/clock"
)

// Contract is what a customer was promised.
type Contract struct {
	Name     string
	Hours    clock.Calendar // nil: around the clock
	Level    int            // of who must talk to the customer for a response: 0 for anybody
	Default  int            // priority by which a ticket is measured that has none yet; 0 for no target
	Targets  map[int]Targets
	Services map[string]map[int]Targets // of single services, in place of Targets
}

// Targets are the promises of one priority; a zero one is not made.
type Targets struct {
	Response, Update, Resolution time.Duration
	AroundTheClock               bool // whatever the contract's hours
}

// Validate returns all faults of a contract, joined.
func (c Contract) Validate() error {
	var faults []error
	for _, p := range slices.Sorted(maps.Keys(c.Targets)) {
		t := c.Targets[p]
		if p < 1 || p > LowestPriority {
			faults = append(faults, fmt.Errorf("there is no priority %d; they are 1 to %d", p, LowestPriority))
		}
		if t.Response > 0 && t.Resolution > 0 && t.Response > t.Resolution {
			faults = append(faults, fmt.Errorf("priority %d: a response after %v would come after the resolution, due within %v", p, t.Response, t.Resolution))
		}
	}
	if _, ok := c.Targets[c.Default]; c.Default != 0 && !ok {
		faults = append(faults, fmt.Errorf("the default priority %d has no targets", c.Default))
	}
	return errors.Join(faults...)
}

// terms are the targets by grade, for a service.
func (c Contract) terms(service string) clock.Terms {
	targets := c.Targets
	if of, ok := c.Services[service]; ok {
		targets = of
	}
	out := clock.Terms{}
	for p := range LowestPriority + 1 {
		t, ok := targets[cmp.Or(p, c.Default)]
		if !ok {
			continue
		}
		hours := c.Hours
		if t.AroundTheClock {
			hours = nil
		}
		kinds := map[clock.Kind]clock.Target{}
		for k, d := range map[clock.Kind]time.Duration{clock.Response: t.Response, clock.Update: t.Update, clock.Resolution: t.Resolution} {
			if d > 0 {
				kinds[k] = clock.Target{Within: d, Calendar: hours}
			}
		}
		out[gradeOf(p)] = kinds
	}
	return out
}

// Clocks reads the ticket's clocks at an instant, by a contract. A ticket of what is
// not technical has none, nor has one that goes on in another.
func (t Ticket) Clocks(c Contract, now time.Time) []clock.Reading {
	if t.Class.Kind == NotTechnical || t.State == Merged {
		return nil
	}
	return clock.Read(c.heeds(t.Moments), c.terms(t.Class.Service), now)
}

// heeds is a history as the contract sees it: where it asks for an engineer, the word
// of somebody below is news for the customer and no response.
func (c Contract) heeds(history []clock.Moment) []clock.Moment {
	if c.Level == 0 {
		return history
	}
	out := slices.Clone(history)
	for i, m := range out {
		if m.Mark == clock.Responded && m.Level < c.Level {
			out[i].Mark = clock.Updated
		}
	}
	return out
}

// gradeOf is a priority in the words of the clocks.
func gradeOf(priority int) clock.Grade { return clock.Grade(strconv.Itoa(priority)) }
