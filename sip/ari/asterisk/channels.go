package asterisk

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Create is a channel to be made, not yet dialled.
type Create struct {
	ID         string            // ours
	Endpoint   string            // "PJSIP/desk1"
	Args       string            // of the application, comma-separated
	Originator string            // channel whose formats it takes; not together with Formats
	Formats    string            // "ulaw,alaw"
	Variables  map[string]string // "PJSIP_HEADER(add,X-Ticket)", …
}

// External is a channel whose audio goes to or comes from a program.
type External struct {
	ID            string
	Host          string // "127.0.0.1:4000"
	Format        string // "ulaw"
	Encapsulation string // "rtp" (default), "audiosocket", "none"
	Transport     string // "udp" (default), "tcp", "websocket"
	Connection    string // "client" (default), "server"
	Data          string // of AudioSocket: a UUID
	Variables     map[string]string
}

// Channels lists all channels, also those that are not ours.
func (c *Client) Channels(ctx context.Context) ([]Channel, error) {
	var out []Channel
	err := c.do(ctx, get("channels"), &out)
	return out, err
}

// Channel returns one channel.
func (c *Client) Channel(ctx context.Context, id string) (Channel, error) {
	var out Channel
	err := c.do(ctx, get("channels", id), &out)
	return out, err
}

// Create makes a channel, which Dial then calls. It returns when the channel has
// entered the application, so that it takes commands. When a channel of that id is
// there already, from an earlier attempt, that one is returned. ErrUnreachable:
// there is no such endpoint, or nobody is registered there.
func (c *Client) Create(ctx context.Context, cr Create) (Channel, error) {
	body := map[string]any{"channelId": cr.ID, "endpoint": cr.Endpoint, "app": c.cfg.Application}
	putText(body, "appArgs", cr.Args)
	putText(body, "originator", cr.Originator)
	putText(body, "formats", cr.Formats)
	if len(cr.Variables) > 0 {
		body["variables"] = cr.Variables
	}
	op := post(body, "channels", "create")
	op.kinds = map[int]error{http.StatusConflict: ErrConflict, http.StatusInternalServerError: ErrUnreachable}
	ch, err := c.ensure(ctx, op, cr.ID)
	if err != nil {
		return ch, err
	}
	return ch, c.entered(ctx, cr.ID)
}

// ensure makes a channel. Of one that is there already Asterisk says 409, or, where
// it makes no difference between that and other faults, 500.
func (c *Client) ensure(ctx context.Context, op operation, id string) (Channel, error) {
	var out Channel
	err := c.do(ctx, op, &out)
	s, ok := errors.AsType[*StatusError](err)
	if !ok || s.Status != http.StatusConflict && s.Status != http.StatusInternalServerError {
		return out, err
	}
	there, lookErr := c.Channel(ctx, id)
	switch {
	case errors.Is(lookErr, ErrNotFound):
		return Channel{}, err
	case lookErr != nil:
		return Channel{}, lookErr
	case !c.ours(there):
		s.kind = ErrConflict
		return Channel{}, s
	}
	return there, nil
}

// ours says whether a channel may be of our making: one that another application
// has is not. Before it enters ours, Asterisk names none.
func (c *Client) ours(ch Channel) bool {
	app, _, _ := strings.Cut(ch.Dialplan.AppData, ",")
	return ch.Dialplan.AppName != "Stasis" || app == c.cfg.Application
}

const (
	enterPause = 5 * time.Millisecond // before the second look at whether a channel has entered; longer each time
	enterMark  = "ARI_CLIENT"         // variable of a channel that has taken a command
	enterGone  = time.Second          // a new channel that is not to be found for so long has ended
)

// entered waits until a channel takes commands. Asterisk answers before the
// channel's own thread is in the application (409), or even its description where
// operations look for it (404).
func (c *Client) entered(ctx context.Context, id string) error {
	began := time.Now()
	for pause := enterPause; ; pause *= 2 {
		err := c.SetVariable(ctx, id, enterMark, c.cfg.Application) // the least of all commands
		age := time.Since(began) + pause
		switch {
		case errors.Is(err, ErrNotFound) && age < enterGone:
		case errors.Is(err, ErrState) && age < c.cfg.Timeout:
		default:
			return err
		}
		if !sleep(ctx, pause) {
			return err
		}
	}
}

// Dial calls a channel that Create made. caller, when given, is the channel whose
// variables and language it inherits. The timeout counts in whole seconds; 0 means
// none. To dial what has been dialled is no error.
func (c *Client) Dial(ctx context.Context, id, caller string, timeout time.Duration) error {
	body := map[string]any{}
	putText(body, "caller", caller)
	putSeconds(body, "timeout", timeout)
	err := c.do(ctx, post(body, "channels", id, "dial"), nil)
	if !errors.Is(err, ErrState) {
		return err
	}
	ch, lookErr := c.Channel(ctx, id)
	switch {
	case lookErr != nil:
		return lookErr
	case ch.State != "Down" && c.ours(ch):
		return nil
	}
	return err
}

// Answer answers.
func (c *Client) Answer(ctx context.Context, id string) error {
	return c.do(ctx, post(nil, "channels", id, "answer"), nil)
}

// Ring lets the caller hear that it rings (180).
func (c *Client) Ring(ctx context.Context, id string) error {
	return c.do(ctx, post(nil, "channels", id, "ring"), nil)
}

// StopRing ends Ring.
func (c *Client) StopRing(ctx context.Context, id string) error {
	return gone(c.do(ctx, del("channels", id, "ring"), nil))
}

// Hangup ends a channel with a Q.850 cause, or, when that is 0, with one of ARI's
// reasons ("normal", "busy", "congestion", …); gone is no error.
func (c *Client) Hangup(ctx context.Context, id string, q850 int, reason string) error {
	op := del("channels", id)
	switch {
	case q850 > 0:
		op.query = url.Values{"reason_code": {strconv.Itoa(q850)}}
	case reason != "":
		op.query = url.Values{"reason": {reason}}
	}
	return gone(c.do(ctx, op, nil))
}

// Play plays media ("sound:…", "tone:…", "recording:…") one after the other. It
// returns when they are queued, also those that do not exist; what happens is told
// by events. Asterisk would play a repeated playback twice. When the answer to an
// earlier attempt was lost, it is not begun again while it is there.
func (c *Client) Play(ctx context.Context, channel, playback string, media ...string) (Playback, error) {
	key := "play " + playback
	if c.unsure.has(key) {
		there, err := c.Playback(ctx, playback)
		if !errors.Is(err, ErrNotFound) {
			c.unsure.note(time.Now(), key, err)
			return there, err
		}
	}
	var out Playback
	err := c.do(ctx, post(map[string]any{"media": media}, "channels", channel, "play", playback), &out)
	c.unsure.note(time.Now(), key, err)
	return out, err
}

// Playback returns something that plays, or waits to; what has ended is ErrNotFound.
func (c *Client) Playback(ctx context.Context, playback string) (Playback, error) {
	var out Playback
	err := c.do(ctx, get("playbacks", playback), &out)
	return out, err
}

// StopPlayback ends Play; gone is no error.
func (c *Client) StopPlayback(ctx context.Context, playback string) error {
	return gone(c.do(ctx, del("playbacks", playback), nil))
}

// StartMOH plays music on hold of a class; empty: the channel's own.
func (c *Client) StartMOH(ctx context.Context, channel, class string) error {
	body := map[string]any{}
	putText(body, "mohClass", class)
	return c.do(ctx, post(body, "channels", channel, "moh"), nil)
}

// StopMOH ends StartMOH.
func (c *Client) StopMOH(ctx context.Context, channel string) error {
	return gone(c.do(ctx, del("channels", channel, "moh"), nil))
}

// SendDTMF plays digits to the channel's far end, each of that length and with
// that pause between two; 0 means 100 ms. When its answer is lost nobody can say
// whether they were played.
func (c *Client) SendDTMF(ctx context.Context, channel, digits string, between, length time.Duration) error {
	body := map[string]any{"dtmf": digits}
	putMillis(body, "between", between)
	putMillis(body, "duration", length)
	return c.do(ctx, post(body, "channels", channel, "dtmf"), nil)
}

// Variable returns a channel's variable or function, "CALLERID(name)".
// ErrNotFound: the channel is gone, or it has no such variable.
func (c *Client) Variable(ctx context.Context, channel, name string) (string, error) {
	op := get("channels", channel, "variable")
	op.query = url.Values{"variable": {name}}
	var out struct {
		Value string `json:"value"`
	}
	err := c.do(ctx, op, &out)
	return out.Value, err
}

// SetVariable sets a channel's variable or function to exactly that text.
func (c *Client) SetVariable(ctx context.Context, channel, name, value string) error {
	return c.do(ctx, post(map[string]any{"variable": name, "value": value}, "channels", channel, "variable"), nil)
}

// Mute silences a channel's "in" (what it says), "out" (what it hears) or "both".
func (c *Client) Mute(ctx context.Context, channel, direction string) error {
	return c.do(ctx, post(map[string]any{"direction": direction}, "channels", channel, "mute"), nil)
}

// Unmute ends Mute.
func (c *Client) Unmute(ctx context.Context, channel, direction string) error {
	op := del("channels", channel, "mute")
	op.query = url.Values{"direction": {direction}}
	return gone(c.do(ctx, op, nil))
}

// StartSilence plays silence, so that the far end has media.
func (c *Client) StartSilence(ctx context.Context, channel string) error {
	return c.do(ctx, post(nil, "channels", channel, "silence"), nil)
}

// StopSilence ends StartSilence.
func (c *Client) StopSilence(ctx context.Context, channel string) error {
	return gone(c.do(ctx, del("channels", channel, "silence"), nil))
}

// Continue gives a channel back to the dialplan. What is empty, or 0, stays as it
// is; a label goes before a priority.
func (c *Client) Continue(ctx context.Context, channel, context, exten string, priority int, label string) error {
	body := map[string]any{}
	putText(body, "context", context)
	putText(body, "extension", exten)
	if priority > 0 {
		body["priority"] = priority
	}
	putText(body, "label", label)
	return c.do(ctx, post(body, "channels", channel, "continue"), nil)
}

// Redirect sends the far end elsewhere (REFER, or 302 before the answer). ErrState:
// it is not of the endpoint's technology, or not in the application.
func (c *Client) Redirect(ctx context.Context, channel, endpoint string) error {
	op := post(map[string]any{"endpoint": endpoint}, "channels", channel, "redirect")
	op.kinds = map[int]error{http.StatusUnprocessableEntity: ErrState}
	return c.do(ctx, op, nil)
}

// TransferProgress tells a phone that asked for a transfer how that goes:
// "channel_progress", "channel_answered", "channel_unavailable", "channel_declined".
// ErrUnsupported: Asterisk is older than 20.13, 21.8 or 22.3.
func (c *Client) TransferProgress(ctx context.Context, channel, state string) error {
	err := c.do(ctx, post(map[string]any{"states": state}, "channels", channel, "transfer_progress"), nil)
	return c.ifOffered(ctx, err, "channels", "/channels/{channelId}/transfer_progress")
}

// Snoop makes a channel that hears ("spy") or is heard ("whisper") in another's
// direction: "none", "in", "out", "both". What exists already is returned. Like
// Create it returns when the channel takes commands.
func (c *Client) Snoop(ctx context.Context, channel, snoop, spy, whisper, args string) (Channel, error) {
	body := map[string]any{"app": c.cfg.Application}
	putText(body, "spy", spy)
	putText(body, "whisper", whisper)
	putText(body, "appArgs", args)
	ch, err := c.ensure(ctx, post(body, "channels", channel, "snoop", snoop), snoop)
	if err != nil {
		return ch, err
	}
	return ch, c.entered(ctx, snoop)
}

// ExternalMedia makes a channel whose audio a program sends and gets. What exists
// already is returned. It takes commands from its StasisStart on, which may wait for
// the program to connect.
func (c *Client) ExternalMedia(ctx context.Context, x External) (Channel, error) {
	body := map[string]any{"app": c.cfg.Application, "channelId": x.ID, "format": x.Format}
	putText(body, "external_host", x.Host)
	putText(body, "encapsulation", x.Encapsulation)
	putText(body, "transport", x.Transport)
	putText(body, "connection_type", x.Connection)
	putText(body, "data", x.Data)
	if len(x.Variables) > 0 {
		body["variables"] = x.Variables
	}
	return c.ensure(ctx, post(body, "channels", "externalMedia"), x.ID)
}

// RTPStats returns what Asterisk knows of a channel's audio. ErrState: the channel
// has no RTP.
func (c *Client) RTPStats(ctx context.Context, channel string) (RTPStats, error) {
	op := get("channels", channel, "rtp_statistics")
	op.kinds = map[int]error{http.StatusForbidden: ErrState}
	var out RTPStats
	err := c.do(ctx, op, &out)
	out.Lost, out.FarLost = notBelowZero(out.Lost), notBelowZero(out.FarLost)
	return out, err
}

// notBelowZero mends a 32-bit count that went below zero: with packets that came
// twice more were received than expected.
func notBelowZero(n uint64) uint64 {
	if n > 1<<31 {
		return 0
	}
	return n
}

func putText(body map[string]any, key, value string) {
	if value != "" {
		body[key] = value
	}
}

// putSeconds rounds up, so that a short time does not become none.
func putSeconds(body map[string]any, key string, d time.Duration) {
	if d > 0 {
		body[key] = int((d + time.Second - 1) / time.Second)
	}
}

func putMillis(body map[string]any, key string, d time.Duration) {
	if d > 0 {
		body[key] = int(max(d, time.Millisecond).Milliseconds())
	}
}
