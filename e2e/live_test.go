//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// stream reads the live board as an EventSource does, and keeps what came.
type stream struct {
	mu     sync.Mutex // guards frames
	frames []frame
}

type frame struct{ event, data string }

// follow opens /api/v1/live until the test ends.
func (a *api) follow() *stream {
	a.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(a.t.Context()))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+"/api/v1/live", nil)
	must(a.t, err)
	req.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		cancel()
		a.t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		cancel()
		a.t.Fatalf("live stream: %s %s", resp.Status, got)
	}
	s := &stream{}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer resp.Body.Close()
		var f frame
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			switch field, value, _ := strings.Cut(lines.Text(), ": "); field {
			case "event":
				f.event = value
			case "data":
				f.data += value
			case "":
				s.keep(f)
				f = frame{}
			}
		}
	})
	a.t.Cleanup(func() { cancel(); wg.Wait() })
	return s
}

func (s *stream) keep(f frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.event != "" {
		s.frames = append(s.frames, f)
	}
}

// showed reports whether a frame of that kind held all of the words.
func (s *stream) showed(kind string, words ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.frames {
		all := f.event == kind && json.Valid([]byte(f.data))
		for _, w := range words {
			all = all && strings.Contains(f.data, w)
		}
		if all {
			return true
		}
	}
	return false
}

func (s *stream) wait(t *testing.T, kind string, words ...string) {
	t.Helper()
	eventually(t, "a "+kind+" on the live stream with "+strings.Join(words, ", "), func() bool { return s.showed(kind, words...) })
}
