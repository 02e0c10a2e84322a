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
	"firstline/tickets/oncall"
)

// OnCall is who is phoned for urgent tickets: oncall.Desk, whose errors count.
type OnCall interface {
	Plan() oncall.Plan
	Duties(at time.Time) []oncall.Duty
	// Turns is who has a schedule's turn in a period.
	Turns(schedule string, from, to time.Time) ([]oncall.Shift, error)
	Overrides(at time.Time) []oncall.Override
	Override(ctx context.Context, o oncall.Override) (oncall.Override, error)
	TakeBack(ctx context.Context, id, by string) (oncall.Override, error)
	// History is every override that ever was, the newest first.
	History() []oncall.Override
}

// Turn is who is on call for a time.
type Turn struct {
	Person call.AgentID `json:"person"`
	Name   string       `json:"name"`
	From   *time.Time   `json:"from,omitempty"`
	To     *time.Time   `json:"to,omitempty" doc:"absent: nobody knows of an end"`
	By     string       `json:"by" enum:"rotation,calendar,override"`
}

// Duty is a schedule at an instant.
type Duty struct {
	Schedule string `json:"schedule"`
	Name     string `json:"name"`
	Zone     string `json:"zone"`
	Now      *Turn  `json:"now,omitempty" doc:"absent while nobody is on call"`
	Next     *Turn  `json:"next,omitempty" doc:"absent while nobody knows"`
}

// StandIn is somebody who stands in for whoever is on call.
type StandIn struct {
	ID       string       `json:"id"`
	Schedule string       `json:"schedule"`
	Person   call.AgentID `json:"person"`
	Name     string       `json:"name"`
	From     time.Time    `json:"from"`
	To       time.Time    `json:"to"`
	Made     Act          `json:"made"`
	Ended    *Act         `json:"ended,omitempty" doc:"when it was taken back"`
}

// OnCallPerson is somebody who can be phoned.
type OnCallPerson struct {
	ID    call.AgentID `json:"id"`
	Name  string       `json:"name"`
	Where string       `json:"where" enum:"number,device,seat" doc:"a number outside, a phone of ours, or where they sit"`
}

// OnCallLadder is whom to phone after whom.
type OnCallLadder struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Steps  []string `json:"steps" doc:"person, schedule or group with its id"`
	Rounds int      `json:"rounds"`
}

type onCallIn struct {
	At time.Time `query:"at" doc:"an instant; now"`
}

type onCallOut struct {
	Body struct {
		At        time.Time      `json:"at"`
		Schedules []Duty         `json:"schedules"`
		Overrides []StandIn      `json:"overrides" doc:"that hold then or later, the first to begin first"`
		People    []OnCallPerson `json:"people"`
		Ladders   []OnCallLadder `json:"ladders"`
	}
}

type turnsIn struct {
	Schedule string    `path:"schedule" maxLength:"64"`
	From     time.Time `query:"from" required:"true"`
	To       time.Time `query:"to" required:"true"`
}

type turnsOut struct {
	Body struct {
		Turns []Turn `json:"turns"`
	}
}

type standInsOut struct {
	Body struct {
		Overrides []StandIn `json:"overrides"`
	}
}

type standInIn struct {
	Schedule string `path:"schedule" maxLength:"64"`
	Body     struct {
		Person call.AgentID `json:"person" minLength:"1" maxLength:"100"`
		From   time.Time    `json:"from,omitempty" doc:"now, unless it is later"`
		To     time.Time    `json:"to"`
		Why    string       `json:"why,omitempty" maxLength:"1000"`
	}
}

type standInOut struct{ Body StandIn }

type takeBackIn struct {
	ID string `path:"id" maxLength:"100"`
}

func (s *Server) onCallRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/on-call", "read-on-call", "Who is on call, and next; who stands in; who can be phoned, and in which order", Agent), s.readOnCall)
	register(s, api, operation(http.MethodGet, "/on-call/{schedule}/turns", "list-on-call-turns", "Who has a schedule's turn in a period, by what is known now", Agent, 404, 422), s.listTurns)
	op := operation(http.MethodPost, "/on-call/{schedule}/overrides", "override-on-call", "Have somebody stand in for whoever is on call", Supervisor, 404, 422, 503)
	op.DefaultStatus = http.StatusCreated
	register(s, api, op, s.standIn)
	register(s, api, operation(http.MethodPost, "/on-call-overrides/{id}/end", "end-on-call-override", "Take it back, from now on", Supervisor, 404, 503), s.takeBack)
	register(s, api, operation(http.MethodGet, "/on-call-overrides", "list-on-call-overrides", "Everybody who ever stood in, the newest first: who said so and when", Supervisor), s.listStandIns)
}

func (s *Server) readOnCall(_ context.Context, in *onCallIn) (*onCallOut, error) {
	at := in.At
	if at.IsZero() {
		at = time.Now()
	}
	plan, out := s.cfg.OnCall.Plan(), new(onCallOut)
	out.Body.At = at
	out.Body.Schedules, out.Body.Overrides, out.Body.People, out.Body.Ladders = []Duty{}, []StandIn{}, []OnCallPerson{}, []OnCallLadder{}
	for _, d := range s.cfg.OnCall.Duties(at) {
		out.Body.Schedules = append(out.Body.Schedules, Duty{
			Schedule: d.Schedule.ID, Name: d.Schedule.Name, Zone: d.Schedule.Zone.String(), Now: turnView(plan, d.Now), Next: turnView(plan, d.Next),
		})
	}
	for _, o := range s.cfg.OnCall.Overrides(at) {
		out.Body.Overrides = append(out.Body.Overrides, standInView(plan, o))
	}
	for _, id := range slices.Sorted(maps.Keys(plan.People)) {
		p, where := plan.People[id], "seat"
		switch {
		case p.Number != "":
			where = "number"
		case p.Device != "":
			where = "device"
		}
		out.Body.People = append(out.Body.People, OnCallPerson{ID: id, Name: p.Name, Where: where})
	}
	for _, id := range slices.Sorted(maps.Keys(plan.Ladders)) {
		l, _ := plan.Ladder(id)
		v := OnCallLadder{ID: id, Name: l.Name, Rounds: l.Rounds, Steps: []string{}}
		for _, st := range l.Steps {
			v.Steps = append(v.Steps, st.String())
		}
		out.Body.Ladders = append(out.Body.Ladders, v)
	}
	return out, nil
}

func turnView(p oncall.Plan, s *oncall.Shift) *Turn {
	if s == nil {
		return nil
	}
	return &Turn{Person: s.Person, Name: nameOf(p, s.Person), From: instant(s.From), To: instant(s.To), By: s.By}
}

func nameOf(p oncall.Plan, id call.AgentID) string {
	return cmp.Or(p.People[id].Name, string(id))
}

func standInView(p oncall.Plan, o oncall.Override) StandIn {
	v := StandIn{
		ID: o.ID, Schedule: o.Schedule, Person: o.Person, Name: nameOf(p, o.Person), From: o.From, To: o.To,
		Made: Act{At: o.Made, By: o.By, Note: o.Why},
	}
	if !o.Ended.IsZero() {
		v.Ended = &Act{At: o.Ended, By: o.EndedBy}
	}
	return v
}

func (s *Server) listTurns(_ context.Context, in *turnsIn) (*turnsOut, error) {
	if !in.To.After(in.From) || in.To.Sub(in.From) > 366*24*time.Hour {
		return nil, huma.Error422UnprocessableEntity("the period ends after it begins, and lasts a year at most")
	}
	turns, err := s.cfg.OnCall.Turns(in.Schedule, in.From, in.To)
	if err != nil {
		return nil, err
	}
	plan, out := s.cfg.OnCall.Plan(), new(turnsOut)
	out.Body.Turns = []Turn{}
	for _, t := range turns {
		out.Body.Turns = append(out.Body.Turns, *turnView(plan, &t))
	}
	return out, nil
}

func (s *Server) standIn(ctx context.Context, in *standInIn) (*standInOut, error) {
	o, err := s.cfg.OnCall.Override(ctx, oncall.Override{
		Schedule: in.Schedule, Person: in.Body.Person, From: in.Body.From, To: in.Body.To, By: s.by(ctx), Why: plain(in.Body.Why),
	})
	if err != nil {
		return nil, err
	}
	return &standInOut{standInView(s.cfg.OnCall.Plan(), o)}, nil
}

func (s *Server) takeBack(ctx context.Context, in *takeBackIn) (*standInOut, error) {
	o, err := s.cfg.OnCall.TakeBack(ctx, in.ID, s.by(ctx))
	if err != nil {
		return nil, err
	}
	return &standInOut{standInView(s.cfg.OnCall.Plan(), o)}, nil
}

func (s *Server) listStandIns(context.Context, *struct{}) (*standInsOut, error) {
	plan, out := s.cfg.OnCall.Plan(), new(standInsOut)
	out.Body.Overrides = []StandIn{}
	for _, o := range s.cfg.OnCall.History() {
		out.Body.Overrides = append(out.Body.Overrides, standInView(plan, o))
	}
	return out, nil
}
