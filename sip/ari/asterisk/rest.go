package asterisk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	answerLimit  = 64 << 20 // bytes of one answer: the list of 10,000 channels is about 10 MB
	messageLimit = 200      // bytes of Asterisk's words in an error
)

// transport is for operations alone: the event socket has a connection of its own.
func transport(cfg Config) *http.Transport {
	return &http.Transport{
		// No proxy: ARI belongs in a private network.
		DialContext:         (&net.Dialer{Timeout: cfg.DialTime, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:     cfg.TLS,
		TLSHandshakeTimeout: cfg.DialTime,
		MaxConnsPerHost:     cfg.MaxConns,
		MaxIdleConns:        cfg.MaxConns,
		MaxIdleConnsPerHost: cfg.MaxConns,     // the default of 2 would close nearly every connection after one operation
		IdleConnTimeout:     10 * time.Second, // before Asterisk's session_keep_alive of 15 s, so that no request meets a closing connection
		DisableCompression:  true,
	}
}

// operation is one request. Parameters of a POST travel as a JSON body, which
// Asterisk takes in place of a query: so a value may be long (its request line is
// limited to 4096 bytes) and hold commas, and nothing of it is in a log of addresses.
type operation struct {
	method string
	path   []string       // segments below /ari, not yet escaped
	query  url.Values     // of GET and DELETE
	body   map[string]any // of POST
	kinds  map[int]error  // what a status means here, where it is not the usual
}

// meaning is the sentinel of a status, or nil.
func (op operation) meaning(status int) error {
	if kind, ok := op.kinds[status]; ok {
		return kind
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return ErrRefused
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return ErrState
	case http.StatusServiceUnavailable: // it starts, or goes down
		return ErrAway
	}
	return nil
}

// errSlow is the cause of our own time-outs; a caller's own is told apart from them.
var errSlow = errors.New("nothing came in time")

// do carries an operation out and decodes its answer into out, unless that is nil.
func (c *Client) do(ctx context.Context, op operation, out any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout, errSlow)
	defer cancel()
	resp, err := c.send(ctx, op)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	switch {
	case err != nil:
		return c.away(ctx, op, err)
	case len(b) > answerLimit:
		return c.failed(op, fmt.Errorf("the answer is longer than %d bytes", answerLimit))
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return c.failed(op, fmt.Errorf("the answer: %w", err))
	}
	return nil
}

// send returns the response when its status is a good one; its body is the caller's.
func (c *Client) send(ctx context.Context, op operation) (*http.Response, error) {
	if c.replaced.Load() {
		return nil, c.failed(op, ErrReplaced)
	}
	req, err := c.request(ctx, op)
	if err != nil {
		return nil, err
	}
	resp, err := c.rest.Do(req)
	if err != nil {
		return nil, c.away(ctx, op, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, c.declined(op, resp)
}

// declined is the error of a response that is not a good one.
func (c *Client) declined(op operation, resp *http.Response) error {
	return &StatusError{
		Node: c.cfg.Name, Method: op.method, Path: op.at(), Status: resp.StatusCode,
		Message: message(resp), kind: op.meaning(resp.StatusCode),
	}
}

func (c *Client) request(ctx context.Context, op operation) (*http.Request, error) {
	if err := op.check(); err != nil {
		return nil, c.failed(op, err)
	}
	var body io.Reader
	if len(op.body) > 0 {
		b, err := json.Marshal(op.body)
		if err != nil {
			return nil, c.failed(op, err)
		}
		body = bytes.NewReader(b)
	}
	address := c.base + op.at()
	if len(op.query) > 0 {
		address += "?" + op.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, op.method, address, body)
	if err != nil {
		return nil, c.failed(op, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.SetBasicAuth(c.cfg.User, c.cfg.Password)
	return req, nil
}

// failed is err with what was tried.
func (c *Client) failed(op operation, err error) error {
	return fmt.Errorf("asterisk %s: %s %s: %w", c.cfg.Name, op.method, op.at(), err)
}

// away is the error of an operation that got no answer. When the caller gave up
// (its context was cancelled) that is said instead.
func (c *Client) away(ctx context.Context, op operation, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // the address is said already
	}
	switch cause := context.Cause(ctx); {
	case cause == nil: // it is the transport's error
	case errors.Is(cause, errSlow), errors.Is(cause, context.DeadlineExceeded):
		err = cause
	default:
		return c.failed(op, cause)
	}
	c.rest.CloseIdleConnections() // what was cut for one was cut for all
	select {
	case c.suspect <- struct{}{}:
	default: // somebody has said it already
	}
	return c.failed(op, fmt.Errorf("%w: %w", ErrAway, err))
}

// check refuses ids that would make the path another one: a proxy in between may
// resolve dots, and Asterisk lists when an id is missing.
func (op operation) check() error {
	for _, s := range op.path {
		if s == "" || s == "." || s == ".." {
			return fmt.Errorf("%q is no id", s)
		}
	}
	return nil
}

// at is the path, escaped. Asterisk reads a plus as a space even there.
func (op operation) at() string {
	var b strings.Builder
	for _, s := range op.path {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(url.QueryEscape(s), "+", "%20"))
	}
	return b.String()
}

// message is what Asterisk said: {"message":"Channel not found"}.
func message(resp *http.Response) string {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	var said struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(b, &said) != nil || said.Message == "" {
		said.Message = said.Error
	}
	if said.Message == "" {
		said.Message = http.StatusText(resp.StatusCode)
	}
	return strings.ToValidUTF8(said.Message[:min(len(said.Message), messageLimit)], "")
}

func get(path ...string) operation {
	return operation{method: http.MethodGet, path: path}
}

func post(body map[string]any, path ...string) operation {
	return operation{method: http.MethodPost, path: path, body: body}
}

func del(path ...string) operation {
	return operation{method: http.MethodDelete, path: path}
}

// gone is err, or nil when it only says that there is nothing left to end.
func gone(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
