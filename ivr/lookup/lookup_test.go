package lookup_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/ivr/lookup"
)

func target(t *testing.T, h http.HandlerFunc) lookup.Target {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return lookup.Target{URL: s.URL, Token: "t0ken"}
}

func TestAnAnswerIsAnObject(t *testing.T) {
	to := target(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || string(b) != `{"account":"4711","pin":"8765"}` || r.Header.Get("Authorization") != "Bearer t0ken" {
			t.Errorf("%s %s, %s", r.Method, b, r.Header.Get("Authorization"))
		}
		_, _ = w.Write([]byte(`{"name":"Ana","tickets":2,"vip":true}`))
	})
	got, err := (&lookup.Client{}).Ask(t.Context(), to, map[string]string{"account": "4711", "pin": "8765"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]any{"name": "Ana", "tickets": 2.0, "vip": true}, got); d != "" {
		t.Errorf("answer (-want +got):\n%s", d)
	}
}

func TestWhatIsNoAnswerSaysSoWithoutWhatWasAsked(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"nobody":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, lookup.ErrMissing},
		"a fault": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, lookup.ErrAnswer},
		"a page":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, lookup.ErrAnswer},
		"null":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("null")) }, lookup.ErrAnswer},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		}, lookup.ErrAnswer},
		"too much": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"a":"` + strings.Repeat("x", 70_000) + `"}`))
		}, lookup.ErrAnswer},
		"no server": {nil, nil},
		"in no time": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // the server notes that its client is gone only then
			<-r.Context().Done()
		}, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			to := lookup.Target{URL: "http://127.0.0.1:1/"}
			if c.answer != nil {
				to = target(t, c.answer)
			}
			if name == "in no time" {
				to.Budget = 50 * time.Millisecond
			}
			_, err := (&lookup.Client{}).Ask(t.Context(), to, map[string]string{"pin": "8765"})
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "8765") {
				t.Errorf("the PIN is in %v", err)
			}
		})
	}
}
