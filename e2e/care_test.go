//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip"
)

// blockRow is a block as the API tells it.
type blockRow struct {
	ID      string     `json:"id"`
	Number  string     `json:"number"`
	State   string     `json:"state"`
	Holds   bool       `json:"holds"`
	Until   *time.Time `json:"until"`
	Refused int        `json:"refused"`
}

// lostRow is a lost caller as the API tells it.
type lostRow struct {
	ID     string    `json:"id"`
	Ticket string    `json:"ticket"`
	Number string    `json:"number"`
	Joined time.Time `json:"joined"`
	Count  int       `json:"count"`
	Open   bool      `json:"open"`
	End    string    `json:"end"`
	Reason string    `json:"reason"`
}

// post sends what changes something, and wants a status.
func (a *api) post(path string, body, into any, want int) {
	a.t.Helper()
	status, b, err := a.ask(http.MethodPost, path, body)
	must(a.t, err)
	if status != want {
		a.t.Fatalf("POST %s: %d, want %d: %s", path, status, want, b)
	}
	if into != nil {
		must(a.t, json.Unmarshal(b, into))
	}
}

// lost is the list of lost callers by number, whatever became of them.
func (a *api) lost() map[string]lostRow {
	a.t.Helper()
	var page struct {
		Callers []lostRow `json:"callers"`
	}
	a.get("/api/v1/lost-callers?state=all&limit=500", &page)
	rows := map[string]lostRow{}
	for _, r := range page.Callers {
		rows[r.Number] = r
	}
	return rows
}

func TestABlockedNumberIsRefusedAndAdmittedAgainAtExpiryToTheSecond(t *testing.T) {
	t.Parallel()
	const number = "+15550100931"
	s := serve(t, setting{})
	until := time.Now().Add(6 * time.Second).Truncate(time.Second)
	var b blockRow
	s.api.post("/api/v1/blocks", map[string]any{"number": "001 555 010-0931", "reason": "threats", "until": until}, &b, 201)
	if b.Number != number || b.State != "in-force" || b.Until == nil || !b.Until.Equal(until) {
		t.Fatalf("the block: %+v", b)
	}
	answered := map[bool]int{}
	newPhones(s).with("stranger", "", nil, func(ctx context.Context, p *sip.Phone) {
		for time.Until(until) > -3*time.Second || answered[true] == 0 {
			c, err := p.DialFrom(ctx, number, "1009", nil)
			must(t, err)
			err = call.AwaitAnswer(ctx, c, nil)
			if answered[err == nil]++; err != nil && call.AsCause(err).SIP != 603 {
				t.Errorf("refused with %v", err)
			}
			bye(c)
		}
	})
	s.api.awaitEnd(number)
	refused := 0
	for _, c := range s.api.calls() {
		if out := c.Outcome == "blocked"; out != c.Arrived.Before(until) {
			t.Errorf("a call at %v ended as %q; the block was until %v", c.Arrived, c.Outcome, until)
		} else if out {
			refused++
		}
		if c.Ticket == "" {
			t.Errorf("a call without a ticket: %+v", c)
		}
	}
	s.api.get("/api/v1/blocks/"+b.ID, &b)
	if refused == 0 || refused != answered[false] || b.Refused != refused || b.State != "expired" || b.Holds {
		t.Errorf("%d refused by the records, the phone was %d times; the block: %+v", refused, answered[false], b)
	}
	promises(t, s)
}

func TestThePanicButtonEndsTheCallKeepsItsRecordingAndKeepsTheCallerOut(t *testing.T) {
	t.Parallel()
	const number = "+15550100932"
	s := serve(t, setting{})
	s.softphone("2001", "auto")
	phones := newPhones(s)
	phones.with("stranger", "", nil, func(ctx context.Context, p *sip.Phone) {
		c, err := p.DialFrom(ctx, number, "1009", nil)
		must(t, err)
		must(t, call.AwaitAnswer(ctx, c, nil))
		talks := s.api.awaitCall(number, "talks", func(c callRecord) bool { return c.State == "talking" && c.TalkMs > 1000 })
		var pressed struct {
			Block blockRow `json:"block"`
		}
		s.api.post("/api/v1/calls/"+talks.ID+"/panic", map[string]string{"reason": "threats"}, &pressed, 200)
		select {
		case <-c.Context().Done():
		case <-time.After(patience):
			t.Error("the caller is still on the line")
		}
		if pressed.Block.Number != number || pressed.Block.State != "proposed" || !pressed.Block.Holds {
			t.Errorf("the block: %+v", pressed.Block)
		}
		again, err := p.DialFrom(ctx, number, "1009", nil)
		must(t, err)
		if err := call.AwaitAnswer(ctx, again, nil); err == nil || call.AsCause(err).SIP != 603 {
			t.Errorf("the same caller again: %v", err)
		}
		s.api.post("/api/v1/blocks/"+pressed.Block.ID+"/decline", map[string]string{"reason": "a misunderstanding"}, nil, 200)
		again, err = p.DialFrom(ctx, number, "1009", nil)
		must(t, err)
		if err := call.AwaitAnswer(ctx, again, nil); err != nil {
			t.Errorf("after a supervisor declined: %v", err)
		}
		bye(again)
	})
	playable(t, s, 1)
	var rec struct {
		Flag *struct{ By, Note string } `json:"flag"`
	}
	s.api.get("/api/v1/recordings/"+s.api.recordings()[0].ID, &rec)
	if rec.Flag == nil {
		t.Error("the recording is not marked as one to keep")
	}
	promises(t, s)
}

func TestLostCallersAreOnTheListThroughAKillAndComeOffItOnce(t *testing.T) {
	t.Parallel()
	const gaveUp, cutOff = "+15550100933", "+15550100934"
	s := serve(t, setting{})
	waits := func(number string) {
		s.api.awaitCall(number, "has waited longer than a short abandon", func(c callRecord) bool { return c.State == "waiting" && c.WaitMs > 5500 })
	}
	newPhones(s).with("stranger", "", nil, func(ctx context.Context, p *sip.Phone) {
		dial := func(number string) *sip.PhoneCall {
			c, err := p.DialFrom(ctx, number, "1009", nil)
			must(t, err)
			must(t, call.AwaitAnswer(ctx, c, nil))
			return c
		}
		for range 2 {
			c := dial(gaveUp)
			waits(gaveUp)
			bye(c)
			s.api.awaitEnd(gaveUp)
		}
		dial(cutOff)
		waits(cutOff)
		s.kill()
		s.up()
		rows := s.api.lost()
		if a, b := rows[gaveUp], rows[cutOff]; len(rows) != 2 || !a.Open || a.Count != 2 || !b.Open || b.Count != 1 {
			t.Fatalf("the list: %+v", rows)
		}
		s.softphone("2001", "auto")
		c := dial(gaveUp)
		s.api.awaitCall(gaveUp, "talks", func(c callRecord) bool { return c.State == "talking" && c.TalkMs > 500 })
		bye(c)
		s.api.awaitEnd(gaveUp)
	})
	for range 3 {
		s.api.post("/api/v1/lost-callers/"+s.api.lost()[cutOff].ID+"/tries", map[string]any{"reached": false}, nil, 200)
	}
	rows := s.api.lost()
	if a, b := rows[gaveUp], rows[cutOff]; len(rows) != 2 || a.End != "called-again-and-answered" || b.End != "unreachable" {
		t.Errorf("the list: %+v", rows)
	}
	if open, ok := s.api.metric("firstline_lost_callers_open"); !ok || open != 0 {
		t.Errorf("%v are to be called back by the metrics, %v", open, ok)
	}
	promises(t, s)
}
