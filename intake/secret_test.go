package intake

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"firstline/call"
	"firstline/ivr"
)

const verifying = `
variables: {account: "", name: ""}
start: account
nodes:
  account: {type: collect, play: enter-number, max: 4, as: account, retries: 0, timeout: 5s, next: pin, default: desk}
  pin: {type: collect, play: enter-pin, max: 4, secret: true, as: pin, retries: 0, timeout: 5s, next: verify, default: desk}
  verify: {type: lookup, lookup: crm, send: {account: account}, secrets: pin, take: {name: name}, verifies: true, found: kind, missing: desk, failed: desk}
  kind: {type: classify, kind: software, affected: team, urgency: low, next: out}
  out: {type: branch, cases: [{if: 'name == "sales"', next: sales}], default: desk}
  sales: {type: hangup, routed-out: true}
  desk: {type: queue, queue: service-desk}
`

// directory answers lookups, after a while.
type directory struct {
	mu     sync.Mutex
	asked  []map[string]string
	answer map[string]any
	found  ivr.Found
}

func (d *directory) Ask(ctx context.Context, _ string, ask map[string]string) (map[string]any, ivr.Found) {
	select {
	case <-time.After(500 * time.Millisecond):
	case <-ctx.Done():
		return nil, ivr.LookupFailed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, maps.Clone(ask))
	return d.answer, d.found
}

// lookedUp is a desk whose callers are looked up, and what it logs.
func lookedUp(t *testing.T, dir *directory, f func(r *rig, logged *observer.ObservedLogs)) {
	core, logged := observer.New(zapcore.DebugLevel)
	tuned(t, func(c *Centre) {
		flow, faults := ivr.Parse("support.yaml", "support", []byte(verifying))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		c.Flows["support"] = flow
	}, func(r *rig) {
		r.desk.Lookups, r.desk.Log = dir, zap.New(core)
		f(r, logged)
	})
}

// A PIN is where it was asked for and nowhere else: not in the journal, the log,
// the call's record or what the caller hears again.
func TestASecretReachesTheLookupAndNothingElse(t *testing.T) {
	dir := &directory{answer: map[string]any{"name": "Ana"}, found: ivr.LookupFound}
	lookedUp(t, dir, func(r *rig, logged *observer.ObservedLogs) {
		c := r.sw.Dial("+4930123", "1000")
		keyed(c, "0.5:4711 2:8765")
		time.Sleep(10 * time.Second)
		c.Hangup()
		time.Sleep(time.Second)
		rec := r.only()
		if len(dir.asked) != 1 || dir.asked[0]["pin"] != "8765" || dir.asked[0]["account"] != "4711" {
			t.Errorf("asked %v", dir.asked)
		}
		if rec.Identity != string(ivr.Verified) || len(rec.Talks) != 1 {
			t.Errorf("identity %q, talks %+v", rec.Identity, rec.Talks)
		}
		wantNoSecret(t, r, "8765")
		told, err := json.Marshal([]any{rec, c.Heard()})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range logged.All() {
			line, err := json.Marshal(e.ContextMap())
			if err != nil {
				t.Fatal(err)
			}
			told = append(append(told, e.Message...), line...)
		}
		if strings.Contains(string(told), "8765") || logged.FilterMessage("looked up").Len() != 1 {
			t.Errorf("told: %s", told)
		}
	})
}

// What was keyed is proposed to the ticket, with who is thought to call and why.
func TestATicketIsToldWhoCallsAndWhatIsWrong(t *testing.T) {
	dir := &directory{answer: map[string]any{"name": "Ana"}, found: ivr.LookupFound}
	lookedUp(t, dir, func(r *rig, _ *observer.ObservedLogs) {
		c := r.sw.Dial("+4930123", "1000")
		keyed(c, "0.5:4711 2:8765")
		time.Sleep(10 * time.Second)
		c.Hangup()
		time.Sleep(time.Second)
		var note string
		var class call.Classification
		for _, e := range r.journal.Events() {
			switch b := e.Body.(type) {
			case call.TicketNoted:
				note = b.Text
			case call.TicketClassified:
				class = b.Class
				if b.By != "caller" {
					t.Errorf("classified by %q", b.By)
				}
			}
		}
		if want := (call.Classification{Kind: "software", Severity: "medium", Urgency: "low"}); class != want || note != "Caller verified: lookup crm with pin" {
			t.Errorf("class %+v, note %q", class, note)
		}
	})
}

func TestWhatIsNotForThisDeskIsRoutedOutAndCountedSo(t *testing.T) {
	dir := &directory{answer: map[string]any{"name": "sales"}, found: ivr.LookupFound}
	lookedUp(t, dir, func(r *rig, _ *observer.ObservedLogs) {
		c := r.sw.Dial("+4930123", "1000")
		keyed(c, "0.5:4711 2:8765")
		time.Sleep(10 * time.Second)
		if rec := r.recordOf(c.Call.ID); rec.Outcome != call.OutcomeRoutedOut {
			t.Errorf("outcome %s", rec.Outcome)
		}
	})
}

// A lookup that fails, in whatever way, leads on; one whose caller hangs up ends.
func TestALookupCostsNoCall(t *testing.T) {
	for after, want := range map[time.Duration]call.Reason{2200 * time.Millisecond: call.Hangup, 10 * time.Second: call.Hangup} {
		dir := &directory{found: ivr.LookupFailed}
		lookedUp(t, dir, func(r *rig, _ *observer.ObservedLogs) {
			c := r.sw.Dial("+4930123", "1000")
			keyed(c, "0.5:4711 2:8765")
			time.Sleep(after)
			c.Hangup()
			time.Sleep(time.Second)
			rec := r.only()
			if rec.Cause.Reason != want || (len(rec.Talks) == 1) != (after > 5*time.Second) {
				t.Errorf("hung up after %v: %+v, %d talks", after, rec.Cause, len(rec.Talks))
			}
		})
	}
}
