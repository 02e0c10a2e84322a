package web

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"
)

// Hooks takes what other systems tell us, each with a proof of its own instead of a
// sign-in.
type Hooks interface {
	// Take takes a message from an endpoint. sign.ErrSignature when it is not proven.
	Take(ctx context.Context, endpoint string, h http.Header, body []byte) error
}

// longestHook is how much a system may tell at once.
const longestHook = 1 << 20

// takeHook is outside of the API, whose callers sign in.
func (s *Server) takeHook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestHook))
	if err != nil {
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			writeProblem(w, http.StatusRequestEntityTooLarge, "more than is taken at once")
			return
		}
		writeProblem(w, http.StatusBadRequest, "the body cannot be read")
		return
	}
	err = s.cfg.Hooks.Take(r.Context(), r.PathValue("endpoint"), r.Header, body)
	if err == nil {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	p, fault := problem(err)
	if fault {
		s.log.Error("hook", zap.String("endpoint", r.PathValue("endpoint")), zap.Error(err))
	}
	detail := p.Error()
	if m, ok := errors.AsType[*huma.ErrorModel](p); ok {
		detail = m.Detail
	}
	writeProblem(w, p.GetStatus(), detail)
}
