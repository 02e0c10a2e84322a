package asterisk

import (
	"context"
	"fmt"
	"io"
)

// RecordChannel records what a channel says. A live recording of that name on
// that channel, from an earlier attempt, is returned; another one is ErrConflict.
func (c *Client) RecordChannel(ctx context.Context, channel string, r Record) (LiveRecording, error) {
	body := map[string]any{"name": r.Name, "format": r.Format}
	putText(body, "ifExists", r.IfExists)
	putText(body, "terminateOn", r.Terminate)
	putSeconds(body, "maxDurationSeconds", r.MaxDuration)
	putSeconds(body, "maxSilenceSeconds", r.MaxSilence)
	if r.Beep {
		body["beep"] = true
	}
	var out LiveRecording
	err := c.do(ctx, post(body, "channels", channel, "record"), &out)
	return out, err
}

// LiveRecording returns a recording under way.
func (c *Client) LiveRecording(ctx context.Context, name string) (LiveRecording, error) {
	var out LiveRecording
	err := c.do(ctx, get("recordings", "live", name), &out)
	return out, err
}

// StopRecording ends a recording and keeps it; gone is no error.
func (c *Client) StopRecording(ctx context.Context, name string) error {
	return gone(c.do(ctx, post(nil, "recordings", "live", name, "stop"), nil))
}

// PauseRecording stops its time line.
func (c *Client) PauseRecording(ctx context.Context, name string) error {
	return c.do(ctx, post(nil, "recordings", "live", name, "pause"), nil)
}

// ResumeRecording ends PauseRecording.
func (c *Client) ResumeRecording(ctx context.Context, name string) error {
	return c.do(ctx, del("recordings", "live", name, "pause"), nil)
}

// MuteRecording records silence; the time line goes on.
func (c *Client) MuteRecording(ctx context.Context, name string) error {
	return c.do(ctx, post(nil, "recordings", "live", name, "mute"), nil)
}

// UnmuteRecording ends MuteRecording.
func (c *Client) UnmuteRecording(ctx context.Context, name string) error {
	return c.do(ctx, del("recordings", "live", name, "mute"), nil)
}

// StoredRecordings lists the names of finished recordings.
func (c *Client) StoredRecordings(ctx context.Context) ([]string, error) {
	var list []struct {
		Name string `json:"name"`
	}
	if err := c.do(ctx, get("recordings", "stored"), &list); err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	for i, r := range list {
		names[i] = r.Name
	}
	return names, nil
}

// StoredFile copies a finished recording's file to w and returns its length in bytes.
func (c *Client) StoredFile(ctx context.Context, name string, w io.Writer) (int64, error) {
	op := get("recordings", "stored", name, "file")
	resp, err := c.send(ctx, op)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(w, resp.Body)
	if err != nil {
		return n, fmt.Errorf("asterisk %s: GET %s: %w", c.cfg.Name, op.at(), err)
	}
	return n, nil
}

// DeleteStored deletes a finished recording; gone is no error.
func (c *Client) DeleteStored(ctx context.Context, name string) error {
	return gone(c.do(ctx, del("recordings", "stored", name), nil))
}
