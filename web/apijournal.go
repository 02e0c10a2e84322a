package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
)

type eventsIn struct {
	After  int64  `query:"after" minimum:"0" doc:"only events behind this global sequence"`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
	Stream string `query:"stream" maxLength:"120" doc:"kind, or kind/id: call, ticket/T-100001"`
}

// EventRow is one event of the journal. The body's fields depend on the type;
// durations in it are in nanoseconds (…_ns).
type EventRow struct {
	Global int64           `json:"global"`
	Stream EventStream     `json:"stream"`
	Seq    int64           `json:"seq"`
	At     time.Time       `json:"at"`
	Config string          `json:"config,omitempty" doc:"hash of the centre that it was decided under"`
	Type   string          `json:"type"`
	Body   json.RawMessage `json:"body"`
}

// EventStream names one ordered story.
type EventStream struct {
	Kind call.StreamKind `json:"kind"`
	ID   string          `json:"id"`
}

type eventsOut struct {
	Body struct {
		Events []EventRow `json:"events"`
		Last   int64      `json:"last" doc:"ask for what is after this next"`
	}
}

type reloadIn struct {
	Version string `query:"version" maxLength:"64" doc:"a hash, or previous: activate that version again in place of reading the files"`
}

type reloadOut struct {
	Body struct {
		Hash string `json:"hash" doc:"of the centre that is now in force"`
	}
}

func (s *Server) journalRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/events", "list-events", "The journal, oldest first", Supervisor), s.listEvents)

	register(s, api, operation(http.MethodPost, "/centre/reload", "reload-centre", "Read the centre's files again", Admin, 409, 503), s.reloadCentre)
}

func (s *Server) listEvents(ctx context.Context, in *eventsIn) (*eventsOut, error) {
	f := EventFilter{After: in.After, Limit: in.Limit}
	if in.Stream != "" {
		kind, id, _ := strings.Cut(in.Stream, "/")
		f.Stream = call.Stream{Kind: call.StreamKind(kind), ID: id}
		switch f.Stream.Kind {
		case call.StreamCall, call.StreamTicket, call.StreamAgent, call.StreamRecording, call.StreamSystem,
			call.StreamCallback, call.StreamBlock, call.StreamLost,
			call.StreamCustomer, call.StreamCompany, call.StreamService, call.StreamAsset:
		default:
			return nil, huma.Error422UnprocessableEntity("unknown kind of stream", &huma.ErrorDetail{
				Location: "query.stream", Message: "expected call, ticket, agent, recording, callback, block, lost, customer, company, service, asset or system", Value: kind,
			})
		}
	}
	evs, err := s.cfg.Events.Events(ctx, f)
	if err != nil {
		return nil, err
	}
	out := new(eventsOut)
	out.Body.Events, out.Body.Last = []EventRow{}, in.After
	for _, e := range evs {
		body, err := json.Marshal(e.Body)
		if err != nil {
			return nil, err
		}
		out.Body.Events = append(out.Body.Events, EventRow{
			Global: e.Global, Stream: EventStream(e.Stream), Seq: e.Seq, At: e.At, Config: e.Config, Type: e.Body.Type(), Body: body,
		})
		out.Body.Last = e.Global
	}
	return out, nil
}

func (s *Server) reloadCentre(ctx context.Context, in *reloadIn) (*reloadOut, error) {
	hash, err := s.activate(ctx, in.Version)
	if err != nil {
		return nil, err
	}
	out := new(reloadOut)
	out.Body.Hash = hash
	return out, nil
}

func (s *Server) activate(ctx context.Context, version string) (string, error) {
	if version != "" {
		return s.cfg.Centre.GoBack(ctx, version, s.by(ctx))
	}
	return s.cfg.Centre.Reload(ctx, s.by(ctx))
}
