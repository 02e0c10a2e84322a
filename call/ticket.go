package call

import "time"

// Classification is what a ticket's problem is, as the desk sees it. The words are
// package tickets'; an empty field is not said yet.
type Classification struct {
	Kind        string `json:"kind,omitempty"`        // security-breach, technical-failure, software, not-technical
	Service     string `json:"service,omitempty"`     // id in tickets.yaml
	Category    string `json:"category,omitempty"`    // id in tickets.yaml
	Affected    int    `json:"affected,omitempty"`    // users who have the problem
	Users       int    `json:"users,omitempty"`       // whom the customer has, for the share
	Consequence string `json:"consequence,omitempty"` // financial, reputational, operational
	Severity    string `json:"severity,omitempty"`    // low, medium, high, critical
	Urgency     string `json:"urgency,omitempty"`     // low, medium, high
	Priority    int    `json:"priority,omitempty"`    // 1, the highest, to 5; 0 is not said yet
	Override    string `json:"override,omitempty"`    // why the priority is not the matrix's
	Rules       string `json:"rules,omitempty"`       // hash of the bands and the matrix that it was made by
}

// The ticket stream beside events.go: what becomes of a ticket. By is who did it, in
// the form that the API keeps ("agent:2001", "system").

type (
	// TicketTaken says that a person talks to the customer about it.
	TicketTaken struct {
		Call  ID      `json:"call"`
		Agent AgentID `json:"agent"`
		Level int     `json:"level,omitempty"` // of the agent
	}
	// TicketMoved is a step in its life, from one of tickets' states to another.
	TicketMoved struct {
		From string `json:"from"`
		To   string `json:"to"`
		By   string `json:"by"`
		Why  string `json:"why,omitempty"`
	}
	// TicketClassified replaces the classification.
	TicketClassified struct {
		Class Classification `json:"class"`
		By    string         `json:"by"`
		Why   string         `json:"why,omitempty"`
	}
	// TicketAssigned gives it to another handler; an empty one to nobody.
	TicketAssigned struct {
		Handler AgentID `json:"handler,omitempty"`
		By      string  `json:"by"`
		Why     string  `json:"why,omitempty"`
	}
	// TicketTold says that the customer was told how it stands.
	TicketTold struct {
		By  string `json:"by"`
		How string `json:"how,omitempty"` // phone, mail, …
	}
	// TicketWarned says that a clock has used up a share of its target: more than all
	// of it when Percent is 100. Each is said once for a target.
	TicketWarned struct {
		Clock   string    `json:"clock"`
		Turn    int       `json:"turn,omitempty"` // of a clock that starts anew
		Grade   string    `json:"grade,omitempty"`
		Percent int       `json:"percent"`
		Due     time.Time `json:"due,omitzero"` // when it had; the event's own instant is when it was noticed
	}
)

func (TicketTaken) Type() string      { return "ticket.taken" }
func (TicketMoved) Type() string      { return "ticket.moved" }
func (TicketClassified) Type() string { return "ticket.classified" }
func (TicketAssigned) Type() string   { return "ticket.assigned" }
func (TicketTold) Type() string       { return "ticket.told" }
func (TicketWarned) Type() string     { return "ticket.warned" }

func ticketDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case TicketTaken{}.Type():
		return decodeAs[TicketTaken], true
	case TicketMoved{}.Type():
		return decodeAs[TicketMoved], true
	case TicketClassified{}.Type():
		return decodeAs[TicketClassified], true
	case TicketAssigned{}.Type():
		return decodeAs[TicketAssigned], true
	case TicketTold{}.Type():
		return decodeAs[TicketTold], true
	case TicketWarned{}.Type():
		return decodeAs[TicketWarned], true
	}
	return exclusionDecoder(name)
}
