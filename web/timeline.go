package web

import (
	"cmp"
	"slices"
	"time"

	"firstline/call"
	"firstline/tickets"
)

// TimelineSpan is a time during which something of a ticket ran: the telephone's clock
// (a wait in a queue), a talk, or one of the ticket's own clocks.
type TimelineSpan struct {
	What     string       `json:"what" enum:"wait,talk,response,update,resolution"`
	From     time.Time    `json:"from"`
	To       *time.Time   `json:"to,omitempty" doc:"absent while it lasts"`
	Call     call.ID      `json:"call,omitempty" doc:"of a wait and a talk"`
	Agent    call.AgentID `json:"agent,omitempty" doc:"of a talk"`
	TargetMs int64        `json:"target_ms,omitempty" doc:"of a wait: to be answered within"`
	Late     bool         `json:"late,omitempty" doc:"of a wait: longer than that. Whether a ticket's clock is late, its clock says"`
}

// timeline puts the telephone's clocks and the ticket's on one line, in order of time.
func timeline(t tickets.Ticket, calls []call.Record, c tickets.Contract, now time.Time) []TimelineSpan {
	all := []TimelineSpan{}
	for i := range calls {
		r := &calls[i]
		for _, e := range r.Entries {
			if e.Callback != "" {
				continue // nobody is on the line
			}
			left := e.Left
			if left.IsZero() {
				left = now
			}
			all = append(all, TimelineSpan{
				What: "wait", From: e.Joined, To: instant(e.Left), Call: r.ID, TargetMs: e.Target.Within.Milliseconds(),
				Late: e.Target.Within > 0 && left.Sub(e.Joined) > e.Target.Within,
			})
		}
		for _, k := range r.Talks {
			all = append(all, TimelineSpan{What: "talk", From: k.Began, To: instant(k.Ended), Call: r.ID, Agent: k.Agent})
		}
	}
	for _, r := range t.Runs(c, now) {
		all = append(all, TimelineSpan{What: string(r.Kind), From: r.From, To: instant(r.To)})
	}
	slices.SortStableFunc(all, func(a, b TimelineSpan) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.What, b.What))
	})
	return all
}
