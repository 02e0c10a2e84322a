package call

import "time"

type (
	// TicketExcluded leaves a ticket, or a span of its time, out of what is reported of
	// promises. Its clocks go on as before.
	TicketExcluded struct {
		From time.Time `json:"from,omitzero"` // of the span; zero: the whole ticket
		To   time.Time `json:"to,omitzero"`
		Why  string    `json:"why"`
		By   string    `json:"by"` // who approved it
	}
	// MonthSealed says that a client's month was reported, or reported anew.
	MonthSealed struct {
		Client  string `json:"client"`
		Month   string `json:"month"` // 2026-10
		Version int    `json:"version"`
		Hash    string `json:"hash"` // of the report
		By      string `json:"by"`
	}
)

func (TicketExcluded) Type() string { return "ticket.excluded" }
func (MonthSealed) Type() string    { return "month.sealed" }

func exclusionDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case TicketExcluded{}.Type():
		return decodeAs[TicketExcluded], true
	case MonthSealed{}.Type():
		return decodeAs[MonthSealed], true
	}
	return nil, false
}
