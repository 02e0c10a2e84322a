package call

// The ticket stream of a ticket that goes up through the levels of support.

type (
	// HandOver is what the next level has to know.
	HandOver struct {
		Tried    string   `json:"tried"`
		Findings string   `json:"findings"`
		Articles []string `json:"articles,omitempty"` // that were used, by id
	}
	// TicketEscalated offers it to a group, which accepts or returns it.
	TicketEscalated struct {
		Group string   `json:"group"`
		Level int      `json:"level"` // of support, 2 to 4
		Form  HandOver `json:"form"`
		By    string   `json:"by"`
	}
	// TicketAccepted says that somebody of the group has it: the handler from now on.
	TicketAccepted struct {
		Group string  `json:"group"`
		Agent AgentID `json:"agent"`
		By    string  `json:"by"`
	}
	// TicketReturned gives it back to where it came from.
	TicketReturned struct {
		Group string `json:"group"`
		By    string `json:"by"`
		Why   string `json:"why"`
	}
	// TicketRaised says who has to be told of a ticket that takes long, once for each
	// share of a clock's target. The readers that send notices act on it.
	TicketRaised struct {
		Clock   string   `json:"clock"`
		Turn    int      `json:"turn,omitempty"`
		Percent int      `json:"percent"`
		Who     []string `json:"who"`
	}
)

func (TicketEscalated) Type() string { return "ticket.escalated" }
func (TicketAccepted) Type() string  { return "ticket.accepted" }
func (TicketReturned) Type() string  { return "ticket.returned" }
func (TicketRaised) Type() string    { return "ticket.raised" }

func escalationDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case TicketEscalated{}.Type():
		return decodeAs[TicketEscalated], true
	case TicketAccepted{}.Type():
		return decodeAs[TicketAccepted], true
	case TicketReturned{}.Type():
		return decodeAs[TicketReturned], true
	case TicketRaised{}.Type():
		return decodeAs[TicketRaised], true
	}
	return articleDecoder(name)
}
