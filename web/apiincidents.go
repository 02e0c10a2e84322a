package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/intake/incident"
)

// Incidents is the problems that are known: incident.List, whose errors count.
type Incidents interface {
	// Incidents returns the newest first.
	Incidents() []incident.Incident
	Declare(ctx context.Context, d incident.Declaration) (incident.Incident, error)
	Tell(ctx context.Context, id call.IncidentID, prompt string, message call.RecordingID, by string) (incident.Incident, error)
	End(ctx context.Context, id call.IncidentID, by, note string) (incident.Incident, error)
}

// Incident is a problem that is known: its callers are told before they wait.
type Incident struct {
	ID        call.IncidentID  `json:"id"`
	Title     string           `json:"title"`
	Queue     call.QueueID     `json:"queue" doc:"the service, by where its callers go"`
	Clients   []string         `json:"clients" doc:"whose callers are meant; empty: all"`
	Ticket    call.TicketID    `json:"ticket"`
	Prompt    string           `json:"prompt,omitempty" doc:"key of what callers hear; absent with no recording: the built-in one"`
	Recording call.RecordingID `json:"recording,omitempty" doc:"heard instead"`
	Declared  Act              `json:"declared"`
	Ended     *Act             `json:"ended,omitempty"`
	Open      bool             `json:"open"`
	Count     int              `json:"count" doc:"callers who said that they are affected"`
	Affected  []AffectedCaller `json:"affected"`
}

// AffectedCaller wants to be told when it is over.
type AffectedCaller struct {
	At     time.Time     `json:"at"`
	Call   call.ID       `json:"call"`
	Ticket call.TicketID `json:"ticket"`
	Number string        `json:"number,omitempty" doc:"empty when withheld"`
}

func incidentView(i *incident.Incident) Incident {
	v := Incident{
		ID: i.ID, Title: i.Title, Queue: i.Queue, Clients: append([]string{}, i.Clients...), Ticket: i.Ticket, Prompt: i.Prompt, Recording: i.Message,
		Declared: Act{At: i.At, By: i.By}, Open: i.Open(), Count: len(i.Affected), Affected: []AffectedCaller{},
	}
	if !i.Open() {
		v.Ended = &Act{At: i.Ended, By: i.EndedBy, Note: i.Note}
	}
	for _, a := range i.Affected {
		v.Affected = append(v.Affected, AffectedCaller(a))
	}
	return v
}

type incidentsOut struct {
	Body struct {
		Incidents []Incident `json:"incidents"`
	}
}

type incidentOut struct{ Body Incident }

type declareIn struct {
	Body struct {
		Title     string           `json:"title" minLength:"1" maxLength:"200"`
		Queue     call.QueueID     `json:"queue" minLength:"1" maxLength:"100"`
		Clients   []string         `json:"clients,omitempty" maxItems:"100" doc:"whose callers are meant; none: all"`
		Prompt    string           `json:"prompt,omitempty" maxLength:"100" doc:"key of what callers hear"`
		Recording call.RecordingID `json:"recording,omitempty" maxLength:"100" doc:"heard instead, such as a message that was left by phone"`
	}
}

type tellIn struct {
	ID   call.IncidentID `path:"id" maxLength:"100"`
	Body struct {
		Prompt    string           `json:"prompt,omitempty" maxLength:"100"`
		Recording call.RecordingID `json:"recording,omitempty" maxLength:"100"`
	}
}

type endIncidentIn struct {
	ID   call.IncidentID `path:"id" maxLength:"100"`
	Body struct {
		Note string `json:"note,omitempty" maxLength:"1000"`
	}
}

func (s *Server) incidentRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/incidents", "list-incidents", "Known incidents, newest first, with who is affected", Agent), s.listIncidents)
	register(s, api, operation(http.MethodPost, "/incidents", "declare-incident", "Tell a service's callers of a problem that is known", Supervisor, 409, 422, 503), s.declareIncident)
	register(s, api, operation(http.MethodPatch, "/incidents/{id}", "tell-incident", "Change what the callers hear, at once", Supervisor, 409, 422, 503), s.tellIncident)
	register(s, api, operation(http.MethodPost, "/incidents/{id}/end", "end-incident", "Say that it is over", Supervisor, 409, 503), s.endIncident)
}

func (s *Server) listIncidents(context.Context, *struct{}) (*incidentsOut, error) {
	out := new(incidentsOut)
	out.Body.Incidents = []Incident{}
	for _, i := range s.cfg.Incidents.Incidents() {
		out.Body.Incidents = append(out.Body.Incidents, incidentView(&i))
	}
	return out, nil
}

func (s *Server) declareIncident(ctx context.Context, in *declareIn) (*incidentOut, error) {
	i, err := s.cfg.Incidents.Declare(ctx, incident.Declaration{
		Queue: in.Body.Queue, Clients: in.Body.Clients, Title: in.Body.Title, Prompt: in.Body.Prompt, Message: in.Body.Recording, By: s.by(ctx),
	})
	return &incidentOut{Body: incidentView(&i)}, err
}

func (s *Server) tellIncident(ctx context.Context, in *tellIn) (*incidentOut, error) {
	i, err := s.cfg.Incidents.Tell(ctx, in.ID, in.Body.Prompt, in.Body.Recording, s.by(ctx))
	return &incidentOut{Body: incidentView(&i)}, err
}

func (s *Server) endIncident(ctx context.Context, in *endIncidentIn) (*incidentOut, error) {
	i, err := s.cfg.Incidents.End(ctx, in.ID, s.by(ctx), in.Body.Note)
	return &incidentOut{Body: incidentView(&i)}, err
}
