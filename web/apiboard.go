package web

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"firstline/call"
)

type boardOut struct{ Body BoardView }

type queuesOut struct {
	Body struct {
		At      time.Time  `json:"at"`
		Formula string     `json:"formula" doc:"of the service level"`
		Queues  []QueueRow `json:"queues"`
	}
}

type agentsOut struct {
	Body struct {
		At     time.Time  `json:"at"`
		Agents []AgentRow `json:"agents"`
	}
}

type presenceIn struct {
	ID   call.AgentID `path:"id" maxLength:"100"`
	Body struct {
		Presence call.Presence `json:"presence" enum:"logged-out,available,break,finishing"`
		Reason   string        `json:"reason,omitempty" maxLength:"100" doc:"of the break"`
	}
}

type meOut struct{ Body Who }

// liveIn lets browsers resume: a stream that starts again gets a snapshot, which
// is right wherever it had come to.
type liveIn struct {
	LastEventID string `header:"Last-Event-ID"`
}

func (s *Server) boardRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/me", "who-am-i", "Who is signed in", Kiosk), s.readMe)
	register(s, api, operation(http.MethodGet, "/board", "read-board", "The board now", Kiosk), s.readBoard)
	register(s, api, operation(http.MethodGet, "/queues", "list-queues", "Queues with live figures", Kiosk), s.listQueues)
	register(s, api, operation(http.MethodGet, "/agents", "list-agents", "Agents by name, with presence and activity", Kiosk), s.listAgents)
	op := operation(http.MethodPut, "/agents/{id}/presence", "set-presence", "Say for an agent whether calls are taken", Supervisor, 404, 409, 503)
	op.DefaultStatus = http.StatusNoContent
	register(s, api, op, s.setPresence)

	op = operation(http.MethodGet, "/live", "follow-board", "The board as server-sent events", Kiosk)
	op.Description += " First a `snapshot` (BoardView), then at most four `patch`es (Patch) a second and a `ping` (Ping) every 15 s. " +
		"The id is the journal's global sequence. A reader that lags is cut and starts again with a snapshot."
	op.Responses = map[string]*huma.Response{"200": {
		Description: "A stream that does not end by itself",
		Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{
			Title: "data of the events", OneOf: s.schemas(api, BoardView{}, Patch{}, Ping{}),
		}}},
	}}
	register(s, api, op, s.follow)
}

// schemas names shapes in the document, for those who generate types from it.
func (s *Server) schemas(api huma.API, of ...any) []*huma.Schema {
	var refs []*huma.Schema
	for _, v := range of {
		refs = append(refs, api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(v), true, ""))
	}
	return refs
}

func (s *Server) readMe(ctx context.Context, _ *struct{}) (*meOut, error) {
	return &meOut{Body: whoOf(ctx)}, nil
}

func (s *Server) readBoard(ctx context.Context, _ *struct{}) (*boardOut, error) {
	return &boardOut{Body: s.boardFor(ctx)}, nil
}

func (s *Server) boardFor(ctx context.Context) BoardView {
	return s.live.view(time.Now()).to(whoOf(ctx).Role.audience())
}

func (s *Server) listQueues(ctx context.Context, _ *struct{}) (*queuesOut, error) {
	v, out := s.boardFor(ctx), new(queuesOut)
	out.Body.At, out.Body.Formula, out.Body.Queues = v.At, Formula, v.Queues
	return out, nil
}

func (s *Server) listAgents(ctx context.Context, _ *struct{}) (*agentsOut, error) {
	v, out := s.boardFor(ctx), new(agentsOut)
	out.Body.At, out.Body.Agents = v.At, v.Agents
	return out, nil
}

func (s *Server) setPresence(ctx context.Context, in *presenceIn) (*struct{}, error) {
	return nil, s.cfg.Agents.SetPresence(ctx, in.ID, in.Body.Presence, in.Body.Reason, s.by(ctx))
}

func (s *Server) follow(_ context.Context, _ *liveIn) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		// huma wraps the context without passing it on; the request's own has who asks.
		s.stream(w, r, whoOf(ctx.Context()))
	}}, nil
}

// stream serves one reader until it leaves, lags, may no longer, or the server stops.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, who Who) {
	rc := http.NewResponseController(w)
	if err := rc.SetReadDeadline(time.Time{}); err != nil { // else the request's deadline would end the stream
		s.log.Error("live stream", zap.Error(err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	in := s.live.join(who.Role.audience(), who.key, time.Now())
	defer s.live.leave(in)
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	recheck := time.NewTicker(recheckEvery)
	defer recheck.Stop()

	send := func(f []byte) bool {
		if err := rc.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
			return false
		}
		if _, err := w.Write(f); err != nil {
			return false
		}
		return rc.Flush() == nil
	}
	// The deadline of the last message may have passed long ago, and the end of the
	// stream is a message too.
	defer func() { _ = rc.SetWriteDeadline(time.Now().Add(writeWithin)) }()
	open := send([]byte("retry: 1000\n\n"))
	for open {
		select {
		case f, more := <-in.frames:
			open = more && send(f)
		case now := <-ping.C:
			open = send(s.live.ping(now))
		case <-recheck.C:
			again, err := s.door.identify(r)
			open = err == nil && again.Role == who.Role
		case <-r.Context().Done():
			return
		}
	}
}
