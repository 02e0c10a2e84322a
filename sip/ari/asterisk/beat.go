package asterisk

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// An open socket does not prove that events come: when one connection ends in the
// moment in which the next one begins, Asterisk 22 may take the application away
// from both, answer pings for ever, and send new calls past us. So the client sends
// itself an event now and then, through Asterisk, and looks whether it arrives.

// beatName is the event's name. It is not handed over.
const beatName = "ARIClientBeat"

var errDeaf = errors.New("the application's events do not come")

// beat says whether events arrive: errDeaf when not, another error when that could
// not be tried.
func (c *Client) beat(ctx context.Context, heard <-chan string) error {
	id := rand.Text()
	op := post(map[string]any{"application": c.cfg.Application, "variables": map[string]string{"beat": id}},
		"events", "user", beatName)
	switch err := c.do(ctx, op, nil); {
	case errors.Is(err, ErrNotFound): // it knows no such application, or nobody reads its events
		return fmt.Errorf("asterisk %s: %w", c.cfg.Name, errDeaf)
	case err != nil:
		return err
	}
	limit := time.NewTimer(c.cfg.Pong)
	defer limit.Stop()
	for {
		select {
		case got := <-heard:
			if got == id {
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-limit.C:
			return fmt.Errorf("asterisk %s: %w", c.cfg.Name, errDeaf)
		}
	}
}

// beatOf is the id of a beat, if that is what b is.
func (c *Client) beatOf(b []byte) (id string, ok bool) {
	if !bytes.Contains(b, []byte(`"`+beatName+`"`)) {
		return "", false // nearly always
	}
	var e struct {
		Head
		Name string `json:"eventname"`
		Vars struct {
			Beat string `json:"beat"`
		} `json:"userevent"`
	}
	if json.Unmarshal(b, &e) != nil || e.Type != "ChannelUserevent" || e.Name != beatName {
		return "", false
	}
	return e.Vars.Beat, true
}

// hear passes a beat on; one that nobody waits for makes room for the next.
func hear(heard chan string, id string) {
	select {
	case <-heard:
	default:
	}
	select {
	case heard <- id:
	default:
	}
}
