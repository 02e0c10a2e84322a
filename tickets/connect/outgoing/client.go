package outgoing

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Config bounds a Client's requests.
type Config struct {
	Guard  Guard
	Within time.Duration // of a whole request: 10 s
	Bytes  int64         // of an answer that are read: 256 KiB
	TLS    *tls.Config   // for tests and own authorities; nil: the system's
}

// Client sends requests, each within its bounds. It is safe for many goroutines.
type Client struct {
	cfg  Config
	http *http.Client
	idle func()
}

// New returns a client.
func New(c Config) *Client {
	c.Within, c.Bytes = cmp.Or(c.Within, 10*time.Second), cmp.Or(c.Bytes, 256<<10)
	clear, secure := transport(c, true), transport(c, false)
	return &Client{cfg: c, http: &http.Client{
		Transport:     byScheme{clear: clear, secure: secure},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, idle: func() { clear.CloseIdleConnections(); secure.CloseIdleConnections() }}
}

func transport(c Config, clear bool) *http.Transport {
	d := &net.Dialer{Timeout: min(5*time.Second, c.Within), KeepAlive: 15 * time.Second, Control: c.Guard.control(clear)}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS != nil {
		conf = c.TLS.Clone()
	}
	return &http.Transport{
		Proxy:                  nil, // a proxy would be asked to connect where we may not
		DialContext:            d.DialContext,
		TLSClientConfig:        conf,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    4,
		MaxConnsPerHost:        16,
		IdleConnTimeout:        30 * time.Second,
		DisableCompression:     true, // a small answer stays small
		ForceAttemptHTTP2:      true,
	}
}

// byScheme sends what is not encrypted through a dialer that is stricter.
type byScheme struct{ clear, secure *http.Transport }

func (s byScheme) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" {
		return s.secure.RoundTrip(r)
	}
	return s.clear.RoundTrip(r)
}

// Answer is what came back.
type Answer struct {
	Status     int
	Header     http.Header
	Body       []byte        // at most the client's bound
	RetryAfter time.Duration // 0 when it was not said
}

// ErrTooLong means that the answer is longer than is read.
var ErrTooLong = errors.New("outgoing: the answer is too long")

// Do sends a request and reads the answer. A redirect is an answer like others. An
// answer that ends too early or too late is an error.
func (c *Client) Do(r *http.Request) (Answer, error) {
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.Within)
	defer cancel()
	res, err := c.http.Do(r.WithContext(ctx))
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	a := Answer{Status: res.StatusCode, Header: res.Header, RetryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	a.Body, err = io.ReadAll(io.LimitReader(res.Body, c.cfg.Bytes+1))
	switch {
	case err != nil:
		return a, fmt.Errorf("read the answer: %w", err)
	case int64(len(a.Body)) > c.cfg.Bytes:
		return a, fmt.Errorf("%w: more than %d bytes", ErrTooLong, c.cfg.Bytes)
	}
	return a, nil
}

// Close gives idle connections back.
func (c *Client) Close() { c.idle() }

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	if s, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
