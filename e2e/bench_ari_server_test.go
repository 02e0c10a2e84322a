//go:build bench

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"firstline/sip/ari/asterisk"
)

// inFlight is how many events may be on their way: below that at which the client
// gives a connection up.
const inFlight = 1 << 15

// stormServer answers like an Asterisk without calls, and then tells of many. Its
// events are cut where the channel's id belongs.
type stormServer struct {
	host   string
	script [][][]byte // of one call
	socket chan *websocket.Conn
	room   chan struct{} // holds a token for each event on its way
	all    chan struct{} // closed when all were taken

	next   map[string]int // of each channel, the event that has to come; the client's goroutine alone
	took   int
	faults []string
}

func newStormServer(t *testing.T) *stormServer {
	t.Helper()
	s := &stormServer{
		socket: make(chan *websocket.Conn, 1), room: make(chan struct{}, inFlight), all: make(chan struct{}), next: map[string]int{},
	}
	for _, e := range stormCall() {
		s.script = append(s.script, bytes.Split([]byte(e), []byte("CHANNEL")))
	}
	beats := make(chan []byte, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := strings.TrimPrefix(r.URL.Path, "/ari"); {
		case path == "/events":
			s.open(w, r, beats)
		case strings.HasPrefix(path, "/events/user/"):
			var op struct {
				Variables json.RawMessage `json:"variables"`
			}
			if err := json.NewDecoder(r.Body).Decode(&op); err != nil {
				t.Error(err)
			}
			beats <- fmt.Appendf(nil, `{"type":"ChannelUserevent","application":"firstline","eventname":"ARIClientBeat","userevent":%s}`, op.Variables)
		case path == "/asterisk/info":
			fmt.Fprint(w, `{"status":{"startup_time":"2026-11-24T07:00:00.000+0000"}}`)
		case r.Method == http.MethodGet:
			fmt.Fprint(w, `[]`)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(srv.Close)
	s.host = srv.Listener.Addr().String()
	return s
}

// open is the event socket: the client's own events come back on it.
func (s *stormServer) open(w http.ResponseWriter, r *http.Request, beats <-chan []byte) {
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"ari"}})
	if err != nil {
		return
	}
	ctx := ws.CloseRead(r.Context())
	s.socket <- ws
	for {
		select {
		case b := <-beats:
			if ws.Write(ctx, websocket.MessageText, b) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// send tells of all calls: so many at once, an event of each in turn.
func (s *stormServer) send(ctx context.Context) error {
	ws := <-s.socket
	for round := range stormTimes {
		for _, event := range s.script {
			for i := range stormCalls {
				id := fmt.Appendf(nil, "1795000000.%d", round*stormCalls+i)
				select {
				case s.room <- struct{}{}:
				case <-ctx.Done():
					return errors.New("events are not taken")
				}
				if err := ws.Write(ctx, websocket.MessageText, bytes.Join(event, id)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// taken looks whether an event is the next of its channel.
func (s *stormServer) taken(e asterisk.Event) {
	<-s.room
	id, what := stormEvent(e)
	n := s.next[id]
	if n >= len(s.script) || !bytes.Contains(s.script[n][0], []byte(what)) {
		s.faults = append(s.faults, fmt.Sprintf("%s of channel %s as event %d", what, id, n))
	}
	s.next[id]++
	if s.took++; s.took == stormCalls*stormTimes*len(s.script) {
		close(s.all)
	}
}

// stormEvent is the channel of an event, and what tells it from the others of that
// channel.
func stormEvent(e asterisk.Event) (channel, what string) {
	switch e := e.(type) {
	case asterisk.StasisStart:
		return e.Channel.ID, e.Type
	case asterisk.ChannelStateChange:
		return e.Channel.ID, e.Type
	case asterisk.PlaybackStarted:
		return strings.TrimPrefix(e.Playback.Target, "channel:"), e.Type
	case asterisk.PlaybackFinished:
		return strings.TrimPrefix(e.Playback.Target, "channel:"), e.Type
	case asterisk.ChannelDtmfReceived:
		return e.Channel.ID, fmt.Sprintf(`"digit":%q`, e.Digit)
	case asterisk.ChannelEnteredBridge:
		return e.Channel.ID, e.Type
	case asterisk.ChannelLeftBridge:
		return e.Channel.ID, e.Type
	case asterisk.ChannelHangupRequest:
		return e.Channel.ID, e.Type
	case asterisk.StasisEnd:
		return e.Channel.ID, e.Type
	case asterisk.ChannelDestroyed:
		return e.Channel.ID, e.Type
	case asterisk.Unknown:
		var v struct {
			Channel struct {
				ID string `json:"id"`
			} `json:"channel"`
		}
		_ = json.Unmarshal(e.Raw, &v) // without a channel it is out of order
		return v.Channel.ID, e.Type
	}
	return "", fmt.Sprintf("%T", e)
}

// stormCall is what Asterisk 22 tells of one call, in its words, with types that
// nobody reads among it.
func stormCall() []string {
	const (
		head    = `","timestamp":"2026-11-24T08:00:00.123+0000",`
		channel = `"channel":{"id":"CHANNEL","name":"PJSIP/trunk-00000001","state":"Up","protocol_id":"f0acc028-7a42-41e8-b7e5-289571e33164",` +
			`"caller":{"name":"Ann Example","number":"+49301234567"},"connected":{"name":"","number":""},"accountcode":"",` +
			`"dialplan":{"context":"from-trunk","exten":"710","priority":1,"app_name":"Stasis","app_data":"firstline,710"},` +
			`"creationtime":"2026-11-24T08:00:00.000+0000","language":"en"}`
		bridge = `"bridge":{"id":"b-CHANNEL","technology":"simple_bridge","bridge_type":"mixing","bridge_class":"stasis","creator":"Stasis",` +
			`"name":"","channels":["CHANNEL"],"creationtime":"2026-11-24T08:00:00.000+0000","video_mode":"talker"},`
		playback = `"playback":{"id":"p-CHANNEL","media_uri":"sound:welcome","target_uri":"channel:CHANNEL","language":"en","state":"done"}`
		tail     = `,"asterisk_id":"02:fc:00:00:00:01","application":"firstline"}`
	)
	all := []string{
		`{"type":"StasisStart` + head + `"args":["710"],` + channel + tail,
		`{"type":"ChannelVarset` + head + `"variable":"STASISSTATUS","value":"",` + channel + tail,
		`{"type":"ChannelStateChange` + head + channel + tail,
		`{"type":"PlaybackStarted` + head + playback + tail,
		`{"type":"PlaybackFinished` + head + playback + tail,
	}
	for d := range 8 {
		all = append(all, fmt.Sprintf(`{"digit":"%d","type":"ChannelDtmfReceived%s"duration_ms":100,%s%s`, d, head, channel, tail))
	}
	return append(all,
		`{"type":"ChannelEnteredBridge`+head+bridge+channel+tail,
		`{"type":"ChannelLeftBridge`+head+bridge+channel+tail,
		`{"type":"ChannelHangupRequest`+head+`"cause":16,`+channel+tail,
		`{"type":"StasisEnd`+head+channel+tail,
		`{"type":"ChannelDestroyed`+head+`"cause":16,"cause_txt":"Normal Clearing",`+channel+tail,
	)
}
