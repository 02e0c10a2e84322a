package asterisk

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"go.uber.org/zap"
)

// Client speaks with one Asterisk. Its operations may be called at any time and
// from any goroutine; Run reads the events.
type Client struct {
	cfg      Config
	base     string // Config.URL without a slash at its end
	log      *zap.Logger
	rest     *http.Client // for operations
	events   *http.Client // for the event socket, which must not take one of their connections
	running  atomic.Bool  // Run is
	replaced atomic.Bool  // somebody else has the application: act no more
	ghosts   ghosts
	unsure   *unsure       // what may have been done
	suspect  chan struct{} // an operation got no answer: look at the socket now
}

// Handler takes the events of one Asterisk. Run calls it from one goroutine, in
// the order in which Asterisk sent them. It must not block for long: what comes
// meanwhile waits in a bounded queue.
type Handler interface {
	// Connected says that every event from here on will be handed over, which has been
	// tried: those that come while it runs wait, and follow it. It is called for each connection; ctx
	// ends with that connection.
	Connected(ctx context.Context)
	Event(e Event)
	// Disconnected follows each Connected: events from here on are missed. err says why.
	Disconnected(err error)
	// Unreached says why an attempt to connect has failed; others follow.
	Unreached(err error)
}

// New returns a client; nothing is sent yet.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Name == "" {
		cfg.Name = u.Host
	}
	cfg = cfg.withDefaults()
	return &Client{
		cfg:     cfg,
		base:    strings.TrimRight(cfg.URL, "/"),
		log:     cfg.Log.With(zap.String("asterisk", cfg.Name)),
		rest:    &http.Client{Transport: transport(cfg), CheckRedirect: stay},
		events:  &http.Client{Transport: transport(cfg), CheckRedirect: stay},
		unsure:  newUnsure(),
		suspect: make(chan struct{}, 1),
	}, nil
}

// Name is the name of this Asterisk.
func (c *Client) Name() string { return c.cfg.Name }

// Close gives back idle connections. Operations still work afterwards.
func (c *Client) Close() {
	c.rest.CloseIdleConnections()
	c.events.CloseIdleConnections()
}

// stay follows no redirect: Asterisk sends none, and nobody else gets the password.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
