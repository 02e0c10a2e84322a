package ivr_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/ivr"
)

const asking = `
variables: {account: "", name: "", tickets: 0, vip: false}
start: account
nodes:
  account: {type: collect, play: enter-number, max: 4, as: account, next: pin, default: by-number}
  pin: {type: collect, play: enter-pin, max: 4, secret: true, as: pin, next: verify, default: by-number}
  verify:
    type: lookup
    lookup: crm
    send: {account: account, number: caller.number}
    secrets: pin
    take: {name: name, tickets: open, vip: vip}
    verifies: true
    found: kind
    missing: by-number
    failed: by-number
  by-number: {type: identity, is: known, next: kind}
  kind: {type: menu, play: menu-main, digits: {1: breach, 2: broken, 4: sales}, default: desk}
  breach: {type: classify, kind: security-breach, urgency: high, next: affected}
  broken: {type: classify, kind: technical-failure, next: affected}
  affected: {type: menu, play: menu-severity, digits: {1: me, 3: all}, default: desk}
  me: {type: classify, affected: me, next: desk}
  all: {type: classify, affected: everyone, next: desk}
  sales: {type: classify, kind: not-technical, next: out}
  out: {type: hangup, routed-out: true}
  desk: {type: branch, cases: [{if: 'identity == "verified" and vip', next: fast}], default: slow}
  fast: {type: queue, queue: service-desk, priority: 9}
  slow: {type: queue, queue: service-desk}
`

func TestALookupLeadsOnAndASecretAloneVerifies(t *testing.T) {
	for name, c := range map[string]struct {
		keys     []string
		answer   map[string]any
		found    ivr.Found
		want     ivr.Result
		identity ivr.Identity
		class    call.Classification
	}{
		"found": {
			[]string{"4711", "8765", "2", "3"},
			map[string]any{"name": "Ana", "open": 2.0, "vip": true},
			ivr.LookupFound,
			ivr.Queue{Queue: "service-desk", Priority: 9},
			ivr.Verified,
			call.Classification{Kind: "technical-failure", Severity: "critical"},
		},
		"nobody": {
			[]string{"4711", "8765", "1", "1"},
			nil, ivr.LookupMissing,
			ivr.Queue{Queue: "service-desk"},
			ivr.Recognised,
			call.Classification{Kind: "security-breach", Severity: "low", Urgency: "high"},
		},
		"no answer in time": {[]string{"4711", "8765"}, nil, ivr.LookupFailed, ivr.Queue{Queue: "service-desk"}, ivr.Recognised, call.Classification{}},
		"no PIN":            {[]string{"4711", "", "", ""}, map[string]any{"vip": true}, ivr.LookupFound, ivr.Queue{Queue: "service-desk"}, ivr.Recognised, call.Classification{}},
		"an answer in other types": {
			[]string{"4711", "8765"},
			map[string]any{"name": 7.0, "open": 2.5, "vip": "yes"},
			ivr.LookupFound,
			ivr.Queue{Queue: "service-desk"},
			ivr.Verified,
			call.Classification{},
		},
		"not for this desk": {
			[]string{"4711", "8765", "4"},
			map[string]any{"vip": true},
			ivr.LookupFound,
			ivr.Hangup{Reason: call.Completed, Routed: true},
			ivr.Verified,
			call.Classification{Kind: "not-technical"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var asked map[string]string
			on := ivr.Line{
				Leg: &caller{script: c.keys}, Facts: ivr.Facts{Caller: ivr.Caller{Number: "+4930123"}},
				Lookup: func(_ context.Context, name string, ask map[string]string) (map[string]any, ivr.Found) {
					asked = ask
					return c.answer, c.found
				},
			}
			f, faults := ivr.Parse("main.yaml", "main", []byte(asking))
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			got, hs := walkthrough(t, map[string]*ivr.Flow{"main": f}, on, ivr.State{})
			last := ivr.State{}
			for _, h := range hs {
				if e, ok := h.(ivr.Entered); ok {
					last = e.State
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("result (-want +got):\n%s", d)
			}
			if last.Identity != c.identity || last.Class != c.class {
				t.Errorf("identity %q, class %+v; want %q, %+v", last.Identity, last.Class, c.identity, c.class)
			}
			if asked != nil {
				if d := cmp.Diff(map[string]string{"account": "4711", "number": "+4930123", "pin": "8765"}, asked); d != "" {
					t.Errorf("asked (-want +got):\n%s", d)
				}
			}
			if b, err := json.Marshal(hs); err != nil || strings.Contains(string(b), "8765") {
				t.Errorf("the PIN is in %s, %v", b, err)
			}
		})
	}
}

// A process that dies after the PIN does not know it any more: the caller goes on
// as one whose lookup failed.
func TestASecretIsNotKeptThroughARestart(t *testing.T) {
	f, _ := ivr.Parse("main.yaml", "main", []byte(asking))
	on := ivr.Line{Leg: &caller{}, Lookup: func(context.Context, string, map[string]string) (map[string]any, ivr.Found) {
		t.Error("asked without the secret")
		return nil, ivr.LookupFound
	}}
	_, hs := walkthrough(t, map[string]*ivr.Flow{"main": f}, on, ivr.State{Flow: "main", Node: "verify", Variables: ivr.Values{"account": "4711"}})
	if got := story(hs); !strings.HasPrefix(got, "verify by-number kind") {
		t.Error(got)
	}
}
