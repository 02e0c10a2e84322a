package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/estimate"
)

// Desk is the queue engine's hand: what supervisors may change while calls wait.
type Desk interface {
	// Why says why an entry waits; callqueue.ErrUnknownEntry when it does not.
	Why(ctx context.Context, entry call.EntryID) (callqueue.Why, error)
	SetPriority(ctx context.Context, entry call.EntryID, priority int, by, reason string) error
	EndWrapUp(ctx context.Context, agent call.AgentID) error
	ExtendWrapUp(ctx context.Context, agent call.AgentID, until time.Time) error
}

// Past tells from the journal how agents stood towards calls.
type Past interface {
	// Waited returns one Hindsight for each entry of a call, in their order.
	Waited(ctx context.Context, r *call.Record) ([]callqueue.Hindsight, error)
}

// Estimates says how good the announced estimates were.
type Estimates interface {
	Score(q call.QueueID) estimate.Score
}

type priorityIn struct {
	ID   call.ID `path:"id"`
	Body struct {
		Priority int    `json:"priority" minimum:"0" maximum:"1000" doc:"higher goes first; it stands in place of the sum that the rules make"`
		Reason   string `json:"reason" minLength:"1" maxLength:"200"`
	}
}

type wrapUpIn struct {
	ID   call.AgentID `path:"id"`
	Body struct {
		Until time.Time `json:"until" doc:"end of the wrap-up; an instant that has passed ends it now"`
	}
}

type estimatesIn struct {
	ID call.QueueID `path:"id"`
}

type estimatesOut struct{ Body EstimateScore }

// EstimateScore is the calibration of a queue's announced estimates. A sound one
// has about half of the answered within the median, nine in ten within P90, and a
// bias near 1; a share is null while nothing is known.
type EstimateScore struct {
	Queue     call.QueueID `json:"queue"`
	Announced int          `json:"announced"`
	Realised  int          `json:"realised" doc:"whose caller was answered, so that the wait is known"`
	Unknown   int          `json:"unknown" doc:"whose caller left otherwise"`
	WithinP50 *float64     `json:"within_p50_percent"`
	WithinP90 *float64     `json:"within_p90_percent"`
	WithinTop *float64     `json:"within_announced_percent"`
	Bias      *float64     `json:"bias" doc:"realised waits by estimated means"`
}

func (s *Server) queueRoutes(api huma.API) {
	register(s, api, operation(http.MethodPut, "/calls/{id}/priority", "set-priority", "Change the priority of a call that waits", Supervisor, 404, 409), s.setPriority)
	register(s, api, operation(http.MethodPut, "/agents/{id}/wrap-up", "set-wrap-up", "Extend an agent's wrap-up, or end it", Supervisor, 404, 409), s.setWrapUp)
	register(s, api, operation(http.MethodGet, "/queues/{id}/estimates", "queue-estimates", "How good the announced estimates were", Agent, 404), s.scoreEstimates)
}

func (s *Server) setPriority(ctx context.Context, in *priorityIn) (*struct{}, error) {
	r, err := s.cfg.Calls.Call(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	e := r.Waiting()
	if e == nil {
		return nil, huma.Error409Conflict("the call does not wait")
	}
	return nil, s.cfg.Desk.SetPriority(ctx, e.ID, in.Body.Priority, s.by(ctx), in.Body.Reason)
}

func (s *Server) setWrapUp(ctx context.Context, in *wrapUpIn) (*struct{}, error) {
	if !in.Body.Until.After(time.Now()) {
		return nil, s.cfg.Desk.EndWrapUp(ctx, in.ID)
	}
	return nil, s.cfg.Desk.ExtendWrapUp(ctx, in.ID, in.Body.Until)
}

func (s *Server) scoreEstimates(_ context.Context, in *estimatesIn) (*estimatesOut, error) {
	for _, q := range s.cfg.Queues.Queues() {
		if q.ID == in.ID {
			return &estimatesOut{Body: estimateScore(in.ID, s.cfg.Estimates.Score(in.ID))}, nil
		}
	}
	return nil, ErrNotFound
}

func estimateScore(q call.QueueID, sc estimate.Score) EstimateScore {
	v := EstimateScore{Queue: q, Announced: sc.Announced, Realised: sc.Realised, Unknown: sc.Unknown}
	if sc.Realised == 0 {
		return v
	}
	share := func(n int) *float64 { return new(100 * float64(n) / float64(sc.Realised)) }
	v.WithinP50, v.WithinP90, v.WithinTop, v.Bias = share(sc.WithinP50), share(sc.WithinP90), share(sc.WithinTop), new(sc.Bias)
	return v
}

// waitsBecause is why the call waits now, for one that does.
func (s *Server) waitsBecause(ctx context.Context, r *call.Record) *WaitsNow {
	e := r.Waiting()
	if e == nil {
		return nil
	}
	w, err := s.cfg.Desk.Why(ctx, e.ID)
	if err != nil {
		return nil // it left just now, and the story says how
	}
	v := &WaitsNow{Text: w.Text, Queue: w.Queue, Step: w.Step, Position: w.Position, WaitMs: w.Wait.Milliseconds(), Ringing: w.Agent, Agents: []AgentStands{}}
	for _, a := range w.Each {
		v.Agents = append(v.Agents, AgentStands(a))
	}
	return v
}

// WaitsNow is why a call waits at this moment.
type WaitsNow struct {
	Text     string        `json:"text" doc:"all of it in one line"`
	Queue    call.QueueID  `json:"queue"`
	Step     int           `json:"step" doc:"of the queue's steps, 0 before the first"`
	Position int           `json:"position" doc:"from 1, among those who ask for the same"`
	WaitMs   int64         `json:"wait_ms"`
	Ringing  call.AgentID  `json:"ringing,omitempty" doc:"whose phone rings for it"`
	Agents   []AgentStands `json:"agents" doc:"what keeps each agent from it"`
}

// AgentStands is what keeps one agent from a call.
type AgentStands struct {
	Agent  call.AgentID `json:"agent"`
	Reason string       `json:"reason"`
}
