package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/intake"
	"firstline/tickets"
)

type ticketIn struct {
	ID call.TicketID `path:"id" maxLength:"100"`
}

// TicketStory is a ticket with all that is known of it.
type TicketStory struct {
	Ticket
	Next     []tickets.State `json:"next" enum:"new,open,waiting-customer,waiting-third-party,resolved,closed" doc:"states that may follow"`
	Clocks   []Clock         `json:"clocks" doc:"against what the client was promised; none for what is not technical"`
	History  []TicketChange  `json:"history" doc:"oldest first"`
	Calls    []Call          `json:"calls" doc:"newest first, at most 500"`
	Articles []string        `json:"articles" doc:"that were used, by id"`
	Support  SupportView     `json:"support"`
	Pages    []Page          `json:"pages" doc:"searches for somebody who takes it at once, oldest first"`

	Timeline []TimelineSpan `json:"timeline" doc:"when the telephone's clocks and the ticket's ran, on one line"`
}

type ticketOut struct {
	ETag string `header:"ETag" doc:"the version, for If-Match"`
	Body TicketStory
}

type changeTicketIn struct {
	ReadTicket
	Body struct {
		State   *tickets.State  `json:"state,omitempty" enum:"new,open,waiting-customer,waiting-third-party,resolved,closed"`
		Class   *Classification `json:"class,omitempty" doc:"the whole classification: a field that is left out is empty afterwards"`
		Handler *call.AgentID   `json:"handler,omitempty" maxLength:"100" doc:"an agent; empty for nobody"`
		Told    string          `json:"told,omitempty" maxLength:"40" doc:"how the customer was told how it stands: phone, mail, …"`
		Why     string          `json:"why,omitempty" maxLength:"1000" doc:"needed to open a ticket again"`
	}
}

// TicketTerms are the words of a classification.
type TicketTerms struct {
	Kinds        []string          `json:"kinds"`
	Severities   []string          `json:"severities" doc:"the least first"`
	Urgencies    []string          `json:"urgencies" doc:"the least first"`
	Consequences []string          `json:"consequences"`
	Services     map[string]string `json:"services" doc:"id to name; none: any word is taken"`
	Categories   map[string]string `json:"categories" doc:"the same"`
	Bands        [3]int            `json:"bands" doc:"percent of users from which a problem is medium, high and critical"`
}

type ticketTermsOut struct{ Body TicketTerms }

type noteIn struct {
	ID   call.TicketID `path:"id" maxLength:"100"`
	Body struct {
		Text string  `json:"text" minLength:"1" maxLength:"20000"`
		Call call.ID `json:"call,omitempty" maxLength:"100" doc:"the call that the note is about"`
	}
}

type noteOut struct{ Body Note }

func (s *Server) ticketRoutes(api huma.API) {
	s.searchRoutes(api)
	register(s, api, operation(http.MethodGet, "/tickets/{id}", "read-ticket", "One ticket with notes, clocks, history and calls", Agent, 404), s.readTicket)
	register(s, api, operation(http.MethodPatch, "/tickets/{id}", "change-ticket",
		"Change state, classification or handler, or note that the customer was told; 412 when somebody else was faster, and nothing is lost",
		Agent, 404, 412, 422, 428, 503), s.changeTicket)
	register(s, api, operation(http.MethodGet, "/ticket-terms", "read-ticket-terms", "The words of a classification", Agent), s.readTicketTerms)
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
		Agent: in.Body.Agent, Ticket: t.ID, Customer: t.Caller, Line: in.Body.Line, By: s.by(ctx), Test: t.Test,
	}
	if in.Body.Number != "" && in.Body.Number != t.Caller.Number {
		o.Customer = call.Party{Number: in.Body.Number}
	}
	if o.Line == "" {
		if o.Line, err = s.lineOf(ctx, t.ID); err != nil {
			return nil, err
		}
	}
	out := new(callCustomerOut)
	out.Body.Call, err = s.cfg.Talks.CallOut(ctx, o)
	return out, err
}

// lineOf is the number that the customer of a ticket called last; empty when they never
// called. What agents dialled is no line of ours.
func (s *Server) lineOf(ctx context.Context, id call.TicketID) (string, error) {
	rows, err := s.cfg.Calls.Calls(ctx, CallFilter{Ticket: id, Limit: maxPage})
	if err != nil {
		return "", err
	}
	for _, r := range rows {
		if !r.Out && r.Consult == "" {
			return r.To.Number, nil
		}
	}
	return "", nil
}

// ticketRow is a ticket with what is due next.
func (s *Server) ticketRow(t tickets.Ticket, now time.Time) Ticket {
	v := ticketView(t)
	v.Due = ticketDue(t, s.cfg.Tickets.Contract(t.Client), now)
	return v
}

func (s *Server) readTicket(ctx context.Context, in *ticketIn) (*ticketOut, error) {
	t, err := s.cfg.Tickets.Ticket(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.ticketStory(ctx, t)
}

func (s *Server) ticketStory(ctx context.Context, t tickets.Ticket) (*ticketOut, error) {
	t, err := s.withNotesOf(ctx, t)
	if err != nil {
		return nil, err
	}
	rows, err := s.cfg.Calls.Calls(ctx, CallFilter{Ticket: t.ID, Limit: maxPage})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	out := &ticketOut{ETag: etag(t.Version), Body: TicketStory{
		Ticket: s.ticketRow(t, now), Next: t.State.Next(), Clocks: clockViews(t.Clocks(s.cfg.Tickets.Contract(t.Client), now)),
		History: make([]TicketChange, 0, len(t.History)), Calls: callViews(rows), Pages: pageViews(t.Pages), Articles: append([]string{}, t.Articles...), Support: s.supportView(t, now),
		Timeline: timeline(t, rows, s.cfg.Tickets.Contract(t.Client), now),
	}}
	for _, c := range t.History {
		out.Body.History = append(out.Body.History, TicketChange(c))
	}
	return out, nil
}

func (s *Server) changeTicket(ctx context.Context, in *changeTicketIn) (*ticketOut, error) {
	version, err := versionIn(in.IfMatch)
	if err != nil {
		return nil, err
	}
	t, err := s.cfg.Tickets.ChangeTicket(ctx, in.ID, tickets.Edit{
		By: s.by(ctx), Why: plain(in.Body.Why), Version: version, State: in.Body.State, Class: (*call.Classification)(in.Body.Class),
		Handler: in.Body.Handler, Told: plain(in.Body.Told),
	})
	if err != nil {
		return nil, err
	}
	return s.ticketStory(ctx, t)
}

func (s *Server) readTicketTerms(context.Context, *struct{}) (*ticketTermsOut, error) {
	r := s.cfg.Tickets.Rules()
	return &ticketTermsOut{TicketTerms{
		Kinds: tickets.Kinds(), Severities: tickets.Severities(), Urgencies: tickets.Urgencies(), Consequences: tickets.Consequences(),
		Services: r.Services, Categories: r.Categories, Bands: r.Bands,
	}}, nil
}

// plain is text as a person may have written it: valid, and without NUL, which
// PostgreSQL does not keep.
func plain(text string) string {
	return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD"))
}

func (s *Server) addNote(ctx context.Context, in *noteIn) (*noteOut, error) {
	text := plain(in.Body.Text)
	if text == "" {
		return nil, huma.Error422UnprocessableEntity("the note is empty", &huma.ErrorDetail{Location: "body.text"})
	}
	n, err := s.cfg.Tickets.AddNote(ctx, in.ID, Note{Author: s.by(ctx), Text: text, Call: in.Body.Call})
	if err != nil {
		return nil, err
	}
	return &noteOut{Body: n}, nil
}
