package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/tickets"
)

// Joining decides which tickets are one: tickets.Desk, whose errors count.
type Joining interface {
	MergeTickets(ctx context.Context, id, into call.TicketID, d tickets.Decision) (tickets.Ticket, error)
	SplitTicket(ctx context.Context, id call.TicketID, calls []call.ID, d tickets.Decision) (tickets.Ticket, error)
	DeclineTicket(ctx context.Context, id, other call.TicketID, d tickets.Decision) (tickets.Ticket, error)
	IdentifyCaller(ctx context.Context, id call.TicketID, c call.CustomerID, d tickets.Decision) (tickets.Ticket, error)
}

// TicketCaller is who calls about a ticket, and how sure that is.
type TicketCaller struct {
	Customer call.CustomerID `json:"customer,omitempty"`
	Level    string          `json:"level" doc:"unknown, maybe (several have the number), known (one has), said, verified (by account and PIN), agent (somebody of ours says so)"`
	Evidence string          `json:"evidence,omitempty"`
	By       string          `json:"by"`
	At       time.Time       `json:"at"`
}

// TicketProposal is another ticket that may be of the same problem.
type TicketProposal struct {
	Other call.TicketID `json:"other"`
	Why   string        `json:"why"`
	By    string        `json:"by"`
	At    time.Time     `json:"at"`
}

// Joined is what a ticket is one with, or may be.
type Joined struct {
	Identity *TicketCaller    `json:"identity,omitempty" doc:"who calls; absent while nobody can say"`
	Proposed []TicketProposal `json:"proposed,omitempty" doc:"tickets that may be of the same problem: an agent decides"`
	Absorbed []call.TicketID  `json:"absorbed,omitempty" doc:"tickets that go on in this one"`
	Into     call.TicketID    `json:"into,omitempty" doc:"in which a merged ticket goes on"`
}

func joinedView(t tickets.Ticket) Joined {
	v := Joined{Absorbed: t.Absorbed, Into: t.Into}
	if t.Identity.Level != "" {
		v.Identity = new(TicketCaller(t.Identity))
	}
	for _, p := range t.Proposed {
		v.Proposed = append(v.Proposed, TicketProposal(p))
	}
	return v
}

type mergeIn struct {
	ReadTicket
	Body struct {
		Into call.TicketID `json:"into" minLength:"1" maxLength:"100" doc:"the ticket in which this one goes on"`
		Why  string        `json:"why,omitempty" maxLength:"1000"`
	}
}

type splitIn struct {
	ReadTicket
	Body struct {
		Calls []call.ID `json:"calls" minItems:"1" maxItems:"500" doc:"that are about something else; some have to stay"`
		Why   string    `json:"why" minLength:"1" maxLength:"1000"`
	}
}

type declineIn struct {
	ReadTicket
	Body struct {
		Other call.TicketID `json:"other" minLength:"1" maxLength:"100" doc:"the proposed ticket that is of another problem"`
	}
}

type identifyIn struct {
	ReadTicket
	Body struct {
		Customer call.CustomerID `json:"customer" minLength:"1" maxLength:"64"`
		Why      string          `json:"why,omitempty" maxLength:"1000" doc:"by what it is known"`
	}
}

func (s *Server) joiningRoutes(api huma.API) {
	errs := []int{404, 412, 422, 428, 503}
	register(s, api, operation(http.MethodPost, "/tickets/{id}/merge", "merge-ticket",
		"Have a ticket go on in another, which is answered: its clocks run from the first call of both, and the number stays good", Agent, errs...), s.mergeTicket)
	register(s, api, operation(http.MethodPost, "/tickets/{id}/split", "split-ticket",
		"Make a ticket of its own of some of the calls, which is answered", Agent, errs...), s.splitTicket)
	register(s, api, operation(http.MethodPost, "/tickets/{id}/decline", "decline-ticket", "Say that a proposed ticket is of another problem", Agent, errs...), s.declineTicket)
	register(s, api, operation(http.MethodPost, "/tickets/{id}/customer", "identify-customer", "Say who the customer is", Agent, errs...), s.identifyCustomer)
}

// decision is what somebody decides on the version that If-Match names.
func (s *Server) decision(ctx context.Context, ifMatch, why string) (tickets.Decision, error) {
	version, err := versionIn(ifMatch)
	if err != nil {
		return tickets.Decision{}, err
	}
	return tickets.Decision{By: s.by(ctx), Why: plain(why), Version: version}, nil
}

func (s *Server) decide(ctx context.Context, ifMatch, why string, do func(tickets.Decision) (tickets.Ticket, error)) (*ticketOut, error) {
	d, err := s.decision(ctx, ifMatch, why)
	if err != nil {
		return nil, err
	}
	t, err := do(d)
	if err != nil {
		return nil, err
	}
	return s.ticketStory(ctx, t)
}

func (s *Server) mergeTicket(ctx context.Context, in *mergeIn) (*ticketOut, error) {
	return s.decide(ctx, in.IfMatch, in.Body.Why, func(d tickets.Decision) (tickets.Ticket, error) {
		return s.cfg.Tickets.MergeTickets(ctx, in.ID, in.Body.Into, d)
	})
}

func (s *Server) splitTicket(ctx context.Context, in *splitIn) (*ticketOut, error) {
	return s.decide(ctx, in.IfMatch, in.Body.Why, func(d tickets.Decision) (tickets.Ticket, error) {
		return s.cfg.Tickets.SplitTicket(ctx, in.ID, in.Body.Calls, d)
	})
}

func (s *Server) declineTicket(ctx context.Context, in *declineIn) (*ticketOut, error) {
	return s.decide(ctx, in.IfMatch, "", func(d tickets.Decision) (tickets.Ticket, error) {
		return s.cfg.Tickets.DeclineTicket(ctx, in.ID, in.Body.Other, d)
	})
}

func (s *Server) identifyCustomer(ctx context.Context, in *identifyIn) (*ticketOut, error) {
	return s.decide(ctx, in.IfMatch, in.Body.Why, func(d tickets.Decision) (tickets.Ticket, error) {
		return s.cfg.Tickets.IdentifyCaller(ctx, in.ID, in.Body.Customer, d)
	})
}

// withNotesOf adds the notes of the tickets that go on in this one, in their order of
// time. One that cannot be read just now is an error: a list that lacks some would lie.
func (s *Server) withNotesOf(ctx context.Context, t tickets.Ticket) (tickets.Ticket, error) {
	notes := slices.Clone(t.Notes)
	for _, id := range t.Absorbed {
		of, err := s.cfg.Tickets.Ticket(ctx, id)
		if err != nil {
			return t, err
		}
		notes = append(notes, of.Notes...)
	}
	slices.SortStableFunc(notes, func(a, b tickets.Note) int { return a.At.Compare(b.At) })
	t.Notes = notes
	return t, nil
}
