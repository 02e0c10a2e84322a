package web

import (
	"fmt"
	"time"

	"firstline/call"
)

// Reason is one line of the answer to "why did this call go as it did".
type Reason struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind" doc:"joined, offered, offer-ended, left, lost, ended"`
	Text string    `json:"text"`
}

// why tells the story of a call's routing from its record, in order.
func why(r *call.Record) []Reason {
	story := []Reason{}
	tell := func(at time.Time, kind, format string, args ...any) {
		story = append(story, Reason{At: at, Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	for _, e := range r.Entries {
		tell(e.Joined, "joined", "joined %s with priority %d, asking for %s; to be answered within %v",
			e.Queue, e.Priority, needText(e.Need), e.Target.Within)
		for _, o := range e.Offers {
			because := "no reason was recorded"
			if o.Why != "" {
				because = o.Why
			}
			tell(o.At, "offered", "offered to %s: %s", o.Agent, because)
			if !o.Ended.IsZero() {
				tell(o.Ended, "offer-ended", "%s: %s after %v", o.Agent, o.Result, o.Ended.Sub(o.At).Round(100*time.Millisecond))
			}
		}
		if !e.Left.IsZero() {
			tell(e.Left, "left", "left %s after %v: %s", e.Queue, e.Left.Sub(e.Joined).Round(100*time.Millisecond), e.Outcome)
		}
	}
	if r.Lost != nil {
		tell(r.Lost.At, "lost", "to be called back: %s", r.Lost.Reason)
	}
	if !r.Open() {
		tell(r.Ended, "ended", "ended in stage %s as %s: %s", r.Stage, r.Outcome, r.Cause.Error())
	}
	return story
}

func needText(n call.Requirement) string {
	s := "anybody"
	if n.Level > 0 {
		s = fmt.Sprintf("level %d", n.Level)
	}
	if len(n.Skills) > 0 {
		s += " with " + skillsText(n.Skills)
	}
	return s
}
