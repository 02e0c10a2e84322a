package call

import "time"

// One ticket per problem: who calls, and which tickets are one. In the ticket stream,
// but for Filed.

type (
	// TicketIdentified says who calls, and how sure that is, in package ivr's words.
	// Only "verified", and what an agent says of it, joins a call to a ticket.
	TicketIdentified struct {
		Call     ID         `json:"call,omitempty"`
		Customer CustomerID `json:"customer,omitempty"` // empty: one of several, or none of ours
		Level    string     `json:"level"`
		Evidence string     `json:"evidence,omitempty"`
		By       string     `json:"by"`
	}
	// TicketProposed says that another ticket may be of the same problem. A person
	// decides.
	TicketProposed struct {
		Other TicketID `json:"other"`
		Why   string   `json:"why"`
		By    string   `json:"by"`
	}
	// TicketProposalDeclined says that it is not.
	TicketProposalDeclined struct {
		Other TicketID `json:"other"`
		By    string   `json:"by"`
	}
	// TicketMerged ends a ticket: it goes on in another. Its number stays good.
	TicketMerged struct {
		Into TicketID `json:"into"`
		By   string   `json:"by"`
		Why  string   `json:"why,omitempty"`
	}
	// TicketAbsorbed is the other side of TicketMerged, with all that counts from here on.
	TicketAbsorbed struct {
		From      TicketID   `json:"from"`
		Before    []TicketID `json:"before,omitempty"` // that From had absorbed itself
		Calls     []ID       `json:"calls,omitempty"`
		First     time.Time  `json:"first"`              // when From's first call arrived
		Responded time.Time  `json:"responded,omitzero"` // when somebody talked to the customer about it first
		Handler   AgentID    `json:"handler,omitempty"`
		By        string     `json:"by"`
		Why       string     `json:"why,omitempty"`
	}
	// TicketSplit follows the opening of a ticket that was made of calls of another.
	TicketSplit struct {
		From      TicketID  `json:"from"`
		Calls     []ID      `json:"calls"`
		First     time.Time `json:"first"` // arrival of the first of them
		Responded time.Time `json:"responded,omitzero"`
		By        string    `json:"by"`
		Why       string    `json:"why"`
	}
	// TicketParted is the other side of TicketSplit.
	TicketParted struct {
		Into  TicketID `json:"into"`
		Calls []ID     `json:"calls"`
		By    string   `json:"by"`
		Why   string   `json:"why"`
	}
	// TicketEnriched says what another system knows of the caller.
	TicketEnriched struct {
		Lookup string            `json:"lookup"`
		Call   ID                `json:"call,omitempty"`
		Facts  map[string]string `json:"facts,omitempty"`
		Failed string            `json:"failed,omitempty"`
	}
	// Filed puts a call on another ticket, in the call's stream.
	Filed struct {
		Ticket TicketID `json:"ticket"`
		From   TicketID `json:"from"`
		By     string   `json:"by"`
		Why    string   `json:"why,omitempty"`
	}
)

func (TicketIdentified) Type() string       { return "ticket.identified" }
func (TicketProposed) Type() string         { return "ticket.proposed" }
func (TicketProposalDeclined) Type() string { return "ticket.proposal-declined" }
func (TicketMerged) Type() string           { return "ticket.merged" }
func (TicketAbsorbed) Type() string         { return "ticket.absorbed" }
func (TicketSplit) Type() string            { return "ticket.split" }
func (TicketParted) Type() string           { return "ticket.parted" }
func (TicketEnriched) Type() string         { return "ticket.enriched" }
func (Filed) Type() string                  { return "call.filed" }

func joiningDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case TicketIdentified{}.Type():
		return decodeAs[TicketIdentified], true
	case TicketProposed{}.Type():
		return decodeAs[TicketProposed], true
	case TicketProposalDeclined{}.Type():
		return decodeAs[TicketProposalDeclined], true
	case TicketMerged{}.Type():
		return decodeAs[TicketMerged], true
	case TicketAbsorbed{}.Type():
		return decodeAs[TicketAbsorbed], true
	case TicketSplit{}.Type():
		return decodeAs[TicketSplit], true
	case TicketParted{}.Type():
		return decodeAs[TicketParted], true
	case TicketEnriched{}.Type():
		return decodeAs[TicketEnriched], true
	case Filed{}.Type():
		return decodeAs[Filed], true
	}
	return customerDecoder(name)
}
