package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/month"
)

// Months reports what was promised to a client in a month.
type Months interface {
	// Months are the versions that were sealed, the first one first.
	Months(ctx context.Context, client string, m month.Month) ([]month.Sealed, error)
	// Month is the report as it is now: a restatement when one was sealed. ErrNotFound
	// means that there is no such client, ErrInvalid that there is no such month.
	Month(ctx context.Context, client string, m month.Month) (month.Report, error)
	// SealMonth keeps the report as it is now, as another version, unless nothing differs
	// from the last one. ErrConflict means that the month is not over.
	SealMonth(ctx context.Context, client string, m month.Month, by string) ([]month.Sealed, error)
	// Exclude is tickets.Desk.Exclude.
	Exclude(ctx context.Context, id call.TicketID, x tickets.Exclusion) error
}

// MonthIn names a client's month. Exported, because huma fills in embedded fields only then.
type MonthIn struct {
	Client  string      `query:"client" required:"true" maxLength:"64"`
	Month   month.Month `query:"month" required:"true" pattern:"^[0-9]{4}-[0-9]{2}$" example:"2026-10"`
	Version int         `query:"version" minimum:"0" doc:"a version that was sealed; without it the last of them, or the month as it is now when there is none"`
	Now     bool        `query:"now" doc:"the month as it is now, with what differs from the version sealed last"`
}

// MonthStory is a month of a client and its versions.
type MonthStory struct {
	Sealed  []month.Sealed `json:"sealed" doc:"the versions that were sealed, the first one first"`
	Version int            `json:"version" doc:"of the report; 0: it is not sealed, and as it is now"`
	Report  month.Report   `json:"report" doc:"promises of the clocks that began in the month, in the contract's zone"`
}

type monthOut struct{ Body MonthStory }

type sealMonthIn struct {
	Body struct {
		Client string      `json:"client" maxLength:"64"`
		Month  month.Month `json:"month" pattern:"^[0-9]{4}-[0-9]{2}$"`
	}
}

type exportMonthOut struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte `contentType:"text/csv"`
}

type excludeIn struct {
	ID   call.TicketID `path:"id" maxLength:"100"`
	Body struct {
		From *time.Time `json:"from,omitempty" doc:"of the span; without from and to it is the whole ticket"`
		To   *time.Time `json:"to,omitempty"`
		Why  string     `json:"why" minLength:"1" maxLength:"1000"`
	}
}

func (s *Server) monthRoutes(api huma.API) {
	if s.cfg.Months == nil {
		return
	}
	register(s, api, operation(http.MethodGet, "/reports/month", "report-month",
		"What a client was promised in a month, what was kept and what was missed, with the tickets behind each figure", Supervisor, 404, 422), s.reportMonth)
	register(s, api, operation(http.MethodPost, "/reports/month/seal", "seal-month",
		"Seal a month that is over; of one that was sealed, a restatement with what differs, unless nothing does", Supervisor, 404, 409, 422, 503), s.sealMonth)
	register(s, api, operation(http.MethodGet, "/report-files/month", "export-month", "The same as a CSV file; no cell is a formula to a spreadsheet", Supervisor, 404, 422), s.exportMonth)
	op := operation(http.MethodPost, "/tickets/{id}/exclusions", "exclude-ticket",
		"Approve that a ticket, or a span of its time, is left out of what is reported", Supervisor, 404, 422, 503)
	op.DefaultStatus = http.StatusNoContent
	register(s, api, op, s.excludeTicket)
}

func (s *Server) reportMonth(ctx context.Context, in *MonthIn) (*monthOut, error) {
	all, err := s.cfg.Months.Months(ctx, in.Client, in.Month)
	if err != nil {
		return nil, err
	}
	out := &monthOut{MonthStory{Sealed: append([]month.Sealed{}, all...), Version: in.Version}}
	if !in.Now && in.Version == 0 {
		out.Body.Version = len(all)
	}
	if out.Body.Version == 0 || in.Now {
		out.Body.Version = 0
		out.Body.Report, err = s.cfg.Months.Month(ctx, in.Client, in.Month)
		return out, err
	}
	for _, v := range all {
		if v.Version == out.Body.Version {
			out.Body.Report, err = v.Report()
			return out, err
		}
	}
	return nil, huma.Error404NotFound(fmt.Sprintf("%s has no version %d; %d were sealed", in.Month, in.Version, len(all)))
}

func (s *Server) sealMonth(ctx context.Context, in *sealMonthIn) (*monthOut, error) {
	all, err := s.cfg.Months.SealMonth(ctx, in.Body.Client, in.Body.Month, s.by(ctx))
	if err != nil {
		return nil, err
	}
	last := all[len(all)-1]
	r, err := last.Report()
	return &monthOut{MonthStory{Sealed: all, Version: last.Version, Report: r}}, err
}

func (s *Server) exportMonth(ctx context.Context, in *MonthIn) (*exportMonthOut, error) {
	m, err := s.reportMonth(ctx, in)
	if err != nil {
		return nil, err
	}
	text, err := m.Body.Report.CSV()
	name := strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, fmt.Sprintf("%s-%s", in.Client, in.Month))
	return &exportMonthOut{ContentType: "text/csv; charset=utf-8", Disposition: fmt.Sprintf("attachment; filename=%q", name+".csv"), Body: text}, err
}

func (s *Server) excludeTicket(ctx context.Context, in *excludeIn) (*struct{}, error) {
	x := tickets.Exclusion{Why: plain(in.Body.Why), By: s.by(ctx)}
	if in.Body.From != nil {
		x.From = *in.Body.From
	}
	if in.Body.To != nil {
		x.To = *in.Body.To
	}
	return nil, s.cfg.Months.Exclude(ctx, in.ID, x)
}
