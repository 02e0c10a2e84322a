package asterisk

import (
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455 asks for it
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

const password = "Geheim-7+%"

// pbx answers as Asterisk would, over pipes, so that a test can run in a bubble and
// cut, freeze and refuse connections.
type pbx struct {
	t       *testing.T
	sockets chan *websocket.Conn // of each client that comes for events
	logged  *observer.ObservedLogs
	srv     *http.Server
	conns   chan net.Conn
	over    chan struct{}
	wg      sync.WaitGroup

	mu     sync.Mutex // guards the fields below
	answer http.HandlerFunc
	seen   []request
	dials  int
	down   bool
	deaf   bool            // no event of the client's own comes back
	ws     *websocket.Conn // the latest
	links  []*link
}

// request is an operation as it arrived.
type request struct {
	method, path, query string
	body                map[string]any
	authorised          bool
}

// bubble runs a rule against a pbx, in fake time.
func bubble(t *testing.T, rule func(t *testing.T, p *pbx)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &pbx{t: t, sockets: make(chan *websocket.Conn, 100), conns: make(chan net.Conn), over: make(chan struct{})}
		p.srv = &http.Server{Handler: p}
		p.wg.Go(func() { _ = p.srv.Serve(p) })
		t.Cleanup(func() {
			close(p.over)
			_ = p.srv.Close()
			for _, l := range p.links {
				l.cut()
			}
			p.wg.Wait()
		})
		rule(t, p)
	})
}

// client is one for p; its log is in p.logged.
func (p *pbx) client(with func(*Config)) *Client {
	p.t.Helper()
	core, logged := observer.New(zap.DebugLevel)
	p.logged = logged
	cfg := Config{
		Name: "pbx1", URL: "http://pbx:8088/ari", User: "firstline", Password: password,
		Application: "firstline", Log: zap.New(core),
	}
	if with != nil {
		with(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, h := range []*http.Client{c.rest, c.events} {
		h.Transport.(*http.Transport).DialContext = p.dial //nolint:forcetypeassert // it is what New made
	}
	p.t.Cleanup(c.Close)
	return c
}

// answers sets how operations are answered from now on.
func (p *pbx) answers(h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = h
}

// says is an answer of Asterisk.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// byPath answers each "METHOD /path" its own way, and everything else with 404.
func byPath(routes map[string]http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if h, ok := routes[r.Method+" "+strings.TrimPrefix(r.URL.EscapedPath(), "/ari")]; ok {
			h(w, r)
			return
		}
		says(http.StatusNotFound, `{"message":"Not there"}`)(w, r)
	}
}

func (p *pbx) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, pass, _ := r.BasicAuth()
	req := request{
		method: r.Method, path: strings.TrimPrefix(r.URL.EscapedPath(), "/ari"), query: r.URL.RawQuery,
		authorised: user == "firstline" && pass == password,
	}
	_ = json.NewDecoder(r.Body).Decode(&req.body)
	p.mu.Lock()
	p.seen = append(p.seen, req)
	answer, ws, deaf := p.answer, p.ws, p.deaf
	p.mu.Unlock()
	switch {
	case strings.HasPrefix(req.path, "/events/user/") && ws != nil && !deaf:
		id, _ := req.body["variables"].(map[string]any)["beat"].(string)
		_ = ws.Write(r.Context(), websocket.MessageText, []byte(beatEvent(id)))
		w.WriteHeader(http.StatusNoContent)
	case answer != nil:
		answer(w, r)
	case r.Header.Get("Upgrade") != "":
		p.upgrade(w, r)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (p *pbx) upgrade(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock() // a beat may be here before Accept returns
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"ari"}})
	p.ws = ws
	p.mu.Unlock()
	if err != nil {
		p.t.Error(err)
		return
	}
	ctx := ws.CloseRead(context.Background()) // reads pings
	p.sockets <- ws
	<-ctx.Done()
}

// all is what has arrived so far.
func (p *pbx) all() []request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func (p *pbx) last() request {
	all := p.all()
	return all[len(all)-1]
}

func (p *pbx) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = nil
}

// dialled is how many connections were asked for.
func (p *pbx) dialled() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials
}

// hearAgain ends deafness and scripted answers.
func (p *pbx) hearAgain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf, p.answer = false, nil
}

// refuse makes connections refused, or not.
func (p *pbx) refuse(all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = all
}

// requests are the operations that arrived, as "METHOD /path".
func (p *pbx) requests() []string {
	var out []string
	for _, r := range p.all() {
		if r.path != "/events" && !strings.HasPrefix(r.path, "/events/user/") {
			out = append(out, r.method+" "+r.path)
		}
	}
	return out
}

// link is one connection.
type link struct {
	near, far net.Conn
	over      chan struct{}

	mu   sync.Mutex // guards open
	open chan struct{}
}

func (p *pbx) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	client, near := net.Pipe()
	far, server := net.Pipe()
	l := &link{near: near, far: far, over: p.over}
	p.mu.Lock()
	p.dials++
	down := p.down
	p.links = append(p.links, l)
	p.mu.Unlock()
	if down {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	p.wg.Go(func() { l.carry(far, near) })
	p.wg.Go(func() { l.carry(near, far) })
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.over:
		return nil, net.ErrClosed
	}
}

// carry copies one direction, and waits while the link is frozen.
func (l *link) carry(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		l.mu.Lock()
		open := l.open
		l.mu.Unlock()
		if open != nil {
			select {
			case <-open:
			case <-l.over:
			}
		}
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				err = werr
			}
		}
		if err != nil {
			to.Close()
			return
		}
	}
}

func (l *link) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = make(chan struct{})
}

func (l *link) cut() {
	l.near.Close()
	l.far.Close()
}

// freeze stops all connections there are; those made later work.
func (p *pbx) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.links {
		l.freeze()
	}
}

// Accept, Close and Addr make p the listener of its server.
func (p *pbx) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}
func (p *pbx) Close() error   { return nil }
func (p *pbx) Addr() net.Addr { return &net.TCPAddr{} }

// ear is a Handler that keeps what it hears.
type ear struct {
	up     chan context.Context
	events chan Event
	down   chan error
	failed atomic.Pointer[error] // the last attempt
	hold   func()                // what Connected does
	each   func()                // what Event does
}

func newEar() *ear {
	return &ear{
		up: make(chan context.Context, 1000), events: make(chan Event, 100000), down: make(chan error, 1000),
		hold: func() {}, each: func() {},
	}
}

func (e *ear) Connected(ctx context.Context) { e.up <- ctx; e.hold() }
func (e *ear) Event(ev Event)                { e.each(); e.events <- ev }
func (e *ear) Disconnected(err error)        { e.down <- err }
func (e *ear) Unreached(err error)           { e.failed.Store(&err) }

// heard are the texts of the digits in the events so far.
func (e *ear) heard() []string {
	var out []string
	for {
		select {
		case ev := <-e.events:
			if d, ok := ev.(ChannelDtmfReceived); ok {
				out = append(out, d.Digit)
			} else {
				out = append(out, ev.Kind())
			}
		default:
			return out
		}
	}
}

// run runs c until the test ends or stop is called, which returns what Run did.
func (p *pbx) run(c *Client, h Handler) (stop func() error) {
	ctx, cancel := context.WithCancel(p.t.Context())
	done := make(chan error, 1)
	p.wg.Go(func() { done <- c.Run(ctx, h) })
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	p.t.Cleanup(func() { _ = stop() })
	return stop
}

// digit is an event that a test tells from others.
func digit(d string) string {
	return fmt.Sprintf(`{"type":"ChannelDtmfReceived","timestamp":"2026-11-24T08:00:00.123+0000","digit":%q,`+
		`"duration_ms":100,"channel":{"id":"c1"},"application":"firstline"}`, d)
}

// beatEvent is what comes back of a beat.
func beatEvent(id string) string {
	return fmt.Sprintf(`{"type":"ChannelUserevent","timestamp":"2026-11-24T08:00:00.123+0000","eventname":%q,`+
		`"userevent":{"beat":%q,"eventname":%[1]q},"application":"firstline"}`, beatName, id)
}

func (p *pbx) send(ws *websocket.Conn, events ...string) {
	p.t.Helper()
	for _, e := range events {
		if err := ws.Write(p.t.Context(), websocket.MessageText, []byte(e)); err != nil {
			p.t.Errorf("send %s: %v", e, err)
		}
	}
}

// noSecret fails the test when the password, in any of its forms, is in a text.
func (p *pbx) noSecret(texts ...string) {
	p.t.Helper()
	for _, e := range p.logged.All() {
		texts = append(texts, e.Message, fmt.Sprint(e.ContextMap()))
	}
	for _, r := range p.all() {
		texts = append(texts, r.path, r.query)
	}
	for _, s := range texts {
		if slices.ContainsFunc([]string{password, "Geheim", "Zmlyc3RsaW5l"}, func(x string) bool { return strings.Contains(s, x) }) {
			p.t.Errorf("the password is in %q", s)
		}
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// upgradeByHand opens the event socket and leaves its bytes to the test.
func (p *pbx) upgradeByHand(w http.ResponseWriter, r *http.Request) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		p.t.Fatal(err)
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455 section 4.2.2
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Protocol: ari\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	return conn
}

// frame is a whole text frame from a server, RFC 6455 section 5.2.
func frame(text string) []byte {
	head := []byte{0x81, 126, byte(len(text) >> 8), byte(len(text))}
	return append(head, text...)
}
