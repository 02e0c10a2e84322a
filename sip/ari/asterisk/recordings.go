package asterisk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"
)

// Record says how a channel is recorded.
type Record struct {
	Name        string        // a path below Asterisk's recordings, without a suffix
	Format      string        // "ulaw", "wav", …
	IfExists    string        // "fail" (default), "overwrite", "append"
	MaxDuration time.Duration // whole seconds; 0: no limit
	MaxSilence  time.Duration // whole seconds; 0: no limit
	Terminate   string        // digit that ends it: "none" (default), "any", "*", "#"
	Beep        bool
}

// RecordChannel records what a channel says. A live recording of that name on
// that channel, from an earlier attempt, is returned; any other recording of that
// name is ErrConflict. That the channel is in a bridge, with which it cannot be
// recorded, is told by RecordingFailed; a channel that Create made stays in one of
// Asterisk's own until it is put into another.
func (c *Client) RecordChannel(ctx context.Context, channel string, r Record) (LiveRecording, error) {
	body := map[string]any{"name": r.Name, "format": r.Format}
	putText(body, "ifExists", r.IfExists)
	putText(body, "terminateOn", r.Terminate)
	putSeconds(body, "maxDurationSeconds", r.MaxDuration)
	putSeconds(body, "maxSilenceSeconds", r.MaxSilence)
	if r.Beep {
		body["beep"] = true
	}
	op := post(body, "channels", channel, "record")
	if !fs.ValidPath(r.Name) || r.Name == "." { // Asterisk goes where dots lead
		return LiveRecording{}, c.failed(op, fmt.Errorf("%q is no name of a recording", r.Name))
	}
	var out LiveRecording
	err := c.do(ctx, op, &out)
	if s, ok := errors.AsType[*StatusError](err); ok && s.Status == http.StatusConflict {
		return c.recorded(ctx, channel, r.Name, s)
	}
	return out, err
}

// recorded says what a 409 for a new recording means.
func (c *Client) recorded(ctx context.Context, channel, name string, said *StatusError) (LiveRecording, error) {
	live, err := c.LiveRecording(ctx, name)
	switch {
	case err == nil && live.Target == "channel:"+channel:
		return live, nil
	case err == nil:
		said.kind = ErrConflict
		return LiveRecording{}, said
	case !errors.Is(err, ErrNotFound):
		return LiveRecording{}, err
	}
	switch err := c.do(ctx, get("recordings", "stored", name), nil); {
	case err == nil:
		said.kind = ErrConflict
	case !errors.Is(err, ErrNotFound):
		return LiveRecording{}, err
	}
	return LiveRecording{}, said
}

// LiveRecording returns a recording under way.
func (c *Client) LiveRecording(ctx context.Context, name string) (LiveRecording, error) {
	var out LiveRecording
	err := c.do(ctx, get("recordings", "live", name), &out)
	return out, err
}

// StopRecording ends a recording and keeps it; gone is no error, nor is one that
// ends already.
func (c *Client) StopRecording(ctx context.Context, name string) error {
	op := post(nil, "recordings", "live", name, "stop")
	op.kinds = map[int]error{http.StatusConflict: ErrNotFound}
	return gone(c.do(ctx, op, nil))
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

// StoredFile copies a finished recording's file to w and returns how many bytes
// that were. It takes as long as it takes while something comes, and gives up when
// nothing does for Config.Timeout. What came short is ErrAway, never a success.
func (c *Client) StoredFile(ctx context.Context, name string, w io.Writer) (int64, error) {
	op := get("recordings", "stored", name, "file")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slow := time.AfterFunc(c.cfg.Timeout, func() { cancel(errSlow) })
	defer slow.Stop()
	resp, err := c.send(ctx, op)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 {
		return 0, c.failed(op, errors.New("the answer does not say how long it is"))
	}
	body := &watched{r: resp.Body, slow: slow, after: c.cfg.Timeout}
	n, err := io.Copy(w, body)
	switch {
	case body.err != nil:
		return n, c.away(ctx, op, body.err)
	case err != nil:
		return n, c.failed(op, err)
	}
	return n, nil
}

// watched puts a time-out off with everything that comes.
type watched struct {
	r     io.Reader
	slow  *time.Timer
	after time.Duration
	err   error // why reading ended, when not at the end
}

// Read reads.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.slow.Reset(w.after)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// DeleteStored deletes a finished recording; gone is no error.
func (c *Client) DeleteStored(ctx context.Context, name string) error {
	return gone(c.do(ctx, del("recordings", "stored", name), nil))
}
