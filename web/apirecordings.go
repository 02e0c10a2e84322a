package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"firstline/call"
)

type recordingsIn struct {
	Paging
	Call   call.ID       `query:"call" maxLength:"100"`
	Ticket call.TicketID `query:"ticket" maxLength:"100"`
	Agent  call.AgentID  `query:"agent" maxLength:"100"`
}

type recordingsOut struct {
	Body struct {
		Recordings []Recording `json:"recordings"`
		Next       string      `json:"next,omitempty" doc:"cursor of the next page"`
	}
}

type recordingIn struct {
	ID call.RecordingID `path:"id" maxLength:"100"`
}

type recordingOut struct{ Body Recording }

func (s *Server) recordingRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/recordings", "list-recordings", "Recordings, newest first", Supervisor), s.listRecordings)
	register(s, api, operation(http.MethodGet, "/recordings/{id}", "read-recording", "One recording", Supervisor, 404), s.readRecording)
	op := operation(http.MethodGet, "/recordings/{id}/audio", "play-recording",
		"The audio, caller left and agent right; Range is served, and a recording that still grows as far as it goes", Supervisor, 404, 410)
	op.Responses = map[string]*huma.Response{"200": {
		Description: "WAV",
		Content:     map[string]*huma.MediaType{"audio/wav": {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
	}}
	register(s, api, op, s.playRecording)
}

func (s *Server) listRecordings(ctx context.Context, in *recordingsIn) (*recordingsOut, error) {
	rows, err := s.cfg.Audio.Recordings(ctx, RecordingFilter{
		Call: in.Call, Ticket: in.Ticket, Agent: in.Agent, Before: call.RecordingID(in.Cursor), Limit: in.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	out := new(recordingsOut)
	out.Body.Recordings, out.Body.Next = page(rows, in.Limit, func(r Recording) string { return string(r.ID) })
	if out.Body.Recordings == nil {
		out.Body.Recordings = []Recording{}
	}
	return out, nil
}

func (s *Server) readRecording(ctx context.Context, in *recordingIn) (*recordingOut, error) {
	r, err := s.cfg.Audio.Recording(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &recordingOut{Body: r}, nil
}

func (s *Server) playRecording(ctx context.Context, in *recordingIn) (*huma.StreamResponse, error) {
	row, err := s.cfg.Audio.Recording(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	audio, err := s.cfg.Audio.Open(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	s.log.Info("recording played", zap.String("recording", string(row.ID)), zap.String("call", string(row.Call)),
		zap.String("ticket", string(row.Ticket)), zap.String("by", s.by(ctx)))
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer audio.Close()
		r, w := humago.Unwrap(hc)
		// A long recording on a slow line takes longer than other answers may.
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Minute)); err != nil {
			s.log.Error("audio", zap.Error(err))
		}
		w.Header().Set("Content-Type", "audio/wav")
		if row.SHA256 != "" { // only finished audio is worth naming
			w.Header().Set("ETag", `"`+row.SHA256+`"`)
		}
		http.ServeContent(w, r, "", time.Time{}, audio)
	}}, nil
}
