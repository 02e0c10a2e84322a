package ivr_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/ivr"
)

// flows parses several flows, {id: text}, and wants no faults.
func flows(t testing.TB, texts map[string]string) map[string]*ivr.Flow {
	t.Helper()
	all := map[string]*ivr.Flow{}
	var list []*ivr.Flow
	known := known()
	known.Prompts = append(known.Prompts, "queue-position", "press-1", "goodbye")
	known.Flows, known.Calendars, known.Languages = []string{}, []string{"desk"}, []string{"de", "en"}
	for id, text := range texts {
		f, faults := ivr.Parse("flows/"+id+".yaml", id, []byte(text))
		if len(faults) > 0 {
			t.Fatalf("the flow has faults:\n%v", faults)
		}
		known.Flows = append(known.Flows, id)
		all[id], list = f, append(list, f)
	}
	if faults := ivr.CheckAll(list, known); len(faults) > 0 {
		t.Fatalf("the flows have faults:\n%v", faults)
	}
	return all
}

// walkthrough runs flow "main" of several.
func walkthrough(t testing.TB, all map[string]*ivr.Flow, on ivr.Line, from ivr.State) (ivr.Result, []ivr.Happening) {
	t.Helper()
	var hs []ivr.Happening
	on.Flows = all
	on.Tell = func(h ivr.Happening) { hs = append(hs, h) }
	res, err := ivr.Run(t.Context(), on, all["main"], from)
	if err != nil {
		t.Fatal(err)
	}
	return res, hs
}

const deciding = `
variables: {tries: 0, account: "", vip: false}
start: account
nodes:
  account: {type: collect, play: enter-number, max: 6, as: account, next: note, default: count}
  count: {type: set, set: {tries: tries + 1}, next: note}
  note: {type: set, set: {vip: 'account startsWith "9" or class == "gold"'}, next: which}
  which:
    type: branch
    cases:
      - {if: vip and not caller.withheld, next: fast}
      - {if: 'queue("service-desk").waiting > 5 or queue("service-desk").estimate > duration("10m")', next: busy}
      - {if: 'not open("desk") or time.weekday in ["sat", "sun"]', next: shut}
    default: slow
  fast: {type: queue, queue: service-desk, priority: 9}
  busy: {type: hangup, reason: busy}
  shut: {type: hangup, reason: closed}
  slow: {type: queue, queue: service-desk}
`

func TestBranchesGoByWhatHoldsOfTheCall(t *testing.T) {
	all := flows(t, map[string]string{"main": deciding})
	monday := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		keys string
		on   ivr.Line
		want ivr.Result
	}{
		"by a keyed account":    {"912#", ivr.Line{}, ivr.Queue{Queue: "service-desk", Priority: 9}},
		"by the class":          {"", ivr.Line{Facts: ivr.Facts{Class: "gold"}}, ivr.Queue{Queue: "service-desk", Priority: 9}},
		"a withheld number":     {"912#", ivr.Line{Facts: ivr.Facts{Caller: ivr.Caller{Withheld: true}}}, ivr.Queue{Queue: "service-desk"}},
		"nothing in particular": {"512#", ivr.Line{}, ivr.Queue{Queue: "service-desk"}},
		"by the queue's callers": {"", ivr.Line{Queue: func(id string) ivr.QueueFacts {
			return ivr.QueueFacts{Waiting: len(id)}
		}}, ivr.Hangup{Reason: call.Busy}},
		"by the estimate": {"", ivr.Line{Queue: func(string) ivr.QueueFacts {
			return ivr.QueueFacts{Estimate: 11 * time.Minute}
		}}, ivr.Hangup{Reason: call.Busy}},
		"by a calendar":    {"", ivr.Line{Open: func(string) bool { return false }}, ivr.Hangup{Reason: call.Closed}},
		"by the day":       {"", ivr.Line{Facts: ivr.Facts{At: monday.AddDate(0, 0, -1)}}, ivr.Hangup{Reason: call.Closed}},
		"on a working day": {"", ivr.Line{Facts: ivr.Facts{At: monday}}, ivr.Queue{Queue: "service-desk"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.on.Facts.At.IsZero() {
				c.on.Facts.At = monday
			}
			c.on.Leg = &caller{script: []string{c.keys}}
			got, _ := walkthrough(t, all, c.on, ivr.State{})
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("result (-want +got):\n%s", d)
			}
		})
	}
}

func TestVariablesOutliveTheProcess(t *testing.T) {
	all := flows(t, map[string]string{"main": deciding})
	_, hs := walkthrough(t, all, ivr.Line{Leg: &caller{}}, ivr.State{})
	for _, h := range hs {
		e, ok := h.(ivr.Entered)
		if !ok || e.State.Node != "which" {
			continue
		}
		recorded, err := json.Marshal(e.State)
		if err != nil {
			t.Fatal(err)
		}
		var from ivr.State
		if err := json.Unmarshal(recorded, &from); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(ivr.Values{"tries": 1, "vip": false}, from.Variables); d != "" {
			t.Errorf("variables of %s (-want +got):\n%s", recorded, d)
		}
		from.Variables["vip"] = true
		if got, _ := walkthrough(t, all, ivr.Line{Leg: &caller{}}, from); got != any(nil) {
			if d := cmp.Diff(ivr.Result(ivr.Queue{Queue: "service-desk", Priority: 9}), got); d != "" {
				t.Errorf("gone on (-want +got):\n%s", d)
			}
		}
		return
	}
	t.Fatal("node which was not entered")
}

const (
	mainFlow = `
variables: {account: ""}
start: who
nodes:
  who: {type: flow, flow: identify, next: german}
  german: {type: language, to: de, next: tell}
  tell:
    type: say
    say: [queue-position, {number: 'queue("service-desk").waiting + 1'}, {digits: account}, {ticket: ticket}, {date: time.date}, {duration: 'queue("service-desk").longest'}]
    next: over
  over: {type: flow, flow: goodbye}
`
	identifyFlow = `
variables: {account: ""}
start: ask
nodes:
  ask:
    type: collect
    play: enter-number
    max: 4
    as: account
    read-back: queue-position
    confirm: press-1
    retries: 1
    next: back
    default: back
  back: {type: return}
`
	goodbyeFlow = `
start: bye
nodes:
  bye: {type: prompt, play: goodbye, next: end}
  end: {type: hangup}
`
)

func three(t testing.TB) map[string]*ivr.Flow {
	return flows(t, map[string]string{"main": mainFlow, "identify": identifyFlow, "goodbye": goodbyeFlow})
}

func TestAFlowReturnsToTheOneThatCalledIt(t *testing.T) {
	c := &caller{script: []string{"4711", "1"}}
	on := ivr.Line{Leg: c, Facts: ivr.Facts{Ticket: "T-10", At: time.Date(2026, 12, 24, 9, 0, 0, 0, time.UTC)}, Queue: func(string) ivr.QueueFacts {
		return ivr.QueueFacts{Waiting: 20, Longest: time.Minute}
	}}
	got, hs := walkthrough(t, three(t), on, ivr.State{})
	if got != (ivr.Hangup{Reason: call.Completed}) {
		t.Errorf("result %v", got)
	}
	if d := cmp.Diff("who ask +4711@ask +1@ask back german tell over bye end", story(hs)); d != "" {
		t.Errorf("story (-want +got):\n%s", d)
	}
	want := []call.Media{
		"prompt:en/enter-number", "prompt:en/queue-position", "prompt:en/digit-4", "prompt:en/digit-7", "prompt:en/digit-1", "prompt:en/digit-1", "prompt:en/press-1",
		"prompt:de/queue-position", "prompt:de/one-m", "prompt:de/and-20", "prompt:de/digit-4", "prompt:de/digit-7", "prompt:de/digit-1", "prompt:de/digit-1",
		"prompt:de/letter-t", "prompt:de/digit-1", "prompt:de/digit-0", "prompt:de/weekday-4", "prompt:de/the", "prompt:de/digit-4", "prompt:de/day-and-20", "prompt:de/month-12",
		"prompt:de/digit-2", "prompt:de/thousand", "prompt:de/digit-6", "prompt:de/and-20", "prompt:de/one-f", "prompt:de/minute", "prompt:de/goodbye",
	}
	if d := cmp.Diff(want, c.heard); d != "" {
		t.Errorf("heard (-want +got):\n%s", d)
	}
}

// Wherever the process dies, in a called flow too, the recorded state goes on.
func TestAStateInACalledFlowFindsItsWayBack(t *testing.T) {
	keys := []string{"4711", "1"}
	_, hs := walkthrough(t, three(t), ivr.Line{Leg: &caller{script: keys}}, ivr.State{})
	for _, h := range hs {
		e, ok := h.(ivr.Entered)
		if !ok {
			continue
		}
		recorded, err := json.Marshal(e.State)
		if err != nil {
			t.Fatal(err)
		}
		var from ivr.State
		if err := json.Unmarshal(recorded, &from); err != nil {
			t.Fatal(err)
		}
		got, again := walkthrough(t, three(t), ivr.Line{Leg: &caller{script: keys}}, from)
		if first := again[0].(ivr.Entered).State; got != (ivr.Hangup{Reason: call.Completed}) || first.Node != e.State.Node || first.Flow != e.State.Flow {
			t.Errorf("from %s: result %v, began at %s of %s", recorded, got, first.Node, first.Flow)
		}
	}
}

func TestDigitsThatAreReadBackCountOnlyWhenTheCallerSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		keys []string
		want string
	}{
		"right":                      {[]string{"4711", "1"}, "4711"},
		"wrong, then right":          {[]string{"4711", "2", "4712", "1"}, "4712"},
		"another key is no answer":   {[]string{"4711", "7", "1"}, "4711"},
		"silence is no answer":       {[]string{"4711", "", "1"}, "4711"},
		"never sure":                 {[]string{"4711", "", "", "4711", "", ""}, ""},
		"wrong, and then nothing":    {[]string{"4711", "2", "", ""}, ""},
		"the terminator after it":    {[]string{"4711#", "1"}, "4711"},
		"keyed ahead of the reading": {[]string{"4711#1"}, "4711"},
	} {
		t.Run(name, func(t *testing.T) {
			_, hs := walkthrough(t, three(t), ivr.Line{Leg: &caller{script: c.keys}}, ivr.State{})
			last := hs[len(hs)-1].(ivr.Entered)
			if got, _ := last.State.Variables["account"].(string); got != c.want {
				t.Errorf("account %q, want %q; %s", got, c.want, story(hs))
			}
		})
	}
}

func TestANoticeCanBeDeclinedByItsKeyAlone(t *testing.T) {
	all := flows(t, map[string]string{"main": `
start: notice
nodes:
  notice: {type: notice, play: recording-notice, decline: "9", declined: goodbye, next: desk}
  desk: {type: queue, queue: service-desk}
`})
	for keys, declined := range map[string]bool{"9": true, "1": false, "": false} {
		c := &caller{script: []string{keys}}
		_, hs := walkthrough(t, all, ivr.Line{Leg: c}, ivr.State{})
		got := hs[len(hs)-1].(ivr.Entered).State.Unrecorded
		said := strings.Contains(story(hs), "!recording-notice/en")
		if got != declined || !said || (len(c.heard) == 2) != declined {
			t.Errorf("%q: unrecorded %v, noticed %v, heard %v", keys, got, said, c.heard)
		}
	}
}

func TestAnExpressionWithoutAValueIsReportedAndGoneAround(t *testing.T) {
	all := flows(t, map[string]string{"main": `
variables: {n: 3}
start: set
nodes:
  set: {type: set, set: {n: 'int(caller.number)'}, next: which}
  which: {type: branch, cases: [{if: 'int(caller.name) > 1', next: bye}], default: say}
  say: {type: say, say: [{number: n}, {date: caller.name}], next: desk}
  desk: {type: queue, queue: service-desk}
  bye: {type: hangup}
`})
	c := &caller{}
	on := ivr.Line{Leg: c, Facts: ivr.Facts{Caller: ivr.Caller{Number: "+4930SECRET", Name: "Ana"}}}
	got, hs := walkthrough(t, all, on, ivr.State{})
	var troubles []string
	for _, h := range hs {
		if x, ok := h.(ivr.Troubled); ok {
			troubles = append(troubles, x.Node+": "+x.Why)
		}
	}
	want := []string{
		"set: no value for int(caller.number)", "which: no value for int(caller.name) > 1",
		"say: caller.name: said as a date, and is none such as 2026-12-24",
	}
	if d := cmp.Diff(want, troubles); d != "" || got == nil {
		t.Errorf("troubles (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]call.Media{"prompt:en/digit-3"}, c.heard); d != "" {
		t.Errorf("heard (-want +got):\n%s", d)
	}
}

// A secret is kept for the nodes to come, and is in no state and no report.
func TestAKeptSecretIsInNoState(t *testing.T) {
	all := flows(t, map[string]string{"main": `
start: pin
nodes:
  pin: {type: collect, play: enter-pin, max: 4, secret: true, as: pin, next: desk, default: desk}
  desk: {type: queue, queue: service-desk}
`})
	_, hs := walkthrough(t, all, ivr.Line{Leg: &caller{script: []string{"8765"}}}, ivr.State{})
	text, err := json.Marshal(hs)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "8765") {
		t.Errorf("the PIN is in %s", text)
	}
}

func TestAFlowThatIsGoneEndsTheCallWithItsReason(t *testing.T) {
	f, _ := ivr.Parse("main.yaml", "main", []byte("start: a\nnodes:\n  a: {type: flow, flow: gone}\n"))
	_, err := ivr.Run(t.Context(), ivr.Line{Leg: &caller{}, Tell: func(ivr.Happening) {}}, f, ivr.State{})
	if !errors.Is(err, ivr.ErrState) {
		t.Errorf("error %v", err)
	}
}
