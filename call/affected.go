package call

// TicketAffected says in an affected caller's ticket which known incident it belongs to,
// by that one's ticket: as the caller says so, and again when the incident is over.
type TicketAffected struct {
	Incident IncidentID `json:"incident"`
	Of       TicketID   `json:"of"` // the incident's own
	Over     bool       `json:"over,omitempty"`
	By       string     `json:"by"`
}

// Type is the event's name.
func (TicketAffected) Type() string { return "ticket.affected" }

// ToTell is a caller who wants to know that an incident is over: one for a number, and
// one for a ticket where the number was withheld.
type ToTell struct {
	Call   ID       `json:"call"`
	Ticket TicketID `json:"ticket"`
	Number string   `json:"number,omitempty"`
}
