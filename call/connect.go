package call

// StreamEndpoint is the story of the places that are told of tickets: one stream,
// since they are few and each event names its own.
const StreamEndpoint StreamKind = "endpoint"

// EndpointStream is its id.
const EndpointStream = "firstline"

// EndpointID names one endpoint: a word that an operator chose.
type EndpointID string

type (
	// EndpointSet makes an endpoint or changes it. No secret is ever part of it.
	EndpointSet struct {
		Endpoint EndpointID        `json:"endpoint"`
		Kind     string            `json:"kind"` // webhook, connector, mail, sms
		Name     string            `json:"name"`
		URL      string            `json:"url,omitempty"`
		Preset   string            `json:"preset,omitempty"`   // of a connector
		Settings map[string]string `json:"settings,omitempty"` // of the preset
		Types    []string          `json:"types,omitempty"`    // of message; none named: all
		Clients  []string          `json:"clients,omitempty"`  // whose tickets; none named: all
		Priority int               `json:"priority,omitempty"` // the least that is told, 1 being the highest; 0: all
		Paused   bool              `json:"paused,omitempty"`
		From     int64             `json:"from,omitempty"` // it is told of events behind this one; of the first setting only
		By       string            `json:"by"`
	}
	// EndpointDisabled says that nothing is sent any more until somebody sets it anew.
	EndpointDisabled struct {
		Endpoint EndpointID `json:"endpoint"`
		Why      string     `json:"why"`
	}
	// EndpointRemoved ends it.
	EndpointRemoved struct {
		Endpoint EndpointID `json:"endpoint"`
		By       string     `json:"by"`
	}
	// EndpointSecretSet says that a secret was given, not which.
	EndpointSecretSet struct {
		Endpoint EndpointID `json:"endpoint"`
		Secret   string     `json:"secret"` // its name: signing, token, password
		By       string     `json:"by"`
	}
	// TicketLinked says under which id an endpoint's system keeps the ticket.
	TicketLinked struct {
		Endpoint EndpointID `json:"endpoint"`
		ID       string     `json:"id"`            // for its API
		Key      string     `json:"key,omitempty"` // for people
		URL      string     `json:"url,omitempty"`
	}
)

func (EndpointSet) Type() string       { return "endpoint.set" }
func (EndpointDisabled) Type() string  { return "endpoint.disabled" }
func (EndpointRemoved) Type() string   { return "endpoint.removed" }
func (EndpointSecretSet) Type() string { return "endpoint.secret-set" }
func (TicketLinked) Type() string      { return "ticket.linked" }

func connectDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case EndpointSet{}.Type():
		return decodeAs[EndpointSet], true
	case EndpointDisabled{}.Type():
		return decodeAs[EndpointDisabled], true
	case EndpointRemoved{}.Type():
		return decodeAs[EndpointRemoved], true
	case EndpointSecretSet{}.Type():
		return decodeAs[EndpointSecretSet], true
	case TicketLinked{}.Type():
		return decodeAs[TicketLinked], true
	}
	return alertDecoder(name)
}
