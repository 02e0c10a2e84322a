package web

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"firstline/call"
	"firstline/intake/spoken"
)

// Prompts is what was recorded by phone for callers to hear: spoken.List, whose errors
// count.
type Prompts interface {
	// All returns the newest first.
	All() []spoken.Prompt
	Heard(id call.PromptID) bool
	// Play returns a WAV and notes who listens.
	Play(ctx context.Context, id call.PromptID, by string) ([]byte, error)
	Delete(ctx context.Context, id call.PromptID, by string) error
}

// SpokenPrompt is a prompt that somebody recorded by phone.
type SpokenPrompt struct {
	ID       call.PromptID   `json:"id"`
	Key      string          `json:"key" doc:"by which an incident or an override of hours names it"`
	Recorded Act             `json:"recorded"`
	Incident call.IncidentID `json:"incident,omitempty" doc:"for whose callers it was recorded"`
	Calendar string          `json:"calendar,omitempty" doc:"for whose emergency prompt it was recorded"`
	Heard    bool            `json:"heard" doc:"callers hear it now"`
	Seconds  float64         `json:"seconds"`
	Bytes    int64           `json:"bytes"`
	SHA256   string          `json:"sha256"`
}

type promptsOut struct {
	Body struct {
		Prompts []SpokenPrompt `json:"prompts"`
	}
}

type promptIn struct {
	ID call.PromptID `path:"id" maxLength:"100"`
}

func (s *Server) promptRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/prompts", "list-prompts", "Prompts that were recorded by phone, newest first", Agent), s.listPrompts)
	op := operation(http.MethodGet, "/prompts/{id}/audio", "play-prompt", "The audio; the journal says who listened", Supervisor, 404, 503)
	op.Responses = map[string]*huma.Response{"200": {
		Description: "WAV",
		Content:     map[string]*huma.MediaType{"audio/wav": {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
	}}
	register(s, api, op, s.playPrompt)
	register(s, api, operation(http.MethodDelete, "/prompts/{id}", "delete-prompt", "Delete a prompt that callers do not hear", Supervisor, 404, 409, 503), s.deletePrompt)
}

func (s *Server) listPrompts(context.Context, *struct{}) (*promptsOut, error) {
	out := new(promptsOut)
	out.Body.Prompts = []SpokenPrompt{}
	for _, p := range s.cfg.Prompts.All() {
		out.Body.Prompts = append(out.Body.Prompts, SpokenPrompt{
			ID: p.Prompt, Key: p.Prompt.Key(), Recorded: Act{At: p.At, By: p.By}, Incident: p.Incident, Calendar: p.Calendar,
			Heard: s.cfg.Prompts.Heard(p.Prompt), Seconds: p.Duration.Seconds(), Bytes: p.Bytes, SHA256: p.SHA256,
		})
	}
	return out, nil
}

func (s *Server) playPrompt(ctx context.Context, in *promptIn) (*huma.StreamResponse, error) {
	wav, err := s.cfg.Prompts.Play(ctx, in.ID, s.by(ctx))
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", "audio/wav")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(wav))
	}}, nil
}

func (s *Server) deletePrompt(ctx context.Context, in *promptIn) (*struct{}, error) {
	return nil, s.cfg.Prompts.Delete(ctx, in.ID, s.by(ctx))
}
