package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Nodes are the exchanges that are driven. An unknown one is ErrNotFound.
type Nodes interface {
	Nodes() []Node
	// Drain stops new calls at a node, or lets them in again; those under way go on.
	Drain(ctx context.Context, name string, drain bool, by string) error
}

// Node is how one exchange is.
type Node struct {
	Name       string     `json:"name"`
	Up         bool       `json:"up"`
	Since      *time.Time `json:"since,omitempty" doc:"of the connection"`
	Fault      string     `json:"fault,omitempty" doc:"why it is away"`
	Draining   bool       `json:"draining,omitempty" doc:"takes no new calls"`
	Calls      int        `json:"calls" doc:"that came in there"`
	Legs       int        `json:"legs"`
	Recordings int        `json:"recordings"`
}

type nodesOut struct {
	Body struct {
		Nodes []Node `json:"nodes"`
	}
}

type drainIn struct {
	Name string `path:"id" maxLength:"64"`
	Body struct {
		Drain bool `json:"drain"`
	}
}

func (s *Server) nodeRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/nodes", "list-nodes", "Exchanges that are driven", Supervisor), s.listNodes)
	register(s, api, operation(http.MethodPut, "/nodes/{id}/drain", "drain-node", "Stop new calls at an exchange, or let them in again", Admin, 404), s.drainNode)
}

func (s *Server) listNodes(context.Context, *struct{}) (*nodesOut, error) {
	out := new(nodesOut)
	out.Body.Nodes = []Node{}
	if s.cfg.Nodes != nil {
		out.Body.Nodes = append(out.Body.Nodes, s.cfg.Nodes.Nodes()...)
	}
	return out, nil
}

func (s *Server) drainNode(ctx context.Context, in *drainIn) (*struct{}, error) {
	if s.cfg.Nodes == nil {
		return nil, ErrNotFound
	}
	return nil, s.cfg.Nodes.Drain(ctx, in.Name, in.Body.Drain, s.by(ctx))
}
