package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
)

// Hours is the calendars of the centre in force, and who set them aside.
type Hours interface {
	// Hours returns them by name.
	Hours(ctx context.Context, now time.Time) []CalendarState
	// Override returns ErrInvalid for what cannot be.
	Override(ctx context.Context, o call.HoursOverridden) error
}

// CalendarState is a calendar at one instant.
type CalendarState struct {
	Calendar string
	Open     bool      // by its file
	Until    time.Time // that stays so; zero for a long time
	By       call.HoursOverridden
}

// CalendarView is a calendar of the centre now.
type CalendarView struct {
	Calendar string        `json:"calendar"`
	Number   int           `json:"number" doc:"to be keyed where a prompt is recorded for it by phone"`
	Open     bool          `json:"open" doc:"new callers are let in now"`
	Until    *time.Time    `json:"until,omitempty" doc:"by the calendar alone, it stays as it is until then"`
	Override *OverrideView `json:"override,omitempty"`
}

// OverrideView is what somebody said of a calendar.
type OverrideView struct {
	State  string     `json:"state,omitempty" enum:"open,closed" doc:"absent: as the calendar says"`
	Prompt string     `json:"prompt,omitempty" doc:"said first to new callers"`
	Until  *time.Time `json:"until,omitempty" doc:"absent: until somebody says otherwise"`
	By     string     `json:"by"`
	Reason string     `json:"reason,omitempty"`
}

type calendarsOut struct {
	Body struct {
		Calendars []CalendarView `json:"calendars"`
	}
}

type overrideIn struct {
	Calendar string `path:"calendar" maxLength:"64"`
	Body     struct {
		State  string     `json:"state,omitempty" enum:"open,closed" doc:"left out, as the calendar says"`
		Prompt string     `json:"prompt,omitempty" maxLength:"64" doc:"a prompt's key, said first to new callers, or in place of the closed prompt; left out, none"`
		Until  *time.Time `json:"until,omitempty" doc:"left out, until somebody says otherwise"`
		Reason string     `json:"reason" minLength:"1" maxLength:"1000"`
	}
}

func (s *Server) hoursRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/hours", "list-hours", "Calendars: open or closed now, and who set them aside", Agent), s.listHours)
	register(s, api, operation(http.MethodPut, "/hours/{calendar}", "override-hours", "Open or close a calendar's lines for new calls, or say a prompt first", Supervisor, 422, 503), s.overrideHours)
}

func (s *Server) listHours(ctx context.Context, _ *struct{}) (*calendarsOut, error) {
	out := new(calendarsOut)
	out.Body.Calendars = []CalendarView{}
	for n, c := range s.cfg.Hours.Hours(ctx, time.Now()) {
		v := CalendarView{Calendar: c.Calendar, Number: n + 1, Open: c.Open, Until: instant(c.Until)}
		if o := c.By; o.State != "" || o.Prompt != "" {
			v.Open = o.State == "open" || o.State == "" && c.Open
			v.Override = &OverrideView{State: o.State, Prompt: o.Prompt, Until: instant(o.Until), By: o.By, Reason: o.Reason}
		}
		out.Body.Calendars = append(out.Body.Calendars, v)
	}
	return out, nil
}

func (s *Server) overrideHours(ctx context.Context, in *overrideIn) (*calendarsOut, error) {
	o := call.HoursOverridden{Calendar: in.Calendar, State: in.Body.State, Prompt: in.Body.Prompt, By: s.by(ctx), Reason: in.Body.Reason}
	if in.Body.Until != nil {
		o.Until = call.Instant(*in.Body.Until)
	}
	if err := s.cfg.Hours.Override(ctx, o); err != nil {
		return nil, err
	}
	return s.listHours(ctx, nil)
}
