package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"firstline/call"
)

// loadReport is what a load run met. Every call placed ends as one of refused,
// abandoned, turned away, completed, cut off or an error.
type loadReport struct {
	Seed        uint64  `json:"seed"`
	TookMs      int64   `json:"took_ms"`
	CallsPerSec float64 `json:"calls_per_second"` // placed, over the time in which calls were placed
	MostAtOnce  int     `json:"most_at_once"`

	Placed     int            `json:"placed"`
	HeldBack   int            `json:"held_back"`   // arrivals that found every caller on the phone
	Answered   int            `json:"answered"`    // by the server
	Reached    int            `json:"reached"`     // an agent
	Completed  int            `json:"completed"`   // a talk that was not broken off
	Abandoned  map[string]int `json:"abandoned"`   // by stage
	Refused    map[string]int `json:"refused"`     // before the answer, by status
	TurnedAway map[string]int `json:"turned_away"` // hung up by the server without an agent, by cause
	CutOff     int            `json:"cut_off"`     // by us, at the end of the run
	Errors     map[string]int `json:"errors"`

	SetupMs percentiles `json:"setup_ms"` // from INVITE to 200
	WaitMs  percentiles `json:"wait_ms"`  // of those who reached an agent

	Agents struct {
		Phones        int `json:"phones"`
		Offers        int `json:"offers"`
		Answered      int `json:"answered"`
		Missed        int `json:"missed"`    // ignored until it stopped ringing
		Withdrawn     int `json:"withdrawn"` // stopped ringing before the agent would have answered
		BackFromBreak int `json:"back_from_break"`
	} `json:"agents"`
	Audio struct { // of talks of two seconds and more
		CallerTalks int `json:"caller_talks"`
		CallerHeard int `json:"caller_heard"` // the agent's tone
		AgentTalks  int `json:"agent_talks"`
		AgentHeard  int `json:"agent_heard"` // the caller's tone
	} `json:"audio"`

	setup, wait samples
	stage       string
	placing     time.Duration                      // in which calls were placed
	now         struct{ calls, talks, phones int } // phones of agents with a call
}

// percentiles of a time in milliseconds; all 0 when Count is.
type percentiles struct {
	Count int   `json:"count"`
	P50   int64 `json:"p50"`
	P90   int64 `json:"p90"`
	P99   int64 `json:"p99"`
	Max   int64 `json:"max"`
}

type samples []time.Duration

func (s *samples) add(d time.Duration) { *s = append(*s, max(d, 0)) }

// percentiles are nearest-rank.
func (s samples) percentiles() percentiles {
	if len(s) == 0 {
		return percentiles{}
	}
	slices.Sort(s)
	at := func(p int) int64 { return s[max((len(s)*p+99)/100-1, 0)].Milliseconds() }
	return percentiles{Count: len(s), P50: at(50), P90: at(90), P99: at(99), Max: at(100)}
}

func failed(kind string) func(*loadReport) { return func(r *loadReport) { r.Errors[kind]++ } }

func abandoned(at loadStage) func(*loadReport) {
	return func(r *loadReport) { r.Abandoned[string(at)]++ }
}

func refused(c call.Cause) func(*loadReport) {
	return func(r *loadReport) { r.Refused[strings.TrimSpace(fmt.Sprintf("%d %s", c.SIP, c.Reason))]++ }
}

func turnedAway(c call.Cause) func(*loadReport) {
	return func(r *loadReport) { r.TurnedAway[string(c.Reason)]++ }
}

// loadTally collects a report from all goroutines.
type loadTally struct {
	mu sync.Mutex // guards r
	r  loadReport
}

func newLoadTally() *loadTally {
	t := &loadTally{}
	t.r.Abandoned, t.r.Refused, t.r.TurnedAway, t.r.Errors = map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	t.r.stage = "calling"
	return t
}

func (t *loadTally) add(f func(*loadReport)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.r)
	t.r.MostAtOnce = max(t.r.MostAtOnce, t.r.now.calls)
}

// fault counts what must never happen.
func (t *loadTally) fault(kind string) { t.add(failed(kind)) }

func (t *loadTally) phones() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.r.now.phones
}

func (t *loadTally) report(c *loadCommand, took time.Duration) *loadReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &t.r
	r.Seed, r.TookMs, r.Agents.Phones = c.Seed, took.Milliseconds(), c.Agents
	if r.placing > 0 {
		r.CallsPerSec = float64(r.Placed) / r.placing.Seconds()
	}
	r.SetupMs, r.WaitMs = r.setup.percentiles(), r.wait.percentiles()
	return r
}

// show keeps one line of progress: renewed in place on a terminal, else every ten seconds.
func (t *loadTally) show(ctx context.Context, w io.Writer) {
	every, begin, end := 10*time.Second, "", "\n"
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			every, begin, end = time.Second, "\r\033[K", ""
			defer fmt.Fprintln(w)
		}
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	began := time.Now()
	for {
		select {
		case now := <-tick.C:
			fmt.Fprint(w, begin, t.line(now.Sub(began)), end)
		case <-ctx.Done():
			return
		}
	}
}

func (t *loadTally) line(since time.Duration) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &t.r
	return fmt.Sprintf("%v %s: %d calls up, %d talking; %d placed, %d reached an agent, %d gave up, %d refused, %d errors",
		since.Truncate(time.Second), r.stage, r.now.calls, r.now.talks, r.Placed, r.Reached,
		total(r.Abandoned), total(r.Refused)+total(r.TurnedAway), total(r.Errors))
}

func total(by map[string]int) int {
	n := 0
	for _, v := range by {
		n += v
	}
	return n
}

func (r *loadReport) print(w io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s "+format+"\n", append([]any{name}, args...)...)
	}
	line("placed", "%d calls in %v, %.1f a second, at most %d at once; %d held back; seed %d",
		r.Placed, ms(r.TookMs).Truncate(time.Second), r.CallsPerSec, r.MostAtOnce, r.HeldBack, r.Seed)
	line("answered", "%d by the server, %d reached an agent, %d talks were had to their end", r.Answered, r.Reached, r.Completed)
	line("abandoned", "%d%s", total(r.Abandoned), listed(r.Abandoned))
	line("refused", "%d%s", total(r.Refused), listed(r.Refused))
	line("turned away", "%d%s", total(r.TurnedAway), listed(r.TurnedAway))
	if r.CutOff > 0 {
		line("cut off", "%d were still up when the run ended", r.CutOff)
	}
	line("setup", "%v", r.SetupMs)
	line("wait", "%v", r.WaitMs)
	a := r.Agents
	line("agents", "%d phones, %d offers: %d answered, %d missed, %d withdrawn; %d times back from a break",
		a.Phones, a.Offers, a.Answered, a.Missed, a.Withdrawn, a.BackFromBreak)
	line("audio", "callers heard the agent in %d of %d talks, agents the caller in %d of %d",
		r.Audio.CallerHeard, r.Audio.CallerTalks, r.Audio.AgentHeard, r.Audio.AgentTalks)
	line("errors", "%d%s", total(r.Errors), listed(r.Errors))
	return nil
}

// String is "50 % 12ms, 90 % 40ms, …".
func (p percentiles) String() string {
	if p.Count == 0 {
		return "none"
	}
	return fmt.Sprintf("50 %% %v, 90 %% %v, 99 %% %v, longest %v", ms(p.P50), ms(p.P90), ms(p.P99), ms(p.Max))
}

func listed(by map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, by[k]))
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// verdict is the exit code. That callers give up is no fault.
func (r *loadReport) verdict() error {
	var faults []string
	for _, f := range []struct {
		n    int
		what string
	}{
		{total(r.Refused), "calls were refused"},
		{total(r.TurnedAway), "callers were hung up on"},
		{total(r.Errors), "errors"},
		{r.Audio.CallerTalks - r.Audio.CallerHeard + r.Audio.AgentTalks - r.Audio.AgentHeard, "sides of talks were silent"},
	} {
		if f.n > 0 {
			faults = append(faults, fmt.Sprintf("%d %s", f.n, f.what))
		}
	}
	if r.Placed == 0 {
		faults = append(faults, "no call was placed")
	}
	if len(faults) == 0 {
		return nil
	}
	return exitError{exitLoadFaults, errors.New(strings.Join(faults, ", "))}
}
