package asterisk

import (
	"context"
	"errors"
	"net/http"
)

// Bridges lists all bridges, also those that are not ours.
func (c *Client) Bridges(ctx context.Context) ([]Bridge, error) {
	var out []Bridge
	err := c.do(ctx, get("bridges"), &out)
	return out, err
}

// Bridge returns one bridge.
func (c *Client) Bridge(ctx context.Context, id string) (Bridge, error) {
	var out Bridge
	err := c.do(ctx, get("bridges", id), &out)
	return out, err
}

// CreateBridge makes a bridge of a kind: "mixing", "holding", with attributes
// after a comma ("mixing,dtmf_events"). What exists already is returned.
func (c *Client) CreateBridge(ctx context.Context, id, kind, name string) (Bridge, error) {
	body := map[string]any{}
	putText(body, "type", kind)
	putText(body, "name", name)
	op := post(body, "bridges", id)
	op.kinds = map[int]error{http.StatusConflict: ErrConflict}
	var out Bridge
	err := c.do(ctx, op, &out)
	if errors.Is(err, ErrConflict) {
		return c.Bridge(ctx, id)
	}
	return out, err
}

// AddChannel puts channels into a bridge. ErrNotFound: the bridge or one of the
// channels is gone.
func (c *Client) AddChannel(ctx context.Context, bridge string, channels ...string) error {
	op := post(map[string]any{"channel": channels}, "bridges", bridge, "addChannel")
	op.kinds = map[int]error{http.StatusBadRequest: ErrNotFound, http.StatusUnprocessableEntity: ErrState}
	return c.do(ctx, op, nil)
}

// RemoveChannel takes channels out of a bridge; that they are not in it, or are
// gone, is no error.
func (c *Client) RemoveChannel(ctx context.Context, bridge string, channels ...string) error {
	op := post(map[string]any{"channel": channels}, "bridges", bridge, "removeChannel")
	op.kinds = map[int]error{http.StatusBadRequest: ErrNotFound, http.StatusUnprocessableEntity: ErrNotFound}
	return gone(c.do(ctx, op, nil))
}

// DestroyBridge ends a bridge; its channels stay.
func (c *Client) DestroyBridge(ctx context.Context, id string) error {
	return gone(c.do(ctx, del("bridges", id), nil))
}

// BridgeMOH plays music on hold to everybody in a bridge.
func (c *Client) BridgeMOH(ctx context.Context, bridge, class string) error {
	body := map[string]any{}
	putText(body, "mohClass", class)
	return c.do(ctx, post(body, "bridges", bridge, "moh"), nil)
}

// StopBridgeMOH ends BridgeMOH.
func (c *Client) StopBridgeMOH(ctx context.Context, bridge string) error {
	return gone(c.do(ctx, del("bridges", bridge, "moh"), nil))
}
