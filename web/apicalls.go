package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/intake"
)

type callsIn struct {
	Paging
	Open    string        `query:"open" enum:"true,false" doc:"only calls that are up, or only those that ended"`
	Queue   call.QueueID  `query:"queue" maxLength:"100"`
	Agent   call.AgentID  `query:"agent" maxLength:"100"`
	Ticket  call.TicketID `query:"ticket" maxLength:"100"`
	Outcome call.Outcome  `query:"outcome" maxLength:"100"`
}

type callsOut struct {
	Body struct {
		Calls []Call `json:"calls"`
		Next  string `json:"next,omitempty" doc:"cursor of the next page"`
	}
}

type callIn struct {
	ID call.ID `path:"id" maxLength:"100"`
}

type callOut struct{ Body Call }

type whyOut struct {
	Body struct {
		Call    call.ID   `json:"call"`
		Reasons []Reason  `json:"reasons"`
		Now     *WaitsNow `json:"now,omitempty" doc:"while it waits: what keeps each agent from it"`
		Waits   []Waited  `json:"waits" doc:"one for each stay in a queue: how each agent stood towards the call, all the while"`
	}
}

func (s *Server) callRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/calls", "list-calls", "Calls, newest first", Agent), s.listCalls)
	register(s, api, operation(http.MethodGet, "/calls/{id}", "read-call", "One call with its times", Agent, 404), s.readCall)
	register(s, api, operation(http.MethodGet, "/calls/{id}/why", "explain-call", "Why the call went as it did", Agent, 404), s.explainCall)
	for verb, do := range map[string]func(context.Context, call.ID, string) error{
		"pause": s.cfg.Talks.PauseRecording, "resume": s.cfg.Talks.ResumeRecording,
	} {
		op := operation(http.MethodPost, "/calls/{id}/recording/"+verb, verb+"-recording",
			verb+" the recording of a call; the time line goes on", Supervisor, 404, 409)
		op.DefaultStatus = http.StatusNoContent
		register(s, api, op, func(ctx context.Context, in *callIn) (*struct{}, error) {
			return nil, do(ctx, in.ID, s.by(ctx))
		})
	}
	register(s, api, operation(http.MethodPost, "/calls/{id}/tap", "tap-call",
		"Ring a phone and let it listen to the conversation, whisper to the agent, or speak with both; a phone that is on already changes its mode",
		Supervisor, 404, 409, 501), s.tapCall)
	register(s, api, operation(http.MethodPost, "/calls/{id}/transfer", "transfer-call",
		"Hand the caller on to an agent, a queue, or a number outside; comes back to the sender when nobody answers", Agent, 404, 409, 422), s.transferCall)
	s.consultRoutes(api)
}

// consultRoutes is what an agent does with somebody else during a conversation.
func (s *Server) consultRoutes(api huma.API) {
	register(s, api, operation(http.MethodPost, "/calls/{id}/consult", "consult-during-call",
		"Ring an agent, a queue, or a number outside for the agent to ask, while the caller hears music", Agent, 404, 409, 422), s.consultDuring)
	for _, verb := range []struct {
		path, id, what string
		do             func(context.Context, call.ID) error
	}{
		{"end", "end-consultation", "Let the one asked go; the agent is back with the caller", s.cfg.Talks.EndConsult},
		{"complete", "complete-consultation", "Leave the caller with the one asked; the agent's part is over", s.cfg.Talks.CompleteConsult},
		{"swap", "swap-consultation", "Speak with the other of the two, who heard music until now", s.cfg.Talks.SwapConsult},
		{"conference", "begin-conference", "Bring caller, agent and the one asked together", s.cfg.Talks.Conference},
	} {
		op := operation(http.MethodPost, "/calls/{id}/consult/"+verb.path, verb.id, verb.what, Agent, 404, 409, 501)
		op.DefaultStatus = http.StatusNoContent
		register(s, api, op, func(ctx context.Context, in *callIn) (*struct{}, error) {
			if _, err := s.cfg.Calls.Call(ctx, in.ID); err != nil {
				return nil, err
			}
			return nil, verb.do(ctx, in.ID)
		})
	}
}

// consultDuring answers when the one asked is about to be rung.
func (s *Server) consultDuring(ctx context.Context, in *transferIn) (*struct{}, error) {
	to, err := in.Body.target()
	if err != nil {
		return nil, err
	}
	if _, err := s.cfg.Calls.Call(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, s.cfg.Talks.Consult(ctx, in.ID, to, s.by(ctx))
}

type transferIn struct {
	ID   call.ID `path:"id" maxLength:"100"`
	Body TargetIn
}

// TargetIn is whom a caller is handed on to.
type TargetIn struct {
	Agent  call.AgentID `json:"agent,omitempty" maxLength:"100" doc:"one of ours, whatever the queues ask"`
	Queue  call.QueueID `json:"queue,omitempty" maxLength:"100"`
	Number string       `json:"number,omitempty" maxLength:"16" pattern:"^(\\+?[0-9]{2,15})?$" doc:"outside, where outbound.yaml and a trunk allow it"`
}

// target wants exactly one of the three.
func (in TargetIn) target() (intake.Target, error) {
	n := 0
	for _, s := range []string{string(in.Agent), string(in.Queue), in.Number} {
		if s != "" {
			n++
		}
	}
	if n != 1 {
		return intake.Target{}, huma.Error422UnprocessableEntity("give one of agent, queue and number")
	}
	return intake.Target{Agent: in.Agent, Queue: in.Queue, Number: in.Number}, nil
}

// transferCall answers when the caller is on the way.
func (s *Server) transferCall(ctx context.Context, in *transferIn) (*struct{}, error) {
	to, err := in.Body.target()
	if err != nil {
		return nil, err
	}
	if _, err := s.cfg.Calls.Call(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, s.cfg.Talks.Transfer(ctx, in.ID, to, s.by(ctx))
}

type tapIn struct {
	ID   call.ID `path:"id" maxLength:"100"`
	Body struct {
		Device call.DeviceID `json:"device" maxLength:"64" pattern:"^[0-9A-Za-z][0-9A-Za-z._-]*$" doc:"the supervisor's phone, by its SIP user; no agent may be at work there"`
		Mode   call.TapMode  `json:"mode" enum:"listen,whisper,barge"`
	}
}

// tapCall answers when the phone is on the conversation.
func (s *Server) tapCall(ctx context.Context, in *tapIn) (*struct{}, error) {
	if _, err := s.cfg.Calls.Call(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, s.cfg.Talks.Tap(ctx, in.ID, in.Body.Device, in.Body.Mode, s.by(ctx))
}

func (s *Server) listCalls(ctx context.Context, in *callsIn) (*callsOut, error) {
	f := CallFilter{
		Queue: in.Queue, Agent: in.Agent, Ticket: in.Ticket, Outcome: in.Outcome,
		Before: call.ID(in.Cursor), Limit: in.Limit + 1,
	}
	if in.Open != "" {
		f.Open = new(in.Open == "true")
	}
	rows, err := s.cfg.Calls.Calls(ctx, f)
	if err != nil {
		return nil, err
	}
	out := new(callsOut)
	rows, out.Body.Next = page(rows, in.Limit, func(r call.Record) string { return string(r.ID) })
	out.Body.Calls = callViews(rows)
	return out, nil
}

func callViews(rows []call.Record) []Call {
	now := time.Now()
	views := make([]Call, 0, len(rows))
	for i := range rows {
		views = append(views, callView(&rows[i], now))
	}
	return views
}

func (s *Server) readCall(ctx context.Context, in *callIn) (*callOut, error) {
	r, err := s.cfg.Calls.Call(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &callOut{Body: callView(&r, time.Now())}, nil
}

func (s *Server) explainCall(ctx context.Context, in *callIn) (*whyOut, error) {
	r, err := s.cfg.Calls.Call(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	waited, err := s.cfg.Past.Waited(ctx, &r)
	if err != nil {
		return nil, err
	}
	out := new(whyOut)
	out.Body.Call, out.Body.Reasons, out.Body.Now, out.Body.Waits = r.ID, why(&r), s.waitsBecause(ctx, &r), waits(waited)
	return out, nil
}

// by names who asks, for the journal.
func (s *Server) by(ctx context.Context) string {
	w := whoOf(ctx)
	return string(w.Role) + ":" + w.Name
}
