package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"firstline/call"
	"firstline/callqueue/erlang"
	"firstline/callqueue/sim"
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

Whoever leaves the queue by an exit to another is followed there, with the wait that
it has had; the centre's agents who serve that one and not the first are at work all
day, and have nothing else to do. Caps and reserves of rules.yaml are left out.

Example:  firstline simulate --calls 120 --agents 12 --talk 4m --patience 3m`
}

func (c *simulateCommand) Run(ctx context.Context, o *output) error {
	day, err := c.day()
	if err != nil {
		return err
	}
	if c.Runs < 1 || c.Runs > 10_000 {
		return fmt.Errorf("--runs %d is not between 1 and 10000", c.Runs)
	}
	values := make(simValues)
	report := simReport{Target: day.queue.Target.Within.String(), Runs: c.Runs}
	for run := range c.Runs {
		circles, err := c.once(ctx, day, c.Seed+uint64(run), values)
		if err != nil {
			return err
		}
		report.Circles += circles
	}
	report.C, report.A = c.theory(day)
	report.simQueue = values.of(day.queue.ID)
	for _, q := range day.further {
		report.Further = append(report.Further, values.of(q.ID))
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

// simValues are one value per simulated day, by queue and name of the figure.
type simValues map[call.QueueID]map[string][]float64

func (s simValues) add(q call.QueueID, name string, v float64) {
	if s[q] == nil {
		s[q] = make(map[string][]float64)
	}
	s[q][name] = append(s[q][name], v)
}

// of is what the days say of a queue's figures, as far as it had any.
func (s simValues) of(q call.QueueID) simQueue {
	out := simQueue{Queue: q}
	for _, f := range append(queueFigures(), occupancyFigure()) {
		if v, ok := s[q][f.name]; ok {
			out.Figures = append(out.Figures, simFigure{f, f.name, sim.Of(v)})
		}
	}
	return out
}

const occupancyName = "occupancy"

func occupancyFigure() figure { return figure{name: occupancyName, unit: unitPercent} }

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
	simQueue
	Target  string
	Runs    int
	C, A    theory
	Further []simQueue // to which exits led
	Circles int
}

type simQueue struct {
	Queue   call.QueueID
	Figures []simFigure
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
	if len(d.further) > 0 {
		fmt.Fprintf(w, "its exits lead to %d more queues, with %d more agents\n", len(d.further), len(d.beside))
	}
}

func (r *simReport) print(w io.Writer) {
	t := newTable(w, 34, 16)
	t.row("", "simulated", "±", "Erlang C", "Erlang A")
	for _, f := range r.Figures {
		cell := func(of theory) string {
			v, ok := of[f.Name]
			if ok && math.IsNaN(v) {
				return "overload"
			}
			return f.write(v, ok)
		}
		t.row(f.Name, f.write(f.Mean, true), f.half(), cell(r.C), cell(r.A))
	}
	for _, q := range r.Further {
		fmt.Fprintf(w, "\nby exits in queue %s, waits since the call came\n", q.Queue)
		if len(q.Figures) == 0 {
			fmt.Fprintln(w, "  nobody")
		}
		for _, f := range q.Figures {
			t.row(f.Name, f.write(f.Mean, true), f.half())
		}
	}
	fmt.Fprint(w, circling("simulated", r.Circles))
}

func (f simFigure) half() string {
	if math.IsInf(f.Half, 0) {
		return "?"
	}
	return f.write(f.Half, true)
}

// circling says that exits lead in a circle, when they did.
func circling(name string, calls int) string {
	if calls == 0 {
		return ""
	}
	return fmt.Sprintf("\n%s: %d calls were sent back at once to a queue that they had just left, and end there: its exits lead in a circle\n", name, calls)
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
	lines := func(q simQueue, c, a theory) []line {
		all := []line{}
		for _, f := range q.Figures {
			vc, okC := c[f.Name]
			va, okA := a[f.Name]
			all = append(all, line{f.Name, f.Mean, finite(f.Half, true), finite(vc, okC), finite(va, okA)})
		}
		return all
	}
	type queue struct {
		Queue   call.QueueID `json:"queue"`
		Figures []line       `json:"figures"`
	}
	out := struct {
		queue
		Target  string  `json:"target"`
		Runs    int     `json:"runs"`
		Further []queue `json:"further,omitempty"` // to which exits led
		Circles int     `json:"circles,omitempty"`
	}{queue: queue{r.Queue, lines(r.simQueue, r.C, r.A)}, Target: r.Target, Runs: r.Runs, Circles: r.Circles}
	for _, q := range r.Further {
		out.Further = append(out.Further, queue{q.Queue, lines(q, nil, nil)})
	}
	return out
}
