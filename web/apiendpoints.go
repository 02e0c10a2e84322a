package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/intake/alert"
	"firstline/tickets/connect"
	"firstline/tickets/connect/sign"
)

// Endpoints is who is told of tickets: connect.List and connect.Engine, whose errors
// count.
type Endpoints interface {
	Endpoints() []connect.Endpoint
	Endpoint(id call.EndpointID) (connect.Endpoint, error)
	Status(id call.EndpointID) connect.Status
	Add(ctx context.Context, s call.EndpointSet) (p connect.Endpoint, secret string, err error)
	Change(ctx context.Context, s call.EndpointSet) (connect.Endpoint, error)
	Remove(ctx context.Context, id call.EndpointID, by string) error
	PutSecret(ctx context.Context, id call.EndpointID, name, value, by string) error
	Try(ctx context.Context, id call.EndpointID, by string) (connect.Delivery, error)
	Deliveries(ctx context.Context, f connect.DeliveryFilter) ([]connect.Delivery, error)
	Delivery(ctx context.Context, id string) (connect.Delivery, error)
	Replay(ctx context.Context, id string) (connect.Delivery, error)
	ReplayAll(ctx context.Context, id call.EndpointID) (int, error)
}

// Endpoint is a place that is told of tickets.
type Endpoint struct {
	ID call.EndpointID `json:"id"`
	EndpointSetting
	Kind     string          `json:"kind" enum:"webhook,connector,mail,sms,alerts"`
	Made     time.Time       `json:"made"`
	Changed  Act             `json:"changed"`
	Disabled string          `json:"disabled,omitempty" doc:"why nothing is sent until it is set anew"`
	Secrets  []SecretGiven   `json:"secrets" doc:"which were given; they are never shown"`
	Secret   string          `json:"secret,omitempty" doc:"the signing secret of a new webhook, told this once"`
	Status   *EndpointStatus `json:"status"`
}

// EndpointSetting is what people say of an endpoint.
type EndpointSetting struct {
	Name     string            `json:"name" minLength:"1" maxLength:"200"`
	URL      string            `json:"url,omitempty" maxLength:"2000"`
	Preset   string            `json:"preset,omitempty" maxLength:"100" doc:"of a connector or an SMS service"`
	Settings map[string]string `json:"settings,omitempty" doc:"of the preset"`
	Types    []string          `json:"types,omitempty" maxItems:"50" doc:"of message; none: all"`
	Clients  []string          `json:"clients,omitempty" maxItems:"200" doc:"whose tickets; none: all"`
	Priority int               `json:"priority,omitempty" minimum:"0" maximum:"5" doc:"the least that is told, 1 being the highest; 0: all"`
	Paused   bool              `json:"paused,omitempty"`
}

// SecretGiven says that there is a secret.
type SecretGiven struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

// EndpointStatus is how its delivery does.
type EndpointStatus struct {
	Runs    bool       `json:"runs"`
	Fault   string     `json:"fault,omitempty" doc:"why it cannot begin"`
	Pending int        `json:"pending" doc:"messages that wait"`
	Failed  int        `json:"failed" doc:"requests in a row that it did not take"`
	Held    *time.Time `json:"held,omitempty" doc:"nothing is tried before"`
}

// Delivery is one message for one endpoint.
type Delivery struct {
	ID       string          `json:"id" doc:"the same on every try"`
	Endpoint call.EndpointID `json:"endpoint"`
	Key      string          `json:"key" doc:"the ticket, call or person that it is about"`
	Type     connect.Type    `json:"type"`
	State    connect.State   `json:"state" enum:"waiting,delivered,dead,expired"`
	Made     time.Time       `json:"made"`
	Due      *time.Time      `json:"due,omitempty" doc:"of the next try"`
	Ended    *time.Time      `json:"ended,omitempty"`
	Attempts int             `json:"attempts"`
	Last     string          `json:"last,omitempty" doc:"what the last try met"`
	Payload  json.RawMessage `json:"payload,omitempty" doc:"the message; of one delivery only"`
}

func (s *Server) endpointView(p *connect.Endpoint) Endpoint {
	st := s.cfg.Endpoints.Status(p.ID)
	v := Endpoint{
		ID: p.ID, Kind: p.Kind, Made: p.Made, Changed: Act{At: p.Changed, By: p.By}, Disabled: p.Disabled, Secrets: []SecretGiven{},
		EndpointSetting: EndpointSetting{p.Name, p.URL, p.Preset, p.Settings, p.Types, p.Clients, p.Priority, p.Paused},
		Status:          &EndpointStatus{Runs: st.Runs, Fault: st.Fault, Pending: st.Pending, Failed: st.Failed},
	}
	if !st.Held.IsZero() {
		v.Status.Held = &st.Held
	}
	for name, at := range p.Secrets {
		v.Secrets = append(v.Secrets, SecretGiven{name, at})
	}
	slices.SortFunc(v.Secrets, func(a, b SecretGiven) int { return cmp.Compare(a.Name, b.Name) })
	return v
}

func deliveryView(d *connect.Delivery) Delivery {
	v := Delivery{ID: d.ID, Endpoint: d.Endpoint, Key: d.Key, Type: d.Type, State: d.State, Made: d.Made, Attempts: d.Attempts, Last: d.Last}
	if d.State == connect.Waiting {
		v.Due = &d.Due
	} else {
		v.Ended = &d.Ended
	}
	return v
}

// setting is what is to be kept of an endpoint.
func (s EndpointSetting) setting(id call.EndpointID, kind, by string) call.EndpointSet {
	return call.EndpointSet{
		Endpoint: id, Kind: kind, Name: s.Name, URL: s.URL, Preset: s.Preset, Settings: s.Settings, Types: s.Types,
		Clients: s.Clients, Priority: s.Priority, Paused: s.Paused, By: by,
	}
}

type endpointsOut struct {
	Body struct {
		Endpoints []Endpoint `json:"endpoints"`
	}
}

type endpointOut struct{ Body Endpoint }

type endpointIn struct {
	ID call.EndpointID `path:"id" maxLength:"40"`
}

type addEndpointIn struct {
	Body struct {
		ID   call.EndpointID `json:"id" pattern:"^[a-z0-9][a-z0-9-]{0,39}$" doc:"how it is called from now on"`
		Kind string          `json:"kind" enum:"webhook,connector,mail,sms,alerts"`
		EndpointSetting
	}
}

type changeEndpointIn struct {
	ID   call.EndpointID `path:"id" maxLength:"40"`
	Body EndpointSetting
}

type secretIn struct {
	ID   call.EndpointID `path:"id" maxLength:"40"`
	Name string          `path:"name" maxLength:"40" doc:"signing, token, password, …"`
	Body struct {
		Value string `json:"value,omitempty" maxLength:"10000" doc:"absent for signing and inbound: one is made, and told this once"`
	}
}

type secretOut struct {
	Body struct {
		Secret string `json:"secret,omitempty"`
	}
}

type historyOut struct {
	Body struct {
		Events []call.Event `json:"events" doc:"of this endpoint, oldest first"`
	}
}

type deliveriesIn struct {
	Paging
	Endpoint call.EndpointID `query:"endpoint" maxLength:"40"`
	State    connect.State   `query:"state" enum:"waiting,delivered,dead,expired"`
	Key      string          `query:"key" maxLength:"200" doc:"a ticket's number"`
}

type deliveriesOut struct {
	Body struct {
		Deliveries []Delivery `json:"deliveries" doc:"newest first"`
		Next       string     `json:"next,omitempty"`
	}
}

type deliveryIn struct {
	ID string `path:"id" maxLength:"100"`
}

type deliveryOut struct{ Body Delivery }

type replayedOut struct {
	Body struct {
		Count int `json:"count"`
	}
}

func (s *Server) endpointRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/endpoints", "list-endpoints", "Who is told of tickets, and how that does", Supervisor), s.listEndpoints)
	register(s, api, operation(http.MethodPost, "/endpoints", "add-endpoint", "Have another system told of tickets from now on", Supervisor, 409, 422, 503), s.addEndpoint)
	register(s, api, operation(http.MethodGet, "/endpoints/{id}", "get-endpoint", "One endpoint", Supervisor, 404), s.getEndpoint)
	register(s, api, operation(http.MethodPut, "/endpoints/{id}", "set-endpoint", "Set an endpoint anew; one that was disabled is tried again", Supervisor, 404, 422, 503), s.changeEndpoint)
	register(s, api, operation(http.MethodDelete, "/endpoints/{id}", "remove-endpoint", "Tell it nothing any more", Supervisor, 404, 503), s.removeEndpoint)
	register(s, api, operation(http.MethodPut, "/endpoints/{id}/secrets/{name}", "set-endpoint-secret", "Give a secret, which is never shown again", Supervisor, 404, 422, 503), s.putSecret)
	register(s, api, operation(http.MethodPost, "/endpoints/{id}/try", "try-endpoint", "Send a message that says nothing, to see whether it arrives", Supervisor, 404, 503), s.tryEndpoint)
	register(s, api, operation(http.MethodGet, "/endpoints/{id}/history", "endpoint-history", "Who changed the endpoint, and when", Supervisor, 503), s.endpointHistory)
	register(s, api, operation(http.MethodPost, "/endpoints/{id}/replay", "replay-endpoint", "Send all its dead letters again", Supervisor, 404, 503), s.replayEndpoint)
	register(s, api, operation(http.MethodGet, "/deliveries", "list-deliveries", "Messages and what became of them", Supervisor, 422, 503), s.listDeliveries)
	register(s, api, operation(http.MethodGet, "/deliveries/{id}", "get-delivery", "One message, with its content", Supervisor, 404, 503), s.getDelivery)
	register(s, api, operation(http.MethodPost, "/deliveries/{id}/replay", "replay-delivery", "Send a dead letter again, with its id", Supervisor, 404, 422, 503), s.replayDelivery)
}

func (s *Server) listEndpoints(context.Context, *struct{}) (*endpointsOut, error) {
	out := new(endpointsOut)
	out.Body.Endpoints = []Endpoint{}
	for _, p := range s.cfg.Endpoints.Endpoints() {
		out.Body.Endpoints = append(out.Body.Endpoints, s.endpointView(&p))
	}
	return out, nil
}

func (s *Server) addEndpoint(ctx context.Context, in *addEndpointIn) (*endpointOut, error) {
	p, secret, err := s.cfg.Endpoints.Add(ctx, in.Body.setting(in.Body.ID, in.Body.Kind, s.by(ctx)))
	if err != nil {
		return nil, err
	}
	out := &endpointOut{Body: s.endpointView(&p)}
	out.Body.Secret = secret
	return out, nil
}

func (s *Server) getEndpoint(_ context.Context, in *endpointIn) (*endpointOut, error) {
	p, err := s.cfg.Endpoints.Endpoint(in.ID)
	if err != nil {
		return nil, err
	}
	return &endpointOut{Body: s.endpointView(&p)}, nil
}

func (s *Server) changeEndpoint(ctx context.Context, in *changeEndpointIn) (*endpointOut, error) {
	was, err := s.cfg.Endpoints.Endpoint(in.ID)
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.Endpoints.Change(ctx, in.Body.setting(in.ID, was.Kind, s.by(ctx)))
	if err != nil {
		return nil, err
	}
	return &endpointOut{Body: s.endpointView(&p)}, nil
}

func (s *Server) removeEndpoint(ctx context.Context, in *endpointIn) (*struct{}, error) {
	return nil, s.cfg.Endpoints.Remove(ctx, in.ID, s.by(ctx))
}

func (s *Server) putSecret(ctx context.Context, in *secretIn) (*secretOut, error) {
	out := new(secretOut)
	value := in.Body.Value
	if value == "" && (in.Name == connect.SigningSecret || in.Name == connect.InboundSecret) {
		value = connect.NewSigningSecret()
		out.Body.Secret = value
	}
	if err := s.cfg.Endpoints.PutSecret(ctx, in.ID, in.Name, value, s.by(ctx)); err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Server) tryEndpoint(ctx context.Context, in *endpointIn) (*deliveryOut, error) {
	d, err := s.cfg.Endpoints.Try(ctx, in.ID, s.by(ctx))
	return &deliveryOut{Body: deliveryView(&d)}, err
}

func (s *Server) endpointHistory(ctx context.Context, in *endpointIn) (*historyOut, error) {
	out := new(historyOut)
	out.Body.Events = []call.Event{}
	stream := call.Stream{Kind: call.StreamEndpoint, ID: call.EndpointStream}
	for after := int64(0); ; {
		evs, err := s.cfg.Events.Events(ctx, EventFilter{After: after, Stream: stream, Limit: 500})
		if err != nil {
			return nil, err
		}
		for _, e := range evs {
			if connect.About(e) == in.ID {
				out.Body.Events = append(out.Body.Events, e)
			}
			after = e.Global
		}
		if len(evs) < 500 {
			return out, nil
		}
	}
}

func (s *Server) replayEndpoint(ctx context.Context, in *endpointIn) (*replayedOut, error) {
	if _, err := s.cfg.Endpoints.Endpoint(in.ID); err != nil {
		return nil, err
	}
	n, err := s.cfg.Endpoints.ReplayAll(ctx, in.ID)
	out := new(replayedOut)
	out.Body.Count = n
	return out, err
}

func (s *Server) listDeliveries(ctx context.Context, in *deliveriesIn) (*deliveriesOut, error) {
	rows, err := s.cfg.Endpoints.Deliveries(ctx, connect.DeliveryFilter{Endpoint: in.Endpoint, State: in.State, Key: in.Key, Before: in.Cursor, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	out := new(deliveriesOut)
	out.Body.Deliveries = []Delivery{}
	rows, out.Body.Next = page(rows, in.Limit, func(d connect.Delivery) string { return d.ID })
	for _, d := range rows {
		out.Body.Deliveries = append(out.Body.Deliveries, deliveryView(&d))
	}
	return out, nil
}

func (s *Server) getDelivery(ctx context.Context, in *deliveryIn) (*deliveryOut, error) {
	d, err := s.cfg.Endpoints.Delivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &deliveryOut{Body: deliveryView(&d)}
	out.Body.Payload = d.Payload
	return out, nil
}

func (s *Server) replayDelivery(ctx context.Context, in *deliveryIn) (*deliveryOut, error) {
	d, err := s.cfg.Endpoints.Replay(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &deliveryOut{Body: deliveryView(&d)}, nil
}

// endpointProblem is the part of problem that is about hooks; nil when err is not.
func endpointProblem(err error) huma.StatusError {
	switch {
	case isAny(err, sign.ErrSignature, sign.ErrStale):
		return huma.Error401Unauthorized("who you are is not proven")
	case errors.Is(err, alert.ErrFormat):
		return huma.Error422UnprocessableEntity(err.Error())
	}
	return nil
}
