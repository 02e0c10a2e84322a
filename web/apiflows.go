package web

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"firstline/ivr"
)

// Flows is what the centre in force plays to callers, and who is in it.
type Flows interface {
	Flows(now time.Time) []FlowRow
	// Picture is one flow with its counts, or ErrNotFound.
	Picture(flow string, now time.Time) (ivr.Picture, error)
	// Versions is the centres that are kept, the newest first.
	Versions(ctx context.Context) ([]CentreVersion, error)
}

// FlowRow is one flow.
type FlowRow struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Nodes   int      `json:"nodes"`
	Numbers []string `json:"numbers" doc:"that lead to it"`
	Now     int      `json:"now" doc:"calls in it"`
	Entered int      `json:"entered" doc:"calls that came to its first node today"`
	Left    int      `json:"left" doc:"of today, who hung up in it"`
}

// CentreVersion is a centre that was in force at some time.
type CentreVersion struct {
	Hash   string    `json:"hash"`
	Stored time.Time `json:"stored" doc:"when it came into force first"`
	Now    bool      `json:"now" doc:"it is in force"`
}

// FlowGraph is a flow as boxes and arrows, with their places in pixels and the calls
// at each node.
type FlowGraph struct {
	Flow string    `json:"flow"`
	At   time.Time `json:"at"`
	ivr.Drawing
}

type flowsOut struct {
	Body struct {
		Flows []FlowRow `json:"flows"`
	}
}

type versionsOut struct {
	Body struct {
		Versions []CentreVersion `json:"versions"`
	}
}

type graphIn struct {
	Flow   string `path:"flow" maxLength:"64"`
	Format string `query:"format" enum:"json,svg,mermaid,text" default:"json"`
}

func (s *Server) flowRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/flows", "list-flows", "Flows of the centre in force, and the calls in them", Agent), s.listFlows)
	register(s, api, operation(http.MethodGet, "/centre/versions", "list-versions", "Centres that were in force, newest first", Supervisor, 503), s.listVersions)
	op := operation(http.MethodGet, "/flows/{flow}/graph", "draw-flow", "A flow drawn, with the calls at each node: now, today, and who hung up there today", Agent, 404)
	drawn := &huma.MediaType{Schema: &huma.Schema{Type: "string"}}
	op.Responses = map[string]*huma.Response{"200": {
		Description: "The drawing",
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[FlowGraph](), true, "")},
			"image/svg+xml":    drawn, "text/vnd.mermaid": drawn, "text/plain": drawn,
		},
	}}
	register(s, api, op, s.drawFlow)
}

func (s *Server) listFlows(context.Context, *struct{}) (*flowsOut, error) {
	out := new(flowsOut)
	out.Body.Flows = append([]FlowRow{}, s.cfg.Flows.Flows(time.Now())...)
	return out, nil
}

func (s *Server) listVersions(ctx context.Context, _ *struct{}) (*versionsOut, error) {
	versions, err := s.cfg.Flows.Versions(ctx)
	if err != nil {
		return nil, err
	}
	out := new(versionsOut)
	out.Body.Versions = append([]CentreVersion{}, versions...)
	return out, nil
}

func (s *Server) drawFlow(_ context.Context, in *graphIn) (*huma.StreamResponse, error) {
	now := time.Now()
	p, err := s.cfg.Flows.Picture(in.Flow, now)
	if err != nil {
		return nil, err
	}
	kind, body := "application/json", []byte(nil)
	switch in.Format {
	case "svg":
		kind, body = "image/svg+xml", []byte(p.SVG())
	case "mermaid":
		kind, body = "text/vnd.mermaid", []byte(p.Mermaid())
	case "text":
		kind, body = "text/plain; charset=utf-8", []byte(p.Text())
	default:
		if body, err = json.Marshal(FlowGraph{Flow: in.Flow, At: now, Drawing: p.Lay()}); err != nil {
			return nil, err
		}
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", kind)
		if in.Format == "svg" { // it brings its own colours, and nothing that runs
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		}
		_, _ = w.Write(body) // the reader may have gone
	}}, nil
}

// FlowRowOf is a flow with the numbers that lead to it and the counts of its nodes.
func FlowRowOf(f *ivr.Flow, numbers []string, counts map[ivr.Place]ivr.Count) FlowRow {
	row := FlowRow{ID: f.ID, Name: f.Name, Numbers: append([]string{}, numbers...)}
	for _, node := range f.Nodes() {
		c := counts[ivr.Place{Flow: f.ID, Node: node}]
		row.Nodes++
		row.Now += c.Now
		row.Left += c.Left
		if node == f.Start() {
			row.Entered = c.Entered
		}
	}
	return row
}
