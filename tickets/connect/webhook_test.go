package connect_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/tickets/connect"
	"firstline/tickets/connect/outgoing"
	"firstline/tickets/connect/sign"
)

func loopback() outgoing.Guard {
	return outgoing.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
}

// hook is a sender of webhooks to a server that answers as h does.
func hook(t *testing.T, h http.HandlerFunc, secrets map[string]string, since time.Time) connect.Sender {
	t.Helper()
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	client := outgoing.New(outgoing.Config{Guard: loopback(), Within: 2 * time.Second, Bytes: 1000, TLS: srv.Client().Transport.(*http.Transport).TLSClientConfig})
	t.Cleanup(client.Close)
	p := connect.Endpoint{ID: "crm", EndpointSet: call.EndpointSet{URL: srv.URL + "/in?x=1"}, Secrets: map[string]time.Time{connect.FormerSecret: since}}
	s, err := connect.NewWebhook(client, p, secrets)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func letter() connect.Delivery {
	return connect.Delivery{ID: "msg_1", Key: "T-1", Type: connect.TicketCreated, Payload: json.RawMessage(`{"type":"ticket.created"}`)}
}

func TestWhatARemoteAnswersDecidesWhatBecomesOfAMessage(t *testing.T) {
	secret := sign.New().Text()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   connect.Verdict
		wide   bool
		after  time.Duration
		says   string
	}{
		"takes it":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, connect.Taken, false, 0, "204"},
		"is out of sort": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, connect.Again, true, 0, "500"},
		"does not know":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, connect.Again, false, 0, "404"},
		"is gone":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, connect.Gone, false, 0, "410"},
		"redirects": {
			func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
			},
			connect.Again, true, 0, "307",
		},
		"asks for peace": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(429)
		}, connect.Again, true, 7 * time.Second, "429"},
		"asks for peace until a date": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			w.WriteHeader(503)
		}, connect.Again, true, time.Hour, "503"},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body) // only then is it seen that the client goes
			<-r.Context().Done()
		}, connect.Again, true, 0, "deadline"},
		"hangs up": {func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := w.(http.Hijacker).Hijack()
			c.Close()
		}, connect.Again, true, 0, "EOF"},
		"fails in the middle": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(502)
			w.(http.Flusher).Flush()
		}, connect.Again, true, 0, "EOF"},
		"takes it and is cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
		}, connect.Taken, false, 0, "200"},
		"answers without end": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = io.Copy(w, strings.NewReader(strings.Repeat("x", 1<<20)))
		}, connect.Again, true, 0, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			r := hook(t, c.answer, map[string]string{connect.SigningSecret: secret}, time.Time{}).Send(t.Context(), letter())
			if r.Verdict != c.want || r.Wide != c.wide || r.After.Round(10*time.Second) != c.after.Round(10*time.Second) || !strings.Contains(r.Detail, c.says) {
				t.Errorf("%+v", r)
			}
		})
	}
	if elsewhere.Load() > 0 {
		t.Error("a redirect was followed")
	}
}

func TestAWebhookIsSignedAndDuringARotationTwice(t *testing.T) {
	was, now := sign.New(), sign.New()
	for name, c := range map[string]struct {
		since    time.Time
		byFormer error
	}{
		"just rotated": {time.Now(), nil},
		"long ago":     {time.Now().Add(-25 * time.Hour), sign.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			var byNew, byOld error
			secrets := map[string]string{connect.SigningSecret: now.Text(), connect.FormerSecret: was.Text()}
			s := hook(t, func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				byNew, byOld = sign.Verify(r.Header, body, time.Now(), now), sign.Verify(r.Header, body, time.Now(), was)
				if r.Header.Get(sign.HeaderID) != "msg_1" || r.URL.RawQuery != "x=1" {
					t.Errorf("%v %v", r.URL, r.Header)
				}
			}, secrets, c.since)
			if r := s.Send(t.Context(), letter()); r.Verdict != connect.Taken || byNew != nil || byOld != c.byFormer { //nolint:errorlint // the very error
				t.Errorf("%+v; by the new secret: %v, by the one before: %v", r, byNew, byOld)
			}
		})
	}
}

func TestARemoteWhoseCertificateIsNobodysIsNotTold(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was told") }))
	defer srv.Close()
	srv.Config.ErrorLog = nil
	client := outgoing.New(outgoing.Config{Guard: loopback(), TLS: &tls.Config{MinVersion: tls.VersionTLS12}})
	defer client.Close()
	s, err := connect.NewWebhook(client, connect.Endpoint{EndpointSet: call.EndpointSet{URL: srv.URL}}, map[string]string{connect.SigningSecret: sign.New().Text()})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Send(t.Context(), letter()); r.Verdict != connect.Again || !strings.Contains(r.Detail, "certificate") {
		t.Errorf("%+v", r)
	}
}

// Real servers, real requests: one that fails in every way still hears of everything,
// of each ticket in order, each under one id.
func TestARemoteThatFailsInEveryWayHearsAllInOrder(t *testing.T) {
	var n atomic.Int32
	r := &remote{}
	secret := sign.New()
	s := hook(t, func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		var m connect.Message
		if err := json.Unmarshal(body, &m); err != nil || sign.Verify(req.Header, body, time.Now(), secret) != nil {
			w.WriteHeader(400)
			return
		}
		switch n.Add(1) % 7 {
		case 1:
			w.WriteHeader(503)
			return
		case 2:
			http.Redirect(w, req, "http://127.0.0.1:1/", http.StatusFound)
			return
		case 3:
			r.Send(req.Context(), connect.Delivery{ID: req.Header.Get(sign.HeaderID), Key: string(m.Data.Ticket.ID), Global: m.Data.Sequence})
			c, _, _ := w.(http.Hijacker).Hijack() // taken, and the answer is lost
			c.Close()
			return
		case 4:
			w.WriteHeader(429)
			return
		}
		r.Send(req.Context(), connect.Delivery{ID: req.Header.Get(sign.HeaderID), Key: string(m.Data.Ticket.ID), Global: m.Data.Sequence})
	}, map[string]string{connect.SigningSecret: secret.Text()}, time.Time{})
	checkHeard(t, s, r)
}

func checkHeard(t *testing.T, s connect.Sender, r *remote) {
	d := newDesk(t)
	d.ways = func(ctx context.Context, p connect.Endpoint, _ map[string]string, cursor int64) (connect.Way, error) {
		planner, err := connect.NewPlanner(ctx, p, cursor, d, func(call.TicketID) string { return "" })
		return connect.Way{Sender: s, Planner: planner, Pace: connect.Pace{First: 10 * time.Millisecond, Probe: 10 * time.Millisecond}}, err
	}
	d.add("crm", nil)
	want := map[string][]int64{}
	for i := range 40 {
		id := "T-" + string(rune('a'+i%8))
		if i < 8 {
			d.ticket(id, opened("acme"), classed(1))
		} else {
			d.ticket(id, noted("n"))
		}
		want[id] = append(want[id], d.Last())
	}
	deadline := time.Now().Add(time.Minute)
	for len(flat(r.heard())) < 40 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	d.stop()
	if diff := diffHeard(want, r.heard()); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func flat(m map[string][]int64) (all []int64) {
	for _, row := range m {
		all = append(all, row...)
	}
	return all
}

func diffHeard(want, got map[string][]int64) string { return gocmp.Diff(want, got) }
