package connect_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/connect"
	"firstline/tickets/connect/sign"
)

// system is another ticket system that keeps tickets of ours, and tells us at once of
// every state that it was told of, as a badly configured one does.
type system struct {
	d    *desk
	id   call.EndpointID
	told int
}

func (s *system) Send(ctx context.Context, d connect.Delivery) connect.Result {
	s.told++
	return connect.Result{Verdict: connect.Taken, Link: &call.TicketLinked{ID: string(s.id) + "-" + d.Key}}
}

// state moves a ticket unless it is there already, as the desk does.
func (d *desk) state(_ context.Context, id call.TicketID, to tickets.State, by, why string) error {
	var t tickets.Ticket
	for _, e := range d.Events() {
		if e.Stream == ticketStream(string(id)) {
			if err := t.Apply(e); err != nil {
				return err
			}
		}
	}
	if t.State != to {
		d.ticket(string(id), call.TicketMoved{From: string(t.State), To: string(to), By: by, Why: why})
	}
	return nil
}

func TestTwoSystemsThatTellEachOtherByUsComeToRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		in := connect.Inbound{List: d.list, Vault: d, Store: d, Change: d.state}
		systems := map[call.EndpointID]*system{"jira": {d: d, id: "jira"}, "zammad": {d: d, id: "zammad"}}
		d.ways = func(ctx context.Context, p connect.Endpoint, _ map[string]string, cursor int64) (connect.Way, error) {
			planner, err := connect.NewPlanner(ctx, p, cursor, d, func(call.TicketID) string { return "" })
			return connect.Way{Sender: systems[p.ID], Planner: planner}, err
		}
		for id := range systems {
			d.add(id, func(s *call.EndpointSet) { s.Kind = string(connect.Connector) })
		}
		d.ticket("T-1", opened("acme"), classed(2), call.TicketMoved{From: "new", To: "open", By: "agent:ana"})
		time.Sleep(time.Minute)
		for range 20 { // each echoes what it hears, again and again
			for id := range systems {
				p, err := d.list.Endpoint(id)
				if err != nil {
					t.Fatal(err)
				}
				if err := in.Tell(t.Context(), p, []byte(`{"id":"`+string(id)+`-T-1","state":"solved","why":"done there"}`)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		moved := 0
		for _, e := range d.Events() {
			if m, ok := e.Body.(call.TicketMoved); ok && m.To == "resolved" {
				moved++
			}
		}
		if moved != 1 || systems["jira"].told+systems["zammad"].told != 5 { // two events to both, and the end to the one that did not tell it
			t.Errorf("resolved %d times; told jira %d times, zammad %d", moved, systems["jira"].told, systems["zammad"].told)
		}
		d.stop()
	})
}

func TestWhoTellsUsProvesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.add("jira", func(s *call.EndpointSet) { s.Kind = string(connect.Connector) })
		d.add("nobody", nil)
		in := connect.Inbound{List: d.list, Vault: d, Store: d, Change: d.state}
		put := func(secret string) {
			t.Helper()
			if err := d.list.PutSecret(t.Context(), "jira", connect.InboundSecret, secret, "supervisor:sue"); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.list.PutSecret(t.Context(), "jira", connect.InboundSecret, "short", "supervisor:sue"); !errors.Is(err, connect.ErrInvalid) {
			t.Errorf("a secret that can be guessed: %v", err)
		}
		body := []byte(`{"id":1,"state":"solved"}`)
		const plain = "a-long-secret-of-theirs"
		mac := hmac.New(sha1.New, []byte(plain))
		mac.Write(body)
		header := func(name, value string) http.Header { h := http.Header{}; h.Set(name, value); return h }
		signed := func(s sign.Secret, at time.Time) http.Header {
			h := http.Header{}
			sign.Sign(h, "msg_1", at, body, s)
			return h
		}
		whsec := sign.New()
		for _, c := range []struct {
			name, secret string
			endpoint     call.EndpointID
			h            http.Header
			want         error
		}{
			{"bearer", plain, "jira", header("Authorization", "Bearer "+plain), nil},
			{"another bearer", plain, "jira", header("Authorization", "Bearer "+plain+"x"), sign.ErrSignature},
			{"no bearer", plain, "jira", header("Authorization", plain), sign.ErrSignature},
			{"nothing", plain, "jira", http.Header{}, sign.ErrSignature},
			{"signed as Zammad does", plain, "jira", header("X-Hub-Signature", "sha1="+hex.EncodeToString(mac.Sum(nil))), nil},
			{"signed wrongly", plain, "jira", header("X-Hub-Signature", "sha1=00"), sign.ErrSignature},
			{"by the standard", whsec.Text(), "jira", signed(whsec, time.Now()), nil},
			{"replayed", whsec.Text(), "jira", signed(whsec, time.Now().Add(-6*time.Minute)), sign.ErrStale},
			{"by another", whsec.Text(), "jira", signed(sign.New(), time.Now()), sign.ErrSignature},
			{"without a secret", plain, "nobody", header("Authorization", "Bearer "), sign.ErrSignature},
			{"unknown", plain, "else", header("Authorization", "Bearer "+plain), sign.ErrSignature},
		} {
			put(c.secret)
			if _, err := in.Known(t.Context(), c.endpoint, c.h, body); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
		}
		p, _ := d.list.Endpoint("jira")
		if err := in.Tell(t.Context(), p, body); !errors.Is(err, tickets.ErrNotFound) {
			t.Errorf("a ticket that is none of ours: %v", err)
		}
		for _, bad := range []string{``, `[]`, `{"id":`, `"x"`} {
			if err := in.Tell(t.Context(), p, []byte(bad)); !errors.Is(err, connect.ErrInvalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		d.stop()
	})
}
