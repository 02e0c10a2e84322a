package asterisk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"
)

// dial opens the event socket; Asterisk registers the application with it, so that
// from here on every event comes. User and password travel in the header and not
// as api_key: an address gets into logs.
func (c *Client) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTime)
	defer cancel()
	header := http.Header{}
	login := http.Request{Header: header}
	login.SetBasicAuth(c.cfg.User, c.cfg.Password)
	conn, resp, err := websocket.Dial(ctx, c.base+"/events?app="+url.QueryEscape(c.cfg.Application), &websocket.DialOptions{
		HTTPClient:   c.events,
		HTTPHeader:   header,
		Subprotocols: []string{"ari"},
	})
	if err == nil {
		conn.SetReadLimit(int64(c.cfg.FrameLimit))
		return conn, nil
	}
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		defer resp.Body.Close()
		return nil, c.declined(operation{method: http.MethodGet, path: []string{"events"}}, resp)
	}
	return nil, fmt.Errorf("asterisk %s: event socket: %w: %w", c.cfg.Name, ErrAway, err)
}

// read queues what comes, and does nothing else: Asterisk gives a reader up that
// does not take an event within 100 ms (websocket_write_timeout).
func (c *Client) read(ctx context.Context, conn *websocket.Conn, q *queue, heard chan string) error {
	for {
		_, b, err := conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("asterisk %s: event socket: %w", c.cfg.Name, err)
		}
		if id, ok := c.beatOf(b); ok {
			hear(heard, id)
			continue
		}
		replaced := c.isReplacement(b)
		if replaced && c.ghosts.took(time.Now()) {
			return fmt.Errorf("asterisk %s: %w", c.cfg.Name, errGhost)
		}
		if !q.put(b) {
			return fmt.Errorf("asterisk %s: %w", c.cfg.Name, ErrOverflow)
		}
		if replaced {
			c.replaced.Store(true) // at once, whatever waits in the queue
			return fmt.Errorf("asterisk %s: %w", c.cfg.Name, ErrReplaced)
		}
	}
}

func (c *Client) isReplacement(b []byte) bool {
	if !bytes.Contains(b, []byte(`"ApplicationReplaced"`)) {
		return false // nearly always
	}
	var head Head
	return json.Unmarshal(b, &head) == nil && head.Type == "ApplicationReplaced" && head.Application == c.cfg.Application
}

// keepAlive asks for a sign of life now and then, and at once when an operation
// got no answer. It returns when there is none, or when events do not arrive.
func (c *Client) keepAlive(ctx context.Context, conn *websocket.Conn, heard <-chan string) error {
	tick := time.NewTicker(c.cfg.Ping)
	defer tick.Stop()
	for {
		due := false
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			due = true
		case <-c.suspect:
		}
		if err := c.ping(ctx, conn); err != nil {
			return fmt.Errorf("asterisk %s: event socket: no sign of life: %w: %w", c.cfg.Name, ErrAway, err)
		}
		if !due {
			continue
		}
		if err := c.beat(ctx, heard); errors.Is(err, errDeaf) { // no answer to it is for the next ping
			return err
		}
	}
}

func (c *Client) ping(ctx context.Context, conn *websocket.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Pong)
	defer cancel()
	return conn.Ping(ctx)
}
