package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/tickets"
)

type ticketsOut struct {
	Body struct {
		Tickets []Ticket `json:"tickets"`
		Next    string   `json:"next,omitempty" doc:"cursor of the next page"`
	}
}

// TicketSearch is what a list of tickets is narrowed by. Exported, because huma fills in
// embedded fields only then.
type TicketSearch struct {
	Text     string        `query:"q" maxLength:"200" example:"router +4930123456" doc:"words, in any order: all of them are in the ticket's number, subject, notes, or its caller's name or number. From three letters on a beginning is enough; case, accents and signs do not count"`
	State    tickets.State `query:"state" enum:"new,open,waiting-customer,waiting-third-party,resolved,closed" doc:"only tickets in this state"`
	Client   string        `query:"client" maxLength:"64" doc:"only those that came in on this client's lines"`
	Caller   string        `query:"caller" maxLength:"40" doc:"only those of this number, as the line gives it"`
	Handler  call.AgentID  `query:"handler" maxLength:"100"`
	Priority int           `query:"priority" minimum:"0" maximum:"5"`
	From     time.Time     `query:"from" doc:"opened at this instant or later"`
	To       time.Time     `query:"to" doc:"opened before this instant"`
}

type listTicketsIn struct {
	Paging
	TicketSearch
}

func (s *Server) searchRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/tickets", "list-tickets", "Tickets, newest first: all, or those that are searched for", Agent), s.listTickets)
	register(s, api, operation(http.MethodGet, "/ticket-files/csv", "export-tickets",
		"The tickets that are searched for as a CSV file, newest first, at most 10,000; no cell is a formula to a spreadsheet", Supervisor), s.exportTickets)
}

func (in TicketSearch) filter() TicketFilter {
	return TicketFilter{
		Text: plain(in.Text), State: in.State, Client: in.Client, Caller: in.Caller, Handler: in.Handler, Priority: in.Priority,
		From: in.From, To: in.To,
	}
}

func (s *Server) listTickets(ctx context.Context, in *listTicketsIn) (*ticketsOut, error) {
	f := in.filter()
	f.Before, f.Limit = call.TicketID(in.Cursor), in.Limit+1
	rows, err := s.cfg.Tickets.Tickets(ctx, f)
	if err != nil {
		return nil, err
	}
	out := new(ticketsOut)
	rows, out.Body.Next = page(rows, in.Limit, func(t tickets.Ticket) string { return string(t.ID) })
	out.Body.Tickets = make([]Ticket, 0, len(rows))
	now := time.Now()
	for _, t := range rows {
		out.Body.Tickets = append(out.Body.Tickets, s.ticketRow(t, now))
	}
	return out, nil
}

const mostExported = 10_000

type exportTicketsOut struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte `contentType:"text/csv"`
}

func (s *Server) exportTickets(ctx context.Context, in *TicketSearch) (*exportTicketsOut, error) {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	record := func(cells ...string) error {
		for i, c := range cells {
			cells[i] = tickets.Cell(c)
		}
		return w.Write(cells)
	}
	if err := record("ticket", "opened", "state", "priority", "client", "caller", "name", "subject", "handler", "ended", "due", "late"); err != nil {
		return nil, err
	}
	f, now := in.filter(), time.Now()
	f.Limit = maxPage
	for n := 0; n < mostExported; n += maxPage {
		rows, err := s.cfg.Tickets.Tickets(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, t := range rows {
			f.Before = t.ID
			if err := record(s.ticketCells(t, now)...); err != nil {
				return nil, err
			}
		}
		if len(rows) < maxPage {
			break
		}
	}
	w.Flush()
	return &exportTicketsOut{
		ContentType: "text/csv; charset=utf-8", Disposition: fmt.Sprintf("attachment; filename=%q", "tickets.csv"), Body: text.Bytes(),
	}, w.Error()
}

func (s *Server) ticketCells(t tickets.Ticket, now time.Time) []string {
	ended, due, late := "", "", ""
	if !t.Ended.IsZero() {
		ended = t.Ended.Format(time.RFC3339)
	}
	if d := ticketDue(t, s.cfg.Tickets.Contract(t.Client), now); d != nil {
		due, late = d.At.UTC().Format(time.RFC3339), strconv.FormatBool(d.Late)
	}
	priority := ""
	if t.Class.Priority > 0 {
		priority = strconv.Itoa(t.Class.Priority)
	}
	return []string{
		string(t.ID), t.Opened.Format(time.RFC3339), string(t.State), priority, t.Client, t.Caller.Number, t.Caller.Name, t.Subject,
		string(t.Handler), ended, due, late,
	}
}
