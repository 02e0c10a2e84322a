package sla

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"firstline/call"
)

// Figures is how one queue served those who joined it within one interval.
// Offered is Waiting plus the sum of Outcomes. Nil means that there was nobody to
// take the figure of.
type Figures struct {
	Queue  call.QueueID `json:"queue"`
	Client string       `json:"client,omitempty"`
	Interval
	Complete bool                 `json:"complete"` // false: the interval reaches back before what is kept
	Offered  int                  `json:"offered"`
	Waiting  int                  `json:"waiting"`
	Beyond   int                  `json:"waiting_beyond"` // of Waiting, longer than the target already
	Outcomes map[call.Outcome]int `json:"outcomes"`

	Levels []Level `json:"levels"` // the service levels that are in use, side by side

	ASA         *time.Duration `json:"asa_ns"`                  // mean wait of the answered
	Wait        *time.Duration `json:"wait_ns"`                 // mean wait of all who left, answered or not
	LongestWait time.Duration  `json:"longest_wait_ns"`         // of all, those who wait included
	AHT         *time.Duration `json:"aht_ns"`                  // mean of talk, hold and wrap-up of the handled
	Talk        *time.Duration `json:"talk_ns"`                 // its three parts
	Hold        *time.Duration `json:"hold_ns"`                 //
	WrapUp      *time.Duration `json:"wrap_up_ns"`              //
	Held        time.Duration  `json:"held_ns"`                 // sum over all, those that are not over included
	Handled     int            `json:"handled"`                 // answered or called back, talked to and wrapped up: over
	Abandonment *Rate          `json:"abandonment"`             // without short abandons
	AbandonAll  *Rate          `json:"abandonment_all"`         // short abandons included
	AbandonWait *time.Duration `json:"abandon_wait_ns"`         // mean wait of all abandons
	Mixed       bool           `json:"mixed_target"`            // the target changed within; each entry counts against its own
	Target      call.Target    `json:"target"`                  // of the last who joined
	GivenUpAt   *time.Duration `json:"longest_abandon_wait_ns"` // longest wait of an abandon
	Callbacks   Callbacks      `json:"callbacks"`
}

// Rate is a percentage with what it is of.
type Rate struct {
	Percent float64 `json:"percent"`
	Part    int     `json:"part"`
	Whole   int     `json:"whole"`
	Formula string  `json:"formula"`
}

// Level is one of the service levels that products state. T is the target of the
// entry, A those who abandoned.
type Level struct {
	Name    string   `json:"name"`
	Percent *float64 `json:"percent"`
	Part    int      `json:"part"`
	Whole   int      `json:"whole"`
	Formula string   `json:"formula"`
}

// The names of the service levels. LevelOurs is the one that is meant where only
// one is stated.
const (
	LevelAnswered      = "of-answered"            // Asterisk's SL
	LevelQuickAbandons = "quick-abandons-credit"  // Asterisk's SL2 as it is defined
	LevelAsterisk      = "asterisk-sl2"           // Asterisk's SL2 as it counts: time-outs and the like are abandons to it
	LevelAllAbandons   = "all-abandons"           //
	LevelOurs          = "without-short-abandons" // Genesys by option, Talkdesk
	LevelFlowOuts      = "with-flow-outs"         // Genesys "include flow-outs", Vonage "include queue breakouts"
	LevelLateAbandons  = "late-abandons"          // XCALLY
	LevelWithHold      = "wait-and-hold"          // LevelOurs of those for whom hold did not use up what wait had left
)

// tally is what figures are made of.
type tally struct {
	answered, within, both       int // answered at all, within the target, and with wait and hold together
	abandoned, short, quick      int // abandoned at all; below the short limit; within the target
	others, lapsed, lapsedQuick  int // left otherwise; of those, what Asterisk records as abandoned, and within the target
	answers, waits, abandonWaits time.Duration
	handled                      int
	talk, hold, wrapUp           time.Duration
	patience                     time.Duration
}

// Figures returns the figures of every queue that had a caller (and client, when
// asked for), by interval, queue and client. Intervals without anybody are there,
// so that a board need not fill gaps. ErrSpan when the span is none.
func (l *Ledger) Figures(s Span) ([]Figures, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	var out []Figures
	queues := slices.Sorted(maps.Keys(l.queues))
	for _, part := range s.Intervals() {
		for _, id := range queues {
			if len(out) >= MaxFigures {
				return nil, fmt.Errorf("%w: it gives more than %d figures; take longer intervals, or a shorter span", ErrSpan, MaxFigures)
			}
			k := l.queues[id]
			entries := k.within(part.From, part.To)
			if !s.ByClient {
				f := k.figures(id, "", part, s.Now, entries)
				f.Callbacks = l.callbacks(id, nil, part)
				out = append(out, f)
				continue
			}
			for _, client := range l.clientsOf(id, part, entries) {
				theirs := slices.DeleteFunc(slices.Clone(entries), func(x *stay) bool { return x.client != client })
				f := k.figures(id, client, part, s.Now, theirs)
				f.Callbacks = l.callbacks(id, &client, part)
				out = append(out, f)
			}
		}
	}
	return out, nil
}

// Clients are those who had a caller, by name.
func (l *Ledger) Clients() []string {
	names := make(map[string]bool)
	for _, k := range l.queues {
		for _, s := range k.entries {
			names[s.client] = true
		}
	}
	for _, r := range l.requests {
		names[r.client] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func clients(entries []*stay) []string {
	names := make(map[string]bool)
	for _, s := range entries {
		names[s.client] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func (k *book) figures(id call.QueueID, client string, part Interval, now time.Time, entries []*stay) Figures {
	f := Figures{
		Queue: id, Client: client, Interval: part, Complete: !part.From.Before(k.from),
		Outcomes: make(map[call.Outcome]int), Target: k.target,
	}
	var t tally
	for _, s := range entries {
		if s.back {
			t.handle(s)
			continue
		}
		wait := s.waitAt(now)
		f.Mixed = f.Mixed || f.Offered > 0 && s.target != f.Target
		f.Target = s.target
		f.Offered++
		f.LongestWait = max(f.LongestWait, wait)
		f.Held += s.holdAt(now)
		if s.outcome == "" {
			f.Waiting++
			if wait > s.target.Within {
				f.Beyond++
			}
			continue
		}
		f.Outcomes[s.outcome]++
		t.add(s, wait, s.holdAt(now))
	}
	f.Levels = t.levels(f.Offered - f.Waiting)
	f.ASA = mean(t.answers, t.answered)
	f.Wait = mean(t.waits, f.Offered-f.Waiting)
	f.Handled = t.handled
	f.AHT = mean(t.talk+t.hold+t.wrapUp, t.handled)
	f.Talk, f.Hold, f.WrapUp = mean(t.talk, t.handled), mean(t.hold, t.handled), mean(t.wrapUp, t.handled)
	f.AbandonWait = mean(t.abandonWaits, t.abandoned)
	if t.abandoned > 0 {
		f.GivenUpAt = &t.patience
	}
	left := f.Offered - f.Waiting
	f.Abandonment = rate(t.abandoned-t.short, left-t.short, "abandoned after the short-abandon limit / (all who left − short abandons)")
	f.AbandonAll = rate(t.abandoned, left, "abandoned / all who left")
	return f
}

func (t *tally) add(s *stay, wait, hold time.Duration) {
	within := wait <= s.target.Within
	t.waits += wait
	switch s.outcome {
	case call.OutcomeAnswered:
		t.answered++
		t.answers += wait
		if within {
			t.within++
		}
		if wait+hold <= s.target.Within {
			t.both++
		}
		t.handle(s)
	case call.OutcomeAbandoned, call.OutcomeAbandonedShort:
		t.abandoned++
		t.abandonWaits += wait
		t.patience = max(t.patience, wait)
		if s.outcome == call.OutcomeAbandonedShort {
			t.short++
		}
		if within {
			t.quick++
		}
	case call.OutcomeTimeoutOverflow, call.OutcomeEmpty, call.OutcomeWithdrawn:
		t.others++
		t.lapsed++
		if within {
			t.lapsedQuick++
		}
	default:
		t.others++
	}
}

// handle counts what an agent did for an entry, once that is over.
func (t *tally) handle(s *stay) {
	if s.outcome == call.OutcomeAnswered && s.talked > 0 && s.talks.IsZero() && s.wraps == 0 {
		t.handled++
		t.talk += s.talked - s.hold
		t.hold += s.hold
		t.wrapUp += s.wrapUp
	}
}

// levels are all service levels over those who left.
func (t *tally) levels(left int) []Level {
	all := t.answered + t.abandoned
	return []Level{
		level(LevelAnswered, t.within, t.answered, "answered within T / answered"),
		level(LevelQuickAbandons, t.within+t.quick, all, "(answered within T + abandoned within T) / (answered + abandoned)"),
		level(LevelAsterisk, t.within+t.quick+t.lapsedQuick, all+t.lapsed,
			"(answered within T + abandoned within T) / (answered + abandoned), time-outs, empty queues and withdrawals being abandoned too"),
		level(LevelAllAbandons, t.within, all, "answered within T / (answered + abandoned)"),
		level(LevelOurs, t.within, all-t.short, "answered within T / (answered + abandoned after the short-abandon limit)"),
		level(LevelFlowOuts, t.within, left, "answered within T / all who left, however they left"),
		level(LevelLateAbandons, t.within, all-t.quick, "answered within T / (answered + abandoned after T)"),
		level(LevelWithHold, t.both, all-t.short,
			"answered with wait and hold together within T / (answered + abandoned after the short-abandon limit)"),
	}
}

func (k *book) within(from, to time.Time) []*stay {
	first := func(t time.Time) int {
		i, _ := slices.BinarySearchFunc(k.entries, t, func(s *stay, t time.Time) int {
			return s.joined.Compare(t)
		})
		return i // of several that joined at t, the first
	}
	lo, hi := first(from), first(to)
	return k.entries[lo:max(lo, hi)]
}

func level(name string, part, whole int, formula string) Level {
	return Level{Name: name, Percent: percent(part, whole), Part: part, Whole: whole, Formula: formula}
}

func rate(part, whole int, formula string) *Rate {
	p := percent(part, whole)
	if p == nil {
		return nil
	}
	return &Rate{Percent: *p, Part: part, Whole: whole, Formula: formula}
}

func percent(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	return new(100 * float64(part) / float64(whole))
}

func mean(sum time.Duration, n int) *time.Duration {
	if n == 0 {
		return nil
	}
	return new(sum / time.Duration(n))
}

// Level finds a service level by its name; the zero Level when there is none.
func (f Figures) Level(name string) Level {
	for _, l := range f.Levels {
		if l.Name == name {
			return l
		}
	}
	return Level{}
}
