package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/erlang"
	"firstline/callqueue/sim"
	"firstline/callqueue/sla"
	"firstline/config"
)

type simulateCommand struct {
	Config   string        `short:"c" help:"Configuration file. Default: as for serve." type:"path"`
	Centre   string        `help:"Folder of the centre. Default: the configuration's." type:"existingdir"`
	Queue    call.QueueID  `help:"Queue that is called. Default: the centre's first."`
	Calls    float64       `help:"Calls an hour." default:"60"`
	Agents   int           `help:"Agents at work. Default: those of the centre's files who meet what the queue needs."`
	Talk     time.Duration `help:"Mean length of a talk." default:"4m"`
	Shape    string        `help:"How talks are distributed: exponential, lognormal or fixed." enum:"exponential,lognormal,fixed" default:"exponential"`
	CV       float64       `help:"Deviation of lognormal talks by their mean." default:"1" name:"cv"`
	WrapUp   string        `help:"Wrap-up after each talk, for example 30s. Default: the queue's."`
	Pickup   time.Duration `help:"Time until a ringing phone is picked up." default:"4s"`
	Patience time.Duration `help:"Mean patience, exponential; 0 is endless." default:"3m"`
	Hours    float64       `help:"Length of the day." default:"8"`
	Table    string        `help:"CSV of the day by interval, in place of --calls, --agents and --hours: lines of from, calls until the next line, agents (09:00,40,6); the last line says when the day ends (17:00)." type:"existingfile"`
	Settle   time.Duration `help:"Time before the day that fills the queue and is not counted." default:"30m"`
	Runs     int           `help:"Independent days; more make the interval of confidence narrower." default:"20"`
	Seed     uint64        `help:"Of the first day. The same seed gives the same days." default:"1"`
	JSON     bool          `help:"Print the figures as JSON." name:"json"`
}

func (simulateCommand) Help() string {
	return `Has the queue engine itself serve simulated days, and prints what came of it, with
the interval that holds the true mean with 99 % confidence. Beside it stands what
theory says for the same load: Erlang C (nobody gives up) and Erlang A (exponential
patience), interval by interval, weighted by calls. They take handling as
memoryless and every interval as settled; where a day is neither, believe the
simulation.

Example:  firstline simulate --calls 120 --agents 12 --talk 4m --patience 3m`
}

// simDay is the day that is simulated.
type simDay struct {
	queue  callqueue.Queue
	people []agents.Agent
	parts  []simPart
	from   time.Time
	to     time.Time
}

// simPart is one interval of it.
type simPart struct {
	From, To time.Time
	Calls    float64 // within the interval
	Agents   int
}

func (c *simulateCommand) Run(ctx context.Context, o *output) error {
	day, err := c.day()
	if err != nil {
		return err
	}
	if c.Runs < 1 || c.Runs > 10_000 {
		return fmt.Errorf("--runs %d is not between 1 and 10000", c.Runs)
	}
	report := simReport{Queue: day.queue.ID, Target: day.queue.Target.Within.String(), Runs: c.Runs}
	values := make(map[string][]float64)
	for run := range c.Runs {
		if err := c.once(ctx, day, c.Seed+uint64(run), values); err != nil {
			return err
		}
	}
	report.C, report.A = c.theory(day)
	for _, f := range append(queueFigures(), occupancyFigure()) {
		v, ok := values[f.name]
		if !ok {
			continue
		}
		report.Figures = append(report.Figures, simFigure{f, f.name, sim.Of(v)})
	}
	if c.JSON {
		enc := json.NewEncoder(o.out)
		enc.SetIndent("", "  ")
		return enc.Encode(report.plain())
	}
	c.head(o.out, day)
	report.print(o.out)
	return nil
}

const occupancyName = "occupancy"

func occupancyFigure() figure { return figure{name: occupancyName, unit: unitPercent} }

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
	var able []agents.Agent
	for _, a := range centre.Agents {
		who := agents.Agent{ID: a.ID, Name: a.Name, Level: a.Level, Skills: a.Skills}
		if who.Meets(d.queue.Need) {
			able = append(able, who)
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

// once simulates one day and keeps its figures.
func (c *simulateCommand) once(ctx context.Context, d simDay, seed uint64, values map[string][]float64) error {
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
	var plan []sim.Staffed
	first := d.parts[0]
	if c.Settle > 0 {
		share := c.Settle.Seconds() / first.To.Sub(first.From).Seconds()
		demand.Loads = append(demand.Loads, sim.Load{From: d.from.Add(-c.Settle), To: d.from, Calls: first.Calls * share})
		plan = append(plan, sim.Staffed{From: d.from.Add(-c.Settle), Agents: first.Agents})
	}
	for _, p := range d.parts {
		demand.Loads = append(demand.Loads, sim.Load{From: p.From, To: p.To, Calls: p.Calls})
		plan = append(plan, sim.Staffed{From: p.From, Agents: p.Agents})
	}
	var ids []call.AgentID
	for _, a := range d.people {
		ids = append(ids, a.ID)
	}
	shifts, err := sim.Shifts(ids, plan)
	if err != nil {
		return err
	}
	r, err := sim.Run(ctx, sim.Scenario{
		Queues: []callqueue.Queue{d.queue}, Agents: d.people, Shifts: shifts, Arrivals: sim.Generate(seed, []sim.Demand{demand}),
	})
	if err != nil {
		return err
	}
	span := sla.Span{Now: r.Ended, From: d.from, To: d.to}
	figures, err := r.Ledger.Figures(span)
	if err != nil || len(figures) == 0 {
		return err // nobody called on this day
	}
	staff, err := r.Staff.Figures(span, nil)
	if err != nil {
		return err
	}
	for _, f := range queueFigures() {
		if v, ok := f.of(figures[0]); ok {
			values[f.name] = append(values[f.name], v)
		}
	}
	if p := staff[0].Occupancy; p != nil {
		values[occupancyName] = append(values[occupancyName], *p)
	}
	return nil
}

// handling is what a call costs an agent, ringing included: theory knows one
// length only.
func (c *simulateCommand) handling(d simDay) time.Duration {
	return c.Pickup + c.Talk + max(d.queue.WrapUp, 0)
}

// theory solves every interval by itself and weights by calls. A figure that one
// interval does not have is NaN.
func (c *simulateCommand) theory(d simDay) (ofC, ofA theory) {
	ofC, ofA = make(theory), make(theory)
	var calls, time float64
	for _, p := range d.parts {
		calls += p.Calls
		time += p.To.Sub(p.From).Seconds() * float64(p.Agents)
	}
	for _, p := range d.parts {
		if p.Calls == 0 {
			continue
		}
		s := erlang.System{
			Agents: p.Agents, Rate: p.Calls / p.To.Sub(p.From).Seconds(), Handling: c.handling(d), Patience: c.Patience,
		}
		share := p.Calls / calls
		hours := p.To.Sub(p.From).Seconds() * float64(p.Agents) / time
		st, err := erlang.SolveC(s)
		ofC.add(st, err, d.queue.Target.Within, c.Pickup, s.Handling, share, hours)
		st, err = erlang.SolveA(s)
		ofA.add(st, err, d.queue.Target.Within, c.Pickup, s.Handling, share, hours)
	}
	return ofC, ofA
}

// theory is figures by the names of queueFigures.
type theory map[string]float64

// add adds an interval's steady state. Callers hear the ringing after their wait
// for an agent, which theory counts to the handling: it is added to the wait.
func (t theory) add(st erlang.Steady, err error, within, pickup, handling time.Duration, share, hours float64) {
	sum := func(name string, v float64) { t[name] += v }
	if err != nil {
		for _, name := range []string{"ASA", "mean wait of all", "answered within target, of all", occupancyName} {
			t[name] = math.NaN()
		}
		return
	}
	sum("ASA", share*(st.Answered+pickup).Seconds())
	sum("mean wait of all", share*(st.Wait+pickup).Seconds())
	sum("abandonment, short ones too", share*100*st.Abandons)
	if within >= pickup {
		sum("answered within target, of all", share*100*st.Within(within-pickup))
	}
	sum(occupancyName, hours*100*st.Occupancy*(1-pickup.Seconds()/handling.Seconds())) // ringing is not work
}

// simReport is what is printed.
type simReport struct {
	Queue   call.QueueID
	Target  string
	Runs    int
	Figures []simFigure
	C, A    theory
}

type simFigure struct {
	figure
	Name string
	sim.Estimate
}

func (c *simulateCommand) head(w io.Writer, d simDay) {
	calls := 0.0
	for _, p := range d.parts {
		calls += p.Calls
	}
	patience := "endless"
	if c.Patience > 0 {
		patience = c.Patience.String()
	}
	fmt.Fprintf(w, "queue %s, %d days of %.0f calls in %v; %s talks of %v, wrap-up %v, pick-up %v, patience %s\n",
		d.queue.ID, c.Runs, calls, d.to.Sub(d.from), c.Shape, c.Talk, max(d.queue.WrapUp, 0), c.Pickup, patience)
	if len(d.parts) == 1 {
		load := erlang.System{Rate: d.parts[0].Calls / d.to.Sub(d.from).Seconds(), Handling: c.handling(d)}.Load()
		fmt.Fprintf(w, "%d agents, %.2f erlangs; target %.0f %% within %v\n", d.parts[0].Agents, load, d.queue.Target.Percent, d.queue.Target.Within)
	}
}

func (r *simReport) print(w io.Writer) {
	t := newTable(w, 34, 16)
	t.row("", "simulated", "±", "Erlang C", "Erlang A")
	for _, f := range r.Figures {
		half := "?"
		if !math.IsInf(f.Half, 0) {
			half = f.write(f.Half, true)
		}
		cell := func(of theory) string {
			v, ok := of[f.Name]
			if ok && math.IsNaN(v) {
				return "overload"
			}
			return f.write(v, ok)
		}
		t.row(f.Name, f.write(f.Mean, true), half, cell(r.C), cell(r.A))
	}
}

// plain is the report as JSON has it: no number that JSON cannot write.
func (r *simReport) plain() any {
	type line struct {
		Name    string   `json:"name"`
		Mean    float64  `json:"mean"`
		Half    *float64 `json:"half_99"` // null after one run
		ErlangC *float64 `json:"erlang_c"`
		ErlangA *float64 `json:"erlang_a"`
	}
	finite := func(v float64, ok bool) *float64 {
		if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	out := struct {
		Queue   call.QueueID `json:"queue"`
		Target  string       `json:"target"`
		Runs    int          `json:"runs"`
		Figures []line       `json:"figures"`
	}{Queue: r.Queue, Target: r.Target, Runs: r.Runs}
	for _, f := range r.Figures {
		c, okC := r.C[f.Name]
		a, okA := r.A[f.Name]
		out.Figures = append(out.Figures, line{f.Name, f.Mean, finite(f.Half, true), finite(c, okC), finite(a, okA)})
	}
	return out
}
