package sla

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"firstline/call"
)

// Report is how one queue served those who joined it within a window. Offered is
// Waiting plus the sum of Outcomes.
type Report struct {
	Queue    call.QueueID         `json:"queue"`
	From     time.Time            `json:"from"` // joined at or after
	To       time.Time            `json:"to"`   // joined before
	At       time.Time            `json:"at"`   // waits and holds that last are counted until here
	Complete bool                 `json:"complete"`
	Target   call.Target          `json:"target"` // of the last who joined; each entry is held against its own
	Offered  int                  `json:"offered"`
	Waiting  int                  `json:"waiting"`
	Outcomes map[call.Outcome]int `json:"outcomes"`

	Answered       int `json:"answered"`
	AnsweredWithin int `json:"answered_within"` // wait at most the target
	AbandonedShort int `json:"abandoned_short"`
	Abandoned      int `json:"abandoned"` // from the short-abandon limit on
	Other          int `json:"other"`     // left with any other outcome
	WaitingBeyond  int `json:"waiting_beyond"`

	// ServiceLevel is a percentage by Formula, nil when nobody is in its denominator.
	ServiceLevel *float64 `json:"service_level"`
	Formula      string   `json:"formula"`
	// HoldWithin is how many were answered with wait and hold together at most
	// the target; LevelWithHold is the service level that counts them instead.
	HoldWithin    int      `json:"hold_within"`
	LevelWithHold *float64 `json:"level_with_hold"`

	ASA         *time.Duration `json:"asa_ns"`          // mean wait of the answered, nil without any
	AbandonWait *time.Duration `json:"abandon_wait_ns"` // mean wait of all abandons, short ones too
	LongestWait time.Duration  `json:"longest_wait_ns"` // of all, those who wait included
	Wait        time.Duration  `json:"wait_ns"`         // sum over all
	Hold        time.Duration  `json:"hold_ns"`         // sum over all
}

// Report returns one report for each queue that ever had a caller, in order of
// id, over those who joined at or after from and before to, as known at now.
// Complete is false when the window reaches back before what is still kept.
func (l *Ledger) Report(now, from, to time.Time) []Report {
	reports := make([]Report, 0, len(l.queues))
	for _, id := range slices.Sorted(maps.Keys(l.queues)) {
		reports = append(reports, l.queues[id].report(id, now, from, to))
	}
	return reports
}

func (k *book) report(id call.QueueID, now, from, to time.Time) Report {
	r := Report{
		Queue: id, From: from.UTC(), To: to.UTC(), At: now.UTC(), Complete: !from.Before(k.from),
		Target: k.target, Outcomes: make(map[call.Outcome]int),
	}
	var answers, abandons time.Duration
	one := true // target for all
	for _, s := range k.within(from, to) {
		wait, hold := s.waitAt(now), s.holdAt(now)
		r.Offered++
		r.Wait += wait
		r.Hold += hold
		r.LongestWait = max(r.LongestWait, wait)
		one = one && s.target.Within == k.target.Within && s.target.ShortAbandon == k.target.ShortAbandon
		if s.outcome == "" {
			r.Waiting++
			if wait > s.target.Within {
				r.WaitingBeyond++
			}
			continue
		}
		r.Outcomes[s.outcome]++
		switch s.outcome {
		case call.OutcomeAnswered:
			r.Answered++
			answers += wait
			if wait <= s.target.Within {
				r.AnsweredWithin++
			}
			if wait+hold <= s.target.Within {
				r.HoldWithin++
			}
		case call.OutcomeAbandonedShort:
			r.AbandonedShort++
			abandons += wait
		case call.OutcomeAbandoned:
			r.Abandoned++
			abandons += wait
		default:
			r.Other++
		}
	}
	r.ServiceLevel = percent(r.AnsweredWithin, r.Answered+r.Abandoned)
	r.LevelWithHold = percent(r.HoldWithin, r.Answered+r.Abandoned)
	r.Formula = formula(k.target, one)
	r.ASA = mean(answers, r.Answered)
	r.AbandonWait = mean(abandons, r.Abandoned+r.AbandonedShort)
	return r
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

// formula names what ServiceLevel is. Whoever leaves otherwise (time-out,
// callback, exit key) and short abandons are in neither part.
func formula(t call.Target, one bool) string {
	if !one {
		return "answered within target / (answered + abandoned after the short-abandon limit)"
	}
	return fmt.Sprintf("answered within %v / (answered + abandoned after %v)", t.Within, t.ShortAbandon)
}

func percent(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	p := 100 * float64(part) / float64(whole)
	return &p
}

func mean(sum time.Duration, n int) *time.Duration {
	if n == 0 {
		return nil
	}
	m := sum / time.Duration(n)
	return &m
}

// Line is one queued call against its queue's target.
type Line struct {
	Entry   call.EntryID  `json:"entry"`
	Joined  time.Time     `json:"joined"`
	Outcome call.Outcome  `json:"outcome,omitempty"` // empty while it waits
	Wait    time.Duration `json:"wait_ns"`
	Hold    time.Duration `json:"hold_ns"`
	Target  call.Target   `json:"target"`
	Within  bool          `json:"within"` // wait at most the target, so far
	Both    bool          `json:"both"`   // wait and hold together too
}

// Lines returns the entries behind a queue's Report, by Joined: what any of its
// figures opens.
func (l *Ledger) Lines(queue call.QueueID, now, from, to time.Time) []Line {
	k, ok := l.queues[queue]
	if !ok {
		return nil
	}
	var lines []Line
	for _, s := range k.within(from, to) {
		wait, hold := s.waitAt(now), s.holdAt(now)
		lines = append(lines, Line{
			Entry: s.id, Joined: s.joined, Outcome: s.outcome, Wait: wait, Hold: hold, Target: s.target,
			Within: wait <= s.target.Within, Both: wait+hold <= s.target.Within,
		})
	}
	return lines
}
