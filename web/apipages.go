package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/tickets"
)

// Pager has people phoned for a ticket. Unknown tickets, ladders and groups are
// ErrNotFound, what does not fit is tickets.ErrPage.
type Pager interface {
	BeginPage(ctx context.Context, id call.TicketID, ladder, by, why string) (tickets.Ticket, error)
	CancelPage(ctx context.Context, id call.TicketID, by, why string) (tickets.Ticket, error)
}

// Page is one search for somebody who takes a ticket at once.
type Page struct {
	ID     string       `json:"id"`
	Ladder string       `json:"ladder"`
	Cause  string       `json:"cause" doc:"what made the ticket urgent, or by hand"`
	Began  Act          `json:"began"`
	Open   bool         `json:"open" doc:"people are phoned"`
	Round  int          `json:"round"`
	Tries  []PageTry    `json:"tries" doc:"oldest first"`
	End    call.PageEnd `json:"end,omitempty" enum:"accepted,cancelled,exhausted"`
	Ended  *Act         `json:"ended,omitempty"`
	Person call.AgentID `json:"person,omitempty" doc:"who accepted"`
}

// PageTry is one person who was phoned.
type PageTry struct {
	At     time.Time     `json:"at"`
	Call   call.ID       `json:"call,omitempty" doc:"absent when no phone could be rung"`
	Round  int           `json:"round"`
	Person call.AgentID  `json:"person"`
	Why    string        `json:"why,omitempty" doc:"the step of the ladder"`
	How    call.PageMiss `json:"how,omitempty" enum:"declined,no-answer,no-key,busy,unreachable,interrupted" doc:"why they did not accept; absent while the phone rings, and of who accepted"`
	Ended  *time.Time    `json:"ended,omitempty"`
}

func pageViews(pages []tickets.Page) []Page {
	all := make([]Page, 0, len(pages))
	for _, p := range pages {
		v := Page{
			ID: p.ID, Ladder: p.Ladder, Cause: p.Cause, Began: Act{At: p.Began, By: p.By, Note: p.Why}, Open: p.Open(),
			Round: p.Round, Tries: make([]PageTry, 0, len(p.Tries)), End: p.End, Person: p.Person,
		}
		for _, t := range p.Tries {
			v.Tries = append(v.Tries, PageTry{At: t.At, Call: t.Call, Round: t.Round, Person: t.Person, Why: t.Why, How: t.How, Ended: instant(t.Ended)})
		}
		if !p.Open() {
			v.Ended = &Act{At: p.Ended, By: p.EndBy, Note: p.EndWhy}
		}
		all = append(all, v)
	}
	return all
}

type beginPageIn struct {
	ID   call.TicketID `path:"id" maxLength:"100"`
	Body struct {
		Ladder string `json:"ladder" minLength:"1" maxLength:"64" doc:"a ladder, or a group"`
		Why    string `json:"why,omitempty" maxLength:"1000"`
	}
}

type endPageIn struct {
	ID   call.TicketID `path:"id" maxLength:"100"`
	Body struct {
		Why string `json:"why,omitempty" maxLength:"1000"`
	}
}

func (s *Server) pageRoutes(api huma.API) {
	op := operation(http.MethodPost, "/tickets/{id}/pages", "begin-page", "Have people phoned along a ladder until somebody accepts the ticket", Agent, 404, 409, 422, 503)
	op.DefaultStatus = http.StatusAccepted
	register(s, api, op, s.beginPage)
	register(s, api, operation(http.MethodPost, "/tickets/{id}/pages/end", "end-page", "Have nobody phoned any more", Agent, 404, 409, 503), s.endPage)
}

func (s *Server) beginPage(ctx context.Context, in *beginPageIn) (*ticketOut, error) {
	t, err := s.cfg.Pager.BeginPage(ctx, in.ID, in.Body.Ladder, s.by(ctx), plain(in.Body.Why))
	if err != nil {
		return nil, err
	}
	return s.ticketStory(ctx, t)
}

func (s *Server) endPage(ctx context.Context, in *endPageIn) (*ticketOut, error) {
	t, err := s.cfg.Pager.CancelPage(ctx, in.ID, s.by(ctx), plain(in.Body.Why))
	if err != nil {
		return nil, err
	}
	return s.ticketStory(ctx, t)
}
