package web_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"firstline/web"
	"firstline/web/webtest"
)

// standBy runs a Standby; end ends it and leaves the port open.
func standBy(t *testing.T) (s *web.Standby, end func()) {
	t.Helper()
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "role", Help: "A role."}, func() float64 { return 1 }))
	s, err := web.NewStandby(web.StandbyConfig{
		Listen: "127.0.0.1:0", Log: zap.NewNop(), Metrics: metrics, Status: func() string { return "standby, owner is a:1" },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() {
		end()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, end
}

// fetch asks over a connection of its own.
func fetch(ctx context.Context, method, url string) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, "", err
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res, string(b), err
}

func TestAStandbyIsHealthyAndNotReadyAndSaysWhoIs(t *testing.T) {
	s, _ := standBy(t)
	for _, c := range []struct {
		method, path string
		status       int
		kind, says   string
	}{
		{"GET", "/healthz", 200, "text/plain", "ok"},
		{"GET", "/readyz", 503, "application/problem+json", "standby, owner is a:1"},
		{"GET", "/metrics", 200, "text/plain", "role 1"},
		{"GET", "/", 503, "application/problem+json", "stands by"},
		{"POST", "/api/v1/agents/2001/sign-in", 503, "application/problem+json", "stands by"},
		{"GET", "/openapi.json", 503, "application/problem+json", "stands by"},
	} {
		res, body, err := fetch(t.Context(), c.method, "http://"+s.Addr()+c.path)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != c.status || !strings.HasPrefix(res.Header.Get("Content-Type"), c.kind) || !strings.Contains(body, c.says) {
			t.Errorf("%s %s: %d %s %s", c.method, c.path, res.StatusCode, res.Header.Get("Content-Type"), body)
		}
		if c.kind == "application/problem+json" {
			var p struct{ Status int }
			if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != c.status {
				t.Errorf("%s %s: %v, problem %+v", c.method, c.path, err, p)
			}
		}
		if res.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s %s has no policy", c.method, c.path)
		}
	}
}

// A balancer that asks all the time never meets a closed port, nor another
// program's: port 0 stays the same one.
func TestAServerTakesTheStandbysPortOverWithoutClosingIt(t *testing.T) {
	s, end := standBy(t)
	addr := s.Addr()
	var asked sync.WaitGroup
	for range 4 {
		asked.Go(func() {
			for {
				res, _, err := fetch(t.Context(), "GET", "http://"+addr+"/readyz")
				if err != nil {
					t.Errorf("no answer: %v", err)
					return
				}
				if res.StatusCode == http.StatusOK {
					return
				}
			}
		})
	}
	end()
	w := webtest.New()
	c := w.Config()
	var err error
	if c.Listener, err = s.Listener(); err != nil {
		t.Fatal(err)
	}
	d := runDesk(t, w, c)
	asked.Wait()
	if d.server.Addr() != addr {
		t.Errorf("the server is at %s, the standby was at %s", d.server.Addr(), addr)
	}
}

func TestAStandbyNamesThePortThatAnotherProgramHas(t *testing.T) {
	s, _ := standBy(t)
	_, err := web.NewStandby(web.StandbyConfig{Listen: s.Addr(), Log: zap.NewNop(), Metrics: prometheus.NewRegistry()})
	if err == nil || !strings.Contains(err.Error(), s.Addr()) {
		t.Errorf("got %v", err)
	}
}
