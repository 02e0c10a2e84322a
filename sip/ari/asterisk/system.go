package asterisk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
// "endpoint:PJSIP/desk1", "endpoint:PJSIP" (all of them), "deviceState:PJSIP/desk1",
// "deviceState:" (all of them), "channel:…", "bridge:…". ErrNotFound: there is no
// such source. It has to be asked again for each connection.
//
// An endpoint's events include those of all its channels, also of those that are
// not in the application; what is in it is told twice, of which Run hands one over.
func (c *Client) Subscribe(ctx context.Context, sources ...string) error {
	op := post(map[string]any{"eventSource": sources}, "applications", c.cfg.Application, "subscription")
	op.kinds = map[int]error{http.StatusUnprocessableEntity: ErrNotFound}
	return c.do(ctx, op, nil)
}

// Withhold asks Asterisk not to send events of these types, in place of an earlier
// list. ApplicationReplaced and ChannelUserevent must not be among them: the client
// itself needs them.
func (c *Client) Withhold(ctx context.Context, types ...string) error {
	for _, needed := range []string{"ApplicationReplaced", "ChannelUserevent"} {
		if slices.Contains(types, needed) {
			return fmt.Errorf("asterisk: %s cannot be withheld", needed)
		}
	}
	type filter struct {
		Type string `json:"type"`
	}
	list := make([]filter, len(types))
	for i, t := range types {
		list[i].Type = t
	}
	op := post(map[string]any{"disallowed": list}, "applications", c.cfg.Application, "eventFilter")
	op.method = http.MethodPut
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

// ifOffered says whether a 404 means that the path itself is not there: whether
// Asterisk's own description of itself lists it.
func (c *Client) ifOffered(ctx context.Context, err error, chapter, path string) error {
	s, ok := errors.AsType[*StatusError](err)
	if !ok || s.Status != http.StatusNotFound {
		return err
	}
	var doc struct {
		APIs []struct {
			Path string `json:"path"`
		} `json:"apis"`
	}
	if lookErr := c.do(ctx, get("api-docs", chapter+".json"), &doc); lookErr != nil {
		return errors.Join(err, lookErr)
	}
	for _, api := range doc.APIs {
		if api.Path == path {
			return err
		}
	}
	s.kind = ErrUnsupported
	return s
}
