package web

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

func TestLinkLivesFifteenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{links: make(map[string]time.Time)}
		secret := d.newLink(time.Now())
		time.Sleep(linkLife - time.Nanosecond)
		if !d.holds(secret, time.Now(), false) {
			t.Error("the link ended too early")
		}
		time.Sleep(time.Nanosecond)
		if d.holds(secret, time.Now(), true) {
			t.Error("the link lives too long")
		}
	})
}

func TestLinksThatNobodyUsesDoNotPileUp(t *testing.T) {
	d := &door{links: make(map[string]time.Time)}
	now := time.Now()
	for range 1000 {
		d.newLink(now)
	}
	last := d.newLink(now)
	if len(d.links) > maxLinks || !d.holds(last, now, false) {
		t.Errorf("%d links wait, want at most %d, the last among them", len(d.links), maxLinks)
	}
}

func TestPagesAreServedBuiltOrNot(t *testing.T) {
	built := fstest.MapFS{
		".keep": {}, "index.html": {Data: []byte("the one page")}, "assets/a-123.js": {Data: []byte("js")},
	}
	bare := fstest.MapFS{".keep": {}}
	for _, c := range []struct {
		name string
		file fs.FS
		path string
		code int
		body string
		keep string
	}{
		{"built", built, "/", 200, "the one page", "no-cache"},
		{"built", built, "/calls/0198", 200, "the one page", "no-cache"},
		{"built", built, "/index.html", 404, "no such file", "no-store"},
		{"built", built, "/assets/a-123.js", 200, "js", "public, max-age=31536000, immutable"},
		{"built", built, "/assets/gone.js", 404, "no such file", "no-store"},
		{"built", built, "/.keep", 404, "no such file", "no-store"},
		{"built", built, "/../go.mod", 404, "no such file", "no-store"},
		{"bare", bare, "/", 200, "built without its pages", "no-store"},
		{"bare", bare, "/calls/0198", 200, "built without its pages", "no-store"},
		{"bare", bare, "/plain.css", 200, "color-scheme", "no-cache"},
	} {
		w := httptest.NewRecorder()
		p := &pages{log: zap.NewNop(), file: c.file}
		p.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://desk"+c.path, nil))
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.body) || w.Header().Get("Cache-Control") != c.keep {
			t.Errorf("%s %s: %d %q kept %q", c.name, c.path, w.Code, w.Body, w.Header().Get("Cache-Control"))
		}
	}
}

func TestPanicIsAProblemAndALine(t *testing.T) {
	s := &Server{log: zap.NewNop()}
	w := httptest.NewRecorder()
	s.recovered(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })).
		ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Code != 500 || strings.Contains(w.Body.String(), "boom") || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
