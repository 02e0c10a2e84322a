package web_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"firstline/web"
	"firstline/web/webtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a running server on a desk in memory.
type desk struct {
	*webtest.World
	t      *testing.T
	server *web.Server
	client *http.Client
	made   int // things that once made
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	return newDeskWith(t, func(*web.Config) {})
}

// newDeskWith is a desk with another configuration.
func newDeskWith(t *testing.T, with func(*web.Config)) *desk {
	t.Helper()
	w := webtest.New()
	for _, r := range []web.Role{web.Kiosk, web.Agent, web.Supervisor, web.Admin} {
		w.Roles[sum(string(r)+"-token")] = r
	}
	c := w.Config()
	with(&c)
	return runDesk(t, w, c)
}

func runDesk(t *testing.T, w *webtest.World, c web.Config) *desk {
	t.Helper()
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return &desk{World: w, t: t, server: s, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func sum(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}

// ask sends a request with a token ("" for none) and headers as "Name: value".
func (d *desk) ask(method, path, token, body string, headers ...string) *http.Response {
	d.t.Helper()
	url := path
	if strings.HasPrefix(path, "/") {
		url = "http://" + d.server.Addr() + path
	}
	req, err := http.NewRequestWithContext(d.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := d.client.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { res.Body.Close() })
	return res
}

func (d *desk) browser() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	d.client.Jar = jar
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func decode[T any](t *testing.T, r *http.Response) T {
	t.Helper()
	var v T
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
		t.Fatalf("%s %s: %v", r.Request.Method, r.Request.URL.Path, err)
	}
	return v
}

func wantStatus(t *testing.T, r *http.Response, want int) {
	t.Helper()
	if r.StatusCode != want {
		t.Fatalf("%s %s: %s, want %d: %s", r.Request.Method, r.Request.URL.Path, r.Status, want, text(t, r))
	}
}

// message is one server-sent event.
type message struct {
	id, event, data string
}

// messages reads a live stream.
func messages(t *testing.T, r *http.Response) func() (message, bool) {
	t.Helper()
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 1<<20)
	return func() (message, bool) {
		var m message
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				m.id = value
			case "event":
				m.event = value
			case "data":
				m.data = value
			case "":
				if m.event != "" {
					return m, true
				}
			}
		}
		return m, false
	}
}

// until reads messages until ok says so.
func until(t *testing.T, next func() (message, bool), ok func(message) bool) message {
	t.Helper()
	for {
		m, more := next()
		if !more {
			t.Fatal("the stream ended")
		}
		if ok(m) {
			return m
		}
	}
}

// clock is an instant near now, to microseconds as the journal has it.
func clock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
