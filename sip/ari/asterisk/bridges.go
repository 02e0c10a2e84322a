package asterisk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
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
	if !errors.Is(err, ErrConflict) {
		return out, err
	}
	there, lookErr := c.Bridge(ctx, id)
	if errors.Is(lookErr, ErrNotFound) { // it ends just now
		return Bridge{}, err
	}
	return there, lookErr
}

// AddChannel puts channels into a bridge, out of the one in which they are.
// ErrNotFound: the bridge or one of the channels is gone, and none was added. To
// add one again makes it leave and come back; when the answer to an earlier attempt
// was lost, those who are in it stay.
func (c *Client) AddChannel(ctx context.Context, bridge string, channels ...string) error {
	key := "add " + bridge + " " + strings.Join(channels, " ")
	if c.unsure.has(key) {
		b, err := c.Bridge(ctx, bridge)
		if err != nil {
			return err
		}
		channels = slices.DeleteFunc(slices.Clone(channels), func(ch string) bool { return slices.Contains(b.Channels, ch) })
	}
	if len(channels) == 0 {
		c.unsure.note(time.Now(), key, nil)
		return nil
	}
	op := post(map[string]any{"channel": channels}, "bridges", bridge, "addChannel")
	op.kinds = map[int]error{http.StatusBadRequest: ErrNotFound, http.StatusUnprocessableEntity: ErrState}
	err := c.do(ctx, op, nil)
	c.unsure.note(time.Now(), key, err)
	return err
}

// RemoveChannel takes channels out of a bridge; that they are not in it, or are
// gone, is no error. When one of several is, Asterisk takes none out: then they are
// taken one by one.
func (c *Client) RemoveChannel(ctx context.Context, bridge string, channels ...string) error {
	if len(channels) == 0 {
		return nil
	}
	op := post(map[string]any{"channel": channels}, "bridges", bridge, "removeChannel")
	op.kinds = map[int]error{
		http.StatusBadRequest: ErrNotFound, http.StatusUnprocessableEntity: ErrNotFound,
		http.StatusConflict: ErrNotFound, // the bridge has ended, and is on its way
	}
	err := c.do(ctx, op, nil)
	s, ok := errors.AsType[*StatusError](err)
	if !ok || len(channels) == 1 || s.Status != http.StatusBadRequest && s.Status != http.StatusUnprocessableEntity {
		return gone(err)
	}
	var faults []error
	for _, ch := range channels {
		faults = append(faults, c.RemoveChannel(ctx, bridge, ch))
	}
	return errors.Join(faults...)
}

// DestroyBridge ends a bridge; its channels stay. Gone is no error, nor is a bridge
// that has left the application: it is on its way.
func (c *Client) DestroyBridge(ctx context.Context, id string) error {
	op := del("bridges", id)
	op.kinds = map[int]error{http.StatusConflict: ErrNotFound}
	return gone(c.do(ctx, op, nil))
}

// BridgeMOH plays music on hold to everybody in a bridge.
func (c *Client) BridgeMOH(ctx context.Context, bridge, class string) error {
	body := map[string]any{}
	putText(body, "mohClass", class)
	return c.do(ctx, post(body, "bridges", bridge, "moh"), nil)
}

// StopBridgeMOH ends BridgeMOH.
func (c *Client) StopBridgeMOH(ctx context.Context, bridge string) error {
	op := del("bridges", bridge, "moh")
	op.kinds = map[int]error{http.StatusConflict: ErrNotFound} // it plays none
	return gone(c.do(ctx, op, nil))
}
