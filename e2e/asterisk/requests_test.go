//go:build e2e

package asterisk_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"firstline/sip/ari/asterisk"
)

// sent is a request of the client.
type sent struct {
	method, path string
	params       map[string]any // of query and body
}

// recorder takes what a client sends, and answers everything with the same status.
type recorder struct {
	mu     sync.Mutex // guards the fields below
	status int
	all    []sent
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s := sent{method: req.Method, path: strings.TrimPrefix(req.URL.EscapedPath(), "/ari"), params: make(map[string]any)}
	body, _ := io.ReadAll(req.Body)
	_ = json.Unmarshal(body, &s.params)
	for name := range req.URL.Query() {
		s.params[name] = req.URL.Query().Get(name)
	}
	r.mu.Lock()
	r.all = append(r.all, s)
	status := r.status
	r.mu.Unlock()
	if req.Header.Get("Upgrade") == "" || status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	if ws, err := websocket.Accept(w, req, &websocket.AcceptOptions{Subprotocols: []string{"ari"}}); err == nil {
		<-ws.CloseRead(context.Background()).Done()
	}
}

// requests does all that the client can do, with every parameter, answered once
// well and once with each refusal after which it looks for what is there.
func requests(t *testing.T) []sent {
	t.Helper()
	r := &recorder{}
	srv := httptest.NewServer(r)
	defer srv.Close()
	c, err := asterisk.New(asterisk.Config{
		URL: srv.URL + "/ari", User: "u", Password: "p", Application: "firstline", Timeout: 100 * time.Millisecond,
	})
	must(t, err)
	defer c.Close()
	for _, status := range []int{http.StatusOK, http.StatusNotFound, http.StatusConflict, http.StatusInternalServerError} {
		r.mu.Lock()
		r.status = status
		r.mu.Unlock()
		for _, do := range verbs() {
			_ = do(t.Context(), c) // what it returns is for other tests
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, path := range []string{"/events", "/events/user/ARIClientBeat"} {
		if !slices.ContainsFunc(r.all, func(s sent) bool { return s.path == path }) {
			t.Errorf("%s was not asked for", path)
		}
	}
	return r.all
}

type verb func(ctx context.Context, c *asterisk.Client) error

// verbs has each method of the client that sends something.
func verbs() map[string]verb {
	vars := map[string]string{"A": "b"}
	return map[string]verb{
		"Run": func(ctx context.Context, c *asterisk.Client) error {
			ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			return c.Run(ctx, &ear{more: make(chan struct{})})
		},
		"Ping":        func(ctx context.Context, c *asterisk.Client) error { return c.Ping(ctx) },
		"Info":        func(ctx context.Context, c *asterisk.Client) error { return second(c.Info(ctx)) },
		"Application": func(ctx context.Context, c *asterisk.Client) error { return second(c.Application(ctx)) },
		"Subscribe":   func(ctx context.Context, c *asterisk.Client) error { return c.Subscribe(ctx, "endpoint:PJSIP") },
		"Withhold":    func(ctx context.Context, c *asterisk.Client) error { return c.Withhold(ctx, "ChannelVarset") },
		"Endpoints": func(ctx context.Context, c *asterisk.Client) error {
			return errors.Join(second(c.Endpoints(ctx, "")), second(c.Endpoints(ctx, "PJSIP")))
		},
		"Endpoint": func(ctx context.Context, c *asterisk.Client) error { return second(c.Endpoint(ctx, "PJSIP", "a")) },

		"Channels": func(ctx context.Context, c *asterisk.Client) error { return second(c.Channels(ctx)) },
		"Channel":  func(ctx context.Context, c *asterisk.Client) error { return second(c.Channel(ctx, "c")) },
		"Create": func(ctx context.Context, c *asterisk.Client) error {
			return second(c.Create(ctx, asterisk.Create{
				ID: "c", Endpoint: "PJSIP/a", Args: "x", Originator: "o", Formats: "ulaw", Variables: vars,
			}))
		},
		"Dial":     func(ctx context.Context, c *asterisk.Client) error { return c.Dial(ctx, "c", "o", time.Second) },
		"Answer":   func(ctx context.Context, c *asterisk.Client) error { return c.Answer(ctx, "c") },
		"Ring":     func(ctx context.Context, c *asterisk.Client) error { return c.Ring(ctx, "c") },
		"StopRing": func(ctx context.Context, c *asterisk.Client) error { return c.StopRing(ctx, "c") },
		"Hangup": func(ctx context.Context, c *asterisk.Client) error {
			return errors.Join(c.Hangup(ctx, "c", 16, ""), c.Hangup(ctx, "c", 0, "normal"))
		},
		"Play": func(ctx context.Context, c *asterisk.Client) error {
			return second(c.Play(ctx, "c", "p", "sound:a", "sound:b"))
		},
		"Playback":     func(ctx context.Context, c *asterisk.Client) error { return second(c.Playback(ctx, "p")) },
		"StopPlayback": func(ctx context.Context, c *asterisk.Client) error { return c.StopPlayback(ctx, "p") },
		"StartMOH":     func(ctx context.Context, c *asterisk.Client) error { return c.StartMOH(ctx, "c", "default") },
		"StopMOH":      func(ctx context.Context, c *asterisk.Client) error { return c.StopMOH(ctx, "c") },
		"SendDTMF": func(ctx context.Context, c *asterisk.Client) error {
			return c.SendDTMF(ctx, "c", "1", time.Second, time.Second)
		},
		"Variable":     func(ctx context.Context, c *asterisk.Client) error { return second(c.Variable(ctx, "c", "A")) },
		"SetVariable":  func(ctx context.Context, c *asterisk.Client) error { return c.SetVariable(ctx, "c", "A", "b") },
		"Mute":         func(ctx context.Context, c *asterisk.Client) error { return c.Mute(ctx, "c", "in") },
		"Unmute":       func(ctx context.Context, c *asterisk.Client) error { return c.Unmute(ctx, "c", "in") },
		"StartSilence": func(ctx context.Context, c *asterisk.Client) error { return c.StartSilence(ctx, "c") },
		"StopSilence":  func(ctx context.Context, c *asterisk.Client) error { return c.StopSilence(ctx, "c") },
		"Continue":     func(ctx context.Context, c *asterisk.Client) error { return c.Continue(ctx, "c", "x", "1", 1, "l") },
		"Redirect":     func(ctx context.Context, c *asterisk.Client) error { return c.Redirect(ctx, "c", "PJSIP/a") },
		"TransferProgress": func(ctx context.Context, c *asterisk.Client) error {
			return c.TransferProgress(ctx, "c", "channel_answered")
		},
		"Snoop": func(ctx context.Context, c *asterisk.Client) error {
			return second(c.Snoop(ctx, "c", "s", "in", "out", "x"))
		},
		"ExternalMedia": func(ctx context.Context, c *asterisk.Client) error {
			return second(c.ExternalMedia(ctx, asterisk.External{
				ID: "c", Host: "h:1", Format: "ulaw", Encapsulation: "rtp", Transport: "udp",
				Connection: "client", Data: "d", Variables: vars,
			}))
		},
		"RTPStats": func(ctx context.Context, c *asterisk.Client) error { return second(c.RTPStats(ctx, "c")) },

		"Bridges": func(ctx context.Context, c *asterisk.Client) error { return second(c.Bridges(ctx)) },
		"Bridge":  func(ctx context.Context, c *asterisk.Client) error { return second(c.Bridge(ctx, "b")) },
		"CreateBridge": func(ctx context.Context, c *asterisk.Client) error {
			return second(c.CreateBridge(ctx, "b", "mixing", "n"))
		},
		"AddChannel":    func(ctx context.Context, c *asterisk.Client) error { return c.AddChannel(ctx, "b", "c", "d") },
		"RemoveChannel": func(ctx context.Context, c *asterisk.Client) error { return c.RemoveChannel(ctx, "b", "c", "d") },
		"DestroyBridge": func(ctx context.Context, c *asterisk.Client) error { return c.DestroyBridge(ctx, "b") },
		"BridgeMOH":     func(ctx context.Context, c *asterisk.Client) error { return c.BridgeMOH(ctx, "b", "default") },
		"StopBridgeMOH": func(ctx context.Context, c *asterisk.Client) error { return c.StopBridgeMOH(ctx, "b") },

		"RecordChannel": func(ctx context.Context, c *asterisk.Client) error {
			return second(c.RecordChannel(ctx, "c", asterisk.Record{
				Name: "r", Format: "ulaw", IfExists: "fail", MaxDuration: time.Second, MaxSilence: time.Second,
				Terminate: "#", Beep: true,
			}))
		},
		"LiveRecording":    func(ctx context.Context, c *asterisk.Client) error { return second(c.LiveRecording(ctx, "r")) },
		"StopRecording":    func(ctx context.Context, c *asterisk.Client) error { return c.StopRecording(ctx, "r") },
		"PauseRecording":   func(ctx context.Context, c *asterisk.Client) error { return c.PauseRecording(ctx, "r") },
		"ResumeRecording":  func(ctx context.Context, c *asterisk.Client) error { return c.ResumeRecording(ctx, "r") },
		"MuteRecording":    func(ctx context.Context, c *asterisk.Client) error { return c.MuteRecording(ctx, "r") },
		"UnmuteRecording":  func(ctx context.Context, c *asterisk.Client) error { return c.UnmuteRecording(ctx, "r") },
		"StoredRecordings": func(ctx context.Context, c *asterisk.Client) error { return second(c.StoredRecordings(ctx)) },
		"StoredFile":       func(ctx context.Context, c *asterisk.Client) error { return second(c.StoredFile(ctx, "r", io.Discard)) },
		"DeleteStored":     func(ctx context.Context, c *asterisk.Client) error { return c.DeleteStored(ctx, "r") },
	}
}

func TestEveryVerbIsHeldToTheDescription(t *testing.T) {
	all := verbs()
	is := reflect.TypeFor[*asterisk.Client]()
	for m := range is.Methods() {
		if m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[context.Context]() && all[m.Name] == nil {
			t.Errorf("%s sends something and is not in the table", m.Name)
		}
	}
}
