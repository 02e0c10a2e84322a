package web

import (
	"time"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/clock"
)

// Ticket is one problem. A list leaves out notes, history and clocks.
type Ticket struct {
	ID      call.TicketID  `json:"id"`
	Subject string         `json:"subject"`
	State   tickets.State  `json:"state" enum:"new,open,waiting-customer,waiting-third-party,resolved,closed,merged"`
	Caller  Party          `json:"caller"`
	Client  string         `json:"client,omitempty" doc:"whose line it came in on"`
	Class   Classification `json:"class"`
	Handler call.AgentID   `json:"handler,omitempty"`
	Opened  time.Time      `json:"opened"`
	Changed time.Time      `json:"changed"`
	Ended   *time.Time     `json:"ended,omitempty" doc:"when it was resolved, while it is"`
	Version int64          `json:"version" doc:"an edit says on which it was made, in If-Match"`
	Test    bool           `json:"test,omitempty"`
	Due     *TicketDue     `json:"due,omitempty" doc:"the promise that is missed next, or was missed first; absent while none runs"`
	Notes   []Note         `json:"notes,omitempty" doc:"oldest first, with those of tickets that go on in this one"`
	Joined
}

// Classification is what the problem is.
type Classification struct {
	Kind        string `json:"kind,omitempty" enum:"security-breach,technical-failure,software,not-technical"`
	Service     string `json:"service,omitempty" maxLength:"64" doc:"one of the centre's services"`
	Category    string `json:"category,omitempty" maxLength:"64" doc:"one of the centre's categories"`
	Affected    int    `json:"affected,omitempty" minimum:"0" doc:"users who have the problem"`
	Users       int    `json:"users,omitempty" minimum:"0" doc:"users whom the customer has; with affected it gives the severity"`
	Consequence string `json:"consequence,omitempty" enum:"operational,financial,reputational"`
	Severity    string `json:"severity,omitempty" enum:"low,medium,high,critical" doc:"follows from affected and users where both are said, and from a security breach"`
	Urgency     string `json:"urgency,omitempty" enum:"low,medium,high"`
	Priority    int    `json:"priority,omitempty" minimum:"0" maximum:"5" doc:"1 is the first; follows from severity and urgency unless override says why not"`
	Override    string `json:"override,omitempty" maxLength:"1000" doc:"why the priority is not the matrix's"`
	Rules       string `json:"rules,omitempty" readOnly:"true" doc:"hash of the bands and the matrix by which it was made"`
}

// TicketChange is one thing that was changed on a ticket.
type TicketChange struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what" doc:"state, handler, taken, told, or a field of the classification"`
	From string    `json:"from,omitempty"`
	To   string    `json:"to,omitempty"`
	Why  string    `json:"why,omitempty"`
}

// Clock is how long a ticket has taken against a promise, computed when it is read.
type Clock struct {
	Kind     clock.Kind  `json:"kind" enum:"response,update,resolution"`
	State    clock.State `json:"state" enum:"running,paused,stopped"`
	Promised bool        `json:"promised" doc:"the contract has a target for it"`
	WithinMs int64       `json:"within_ms,omitempty" doc:"the target, in the contract's hours"`
	SpentMs  int64       `json:"spent_ms" doc:"in the contract's hours, without the time that the ticket waited"`
	Began    time.Time   `json:"began"`
	Ended    *time.Time  `json:"ended,omitempty"`
	Due      *time.Time  `json:"due,omitempty" doc:"when the target is used up, or was; absent while the clock pauses"`
	Late     bool        `json:"late"`
	Missed   int         `json:"missed,omitempty" doc:"earlier updates that came late"`
}

func ticketView(t tickets.Ticket) Ticket {
	v := Ticket{
		ID: t.ID, Subject: t.Subject, State: t.State, Caller: Party(t.Caller), Client: t.Client, Class: Classification(t.Class),
		Handler: t.Handler, Opened: t.Opened, Changed: t.Changed, Ended: instant(t.Ended), Version: t.Version, Test: t.Test,
		Joined: joinedView(t),
	}
	for _, n := range t.Notes {
		v.Notes = append(v.Notes, Note(n))
	}
	return v
}

func clockViews(readings []clock.Reading) []Clock {
	all := make([]Clock, 0, len(readings))
	for _, r := range readings {
		all = append(all, Clock{
			Kind: r.Kind, State: r.State, Promised: r.Promised, WithinMs: r.Within.Milliseconds(), SpentMs: r.Spent.Milliseconds(),
			Began: r.Began, Ended: instant(r.Ended), Due: instant(r.Due), Late: r.Late, Missed: r.Missed,
		})
	}
	return all
}
