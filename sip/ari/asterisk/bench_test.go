package asterisk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"

	"firstline/sip/ari/asterisk"
)

// call is what Asterisk 22 tells of one call that is answered, hears a prompt,
// presses a key, talks and ends, with the types that nobody reads among it.
func call(id string) []string {
	const at = `"timestamp":"2026-11-24T08:00:00.123+0000"`
	channel := fmt.Sprintf(`{"id":%q,"name":"PJSIP/trunk-00000001","state":"Up","protocol_id":"f0acc028-7a42-41e8-b7e5-289571e33164",`+
		`"caller":{"name":"Ann Example","number":"+49301234567"},"connected":{"name":"","number":""},"accountcode":"",`+
		`"dialplan":{"context":"from-trunk","exten":"710","priority":1,"app_name":"Stasis","app_data":"firstline,710"},`+
		`"creationtime":"2026-11-24T08:00:00.000+0000","language":"en"}`, id)
	tail := `,"asterisk_id":"02:fc:00:00:00:01","application":"firstline"}`
	bridge := fmt.Sprintf(`{"id":"b-%s","technology":"simple_bridge","bridge_type":"mixing","bridge_class":"stasis","creator":"Stasis",`+
		`"name":"","channels":[%q],"creationtime":"2026-11-24T08:00:00.000+0000","video_mode":"talker"}`, id, id)
	playback := fmt.Sprintf(`{"id":"p-%s","media_uri":"sound:welcome","target_uri":"channel:%s","language":"en","state":"done"}`, id, id)
	var out []string
	for _, e := range []string{
		`{"variable":"STASISSTATUS","value":"","type":"ChannelVarset",` + at + `,"channel":` + channel,
		`{"type":"StasisStart",` + at + `,"args":["710"],"channel":` + channel,
		`{"type":"ChannelStateChange",` + at + `,"channel":` + channel,
		`{"type":"PlaybackStarted",` + at + `,"playback":` + playback,
		`{"type":"PlaybackFinished",` + at + `,"playback":` + playback,
		`{"type":"ChannelDtmfReceived",` + at + `,"digit":"1","duration_ms":100,"channel":` + channel,
		`{"type":"ChannelEnteredBridge",` + at + `,"bridge":` + bridge + `,"channel":` + channel,
		`{"type":"ChannelLeftBridge",` + at + `,"bridge":` + bridge + `,"channel":` + channel,
		`{"cause":16,"type":"ChannelHangupRequest",` + at + `,"channel":` + channel,
		`{"type":"StasisEnd",` + at + `,"channel":` + channel,
		`{"type":"ChannelDestroyed",` + at + `,"cause":16,"cause_txt":"Normal Clearing","channel":` + channel,
	} {
		out = append(out, e+tail)
	}
	return out
}

// counter handles events by counting them.
type counter struct {
	up    chan struct{}
	left  int
	whole chan struct{}
}

func (c *counter) Connected(context.Context) { close(c.up) }
func (c *counter) Disconnected(error)        {}
func (c *counter) Unreached(error)           {}
func (c *counter) Event(asterisk.Event) {
	if c.left--; c.left == 0 {
		close(c.whole)
	}
}

// BenchmarkEventsFromTheSocket is the whole way: read, queued, decoded and handed
// to a handler that does nothing.
func BenchmarkEventsFromTheSocket(b *testing.B) {
	var events [][]byte
	for i := range 1000 { // all differ, as they do
		for _, e := range call(fmt.Sprintf("%016d.%d", i, i)) {
			events = append(events, []byte(e))
		}
	}
	h := &counter{up: make(chan struct{}), left: b.N, whole: make(chan struct{})}
	beats := make(chan []byte, 1)
	pbx := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" { // the client tries whether events come
			var op struct {
				Variables json.RawMessage `json:"variables"`
			}
			if err := json.NewDecoder(r.Body).Decode(&op); err != nil {
				b.Error(err)
			}
			beats <- fmt.Appendf(nil, `{"type":"ChannelUserevent","eventname":"ARIClientBeat","userevent":%s}`, op.Variables)
			return
		}
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"ari"}})
		if err != nil {
			b.Error(err)
			return
		}
		if err := ws.Write(r.Context(), websocket.MessageText, <-beats); err != nil {
			b.Error(err)
		}
		<-h.up
		b.ResetTimer()
		for i := range b.N {
			if err := ws.Write(r.Context(), websocket.MessageText, events[i%len(events)]); err != nil {
				b.Error(err)
				return
			}
		}
		<-h.whole
	}))
	defer pbx.Close()
	c, err := asterisk.New(asterisk.Config{
		URL: pbx.URL + "/ari", User: "firstline", Password: "p", Application: "firstline",
		QueueLen: 1 << 30, QueueBytes: 1 << 40, // the sender does not keep to what Asterisk can do
	})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx, h) }()
	<-h.whole
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}

// BenchmarkDecode is the decoding alone.
func BenchmarkDecode(b *testing.B) {
	var events [][]byte
	size := 0
	for _, e := range call("1764000000.1") {
		events = append(events, []byte(e))
		size += len(e)
	}
	b.SetBytes(int64(size / len(events)))
	i := 0
	for b.Loop() {
		asterisk.Decode(events[i%len(events)])
		i++
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "events/s")
}
