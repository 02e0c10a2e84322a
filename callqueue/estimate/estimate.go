package estimate

import (
	"cmp"
	"time"

	"firstline/callqueue/erlang"
)

// Config bounds what is good enough to be said. The zero value of each field
// means the default named beside it.
type Config struct {
	MinSamples int           // 20 handled calls
	MaxError   float64       // 0.25: standard error of the mean handling time, by the mean
	Window     time.Duration // 4 h: older samples do not count
	MaxKept    int           // 500 samples per queue
	Longest    time.Duration // 60 min: a longer wait is not put in figures
	Low, High  float64       // 0.5 and 0.9: the range's two quantiles
}

func (c Config) defaults() Config {
	c.MinSamples = cmp.Or(c.MinSamples, 20)
	c.MaxError = cmp.Or(c.MaxError, 0.25)
	c.Window = cmp.Or(c.Window, 4*time.Hour)
	c.MaxKept = cmp.Or(c.MaxKept, 500)
	c.Longest = cmp.Or(c.Longest, time.Hour)
	c.Low = cmp.Or(c.Low, 0.5)
	c.High = cmp.Or(c.High, 0.9)
	return c
}

// Place is where a caller stands.
type Place struct {
	Ahead   int // callers who will be served before, of those who need the same agents
	Servers int // agents who are staffed and eligible: not logged out, not on a break, reachable
	Idle    int // of those, free now
}

// Reason is why there is no estimate.
type Reason string

// Reasons for silence.
const (
	NobodyStaffed Reason = "nobody-staffed"
	FewSamples    Reason = "few-samples"
	NoisySamples  Reason = "noisy-samples"
	TooLong       Reason = "too-long"
)

// Range is an estimate of the wait from now on.
type Range struct {
	Low, High time.Duration // rounded up; what to announce. Equal: "up to High"
	Mean      time.Duration // and as computed
	P50, P90  time.Duration
	Handling  time.Duration // that it rests on
	Patience  time.Duration // 0: endless
}

// Of estimates the wait at a place from samples. Without an estimate the reason
// says why.
func Of(c Config, at Place, s Samples) (Range, Reason, bool) {
	c = c.defaults()
	switch {
	case at.Servers < 1:
		return Range{}, NobodyStaffed, false
	case s.Handled < c.MinSamples || s.Handling <= 0:
		return Range{}, FewSamples, false
	case s.Error > c.MaxError:
		return Range{}, NoisySamples, false
	}
	r := Range{Handling: s.Handling, Patience: s.Patience}
	if at.Ahead < at.Idle { // an agent is free for everybody up to here
		return r.rounded(0, 0), "", true
	}
	p := erlang.Position{Ahead: at.Ahead - at.Idle, Servers: at.Servers, Handling: s.Handling, Patience: s.Patience}
	r.Mean, r.P50, r.P90 = p.Mean(), p.Quantile(0.5), p.Quantile(0.9)
	r = r.rounded(p.Quantile(c.Low), p.Quantile(c.High))
	if r.High > c.Longest {
		return r, TooLong, false
	}
	return r, "", true
}

func (r Range) rounded(low, high time.Duration) Range {
	r.Low, r.High = RoundUp(low), RoundUp(high)
	return r
}

// RoundUp is the next full minute, from ten minutes on the next full five: never
// less than d, and at least one minute.
func RoundUp(d time.Duration) time.Duration {
	step := time.Minute
	if d > 10*time.Minute {
		step = 5 * time.Minute
	}
	return max((d+step-1)/step*step, time.Minute)
}

// Why says what made an estimate rise.
type Why string

// Reasons for a rise.
const (
	Overtaken   Why = "overtaken"    // more callers are ahead than before
	FewerAgents Why = "fewer-agents" //
	LongerCalls Why = "longer-calls" // handling takes markedly longer than before
)

// Said is what a caller was told last.
type Said struct {
	At    time.Time
	Place Place
	Range Range
	Why   Why // it rose because
}

// noticeable is by how much handling must have grown to be a reason.
const noticeable = 1.1

// Next is what to tell the caller now, who was told s before (the zero Said:
// nothing). More than before is told only with a reason; without one the caller
// is told the same again.
func (s Said) Next(now time.Time, at Place, r Range) Said {
	next := Said{At: now, Place: at, Range: r}
	if s.At.IsZero() || r.High <= s.Range.High {
		return next
	}
	switch {
	case at.Ahead > s.Place.Ahead:
		next.Why = Overtaken
	case at.Servers < s.Place.Servers:
		next.Why = FewerAgents
	case float64(r.Handling) > noticeable*float64(s.Range.Handling):
		next.Why = LongerCalls
	default:
		next.Range.Low, next.Range.High = s.Range.Low, s.Range.High
		next.Place = s.Place // small steps in the same direction add up to a reason
		next.Range.Handling = s.Range.Handling
	}
	return next
}
