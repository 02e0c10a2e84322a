package web_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"firstline/call"
	"firstline/web"
	"firstline/web/webtest"
)

func TestUnderTLSTheCookieIsBoundToTheHost(t *testing.T) {
	// httptest's own certificate and the client that trusts it.
	helper := httptest.NewTLSServer(http.NotFoundHandler())
	defer helper.Close()
	w := webtest.New()
	c := w.Config()
	c.TLS = &tls.Config{Certificates: helper.TLS.Certificates, MinVersion: tls.VersionTLS12}
	d := runDesk(t, w, c)
	d.client.Transport.(*http.Transport).TLSClientConfig = helper.Client().Transport.(*http.Transport).TLSClientConfig
	link := d.server.SignInLink()
	if !strings.HasPrefix(link, "https://127.0.0.1:") {
		t.Fatalf("link %s, want https", link)
	}
	res := d.ask("POST", link, "", "")
	wantStatus(t, res, 303)
	set := res.Header.Get("Set-Cookie")
	for _, want := range []string{"__Host-firstline=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(set, want) {
			t.Errorf("cookie %q lacks %s", set, want)
		}
	}
	if res.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security over TLS")
	}
}

func TestHalfARequestIsCutAndOthersAreServedMeanwhile(t *testing.T) {
	d := newDesk(t)
	var half []net.Conn
	for range 200 {
		c, err := net.Dial("tcp", d.server.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: desk\r\nX-Slow: ")); err != nil {
			t.Fatal(err)
		}
		half = append(half, c)
	}
	wantStatus(t, d.ask("GET", "/healthz", "", ""), 200)
	for _, c := range half { // each read ends only because the server closes
		for r := bufio.NewReader(c); ; {
			if _, err := r.ReadByte(); err != nil {
				break
			}
		}
	}
}

func TestOneAddressMayNotTakeAllConnections(t *testing.T) {
	d := newDesk(t)
	var kept []net.Conn
	defer func() {
		for _, c := range kept {
			c.Close()
		}
	}()
	for range 512 {
		c, err := net.Dial("tcp", d.server.Addr())
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, c)
	}
	over, err := net.Dial("tcp", d.server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	if _, err := over.Read(make([]byte, 1)); err == nil {
		t.Error("one connection too many is served")
	}
	for _, c := range kept {
		c.Close()
	}
	kept = nil
	for { // the server notices the closes by itself
		res, err := d.client.Get("http://" + d.server.Addr() + "/healthz")
		if err == nil {
			res.Body.Close()
			return
		}
	}
}

// brokenJournal cannot be read the first time.
type brokenJournal struct {
	*webtest.World
	asked atomic.Int32
}

type brokenCursor struct{}

func (brokenCursor) Next(context.Context) ([]call.Event, error) {
	return nil, errors.New("the database refuses")
}

func (b *brokenJournal) Read(after int64) web.Cursor {
	if b.asked.Add(1) == 1 {
		return brokenCursor{}
	}
	return b.World.Read(after)
}

func TestBoardReadsOnWhenTheJournalIsBack(t *testing.T) {
	w := webtest.New()
	w.Roles[sum("agent-token")] = web.Agent
	c := w.Config()
	c.Journal = &brokenJournal{World: w}
	d := runDesk(t, w, c)
	next := messages(t, d.ask("GET", "/api/v1/live", "agent-token", ""))
	d.Arrive(clock(), "T-100001", call.Party{}).Join("service-desk")
	until(t, next, func(m message) bool { return strings.Contains(m.data, "T-100001") })
}

func TestServerStopsWhileStreamsAreOpen(t *testing.T) {
	w := webtest.New()
	w.Roles[sum("agent-token")] = web.Agent
	s, err := web.New(w.Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	d := &desk{World: w, t: t, server: s, client: &http.Client{Transport: &http.Transport{}}}
	defer d.client.CloseIdleConnections()
	next := messages(t, d.ask("GET", "/api/v1/live", "agent-token", ""))
	until(t, next, func(m message) bool { return m.event == "snapshot" })
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	for {
		if _, more := next(); !more {
			return
		}
	}
}
