package web

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/clock"
)

// Levels hands tickets up and back: tickets.Desk by the centre's groups, whose errors
// count.
type Levels interface {
	Escalate(ctx context.Context, id call.TicketID, e tickets.Escalation, group string, form call.HandOver) (tickets.Ticket, error)
	Accept(ctx context.Context, id call.TicketID, e tickets.Escalation, agent call.AgentID) (tickets.Ticket, error)
	Return(ctx context.Context, id call.TicketID, e tickets.Escalation, why string) (tickets.Ticket, error)
}

// SupportView is which level of support works on a ticket.
type SupportView struct {
	Level int           `json:"level" doc:"1, the desk, to 4"`
	Place tickets.Place `json:"place" enum:"desk,offered,group"`
	Group string        `json:"group,omitempty"`
	Owner call.AgentID  `json:"owner,omitempty" doc:"of the desk, who handed it up first"`
	Steps []SupportStep `json:"steps" doc:"every hand-over, oldest first"`
}

// SupportStep is one hand-over to a group.
type SupportStep struct {
	At       time.Time    `json:"at"`
	By       string       `json:"by"`
	Group    string       `json:"group"`
	Level    int          `json:"level"`
	Tried    string       `json:"tried"`
	Findings string       `json:"findings"`
	Articles []string     `json:"articles"`
	Accepted *time.Time   `json:"accepted,omitempty"`
	Agent    call.AgentID `json:"agent,omitempty" doc:"who accepted"`
	Left     *Act         `json:"left,omitempty" doc:"when it was returned, with the reason, or handed further up"`
	Clocks   []Clock      `json:"clocks" doc:"of the operational level: response until it is accepted or returned, resolution while the group has it"`
}

// SupportGroup is who can be handed a ticket.
type SupportGroup struct {
	ID    string       `json:"id"`
	Name  string       `json:"name"`
	Level int          `json:"level"`
	Queue call.QueueID `json:"queue,omitempty" doc:"whose agents take its live calls"`
}

type groupsOut struct {
	Body struct {
		Groups []SupportGroup `json:"groups" doc:"by level"`
	}
}

type escalateIn struct {
	ReadTicket
	Body struct {
		Group    string   `json:"group" minLength:"1" maxLength:"64"`
		Tried    string   `json:"tried" minLength:"1" maxLength:"4000" doc:"what was tried"`
		Findings string   `json:"findings" minLength:"1" maxLength:"4000" doc:"what was found"`
		Articles []string `json:"articles,omitempty" maxItems:"20" doc:"that were used, by id"`
	}
}

type acceptIn struct {
	ReadTicket
	Body struct {
		Agent call.AgentID `json:"agent" minLength:"1" maxLength:"100" doc:"of the group, who handles it from now on"`
	}
}

type returnIn struct {
	ReadTicket
	Body struct {
		Why string `json:"why" minLength:"1" maxLength:"1000"`
	}
}

func (s *Server) levelRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/support-groups", "list-support-groups", "The groups of the levels above the desk", Agent), s.listGroups)
	register(s, api, operation(http.MethodPost, "/tickets/{id}/escalate", "escalate-ticket", "Hand a ticket up to a group, with what was tried and found", Agent, 404, 412, 422, 428, 503), s.escalate)
	register(s, api, operation(http.MethodPost, "/tickets/{id}/accept", "accept-ticket", "Accept a ticket that is offered to a group", Agent, 404, 412, 422, 428, 503), s.acceptTicket)
	register(s, api, operation(http.MethodPost, "/tickets/{id}/return", "return-ticket", "Give a ticket back to where it came from, with a reason", Agent, 404, 412, 422, 428, 503), s.returnTicket)
}

func (s *Server) listGroups(context.Context, *struct{}) (*groupsOut, error) {
	out := new(groupsOut)
	out.Body.Groups = []SupportGroup{}
	groups := s.cfg.OnCall.Plan().Groups
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		g := groups[id]
		out.Body.Groups = append(out.Body.Groups, SupportGroup{ID: id, Name: g.Name, Level: g.Level, Queue: g.Queue})
	}
	slices.SortStableFunc(out.Body.Groups, func(a, b SupportGroup) int { return cmp.Compare(a.Level, b.Level) })
	return out, nil
}

// decided is on which version somebody decided something.
func (s *Server) decided(ctx context.Context, ifMatch string) (tickets.Escalation, error) {
	version, err := versionIn(ifMatch)
	if err != nil {
		return tickets.Escalation{}, err
	}
	return tickets.Escalation{By: s.by(ctx), Version: version}, nil
}

func (s *Server) escalate(ctx context.Context, in *escalateIn) (*ticketOut, error) {
	e, err := s.decided(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	form := call.HandOver{Tried: plain(in.Body.Tried), Findings: plain(in.Body.Findings), Articles: in.Body.Articles}
	return s.moved(ctx)(s.cfg.Levels.Escalate(ctx, in.ID, e, in.Body.Group, form))
}

func (s *Server) acceptTicket(ctx context.Context, in *acceptIn) (*ticketOut, error) {
	e, err := s.decided(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return s.moved(ctx)(s.cfg.Levels.Accept(ctx, in.ID, e, in.Body.Agent))
}

func (s *Server) returnTicket(ctx context.Context, in *returnIn) (*ticketOut, error) {
	e, err := s.decided(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return s.moved(ctx)(s.cfg.Levels.Return(ctx, in.ID, e, plain(in.Body.Why)))
}

// moved tells the ticket as it is then.
func (s *Server) moved(ctx context.Context) func(tickets.Ticket, error) (*ticketOut, error) {
	return func(t tickets.Ticket, err error) (*ticketOut, error) {
		if err != nil {
			return nil, err
		}
		return s.ticketStory(ctx, t)
	}
}

func (s *Server) supportView(t tickets.Ticket, now time.Time) SupportView {
	plan, hours := s.cfg.OnCall.Plan(), s.cfg.Tickets.Contract(t.Client).Hours
	readings := t.Levels(func(group string) (time.Duration, clock.Calendar) { return plan.Groups[group].Within, hours }, now)
	v := SupportView{Level: t.Support.Level(), Place: cmp.Or(t.Support.Place, tickets.AtDesk), Group: t.Support.Group(), Owner: t.Support.Owner, Steps: []SupportStep{}}
	for i, st := range t.Support.Steps {
		step := SupportStep{
			At: st.At, By: st.By, Group: st.Group, Level: st.Level, Tried: st.Form.Tried, Findings: st.Form.Findings, Articles: append([]string{}, st.Form.Articles...),
			Accepted: instant(st.Accepted), Agent: st.Agent, Clocks: clockViews(readings[i]),
		}
		if !st.Left.IsZero() {
			step.Left = &Act{At: st.Left, By: st.LeftBy, Note: st.Returned}
		}
		v.Steps = append(v.Steps, step)
	}
	return v
}
