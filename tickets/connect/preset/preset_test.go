package preset_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/tickets/connect"
	"firstline/tickets/connect/connecttest"
	"firstline/tickets/connect/outgoing"
	"firstline/tickets/connect/preset"
)

var settings = map[string]map[string]string{
	"jira-service-management": {"email": "me@example.com", "service-desk": "10", "request-type": "25", "done": "61"},
	"zammad":                  {"group": "Users", "customer": "desk@example.com"},
	"zendesk":                 {"email": "me@example.com"},
	"servicenow":              {"user": "me"},
}

// line is one endpoint with a system behind it, on a journal.
type line struct {
	t *testing.T
	*fake
	*connecttest.World
	sender connect.Sender
	n      int64
}

func newLine(t *testing.T, name string) *line {
	t.Helper()
	l := &line{t: t, fake: &fake{kind: name}, World: connecttest.New()}
	srv := httptest.NewServer(l.fake)
	t.Cleanup(srv.Close)
	all, err := preset.Load("")
	if err != nil {
		t.Fatal(err)
	}
	client := outgoing.New(outgoing.Config{Guard: outgoing.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	t.Cleanup(client.Close)
	book := &preset.Book{All: all, Client: client, Stories: l}
	set := call.EndpointSet{Kind: string(connect.Connector), Preset: name, URL: srv.URL, Settings: settings[name]}
	l.sender, err = book.Sender(connect.Endpoint{ID: "sys", EndpointSet: set}, map[string]string{"token": "hush", "password": "hush", "routing": "hush"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// tell sends a message as the engine does: a remote id that comes back is kept.
func (l *line) tell(key string, m connect.Message) connect.Result {
	l.t.Helper()
	payload, err := json.Marshal(m)
	if err != nil {
		l.t.Fatal(err)
	}
	l.n++
	r := l.sender.Send(l.t.Context(), connect.Delivery{ID: "msg", Key: key, Global: l.n, Type: m.Type, Payload: payload})
	if r.Link != nil {
		r.Link.Endpoint = "sys"
		l.Post(call.TicketEvent(time.Now(), call.TicketID(key), *r.Link))
	}
	return r
}

// evil is text that a caller or an agent may write.
const evil = "He said \"no\"\\ {{ .Secrets }} </script>\r\nX-Injected: 1 ${jndi:x} ü\u2028"

func ticket(over bool) *connect.TicketView {
	return &connect.TicketView{
		ID: "T-100001", Subject: "Call from +4930123 to 1000", Over: over, State: "open", Client: "acme", Caller: call.Party{Number: "+4930123", Name: evil},
		Class: call.Classification{Kind: "software", Service: "mail", Priority: 2, Severity: "high"}, Notes: []string{"Outlook does not start"}, URL: "https://desk.example.com/tickets/T-100001",
	}
}

var callView = connect.CallView{ID: "0190", From: call.Party{Number: "+49 30-123"}, To: call.Party{Number: "1000"}, Queue: "service-desk", Agent: "2001"}

func TestRequestsAreAsTheSystemsWantThem(t *testing.T) {
	for name := range proof {
		t.Run(name, func(t *testing.T) {
			l := newLine(t, name)
			l.Post(call.TicketEvent(time.Now(), "T-100001", call.TicketOpened{Subject: "s"}), call.TicketEvent(time.Now(), "T-100002", call.TicketOpened{Subject: "s"}))
			ended := callView
			ended.Outcome = call.OutcomeAnswered
			for _, m := range []struct {
				key  string
				kind connect.Type
				data connect.Data
			}{
				{"ping", connect.Ping, connect.Data{}},
				{"T-100001", connect.TicketCreated, connect.Data{Ticket: ticket(false)}},
				{"T-100001", connect.TicketNoted, connect.Data{Ticket: ticket(false), Note: &connect.NoteView{Author: "agent:ana", Text: evil}}},
				{"T-100001", connect.TicketUpdated, connect.Data{Ticket: ticket(false), Why: "the boss"}},
				{"T-100001", connect.TicketUpdated, connect.Data{Ticket: ticket(true), Why: "mended"}},
				{"T-100002", connect.IncidentEnded, connect.Data{Incident: &connect.IncidentView{ID: "i", Title: "Mail is down", Ticket: "T-100002", Affected: 200, Over: true}}},
				{"0190", connect.CallReceived, connect.Data{Call: &callView}},
				{"0190", connect.CallAnswered, connect.Data{Call: &callView}},
				{"0190", connect.CallEnded, connect.Data{Call: &ended}},
			} {
				if (m.data.Call != nil) != (name == "zammad-cti") {
					continue
				}
				r := l.tell(m.key, connect.Message{Type: m.kind, At: time.Unix(0, 0).UTC(), Data: m.data})
				if r.Verdict != connect.Taken {
					t.Fatalf("%s: %+v\n%s", m.kind, r, l.log.String())
				}
			}
			file := filepath.Join("testdata", name+".golden")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(file, []byte(l.log.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if d := cmp.Diff(string(want), l.log.String()); d != "" || err != nil {
				t.Errorf("%v; UPDATE_GOLDEN=1 writes it anew: %s", err, d)
			}
		})
	}
}

func TestATicketWhoseAnswerWasLostIsMadeOnce(t *testing.T) {
	for name := range proof {
		if name == "zammad-cti" {
			continue // it makes none
		}
		t.Run(name, func(t *testing.T) {
			l := newLine(t, name)
			l.Post(call.TicketEvent(time.Now(), "T-100001", call.TicketOpened{Subject: "s"}))
			l.lose = 1
			var r connect.Result
			for range 3 {
				if r = l.tell("T-100001", connect.Message{Type: connect.TicketCreated, Data: connect.Data{Ticket: ticket(false)}}); r.Verdict == connect.Taken {
					break
				}
			}
			if r.Verdict != connect.Taken || r.Link == nil || r.Link.ID == "" || len(l.tickets) != 1 {
				t.Errorf("%+v, %d remote tickets", r, len(l.tickets))
			}
		})
	}
}

func TestWhatASystemFindsWrongIsADeadLetterAtOnce(t *testing.T) {
	l := newLine(t, "zendesk")
	l.Post(call.TicketEvent(time.Now(), "T-1", call.TicketOpened{Subject: "s"}))
	empty := &connect.TicketView{}
	if r := l.tell("T-1", connect.Message{Type: connect.TicketCreated, Data: connect.Data{Ticket: empty}}); r.Verdict != connect.Refused || !strings.Contains(r.Detail, "422") {
		t.Errorf("%+v", r)
	}
}

func TestAPresetThatIsWrongIsToldWhenItIsLoaded(t *testing.T) {
	for name, c := range map[string]struct{ file, says string }{
		"unknown key":   {"about: x\ncreat: {method: POST}", "creat"},
		"no template":   {"create: {method: POST, body: {a: '{{ .Data.Ticket.ID '}}", "unclosed"},
		"unknown field": {"create: {method: POST, body: {a: '{{ .Data.Tickt }}'}}", "Tickt"},
		"no JSON":       {"create: {method: POST, body: {a: '={{ .Data.Ticket.ID }}'}}", "no JSON"},
		"no method":     {"create: {body: {a: b}}", "method"},
		"nothing":       {"about: x", "asks nothing"},
		"a call's":      {"call: {method: POST, body: {a: '{{ .Data.Ticket.ID }}'}}", "nil pointer"},
		"a step up":     {"create: {method: POST, path: ['..', x]}", "path"},
		"a line break":  {"create: {method: POST, header: {X: \"a\\nb\"}}", "header"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "own.yaml"), []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := preset.Load(dir); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := preset.Load(""); err != nil || len(all) < 6 {
		t.Errorf("the built-in ones: %d, %v", len(all), err)
	}
}

// What people write stays within the text that it is in.
func TestNoTextChangesTheShapeOfARequest(t *testing.T) {
	p := &preset.Preset{Auth: preset.Auth{Header: map[string]string{"X-Who": "{{ secret \"token\" }}"}}}
	r := &preset.Request{
		Method: "POST", Path: []string{"a", "{{ .Data.Note.Text }}", "b"}, Query: map[string]string{"q": "{{ .Data.Note.Text }}"},
		Body: map[string]any{"text": "{{ .Data.Note.Text }}", "list": []any{"{{ .Data.Note.Text }}"}},
	}
	for _, text := range []string{evil, `","admin":true,"x":"`, "../../admin?x=1#y", "..", "\x00", "a&b=c", strings.Repeat("x", 10000)} {
		v := preset.View{Message: connect.Message{Data: connect.Data{Note: &connect.NoteView{Text: text}}}}
		req, err := p.Fill(r, "https://example.com/base", v, map[string]string{"token": "hush"})
		if err != nil {
			if text == ".." {
				continue
			}
			t.Fatalf("%q: %v", text, err)
		}
		segments := strings.Split(req.URL.EscapedPath(), "/")
		if len(segments) != 5 || segments[1] != "base" || segments[4] != "b" || req.URL.Host != "example.com" || len(req.URL.Query()) != 1 || req.URL.Query().Get("q") != text {
			t.Errorf("%q leads to %s", text, req.URL)
		}
		var body map[string]any
		if err := json.NewDecoder(req.Body).Decode(&body); err != nil || len(body) != 2 || strings.ToValidUTF8(text, "") != body["text"] {
			t.Errorf("%q: %v %v", text, err, body)
		}
		if len(req.Header) != 4 {
			t.Errorf("%q: %v", text, req.Header)
		}
	}
	bad := &preset.Request{Method: "POST", Header: map[string]string{"X": "{{ .Data.Note.Text }}"}}
	if _, err := p.Fill(bad, "https://example.com", preset.View{Message: connect.Message{Data: connect.Data{Note: &connect.NoteView{Text: "a\r\nB: c"}}}}, nil); err == nil {
		t.Error("a line break got into a header")
	}
	huge := preset.View{Message: connect.Message{Data: connect.Data{Note: &connect.NoteView{Text: strings.Repeat("x", 1<<20)}}}}
	if _, err := p.Fill(r, "https://example.com", huge, nil); err == nil {
		t.Error("a text without end was filled in")
	}
}
