package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"
)

const (
	prefix      = "/api/v1"
	maxBody     = 64 << 10
	defaultPage = 50
	maxPage     = 500
)

// arraysOnce guards huma's own global: a list is never null here.
var arraysOnce sync.Once //nolint:gochecknoglobals // beside the global of the library that it guards

// routes registers the API on mux.
func (s *Server) routes(mux *http.ServeMux) huma.API {
	arraysOnce.Do(func() { huma.DefaultArrayNullable = false })
	c := huma.DefaultConfig("firstline", "1")
	c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", nil // no pages from elsewhere, no $schema in bodies
	c.Info.Description = "Calls, tickets, queues, agents, recordings and the journal of a support line. " +
		"Durations are integers in milliseconds, instants RFC 3339."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":  {Type: "http", Scheme: "bearer"},
		"cookie": {Type: "apiKey", In: "cookie", Name: s.door.cookies.Cookie.Name},
	}
	c.RejectUnknownQueryParameters = true
	api := humago.New(mux, c)
	api.UseMiddleware(s.allowed(api))

	s.callRoutes(api)
	s.callbackRoutes(api)
	s.lostRoutes(api)
	s.blockRoutes(api)
	s.incidentRoutes(api)
	s.endpointRoutes(api)
	s.hoursRoutes(api)
	s.onCallRoutes(api)
	s.pageRoutes(api)
	s.flowRoutes(api)
	s.nodeRoutes(api)
	s.directoryRoutes(api)
	s.ticketRoutes(api)
	s.boardRoutes(api)
	s.deviceRoutes(api)
	s.queueRoutes(api)
	s.rosterRoutes(api)
	s.fallbackRoutes(api)
	s.recordingRoutes(api)
	s.journalRoutes(api)
	s.reportRoutes(api)
	return api
}

// operation describes one verb of the API and the least role that may use it.
func operation(method, path, id, summary string, least Role, errs ...int) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: prefix + path, Summary: summary,
		Description:  "Needs the role " + string(least) + " or more.",
		Security:     []map[string][]string{{"token": {}}, {"cookie": {}}},
		Errors:       append([]int{http.StatusUnauthorized, http.StatusForbidden}, errs...),
		MaxBodyBytes: maxBody,
		Metadata:     map[string]any{"least": least},
	}
}

// register adds a verb; errors go through the one table in status.go.
func register[I, O any](s *Server, api huma.API, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err == nil {
			return out, nil
		}
		p, fault := problem(err)
		if fault {
			s.log.Error("request", zap.String("operation", op.OperationID), zap.Error(err))
		}
		return nil, p
	})
}

// authenticated finds out who asks, once, before anything is decided.
func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil { // net/url would drop what it cannot read
			writeProblem(w, http.StatusBadRequest, "the query cannot be read")
			return
		}
		who, err := s.door.identify(r)
		switch {
		case errors.Is(err, errSignedOut):
			w.Header().Set("WWW-Authenticate", `Bearer realm="firstline"`)
			writeProblem(w, http.StatusUnauthorized, "sign in, or send a valid token")
		case err != nil:
			s.log.Error("sign-in check", zap.Error(err))
			writeProblem(w, http.StatusServiceUnavailable, "sign-in cannot be checked just now")
		default:
			next.ServeHTTP(w, r.WithContext(withWho(r.Context(), who)))
		}
	})
}

// allowed lets a verb be used by its least role and those above. A verb that
// names none is open to nobody.
func (s *Server) allowed(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		least, named := ctx.Operation().Metadata["least"].(Role)
		who := whoOf(ctx.Context())
		if !named || !who.Role.may(least) {
			if err := huma.WriteErr(api, ctx, http.StatusForbidden, "your role may not do this"); err != nil {
				s.log.Debug("answer", zap.Error(err))
			}
			return
		}
		next(ctx)
	}
}

// unknownAPI answers for paths that the API lacks: 405 when another method would
// do, else 404.
func (s *Server) unknownAPI(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var does []string
		for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
			other := r.Clone(r.Context())
			other.Method = m
			if _, pattern := mux.Handler(other); pattern != "/api/" {
				does = append(does, m)
			}
		}
		if len(does) > 0 && !slices.Contains(does, r.Method) {
			w.Header().Set("Allow", strings.Join(does, ", "))
			writeProblem(w, http.StatusMethodNotAllowed, "this resource does not do "+r.Method)
			return
		}
		writeProblem(w, http.StatusNotFound, "the API has no such resource")
	}
}

// writeProblem answers outside of huma in the same shape (RFC 9457).
func writeProblem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Status: status, Title: titleOf(status), Detail: detail}) // the reader may have gone
}

// page cuts a list, asked for with one row too many, to its limit, and says
// after which row the next page begins.
func page[R any](rows []R, limit int, id func(R) string) (cut []R, next string) {
	if len(rows) <= limit {
		return rows, ""
	}
	rows = rows[:limit]
	return rows, id(rows[limit-1])
}

// Paging is what lists take. Exported, because huma fills in embedded fields only then.
type Paging struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
	Cursor string `query:"cursor" maxLength:"100" doc:"next of the page before"`
}
