package ivr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/ivr"
)

// caller is a leg that keys what a script says: one entry for each verb, keyed
// while the verb runs. What a verb does not take stays for the next.
type caller struct {
	script []string
	gone   int // the caller hangs up in this verb, counted from 1; 0 means never
	verbs  int
	buffer string
	heard  []call.Media
}

func (c *caller) step() error {
	c.verbs++
	if c.verbs == c.gone {
		return call.Cause{Reason: call.Hangup}
	}
	if len(c.script) > 0 {
		c.buffer += c.script[0]
		c.script = c.script[1:]
	}
	return nil
}

func (c *caller) Play(_ context.Context, media ...call.Media) error {
	c.heard = append(c.heard, media...)
	return c.step()
}

func (c *caller) Collect(_ context.Context, want call.Collect) (call.Collected, error) {
	if want.Fresh {
		c.buffer = ""
	}
	if c.buffer == "" || want.Uninterrupted {
		c.heard = append(c.heard, want.Prompts...)
	}
	if err := c.step(); err != nil {
		return call.Collected{}, err
	}
	for i := range len(c.buffer) {
		if want.Terminator != 0 && c.buffer[i] == want.Terminator {
			got := c.buffer[:i]
			c.buffer = c.buffer[i+1:]
			return call.Collected{Digits: got}, nil
		}
		if i+1 == max(1, want.Max) {
			got := c.buffer[:i+1]
			c.buffer = c.buffer[i+1:]
			return call.Collected{Digits: got}, nil
		}
	}
	got := c.buffer
	c.buffer = ""
	return call.Collected{Digits: got, TimedOut: true}, nil
}

const support = `
name: Support line
start: welcome
nodes:
  welcome: {type: prompt, play: welcome, next: recorded}
  recorded: {type: notice, play: recording-notice, next: main}
  main:
    type: menu
    play: menu-main
    digits: {1: desk, 2: account, "*": main, "#": bye}
    invalid: menu-invalid
    silence: menu-timeout
    retries: 2
    timeout: 4s
    default: desk
  account:
    type: collect
    play: enter-number
    min: 4
    max: 6
    retries: 1
    invalid: menu-invalid
    next: pin
    default: desk
  pin: {type: collect, play: enter-pin, min: 4, max: 4, secret: true, retries: 1, next: more, default: bye}
  more: {type: menu, play: menu-severity, digits: {1: printers, 2: bye}, default: desk, retries: 0}
  printers:
    type: queue
    queue: service-desk
    priority: 7
    need: {skills: {printer: 3}, level: 2}
  desk: {type: queue, queue: service-desk}
  bye: {type: hangup, reason: closed}
`

func known() ivr.Known {
	return ivr.Known{
		Queues: []string{"service-desk"},
		Skills: []string{"printer"},
		Prompts: []string{
			"welcome", "recording-notice", "menu-main", "menu-invalid", "menu-timeout", "menu-severity", "enter-number", "enter-pin",
			"digit-1", "number-20", "hundred", "thousand", "month-1", "weekday-0", "hour", "minutes",
		},
	}
}

func flow(t testing.TB, text string) *ivr.Flow {
	t.Helper()
	f, faults := ivr.Parse("flows/support.yaml", "support", []byte(text))
	if faults = append(faults, ivr.Check(f, known())...); len(faults) > 0 {
		t.Fatalf("the flow has faults:\n%v", faults)
	}
	return f
}

// story is a happening in a few letters.
func story(hs []ivr.Happening) string {
	var all []string
	for _, h := range hs {
		switch h := h.(type) {
		case ivr.Entered:
			all = append(all, h.State.Node)
		case ivr.Keyed:
			mark := "+"
			if !h.Accepted {
				mark = "-"
			}
			all = append(all, mark+h.Digits+"@"+h.Node)
		case ivr.Noticed:
			all = append(all, "!"+h.Prompt+"/"+h.Language)
		}
	}
	return strings.Join(all, " ")
}

func run(t testing.TB, f *ivr.Flow, c *caller, from ivr.State) (ivr.Result, []ivr.Happening, error) {
	t.Helper()
	var hs []ivr.Happening
	res, err := ivr.Run(t.Context(), ivr.Line{Leg: c, Tell: func(h ivr.Happening) { hs = append(hs, h) }}, f, from)
	return res, hs, err
}

func TestKeysLeadTheCall(t *testing.T) {
	desk := ivr.Queue{Queue: "service-desk"}
	bye := ivr.Hangup{Reason: call.Closed}
	printers := ivr.Queue{
		Queue: "service-desk", Priority: 7,
		Need: call.Requirement{Skills: map[string]int{"printer": 3}, Level: 2},
	}
	const opening = "welcome recorded !recording-notice/en main "
	for name, c := range map[string]struct {
		script []string // keyed during: welcome, notice, then each asking
		want   ivr.Result
		story  string
	}{
		"a key is taken":                  {[]string{"", "", "1"}, desk, opening + "+1@main desk"},
		"keyed early during the greeting": {[]string{"1"}, desk, opening + "+1@main desk"},
		"keyed far ahead": {
			[]string{"21234#9999"},
			desk, opening + "+2@main account +1234@account pin +****@pin more desk",
		},
		"silence leads to the default":                {nil, desk, opening + "desk"},
		"silence, then a key":                         {[]string{"", "", "", "1"}, desk, opening + "+1@main desk"},
		"wrong keys lead to the default":              {[]string{"", "", "7", "8", "9"}, desk, opening + "-7@main -8@main -9@main desk"},
		"a wrong key, then a right one":               {[]string{"", "", "7", "#"}, bye, opening + "-7@main +#@main bye"},
		"keys after a wrong one are not read":         {[]string{"", "", "72", "1"}, desk, opening + "-7@main +1@main desk"},
		"star hears it again":                         {[]string{"", "", "*", "1"}, desk, opening + "+*@main main +1@main desk"},
		"input without terminator counts":             {[]string{"", "", "2", "12345", "4444", "1"}, printers, opening + "+2@main account +12345@account pin +****@pin more +1@more printers"},
		"too short an input is asked again":           {[]string{"", "", "2", "12#", "1234#", "4444", "2"}, bye, opening + "+2@main account -12@account +1234@account pin +****@pin more +2@more bye"},
		"a terminator after the last digit":           {[]string{"", "", "2", "123456#", "4444#", "", "1"}, printers, opening + "+2@main account +123456@account pin +****@pin more +1@more printers"},
		"a star in a number is refused":               {[]string{"", "", "2", "12*4#", "1*34#"}, desk, opening + "+2@main account -12*4@account -1*34@account desk"},
		"one digit too many of a PIN is not a key":    {[]string{"", "", "2", "1234#", "44441", "2"}, bye, opening + "+2@main account +1234@account pin +****@pin more +2@more bye"},
		"a short PIN is masked too":                   {[]string{"", "", "2", "1234#", "44#", "1#"}, bye, opening + "+2@main account +1234@account pin -****@pin -****@pin bye"},
		"only the terminator is an asking used up":    {[]string{"", "", "2", "#", "1234#"}, bye, opening + "+2@main account +1234@account pin bye"},
		"a PIN that nobody keys leads to the default": {[]string{"", "", "2", "1234#"}, bye, opening + "+2@main account +1234@account pin bye"},
	} {
		t.Run(name, func(t *testing.T) {
			got, hs, err := run(t, flow(t, support), &caller{script: c.script}, ivr.State{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("result (-want +got):\n%s", d)
			}
			if d := cmp.Diff(strings.TrimSpace(c.story), story(hs)); d != "" {
				t.Errorf("story (-want +got):\n%s", d)
			}
		})
	}
}

func TestEachAskingSaysWhatWentWrong(t *testing.T) {
	c := &caller{script: []string{"", "", "7", "", "1"}}
	if _, _, err := run(t, flow(t, support), c, ivr.State{}); err != nil {
		t.Fatal(err)
	}
	want := []call.Media{
		"prompt:en/welcome", "prompt:en/recording-notice", "prompt:en/menu-main",
		"prompt:en/menu-invalid", "prompt:en/menu-main",
		"prompt:en/menu-timeout", "prompt:en/menu-main",
	}
	if d := cmp.Diff(want, c.heard); d != "" {
		t.Errorf("heard (-want +got):\n%s", d)
	}
}

func TestTheStateSaysTheLanguage(t *testing.T) {
	c := &caller{script: []string{"1"}}
	_, hs, err := run(t, flow(t, support), c, ivr.State{Language: "de"})
	if err != nil {
		t.Fatal(err)
	}
	if c.heard[0] != "prompt:de/welcome" || !strings.Contains(story(hs), "!recording-notice/de") {
		t.Errorf("heard %q, story %q", c.heard[0], story(hs))
	}
}

// asked is the leg's Collect as a node asks for it.
type asked struct {
	caller
	got call.Collect
}

func (a *asked) Collect(_ context.Context, c call.Collect) (call.Collected, error) {
	a.got = c
	return call.Collected{Digits: "1"}, nil
}

func TestBargeInAndTypeAheadCanBeTurnedOff(t *testing.T) {
	f := flow(t, `
start: m
nodes:
  m: {type: menu, play: menu-main, digits: {1: q}, default: q, barge-in: false, type-ahead: false, timeout: 7s}
  q: {type: queue, queue: service-desk}
`)
	a := &asked{}
	if _, err := ivr.Run(t.Context(), ivr.Line{Leg: a, Tell: func(ivr.Happening) {}}, f, ivr.State{}); err != nil {
		t.Fatal(err)
	}
	want := call.Collect{
		Prompts: []call.Media{"prompt:en/menu-main"}, Max: 1, First: 7e9, Fresh: true, Uninterrupted: true,
	}
	if d := cmp.Diff(want, a.got); d != "" {
		t.Errorf("collect (-want +got):\n%s", d)
	}
}

func TestACallerGoneEndsTheFlowWithTheCauseInEveryNode(t *testing.T) {
	f := flow(t, support)
	keys := []string{"", "", "2", "1234#", "4444", "1"}
	whole := &caller{script: keys}
	if _, _, err := run(t, f, whole, ivr.State{}); err != nil {
		t.Fatal(err)
	}
	for verb := 1; verb <= whole.verbs; verb++ {
		res, _, err := run(t, f, &caller{script: keys, gone: verb}, ivr.State{})
		if !errors.Is(err, call.Cause{Reason: call.Hangup}) || res != nil {
			t.Errorf("gone in verb %d: result %v, error %v", verb, res, err)
		}
	}
}

func TestAnEndedContextEndsTheFlowWithItsCause(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(call.Cause{Reason: call.Shutdown})
	_, err := ivr.Run(ctx, ivr.Line{Leg: &caller{}, Tell: func(ivr.Happening) {}}, flow(t, support), ivr.State{})
	if !errors.Is(err, call.Cause{Reason: call.Shutdown}) {
		t.Errorf("error %v", err)
	}
}

// Wherever the process dies, the recorded state brings the caller to the same end.
func TestARecordedStateGoesOnAtItsNode(t *testing.T) {
	f := flow(t, support)
	keys := []string{"", "", "2", "1234#", "4444", "1"}
	want, hs, err := run(t, f, &caller{script: keys}, ivr.State{})
	if err != nil {
		t.Fatal(err)
	}
	node := 0
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
		got, again, err := run(t, f, &caller{script: keys[min(node, len(keys)):]}, from)
		node++
		if err != nil {
			t.Fatalf("from %s: %v", recorded, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("from %s (-want +got):\n%s", recorded, d)
		}
		if at := again[0].(ivr.Entered).State.Node; at != e.State.Node {
			t.Errorf("from %s: began at %s", recorded, at)
		}
		if strings.Contains(string(recorded), "4444") {
			t.Errorf("the state %s holds the PIN", recorded)
		}
	}
}

func TestAStateOfAnotherFlowIsRefused(t *testing.T) {
	f := flow(t, support)
	for _, from := range []ivr.State{{Flow: "sales"}, {Node: "nowhere"}} {
		if _, _, err := run(t, f, &caller{}, from); !errors.Is(err, ivr.ErrState) {
			t.Errorf("from %+v: error %v", from, err)
		}
	}
}

func TestACallerWhoNeverStopsKeyingIsLetGo(t *testing.T) {
	c := &caller{script: []string{strings.Repeat("*", 2*ivr.MaxSteps)}}
	got, _, err := run(t, flow(t, support), c, ivr.State{})
	if err != nil {
		t.Fatal(err)
	}
	if got != (ivr.Hangup{Reason: call.LimitPassed}) {
		t.Errorf("result %v", got)
	}
}

func TestSecretDigitsAreReportedNowhere(t *testing.T) {
	c := &caller{script: []string{"", "", "2", "1234#", "8765", "1"}}
	_, hs, err := run(t, flow(t, support), c, ivr.State{})
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprintf("%+v", hs); strings.Contains(all, "8765") {
		t.Errorf("the PIN is in %s", all)
	}
}
