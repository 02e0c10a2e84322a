package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// Reason is one line of the answer to "why did this call go as it did".
type Reason struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind" doc:"joined, widened, priority, decided, told, offered, offer-ended, left, lost, panic, ended"`
	Text string    `json:"text"`
}

// why tells the story of a call's routing from its record, in order.
func why(r *call.Record) []Reason {
	story := []Reason{}
	tell := func(at time.Time, kind, format string, args ...any) {
		story = append(story, Reason{At: at, Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	for _, e := range r.Entries {
		tell(e.Joined, "joined", "joined %s with priority %s, asking for %s; to be answered within %v",
			e.Queue, priorityText(e.Opening), askedText(e.Opening.Need, e.Opening.For), e.Target.Within)
		for _, w := range e.Steps {
			tell(w.At, "widened", "step %d of the queue: asks for %s", w.Step, askedText(w.Need, w.For))
		}
		for _, p := range e.Raised {
			tell(p.At, "priority", "%s set priority %d: %s", p.By, p.Priority, p.Reason)
		}
		for _, d := range e.Decided {
			tell(d.At, "decided", "%d could be offered it; not %s", d.Eligible, excludedText(d.Excluded))
		}
		for _, a := range e.Told {
			tell(a.At, "told", "%s", toldText(a))
		}
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
	if r.Panic != nil {
		tell(r.Panic.At, "panic", "%s ended the conversation by the panic button", r.Panic.By)
	}
	if !r.Open() {
		tell(r.Ended, "ended", "ended in stage %s as %s: %s", r.Stage, r.Outcome, r.Cause.Error())
	}
	slices.SortStableFunc(story, func(a, b Reason) int { return a.At.Compare(b.At) })
	return story
}

func excludedText(excluded []call.Exclusion) string {
	if len(excluded) == 0 {
		return "anybody else"
	}
	parts := make([]string, len(excluded))
	for i, x := range excluded {
		parts[i] = fmt.Sprintf("%d %s", x.Agents, x.Reason)
		if x.Time > 0 {
			parts[i] += fmt.Sprintf(" (%v of agents' time until then)", x.Time.Round(time.Second))
		}
	}
	return strings.Join(parts, ", ")
}

func toldText(a call.Told) string {
	var parts []string
	if a.Position > 0 {
		parts = append(parts, fmt.Sprintf("place %d", a.Position))
	}
	if a.High > 0 {
		parts = append(parts, fmt.Sprintf("%v to %v to wait", a.Low, a.High))
	}
	if a.Why != "" {
		parts = append(parts, "more than before: "+a.Why)
	}
	if len(parts) == 0 {
		return "told no figure"
	}
	return "told " + strings.Join(parts, ", ")
}

// priorityText says of what a priority is the sum: "25 (5 of queue desk, 20 of class gold)".
func priorityText(o call.Opening) string {
	if len(o.Parts) == 0 {
		return strconv.Itoa(o.Priority)
	}
	parts := make([]string, len(o.Parts))
	for i, p := range o.Parts {
		switch p.Of {
		case call.OfCall:
			parts[i] = fmt.Sprintf("%d brought with it", p.Points)
		case call.OfTicket:
			parts[i] = fmt.Sprintf("%d of its ticket", p.Points)
		case call.OfUnserved:
			parts[i] = fmt.Sprintf("%d for %d calls that nobody answered", p.Points, p.Times)
		default:
			parts[i] = fmt.Sprintf("%d of %s %s", p.Points, p.Of, p.Name)
		}
	}
	return fmt.Sprintf("%d (%s)", o.Priority, strings.Join(parts, ", "))
}

func askedText(n call.Requirement, who call.AgentID) string {
	if who == "" {
		return needText(n)
	}
	return fmt.Sprintf("%s, for now only of %s", needText(n), who)
}

func needText(n call.Requirement) string {
	if text := agents.Text(n); text != "nothing" {
		return text
	}
	return "anybody"
}
