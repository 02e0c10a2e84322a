package asterisk

import (
	"context"
	"net/http"
	"net/url"
)

// Ping asks for a sign of life.
func (c *Client) Ping(ctx context.Context) error {
	return c.do(ctx, get("asterisk", "ping"), nil)
}

// Info says which Asterisk this is, and since when it runs.
func (c *Client) Info(ctx context.Context) (Info, error) {
	op := get("asterisk", "info")
	op.query = url.Values{"only": {"system,status"}}
	var out Info
	err := c.do(ctx, op, &out)
	return out, err
}

// Application returns this client's application; before the first connection it is
// ErrNotFound.
func (c *Client) Application(ctx context.Context) (Application, error) {
	var out Application
	err := c.do(ctx, get("applications", c.cfg.Application), &out)
	return out, err
}

// Subscribe asks for the events of sources beyond the application's own channels:
// "endpoint:PJSIP", "endpoint:PJSIP/desk1", "channel:…", "bridge:…", "deviceState:…".
// It ends when the event socket does.
func (c *Client) Subscribe(ctx context.Context, sources ...string) error {
	op := post(map[string]any{"eventSource": sources}, "applications", c.cfg.Application, "subscription")
	op.kinds = map[int]error{http.StatusUnprocessableEntity: ErrNotFound}
	return c.do(ctx, op, nil)
}

// Endpoints lists the phones and trunks of a technology ("PJSIP"); empty: all.
func (c *Client) Endpoints(ctx context.Context, tech string) ([]Endpoint, error) {
	op := get("endpoints")
	if tech != "" {
		op = get("endpoints", tech)
	}
	var out []Endpoint
	err := c.do(ctx, op, &out)
	return out, err
}

// Endpoint returns one phone or trunk.
func (c *Client) Endpoint(ctx context.Context, tech, resource string) (Endpoint, error) {
	var out Endpoint
	err := c.do(ctx, get("endpoints", tech, resource), &out)
	return out, err
}

// Claim takes a call that Asterisk offered to all applications. ErrConflict:
// another was faster; ErrUnsupported: this Asterisk is too old.
func (c *Client) Claim(ctx context.Context, channel string) error {
	op := post(map[string]any{"channelId": channel, "application": c.cfg.Application}, "events", "claim")
	op.kinds = map[int]error{http.StatusConflict: ErrConflict}
	return c.do(ctx, op, nil)
}
