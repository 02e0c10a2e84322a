package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/intake"
)

type ticketsOut struct {
	Body struct {
		Tickets []Ticket `json:"tickets"`
		Next    string   `json:"next,omitempty" doc:"cursor of the next page"`
	}
}

type ticketIn struct {
	ID call.TicketID `path:"id" maxLength:"100"`
}

// TicketStory is a ticket with its notes and calls.
type TicketStory struct {
	Ticket
	Calls []Call `json:"calls" doc:"newest first, at most 500"`
}

type ticketOut struct{ Body TicketStory }

type noteIn struct {
	ID   call.TicketID `path:"id" maxLength:"100"`
	Body struct {
		Text string  `json:"text" minLength:"1" maxLength:"20000"`
		Call call.ID `json:"call,omitempty" maxLength:"100" doc:"the call that the note is about"`
	}
}

type noteOut struct{ Body Note }

func (s *Server) ticketRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/tickets", "list-tickets", "Tickets, newest first", Agent), s.listTickets)
	register(s, api, operation(http.MethodGet, "/tickets/{id}", "read-ticket", "One ticket with notes and calls", Agent, 404), s.readTicket)
	op := operation(http.MethodPost, "/tickets/{id}/notes", "add-note", "Add a note", Agent, 404, 409, 503)
	op.DefaultStatus = http.StatusCreated
	register(s, api, op, s.addNote)
	out := operation(http.MethodPost, "/tickets/{id}/call", "call-customer",
		"Have an agent call the customer: the agent's phone rings first, then the customer's, who sees the line that they had called", Agent, 404, 409, 422, 429)
	out.DefaultStatus = http.StatusAccepted
	register(s, api, out, s.callCustomer)
}

type callCustomerIn struct {
	ID   call.TicketID `path:"id" maxLength:"100"`
	Body struct {
		Agent  call.AgentID `json:"agent" minLength:"1" maxLength:"100"`
		Number string       `json:"number,omitempty" maxLength:"16" pattern:"^(\\+?[0-9]{2,15})?$" doc:"the ticket's caller, unless another is given"`
		Line   string       `json:"line,omitempty" maxLength:"16" doc:"our number that the customer sees: the one that they called last, unless another is given"`
	}
}

type callCustomerOut struct {
	Body struct {
		Call call.ID `json:"call"`
	}
}

// callCustomer answers when the agent's phone is about to ring.
func (s *Server) callCustomer(ctx context.Context, in *callCustomerIn) (*callCustomerOut, error) {
	t, err := s.cfg.Tickets.Ticket(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	o := intake.CallOut{
		Agent: in.Body.Agent, Ticket: t.ID, Customer: call.Party(t.Caller), Line: in.Body.Line, By: s.by(ctx), Test: t.Test,
	}
	if in.Body.Number != "" && in.Body.Number != t.Caller.Number {
		o.Customer = call.Party{Number: in.Body.Number}
	}
	if o.Line == "" {
		last, err := s.cfg.Calls.Calls(ctx, CallFilter{Ticket: t.ID, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(last) > 0 {
			o.Line = last[0].To.Number
		}
	}
	out := new(callCustomerOut)
	out.Body.Call, err = s.cfg.Talks.CallOut(ctx, o)
	return out, err
}

func (s *Server) listTickets(ctx context.Context, in *Paging) (*ticketsOut, error) {
	rows, err := s.cfg.Tickets.Tickets(ctx, TicketFilter{Before: call.TicketID(in.Cursor), Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	out := new(ticketsOut)
	out.Body.Tickets, out.Body.Next = page(rows, in.Limit, func(t Ticket) string { return string(t.ID) })
	if out.Body.Tickets == nil {
		out.Body.Tickets = []Ticket{}
	}
	return out, nil
}

func (s *Server) readTicket(ctx context.Context, in *ticketIn) (*ticketOut, error) {
	t, err := s.cfg.Tickets.Ticket(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	rows, err := s.cfg.Calls.Calls(ctx, CallFilter{Ticket: in.ID, Limit: maxPage})
	if err != nil {
		return nil, err
	}
	return &ticketOut{Body: TicketStory{Ticket: t, Calls: callViews(rows)}}, nil
}

func (s *Server) addNote(ctx context.Context, in *noteIn) (*noteOut, error) {
	text := strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(in.Body.Text, "\x00", ""), "\uFFFD"))
	if text == "" {
		return nil, huma.Error422UnprocessableEntity("the note is empty", &huma.ErrorDetail{Location: "body.text"})
	}
	n, err := s.cfg.Tickets.AddNote(ctx, in.ID, Note{Author: s.by(ctx), Text: text, Call: in.Body.Call})
	if err != nil {
		return nil, err
	}
	return &noteOut{Body: n}, nil
}
