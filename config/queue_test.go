package config_test

import (
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
	"firstline/config"
)

func TestAQueueThatSendsCallersOnAtOnceIsAdvisedAgainst(t *testing.T) {
	c, err := config.LoadCentre(fstest.MapFS{
		"numbers.yaml": {Data: []byte("1: {queue: a}\n")},
		"queues.yaml": {Data: []byte(`
a: {max-wait: 5m, exits: {timeout: {queue: b}}}
b: {max-wait: 5m, exits: {timeout: {queue: c}}}
c: {max-wait: 6m, exits: {timeout: {queue: d}}}
d:
`)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`queue "a": after 5m0s callers go to queue "b", which lets them wait 5m0s from when they came: it sends them on at once`}
	if got := c.Advice(nil); !slices.Equal(got, want) {
		t.Errorf("advice %q, want %q", got, want)
	}
}

func TestAQueueWithEverything(t *testing.T) {
	c, err := config.LoadCentre(fstest.MapFS{
		"numbers.yaml": {Data: []byte("1: {queue: a}\n2: {queue: a, client: acme}\n3: {queue: a, client: acme, class: on-call}\n")},
		"clients.yaml": {Data: []byte("acme: {class: gold}\n")},
		"skills.yaml":  {Data: []byte("vpn: VPN\ngerman: German\n")},
		"breaks.yaml":  {Data: []byte("lunch: Lunch\n")},
		"agents.yaml":  {Data: []byte("2001: {skills: {vpn: 3, german: 1}}\n2002: {skills: {vpn: 1}}\n")},
		"queues.yaml": {Data: []byte(`
a:
  strategy: ring-progressively
  ring-step: 5s
  need: {skills: {vpn: 3}, any: [{skills: {german: 1}}, {level: 2}]}
  tiers: {2002: 2}
  window: {max: 1}
  skip-empty-tiers: true
  steps:
    - {after: 30s, need: {skills: {vpn: 2}}}
    - {after: 60s, window: {max: 2, raise: 2}}
    - {after: 90s, need: {skills: {vpn: 1}}}
  delays: {declined: 20s, busy: 0s, no-answer: 3s}
  no-agent: {join: true, leave: true, grace: 0s, counts: [idle, break]}
  max-length: 3
  press-to-accept: false
  exits:
    overflow: {queue: b, priority: 7}
    timeout: {callback: true, prompt: sorry}
    no-agent: {hangup: true, outcome: deflected-informed}
  keys: {1: {hangup: true, outcome: callback-taken}, "#": {queue: b}}
b:
`)},
		"rules.yaml": {Data: []byte(`
order: {by: slack, bound: 5m}
clients: {acme: {agents: 3, share: 25}}
classes: {gold: {priority: 20}}
reserves: {on-call: {classes: [on-call], need: {level: 2}, keep: 2}}
breaks: {lunch: {most: 2, queues: {a: 1}}}
`)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	vpn := func(n int) call.Requirement { return call.Requirement{Skills: map[string]int{"vpn": n}} }
	need := vpn(3)
	need.Any = []call.Requirement{{Skills: map[string]int{"german": 1}}, {Level: 2}}
	want := callqueue.Queue{
		ID: "a", Strategy: callqueue.RingProgressively, RingStep: 5 * time.Second, Need: need, Record: true, MaxLen: 3, Unasked: true,
		Tiers: map[call.AgentID]int{"2002": 2}, Window: callqueue.Window{Max: 1}, SkipEmpty: true,
		Steps: []callqueue.Step{
			{After: 30 * time.Second, Need: vpn(2), Window: callqueue.Window{Max: 1}},
			{After: 60 * time.Second, Need: vpn(2), Window: callqueue.Window{Max: 2, Raise: 2}},
			{After: 90 * time.Second, Need: vpn(1), Window: callqueue.Window{Max: 2, Raise: 2}},
		},
		RejectDelay: 20 * time.Second, BusyDelay: -1, NoAnswerDelay: 3 * time.Second,
		NoAgent: callqueue.NoAgentRule{
			Join: true, Leave: true, Grace: -1, Counts: []callqueue.AgentState{callqueue.StateIdle, callqueue.StateBreak},
		},
		Overflow: &callqueue.Exit{To: callqueue.Destination{Kind: callqueue.ToQueue, Name: "b"}, Priority: 7},
		Timeout:  &callqueue.Exit{To: callqueue.Destination{Kind: callqueue.ToCallback}, Prompt: "sorry"},
		Empty:    &callqueue.Exit{To: callqueue.Destination{Kind: callqueue.ToHangup}, Outcome: call.OutcomeDeflected},
		Keys: map[string]callqueue.Exit{
			"1": {To: callqueue.Destination{Kind: callqueue.ToHangup}, Outcome: call.OutcomeCallbackTaken},
			"#": {To: callqueue.Destination{Kind: callqueue.ToQueue, Name: "b"}},
		},
	}.Defaults()
	if d := cmp.Diff(want, c.Queues[0]); d != "" {
		t.Errorf("queue (-want +got):\n%s", d)
	}
	rules := callqueue.Rules{
		Order:    callqueue.Order{By: callqueue.OrderBySlack, Bound: 5 * time.Minute},
		Clients:  map[string]callqueue.Cap{"acme": {Agents: 3, Share: 25}},
		Reserves: []callqueue.Reserve{{Name: "on-call", Classes: []string{"on-call"}, Need: call.Requirement{Level: 2}, Keep: 2}},
		Classes:  map[string]callqueue.Class{"gold": {Priority: 20}},
		Breaks:   map[string]callqueue.BreakRule{"lunch": {Most: 2, Queues: map[call.QueueID]int{"a": 1}}},
	}
	if d := cmp.Diff(rules, c.Rules); d != "" {
		t.Errorf("rules (-want +got):\n%s", d)
	}
	for number, want := range map[string]string{"1": "", "2": "gold", "3": "on-call"} {
		if got := c.Class(c.Numbers[number]); got != want {
			t.Errorf("number %s is of class %q, want %q", number, got, want)
		}
	}
	advice := []string{
		`queue "a": step 1, after 30s, lets in nobody whom the step before did not`,
		`queue "a": step 2, after 1m0s, lets in nobody whom the step before did not`,
	}
	if got := c.Advice(nil); !slices.Equal(got, advice) {
		t.Errorf("advice %q, want %q", got, advice)
	}
}
