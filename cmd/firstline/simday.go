package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/sim"
	"firstline/callqueue/sla"
	"firstline/config"
)

// simDay is the day that is simulated.
type simDay struct {
	queue   callqueue.Queue
	further []callqueue.Queue // to which its exits lead, and theirs
	people  []agents.Agent    // who meet what the queue needs
	beside  []agents.Agent    // who do not, but serve one of the further queues; at work all day
	parts   []simPart
	from    time.Time
	to      time.Time
}

// simPart is one interval of it.
type simPart struct {
	From, To time.Time
	Calls    float64 // within the interval
	Agents   int
}

// day reads the flags into a day.
func (c *simulateCommand) day() (simDay, error) {
	centre, err := c.centre()
	if err != nil {
		return simDay{}, err
	}
	if len(centre.Queues) == 0 {
		return simDay{}, errors.New("the centre has no queue")
	}
	d := simDay{queue: centre.Queues[0]}
	if c.Queue != "" {
		q, ok := centre.Queue(c.Queue)
		if !ok {
			return d, fmt.Errorf("there is no queue %q", c.Queue)
		}
		d.queue = q
	}
	if c.WrapUp != "" {
		w, err := time.ParseDuration(c.WrapUp)
		if err != nil || w < 0 {
			return d, fmt.Errorf("--wrap-up %q is no duration", c.WrapUp)
		}
		d.queue.WrapUp = cmp.Or(w, -1)
	}
	if c.Talk <= 0 || c.Patience < 0 || c.Pickup < 0 || c.Settle < 0 || c.CV <= 0 {
		return d, errors.New("--talk and --cv have to be above zero, and no time below it")
	}
	d.further = sim.Reachable(d.queue.ID, centre.Queues)[1:]
	var able []agents.Agent
	for _, a := range centre.Agents {
		who := agents.Agent{ID: a.ID, Name: a.Name, Level: a.Level, Skills: a.Skills}
		serves := func(q callqueue.Queue) bool { return who.Meets(q.Need) }
		switch {
		case serves(d.queue):
			able = append(able, who)
		case slices.ContainsFunc(d.further, serves):
			d.beside = append(d.beside, who)
		}
	}
	if d.parts, err = c.parts(len(able)); err != nil {
		return d, err
	}
	d.from, d.to = d.parts[0].From, d.parts[len(d.parts)-1].To
	most := 0
	for _, p := range d.parts {
		most = max(most, p.Agents)
	}
	d.people = able
	for i := len(able); i < most; i++ { // more than the centre has: agents who can do what the queue needs
		d.people = append(d.people, agents.Agent{
			ID: call.AgentID(fmt.Sprintf("sim%04d", i)), Level: max(d.queue.Need.Level, agents.MinLevel), Skills: d.queue.Need.Skills,
		})
	}
	return d, nil
}

func (c *simulateCommand) centre() (*config.Centre, error) {
	keys, err := promptKeys()
	if err != nil {
		return nil, err
	}
	if c.Centre != "" {
		return config.LoadCentre(os.DirFS(c.Centre), keys)
	}
	cfg, err := config.LoadServer(c.Config, os.Environ())
	if err != nil {
		return nil, err
	}
	return readCentre(cfg, keys)
}

// simMidnight is the day's date, which is no matter: the same flags give the same days.
func simMidnight() time.Time { return time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) }

func (c *simulateCommand) parts(able int) ([]simPart, error) {
	if c.Table != "" {
		f, err := os.Open(c.Table)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		parts, err := readParts(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Table, err)
		}
		return parts, nil
	}
	n := cmp.Or(c.Agents, able)
	if n < 1 {
		return nil, errors.New("nobody of the centre's files meets what the queue needs: say --agents")
	}
	if c.Calls <= 0 || c.Hours <= 0 || c.Hours > 24*366 || c.Calls*c.Hours > 5e6 {
		return nil, errors.New("--calls and --hours have to be above zero, and make five million calls at most")
	}
	from := simMidnight().Add(9 * time.Hour)
	length := time.Duration(c.Hours * float64(time.Hour))
	return []simPart{{from, from.Add(length), c.Calls * c.Hours, n}}, nil
}

// readParts reads lines of from,calls,agents; the last line is the end alone.
func readParts(r io.Reader) ([]simPart, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord, in.Comment, in.TrimLeadingSpace = -1, '#', true
	rows, err := in.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 && strings.EqualFold(rows[0][0], "from") {
		rows = rows[1:]
	}
	if len(rows) < 2 {
		return nil, errors.New("want at least one line of from,calls,agents and one with the end")
	}
	var parts []simPart
	for i, row := range rows {
		clock, err := time.Parse("15:04", strings.Replace(row[0], "24:00", "00:00", 1))
		if err != nil {
			return nil, fmt.Errorf("line %d: %q is no time of day (09:00)", i+1, row[0])
		}
		at := simMidnight().Add(time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute)
		if row[0] == "24:00" {
			at = at.Add(24 * time.Hour)
		}
		if i > 0 {
			if !at.After(parts[i-1].From) {
				return nil, fmt.Errorf("line %d: %s is not after the line before", i+1, row[0])
			}
			parts[i-1].To = at
		}
		if i == len(rows)-1 {
			break
		}
		if len(row) != 3 {
			return nil, fmt.Errorf("line %d: want from,calls,agents", i+1)
		}
		calls, err1 := strconv.ParseFloat(strings.TrimSpace(row[1]), 64)
		n, err2 := strconv.Atoi(strings.TrimSpace(row[2]))
		if err1 != nil || err2 != nil || calls < 0 || calls > 1e6 || n < 0 || n > 100_000 {
			return nil, fmt.Errorf("line %d: %q calls and %q agents", i+1, row[1], row[2])
		}
		parts = append(parts, simPart{From: at, Calls: calls, Agents: n})
	}
	return parts, nil
}

// once simulates one day and keeps its figures. It returns how many calls went in
// circles.
func (c *simulateCommand) once(ctx context.Context, d simDay, seed uint64, values simValues) (circles int, err error) {
	demand := c.demand(d)
	shifts, err := d.shifts(c.Settle)
	if err != nil {
		return 0, err
	}
	r, err := sim.Run(ctx, sim.Scenario{
		Queues: append([]callqueue.Queue{d.queue}, d.further...), Agents: append(slices.Clip(d.people), d.beside...),
		Shifts: shifts, Arrivals: sim.Generate(seed, []sim.Demand{demand}),
	})
	if err != nil {
		return 0, err
	}
	span := sla.Span{Now: r.Ended, From: d.from, To: d.to}
	figures, err := r.Ledger.Figures(span)
	if err != nil || len(figures) == 0 {
		return 0, err // nobody called on this day
	}
	for _, q := range figures {
		for _, f := range queueFigures() {
			if v, ok := f.of(q); ok && q.Offered > 0 {
				values.add(q.Queue, f.name, v)
			}
		}
	}
	staff, err := r.Staff.Figures(span, func(id call.AgentID) bool {
		return slices.ContainsFunc(d.people, func(a agents.Agent) bool { return a.ID == id })
	})
	if err != nil {
		return 0, err
	}
	if p := staff[0].Occupancy; p != nil {
		values.add(d.queue.ID, occupancyName, *p)
	}
	return r.Circles, nil
}

// demand is the calls of the day, with those that fill the queue before it.
func (c *simulateCommand) demand(d simDay) sim.Demand {
	demand := sim.Demand{Queue: d.queue.ID, Pickup: sim.Fixed(c.Pickup)}
	switch c.Shape {
	case "lognormal":
		demand.Talk = sim.Lognormal(c.Talk, c.CV)
	case "fixed":
		demand.Talk = sim.Fixed(c.Talk)
	default:
		demand.Talk = sim.Exponential(c.Talk)
	}
	if c.Patience > 0 {
		demand.Patience = sim.Exponential(c.Patience)
	}
	if first := d.parts[0]; c.Settle > 0 {
		share := c.Settle.Seconds() / first.To.Sub(first.From).Seconds()
		demand.Loads = append(demand.Loads, sim.Load{From: d.from.Add(-c.Settle), To: d.from, Calls: first.Calls * share})
	}
	for _, p := range d.parts {
		demand.Loads = append(demand.Loads, sim.Load{From: p.From, To: p.To, Calls: p.Calls})
	}
	return demand
}

// shifts has as many at work as each part says, from settle before the day on.
func (d simDay) shifts(settle time.Duration) ([]sim.Shift, error) {
	begin := d.from.Add(-settle)
	var plan []sim.Staffed
	if settle > 0 {
		plan = append(plan, sim.Staffed{From: begin, Agents: d.parts[0].Agents})
	}
	for _, p := range d.parts {
		plan = append(plan, sim.Staffed{From: p.From, Agents: p.Agents})
	}
	var ids []call.AgentID
	for _, a := range d.people {
		ids = append(ids, a.ID)
	}
	shifts, err := sim.Shifts(ids, plan)
	for _, a := range d.beside {
		shifts = append(shifts, sim.Shift{At: begin, Agent: a.ID, Presence: call.Available})
	}
	return shifts, err
}
