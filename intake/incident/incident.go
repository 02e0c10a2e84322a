// Package incident keeps the problems that are known: a supervisor declares one on a
// service, its callers are told before they wait and may say that they are affected,
// until it is over. It is a fold over one stream of the journal, and its one writer.
package incident

import (
	"fmt"
	"slices"
	"time"

	"firstline/call"
)

// Incident is one known problem.
type Incident struct {
	ID call.IncidentID
	call.IncidentDeclared
	At       time.Time
	Affected []Affected // in the order in which they said so; one for a call
	Ended    time.Time  // zero while it lasts
	EndedBy  string
	Note     string
}

// Affected is a caller who wants to be told when it is over.
type Affected struct {
	At     time.Time
	Call   call.ID
	Ticket call.TicketID
	Number string // empty when withheld
}

// Open reports whether it lasts.
func (i *Incident) Open() bool { return i.Ended.IsZero() }

// tickets is those of the affected, each once.
func (i *Incident) tickets() []call.TicketID {
	var out []call.TicketID
	for _, a := range i.Affected {
		if a.Ticket != "" && !slices.Contains(out, a.Ticket) {
			out = append(out, a.Ticket)
		}
	}
	return out
}

// toTell is the affected, of whom nobody is told twice: who called again from the same
// number, or for the same ticket.
func (i *Incident) toTell() []call.ToTell {
	var out []call.ToTell
	for _, a := range i.Affected {
		told := slices.ContainsFunc(out, func(t call.ToTell) bool {
			return a.Number != "" && t.Number == a.Number || a.Ticket != "" && t.Ticket == a.Ticket
		})
		if !told {
			out = append(out, call.ToTell{Call: a.Call, Ticket: a.Ticket, Number: a.Number})
		}
	}
	return out
}

// meets reports whether callers of a queue for a client are meant.
func (i *Incident) meets(q call.QueueID, client string) bool {
	return i.Open() && i.Queue == q && (len(i.Clients) == 0 || slices.Contains(i.Clients, client))
}

// book is every incident by id, folded from the stream.
type book map[call.IncidentID]*Incident

// apply folds the next event in. One that does not fit is an error and changes nothing.
func (b book) apply(e call.Event) error {
	if d, ok := e.Body.(call.IncidentDeclared); ok {
		if b[d.Incident] != nil {
			return fmt.Errorf("incident: %s declared twice", d.Incident)
		}
		b[d.Incident] = &Incident{ID: d.Incident, IncidentDeclared: d, At: e.At}
		return nil
	}
	switch x := e.Body.(type) {
	case call.IncidentTold:
		i, err := b.open(x.Incident)
		if err != nil {
			return err
		}
		i.Prompt, i.Message = x.Prompt, x.Message
	case call.IncidentAffected:
		i, err := b.open(x.Incident)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(i.Affected, func(a Affected) bool { return a.Call == x.Call }) {
			i.Affected = append(i.Affected, Affected{At: e.At, Call: x.Call, Ticket: x.Ticket, Number: x.Number})
		}
	case call.IncidentEnded:
		i, err := b.open(x.Incident)
		if err != nil {
			return err
		}
		i.Ended, i.EndedBy, i.Note = e.At, x.By, x.Note
	}
	return nil
}

func (b book) open(id call.IncidentID) (*Incident, error) {
	i := b[id]
	if i == nil || !i.Open() {
		return nil, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	return i, nil
}
